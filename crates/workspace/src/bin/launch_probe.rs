//! A stand-in for the `windlass` binary in this crate's own tests: `launch` is the hidden verb, `engine` an engine to be killed.

use std::process::ExitCode;

use windlass_types::SandboxLevel;
use windlass_workspace::launch::{JOB_MARKER, LaunchSpec, Launcher, Limits, Stdin, launch_main};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("launch") => ExitCode::from(launch_main() as u8),
        Some("engine") => engine(&args[1..]),
        _ => ExitCode::from(64),
    }
}

/// `engine LEVEL JOB SCRIPT`: starts the shell script under a launcher and waits for it.
fn engine(args: &[String]) -> ExitCode {
    let ([level, job, script], Ok(exe)) = (args, std::env::current_exe()) else { return ExitCode::from(64) };
    let Ok(level) = level.parse::<SandboxLevel>() else { return ExitCode::from(64) };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return ExitCode::from(70) };
    let ended = runtime.block_on(async {
        let spec = LaunchSpec {
            program: "/bin/sh".into(),
            args: vec!["-c".to_owned(), script.clone()],
            env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned()), (JOB_MARKER.to_owned(), job.clone())].into(),
            cwd: "/".into(),
            stdin: Stdin::Null,
            limits: Limits::default(),
            view: windlass_workspace::launch::View::default(),
        };
        let mut launched = Launcher::new(exe, level).spawn(spec).await?;
        launched.go().await?;
        launched.wait().await
    });
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
