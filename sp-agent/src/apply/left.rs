//! What ended and stays in the region all the same, and the links by which it would go on giving
//! rights.
//!
//! A link goes with what is removed, and gives nothing in what is switched off. But a group or a
//! role that stays, as nobody can switch one off, or a user whom the region does not remove, would
//! give on what the hub took away. So what was applied of that is taken away by itself.

use shared::ids::ObjectId;
use shared::model::{End, Link, ObjectKind, Scope};

use super::Reconciler;
use super::places::There;
use super::subject::{Standing, Subject, Wait, Why};

impl Reconciler {
    /// Whether a link that was applied, and of which an end is not in the directory any more, is to
    /// be taken away by itself. What is neither there nor known to have ended is left alone: the
    /// hub may be from an older backup.
    pub(super) fn gives_on(&self, link: &Link<ObjectId>) -> bool {
        let gives_power = || {
            let here = link.translated(|kind, id| self.places.here(kind, id));
            here.is_some_and(|it| self.gives_power(&it))
        };
        let is_live = |kind, id: &ObjectId| self.is_live(kind, id);
        let is_left = |kind, id: &ObjectId| {
            // A removal may be held back for long, and an administrator can't wait for it.
            let has_ended = kind == ObjectKind::User && self.end(kind, id).is_some();
            self.left.contains(&(kind, *id)) || has_ended && gives_power()
        };
        let is_here = link
            .ends()
            .all(|(kind, id)| is_live(kind, id) || is_left(kind, id));
        let gives = match link {
            // What is in a retired one stays as it is.
            Link::Assignment(it) => match &it.scope {
                Scope::Department(id) => is_live(ObjectKind::Department, id),
                Scope::Project(id) => is_live(ObjectKind::Project, id),
            },
            // Both were retired with their department, and he was switched off.
            Link::Membership(it) => {
                let group = self.end(ObjectKind::Group, &it.group);
                let user = self.end(ObjectKind::User, &it.user);
                (group, user) != (Some(End::Retired), Some(End::Retired))
            }
            // Who has a role that ended loses that, or is the region's own and keeps what it gives.
            Link::Implication(it) => is_live(ObjectKind::Role, &it.prior),
        };
        gives && is_here
    }

    /// Notes whether a thing that was just looked at stays although it ended, and looks at its
    /// links where that is new.
    pub(super) fn look_whether_it_is_left(&mut self, subject: &Subject) {
        let Subject::Object(kind, id) = subject else {
            return;
        };
        let is_new = match self.is_left((*kind, *id), subject) {
            true => self.left.insert((*kind, *id)),
            false => self.left.remove(&(*kind, *id)),
        };
        if is_new {
            self.look_at_links_of(*kind, id);
        }
    }

    /// Whether a user, group or role ended, and stays. What is given in a scope that ended is given
    /// to nobody's use.
    fn is_left(&self, (kind, id): There, subject: &Subject) -> bool {
        if matches!(kind, ObjectKind::Department | ObjectKind::Project)
            || self.end(kind, &id).is_none()
        {
            return false;
        }
        match self.standings.get(subject) {
            // Where nothing may be written nothing is left more than anything else.
            Some(Standing::Drift(drift)) => drift.why != Why::ReadOnly,
            Some(Standing::Failed | Standing::Blocked(_)) => true,
            // It is tried again, or never may be.
            Some(Standing::Due(level)) => {
                let is_never = level.is_removal() && self.policy.removals_max == 0;
                is_never || self.failures.get(subject).is_some()
            }
            // It may wait for days, and only what nobody knows need wait with it.
            Some(Standing::Waiting(Wait::Reading(_))) => self.waits_for_others((kind, id)),
            // It was retired, and nobody can switch it off.
            Some(Standing::InPlace) => matches!(kind, ObjectKind::Group | ObjectKind::Role),
            Some(Standing::Running | Standing::Waiting(_)) | None => false,
        }
    }

    /// Whether a thing is known, and is linked to what may be in a department that could not be
    /// listed.
    fn waits_for_others(&self, (kind, id): There) -> bool {
        let here = self.places.here(kind, &id);
        let around = here.and_then(|it| self.unlisted_around(kind, &it));
        around.is_some() && self.unread_of((kind, id)).is_none()
    }

    /// Looks at what a thing is linked to here.
    pub(super) fn look_at_links_of(&mut self, kind: ObjectKind, id: &ObjectId) {
        let Some(here) = self.places.here(kind, id) else {
            return;
        };
        let links = self.actual.links_of(kind, &here);
        let links: Vec<_> = links.filter_map(|it| self.known_link(it)).collect();
        links.into_iter().for_each(|it| self.look_at_link(it));
    }
}
