//! What could not be read of the cloud, and is waited for.
//!
//! While a kind was not read to its end since the start, nothing is known of what is missing there,
//! and all changes of that kind wait. Told only where a reading failed: not while the first one is
//! still under way.

use std::collections::BTreeMap;

use shared::model::{REMARK_CHARS_MAX, RecordKind, Remark, RemarkState, Subject, UnixMillis};

use super::Reconciler;
use super::progress::Failed;
use crate::cloud::{Hindrance, Part};

impl Reconciler {
    /// These kinds could not be read last time, and all others could.
    pub fn hinder(&mut self, all: BTreeMap<RecordKind, Hindrance>) {
        self.hindrances = all;
    }

    /// What can't be read, as far as something waits for it.
    pub(super) fn hindered(&self) -> impl Iterator<Item = Failed> {
        let all = self.hindrances.iter();
        all.filter_map(|(kind, it)| {
            let is_awaited = self.tally.unread(*kind) > 0 && !self.actual.is_whole(*kind);
            is_awaited.then(|| Failed {
                subject: Subject::Reading(*kind),
                name: name(*kind).to_owned(),
                error: text(*kind, &it.reason),
                since: Some(it.since),
                tries: it.tries,
            })
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

fn text(kind: RecordKind, reason: &str) -> String {
    let name = name(kind);
    let text = format!(
        "changes of {name} wait until all of them are read: look at Keystone's log, and at the \
         directory server that a department may have there; {reason}"
    );
    text.chars().take(REMARK_CHARS_MAX).collect()
}
