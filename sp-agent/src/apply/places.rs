//! Which thing of the cloud is which of the directory's.
//!
//! A thing is known by what was applied last, then by what the hub decided about it, then by the
//! federation's marker on it, where that can be believed; the first of these that names something
//! that is in the cloud counts. What was applied as something of which the hub says nothing any
//! more, as it was restored from a backup, and is another thing by its word now, is that one.
//! Kept up to date thing by thing, so that one change costs a look at what it concerns.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::{FederationId, ObjectId};
use shared::model::{Becomes, CloudId, Custody, End, Object, ObjectKind, Organization};

use super::actual::Actual;
use crate::cloud::is_same_name;
use crate::replica::{Applied, Base};

/// A thing of the cloud.
pub(super) type Here = (ObjectKind, CloudId);

/// A thing of the directory.
pub(super) type There = (ObjectKind, ObjectId);

/// Where a thing of the directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// It is this one of the cloud.
    Here(CloudId),
    /// It was applied, and what it was is not in the cloud.
    Gone,
    /// Nothing in the cloud is it.
    Absent,
}

/// What places are found by.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) base: &'a Base,
    pub(super) actual: &'a Actual,
    pub(super) directory: &'a Organization<ObjectId>,
    pub(super) ended: &'a BTreeMap<ObjectId, (ObjectKind, End)>,
}

impl Known<'_> {
    /// Whether the hub tells of a thing, or told that it ended.
    fn is_told(&self, (kind, id): There) -> bool {
        let ended = self.ended.get(&id);
        self.directory.has(kind, &id) || ended.is_some_and(|(of, _)| *of == kind)
    }

    /// Whether a thing of the directory was applied as another one than this, which is there.
    fn is_elsewhere(&self, what: There, here: &CloudId) -> bool {
        let applied = self.base.objects.get(&what).map(|it| &it.here);
        let is_there = |it: &CloudId| self.actual.organization().has(what.0, it);
        applied.is_some_and(|it| it != here && is_there(it))
    }
}

/// What is known by what.
#[derive(Debug)]
pub(super) struct Places {
    federation: FederationId,
    /// What was applied, by the cloud's ids.
    based: BTreeMap<Here, ObjectId>,
    /// What the hub decided.
    bindings: BTreeMap<Here, Becomes>,
    /// What it decided to be a thing of the directory, by that.
    bound: BTreeMap<There, BTreeSet<CloudId>>,
    /// What it decided to be a thing that ended, by that.
    withheld: BTreeMap<There, BTreeSet<CloudId>>,
    /// What bears the federation's marker, by what it says.
    marked: BTreeMap<There, BTreeSet<CloudId>>,
    /// The markers that stand there.
    markers: BTreeMap<Here, ObjectId>,
    here: BTreeMap<There, CloudId>,
    there: BTreeMap<Here, ObjectId>,
}

/// A thing of the directory is another one of the cloud than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) what: There,
    pub(super) from: Option<CloudId>,
    pub(super) to: Option<CloudId>,
}

impl Places {
    pub(super) fn new(federation: FederationId, base: &Base) -> Self {
        let applied = base.objects.iter();
        let based = applied.map(|((kind, id), it)| ((*kind, it.here.clone()), *id));
        Self {
            federation,
            based: based.collect(),
            bindings: BTreeMap::new(),
            bound: BTreeMap::new(),
            withheld: BTreeMap::new(),
            marked: BTreeMap::new(),
            markers: BTreeMap::new(),
            here: BTreeMap::new(),
            there: BTreeMap::new(),
        }
    }

    /// Where a thing of the directory is.
    pub(super) fn place(&self, what: There, base: &Base) -> Place {
        match self.here.get(&what) {
            Some(here) => Place::Here(here.clone()),
            None if base.objects.contains_key(&what) => Place::Gone,
            None => Place::Absent,
        }
    }

    /// What a thing of the directory is in the cloud.
    pub(super) fn here(&self, kind: ObjectKind, id: &ObjectId) -> Option<CloudId> {
        self.here.get(&(kind, *id)).cloned()
    }

    /// Which of the directory's a thing of the cloud is, or was.
    pub(super) fn there(&self, kind: ObjectKind, here: &CloudId) -> Option<ObjectId> {
        self.there.get(&(kind, here.clone())).copied()
    }

    /// What the hub decided about a thing of the cloud.
    pub(super) fn binding(&self, kind: ObjectKind, here: &CloudId) -> Option<&Becomes> {
        self.bindings.get(&(kind, here.clone()))
    }

    /// What of the cloud the hub decided to be this thing.
    pub(super) fn bound(&self, what: There) -> impl Iterator<Item = &CloudId> {
        self.bound.get(&what).into_iter().flatten()
    }

