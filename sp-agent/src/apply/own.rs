//! Decides about one thing of the region that is no thing of the directory, and what is the
//! region's alone.

use shared::ids::ObjectId;
use shared::model::{Becomes, Binding, CloudId, Custody, End, Object, ObjectKind};

use super::Reconciler;
use super::compare::{binding_digest, enabled, switched};
use super::objects::drift;
use super::subject::{Difference, Level, Subject, Wait, Why, record_kind};
use super::verdict::{Done, Due, Verdict};
use crate::cloud::Order;
use crate::replica::{Applied, Note, Was};

impl Reconciler {
    pub(super) fn judge_own(&self, kind: ObjectKind, here: &CloudId) -> Verdict {
        let Some(found) = self.actual.object(kind, here) else {
            return Verdict::Nothing(None);
        };
        let is_unlisted = self.actual.may_be_unlisted(kind, here);
        match self.places.binding(kind, here) {
            Some(Becomes::Withheld(id)) if is_unlisted && !self.is_live(kind, id) => {
                return Verdict::Waiting(Wait::Reading(record_kind(kind)));
            }
            Some(becomes @ Becomes::Withheld(id)) if !self.is_live(kind, id) => {
                let was = binding_digest(&Binding {
                    kind,
                    here: here.clone(),
                    becomes: *becomes,
                });
                let verdict = self.switch_off(kind, *id, here.clone(), found, was);
                let verdict = self.or_called_as_last((kind, *id), here, was, verdict);
                return self.or_purged((kind, *id), here, verdict);
            }
            _ => {}
        }
        let is_known = self.places.there(kind, here).is_some() && !self.is_misnamed(kind, here);
        let is_unread = self.unread(kind).is_some() || is_unlisted;
        let is_own = self.guard(kind, here).is_some();
        match is_known || is_unread || is_own {
            true => Verdict::Nothing(None),
            false => drift(found.name(), vec![Difference::CreatedHere], Why::Region),
        }
    }

    /// Whether the hub decided about a thing here as if it were another one of the directory's,
    /// which is another one here: so a hub that was restored from a backup, and took a role for
    /// what has its name now, before it heard again of what the role was applied as. It is told as
    /// the region's own until its region is merged again, which tells it from the other.
    fn is_misnamed(&self, kind: ObjectKind, here: &CloudId) -> bool {
        let Some(Becomes::Object(id)) = self.places.binding(kind, here) else {
            return false;
        };
        let is_other = self.places.there(kind, here).is_some_and(|it| it != *id);
        is_other && self.places.here(kind, id).is_some_and(|it| it != *here)
    }

    /// What is retired or withheld is switched off and stays, where it can be switched off.
    pub(super) fn switch_off(
        &self,
        kind: ObjectKind,
        id: ObjectId,
        here: CloudId,
        found: Object<CloudId>,
        was: Was,
    ) -> Verdict {
        let now = Applied {
            here: here.clone(),
            was,
        };
        let is_applied = self.base.objects.get(&(kind, id)) == Some(&now);
        match enabled(&found) {
            // What the hub linked to it is taken away link by link, and what the region did stays.
            None if self.goes_with_its_department(kind, id, &here) => {
                return Verdict::InPlace(None);
            }
            None => return drift(found.name(), vec![Difference::Surplus], Why::Custody),
            Some(false) => {
                let note = (!is_applied).then_some(Note::Object(kind, id, Some(now)));
                return Verdict::InPlace(note);
            }
            Some(true) => {}
        }
        let what = vec![Difference::Enabled];
        if let Some(why) = self.guard(kind, &here) {
            return drift(found.name(), what, why);
        }
        if let Some(verdict) = self.reaches_into(kind, &here, found.name(), &what) {
            return verdict;
        }
        let subjects = [Subject::Object(kind, id), Subject::Own(kind, here.clone())];
        if is_applied && !subjects.iter().any(|it| self.is_put_back(it)) {
            return drift(found.name(), what, Why::Region);
        }
        let to = switched(found.clone(), false);
        if let Some(verdict) = self.wait_to_switch(kind, id, (&here, &found), &to) {
            return verdict;
        }
        let name = found.name().to_owned();
        let order = Order::Update {
            id: here,
            from: found,
            to,
            marker: None,
        };
        let (level, done) = (Level::write(kind), Done::Applied(kind, id, was));
        self.due(Due { level, order, done }, &name, what)
    }

    /// Whether a group or role ended with its department, so that it is purged with that. What the
    /// region brought along later stays in it, and so does what may not be removed.
    fn goes_with_its_department(&self, kind: ObjectKind, id: ObjectId, here: &CloudId) -> bool {
        let is_withheld = matches!(self.places.binding(kind, here), Some(Becomes::Withheld(_)));
        let is_retired = self.end(kind, &id) == Some(End::Retired);
        is_retired && !is_withheld && self.guard(kind, here).is_none()
    }

    /// Why nothing of a thing may be changed.
    pub(super) fn guard(&self, kind: ObjectKind, here: &CloudId) -> Option<Why> {
        if self.actual.traits(kind, here).custody != Custody::Common {
            return Some(Why::Custody);
        }
        let department = self.actual.department(kind, here);
        let custody = department.map(|it| self.actual.traits(ObjectKind::Department, it).custody);
        match custody {
            Some(Custody::Reserved | Custody::Administrator) => Some(Why::Custody),
            _ => self.protects(kind, here).then_some(Why::Protected),
        }
    }

    /// Whether the policy protects a thing, or the department that it is in.
    pub(super) fn protects(&self, kind: ObjectKind, here: &CloudId) -> bool {
        let policy = &self.policy;
        let all = self.actual.organization();
        if !policy.protected_departments.is_empty()
            && let Some(id) = self.actual.department(kind, here)
        {
            let found = all.departments.get(id);
            let name = found.map_or("", |it| &it.name);
            if policy.protects_department(&id.to_string(), name) {
                return true;
            }
        }
        if kind != ObjectKind::User || policy.protected_users.is_empty() {
            return false;
        }
        let name = all.users.get(here).map_or("", |it| &it.name);
        policy.protects_user(&here.to_string(), name)
    }
}
