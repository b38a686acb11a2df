//! `storm`: the hub is killed and started, and every agent comes back with a change.
//!
//! Each agent finds its change at the moment of the kill, as a fleet does whose clouds go on. It
//! sends it to nobody; QUIC repeats it, and the new hub answers with a stateless reset, by which
//! the agent notices. From there it waits as the product does, by the same figures: the first
//! attempt is spread over two seconds, later ones over ever more. Agents without a change notice at
//! their next heartbeat, up to four seconds later. All have one address here, so that the hub's
//! limit for one source holds for all of them together, as it does behind one NAT.
//!
//! What is asserted: that the hub stands exactly where it last acknowledged, so that nothing
//! unchanged is asked for, and that with the one change alone the digest of all is right.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use shared::backoff::Backoff;
use shared::link::agent::{BACKOFF_BASE, BACKOFF_CEILING, DIAL_MAX};
use shared::transport::{Dialer, FrameWriter, Loss};
use shared::wire::frame::Start;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::agent::{Agent, dialer};
use super::figures::median;
use super::fleet::Fleet;
use super::process::cpu_us;
use super::records::Servers;

/// Servers of each region.
const KEYS: usize = 10;

/// Handshakes at a time before the storm.
const AT_ONCE: usize = 24;

/// One agent's coming before the storm.
const CONNECT_MAX: Duration = Duration::from_secs(30);

/// The whole storm: with twenty times the goal, something is wrong.
pub const STORM_MAX: Duration = Duration::from_secs(60);

/// When half of the agents, and all of them, had got so far; seconds since the kill.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Times {
    /// Half of them.
    pub half: f64,
    /// All of them.
    pub all: f64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Storm {
    /// Milliseconds since 1970 at which the last change was acknowledged.
    pub done_ms: u64,
    /// The loss was noticed.
    pub noticed: Times,
    /// The attempt that succeeded was begun.
    pub dialed: Times,
    /// The hub welcomed.
    pub welcomed: Times,
    /// The change was acknowledged.
    pub acked: Times,
    /// Agents that noticed by a reset.
    pub resets: usize,
    /// Attempts for each agent.
    pub attempts: f64,
    /// Processor time of the loader for each agent, µs.
    pub loader_us: f64,
}

struct Region {
    number: usize,
    dialer: Arc<Dialer>,
    servers: Servers,
    agent: Agent,
    feed: FrameWriter,
}

/// What one agent went through.
struct Passed {
    noticed: Instant,
    dialed: Instant,
    welcomed: Instant,
    acked: Instant,
    was_reset: bool,
    attempts: usize,
}

/// Connects, says READY, waits for a line that says that the hub was killed, and says DONE with
/// [`Storm`] when all are fresh again.
///
/// # Panics
/// If an agent is lost before the storm or not back within [`STORM_MAX`] of it, or the hub has lost
/// what it acknowledged.
pub async fn weather(dir: &Path, hub: SocketAddr, agents: usize) {
    let fleet = Arc::new(Fleet::load(dir));
    let killed = CancellationToken::new();
    let regions = Mutex::new(JoinSet::new());
    let connect = async |number: usize| {
        let begun = tokio::time::timeout(CONNECT_MAX, begin(&fleet, hub, number)).await;
        let region = begun.unwrap_or_else(|_| panic!("agent {number}: no welcome in time"));
        let storm = through(Arc::clone(&fleet), hub, region, killed.clone());
        regions.lock().unwrap().spawn(storm);
    };
    stream::iter(0..agents)
        .for_each_concurrent(AT_ONCE, connect)
        .await;
    println!("READY");
    let line = tokio::task::spawn_blocking(|| std::io::stdin().lines().next());
    let begun = {
        assert!(line.await.unwrap().is_some(), "nobody says what happens");
        Instant::now()
    };
    let cpu = cpu_us(std::process::id());
    killed.cancel();
    let passing = regions.into_inner().unwrap().join_all();
    let passed = tokio::time::timeout(STORM_MAX, passing).await;
    let passed = passed.unwrap_or_else(|_| panic!("not all are back after {STORM_MAX:?}"));
    let storm = told(&passed, begun, cpu_us(std::process::id()) - cpu);
    println!("DONE {}", serde_json::to_string(&storm).unwrap());
}

