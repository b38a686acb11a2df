//! What is missing, and may have gone with something else that somebody deleted.
//!
//! Keystone takes along the memberships and assignments of what is deleted, and a project from
//! whoever has it as his default. Kinds are read one after the other: so what went along may be
//! missed while what was deleted is still known, and looks as if somebody had taken it away by
//! itself, which a policy adopts for all regions. So that is told only once all it hangs on was met
//! by readings that began after it was missed first. Those are asked for soon.
//!
//! Nothing of this is kept: after a start all that is missing is missed for the first time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use shared::model::{CloudId, Object, ObjectKind, RecordKind};

use super::Reconciler;
use super::compare::default_project;
use super::places::There;
use super::subject::{Difference, Subject, Wait, record_kind};
use super::verdict::Verdict;
use crate::cloud::{Cut, Reach};

/// What is missing, as far as that hangs on something else. No more than the links and users of the
/// directory, each of which is held here anyway.
#[derive(Debug, Default)]
pub(super) struct Missed {
    /// Since when it is missed, and what it hangs on that no reading showed since.
    awaited: BTreeMap<Subject, (Instant, BTreeSet<There>)>,
    /// What is missing although all that it hangs on is there.
    sure: BTreeSet<Subject>,
}

impl Missed {
    /// Whether it did not go with something else.
    pub(super) fn is_sure(&self, subject: &Subject) -> bool {
        self.sure.contains(subject)
    }

    /// Whether nobody can say yet why it is missing.
    pub(super) fn awaits(&self, subject: &Subject) -> bool {
        self.awaited.contains_key(subject)
    }

    /// It is there, or nothing asks for it any more: the next time counts anew.
    pub(super) fn forget(&mut self, subject: &Subject) {
        self.awaited.remove(subject);
        self.sure.remove(subject);
    }

    /// It is missing; only the first time counts.
    fn miss(&mut self, now: Instant, subject: &Subject, hangs_on: BTreeSet<There>) {
        if !self.awaits(subject) {
            self.awaited.insert(subject.clone(), (now, hangs_on));
        }
    }

    /// Kinds that are to be read, by readings that begin then or later.
    pub(super) fn unread(&self) -> impl Iterator<Item = (RecordKind, Instant)> {
        self.awaited.values().flat_map(|(since, hangs_on)| {
            let kinds = hangs_on.iter().map(|(kind, _)| record_kind(*kind));
            kinds.map(|kind| (kind, *since))
        })
    }

    /// Whether something is missed that may have gone with something of this kind.
    pub(super) fn is_awaited(&self, kind: RecordKind) -> bool {
        self.unread().any(|(of, _)| of == kind)
    }

    /// What is awaited of a kind, as far as a reading that began then can tell.
    fn awaiting(&self, kind: RecordKind, began: Instant) -> impl Iterator<Item = &There> {
        let all = self.awaited.values().filter(move |it| it.0 <= began);
        let all = all.flat_map(|(_, hangs_on)| hangs_on);
        all.filter(move |(of, _)| record_kind(*of) == kind)
    }

    /// A reading that began then told whether these are there. Gives of what it was the last.
    fn is_read(&mut self, began: Instant, told: &BTreeSet<There>) -> Vec<Subject> {
        let mut ended = Vec::new();
        for (subject, (since, hangs_on)) in &mut self.awaited {
            if *since <= began {
                hangs_on.retain(|it| !told.contains(it));
                if hangs_on.is_empty() {
                    ended.push(subject.clone());
                }
            }
        }
        for subject in &ended {
            self.awaited.remove(subject);
        }
        self.sure.extend(ended.iter().cloned());
        ended
    }
}

impl Reconciler {
    /// Remembers since when a subject that was just judged is missed, or forgets it.
    pub(super) fn look_whether_it_is_missed(
        &mut self,
        now: Instant,
        subject: &Subject,
        verdict: &Verdict,
    ) {
        match verdict {
            Verdict::Waiting(Wait::Again) => {
                let hangs_on = self.hangs_on(subject);
                self.missed.miss(now, subject, hangs_on);
            }
            // What fails to be put back must be the same drift to be tried again.
            Verdict::Due(_) | Verdict::Waiting(_) if self.is_put_back(subject) => {}
            Verdict::Drift(drift) if drift.what.iter().any(may_go_along) => {}
            _ => self.missed.forget(subject),
        }
    }

    /// Whether a user is without the default project that he had, and nobody can say yet whether
    /// that was deleted.
    pub(super) fn may_have_lost_his_project(
        &self,
        (kind, id): There,
        found: &Object<CloudId>,
        what: &[Difference],
    ) -> bool {
        let is_lost =
            what.contains(&Difference::DefaultProject) && default_project(found).is_none();
        is_lost && !self.missed.is_sure(&Subject::Object(kind, id))
    }

    /// What a link, or a user's default project, goes with.
    fn hangs_on(&self, subject: &Subject) -> BTreeSet<There> {
        match subject {
            Subject::Link(link) => link.ends().map(|(kind, id)| (kind, *id)).collect(),
            Subject::Object(kind, id) => {
                let object = self.replica.directory.object(*kind, id);
                let project = object.as_ref().and_then(default_project);
                project
                    .map(|it| (ObjectKind::Project, *it))
                    .into_iter()
                    .collect()
            }
            Subject::Own(..) | Subject::Password(_) | Subject::Quota(..) | Subject::Reading(_) => {
                BTreeSet::new()
            }
        }
    }

    /// The records of a kind were read to their end; of what is in departments of which that told
    /// nothing, or some and not this, nothing more is known.
    pub(super) fn look_at_missed(
        &mut self,
        kind: RecordKind,
        began: Instant,
        (lacks, cut): (&Reach, &Cut),
    ) {
        let all = self.missed.awaiting(kind, began);
        let is_told = |it: &There| {
            let subject = Subject::Object(it.0, it.1);
            !self.is_passed_by(&subject, lacks) && !self.is_left_out(*it, cut)
        };
        let told = all.filter(|it| is_told(it));
        let told: BTreeSet<There> = told.copied().collect();
        let ended = self.missed.is_read(began, &told);
        self.dirty.extend(ended);
    }
}

/// Whether such a difference may come of something else that was deleted.
const fn may_go_along(of: &Difference) -> bool {
    matches!(of, Difference::LinkTaken | Difference::DefaultProject)
}
