//! Decides about what was retired and is to be deleted now, on the administrator's command.
//!
//! What is known here of a thing's contents is as old as the last reading, and of servers and
//! volumes nothing is known: so the cloud is asked ([`Order::Look`]), the hub is told, and once
//! every region has told it the same, the order to delete asks once more, right before it deletes
//! ([`Order::Purge`]). Decided here is what may be ordered at all.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::{
    Becomes, CloudId, End, Key, Object, ObjectKind, PurgeStep, Remark, RemarkState, Subject,
    UnixMillis,
};

use super::Reconciler;
use super::objects::drift;
use super::places::{Here, There};
use super::subject::{Difference, Level, Standing, Wait, record_kind};
use super::verdict::{Done, Due, Verdict};
use crate::cloud::{Order, is_same_name};

/// What is in a department, by kind.
type Inside = Vec<Here>;

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
        told.is_some_and(|it| it.kind == kind && it.step != PurgeStep::Lapsed)
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
        let is_unlisted = |it: &&ObjectKind| {
            let is_around = kind == ObjectKind::Department;
            is_around && self.actual.coverage().lacks(record_kind(**it), Some(here))
        };
        let unlisted = needed.iter().find(is_unlisted).map(|it| record_kind(*it));
        let unread = needed.iter().find_map(|it| self.unread(*it));
        if let Some(unread) = unread.or(unlisted) {
            return Verdict::Waiting(Wait::Reading(unread));
        }
        if let Some(reason) = self.doubtful((kind, id), here, &found) {
            return Verdict::Blocked(reason);
        }
        let Some(told) = self.replica.purges.get(&id) else {
            return Verdict::Nothing(None);
        };
        let along = match told.step {
            PurgeStep::Ask => self.goes_along(kind, here),
            PurgeStep::Delete | PurgeStep::Lapsed => BTreeSet::new(),
        };
        if let Some(verdict) = self.holds((kind, id), here, &along) {
            return verdict;
        }
        if told.step == PurgeStep::Ask {
            return self.judge_look((kind, id), here, found.name(), along);
        }
        let name = found.name().to_owned();
        let order = Order::Purge {
            kind,
            id: here.clone(),
            name: name.clone(),
            told: told.at,
        };
        let done = Done::Gone(kind, id);
        self.due(Due { level, order, done }, &name, what)
    }

    /// Nothing is known to be in it but what goes along: whether the cloud says so too.
    fn judge_look(
        &self,
        (kind, id): There,
        here: &CloudId,
        name: &str,
        along: BTreeSet<Here>,
    ) -> Verdict {
        if self.policy.removals_max == 0 {
            return Verdict::Blocked(
                "nothing may be removed here: the agent's [policy] has removals_max = 0".to_owned(),
            );
        }
        if let Some(verdict) = self.keeps_it(&along) {
            return verdict;
        }
        let Some(told) = self.replica.purges.get(&id).map(|it| it.at) else {
            return Verdict::Nothing(None);
        };
        if self.is_found_empty((kind, id), here, told) && !self.policy.read_only {
            return Verdict::Waiting(Wait::Agreed);
        }
        let order = Order::Look {
            kind,
            id: here.clone(),
            name: name.to_owned(),
            told,
            along: along.into_iter().map(|(_, it)| it).collect(),
        };
        let (level, done) = (Level::Look, Done::Empty(here.clone(), told));
        self.due(Due { level, order, done }, name, vec![Difference::Surplus])
    }

    /// What of a department the federation deletes with it: what it had there, and retired with it.
    fn goes_along(&self, kind: ObjectKind, here: &CloudId) -> BTreeSet<Here> {
        if kind != ObjectKind::Department {
            return BTreeSet::new();
        }
        let is_its = |(kind, here): &Here| {
            let is_withheld =
                matches!(self.places.binding(*kind, here), Some(Becomes::Withheld(_)));
            let there = self.places.there(*kind, here).filter(|_| !is_withheld);
            let ended = there.and_then(|it| self.replica.ended.get(&it));
            ended.is_some_and(|(of, _)| of == kind) && Level::remove(*kind).is_some()
        };
        self.inside(here).into_iter().filter(is_its).collect()
    }

    /// What of that may not be removed here, so that the department would stay when all others have
    /// lost what is in it.
    fn keeps_it(&self, along: &BTreeSet<Here>) -> Option<Verdict> {
        along.iter().find_map(|(kind, here)| {
            let found = self.actual.object(*kind, here)?;
            let what = [Difference::Surplus];
            let verdict = match self.guard(*kind, here) {
                Some(why) => drift(found.name(), what.to_vec(), why),
                None => self.reaches_into(*kind, here, found.name(), &what)?,
            };
            Some(match verdict {
                Verdict::Drift(drift) => Verdict::Blocked(format!(
                    "the {} {:?} in it may not be removed here: {}",
                    kind.name(),
                    drift.name,
                    drift.why.next_step()
                )),
                verdict => verdict,
            })
        })
    }

    /// Whether the cloud said that nothing is in it, as this word asks.
    fn is_found_empty(&self, (kind, id): There, here: &CloudId, told: UnixMillis) -> bool {
        let subjects = [Subject::Object(kind, id), Subject::Own(kind, here.clone())];
        let mut found = subjects.iter().filter_map(|it| self.empty.get(it));
        found.any(|(of, by)| (of, *by) == (here, told))
    }

    /// The cloud says so.
    pub(super) fn found_empty(&mut self, subject: &Subject, done: &Done) {
        if let Done::Empty(here, told) = done {
            self.empty.insert(subject.clone(), (here.clone(), *told));
        }
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
    fn holds(&self, (kind, id): There, here: &CloudId, along: &BTreeSet<Here>) -> Option<Verdict> {
        let mut inside = match kind {
            ObjectKind::Department => self.inside(here),
            _ => {
                let inner = self.actual.inner(here);
                inner.map(|it| (ObjectKind::Project, it.clone())).collect()
            }
        };
        inside.retain(|it| !along.contains(it));
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

    /// What is told the hub of what it wants purged.
    pub(super) fn purged(&self) -> impl Iterator<Item = Remark> {
        let all = self.replica.purges.iter();
        let all = all.filter(|(_, it)| it.step != PurgeStep::Lapsed);
        all.filter_map(|(id, it)| {
            let (what, told) = ((it.kind, *id), it.at);
            let state = match self.is_purged(it.kind, id) {
                true => RemarkState::Purged { told },
                false if self.agrees(what, told) => RemarkState::Purgeable { told },
                false => return None,
            };
            Some(Remark {
                subject: Subject::Object(it.kind, *id),
                name: it.name.clone(),
                state,
            })
        })
    }

    /// Whether this region waits for the others to purge it. Where more than one thing is taken for
    /// it, each must be empty.
    fn agrees(&self, (kind, id): There, told: UnixMillis) -> bool {
        let withheld = self.places.withheld((kind, id));
        let withheld = withheld.map(|here| Subject::Own(kind, here.clone()));
        let subjects = std::iter::once(Subject::Object(kind, id)).chain(withheld);
        let standings = subjects.map(|it| {
            let is_by = self.empty.get(&it).is_some_and(|(_, by)| *by == told);
            (self.standings.get(&it), is_by)
        });
        let there: Vec<_> = standings.filter(|(it, _)| it.is_some()).collect();
        let waits = |(it, is_by): &(Option<&Standing>, bool)| {
            *is_by && matches!(it, Some(Standing::Waiting(Wait::Agreed)))
        };
        !there.is_empty() && there.iter().all(waits)
    }

    /// In what a thing is: its department, and the project around it.
    pub(super) fn around(&self, kind: ObjectKind, here: &CloudId) -> Vec<CloudId> {
        if self.replica.purges.is_empty() {
            return Vec::new();
        }
        let outer = match kind {
            ObjectKind::Project => self.actual.outer(here).into_iter().next(),
            _ => None,
        };
        let department = self.actual.department(kind, here).cloned();
        department.into_iter().chain(outer).collect()
    }

    /// The same of a record; nothing is around a link.
    pub(super) fn around_record(&self, key: &Key) -> Vec<CloudId> {
        let mut kinds = ObjectKind::ALL.into_iter();
        let kind = kinds.find(|it| record_kind(*it) == key.kind);
        kind.map_or_else(Vec::new, |kind| self.around(kind, &key.id))
    }

    /// Something came or went: what is to be purged and was around it may be empty now, or is not
    /// any more. A project or department may have been taken for one that is to be purged, too.
    pub(super) fn look_at_purges_of(&mut self, around: &[CloudId]) {
        if around.is_empty() {
            return;
        }
        for (id, it) in &self.replica.purges {
            let here = self.places.here(it.kind, id);
            let mut places = here
                .into_iter()
                .chain(self.places.withheld((it.kind, *id)).cloned());
            if places.any(|here| around.contains(&here)) || self.unsure((it.kind, *id)).is_some() {
                self.dirty.insert(Subject::Object(it.kind, *id));
                for here in self.places.withheld((it.kind, *id)) {
                    self.dirty.insert(Subject::Own(it.kind, here.clone()));
                }
            }
        }
    }

    /// The hub says something else of what is to be purged, or of what is in it.
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
                let id = becomes.map(Becomes::object);
                id.is_some_and(|id| self.is_to_purge(*kind, &id))
            }
            Subject::Link(_) | Subject::Password(_) | Subject::Quota(..) | Subject::Reading(_) => {
                false
            }
        }
    }
}
