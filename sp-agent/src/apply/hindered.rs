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
        all.filter_map(|(kind, it)| {
            let is_awaited = self.tally.unread(*kind) > 0 || self.missed.is_awaited(*kind);
            let is_awaited = is_awaited && !self.actual.is_whole_now(*kind);
            is_awaited.then(|| Failed {
                subject: Subject::Reading(*kind),
                name: name(*kind).to_owned(),
                error: self.wait_of(*kind, &it.reason),
                since: Some(it.since),
                tries: it.tries,
            })
        })
    }

    /// What waits, until what, and what to do.
    fn wait_of(&self, kind: RecordKind, reason: &str) -> String {
        let name = name(kind);
        let wait = match self.actual.is_told(kind) {
            false => format!("changes of {name} wait until all of them are read"),
            true => {
                let whose = self.whose(kind);
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
    /// A department of which some groups' members could not be read is one of them.
    fn whose(&self, kind: RecordKind) -> String {
        let Reach {
            departments,
            groups,
        } = self.actual.unread(kind).cloned().unwrap_or_default();
        let of_groups = groups.iter();
        let of_groups = of_groups.filter_map(|it| self.actual.department(ObjectKind::Group, it));
        let all = departments.iter().chain(of_groups);
        let all: BTreeSet<&CloudId> = all.chain(self.actual.cut(kind)).collect();
        let known = &self.actual.organization().departments;
        let named = all.iter().take(NAMED_MAX).map(|id| {
            let found = known.get(*id);
            found.map_or_else(|| id.to_string(), |it| format!("{:?}", it.name))
        });
        let named = named.collect::<Vec<String>>().join(", ");
        match all.len().saturating_sub(NAMED_MAX) {
            0 if all.is_empty() => format!("{} groups", groups.len()),
            0 => named,
            more => format!("{named} and {more} other departments"),
        }
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
