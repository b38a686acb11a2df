//! `ingest`: durable upserts, as many as the server takes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::agent::{Agent, dialer};
use super::fleet::Fleet;
use super::process::cpu_us;
use super::records::Servers;

/// Before the measurement: connections, the first writing of each key, warm caches.
const WARM_UP: Duration = Duration::from_secs(2);

/// What a loader does.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub struct Load {
    /// Connections
    #[arg(long, default_value_t = 20)]
    pub agents: usize,
    /// Keys of each
    #[arg(long, default_value_t = 250)]
    pub keys: usize,
    /// Records of each on their way at most
    #[arg(long, default_value_t = 64)]
    pub window: usize,
    /// Records of a batch, where the protocol has batches
    #[arg(long, default_value_t = 16)]
    pub batch: usize,
    /// Time that is measured
    #[arg(long, default_value_t = 4.0)]
    pub seconds: f64,
    /// The server's process
    #[arg(long)]
    pub pid: u32,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Rate {
    /// Acknowledged in a second.
    pub per_second: f64,
    /// Processor time of the server for each.
    pub cpu_us: f64,
}

/// What connections share with the one who measures.
#[derive(Debug, Default)]
pub struct Progress {
    acked: AtomicU64,
    over: AtomicBool,
}

impl Progress {
    /// So many more were acknowledged.
    pub fn acked(&self, count: u64) {
        self.acked.fetch_add(count, Ordering::Relaxed);
    }

    /// Whether no more need be sent.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// Measures while `connections` work, prints, and waits for them.
pub async fn measure(load: &Load, progress: &Progress, mut connections: JoinSet<()>) {
    tokio::time::sleep(WARM_UP).await;
    let (cpu, acked, begun) = (
        cpu_us(load.pid),
        progress.acked.load(Ordering::Relaxed),
        Instant::now(),
    );
    tokio::time::sleep(Duration::from_secs_f64(load.seconds)).await;
    let count = (progress.acked.load(Ordering::Relaxed) - acked) as f64;
    let rate = Rate {
        per_second: count / begun.elapsed().as_secs_f64(),
        cpu_us: (cpu_us(load.pid) - cpu) as f64 / count,
    };
    progress.over.store(true, Ordering::Relaxed);
    while let Some(ended) = connections.join_next().await {
        ended.unwrap();
    }
    println!("{}", serde_json::to_string(&rate).unwrap());
}

/// Loads a hub over the real link.
pub async fn load_hub(dir: &Path, hub: SocketAddr, load: &Load) {
    let (fleet, progress) = (Arc::new(Fleet::load(dir)), Arc::new(Progress::default()));
    let mut connections = JoinSet::new();
    for number in 0..load.agents {
        let (fleet, progress, load) = (Arc::clone(&fleet), Arc::clone(&progress), load.clone());
        connections.spawn(async move { agent(number, &fleet, hub, &load, &progress).await });
    }
    measure(load, &progress, connections).await;
}

async fn agent(number: usize, fleet: &Fleet, hub: SocketAddr, load: &Load, progress: &Progress) {
    let mut servers = Servers::new(number, load.keys);
    let dialer = dialer(fleet, &fleet.members[number]);
    let mut agent = Agent::connect(&dialer, hub, fleet, servers.id())
        .await
        .unwrap();
    let mut feed = agent.connection.open_feed().await.unwrap();
    let mut bytes = servers.open();
    bytes.extend(servers.batch(load.keys, true));
    feed.write(bytes).await.unwrap();
    let mut acked = 0;
    while acked < servers.seq {
        acked = agent.acked().await;
    }
    while !progress.is_over() {
        while servers.seq - acked + load.batch as u64 <= load.window as u64 {
            feed.write(servers.batch(load.batch, false)).await.unwrap();
        }
        let now = agent.acked().await;
        progress.acked(now.saturating_sub(acked));
        acked = acked.max(now);
    }
    // Its digest says whether the hub holds, and has added up, what was sent.
    feed.write(servers.batch(1, true)).await.unwrap();
    while acked < servers.seq {
        acked = agent.acked().await;
    }
}
