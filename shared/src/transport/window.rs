//! How much a hub lets each of its agents have on its way.
//!
//! All agents together must not be able to fill a hub that has fallen behind, yet one agent far
//! away must be able to bring a large inventory fast. So each connection begins with little, gets
//! more while its data is read as fast as it comes, out of a budget for all, and gives it back when
//! it has grown quiet.
//!
//! One window holds for all streams of a connection, so feeds that nobody reads could use it up and
//! hold off the heartbeats with it. [`Window::top_up`] prevents that: whenever the control stream
//! has been quiet for longer than a heartbeat, the window is raised by a few frames' worth, for
//! which the sender's feeds stand back (`frames::gate`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quinn::VarInt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::link::HEARTBEAT;
use crate::runtime::clock::Clock;

/// What each connection begins with: 10,000 that nobody reads then hold 1.3 GB at the very worst,
/// and an agent 2 ms away still sends 60 MB/s.
pub(super) const WINDOW_BASE: u32 = 128 << 10;

/// What one connection may come to. At a round trip of 200 ms, 17 MB/s are 3.4 MB; but where one
/// packet in a hundred is lost, there is always one missing, and what came after it waits for two
/// more round trips: with 5 MiB, 8 MB/s came through, with 16 MiB 17 MB/s.
pub(super) const WINDOW_MAX: u32 = 16 << 20;

/// A connection that reads no more than half a small window in this time needs no large one.
const QUIET: Duration = Duration::from_secs(10);

/// By so much the window is raised for the control stream's sake: some heartbeats.
const TOP_UP: u32 = 512;

/// So much in all, which is a stall of 25 minutes; long before, somebody was told.
const TOP_UPS_MAX: u32 = 300 * TOP_UP;

/// Silence on the control stream after which its window may have been used up by others.
pub(super) const TOP_UP_AFTER: Duration = HEARTBEAT.saturating_add(Duration::from_millis(500));

/// The units of the budget.
const KIB: u32 = 1 << 10;

/// The receive window of one connection at a hub.
#[derive(Debug)]
pub(super) struct Window {
    connection: quinn::Connection,
    budget: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tuning: Tuning,
    /// What the window exceeds [`WINDOW_BASE`] by, taken from the budget.
    held: Option<OwnedSemaphorePermit>,
}

/// A budget of so many bytes for [`Window::new`].
pub(super) fn budget(bytes: usize) -> Arc<Semaphore> {
    let kib = (bytes / KIB as usize).min(Semaphore::MAX_PERMITS);
    Arc::new(Semaphore::new(kib))
}

impl Window {
    pub(super) fn new(connection: quinn::Connection, budget: Arc<Semaphore>) -> Arc<Self> {
        let tuning = Tuning::new(Clock::system().now());
        let state = Mutex::new(State { tuning, held: None });
        Arc::new(Self {
            connection,
            budget,
            state,
        })
    }

    /// So many bytes were read from a feed.
    pub(super) fn consumed(&self, bytes: usize) {
        let mut state = self.state();
        let now = || Clock::system().now();
        if state.tuning.consumed(now, bytes, || self.connection.rtt()) {
            self.grow(&mut state);
        }
    }

    /// Something came on the control stream: an occasion to see whether the feeds are quiet.
    pub(super) fn control_heard(&self) {
        let mut state = self.state();
        if state.tuning.is_quiet(Clock::system().now()) {
            state.tuning.shrink();
            state.held = None;
            self.apply(&state.tuning);
        }
    }

    /// Makes room for the control stream, in case the feeds have used the window up.
    pub(super) fn top_up(&self) {
        let mut state = self.state();
        if state.tuning.top_up() {
            self.apply(&state.tuning);
        }
    }

