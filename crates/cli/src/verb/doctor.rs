use std::path::Path;

use clap::Args;
use serde_json::Value;
use windlass_engine::{sandbox_check, used_harnesses};
use windlass_types::{Harness, Problem};
use windlass_workspace::launch::Launcher;

use crate::cli::{Context, Json};
use crate::config::Settings;
use crate::daemon::engine_config;
use crate::failure::{CliError, Exit, Result};
use crate::output;
use crate::wire::{Doctor, DoctorCheck, HarnessLook};

/// Look at what is installed, logged in and missing
///
/// Works without a daemon too.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: DoctorArgs, context: &Context) -> Result<Exit> {
    let (value, from) = if let Some(client) = context.running_client().await? {
        (client.get::<Value>("/api/v1/doctor", &[]).await?, client.url().to_owned())
    } else {
        let doctor = without_daemon(&context.settings(&context.flags())?).await?;
        (serde_json::to_value(doctor).map_err(|e| CliError::fault(e.to_string()))?, "none runs".to_owned())
    };
    if args.json.json {
        output::json(&value)?;
        return Ok(Exit::Done);
    }
    let doctor: Doctor =
        serde_json::from_value(value).map_err(|e| CliError::fault(format!("the daemon's answer could not be understood: {e}")))?;
    output::data(&format!("daemon     {from}"))?;
    for check in &doctor.checks {
        output::data(&format!("{:10} {}", check.name, output::clean(&check.found)))?;
        print_problems(check.problem.as_slice())?;
    }
    doctor.harnesses.iter().try_for_each(print_harness)?;
    Ok(Exit::Done)
}

fn print_harness(look: &HarnessLook) -> Result<()> {
    let probe = &look.probe;
    let found = match (&probe.path, &probe.version) {
        (Some(path), Some(version)) => format!("{} ({path})", output::one_line(version, 60)),
        (Some(path), None) => path.clone(),
        (None, _) => "not found".to_owned(),
    };
    let login = probe.login.as_ref().map(|l| format!(", login by {l}")).unwrap_or_default();
    let found = match (probe.problems.is_empty(), &probe.path) {
        // Some harnesses need no program of their own.
        (true, None) => "ready".to_owned(),
        (true, Some(_)) => format!("ready: {found}"),
        (false, _) if !look.used => format!("not used: {found}"),
        (false, _) => found,
    };
    output::data(&format!("{:10} {}{login}", probe.harness, output::clean(&found)))?;
    // What an agent lacks that nothing is configured to run is in nobody's way.
    if look.used { print_problems(&probe.problems) } else { Ok(()) }
}

fn print_problems(problems: &[Problem]) -> Result<()> {
    for problem in problems {
        output::data(&format!("{:10} ! {}", "", output::clean(&problem.what)))?;
        output::data(&format!("{:10}   hint: {}", "", output::clean(&problem.hint)))?;
    }
    Ok(())
}

/// The same look from this process.
async fn without_daemon(settings: &Settings) -> Result<Doctor> {
    let config = engine_config::harness_settings(settings)?;
    let user = engine_config::user_files();
    let named = settings.projects.iter().flat_map(|project| project.settings.harness_defaults.values().copied());
    let workers = settings.workers.iter().map(|worker| worker.harness);
    let used = used_harnesses(workers, &settings.harness_defaults, named.chain(settings.harness.keys().copied()));
    let mut harnesses = Vec::new();
    for harness in Harness::ALL {
        let probe = windlass_harness::probe(harness, &config, &user).await;
        harnesses.push(HarnessLook { probe, used: used.contains(&harness) });
    }
    let level = Launcher::detect(config.windlass_exe.clone()).await.level();
    let isolation = sandbox_check(level, settings.sandbox.mode);
    Ok(Doctor { harnesses, checks: vec![git(&config.search_path).await, isolation, disk(&settings.data_dir)] })
}

async fn git(search_path: &str) -> DoctorCheck {
    let program = windlass_workspace::launch::resolve_program("git", search_path);
    let missing = || check("git", "not found".to_owned(), Some(problem("git is needed for every repository", "install git 2.40 or later")));
    let Ok(program) = program else { return missing() };
    let asked = tokio::process::Command::new(program).arg("--version").kill_on_drop(true).output();
    match tokio::time::timeout(std::time::Duration::from_secs(10), asked).await {
        Ok(Ok(answer)) if answer.status.success() => check("git", output::one_line(&String::from_utf8_lossy(&answer.stdout), 80), None),
        _ => missing(),
    }
}

/// The room on the disk that the data directory is on, or will be.
fn disk(data_dir: &Path) -> DoctorCheck {
    const ROOM_MIN: u64 = 1024 * 1024 * 1024;
    let there = data_dir.ancestors().find(|d| d.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(there) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let found = format!("{} MiB free for {}", free / (1024 * 1024), data_dir.display());
            check("disk", found, (free < ROOM_MIN).then(|| problem("less than 1 GiB is free", "free some disk space")))
        }
        Err(e) => check("disk", "unknown".to_owned(), Some(problem(&e.to_string(), "see that the data directory can be reached"))),
    }
}

fn check(name: &str, found: String, problem: Option<Problem>) -> DoctorCheck {
    DoctorCheck { name: name.to_owned(), found, problem }
}

fn problem(what: &str, hint: &str) -> Problem {
    Problem { what: what.to_owned(), hint: hint.to_owned() }
}
