//! `wire`: bytes of UDP payload, both ways together, as a relay between agent and hub counts them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::transport::FrameWriter;

use super::agent::{Agent, dialer};
use super::fleet::Fleet;
use super::records::Servers;
use crate::relay::{Relay, Way};

/// Ten heartbeats.
const IDLE: Duration = Duration::from_secs(40);

/// Between changes of a quiet cloud: each is alone in its packet, and acknowledged alone.
const APART: Duration = Duration::from_millis(150);

const CHANGES: u64 = 100;

/// Changes that an agent finds in one look at a busy cloud.
const TOGETHER: usize = 10;

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Bytes {
    /// Of an agent that says only that it lives, in a minute.
    pub idle_minute: f64,
    /// Of a change that comes alone.
    pub alone: f64,
    /// Of a change that comes with nine others.
    pub together: f64,
    /// Datagrams of a change that comes alone, both ways.
    pub datagrams_alone: f64,
}

/// What has passed.
#[derive(Debug, Clone, Copy)]
struct Passed {
    bytes: f64,
    datagrams: f64,
}

struct Counter {
    relay: Relay,
}

impl Counter {
    fn total(&self) -> Passed {
        let both = |of: fn(&Relay, Way) -> u64| {
            (of(&self.relay, Way::Up) + of(&self.relay, Way::Down)) as f64
        };
        Passed {
            bytes: both(Relay::bytes),
            datagrams: both(Relay::datagrams),
        }
    }

    /// What each of [`CHANGES`] takes, sent so many at a time. Whoever reports says thereby that it
    /// lives, so there are no heartbeats in it.
    async fn changes(
        &self,
        agent: &mut Agent,
        feed: &mut FrameWriter,
        servers: &mut Servers,
        at_once: usize,
    ) -> Passed {
        let before = self.total();
        for _ in 0..CHANGES / at_once as u64 {
            feed.write(servers.batch(at_once, true)).await.unwrap();
            while agent.acked().await < servers.seq {}
            tokio::time::sleep(APART).await;
        }
        let now = self.total();
        Passed {
            bytes: (now.bytes - before.bytes) / CHANGES as f64,
            datagrams: (now.datagrams - before.datagrams) / CHANGES as f64,
        }
    }
}

/// Counts, prints.
pub async fn count(dir: &Path, hub: SocketAddr) {
    let fleet = Fleet::load(dir);
    let relay = Relay::start(hub, 1).await.unwrap();
    let mut servers = Servers::plain(0, 250);
    let dialer = dialer(&fleet, &fleet.members[0]);
    let address = relay.address();
    let mut agent = Agent::connect(&dialer, address, &fleet, servers.id())
        .await
        .unwrap();
    let mut feed = agent.connection.open_feed().await.unwrap();
    let mut bytes = servers.open();
    bytes.extend(servers.batch(250, true));
    feed.write(bytes).await.unwrap();
    while agent.acked().await < servers.seq {}
    // The search for the path's largest packet comes to its end.
    tokio::time::timeout(Duration::from_secs(10), agent.live())
        .await
        .unwrap_err();

    let counter = Counter { relay };
    let before = counter.total();
    tokio::time::timeout(IDLE, agent.live()).await.unwrap_err();
    let idle = counter.total().bytes - before.bytes;
    let alone = counter
        .changes(&mut agent, &mut feed, &mut servers, 1)
        .await;
    let together = counter
        .changes(&mut agent, &mut feed, &mut servers, TOGETHER)
        .await;
    let bytes = Bytes {
        idle_minute: idle / IDLE.as_secs_f64() * 60.0,
        alone: alone.bytes,
        together: together.bytes,
        datagrams_alone: alone.datagrams,
    };
    println!("{}", serde_json::to_string(&bytes).unwrap());
}