    /// What of the cloud the hub decided to be this thing, which ended.
    pub(super) fn withheld(&self, what: There) -> impl Iterator<Item = &CloudId> {
        self.withheld.get(&what).into_iter().flatten()
    }

    /// What of the cloud may be this thing, whether it is believed or not.
    pub(super) fn traces(&self, what: There) -> impl Iterator<Item = &CloudId> {
        let known = [&self.bound, &self.withheld, &self.marked];
        known
            .into_iter()
            .filter_map(move |it| it.get(&what))
            .flatten()
    }

    /// Takes what the hub decides; `None` takes it back.
    pub(super) fn bind(
        &mut self,
        here: &Here,
        becomes: Option<Becomes>,
        known: Known<'_>,
    ) -> Vec<Moved> {
        let before = match &becomes {
            Some(it) => self.bindings.insert(here.clone(), *it),
            None => self.bindings.remove(here),
        };
        let mut concerned = self.concerned(here);
        if let Some(Becomes::Object(id)) = before {
            take_out(&mut self.bound, (here.0, id), &here.1);
            concerned.insert(id);
        }
        if let Some(Becomes::Withheld(id)) = before {
            take_out(&mut self.withheld, (here.0, id), &here.1);
        }
        if let Some(Becomes::Withheld(id)) = becomes {
            let withheld = self.withheld.entry((here.0, id)).or_default();
            withheld.insert(here.1.clone());
        }
        if let Some(Becomes::Object(id)) = becomes {
            let bound = self.bound.entry((here.0, id)).or_default();
            bound.insert(here.1.clone());
            concerned.insert(id);
        }
        self.resolve_all(here.0, concerned, known)
    }

    /// Looks at a thing of the cloud that was put or removed.
    pub(super) fn see(&mut self, here: &Here, known: Known<'_>) -> Vec<Moved> {
        let mut concerned = self.concerned(here);
        let marker = known.actual.marked(here.0, &here.1, self.federation);
        let before = match marker {
            Some(id) => self.markers.insert(here.clone(), id),
            None => self.markers.remove(here),
        };
        if let Some(id) = before {
            take_out(&mut self.marked, (here.0, id), &here.1);
            concerned.insert(id);
        }
        if let Some(id) = marker {
            let marked = self.marked.entry((here.0, id)).or_default();
            marked.insert(here.1.clone());
            concerned.insert(id);
        }
        self.resolve_all(here.0, concerned, known)
    }

    /// Looks at a thing of the directory that may be another one by its markers, or that was
    /// applied as what is another one by the hub's word.
    pub(super) fn look(&mut self, what: There, known: Known<'_>) -> Vec<Moved> {
        let (kind, id) = what;
        let mut concerned = BTreeSet::new();
        if self.marked.contains_key(&what) {
            concerned.insert(id);
        }
        if let Some(applied) = known.base.objects.get(&what)
            && let Some(Becomes::Object(other)) = self.binding(kind, &applied.here)
            && *other != id
        {
            concerned.extend([id, *other]);
        }
        self.resolve_all(kind, concerned, known)
    }

    /// Whether the hub, which says nothing any more of what a thing of the cloud was applied as,
    /// has decided that it is another one. Not one that is another thing of the cloud already: it
    /// can't be both, so that nobody would be what this was applied as, and it would be made again
    /// once the hub hears of it.
    pub(super) fn is_passed_on(&self, what: There, here: &CloudId, known: Known<'_>) -> bool {
        let (kind, id) = what;
        let Some(Becomes::Object(other)) = self.binding(kind, here) else {
            return false;
        };
        let is_other = *other != id && known.directory.has(kind, other);
        is_other && !known.is_told(what) && !known.is_elsewhere((kind, *other), here)
    }

    /// Looks at what is noted of a thing; `base` holds it already.
    pub(super) fn noted(
        &mut self,
        what: There,
        before: Option<&Applied>,
        known: Known<'_>,
    ) -> Vec<Moved> {
        let (kind, id) = what;
        let mut concerned = BTreeSet::from([id]);
        if let Some(before) = before {
            let old = (kind, before.here.clone());
            if self.based.get(&old) == Some(&id) {
                self.based.remove(&old);
            }
            concerned.extend(self.concerned(&old));
        }
        if let Some(now) = known.base.objects.get(&what) {
            let new = (kind, now.here.clone());
            self.based.insert(new.clone(), id);
            concerned.extend(self.concerned(&new));
        }
        self.resolve_all(kind, concerned, known)
    }

    /// What of the directory anything says that this is.
    fn concerned(&self, here: &Here) -> BTreeSet<ObjectId> {
        let bound = self.bindings.get(here).and_then(|it| match it {
            Becomes::Object(id) => Some(*id),
            Becomes::Withheld(_) => None,
        });
        let based = self.based.get(here).copied();
        let marked = self.markers.get(here).copied();
        let known = self.there.get(here).copied();
        [bound, based, marked, known]
            .into_iter()
            .flatten()
            .collect()
    }

