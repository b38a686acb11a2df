//! One benchmark from beginning to end: servers, loaders, interleaved rounds, medians.

mod agent;
mod idle;
mod ingest;
mod join;
mod merge;
mod orgsync;
mod propagate;
mod scale;
mod storm;
mod wan;
mod wire;

use std::net::SocketAddr;
use std::time::Duration;

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
    /// Agents (idle and storm: 5000; scale: 10000)
    #[arg(long)]
    pub agents: Option<usize>,
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
    /// The hub's processor time for a region's coming
    Join,
    /// A large fleet in peace
    Scale,
    /// One region behind a long and lossy line
    Wan,
    /// A real agent's memory, and when its loss is seen
    Agent,
    /// The plan for a large organization that joins a large directory
    Merge,
    /// An organization's way into a real Keystone
    Orgsync,
    /// A change's way into twenty Keystones
    Propagate,
}

/// Runs a benchmark and prints its figures.
pub fn run(options: &Options) {
    let figures = match options.name {
        Name::Ingest => ingest::ingest(options),
        Name::Idle => idle::idle(options),
        Name::Wire => wire::wire(options),
        Name::Storm => storm::storm(options),
        Name::Join => join::join(options),
        Name::Scale => scale::scale(options),
        Name::Wan => wan::wan(options),
        Name::Agent => agent::agent(options),
        Name::Merge => merge::merge(options),
        Name::Orgsync => orgsync::orgsync(options),
        Name::Propagate => propagate::propagate(options),
    };
    show(&figures, options.json);
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

/// Runs a loader of this program against a server, and reads what it measured.
///
/// # Panics
/// If it fails, or takes longer than `within`; with the server's last words.
fn load<T: serde::de::DeserializeOwned>(
    running: &Running,
    command: &[&str],
    more: &[String],
    within: Duration,
) -> T {
    load_at(running, running.address, command, more, within)
}

/// As [`load`], through `address`, behind which the server is.
fn load_at<T: serde::de::DeserializeOwned>(
    running: &Running,
    address: SocketAddr,
    command: &[&str],
    more: &[String],
    within: Duration,
) -> T {
    let mut arguments = words(command);
    arguments.extend(words(&["--dir", running.dir.to_str().unwrap()]));
    arguments.extend(words(&["--server", &address.to_string()]));
    arguments.extend(words(&["--pid", &running.process.pid().to_string()]));
    arguments.extend(more.iter().cloned());
    let own = std::env::current_exe().unwrap();
    let printed = output(LOADER_CORE, &own, &arguments, within).unwrap_or_else(|why| {
        panic!("{why}; the server's log:\n{}", running.process.log());
    });
    serde_json::from_str(printed.trim()).unwrap()
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
