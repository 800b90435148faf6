//! Colours and terminals.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::daemon::Daemon;
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
fn the_browser_is_started_without_the_code_that_signs_it_in() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    let started = home.path().join("started");
    rustix::fs::mknodat(rustix::fs::CWD, &started, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR, 0)
        .expect("a pipe");
    let program = home.write("bin/xdg-open", &format!("#!/bin/sh\nprintf '%s|' \"$@\" > {}\n", started.display()));
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("it may be run");
    let path = format!("{}:{}", home.path().join("bin").display(), std::env::var("PATH").unwrap_or_default());
    // The terminal stays until the browser has said what it was started with.
    let args = format!("open; timeout 60 cat {}", started.display());
    let Some(said) = on_a_terminal(&home, &args, &[("PATH", &path), ("DISPLAY", ":0"), ("NO_COLOR", "1")]) else { return };
    let page = home.data().join("open.html");
    assert!(said.ends_with(&format!("{}|", page.display())), "{said:?}");
    let link = said.split_whitespace().find(|word| word.contains("/login#wlc_")).expect("the link is printed");
    assert!(link.starts_with(&daemon.url), "{link}");
    assert!(std::fs::read_to_string(&page).expect("the page").contains(&format!("url={link}\"")), "{said:?}");
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
