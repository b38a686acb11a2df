//! `scale`: a fleet in peace. Each agent has told its services, says that it lives every four
//! seconds unless it spoke anyway, and sends a health sample every ten.
//!
//! Eight agents share their UDP sockets, for want of file descriptors at this end; to the hub they
//! are connections as any others. Their samples are spread over the ten seconds. Before the
//! measurement the fleet lives for [`SETTLE`]; after it, every sample of every agent must have been
//! acknowledged.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use shared::ids::FeedId;
use shared::link::HEARTBEAT;
use shared::model::Feed;
use shared::transport::{Dialer, FrameWriter};
use shared::wire::frame::{Control, feed_code};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::agent::{Agent, dialer, ending};
use super::fleet::Fleet;
use super::process::{cpu_us, rss_bytes};
use super::samples::{SAMPLE_EVERY, open_samples, sample, services};

/// Agents on one pair of sockets.
const TOGETHER: usize = 8;

/// Groups that connect at a time: fewer handshakes than a hub lets one source have.
const AT_ONCE: usize = 24;

/// One agent's coming, with all that others have before it.
const CONNECT_MAX: Duration = Duration::from_secs(30);

/// From the last agent's coming to the measurement.
const SETTLE: Duration = Duration::from_secs(15);

/// The time for the last samples' acknowledgements.
const ACKS_MAX: Duration = Duration::from_secs(10);

/// What a loader does.
#[derive(Debug, Clone, clap::Args)]
pub struct Peace {
    /// Connections
    #[arg(long, default_value_t = 10_000)]
    pub agents: usize,
    /// Time that is measured
    #[arg(long, default_value_t = 60.0)]
    pub seconds: f64,
    /// The hub's process
    #[arg(long)]
    pub pid: u32,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Scale {
    /// Memory of the hub at the end, bytes.
    pub rss: u64,
    /// Share of a core that the hub took.
    pub core_share: f64,
    /// Samples that were acknowledged a second.
    pub samples_per_second: f64,
    /// Processor time of the hub for each connection's coming, µs.
    pub connect_us: f64,
}

/// What all agents count.
#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    acked: AtomicU64,
}

/// Connects, lives, prints.
///
/// # Panics
/// If an agent does not get in, is let go of, or is not answered.
pub async fn live(dir: &Path, hub: SocketAddr, peace: &Peace) {
    let (fleet, counts) = (Arc::new(Fleet::load(dir)), Arc::new(Counts::default()));
    let before = cpu_us(peace.pid);
    let agents = Mutex::new(JoinSet::new());
    let numbers: Vec<usize> = (0..peace.agents).collect();
    let connect = async |numbers: &[usize]| {
        let shared = dialer(&fleet, &fleet.members[numbers[0]]);
        for number in numbers {
            let connecting = Member::connect(&fleet, &shared, hub, *number, &counts);
            let member = tokio::time::timeout(CONNECT_MAX, connecting).await;
            let member = member.unwrap_or_else(|_| panic!("agent {number}: no welcome in time"));
            agents.lock().unwrap().spawn(member.live());
        }
    };
    stream::iter(numbers.chunks(TOGETHER))
        .for_each_concurrent(AT_ONCE, connect)
        .await;
    let mut agents = agents.into_inner().unwrap();
    let connect_us = (cpu_us(peace.pid) - before) as f64 / peace.agents as f64;
    peaceful(&mut agents, SETTLE).await;
    let (cpu, acked) = (cpu_us(peace.pid), counts.acked.load(Ordering::Relaxed));
    let begun = Instant::now();
    peaceful(&mut agents, Duration::from_secs_f64(peace.seconds)).await;
    let seconds = begun.elapsed().as_secs_f64();
    let scale = Scale {
        rss: rss_bytes(peace.pid),
        core_share: (cpu_us(peace.pid) - cpu) as f64 / 1e6 / seconds,
        samples_per_second: (counts.acked.load(Ordering::Relaxed) - acked) as f64 / seconds,
        connect_us,
    };
    let sent = counts.sent.load(Ordering::Relaxed);
    let deadline = Instant::now() + ACKS_MAX;
    while counts.acked.load(Ordering::Relaxed) < sent {
        assert!(
            Instant::now() < deadline,
            "of {sent} samples, {} were acknowledged",
            counts.acked.load(Ordering::Relaxed)
        );
        peaceful(&mut agents, Duration::from_millis(100)).await;
    }
    println!("{}", serde_json::to_string(&scale).unwrap());
}

