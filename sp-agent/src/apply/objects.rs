//! Decides about one thing of the directory.

use shared::ids::ObjectId;
use shared::model::{Becomes, CloudId, End, Marker, Object, ObjectKind, RecordKind};

use super::Reconciler;
use super::circles::is_for_the_meantime;
use super::compare::{
    default_project, differences, digest, enabled, is_as_before, put_right, switched, translated,
};
use super::looks::known;
use super::places::Place;
use super::subject::{Difference, Drift, Level, Subject, Wait, Why, record_kind};
use super::verdict::{Done, Due, Verdict};
use crate::cloud::Order;
use crate::cloud::is_same_name;
use crate::replica::{Applied, Note, Was};

/// A thing of the directory beside what it is in the cloud.
pub(super) struct Compared {
    pub(super) was: Was,
    /// As it is to be.
    pub(super) wanted: Object<CloudId>,
    /// As it is.
    pub(super) found: Object<CloudId>,
    /// All in which it differs.
    pub(super) what: Vec<Difference>,
    /// Of this, what is to be written.
    pub(super) due: Vec<Difference>,
}

impl Reconciler {
    pub(super) fn judge_object(&self, kind: ObjectKind, id: ObjectId) -> Verdict {
        if let Some(unread) = self.unread_of((kind, id)) {
            return Verdict::Waiting(Wait::Reading(unread));
        }
        let live = self.replica.directory.object(kind, &id);
        match (live, self.end(kind, &id)) {
            (Some(object), Some(how)) => Verdict::Blocked(revived(&object, how)),
            (Some(object), None) => self.judge_live(kind, id, object),
            (None, Some(how)) => self.judge_ended(kind, id, how),
            (None, None) => self.judge_unknown(kind, id),
        }
    }

    /// Whether the directory has a thing, and never said that it ended: an id is used once, so that
    /// what ended stays so.
    pub(super) fn is_live(&self, kind: ObjectKind, id: &ObjectId) -> bool {
        self.replica.directory.has(kind, id) && self.end(kind, id).is_none()
    }

    /// How a thing ended, whether or not a hub of an older backup has it again.
    pub(super) fn end(&self, kind: ObjectKind, id: &ObjectId) -> Option<End> {
        let ended = self.replica.ended.get(id).filter(|(of, _)| *of == kind);
        ended.map(|(_, how)| *how)
    }

    /// The first kind that must be read before anything can be said of any thing of this kind.
    pub(super) fn unread(&self, kind: ObjectKind) -> Option<RecordKind> {
        let also = (kind == ObjectKind::User).then_some(ObjectKind::Project);
        let needed = [ObjectKind::Department, kind].into_iter().chain(also);
        let mut kinds = needed.map(record_kind);
        kinds.find(|it| !self.actual.is_told(*it))
    }

    fn judge_live(&self, kind: ObjectKind, id: ObjectId, object: Object<ObjectId>) -> Verdict {
        match self.places.place((kind, id), &self.base) {
            Place::Here(here) => self.judge_here(kind, id, object, here),
            Place::Gone if !self.is_put_back(&Subject::Object(kind, id)) => {
                drift(object.name(), vec![Difference::Deleted], Why::Region)
            }
            Place::Gone | Place::Absent => self.judge_missing(kind, id, object),
        }
    }

    fn judge_missing(&self, kind: ObjectKind, id: ObjectId, object: Object<ObjectId>) -> Verdict {
        for (kind, needed) in needs(&object) {
            if self.places.here(kind, needed).is_none() {
                return Verdict::Waiting(Wait::Needs(kind, *needed));
            }
        }
        if let Some(reason) = self.name_reserved(&object) {
            return Verdict::Blocked(reason);
        }
        if let Some(why) = self.forbidden(&object) {
            return drift(object.name(), vec![Difference::Missing], why);
        }
        let mut object = self.without_absent_project(object);
        // In one that is switched off Keystone makes nothing. It is switched off when all are made.
        if enabled(&object) == Some(false) && self.first_to_be_made((kind, id)).is_some() {
            object = switched(object, true);
        }
        let was = digest(id, &object);
        let Some(wanted) = translated(&object, |kind, id| self.places.here(kind, id)) else {
            return Verdict::Nothing(None);
        };
        if let Object::Project(it) = &wanted
            && let Some((kind, above)) = self.off_above(it)
        {
            return self.until_it_is_on(kind, above);
        }
        let marker = self.marker(id);
        let order = Order::Create {
            object: wanted,
            marker,
        };
        let due = Due {
            level: Level::write(kind),
            order,
            done: Done::Applied(kind, id, was),
        };
        self.due(due, object.name(), vec![Difference::Missing])
    }

