//! Drift that the administrator says is to be written over: once, and only the one that he saw.
//!
//! That he said so is noted before anything is done. An agent that is killed in between shows the
//! drift again; the other way round it would write over the next one too, that looks the same and
//! was not seen by anybody.

use shared::model::{Record, Subject};
use shared::wire::record;

use super::Reconciler;
use super::subject::Why;
use super::verdict::Verdict;
use crate::replica::{Note, Replica};

impl Reconciler {
    /// Takes what the hub says is to be put back. What it does not say any more is forgotten.
    pub(super) fn told_to_put_back(&mut self, replica: &Replica) {
        let now = &replica.put_backs;
        let before = std::mem::replace(&mut self.replica.put_backs, now.clone());
        let new = now
            .iter()
            .filter(|(it, told)| before.get(*it) != Some(*told));
        self.dirty.extend(new.map(|(subject, _)| subject.clone()));
        for gone in before.keys().filter(|it| !now.contains_key(*it)) {
            let id = gone.id();
            if self.base.put_backs.contains_key(&id) {
                self.note(Note::PutBack(id, None));
            }
        }
    }

    /// Whether a drift is the one that is to be put back. Then it is, from here on, and another
    /// one of the same thing is not.
    pub(super) fn takes_back(&mut self, subject: &Subject, verdict: &Verdict) -> bool {
        let Verdict::Drift(drift) = verdict else {
            return false;
        };
        let Some(told) = self.replica.put_backs.get(subject).copied() else {
            return false;
        };
        let id = subject.id();
        // A hub that is back from an older copy says again what it said before.
        let done = self.base.put_backs.get(&id);
        let is_done = done.is_some_and(|it| *it >= told.at);
        if is_done || drift.why != Why::Region {
            return false;
        }
        let remark = Record::Remark(self.of_drift(subject, drift));
        let now = record::digest(&remark).map(|it| it.to_bytes()).ok();
        if now != Some(told.seen) {
            return false;
        }
        self.note(Note::PutBack(id, Some(told.at)));
        self.put_back.insert(subject.clone());
        true
    }
}
