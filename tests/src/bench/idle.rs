//! `idle`: what a connection costs that only lives.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use shared::ids::FeedId;

use super::agent::{Agent, dialer};
use super::fleet::Fleet;
use super::process::{cpu_us, rss_bytes};
use super::tls::{Identities, client_config};
use super::{mqtt, nats};

/// Handshakes at a time: fewer than a hub lets one source have.
const AT_ONCE: usize = 24;

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
}

/// Connects, holds, prints.
pub async fn hold(protocol: Protocol, dir: &Path, server: SocketAddr, hold: &Hold) {
    let (rss, cpu) = (rss_bytes(hold.pid), cpu_us(hold.pid));
    let numbers = stream::iter(0..hold.agents);
    match protocol {
        Protocol::Hub => {
            let fleet = Arc::new(Fleet::load(dir));
            let connect = |number| connect(Arc::clone(&fleet), server, number);
            numbers.for_each_concurrent(AT_ONCE, connect).await;
        }
        Protocol::Mqtt => {
            let tls = Arc::new(client_config(&Identities::load(dir)));
            let connect = async |number| {
                let client = mqtt::Client::connect(&tls, server, number).await;
                tokio::spawn(client.idle());
            };
            numbers.for_each_concurrent(AT_ONCE, connect).await;
        }
        Protocol::Nats => {
            let tls = Arc::new(client_config(&Identities::load(dir)));
            let connect = async |_| {
                let client = nats::Client::connect(&tls, server).await;
                tokio::spawn(client.idle());
            };
            numbers.for_each_concurrent(AT_ONCE, connect).await;
        }
    }
    let connected = cpu_us(hold.pid);
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_secs_f64(hold.seconds)).await;
    let agents = hold.agents as f64;
    let held = Held {
        bytes: rss_bytes(hold.pid).saturating_sub(rss) as f64 / agents,
        connect_us: (connected - cpu) as f64 / agents,
        core_share: (cpu_us(hold.pid) - connected) as f64 / begun.elapsed().as_micros() as f64,
    };
    println!("{}", serde_json::to_string(&held).unwrap());
}

async fn connect(fleet: Arc<Fleet>, server: SocketAddr, number: usize) {
    let dialer = dialer(&fleet, &fleet.members[number]);
    let feed = FeedId::from_random(number as u128 + 1);
    let agent = Agent::connect(&dialer, server, &fleet, feed).await.unwrap();
    tokio::spawn(async move {
        agent.idle().await;
        panic!("the hub let go of an agent");
    });
}