    fn grow(&self, state: &mut State) {
        let more = state.tuning.window.min(WINDOW_MAX - state.tuning.window);
        let permit = Arc::clone(&self.budget).try_acquire_many_owned(more / KIB);
        let Ok(permit) = permit else { return };
        match &mut state.held {
            Some(held) => held.merge(permit),
            held => *held = Some(permit),
        }
        state.tuning.window += more;
        self.apply(&state.tuning);
    }

    fn apply(&self, tuning: &Tuning) {
        let bytes = VarInt::from_u32(tuning.window + tuning.top_ups);
        self.connection.set_receive_window(bytes);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The decision, without the connection.
#[derive(Debug)]
struct Tuning {
    window: u32,
    top_ups: u32,
    since: Instant,
    bytes: usize,
}

impl Tuning {
    const fn new(now: Instant) -> Self {
        Self {
            window: WINDOW_BASE,
            top_ups: 0,
            since: now,
            bytes: 0,
        }
    }

    /// Whether the window should be doubled: half of it was read within two round trips, so that
    /// it, and not the path or the reader, may be what holds the sender.
    fn consumed(
        &mut self,
        now: impl FnOnce() -> Instant,
        bytes: usize,
        rtt: impl FnOnce() -> Duration,
    ) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes < (self.window / 2) as usize {
            return false;
        }
        let now = now();
        let took = now.saturating_duration_since(self.since);
        self.since = now;
        self.bytes = 0;
        self.window < WINDOW_MAX && took <= rtt().saturating_mul(2)
    }

    fn is_quiet(&self, now: Instant) -> bool {
        let is_large = self.window > WINDOW_BASE || self.top_ups > 0;
        is_large && now.saturating_duration_since(self.since) >= QUIET
    }

    fn shrink(&mut self) {
        self.window = WINDOW_BASE;
        self.top_ups = 0;
    }

    fn top_up(&mut self) -> bool {
        let may = self.top_ups < TOP_UPS_MAX;
        if may {
            self.top_ups += TOP_UP;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        Clock::system().now()
    }

    #[test]
    fn a_fast_reader_gets_what_its_round_trip_needs() {
        let (mut now, rtt) = (start(), Duration::from_millis(200));
        let mut tuning = Tuning::new(now);
        // 15 MB/s in pieces of 30 KB.
        for _ in 0..2500 {
            now += Duration::from_millis(2);
            if tuning.consumed(|| now, 30_000, || rtt) {
                tuning.window = (tuning.window * 2).min(WINDOW_MAX);
            }
        }
        assert!(tuning.window >= 4 << 20, "{}", tuning.window);
        assert!(tuning.window <= WINDOW_MAX);
    }

    #[test]
    fn a_slow_reader_and_a_near_one_stay_small() {
        let mut now = start();
        let (mut slow, mut near) = (Tuning::new(now), Tuning::new(now));
        for _ in 0..1000 {
            now += Duration::from_millis(10);
            assert!(!slow.consumed(|| now, 300, || Duration::from_millis(200)));
            assert!(!near.consumed(|| now, 60_000, || Duration::from_millis(1)));
        }
        assert_eq!((slow.window, near.window), (WINDOW_BASE, WINDOW_BASE));
    }

    #[test]
    fn a_quiet_connection_gives_back() {
        let now = start();
        let mut tuning = Tuning::new(now);
        assert!(
            !tuning.is_quiet(now + QUIET),
            "there is nothing to give back"
        );
        tuning.window = WINDOW_MAX;
        assert!(!tuning.is_quiet(now + QUIET / 2));
        assert!(tuning.is_quiet(now + QUIET));
        tuning.shrink();
        assert_eq!(tuning.window, WINDOW_BASE);
    }

    #[test]
    fn top_ups_end() {
        let mut tuning = Tuning::new(start());
        assert!((0..300).all(|_| tuning.top_up()));
        assert!(!tuning.top_up());
        assert!(tuning.is_quiet(tuning.since + QUIET));
        tuning.shrink();
        assert!(tuning.top_up());
    }
}
