//! Decides about what was retired and is to be deleted now, on the administrator's command.
//!
//! What is known here of a thing's contents is as old as the last reading, and of servers and
//! volumes nothing is known: so the order itself asks the cloud once more, right before it deletes
//! ([`Order::Purge`]). Decided here is what may be ordered at all.

use shared::ids::ObjectId;
use shared::model::{Becomes, CloudId, End, Object, ObjectKind, Remark, RemarkState, Subject};

use super::Reconciler;
use super::objects::drift;
use super::subject::{Difference, Level, Wait};
use super::verdict::{Done, Due, Verdict};
use crate::cloud::{Order, is_same_name};

/// What is in a department, by kind.
type Inside = Vec<(ObjectKind, CloudId)>;

impl Reconciler {
    /// What is switched off and to be purged is deleted; anything else is as it was found to be.
    pub(super) fn or_purged(
        &self,
        (kind, id): (ObjectKind, ObjectId),
        here: &CloudId,
        verdict: Verdict,
    ) -> Verdict {
        match verdict {
            // A note first: it is kept that it was switched off.
            Verdict::InPlace(None) if self.is_to_purge(kind, &id) => {
                self.judge_purge((kind, id), here)
            }
            verdict => verdict,
        }
    }

    /// Whether the hub says that this is to be purged.
    pub(super) fn is_to_purge(&self, kind: ObjectKind, id: &ObjectId) -> bool {
        let told = self.replica.purges.get(id);
        told.is_some_and(|it| it.kind == kind)
    }

    fn judge_purge(&self, (kind, id): (ObjectKind, ObjectId), here: &CloudId) -> Verdict {
        let (Some(level), Some(found)) = (Level::purge(kind), self.actual.object(kind, here))
        else {
            return Verdict::Nothing(None);
        };
        let what = vec![Difference::Surplus];
        if let Some(why) = self.guard(kind, here) {
            return drift(found.name(), what, why);
        }
        let needed = match kind {
            ObjectKind::Department => &ObjectKind::ALL[..],
            _ => &[ObjectKind::Project],
        };
        if let Some(unread) = needed.iter().find_map(|it| self.unread(*it)) {
            return Verdict::Waiting(Wait::Reading(unread));
        }
        if let Some(reason) = self.doubtful((kind, id), here, &found) {
            return Verdict::Blocked(reason);
        }
        if let Some(verdict) = self.holds((kind, id), here) {
            return verdict;
        }
        let Some(told) = self.replica.purges.get(&id).map(|it| it.at) else {
            return Verdict::Nothing(None);
        };
        let name = found.name().to_owned();
        let order = Order::Purge {
            kind,
            id: here.clone(),
            name: name.clone(),
            told,
        };
        let done = Done::Gone(kind, id);
        self.due(Due { level, order, done }, &name, what)
    }

    /// Why it is not sure that this is the thing that was retired. Whoever may make a project can
    /// write a marker on it, so that what the hub knows by its marker alone, as what it withheld,
    /// must have the name as well.
    fn doubtful(
        &self,
        (kind, id): (ObjectKind, ObjectId),
        here: &CloudId,
        found: &Object<CloudId>,
    ) -> Option<String> {
        if self.places.binding(kind, here) == Some(&Becomes::Object(id)) {
            return None;
        }
        let told = self.replica.purges.get(&id)?;
        (!is_same_name(&told.name, found.name())).then(|| {
            format!(
                "{here} bears the marker of the retired {} {:?} and is called {:?}; if it is that \
                 one, rename it, and take the marker off if it is not",
                kind.name(),
                told.name,
                found.name()
            )
        })
    }

