//! `cargo xtask upgrade --from REV`: two versions on one database.

use std::process::Command;

use anyhow::ensure;
use clap::Args as ClapArgs;

use crate::process::{cargo, root, step};

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// The revision to upgrade from: a commit, tag or branch
    #[arg(long, value_name = "REV")]
    from: String,
}

pub(crate) fn upgrade(args: &Args) -> anyhow::Result<()> {
    ensure!(!args.from.starts_with('-'), "{:?} is not a revision", args.from);
    let folder = tempfile::tempdir()?;
    let tree = folder.path().join("tree");
    let target = root().join("target/upgrade-from");
    step(&format!("check {} out", args.from), Command::new("git").args(["worktree", "add", "--detach"]).arg(&tree).arg(&args.from))?;
    let built = step(
        &format!("build {}", args.from),
        cargo()
            .args(["build", "--locked", "--package", "windlass-cli", "--manifest-path"])
            .arg(tree.join("Cargo.toml"))
            .env("CARGO_TARGET_DIR", &target),
    );
    step("remove the tree", Command::new("git").args(["worktree", "remove", "--force"]).arg(&tree))?;
    built?;
    let mut test = cargo();
    test.args(["run", "--quiet", "--locked", "--package", "windlass-testkit", "--bin", "windlass-test-postgres", "--"]);
    test.arg(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    test.args(["test", "--locked", "--package", "windlass-cli", "--test", "nodes", "upgrade", "--", "--nocapture"]);
    step("old and new side by side", test.env("WINDLASS_UPGRADE_FROM", target.join("debug/windlass")))
}
