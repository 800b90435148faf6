//! The configuration file, the environment, and what is said about them.

use crate::environment::Home;

#[test]
fn an_unknown_key_warns_with_file_line_and_key_and_the_rest_counts() {
    let home = Home::new();
    let file = home.configure("task_timeout = 77\n\n[engine]\nleese_ms = 3\n");
    let answer =
        home.run(&["config", "--json"]).code(0).says(&format!("warning: {}:4: unknown key `engine.leese_ms` is ignored", file.display()));
    let answer = answer.json();
    let timeout = answer["items"].as_array().expect("items").iter().find(|i| i["id"] == "task_timeout").expect("the key");
    assert_eq!((&timeout["value"], timeout["origin"].as_str()), (&77.into(), Some("file")));
    assert_eq!(timeout["from"].as_str(), Some(format!("{}:1", file.display()).as_str()));
}

#[test]
fn a_value_of_the_wrong_type_is_told_with_file_line_and_key() {
    let home = Home::new();
    let file = home.configure("\n[worker.marie]\nmax_concurrent_tasks = \"three\"\n");
    let at = format!("error: {}:3: `worker.marie.max_concurrent_tasks`: ", file.display());
    home.run(&["config"]).code(2).says(&at).says("hint: ");
    home.run(&["up"]).code(2).says(&at);
}

#[test]
fn a_value_out_of_its_range_is_told_with_file_line_and_key() {
    let home = Home::new();
    for (text, at) in [
        ("\nmax_concurrent_tasks = 10001\n", "2: `max_concurrent_tasks` is 10001"),
        ("[worker.marie]\nmax_concurrent_tasks = 10001\n", "2: `worker.marie.max_concurrent_tasks` is 10001"),
        ("[files]\n\nroot = \"shared\"\n", "3: `files.root` is shared, and has to be an absolute path"),
    ] {
        let file = home.configure(text);
        home.run(&["config"]).code(2).says(&format!("error: {}:{at}", file.display()));
    }
    let answer = home.run_with(&["config"], &[("WINDLASS_SHARED_DIR", "shared")]).code(2).says("`files.root` is");
    assert!(!answer.err.contains("toml:3"), "{answer:?}");
}

#[test]
fn a_file_that_somebody_names_has_to_be_there() {
    let home = Home::new();
    home.run(&["config", "--config", "nowhere.toml"]).code(2).says("nowhere.toml");
    home.run_with(&["config"], &[("WINDLASS_CONFIG", "/nowhere/windlass.toml")]).code(2).says("/nowhere/windlass.toml");
}

#[test]
fn the_working_directory_is_never_searched_for_a_configuration() {
    let home = Home::new();
    home.write("windlass.toml", "listen = \"127.0.0.1:1\"\n");
    home.write(".windlass/windlass.toml", "listen = \"127.0.0.1:1\"\n");
    assert!(!home.run(&["config"]).code(0).out.contains("127.0.0.1:1\t"));
}

#[test]
fn the_environment_outranks_the_file_and_a_flag_outranks_both() {
    let home = Home::new();
    home.configure("data_dir = \"/of/the/file\"\n");
    let origin = |answer: crate::environment::Answer| {
        let answer = answer.code(0).json();
        let item = answer["items"].as_array().expect("items").iter().find(|i| i["id"] == "data_dir").expect("the key").clone();
        (item["value"].as_str().unwrap_or_default().to_owned(), item["origin"].as_str().unwrap_or_default().to_owned())
    };
    let env = [("WINDLASS_DATA_DIR", "/of/the/environment")];
    assert_eq!(origin(home.run_with(&["config", "--json"], &env)), ("/of/the/environment".to_owned(), "environment".to_owned()));
    assert_eq!(origin(home.run_with(&["config", "--json", "--data-dir", "/x"], &env)), ("/x".to_owned(), "flag".to_owned()));
    let empty = [("WINDLASS_DATA_DIR", "")];
    assert_eq!(origin(home.run_with(&["config", "--json"], &empty)), ("/of/the/file".to_owned(), "file".to_owned()));
}

#[test]
fn a_variable_of_the_wrong_kind_is_named() {
    let home = Home::new();
    home.run_with(&["config"], &[("TASK_TIMEOUT", "soon")]).code(2).says("TASK_TIMEOUT=\"soon\"");
    home.run_with(&["config"], &[("LOG_LEVEL", "loud")]).code(2).says("LOG_LEVEL");
}

#[test]
fn every_setting_of_the_environment_table_is_a_known_key() {
    let home = Home::new();
    let settings = home.run(&["config", "--json"]).code(0).json();
    let keys: Vec<&str> = settings["items"].as_array().expect("items").iter().filter_map(|i| i["id"].as_str()).collect();
    for item in home.run(&["config", "--json", "env"]).code(0).json()["items"].as_array().expect("items") {
        let key = item["key"].as_str().unwrap_or_default();
        assert!(key.is_empty() || keys.contains(&key), "{item}");
    }
}

#[test]
fn what_is_not_used_is_said() {
    let home = Home::new();
    home.run_with(&["config"], &[("REDIS_URL", "redis://x")]).code(0).says("REDIS_URL is set and not used");
}

#[test]
fn what_stands_in_nested_tables_is_shown_with_its_line() {
    let home = Home::new();
    let file = home.configure(
        "[project.shop]\nrepo = \"/srv/shop\"\nmax_concurrent = 2\nbudget = { usd = 2.5 }\nmodels = { claude = \"x\" }\n\
         [harness.codex.prices.\"m\"]\ninput = 1.25\noutput = 10.0\n",
    );
    let shown = home.run(&["config", "--json"]).code(0).json();
    let item = |key: &str| shown["items"].as_array().expect("items").iter().find(|item| item["id"] == key).cloned().unwrap_or_default();
    for (key, value, line) in [
        ("project.shop.max_concurrent", 2.into(), 3),
        ("project.shop.budget.usd", 2.5.into(), 4),
        ("project.shop.models.claude", "x".into(), 5),
        ("harness.codex.prices.m.input", serde_json::Value::from(1.25), 7),
    ] {
        assert_eq!(
            (&item(key)["value"], item(key)["from"].as_str()),
            (&value, Some(format!("{}:{line}", file.display()).as_str())),
            "{key}"
        );
    }
}
