//! Colours and terminals.

use std::process::Command;

use crate::environment::Home;

#[test]
fn piped_output_has_no_escape_sequences() {
    let home = Home::new();
    for args in [&["--help"][..], &["config"], &["status"], &["no-such-verb"]] {
        let answer = home.run(args);
        assert!(!answer.out.contains('\x1b') && !answer.err.contains('\x1b'), "{answer:?}");
    }
}

/// What a verb writes to a terminal, if there is a program here that makes one.
fn on_a_terminal(home: &Home, args: &str, env: &[(&str, &str)]) -> Option<String> {
    let mut command = Command::new("script");
    command.args(["-qec", &format!("{} {args}", env!("CARGO_BIN_EXE_windlass")), "/dev/null"]);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home.path()).env("TERM", "xterm");
    command.env("WINDLASS_DATA_DIR", home.data()).envs(env.iter().copied()).stdin(std::process::Stdio::null());
    match command.output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(_) => {
            windlass_testkit::skip::skipped("script(1)", "Install util-linux.");
            None
        }
    }
}

#[test]
fn no_color_is_kept_on_a_terminal() {
    let home = Home::new();
    let Some(coloured) = on_a_terminal(&home, "status", &[]) else { return };
    assert!(coloured.contains("\x1b[1;31merror:"), "{coloured:?}");
    let plain = on_a_terminal(&home, "status", &[("NO_COLOR", "1")]).unwrap_or_default();
    assert!(plain.contains("error:") && !plain.contains('\x1b'), "{plain:?}");
}

#[test]
fn a_table_on_a_terminal_has_a_heading_and_no_tabs() {
    let home = Home::new();
    let Some(table) = on_a_terminal(&home, "config", &[]) else { return };
    assert!(table.contains("KEY") && !table.contains('\t'), "{table:?}");
    assert!(home.run(&["config"]).out.starts_with("key\tvalue\tfrom\n"));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let home = Home::new();
    let mut child = home
        .command(&["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