    /// What has to go first: nothing is deleted with what is around it.
    fn holds(&self, (kind, id): (ObjectKind, ObjectId), here: &CloudId) -> Option<Verdict> {
        let inside = match kind {
            ObjectKind::Department => self.inside(here),
            _ => {
                let inner = self.actual.inner(here);
                inner.map(|it| (ObjectKind::Project, it.clone())).collect()
            }
        };
        if inside.is_empty() {
            return None;
        }
        // It takes some batches, as they may not be many.
        if inside.iter().all(|it| self.goes_by_itself(it)) {
            return Some(Verdict::Waiting(Wait::Emptied(kind, id)));
        }
        let counts = ObjectKind::ALL.into_iter().filter_map(|kind| {
            let of_kind = inside
                .iter()
                .filter(|it| it.0 == kind && !self.goes_by_itself(it));
            match of_kind.count() {
                0 => None,
                1 => Some(format!("1 {}", kind.name())),
                count => Some(format!("{count} {}s", kind.name())),
            }
        });
        let counts: Vec<String> = counts.collect();
        Some(Verdict::Blocked(format!(
            "it is not empty: in it are {}, which the federation does not delete; delete or move \
             them in the region, or purge them first",
            counts.join(", ")
        )))
    }

    fn inside(&self, department: &CloudId) -> Inside {
        let things = self.actual.things();
        let inside = things.filter(|(kind, here)| {
            *kind != ObjectKind::Department
                && self.actual.department(*kind, here) == Some(department)
        });
        inside.cloned().collect()
    }

    /// Whether the hub said that it was deleted, or is to be purged, and so it is here too.
    fn goes_by_itself(&self, (kind, here): &(ObjectKind, CloudId)) -> bool {
        let is_withheld = matches!(self.places.binding(*kind, here), Some(Becomes::Withheld(_)));
        let there = self.places.there(*kind, here);
        let Some(there) = there.filter(|_| !is_withheld) else {
            return false;
        };
        let is_deleted = self.replica.ended.get(&there) == Some(&(*kind, End::Deleted));
        (is_deleted && Level::remove(*kind).is_some()) || self.is_to_purge(*kind, &there)
    }

    /// Whether a word of the hub's is as good as done: all is read, and nothing is there that
    /// might be the thing.
    fn is_purged(&self, kind: ObjectKind, id: &ObjectId) -> bool {
        self.unread(kind).is_none()
            && self.places.here(kind, id).is_none()
            && self.traces((kind, *id)).next().is_none()
    }

    /// What is there and may be it, by the hub's word or by its marker.
    fn traces(&self, what: (ObjectKind, ObjectId)) -> impl Iterator<Item = &CloudId> {
        let all = self.places.traces(what);
        all.filter(move |here| self.actual.organization().has(what.0, here))
    }

    /// What keeps something from being known for purged, though it is not known where it is.
    pub(super) fn unsure(&self, what: (ObjectKind, ObjectId)) -> Option<String> {
        if !self.is_to_purge(what.0, &what.1) {
            return None;
        }
        // That is decided about by itself.
        let withheld: Vec<&CloudId> = self.places.withheld(what).collect();
        let here = self.traces(what).find(|it| !withheld.contains(it))?;
        Some(format!(
            "{here} bears the marker of what is to be purged, and it is not sure that it is that; \
             delete it in the region, or take the marker off"
        ))
    }

    /// What is told the hub of what it wanted purged.
    pub(super) fn purged(&self) -> impl Iterator<Item = Remark> {
        let all = self.replica.purges.iter();
        let done = all.filter(|(id, it)| self.is_purged(it.kind, id));
        done.map(|(id, it)| Remark {
            subject: Subject::Object(it.kind, *id),
            name: it.name.clone(),
            state: RemarkState::Purged { told: it.at },
        })
    }

    /// Something is gone: what was to be purged may be empty now.
    pub(super) fn look_at_purges(&mut self) {
        for (id, it) in &self.replica.purges {
            self.dirty.insert(Subject::Object(it.kind, *id));
            for here in self.places.withheld((it.kind, *id)) {
                self.dirty.insert(Subject::Own(it.kind, here.clone()));
            }
        }
    }

    /// Whether a subject is one of those.
    pub(super) fn is_purge(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Object(kind, id) => self.is_to_purge(*kind, id),
            Subject::Own(kind, here) => {
                let becomes = self.places.binding(*kind, here);
                let id = becomes.and_then(Becomes::object);
                id.is_some_and(|id| self.is_to_purge(*kind, &id))
            }
            Subject::Link(_) | Subject::Password(_) | Subject::Quota(..) => false,
        }
    }
}