    fn resolve_all(
        &mut self,
        kind: ObjectKind,
        mut ids: BTreeSet<ObjectId>,
        known: Known<'_>,
    ) -> Vec<Moved> {
        // What was applied as something that is one of these by the hub's word hangs on where that
        // is.
        let bound = ids.iter().flat_map(|id| self.bound((kind, *id)));
        let applied = bound.filter_map(|it| self.based.get(&(kind, it.clone())));
        let applied: Vec<ObjectId> = applied.copied().collect();
        ids.extend(applied);
        let resolved = ids.into_iter().filter_map(|id| {
            let what = (kind, id);
            let to = self.evident(what, known);
            let from = self.here.get(&what).cloned();
            (from != to).then_some(Moved { what, from, to })
        });
        let moved: Vec<Moved> = resolved.collect();
        for Moved { what, from, .. } in &moved {
            let from = from.as_ref().map(|it| (kind, it.clone()));
            if let Some(from) = from
                && self.there.get(&from) == Some(&what.1)
            {
                self.there.remove(&from);
            }
            self.here.remove(what);
        }
        for Moved { what, to, .. } in &moved {
            if let Some(to) = to {
                self.here.insert(*what, to.clone());
                self.there.insert((kind, to.clone()), what.1);
            }
        }
        moved
    }

    fn evident(&self, what: There, known: Known<'_>) -> Option<CloudId> {
        let Known { base, actual, .. } = known;
        let (kind, id) = what;
        let is_there = |here: &CloudId| actual.organization().has(kind, here);
        let applied = base.objects.get(&what).map(|it| &it.here);
        // Two may have been applied as one thing; the later note counts.
        let applied = applied.filter(|it| self.based.get(&(kind, (*it).clone())) == Some(&id));
        let applied = applied.filter(|it| !self.is_passed_on(what, it, known));
        if let Some(here) = applied.filter(|it| is_there(it)) {
            return Some(here.clone());
        }
        let is_free = |here: &CloudId| {
            let based = self.based.get(&(kind, here.clone()));
            based.is_none_or(|it| *it == id || self.is_passed_on((kind, *it), here, known))
        };
        let bound = self.bound.get(&what).into_iter().flatten();
        if let Some(here) = bound.into_iter().find(|it| is_there(it) && is_free(it)) {
            return Some(here.clone());
        }
        let is_undecided = |here: &CloudId| !self.bindings.contains_key(&(kind, here.clone()));
        let marked = self.marked.get(&what).into_iter().flatten();
        let mut marked = marked.filter(|it| is_there(it) && is_free(it) && is_undecided(it));
        self.genuine(what, &mut marked, known).cloned()
    }

    /// The one that a marker is believed of. Whoever may make a thing in his own department can
    /// write a marker on it, so that one counts only where the directory's thing belongs, and of
    /// several the one that has its name.
    fn genuine<'a>(
        &self,
        what: There,
        marked: &mut dyn Iterator<Item = &'a CloudId>,
        known: Known<'_>,
    ) -> Option<&'a CloudId> {
        let (kind, id) = what;
        let object = known.directory.object(kind, &id);
        let found = |here: &CloudId| known.actual.object(kind, here);
        let is_ours = |here: &CloudId| {
            known.actual.traits(kind, here).custody == Custody::Common
                && match &object {
                    Some(object) => self.is_where(object, &found(here)),
                    // What it was is not known any more.
                    None => true,
                }
        };
        let mut ours = marked.filter(|it| is_ours(it));
        let (first, second) = (ours.next()?, ours.next());
        let Some(second) = second else {
            return Some(first);
        };
        let is_named = |here: &&CloudId| {
            let (object, found) = (object.as_ref(), found(here));
            object
                .zip(found)
                .is_some_and(|(it, found)| is_same_name(it.name(), found.name()))
        };
        let mut named = [first, second].into_iter().chain(ours).filter(is_named);
        let only = named.next()?;
        named.next().is_none().then_some(only)
    }

    /// Whether a thing of the cloud is in the department of one of the directory's.
    fn is_where(&self, object: &Object<ObjectId>, found: &Option<Object<CloudId>>) -> bool {
        let Some(found) = found else { return false };
        match object.department() {
            Some(id) => {
                let place = self.here.get(&(ObjectKind::Department, *id));
                place.is_some() && found.department() == place
            }
            None => found.department().is_none(),
        }
    }
}

fn take_out(of: &mut BTreeMap<There, BTreeSet<CloudId>>, what: There, here: &CloudId) {
    if let Some(all) = of.get_mut(&what) {
        all.remove(here);
        if all.is_empty() {
            of.remove(&what);
        }
    }
}
