//! `idle`: what a connection costs that only lives.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use shared::ids::FeedId;
use tokio::task::JoinSet;

use super::agent::{Agent, dialer};
use super::fleet::Fleet;
use super::process::{cpu_us, rss_bytes};
use super::tls::{Identities, client_config};
use super::{mqtt, nats, quic};

/// Handshakes at a time: fewer than a hub lets one source have.
const AT_ONCE: usize = 24;

/// One connection's coming, with all that others have before it.
const CONNECT_MAX: Duration = Duration::from_secs(30);

/// What a loader does.
#[derive(Debug, Clone, clap::Args)]
pub struct Hold {
    /// Connections
    #[arg(long, default_value_t = 5000)]
    pub agents: usize,
    /// Time that they are held before memory is read
    #[arg(long, default_value_t = 15.0)]
    pub seconds: f64,
    /// The server's process
    #[arg(long)]
    pub pid: u32,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Held {
    /// Memory of the server for each connection.
    pub bytes: f64,
    /// Processor time of the server for each connection's coming.
    pub connect_us: f64,
    /// Share of a core while all are idle.
    pub core_share: f64,
}

/// Which server is held on to.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Protocol {
    /// A hub.
    Hub,
    /// An MQTT broker.
    Mqtt,
    /// A NATS server.
    Nats,
    /// QUIC alone.
    Quic,
}

/// Connects, holds, prints.
///
/// # Panics
/// If a connection does not come about, or ends before the others were measured.
pub async fn hold(protocol: Protocol, dir: &Path, server: SocketAddr, hold: &Hold) {
    let (rss, cpu) = (rss_bytes(hold.pid), cpu_us(hold.pid));
    let mut held = connect_all(protocol, dir, server, hold.agents).await;
    let connected = cpu_us(hold.pid);
    let begun = Instant::now();
    let hold_on = Duration::from_secs_f64(hold.seconds);
    if let Ok(Some(ended)) = tokio::time::timeout(hold_on, held.join_next()).await {
        let (left, all) = (held.len(), hold.agents);
        let why = ended.unwrap();
        panic!("a connection ended, {left} of {all} are left: {why}");
    }
    let agents = hold.agents as f64;
    let held = Held {
        bytes: rss_bytes(hold.pid).saturating_sub(rss) as f64 / agents,
        connect_us: (connected - cpu) as f64 / agents,
        core_share: (cpu_us(hold.pid) - connected) as f64 / begun.elapsed().as_micros() as f64,
    };
    println!("{}", serde_json::to_string(&held).unwrap());
}

/// Connections, each of which says why it ended.
type Connections = JoinSet<String>;

async fn connect_all(
    protocol: Protocol,
    dir: &Path,
    server: SocketAddr,
    agents: usize,
) -> Connections {
    let connections = Mutex::new(JoinSet::new());
    let hold = |connection: BoxFuture<'static, String>| {
        connections.lock().unwrap().spawn(connection);
    };
    let tls = Arc::new(client_config(&Identities::load(dir)));
    let fleet = match protocol {
        Protocol::Hub => Some(Arc::new(Fleet::load(dir))),
        Protocol::Mqtt | Protocol::Nats | Protocol::Quic => None,
    };
    let connect = async |number: usize| {
        let connecting = async {
            match (protocol, &fleet) {
                (Protocol::Hub, Some(fleet)) => hold(agent(fleet, server, number).await),
                (Protocol::Mqtt, _) => {
                    let client = mqtt::Client::connect(&tls, server, number).await;
                    hold(Box::pin(client.idle()));
                }
                (Protocol::Quic, _) => {
                    let client = quic::Client::connect(&tls, server).await;
                    hold(Box::pin(client.idle()));
                }
                (Protocol::Nats | Protocol::Hub, _) => {
                    let client = nats::Client::connect(&tls, server).await;
                    hold(Box::pin(client.idle()));
                }
            }
        };
        if tokio::time::timeout(CONNECT_MAX, connecting).await.is_err() {
            panic!("connection {number} of {agents} did not come about in {CONNECT_MAX:?}");
        }
    };
    stream::iter(0..agents)
        .for_each_concurrent(AT_ONCE, connect)
        .await;
    connections.into_inner().unwrap()
}

async fn agent(fleet: &Fleet, server: SocketAddr, number: usize) -> BoxFuture<'static, String> {
    let dialer = dialer(fleet, &fleet.members[number]);
    let feed = FeedId::from_random(number as u128 + 1);
    let agent = Agent::connect(&dialer, server, fleet, feed).await;
    let mut agent = agent.unwrap_or_else(|why| panic!("agent {number} can't connect: {why}"));
    Box::pin(async move { format!("agent {number}: {}", agent.live().await) })
}
