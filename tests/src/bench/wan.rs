//! `wan`: one region far away sends its whole cloud and all that changes, as fast as it can.
//!
//! The hub's whole path, a commit before each acknowledgement; at the agent's end the product's own
//! outbox (what may be on its way), dialer and congestion control, with batches as large as the
//! spool's, encoded beforehand: the spool's reading is not in it. Between them stands the tests'
//! UDP relay as a process of its own on the loader's core: half the round trip each way, and each
//! datagram lost by chance, each way, from a seed.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use shared::link::inbox::Position;
use shared::link::outbox::{Extent, Outbox, Step};
use shared::model::Feed;
use shared::transport::FrameWriter;
use shared::wire::frame::FeedFrame;
use tokio::sync::watch;

use super::agent::{Agent, dialer};
use super::fleet::Fleet;
use super::ingest::Rate;
use super::process::cpu_us;
use super::records::Servers;
use crate::relay::{Faults, Relay};

/// Servers of the region.
const KEYS: usize = 20_000;

/// Records of a batch: with 300 bytes each they come to the spool's 256 KiB.
const BATCH: usize = 800;

/// What the relay does.
#[derive(Debug, Clone, clap::Args)]
pub struct Line {
    /// From one end to the other and back, ms
    #[arg(long, default_value_t = 200)]
    pub rtt_ms: u64,
    /// Share of the datagrams that are lost, each way
    #[arg(long, default_value_t = 0.01)]
    pub loss: f64,
    /// What chance begins with
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// What a loader does.
#[derive(Debug, Clone, clap::Args)]
pub struct Haul {
    /// Before the measurement: windows grow with every round trip
    #[arg(long, default_value_t = 15.0)]
    pub warm_up: f64,
    /// Time that is measured
    #[arg(long, default_value_t = 30.0)]
    pub seconds: f64,
    /// The least that a round trip must then take, ms: that there is a line at all
    #[arg(long, default_value_t = 200)]
    pub rtt_ms: u64,
    /// The hub's process
    #[arg(long)]
    pub pid: u32,
}

impl Haul {
    fn rtt_min(&self) -> Duration {
        Duration::from_millis(self.rtt_ms)
    }
}

/// Stands between agents and `hub` until the process is ended.
pub async fn stand(hub: SocketAddr, line: &Line) {
    let relay = Relay::start(hub, line.seed).await.unwrap();
    relay.set_both(Faults {
        delay: Duration::from_millis(line.rtt_ms / 2),
        loss: line.loss,
        ..Faults::default()
    });
    println!("READY {}", relay.address());
    std::future::pending::<()>().await;
}

/// Sends, prints.
///
/// # Panics
/// If the connection ends, or the hub does not hold at the end what was sent.
pub async fn haul(dir: &Path, relay: SocketAddr, haul: &Haul) {
    let fleet = Fleet::load(dir);
    let mut servers = Servers::new(0, KEYS);
    let dialer = dialer(&fleet, &fleet.members[0]);
    let agent = Agent::connect(&dialer, relay, &fleet, servers.id()).await;
    let mut agent = agent.unwrap();
    let mut feed = agent.connection.open_feed().await.unwrap();
    let connection = agent.connection.clone();
    let (acked, mut progress) = watch::channel(0);
    let listening = tokio::spawn(async move {
        loop {
            let seq = agent.acked().await;
            acked.send_replace(seq);
        }
    });
    let begun = Instant::now();
    let measured = {
        let progress = progress.clone();
        let haul = haul.clone();
        tokio::spawn(async move { measure(&haul, &progress).await })
    };
    let all = Duration::from_secs_f64(haul.warm_up + haul.seconds);
    send(&mut feed, &mut servers, &mut progress, || {
        begun.elapsed() < all
    })
    .await;
    let wait = progress.wait_for(|acked| *acked >= servers.seq);
    assert!(
        tokio::time::timeout(Duration::from_secs(30), wait)
            .await
            .is_ok_and(|it| it.is_ok()),
        "the hub does not acknowledge what was sent last: {:?}",
        listening.is_finished()
    );
    let rtt = connection.rtt();
    assert!(rtt >= haul.rtt_min(), "the line is not long: {rtt:?}");
    println!(
        "{}",
        serde_json::to_string(&measured.await.unwrap()).unwrap()
    );
}

async fn measure(haul: &Haul, progress: &watch::Receiver<u64>) -> Rate {
    tokio::time::sleep(Duration::from_secs_f64(haul.warm_up)).await;
    let (cpu, acked, begun) = (cpu_us(haul.pid), *progress.borrow(), Instant::now());
    tokio::time::sleep(Duration::from_secs_f64(haul.seconds)).await;
    let count = (*progress.borrow() - acked) as f64;
    Rate {
        per_second: count / begun.elapsed().as_secs_f64(),
        cpu_us: (cpu_us(haul.pid) - cpu) as f64 / count,
    }
}

/// Sends what the outbox allows while `goes_on`, and ends with the digest of all.
async fn send(
    feed: &mut FrameWriter,
    servers: &mut Servers,
    progress: &mut watch::Receiver<u64>,
    goes_on: impl Fn() -> bool,
) {
    let extent = Extent {
        id: servers.id(),
        // There is always more.
        head: i64::MAX as u64,
        horizon: 0,
        whole: true,
    };
    let mut outbox = Outbox::new(Feed::Inventory, extent);
    outbox.position(&Position::NONE.cursor(1));
    while goes_on() {
        outbox.acked(*progress.borrow_and_update());
        match outbox.next() {
            Some(Step::Open(open)) => {
                let mut bytes = Vec::new();
                FeedFrame::Open(open).encode(&mut bytes).unwrap();
                feed.write(bytes).await.unwrap();
                outbox.opened(&open);
            }
            Some(Step::Read { after }) => {
                let is_snapshots_end = servers.seq as usize + BATCH == KEYS;
                let bytes = servers.batch(BATCH, is_snapshots_end);
                let len = bytes.len();
                feed.write(bytes).await.unwrap();
                outbox.sent(after, servers.seq, len, true);
            }
            Some(Step::Renew { .. }) => panic!("only a log is ever overtaken"),
            None => progress.changed().await.expect("the connection is gone"),
        }
    }
    feed.write(servers.batch(1, true)).await.unwrap();
}