    fn judge_here(
        &self,
        kind: ObjectKind,
        id: ObjectId,
        object: Object<ObjectId>,
        here: CloudId,
    ) -> Verdict {
        let Some(compared) = self.compared((kind, id), object.clone(), &here) else {
            let mut needs = needs(&object);
            let missing = needs.find(|(kind, id)| self.places.here(*kind, id).is_none());
            return match missing {
                Some((kind, id)) => Verdict::Waiting(Wait::Needs(kind, *id)),
                None => Verdict::Nothing(None),
            };
        };
        let Compared {
            was,
            wanted,
            found,
            what,
            due,
        } = compared;
        let applied = self.base.objects.get(&(kind, id));
        let applied = applied.filter(|it| it.here == here);
        let marker = self.marker_to_leave(kind, &here, id);
        let guard = self.guard(kind, &here);
        if what.is_empty() {
            let is_to_mark = applied.is_none() && guard.is_none() && !self.policy.read_only;
            if marker.is_none() || !is_to_mark {
                let now = Applied { here, was };
                let note = (applied != Some(&now)).then_some(Note::Object(kind, id, Some(now)));
                return Verdict::InPlace(note);
            }
        }
        if let Some(why) = guard {
            return drift(found.name(), what, why);
        }
        if due.is_empty() && !what.is_empty() {
            return match self.may_have_lost_his_project((kind, id), &found, &what) {
                true => Verdict::Waiting(Wait::Again),
                false => drift(found.name(), what, Why::Region),
            };
        }
        if let Some(verdict) = self.reaches_into(kind, &here, found.name(), &due) {
            return verdict;
        }
        let to = put_right(found.clone(), &wanted, &due);
        if let Some(verdict) = self.wait_to_switch(kind, id, (&here, &found), &to) {
            return verdict;
        }
        let name = found.name().to_owned();
        let level = Level::write(kind);
        let mut due_now = Due {
            level,
            order: Order::Update {
                id: here,
                from: found,
                to,
                marker,
            },
            done: Done::Applied(kind, id, was),
        };
        if let Some(order) = self.way_out_of_a_circle((kind, id), &due_now.order) {
            (due_now.order, due_now.done) = (order, Done::Step(kind, id));
        }
        self.due(due_now, &name, what)
    }

    /// In what the cloud's thing differs, and what of that is due. Each field by itself: what the
    /// region alone changed is not written over because the hub changed something else. `None`
    /// where it is not here, or what it is in is not.
    pub(super) fn compared(
        &self,
        (kind, id): (ObjectKind, ObjectId),
        object: Object<ObjectId>,
        here: &CloudId,
    ) -> Option<Compared> {
        let found = self.actual.object(kind, here)?;
        let had_project = default_project(&object).is_some();
        let object = self.without_absent_project(object);
        let mut was = digest(id, &object);
        let wanted = translated(&object, |kind, id| self.places.here(kind, id))?;
        let mut what = differences(&wanted, &found, |it| self.is_ours(it));
        let applied = self.base.objects.get(&(kind, id));
        let before = applied.filter(|it| it.here == *here).map(|it| it.was);
        if had_project && default_project(&object).is_none() {
            what.retain(|it| *it != Difference::DefaultProject);
            was.keep_default_project(before.as_ref());
        }
        let before = before.filter(|_| !self.is_put_back(&Subject::Object(kind, id)));
        let is_due = |it: &&Difference| match before {
            Some(before) => is_left_midway(it, id) || !is_as_before(it, &before, &was),
            None => **it != Difference::Moved,
        };
        let due = what.iter().filter(is_due).cloned().collect();
        Some(Compared {
            was,
            wanted,
            found,
            what,
            due,
        })
    }

    /// What is neither in the directory nor known to have ended stays as it is.
    fn judge_unknown(&self, kind: ObjectKind, id: ObjectId) -> Verdict {
        let Place::Here(here) = self.places.place((kind, id), &self.base) else {
            let applied = self.base.objects.get(&(kind, id));
            let known = known(&self.base, &self.actual, &self.replica);
            let is_passed_on = |it: &Applied| self.places.is_passed_on((kind, id), &it.here, known);
            let is_over = applied.is_some_and(is_passed_on);
            return Verdict::Nothing(is_over.then_some(Note::Object(kind, id, None)));
        };
        let is_own = matches!(self.places.binding(kind, &here), Some(Becomes::Withheld(_)));
        match self.actual.object(kind, &here) {
            Some(found) if !is_own => {
                drift(found.name(), vec![Difference::NotInDirectory], Why::Region)
            }
            _ => Verdict::Nothing(None),
        }
    }

