//! Orders of which nobody knows whether they were carried out: the answer was lost.
//!
//! The same order may be given again, as twice is once. Another one must not, before the cloud was
//! read: what was made under one name would be made again under the next. Nor must something be
//! made again by the same: somebody there may have given it another name since, and its own is
//! free. Where the list that would show it is cut, and does not, the same order is given again all
//! the same, and another one waits until the list comes whole.

use std::time::Instant;

use shared::model::{CloudId, Link, RecordKind};

use super::Reconciler;
use super::batch::{Task, note};
use super::compare::differences;
use super::subject::{Subject, link_kind, record_kind};
use super::verdict::Due;
use crate::cloud::{CloudError, Cut, Order, Reach};

/// An order in doubt.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    task: Task,
    since: Instant,
    /// Where it is seen; `None` where any reading of the kind shows it, or nobody knows.
    department: Option<CloudId>,
    /// Whether what may have been made may be beyond the end of a list that was cut.
    is_left_out: bool,
}

impl Doubt {
    /// A reading that began then or later tells.
    pub(super) const fn since(&self) -> Instant {
        self.since
    }

    pub(super) const fn kind(&self) -> RecordKind {
        match &self.task.order {
            Order::Create { object, .. } => record_kind(object.kind()),
            Order::Update { to, .. } => record_kind(to.kind()),
            Order::Remove { kind, .. } | Order::Look { kind, .. } | Order::Purge { kind, .. } => {
                record_kind(*kind)
            }
            Order::Link(link) | Order::Unlink(link) => link_kind(link),
            Order::Password(..) => RecordKind::User,
            Order::Quota(_) => RecordKind::Quota,
        }
    }

    /// The group among whose members it is seen.
    const fn group(&self) -> Option<&CloudId> {
        match &self.task.order {
            Order::Link(Link::Membership(it)) | Order::Unlink(Link::Membership(it)) => {
                Some(&it.group)
            }
            _ => None,
        }
    }
}

/// Whether an order may have been carried out although it failed so.
pub(super) const fn is_doubtful(error: &CloudError) -> bool {
    match error {
        CloudError::Unreachable { .. } | CloudError::Malformed { .. } | CloudError::Stopped => true,
        CloudError::Status { status, .. } => *status >= 500,
        CloudError::Unauthorized { .. }
        | CloudError::CredentialRefused { .. }
        | CloudError::Forbidden { .. }
        | CloudError::Throttled { .. }
        | CloudError::Conflict { .. }
        | CloudError::Refused { .. }
        | CloudError::Occupied { .. }
        | CloudError::Missing { .. }
        | CloudError::Unmanaged => false,
    }
}

impl Reconciler {
    pub(super) fn doubt(&mut self, now: Instant, task: &Task, error: &CloudError) {
        self.was_not_set(now, task, error);
        // No reading shows a password, and the newest one is given whatever came of the last; and
        // so are limits. A question changes nothing.
        let is_given_again = matches!(
            task.order,
            Order::Password(..) | Order::Quota(_) | Order::Look { .. }
        );
        if is_doubtful(error) && !is_given_again {
            let doubt = Doubt {
                task: task.clone(),
                since: now,
                department: self.seen_in(&task.order),
                is_left_out: false,
            };
            self.doubts.insert(task.subject.clone(), doubt);
        }
    }

    /// The reading that something else than this order must wait for; `None` for the same again.
    pub(super) fn in_doubt(&self, subject: &Subject, due: Option<&Due>) -> Option<RecordKind> {
        let doubt = self.doubts.get(subject)?;
        let is_same = due.is_some_and(|it| it.order == doubt.task.order);
        (!is_same).then(|| doubt.kind())
    }

    /// The reading that the same making must wait for. Not for a whole list where it was cut, which
    /// may be for ever.
    pub(super) fn may_be_made(&self, subject: &Subject) -> Option<RecordKind> {
        let doubt = self.doubts.get(subject).filter(|it| !it.is_left_out)?;
        matches!(doubt.task.order, Order::Create { .. }).then(|| doubt.kind())
    }

    /// What a reading shows to have been carried out is noted as if the answer had come. What was
    /// ordered where it told nothing stays in doubt, and so does what may have been made where it
    /// told some.
    pub(super) fn resolve_doubts(
        &mut self,
        kind: RecordKind,
        began: Instant,
        (lacks, cut): (&Reach, &Cut),
    ) {
        let is_told = |it: &Doubt| {
            let is_listed = !lacks.may_have(it.department.as_ref());
            is_listed && it.group().is_none_or(|it| !lacks.groups.contains(it))
        };
        let all = self.doubts.iter();
        let resolved = all.filter(|(_, it)| it.kind() == kind && it.since <= began && is_told(it));
        let resolved: Vec<Subject> = resolved.map(|(subject, _)| subject.clone()).collect();
        for subject in resolved {
            if self.leaves_out(&subject, cut) {
                if let Some(doubt) = self.doubts.get_mut(&subject) {
                    doubt.is_left_out = true;
                }
            } else if let Some(Doubt { task, .. }) = self.doubts.remove(&subject) {
                self.resolve(task);
            }
            if let Subject::Link(link) = &subject {
                self.look_at_empowered(link);
            }
            self.dirty.insert(subject);
        }
    }

    /// Whether what may have been made is not among what came of its department's list, which was
    /// cut.
    fn leaves_out(&self, subject: &Subject, cut: &Cut) -> bool {
        let (Some(doubt), Subject::Object(kind, id)) = (self.doubts.get(subject), subject) else {
            return false;
        };
        let is_making = matches!(doubt.task.order, Order::Create { .. });
        let came = doubt.department.as_ref().and_then(|it| cut.get(it));
        is_making
            && came.is_some_and(|came| {
                let here = self.places.here(*kind, id);
                here.is_none_or(|it| !came.contains(&it))
            })
    }

    fn resolve(&mut self, task: Task) {
        if matches!(task.order, Order::Create { .. }) {
            self.met.may_be_made();
        }
        if self.shows(&task.order) {
            if let Some(note) = note(&task, None) {
                self.note(note);
            }
            self.met.answered(task);
        }
    }

    fn shows(&self, order: &Order) -> bool {
        match order {
            // Its marker tells.
            Order::Create { .. } => false,
            Order::Update { id, to, marker, .. } => {
                let found = self.actual.object(to.kind(), id);
                let is_any = |_: &CloudId| true;
                let is_so = found.is_some_and(|it| differences(to, &it, is_any).is_empty());
                let is_marked = self.actual.traits(to.kind(), id).marker == *marker;
                is_so && (marker.is_none() || is_marked)
            }
            Order::Remove { kind, id } | Order::Purge { kind, id, .. } => {
                !self.actual.organization().has(*kind, id)
            }
            Order::Link(link) => self.actual.has_link(link),
            Order::Unlink(link) => !self.actual.has_link(link),
            Order::Look { .. } | Order::Password(..) | Order::Quota(_) => false,
        }
    }
}
