//! How many strangers may be at the door at once.
//!
//! A handshake costs a third of a millisecond and 30 kB before anything is known about who asks,
//! and a join goes on without a certificate. So both are counted, in all and by source, and a
//! source is only believed once it has answered a `Retry`. Who is believed and finds no place waits
//! for one (`super::waiting`).

mod joins;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

pub(super) use self::joins::JoinPass;
use self::joins::Silent;
use super::options::ListenOptions;

/// The time that a handshake may take: with the first packets lost, QUIC repeats after 1, 3, 7 s.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// The same while half of all places are taken: four round trips of a bad line, so that those who
/// will never speak make room for those who will.
const HANDSHAKE_BUSY_MAX: Duration = Duration::from_secs(3);

/// How much is going on, and what was turned away since the start; for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AdmissionCounts {
    /// Handshakes going on.
    pub handshakes: usize,
    /// Joins going on.
    pub joins: usize,
    /// Sources among them that have proven themselves.
    pub sources: usize,
    /// Attempts that were asked to prove their address.
    pub retried: u64,
    /// Proven callers that wait for a place.
    pub waiting: usize,
    /// Attempts not answered since there are as many connections as there may be.
    pub ignored: u64,
    /// Callers that waited, or would have, while too many others did.
    pub displaced: u64,
    /// Callers that waited for too long.
    pub late: u64,
    /// Joins refused.
    pub joins_refused: u64,
    /// Joins that had not asked for anything yet, or not taken their answer, and gave way.
    pub joins_displaced: u64,
}

/// What to do with an attempt.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Shake hands.
    Admit(Pass),
    /// Let it prove its address.
    Retry,
    /// It has proven where it is; let it wait for a place.
    Wait(Source),
    /// Say nothing.
    Ignore,
}

/// Counts handshakes and joins.
#[derive(Debug)]
pub(super) struct Admission {
    limits: Limits,
    state: Mutex<State>,
    /// A place among the handshakes is free again.
    freed: Notify,
}

#[derive(Debug)]
struct Limits {
    connections: usize,
    handshakes: usize,
    retry_above: usize,
    handshakes_per_source: usize,
    joins: usize,
    joins_per_source: usize,
}

#[derive(Debug, Default)]
struct State {
    counts: AdmissionCounts,
    /// No longer than there are handshakes and joins.
    sources: HashMap<Source, Strangers>,
    silent: Silent,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Strangers {
    handshakes: usize,
    joins: usize,
}

/// What one party is supposed to have: an IPv4 address, or the 64 bits of an IPv6 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Source(u128);

impl Source {
    pub(super) fn of(remote: SocketAddr) -> Self {
        match remote.ip().to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64),
        }
    }
}

impl Admission {
    pub(super) fn new(options: &ListenOptions) -> Arc<Self> {
        let limits = Limits {
            connections: options.connections_max,
            handshakes: options.handshakes_max,
            retry_above: options.retry_above,
            handshakes_per_source: options.handshakes_per_source_max,
            joins: options.joins_max,
            joins_per_source: options.joins_per_source_max,
        };
        Arc::new(Self {
            limits,
            state: Mutex::default(),
            freed: Notify::new(),
        })
    }

    pub(super) fn counts(&self) -> AdmissionCounts {
        let state = self.state();
        AdmissionCounts {
            sources: state.sources.len(),
            ..state.counts
        }
    }

    /// Decides on an attempt. `proven` is whether its address is known to be its own;
    /// `connections` is how many there are in all.
    pub(super) fn admit(
        self: &Arc<Self>,
        remote: SocketAddr,
        proven: bool,
        connections: usize,
    ) -> Verdict {
        let mut state = self.state();
        let taken = state.counts.handshakes;
        if connections >= self.limits.connections {
            state.counts.ignored += 1;
            return Verdict::Ignore;
        }
        if proven {
            let source = Source::of(remote);
            return match self.enter(&mut state, source) {
                Some(pass) => Verdict::Admit(pass),
                None => Verdict::Wait(source),
            };
        }
        if taken >= self.limits.retry_above.min(self.limits.handshakes) {
            state.counts.retried += 1;
            return Verdict::Retry;
        }
        // Unproven ones are not counted by source, or a forger could shut out whom it names.
        Verdict::Admit(self.pass(&mut state, None))
    }

    /// Whether there is a place for anybody.
    pub(super) fn has_place(&self) -> bool {
        self.state().counts.handshakes < self.limits.handshakes
    }

    /// A place for a caller of this source that has waited.
    pub(super) fn place(self: &Arc<Self>, source: Source) -> Option<Pass> {
        self.enter(&mut self.state(), source)
    }

    fn enter(self: &Arc<Self>, state: &mut State, source: Source) -> Option<Pass> {
        if state.counts.handshakes >= self.limits.handshakes {
            return None;
        }
        let strangers = state.sources.get(&source);
        if strangers.is_some_and(|it| it.handshakes >= self.limits.handshakes_per_source) {
            return None;
        }
        state.sources.entry(source).or_default().handshakes += 1;
        Some(self.pass(state, Some(source)))
    }

    fn pass(self: &Arc<Self>, state: &mut State, source: Option<Source>) -> Pass {
        state.counts.handshakes += 1;
        let is_busy = state.counts.handshakes * 2 > self.limits.handshakes;
        Pass {
            admission: Arc::clone(self),
            source,
            time_max: if is_busy {
                HANDSHAKE_BUSY_MAX
            } else {
                HANDSHAKE_MAX
            },
        }
    }

    /// Waits until a place may be free that was not before. For one waiter. Cancel-safe.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// So many wait.
    pub(super) fn waiting(&self, count: usize) {
        self.state().counts.waiting = count;
    }

    /// Someone had to go, since too many waited.
    pub(super) fn displaced(&self) {
        self.state().counts.displaced += 1;
    }

    /// Someone had waited for too long.
    pub(super) fn late(&self) {
        self.state().counts.late += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn leave(&mut self, source: Source, change: impl FnOnce(&mut Strangers)) {
        if let Some(strangers) = self.sources.get_mut(&source) {
            change(strangers);
            if *strangers == Strangers::default() {
                self.sources.remove(&source);
            }
        }
    }
}

/// A place among the handshakes, given back when dropped.
#[derive(Debug)]
pub(super) struct Pass {
    admission: Arc<Admission>,
    source: Option<Source>,
    time_max: Duration,
}

impl Pass {
    /// The time that this handshake may take.
    pub(super) fn time_max(&self) -> Duration {
        self.time_max
    }

    pub(super) fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.admission.state();
        state.counts.handshakes -= 1;
        if let Some(source) = self.source {
            state.leave(source, |strangers| strangers.handshakes -= 1);
        }
        drop(state);
        self.admission.freed.notify_one();
    }
}

#[cfg(test)]
mod tests;