fn told(passed: &[Passed], begun: Instant, cpu: u64) -> Storm {
    let agents = passed.len() as f64;
    let times = |of: fn(&Passed) -> Instant| {
        let seconds = passed.iter().map(|it| (of(it) - begun).as_secs_f64());
        Times {
            half: median(seconds.clone().collect()),
            all: seconds.fold(0.0, f64::max),
        }
    };
    Storm {
        done_ms: unix_ms(),
        noticed: times(|it| it.noticed),
        dialed: times(|it| it.dialed),
        welcomed: times(|it| it.welcomed),
        acked: times(|it| it.acked),
        resets: passed.iter().filter(|it| it.was_reset).count(),
        attempts: passed.iter().map(|it| it.attempts).sum::<usize>() as f64 / agents,
        loader_us: cpu as f64 / agents,
    }
}

/// Milliseconds since 1970, to compare between processes.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_millis() as u64
}

async fn begin(fleet: &Fleet, hub: SocketAddr, number: usize) -> Region {
    let mut servers = Servers::plain(number, KEYS);
    let dialer = dialer(fleet, &fleet.members[number]);
    let agent = Agent::connect(&dialer, hub, fleet, servers.id()).await;
    let mut agent = agent.unwrap_or_else(|why| panic!("agent {number} can't begin: {why}"));
    let mut bytes = servers.open();
    bytes.extend(servers.batch(KEYS, true));
    let mut feed = agent.connection.open_feed().await.unwrap();
    feed.write(bytes).await.unwrap();
    while agent.acked().await < servers.seq {}
    Region {
        number,
        dialer,
        servers,
        agent,
        feed,
    }
}

async fn through(
    fleet: Arc<Fleet>,
    hub: SocketAddr,
    mut region: Region,
    killed: CancellationToken,
) -> Passed {
    tokio::select! {
        // First the kill: a late task may meet both at once.
        biased;
        () = killed.cancelled() => {}
        why = region.agent.live() => panic!("agent {} before the storm: {why}", region.number),
    }
    let known = region.servers.seq;
    let change = region.servers.batch(1, true);
    // Nobody is there to take it. If the loss is known already, so much the better.
    let _ = region.feed.write(change.clone()).await;
    region.agent.live().await;
    let noticed = Instant::now();
    let was_reset = region.agent.connection.loss() == Some(Loss::Restarted);
    let mut backoff = Backoff::new(BACKOFF_BASE, BACKOFF_CEILING);
    let (mut agent, dialed) = loop {
        tokio::time::sleep(backoff.next(rand::random())).await;
        let (id, dialed) = (region.servers.id(), Instant::now());
        let connecting = Agent::connect(&region.dialer, hub, &fleet, id);
        if let Ok(Ok(agent)) = tokio::time::timeout(DIAL_MAX, connecting).await {
            break (agent, dialed);
        }
    };
    let (welcomed, seq) = (Instant::now(), agent.cursor().seq);
    assert_eq!(seq, known, "the hub is not where it last acknowledged");
    let mut bytes = region.servers.open_at(Start::Resume { seq });
    bytes.extend(change);
    let mut feed = agent.connection.open_feed().await.unwrap();
    feed.write(bytes).await.unwrap();
    while agent.acked().await < region.servers.seq {}
    let acked = Instant::now();
    // It lives on, so that the hub has no endings to deal with.
    std::mem::forget((feed, agent, region));
    Passed {
        noticed,
        dialed,
        welcomed,
        acked,
        was_reset,
        attempts: backoff.attempts() as usize,
    }
}
