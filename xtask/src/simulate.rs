//! `cargo xtask simulate`: the engine's core through thousands of simulated worlds.

use clap::Args as ClapArgs;

use crate::process::{cargo, step};

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// How many seeds are played
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// From which seed on
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Play this one seed, and show what happened
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
}

impl Default for Args {
    fn default() -> Self {
        Self { seeds: 2_000, first: 1, seed: None }
    }
}

pub(crate) fn simulate(args: &Args) -> anyhow::Result<()> {
    let mut test = cargo();
    // The whole workspace's features: what the other tests are built with.
    test.args(["test", "--locked", "--workspace", "--test", "simulation", "--", "every_seed_keeps_every_promise", "--nocapture"]);
    match args.seed {
        Some(seed) => test.env("SIM_SEED", seed.to_string()),
        None => test.env("SIM_SEEDS", args.seeds.to_string()).env("SIM_FIRST", args.first.to_string()),
    };
    step("simulation", &mut test)
}
