//! Which readings of the cloud are waited for.

use std::collections::BTreeMap;
use std::time::Instant;

use shared::model::{Feed, RecordKind};

use super::Reconciler;
use crate::cloud::{Part, Wanted};
use crate::replica::Replica;

impl Reconciler {
    /// Kinds of which a reading is needed.
    pub(super) fn readings(&self) -> Wanted {
        // What was read before this reconciler was made does not count here: without asking, the
        // next reading might be minutes away, and nothing is written before.
        let is_waited_for = self.replica != Replica::default();
        let kinds = Part::ALL.into_iter().map(Part::kind);
        let kinds = kinds.filter(|it| it.feed() == Feed::Organization && is_waited_for);
        let unread = kinds.filter(|it| !self.actual.is_whole(*it));
        let unread = unread.map(|kind| (kind, self.began));
        let doubts = self.doubts.iter();
        let doubts = doubts.map(|(subject, it)| (subject, (it.kind(), it.since())));
        // What fails so each time it is tried, and a cloud that fails at all, is no reason to read
        // that all the time.
        let is_well = !self.breaker.is_failing();
        let asking = doubts.chain(self.failures.unread());
        let (first, again): (Vec<_>, Vec<_>) =
            asking.partition(|(it, _)| is_well && self.failures.tries(it) <= 1);
        let of = |all: Vec<(_, (RecordKind, Instant))>| all.into_iter().map(|(_, it)| it);
        // Until the quota of a new project is known, nobody can tell what else fits.
        let quotas = self.project_made.map(|it| (RecordKind::Quota, it));
        Wanted {
            at_once: latest(unread.chain(quotas).chain(of(first))),
            soon: latest(self.missed.unread().chain(of(again))),
        }
    }
}

fn latest(of: impl Iterator<Item = (RecordKind, Instant)>) -> BTreeMap<RecordKind, Instant> {
    let mut all: BTreeMap<RecordKind, Instant> = BTreeMap::new();
    for (kind, since) in of {
        all.entry(kind)
            .and_modify(|it| *it = since.max(*it))
            .or_insert(since);
    }
    all
}
