//! When what waits for a time of its own is looked at again.

use std::collections::BTreeSet;
use std::time::Instant;

use super::subject::Subject;

/// Subjects by that time; one may have several. Bounded by whoever sets them.
#[derive(Debug, Default)]
pub(super) struct Alarms(BTreeSet<(Instant, Subject)>);

impl Alarms {
    pub(super) fn set(&mut self, at: Instant, subject: Subject) {
        self.0.insert((at, subject));
    }

    pub(super) fn cancel(&mut self, at: Instant, subject: &Subject) {
        self.0.remove(&(at, subject.clone()));
    }

    /// Takes those whose time has come.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Subject> {
        let mut due = Vec::new();
        while let Some((at, _)) = self.0.first()
            && *at <= now
        {
            due.extend(self.0.pop_first().map(|(_, it)| it));
        }
        due
    }

    /// When the next one's time comes.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }
}
