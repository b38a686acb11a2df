//! One benchmark from beginning to end: servers, loaders, interleaved rounds, medians.

mod idle;
mod ingest;
mod storm;
mod wire;

use super::figures::show;
use super::process::output;
use super::servers::{LOADER_CORE, Running, SERVER_CORE, Server};

/// What `run` is asked for.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Which benchmark
    pub name: Name,
    /// A line of JSON for each figure, for machines
    #[arg(long)]
    pub json: bool,
    /// Interleaved rounds
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Records of a batch (ingest)
    #[arg(long, default_value_t = 16)]
    pub batch: usize,
    /// Records of one agent on their way (ingest)
    #[arg(long, default_value_t = 64)]
    pub window: usize,
    /// Agents (idle)
    #[arg(long, default_value_t = 5000)]
    pub agents: usize,
    /// Ours alone, without the peers
    #[arg(long)]
    pub alone: bool,
}

/// The benchmarks.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Name {
    /// Durable upserts
    Ingest,
    /// Memory of an idle agent's connection
    Idle,
    /// Bytes of a change, and of a minute without one
    Wire,
    /// All agents back after the hub was killed
    Storm,
}

/// Runs a benchmark and prints its figures.
pub fn run(options: &Options) {
    let figures = match options.name {
        Name::Ingest => ingest::ingest(options),
        Name::Idle => idle::idle(options),
        Name::Wire => wire::wire(options),
        Name::Storm => storm::storm(options),
    };
    show(&figures, options.json);
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

/// Runs a loader of this program against a server, and reads what it measured.
fn load<T: serde::de::DeserializeOwned>(running: &Running, command: &[&str], more: &[String]) -> T {
    let mut arguments = words(command);
    arguments.extend(words(&["--dir", running.dir.to_str().unwrap()]));
    arguments.extend(words(&["--server", &running.address.to_string()]));
    arguments.extend(words(&["--pid", &running.process.pid().to_string()]));
    arguments.extend(more.iter().cloned());
    let own = std::env::current_exe().unwrap();
    serde_json::from_str(output(LOADER_CORE, &own, &arguments).trim()).unwrap()
}

/// Every server once in each round, so that what else the machine does falls on all alike.
fn rounds<T>(
    options: &Options,
    servers: &[Server],
    once: impl Fn(Server) -> T,
) -> Vec<(Server, Vec<T>)> {
    let mut results: Vec<(Server, Vec<T>)> = servers.iter().map(|it| (*it, Vec::new())).collect();
    for round in 1..=options.rounds {
        for (server, results) in &mut results {
            eprintln!(
                "round {round} of {}: {} on core {SERVER_CORE}, loader on core {LOADER_CORE}",
                options.rounds,
                server.name()
            );
            results.push(once(*server));
        }
    }
    results
}
