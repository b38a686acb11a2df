//! `storm`: the hub is killed and started, and every agent comes back with a change.
//!
//! The agents wait as the real one does: a loss is noticed by the new hub's stateless reset, the
//! first attempt is spread over two seconds, later ones over ever more.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, stream};
use shared::backoff::Backoff;
use shared::transport::Dialer;
use shared::wire::frame::Start;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::agent::{Agent, dialer};
use super::fleet::Fleet;
use super::records::Servers;

/// Servers of each region.
const KEYS: usize = 10;

/// Handshakes at a time before the storm.
const AT_ONCE: usize = 24;

/// As in `link::agent`.
const BACKOFF_BASE: Duration = Duration::from_secs(2);
/// As in `link::agent`.
const BACKOFF_CEILING: Duration = Duration::from_secs(30);
/// As in `link::agent`.
const DIAL_MAX: Duration = Duration::from_secs(10);

struct Region {
    dialer: Arc<Dialer>,
    servers: Servers,
    agent: Agent,
}

/// Connects, says READY, and DONE with the unix time in ms when all are fresh again.
pub async fn weather(dir: &Path, hub: SocketAddr, agents: usize) {
    let fleet = Arc::new(Fleet::load(dir));
    let regions: Vec<Region> = stream::iter(0..agents)
        .map(|number| begin(Arc::clone(&fleet), hub, number))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let ready = Arc::new(Barrier::new(agents + 1));
    let mut tasks = JoinSet::new();
    for region in regions {
        let (fleet, ready) = (Arc::clone(&fleet), Arc::clone(&ready));
        tasks.spawn(async move {
            ready.wait().await;
            through(&fleet, hub, region).await;
        });
    }
    ready.wait().await;
    println!("READY");
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    println!("DONE {}", unix_ms());
}

/// Milliseconds since 1970, to compare between processes.
pub fn unix_ms() -> u128 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_millis()
}

async fn begin(fleet: Arc<Fleet>, hub: SocketAddr, number: usize) -> Region {
    let mut servers = Servers::plain(number, KEYS);
    let dialer = dialer(&fleet, &fleet.members[number]);
    let mut agent = Agent::connect(&dialer, hub, &fleet, servers.id())
        .await
        .unwrap();
    let mut bytes = servers.open();
    bytes.extend(servers.batch(KEYS, true));
    let mut feed = agent.connection.open_feed().await.unwrap();
    feed.write(bytes).await.unwrap();
    while agent.acked().await < servers.seq {}
    // The stream stays open with its agent.
    std::mem::forget(feed);
    Region {
        dialer,
        servers,
        agent,
    }
}

async fn through(fleet: &Fleet, hub: SocketAddr, mut region: Region) {
    region.agent.live().await;
    let mut backoff = Backoff::new(BACKOFF_BASE, BACKOFF_CEILING);
    loop {
        tokio::time::sleep(backoff.next(rand::random())).await;
        let id = region.servers.id();
        let connecting = Agent::connect(&region.dialer, hub, fleet, id);
        let Ok(Ok(agent)) = tokio::time::timeout(DIAL_MAX, connecting).await else {
            continue;
        };
        region.agent = agent;
        break;
    }
    let seq = region.agent.cursor().seq;
    assert_eq!(
        seq, region.servers.seq,
        "the hub has lost what it acknowledged"
    );
    let mut bytes = region.servers.open_at(Start::Resume { seq });
    bytes.extend(region.servers.batch(1, true));
    let mut feed = region.agent.connection.open_feed().await.unwrap();
    feed.write(bytes).await.unwrap();
    while region.agent.acked().await < region.servers.seq {}
    std::mem::forget((feed, region));
}
