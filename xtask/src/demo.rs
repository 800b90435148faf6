//! `cargo xtask demo`: the main job on a small real repository with a failing test.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;

use crate::process::{cargo, find, root, step, target};

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Which agent does the work: `simulated` needs no account; `claude`, `codex` and `gemini` are those of this machine
    #[arg(long, default_value = "simulated")]
    harness: String,
    /// Keep the temporary directory
    #[arg(long)]
    keep: bool,
}

pub(crate) fn demo(args: &Args) -> anyhow::Result<()> {
    for program in ["git", "node"] {
        if find(program).is_none() {
            bail!("the demo needs {program}, which is not on PATH");
        }
    }
    step("build windlass", cargo().args(["build", "--quiet", "--locked", "--package", "windlass-cli"]))?;
    let windlass = target().join("debug/windlass");
    let dir = tempfile::Builder::new().prefix("windlass-demo-").tempdir()?;
    let (repo, data) = (dir.path().join("slug"), dir.path().join("data"));
    make_repository(&repo)?;

    let agent = if args.harness == "simulated" {
        "the simulated agent (a script: no account, no model)".to_owned()
    } else {
        format!("{} of this machine", args.harness)
    };
    println!(
        "\nA small repository with a failing test: {}\nThe goal \"make the test pass\" goes through plan → implement → review, by {agent}.\n",
        repo.display()
    );
    let mut run = Command::new(&windlass);
    run.args(["run", "make the test pass", "--type", "plan", "--harness", &args.harness, "--verify", "node --test", "--repo"]).arg(&repo);
    if args.harness == "simulated" {
        run.arg("--script").arg(root().join("xtask/demo/script.toml"));
    }
    let ended = run
        .env("WINDLASS_DATA_DIR", &data)
        .env_remove("WINDLASS_URL")
        .env_remove("WINDLASS_TOKEN")
        .status()
        .context("could not start windlass")?;
    if !ended.success() {
        let kept = dir.keep();
        bail!("the assignment did not end complete ({ended}); everything is kept in {}", kept.display());
    }
    show(&repo)?;
    let kept = args.keep.then(|| dir.keep());
    println!("\nWhere to look next");
    match kept {
        Some(kept) => println!("  it is all in {}: WINDLASS_DATA_DIR={} {} up", kept.display(), data.display(), windlass.display()),
        None => println!("  cargo xtask demo --keep                 keeps the repository and the data to look at"),
    }
    println!("  cargo xtask demo --harness claude       the same with the Claude Code of this machine");
    println!("  {} run \"GOAL\" --repo DIR   the same with your own repository", windlass.display());
    Ok(())
}

/// The branch as it stands in the repository, its check run once more by us.
fn show(repo: &Path) -> anyhow::Result<()> {
    let branches =
        output(Command::new("git").arg("-C").arg(repo).args(["for-each-ref", "--format=%(refname:short)", "refs/heads/windlass/"]))?;
    let Some(branch) = branches.lines().next() else { bail!("no branch was delivered") };
    println!("\nThe branch, as it stands in your repository (your own branch and working tree are as they were):\n");
    println!(
        "{}",
        output(Command::new("git").arg("-C").arg(repo).args(["log", "--stat", "--format=%h %s%n%n%b", &format!("main..{branch}")]))?
    );
    println!("{}", output(Command::new("git").arg("-C").arg(repo).args(["diff", &format!("main...{branch}")]))?);
    let check = repo.with_file_name("check");
    output(Command::new("git").args(["clone", "--quiet", "--branch", branch]).arg(repo).arg(&check))?;
    let green = Command::new("node").arg("--test").current_dir(&check).stdout(Stdio::null()).status()?.success();
    println!("node --test on a fresh clone of {branch}: {}", if green { "passes" } else { "FAILS" });
    if !green {
        bail!("the delivered branch does not pass its check");
    }
    Ok(())
}

fn make_repository(repo: &Path) -> anyhow::Result<()> {
    let from = root().join("xtask/demo/repo");
    for file in ["package.json", "slug.js", "test/slug.test.js"] {
        let to = repo.join(file);
        std::fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        std::fs::copy(from.join(file), to)?;
    }
    let git = |args: &[&str]| {
        output(
            Command::new("git")
                .arg("-C")
                .arg(repo)
                .args(["-c", "user.name=Demo", "-c", "user.email=demo@localhost", "-c", "init.defaultBranch=main"])
                .args(args),
        )
    };
    git(&["init", "--quiet"])?;
    git(&["add", "--all"])?;
    git(&["commit", "--quiet", "--message", "slug, with a test that fails"])?;
    Ok(())
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let out = command.stderr(Stdio::inherit()).output().with_context(|| format!("could not start {}", command.get_program().display()))?;
    if !out.status.success() {
        bail!("{} failed ({})", command.get_program().display(), out.status);
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}
