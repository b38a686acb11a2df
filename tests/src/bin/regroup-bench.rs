//! The benchmarks' program: `cargo xtask bench` builds and runs it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tests::bench::idle::{Hold, Protocol};
use tests::bench::ingest::Load;
use tests::bench::scale::Peace;
use tests::bench::wan::{Haul, Line};
use tests::bench::{
    bare, bare_link, etcd, fleet, idle, ingest, join, merge, mqtt, nats, quic, run, scale, storm,
    wan, wire,
};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Everything but `run` is what `run` starts as a process of its own.
#[derive(Subcommand)]
enum Command {
    /// Run a benchmark
    Run(run::Options),
    /// Make a federation
    Found {
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        agents: usize,
        #[arg(long, default_value_t = 0)]
        invitations: usize,
    },
    /// Serve a hub
    ServeHub(Serve),
    /// Serve the bare limit
    ServeBare(Serve),
    /// Serve the link with nothing behind it
    ServeBareLink(Serve),
    /// Serve QUIC alone
    ServeQuic(Serve),
    /// Load a hub
    LoadHub(Loader),
    /// Load the bare limit
    LoadBare(Loader),
    /// Load NATS
    LoadNats(Loader),
    /// Load an MQTT broker
    LoadMqtt(Loader),
    /// Load etcd
    LoadEtcd(Loader),
    /// Come back after the hub was killed
    Weather {
        #[command(flatten)]
        at: At,
        #[arg(long)]
        agents: usize,
    },
    /// Join a hub
    JoinHub {
        #[command(flatten)]
        at: At,
        #[arg(long)]
        pid: u32,
    },
    /// Live in peace
    Live {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        peace: Peace,
    },
    /// Stand between agents and a hub as a long and lossy line
    ServeLine {
        #[arg(long)]
        server: SocketAddr,
        #[command(flatten)]
        line: Line,
    },
    /// Send as much as a line takes
    Haul {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        haul: Haul,
    },
    /// Count bytes between an agent and a hub
    CountWire {
        #[command(flatten)]
        at: At,
        #[arg(long)]
        pid: u32,
    },
    /// Plan the merge of a large organization
    PlanMerge,
    /// Hold idle connections
    Hold {
        protocol: Protocol,
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        hold: Hold,
    },
}

#[derive(clap::Args)]
struct Serve {
    #[arg(long)]
    dir: PathBuf,
    #[arg(long)]
    port: u16,
}

#[derive(clap::Args)]
struct At {
    #[arg(long)]
    dir: PathBuf,
    #[arg(long)]
    server: SocketAddr,
}

#[derive(clap::Args)]
struct Loader {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    load: Load,
}

fn main() {
    shared::pki::install_default_provider();
    let command = Cli::parse().command;
    if let Command::Run(options) = command {
        return run::run(&options);
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(perform(command));
}

async fn perform(command: Command) {
    match command {
        Command::Run(_) => {}
        Command::Found {
            dir,
            agents,
            invitations,
        } => fleet::found(&dir, agents, invitations).await,
        Command::ServeHub(it) => fleet::serve(&it.dir, it.port).await,
        Command::ServeBare(it) => bare::serve(&it.dir, it.port).await,
        Command::ServeBareLink(it) => bare_link::serve(&it.dir, it.port).await,
        Command::ServeQuic(it) => quic::serve(&it.dir, it.port).await,
        Command::LoadHub(it) => ingest::load_hub(&it.at.dir, it.at.server, &it.load).await,
        Command::LoadBare(it) => bare::load(&it.at.dir, it.at.server, &it.load).await,
        Command::LoadNats(it) => nats::load(&it.at.dir, it.at.server, &it.load).await,
        Command::LoadMqtt(it) => mqtt::load(&it.at.dir, it.at.server, &it.load).await,
        Command::LoadEtcd(it) => etcd::load(&it.at.dir, it.at.server, &it.load).await,
        Command::JoinHub { at, pid } => join::join_all(&at.dir, at.server, pid).await,
        Command::Live { at, peace } => scale::live(&at.dir, at.server, &peace).await,
        Command::ServeLine { server, line } => wan::stand(server, &line).await,
        Command::PlanMerge => merge::measure(),
        Command::Haul { at, haul } => wan::haul(&at.dir, at.server, &haul).await,
        Command::CountWire { at, .. } => wire::count(&at.dir, at.server).await,
        Command::Weather { at, agents } => storm::weather(&at.dir, at.server, agents).await,
        Command::Hold { protocol, at, hold } => {
            idle::hold(protocol, &at.dir, at.server, &hold).await;
        }
    }
}
