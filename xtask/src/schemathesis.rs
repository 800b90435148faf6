//! `cargo xtask schemathesis`: a daemon of its own is asked everything that its document describes, well and badly, by a program that
//! knows nothing but the document: no answer may be a fault, and none may be another than the document says.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;

use crate::process::{find, root, step, target};

const VERSION: &str = "schemathesis==4.32.5";

/// Streams never end, and a backup or a restore writes where it is told to.
const LEFT_OUT: &str = "(events|housekeeping/backup|housekeeping/restore)";

#[derive(Default, ClapArgs)]
pub(crate) struct Args {
    /// How many requests are drawn for each operation, beside those that cover every part of the document; none by default
    #[arg(long, value_name = "N", default_value_t = 0)]
    examples: u32,
}

/// Ended with its test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if find("python3").is_none() {
        eprintln!("SKIPPED: schemathesis (python3 is not installed)");
        return Ok(());
    }
    let venv = target().join("schemathesis");
    let program = venv.join("bin/schemathesis");
    if !program.is_file() {
        step("make a place for schemathesis", Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        step("install schemathesis", Command::new(venv.join("bin/pip")).args(["install", "--quiet", VERSION]))?;
    }
    let exe = target().join("debug/windlass");
    let home = tempfile::tempdir()?;
    let data = home.path().join("data");
    let mut child = Command::new(&exe)
        .args(["up", "--listen", "127.0.0.1:0", "--isolation", "rlimits"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("WINDLASS_DATA_DIR", &data)
        .env("LOG_LEVEL", "ERROR")
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start {}", exe.display()))?;
    let out = child.stdout.take();
    let _daemon = Daemon(child);
    let mut line = String::new();
    BufReader::new(out.context("the daemon has no output")?).read_line(&mut line)?;
    let Some(url) = line.trim().strip_prefix("windlass ready on ") else { bail!("the daemon did not start: {line}") };
    let token = std::fs::read_to_string(data.join("token"))?;
    let phases = if args.examples == 0 { "coverage" } else { "coverage,fuzzing" };
    step(
        "schemathesis",
        Command::new(program)
            .arg("run")
            .arg(format!("{url}/api/v1/openapi.json"))
            .args(["--header", &format!("Authorization: Bearer {}", token.trim())])
            .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"])
            .args(["--phases", phases, "--max-examples", &args.examples.max(1).to_string()])
            .args(["--exclude-path-regex", LEFT_OUT]),
    )
}