/// Waits, while no agent may be let go of.
async fn peaceful(agents: &mut JoinSet<String>, time: Duration) {
    if let Ok(Some(ended)) = tokio::time::timeout(time, agents.join_next()).await {
        let (left, why) = (agents.len(), ended.unwrap());
        panic!("an agent was let go of, {left} are left: {why}");
    }
}

/// One agent.
struct Member {
    number: usize,
    agent: Agent,
    samples: FrameWriter,
    /// Its stream stays open.
    _health: FrameWriter,
    /// When it first samples, so that the fleet's samples are spread.
    first: Instant,
    counts: Arc<Counts>,
}

impl Member {
    async fn connect(
        fleet: &Fleet,
        dialer: &Dialer,
        hub: SocketAddr,
        number: usize,
        counts: &Arc<Counts>,
    ) -> Self {
        let failed = |why: &str| -> ! { panic!("agent {number} can't begin: {why}") };
        let feed = |n: u128| FeedId::from_random(number as u128 * 4 + n + 1);
        dialer
            .replace_tls(fleet.tls(&fleet.members[number]))
            .unwrap();
        let agent = Agent::connect(dialer, hub, fleet, feed(0)).await;
        let agent = agent.unwrap_or_else(|why| failed(&why));
        let open = async |bytes: Vec<u8>| {
            let stream = agent.connection.open_feed().await;
            let mut stream = stream.unwrap_or_else(|why| failed(&why.to_string()));
            let written = stream.write(bytes).await;
            written.unwrap_or_else(|why| failed(&why.to_string()));
            stream
        };
        let (health, samples) = (
            open(services(feed(1))).await,
            open(open_samples(feed(2))).await,
        );
        let share = number as f64 / fleet.members.len() as f64;
        Self {
            number,
            agent,
            samples,
            _health: health,
            first: Instant::now() + SAMPLE_EVERY.mul_f64(share),
            counts: Arc::clone(counts),
        }
    }

    /// Lives until it is let go of; says why.
    async fn live(mut self) -> String {
        let (mut heartbeat, mut due) = (Instant::now(), self.first);
        let (mut sent, mut acked) = (0, 0);
        loop {
            let ended = tokio::select! {
                () = tokio::time::sleep_until(due) => {
                    due += SAMPLE_EVERY;
                    heartbeat = Instant::now() + HEARTBEAT;
                    let written = self.samples.write(sample(sent)).await;
                    sent += 1;
                    self.counts.sent.fetch_add(1, Ordering::Relaxed);
                    written.err().map(|error| error.to_string())
                }
                () = tokio::time::sleep_until(heartbeat) => {
                    self.agent.late(heartbeat);
                    heartbeat = Instant::now() + HEARTBEAT;
                    self.agent.heartbeat().await.err().map(|error| error.to_string())
                }
                frame = self.agent.reader.next() => {
                    if let Ok(Some(frame)) = &frame
                        && let Ok(Some(Control::Ack(ack))) =
                            Control::decode(frame.kind, &frame.payload)
                        && ack.feed == feed_code(Feed::Samples)
                        && ack.seq > acked
                    {
                        self.counts.acked.fetch_add(ack.seq - acked, Ordering::Relaxed);
                        acked = ack.seq;
                    }
                    ending(frame)
                }
            };
            if let Some(ended) = ended {
                return format!("agent {}: {}", self.number, self.agent.why(&ended).await);
            }
        }
    }
}
