//! Places for joins: who has one and says nothing gives way, where others come.
//!
//! Whoever joins or recovers asks as soon as it is connected, and takes its answer at once. So who
//! does neither holds no place against a newcomer whose source has fewer: otherwise eight addresses
//! that never ask would keep every region out.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Admission, Source, State};

/// The time for a caller to ask, once it is connected. A stranger holds a place for that long.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// The same while half of all places are taken: a lost packet is repeated twice.
const REQUEST_BUSY_MAX: Duration = Duration::from_secs(3);

/// Joins that have asked for nothing yet, or not taken their answer; the oldest first, as numbers
/// rise.
#[derive(Debug, Default)]
pub(super) struct Silent {
    next: u64,
    calls: BTreeMap<u64, (Source, CancellationToken)>,
}

impl Silent {
    fn add(&mut self, source: Source, displaced: CancellationToken) -> u64 {
        let number = self.next;
        self.next += 1;
        self.calls.insert(number, (source, displaced));
        number
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}

/// A place among the joins, given back when dropped.
#[derive(Debug)]
pub(in crate::transport) struct JoinPass {
    admission: Arc<Admission>,
    source: Source,
    number: u64,
    request_max: Duration,
    /// The place was given to somebody else.
    displaced: CancellationToken,
}

impl Admission {
    /// A place for a join, whose handshake has proven its address; `None` when all are taken, and
    /// nobody has to give way.
    pub(in crate::transport) fn join(self: &Arc<Self>, remote: SocketAddr) -> Option<JoinPass> {
        let source = Source::of(remote);
        let mut state = self.state();
        let joins = state.joins_of(source);
        let is_full = state.counts.joins >= self.limits.joins;
        if joins >= self.limits.joins_per_source || (is_full && !state.displace(joins)) {
            state.counts.joins_refused += 1;
            return None;
        }
        state.counts.joins += 1;
        state.sources.entry(source).or_default().joins += 1;
        let is_busy = state.counts.joins * 2 > self.limits.joins;
        let displaced = CancellationToken::new();
        let number = state.silent.add(source, displaced.clone());
        Some(JoinPass {
            admission: Arc::clone(self),
            source,
            number,
            request_max: if is_busy {
                REQUEST_BUSY_MAX
            } else {
                REQUEST_MAX
            },
            displaced,
        })
    }
}

impl State {
    fn joins_of(&self, source: Source) -> usize {
        self.sources.get(&source).map_or(0, |it| it.joins)
    }

    /// Takes the place of the longest silent call of the source that has most, if that is more than
    /// `own`. Whether there was one.
    fn displace(&mut self, own: usize) -> bool {
        let mut most = None;
        for (number, (source, _)) in &self.silent.calls {
            let joins = self.joins_of(*source);
            if joins > most.map_or(own, |(joins, _)| joins) {
                most = Some((joins, *number));
            }
        }
        let Some((source, token)) = most.and_then(|(_, number)| self.silent.calls.remove(&number))
        else {
            return false;
        };
        token.cancel();
        self.counts.joins_displaced += 1;
        self.end_join(source);
        true
    }

    fn end_join(&mut self, source: Source) {
        self.counts.joins -= 1;
        self.leave(source, |strangers| strangers.joins -= 1);
    }
}

impl JoinPass {
    /// The time for the caller to ask.
    pub(in crate::transport) const fn request_max(&self) -> Duration {
        self.request_max
    }

    /// The caller has asked, and keeps its place until there is an answer. Whether it still had
    /// one.
    pub(in crate::transport) fn has_asked(&self) -> bool {
        self.admission.state().silent.calls.remove(&self.number);
        !self.displaced.is_cancelled()
    }

    /// There is an answer, which the caller is to take from now on.
    pub(in crate::transport) fn has_answer(&mut self) {
        let mut state = self.admission.state();
        self.number = state.silent.add(self.source, self.displaced.clone());
    }

    /// Waits until the place is given to somebody else. Cancel-safe.
    pub(in crate::transport) async fn displaced(&self) {
        self.displaced.cancelled().await;
    }
}

impl Drop for JoinPass {
    fn drop(&mut self) {
        let mut state = self.admission.state();
        state.silent.calls.remove(&self.number);
        if !self.displaced.is_cancelled() {
            state.end_join(self.source);
        }
    }
}
