//! The reference page, completions and man pages come from the one definition of the command line.

use std::fmt::Write as _;
use std::path::Path;

use crate::environment::Home;

/// Each verb that help lists.
fn verbs(home: &Home) -> Vec<String> {
    commands(home, &["-h"])
}

/// Each command that a help page lists.
fn commands(home: &Home, help: &[&str]) -> Vec<String> {
    let help = home.run(help).code(0);
    let commands = help.out.split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    let names = commands.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_reference_page_is_current() {
    let home = Home::new();
    let mut page = String::from(
        "# Command line\n\nMade from the binary's own help; `UPDATE_REFERENCE=1 cargo test -p windlass-cli` writes it anew.\n\n\
         Data goes to standard output, everything else to standard error. Exit codes: 0 done, 1 a fault of Windlass or the machine,\n\
         2 usage, 3 blocked for a person, 4 failed, dead or cancelled, 5 no daemon, 6 a secret was found, 130 interrupted.\n\n\
         Ids may be shortened to any unique piece of at least four digits from either end.\n",
    );
    let mut add = |title: &str, args: &[&str]| {
        let help = home.run(args).code(0).out;
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let _ = write!(page, "\n## {title}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    };
    add("windlass", &["--help"]);
    let verbs = verbs(&home);
    assert!(verbs.len() > 25, "{verbs:?}");
    for verb in &verbs {
        add(&format!("windlass {verb}"), &[verb, "--help"]);
        for command in commands(&home, &[verb, "-h"]) {
            add(&format!("windlass {verb} {command}"), &[verb, &command, "--help"]);
        }
    }
    let _ = write!(page, "\n## Environment\n\n| variable | key in `windlass.toml` | what for |\n| --- | --- | --- |\n");
    for item in home.run(&["config", "--json", "env"]).code(0).json()["items"].as_array().expect("items") {
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let key = if text("key").is_empty() { String::new() } else { format!("`{}`", text("key")) };
        let _ = writeln!(page, "| `{}` | {key} | {} |", text("id"), text("help"));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("its folder");
        std::fs::write(&path, &page).expect("the page");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "docs/reference/cli.md is stale: UPDATE_REFERENCE=1 cargo test -p windlass-cli writes it anew");
}

#[test]
fn hidden_verbs_are_shown_nowhere() {
    let home = Home::new();
    for args in [&["--help"][..], &["completions", "bash"], &["man"]] {
        let text = home.run(args).code(0).out;
        assert!(!text.contains("simulate-agent") && !text.contains(" launch"), "{args:?}");
    }
}

#[test]
fn completions_are_there_for_every_shell_and_know_the_verbs() {
    let home = Home::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let text = home.run(&["completions", shell]).code(0).out;
        assert!(text.contains("insert-job"), "{shell}");
    }
    home.run(&["completions", "dos"]).code(2);
}

#[test]
fn each_verb_has_a_man_page() {
    let home = Home::new();
    let dir = home.path().join("man");
    home.run(&["man", "--dir", dir.to_str().expect("UTF-8")]).code(0);
    assert!(dir.join("windlass.1").exists());
    for verb in verbs(&home) {
        let page = std::fs::read_to_string(dir.join(format!("windlass-{verb}.1"))).unwrap_or_default();
        assert!(page.contains("SYNOPSIS"), "{verb}");
    }
    assert!(home.run(&["man"]).code(0).out.contains(".TH windlass 1"));
}
