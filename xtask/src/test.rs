//! `cargo xtask test`: everything that has to pass.

use clap::Args as ClapArgs;

use crate::process::{cargo, find, step};
use crate::{schemathesis, setup, web};

/// The seeds that the simulation plays here; `cargo xtask simulate` plays more.
const SEEDS: u64 = 500;

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Only tests whose name holds this
    filter: Option<String>,
    /// Skip format, lints and documentation
    #[arg(long)]
    quick: bool,
}

pub(crate) fn test(args: &Args) -> anyhow::Result<()> {
    setup::everything()?;
    if !args.quick {
        step("format", cargo().args(["fmt", "--all", "--check"]))?;
        step("lints", cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    }
    // The binary brings the page along: it is built first.
    if args.filter.is_none() {
        web::check()?;
    }
    // Tests run the binary: it has to be there, and new.
    step("build", cargo().args(["build", "--workspace", "--all-targets", "--locked"]))?;
    // One PostgreSQL for the whole run; each test makes a database of its own in it.
    let mut tests = cargo();
    tests.args(["run", "--quiet", "--locked", "--package", "windlass-testkit", "--bin", "windlass-test-postgres", "--"]);
    tests.arg(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if find("cargo-nextest").is_some() {
        tests.args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]);
    } else {
        eprintln!("note: cargo-nextest is not installed; cargo test runs the same tests");
        tests.args(["test", "--workspace", "--locked", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    }
    match &args.filter {
        Some(filter) => _ = tests.arg(filter),
        None if !args.quick => _ = tests.env("SIM_SEEDS", SEEDS.to_string()),
        None => {}
    }
    step("tests", &mut tests)?;
    if args.filter.is_none() {
        web::browse()?;
        schemathesis::run(&schemathesis::Args::default())?;
    }
    if !args.quick {
        step("documentation", cargo().args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    Ok(())
}
