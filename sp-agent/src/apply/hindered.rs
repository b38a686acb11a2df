//! What could not be read of the cloud, and is waited for.
//!
//! While a kind was not read to its end since the start, nothing is known of what is missing there,
//! and all changes of that kind wait; where only some departments could not be listed, what hangs
//! on those. Told only where a reading failed: not while the first one is still under way.

use std::collections::{BTreeMap, BTreeSet};

use shared::model::{
    CloudId, ObjectKind, REMARK_CHARS_MAX, RecordKind, Remark, RemarkState, Subject, UnixMillis,
};

use super::Reconciler;
use super::progress::Failed;
use crate::cloud::{Hindrance, Part, Reach};

/// Departments that are named; of more their number is told.
const NAMED_MAX: usize = 3;

impl Reconciler {
    /// These kinds could not be read last time, and all others could.
    pub fn hinder(&mut self, all: BTreeMap<RecordKind, Hindrance>) {
        self.hindrances = all;
    }

    /// What can't be read, as far as something waits for it.
    pub(super) fn hindered(&self) -> impl Iterator<Item = Failed> {
        let all = self.hindrances.iter();
        let all = all.filter(|(kind, _)| self.is_awaited(**kind));
        all.map(|(kind, it)| Failed {
            subject: Subject::Reading(*kind),
            name: name(*kind).to_owned(),
            error: self.wait_of(*kind, &it.reason),
            since: Some(it.since),
            tries: it.tries,
        })
    }

    /// Whether something waits for a reading of a kind, where the last one failed, or some of it.
    fn is_awaited(&self, kind: RecordKind) -> bool {
        // What is missed, and what is in doubt, needs a newer one than the last that came to its
        // end, however whole that was.
        let mut doubts = self.doubts.values();
        let is_whole = self.actual.coverage().is_whole_now(kind);
        let needs_another = !is_whole || doubts.any(|it| it.kind() == kind);
        self.missed.is_awaited(kind) || self.tally.unread(kind) > 0 && needs_another
    }

    /// What waits, until what, and what to do.
    fn wait_of(&self, kind: RecordKind, reason: &str) -> String {
        let name = name(kind);
        let wait = match (self.actual.is_told(kind), self.whose(kind)) {
            (false, _) => format!("changes of {name} wait until all of them are read"),
            (true, None) => format!("what hangs on {name} waits until all of them are read again"),
            (true, Some(whose)) => {
                format!("what hangs on the {name} of {whose} waits until they are read")
            }
        };
        let text = format!(
            "{wait}: look at Keystone's log, and at the directory server that a department may \
             have there; {reason}"
        );
        text.chars().take(REMARK_CHARS_MAX).collect()
    }

    /// Of which departments they could not be read: the first by name, and how many more there are.
    /// A department of which some groups' members could not be read is one of them. `None` where
    /// the last reading that came to its end lacked nothing.
    fn whose(&self, kind: RecordKind) -> Option<String> {
        let coverage = self.actual.coverage();
        let Reach {
            departments,
            groups,
        } = coverage.unread(kind).cloned().unwrap_or_default();
        let of_groups = groups.iter();
        let of_groups = of_groups.filter_map(|it| self.actual.department(ObjectKind::Group, it));
        let all = departments.iter().chain(of_groups);
        let all: BTreeSet<&CloudId> = all.chain(coverage.cut(kind)).collect();
        let known = &self.actual.organization().departments;
        let named = all.iter().take(NAMED_MAX).map(|id| {
            let found = known.get(*id);
            found.map_or_else(|| id.to_string(), |it| format!("{:?}", it.name))
        });
        let named = named.collect::<Vec<String>>().join(", ");
        Some(match all.len() {
            0 if groups.is_empty() => return None,
            0 => format!("{} groups", groups.len()),
            all if all <= NAMED_MAX => named,
            all => format!("{named} and {} other departments", all - NAMED_MAX),
        })
    }
}

impl Failed {
    /// The same as it is told the hub.
    pub(super) fn remark(self) -> Remark {
        Remark {
            subject: self.subject,
            name: self.name,
            state: RemarkState::Failed {
                error: self.error,
                since: self.since.unwrap_or(UnixMillis(0)),
                tries: self.tries,
            },
        }
    }
}

fn name(kind: RecordKind) -> &'static str {
    let mut parts = Part::ALL.into_iter();
    parts.find(|it| it.kind() == kind).map_or("", Part::name)
}