    /// Without a default project that is not here: it follows once that is.
    fn without_absent_project(&self, mut object: Object<ObjectId>) -> Object<ObjectId> {
        if let Object::User(user) = &mut object
            && let Some(project) = user.default_project
            && self.places.here(ObjectKind::Project, &project).is_none()
        {
            user.default_project = None;
        }
        object
    }

    /// Whether a project is the federation's, and not one that stays the region's own.
    fn is_ours(&self, project: &CloudId) -> bool {
        let kind = ObjectKind::Project;
        let binding = self.places.binding(kind, project);
        let is_withheld = matches!(binding, Some(Becomes::Withheld(_)));
        self.places.there(kind, project).is_some() && !is_withheld
    }

    /// The merge plan calls it blocked, and so does this.
    fn name_reserved(&self, object: &Object<ObjectId>) -> Option<String> {
        let Object::Department(wanted) = object else {
            return None;
        };
        let departments = &self.actual.organization().departments;
        let mut reserved = self.reserved.iter();
        let id = reserved.find(|it| {
            let found = departments.get(*it);
            found.is_some_and(|it| is_same_name(&it.name, &wanted.name))
        })?;
        Some(format!(
            "the region's own department {id} has the name {:?}; rename the federation's \
             department, or the region's",
            wanted.name
        ))
    }

    /// Why a thing may not be made.
    fn forbidden(&self, object: &Object<ObjectId>) -> Option<Why> {
        let protected = match object {
            Object::Department(it) => self.policy.protects_department("", &it.name),
            Object::User(it) => self.policy.protects_user("", &it.name),
            _ => false,
        };
        if protected {
            return Some(Why::Protected);
        }
        let department = object.department()?;
        let here = self.places.here(ObjectKind::Department, department)?;
        self.guard(ObjectKind::Department, &here)
    }

    fn marker(&self, object: ObjectId) -> Marker {
        let federation = self.federation;
        Marker { federation, object }
    }

    fn marker_to_leave(&self, kind: ObjectKind, here: &CloudId, id: ObjectId) -> Option<Marker> {
        let marker = self.marker(id);
        let found = self.actual.traits(kind, here).marker;
        (found != Some(marker)).then_some(marker)
    }

    /// What is to be done, unless the policy takes no changes.
    pub(super) fn due(&self, mut due: Due, name: &str, what: Vec<Difference>) -> Verdict {
        if due.switches_off() {
            due.level = Level::SwitchOff;
        }
        match self.policy.read_only {
            true => drift(name, what, Why::ReadOnly),
            false => Verdict::Due(Box::new(due)),
        }
    }
}

/// Whether a thing has a name for the meantime although it was given its own: its cloud was set
/// back to a backup. Nobody there calls anything so.
fn is_left_midway(what: &Difference, id: ObjectId) -> bool {
    matches!(what, Difference::Renamed { to, .. } if is_for_the_meantime(to, id))
}

/// What the hub tells of again, of which it told that it ended.
fn revived(object: &Object<ObjectId>, how: End) -> String {
    let (kind, name) = (object.kind().name(), object.name());
    let (ended, command) = match how {
        End::Deleted => ("deleted", "delete"),
        End::Retired => ("retired", "retire"),
    };
    format!(
        "the federation {ended} this {kind}, and this hub, which is of an older backup, has it \
         again: it does not come back here; end it there too, with `idp-hub org {command} {kind} \
         {name:?}`"
    )
}

pub(super) fn drift(name: &str, what: Vec<Difference>, why: Why) -> Verdict {
    let name = name.to_owned();
    Verdict::Drift(Drift { name, what, why })
}

/// What must be in the cloud before a thing can be made there.
pub(super) fn needs(object: &Object<ObjectId>) -> impl Iterator<Item = (ObjectKind, &ObjectId)> {
    let department = object.department();
    let department = department.map(|it| (ObjectKind::Department, it));
    let outer = match object {
        Object::Project(it) => it.parent.as_ref(),
        _ => None,
    };
    let outer = outer.map(|it| (ObjectKind::Project, it));
    department.into_iter().chain(outer)
}
