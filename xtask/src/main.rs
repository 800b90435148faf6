//! Developer tasks: `cargo xtask test`, `cargo xtask demo`, `cargo xtask chaos`, `cargo xtask bench …`.
//!
//! Everything here drives programs that are on the machine or come from the package registries, and says loudly what is
//! missing. With `CI=true` a missing part fails the run.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool speaks on the terminal")]

mod bench;
mod chaos;
mod demo;
mod peers;
mod process;
mod schemathesis;
mod secrets;
mod setup;
mod simulate;
mod test;
mod upgrade;
mod web;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer tasks of Windlass")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need and can be had here: agent CLIs from npm, and with root on Debian bubblewrap
    Setup,
    /// Run everything that has to pass: format, lints, tests on both databases, documentation
    Test(test::Args),
    /// Ask a daemon everything that its API's document describes, well and badly
    Schemathesis(schemathesis::Args),
    /// Build the page into web/dist, where the next build of the binary takes it from
    Web,
    /// Play the engine's core through simulated worlds with lost messages, crashes, pauses and wrong clocks
    Simulate(simulate::Args),
    /// Run the main job on a small real repository and show it live
    Demo(demo::Args),
    /// Run the fault suite round and round with fresh seeds
    Chaos(chaos::Args),
    /// Run an older revision's binary and this one's side by side on one PostgreSQL under load
    Upgrade(upgrade::Args),
    /// Measure
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Subcommand)]
enum Bench {
    /// The engine by itself, beside what the machine can do
    Engine(bench::Args),
    /// The engine and others side by side in one run, as ratios
    Peers(peers::Args),
    /// The secret scanner and others on the same files in one run, as a table
    Secrets(secrets::Args),
    /// What starting a program costs at each level of the sandbox
    Sandbox,
}

fn main() -> std::process::ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(e) => {
            // Without a backtrace: what failed is a program, which has said why.
            let causes: Vec<String> = e.chain().map(ToString::to_string).collect();
            eprintln!("\nerror: {}", causes.join(": "));
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Setup => setup::everything().map(|_| ()),
        Task::Test(args) => test::test(&args),
        Task::Schemathesis(args) => schemathesis::run(&args),
        Task::Web => web::build().map(drop),
        Task::Simulate(args) => simulate::simulate(&args),
        Task::Demo(args) => demo::demo(&args),
        Task::Chaos(args) => chaos::chaos(&args),
        Task::Upgrade(args) => upgrade::upgrade(&args),
        Task::Bench(Bench::Engine(args)) => bench::bench(&args),
        Task::Bench(Bench::Sandbox) => bench::sandbox(),
        Task::Bench(Bench::Peers(args)) => peers::peers(&args, bench::release),
        Task::Bench(Bench::Secrets(args)) => secrets::secrets(&args),
    }
}
