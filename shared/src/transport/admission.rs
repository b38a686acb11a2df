//! How many strangers may be at the door at once.
//!
//! A handshake costs a third of a millisecond and 30 kB before anything is known about who asks,
//! and a join goes on without a certificate. So both are counted, in all and by source, and a
//! source is only believed once it has answered a `Retry`.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    /// Attempts not answered since all places were taken.
    pub ignored: u64,
    /// Attempts not answered since their source's places were taken.
    pub ignored_by_source: u64,
    /// Joins refused.
    pub joins_refused: u64,
}

/// What to do with an attempt.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Shake hands.
    Admit(Pass),
    /// Let it prove its address.
    Retry,
    /// Say nothing.
    Ignore,
}

/// Counts handshakes and joins.
#[derive(Debug)]
pub(super) struct Admission {
    limits: Limits,
    state: Mutex<State>,
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
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Strangers {
    handshakes: usize,
    joins: usize,
}

/// What one party is supposed to have: an IPv4 address, or the 64 bits of an IPv6 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Source(u128);

impl Source {
    fn of(remote: SocketAddr) -> Self {
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
        let State { counts, sources } = &mut *state;
        if counts.handshakes >= self.limits.handshakes || connections >= self.limits.connections {
            counts.ignored += 1;
            return Verdict::Ignore;
        }
        // Unproven ones are not counted by source, or a forger could shut out whom it names.
        let source = proven.then(|| Source::of(remote));
        match source {
            None if counts.handshakes >= self.limits.retry_above => {
                counts.retried += 1;
                return Verdict::Retry;
            }
            None => {}
            Some(source) => {
                let strangers = sources.entry(source).or_default();
                if strangers.handshakes >= self.limits.handshakes_per_source {
                    counts.ignored_by_source += 1;
                    return Verdict::Ignore;
                }
                strangers.handshakes += 1;
            }
        }
        counts.handshakes += 1;
        let is_busy = counts.handshakes * 2 > self.limits.handshakes;
        Verdict::Admit(Pass {
            admission: Arc::clone(self),
            source,
            time_max: if is_busy {
                HANDSHAKE_BUSY_MAX
            } else {
                HANDSHAKE_MAX
            },
        })
    }

    /// A place for a join, whose handshake has proven its address; `None` when all are taken.
    pub(super) fn join(self: &Arc<Self>, remote: SocketAddr) -> Option<JoinPass> {
        let source = Source::of(remote);
        let mut state = self.state();
        let joins = state.sources.get(&source).map_or(0, |it| it.joins);
        if state.counts.joins >= self.limits.joins || joins >= self.limits.joins_per_source {
            state.counts.joins_refused += 1;
            return None;
        }
        state.counts.joins += 1;
        state.sources.entry(source).or_default().joins += 1;
        Some(JoinPass {
            admission: Arc::clone(self),
            source,
        })
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
    }
}

/// A place among the joins, given back when dropped.
#[derive(Debug)]
pub(super) struct JoinPass {
    admission: Arc<Admission>,
    source: Source,
}

impl Drop for JoinPass {
    fn drop(&mut self) {
        let mut state = self.admission.state();
        state.counts.joins -= 1;
        state.leave(self.source, |strangers| strangers.joins -= 1);
    }
}

#[cfg(test)]
mod tests;
