//! The soak's program: `cargo xtask soak` builds and runs it.

use std::time::Duration;

use clap::{Parser, Subcommand};
use tests::chaos::{Soak, soak};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// One directory: a hub, three regions, agents that are killed, Keystones that fail
    Org(Org),
}

#[derive(clap::Args)]
struct Org {
    /// Operations at the hub and in the regions
    #[arg(long, default_value_t = 10_000)]
    operations: usize,
    /// What everything is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// With simulated Keystones alone, where no real one can be brought up
    #[arg(long)]
    simulated: bool,
    /// How long all may take to come to rest afterwards, in seconds
    #[arg(long, default_value_t = 1800)]
    patience: u64,
}

fn main() {
    let Command::Org(asked) = Cli::parse().command;
    let soaked = soak(Soak {
        seed: asked.seed,
        operations: asked.operations,
        real: !asked.simulated,
        hangs: true,
        patience: Duration::from_secs(asked.patience),
    });
    println!("{soaked:?}");
}
