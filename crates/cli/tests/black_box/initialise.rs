//! `windlass init` without a daemon.

use windlass_testkit::repo::TempRepo;

use crate::environment::Home;

fn repo() -> TempRepo {
    TempRepo::new().with_file("a.txt", "a\n").commit("first")
}

#[test]
fn a_repository_joins_and_the_configuration_knows_it() {
    let (home, repo) = (Home::new(), repo());
    let path = repo.path().to_str().expect("UTF-8");
    let answer = home.run(&["init", "--repo", path, "--name", "my.shop", "--verify", "make \"test\"", "--json"]).code(0).json();
    assert_eq!((answer["id"].as_str(), answer["repo"].as_str()), (Some("my.shop"), Some(path)));
    let file = std::fs::read_to_string(repo.path().join(".windlass/project.toml")).expect("the file");
    assert!(file.contains("verify = "), "{file}");
    let shown = home.run(&["config", "--json"]).code(0);
    assert_eq!(shown.err, "", "what init writes has no unknown key");
    let verify = shown.json()["items"].as_array().expect("items").iter().find(|i| i["id"] == "project.my.shop.verify").cloned();
    assert_eq!(verify.and_then(|v| v["value"].as_str().map(str::to_owned)).as_deref(), Some("make \"test\""));
    home.run(&["init", "--repo", path, "--name", "my.shop"]).code(0).says("next:");
}

#[test]
fn what_a_new_configuration_says_of_task_files_is_what_holds_without_it_and_is_said_once() {
    let (home, repo) = (Home::new(), repo());
    for name in ["one", "two"] {
        let other = TempRepo::new().with_file("a.txt", "a\n").commit("first");
        let path = if name == "one" { repo.path() } else { other.path() };
        home.run(&["init", "--repo", path.to_str().expect("UTF-8"), "--name", name]).code(0);
    }
    let config = home.run(&["config", "path"]).code(0).out.trim().to_owned();
    let text = std::fs::read_to_string(&config).expect("the file");
    assert_eq!(text.matches("[files]").count(), 1, "{text}");
    let listed = || home.run(&["config", "--json"]).code(0);
    let mode = || listed().json()["items"].as_array().expect("items").iter().find(|i| i["id"] == "files.mode").cloned();
    let before = mode();
    let keys = text.lines().map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ") || *rest == "[files]").unwrap_or(line));
    std::fs::write(&config, keys.collect::<Vec<_>>().join("\n")).expect("written");
    assert_eq!(listed().err, "", "every key of it is one");
    assert_eq!(mode().map(|m| m["value"].clone()), before.map(|m| m["value"].clone()));
}

#[test]
fn the_earlier_engines_config_is_taken_over() {
    let (home, repo) = (Home::new(), repo());
    let earlier = home.write(
        "config.json",
        r#"{"convexUrl":"https://x.example","namespace":"shop","timeoutMs":90500,"harnessDefaults":{"default":"claude","pm":"codex"}}"#,
    );
    let args = ["init", "--repo", repo.path().to_str().expect("UTF-8"), "--from", earlier.to_str().expect("UTF-8"), "--json"];
    let answer = home.run(&args).code(0).says("convexUrl").json();
    assert_eq!((answer["name"].as_str(), answer["settings"]["timeout_secs"].as_u64()), (Some("shop"), Some(91)));
    assert_eq!(answer["settings"]["harness_defaults"]["pm"].as_str(), Some("codex"));
    let broken = home.write("broken.json", "{\n\"namespace\": 3}");
    home.run(&["init", "--repo", repo.path().to_str().expect("UTF-8"), "--from", broken.to_str().expect("UTF-8")])
        .code(2)
        .says("broken.json:2");
}

#[test]
fn a_file_of_the_repository_is_never_overwritten() {
    let (home, repo) = (Home::new(), repo());
    repo.write(".windlass/project.toml", "verify = \"theirs\"\n");
    let path = repo.path().to_str().expect("UTF-8");
    let answer = home.run(&["init", "--repo", path, "--name", "shop", "--verify", "mine"]).code(0);
    assert!(answer.out.contains("as it is"), "{answer:?}");
    assert_eq!(std::fs::read_to_string(repo.path().join(".windlass/project.toml")).expect("the file"), "verify = \"theirs\"\n");
}

#[test]
fn a_link_in_a_repository_is_not_followed() {
    let (home, repo) = (Home::new(), repo());
    let outside = home.path().join("outside");
    std::fs::create_dir(&outside).expect("a folder");
    std::os::unix::fs::symlink(&outside, repo.path().join(".windlass")).expect("a link");
    home.run(&["init", "--repo", repo.path().to_str().expect("UTF-8")]).code(2).says("is not a directory");
    assert_eq!(std::fs::read_dir(outside).expect("the folder").count(), 0);
}

#[test]
fn a_folder_that_is_no_repository_is_refused() {
    let home = Home::new();
    home.run(&["init"]).code(2).says("not in a git repository").says("hint: ");
    home.run(&["init", "--repo", "nowhere"]).code(2);
    let repo = repo();
    home.run(&["init", "--repo", repo.path().to_str().expect("UTF-8"), "--name", "../x"]).code(2).says("cannot be a project's name");
}

#[test]
fn everything_that_was_named_stands_in_the_configuration_and_what_differs_later_is_told_and_not_dropped() {
    let (home, repo) = (Home::new(), repo());
    let path = repo.path().to_str().expect("UTF-8");
    let first = ["init", "--repo", path, "--name", "shop", "--forge", "acme/shop", "--propose", "--sandbox", "require", "--verify", "true"];
    home.run(&first).code(0);
    let shown = home.run(&["config", "--json"]).code(0);
    assert_eq!(shown.err, "", "every key of it is one");
    let value = |key: &str| {
        let items = shown.json()["items"].as_array().expect("items").clone();
        items.iter().find(|item| item["id"] == format!("project.shop.{key}")).map(|item| item["value"].to_string()).unwrap_or_default()
    };
    for (key, wanted) in [("forge_repository", "acme/shop"), ("propose", "true"), ("sandbox", "require"), ("verify", "true")] {
        assert!(value(key).contains(wanted), "{key}: {}", value(key));
    }
    for again in [&first[..], &["init", "--repo", path, "--name", "shop"]] {
        let answer = home.run(again).code(0);
        assert!(answer.out.contains("already"), "{answer:?}");
    }
    home.run(&["init", "--repo", path, "--name", "shop", "--sandbox", "off"])
        .code(2)
        .says("with other settings")
        .says("[project.shop]")
        .says("sandbox = \"off\"");
}
