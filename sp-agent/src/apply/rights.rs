//! What is looked at again, because somebody's rights in this cloud may be others now: whoever
//! administers it keeps his password, and what makes somebody an administrator waits for his.

use shared::ids::ObjectId;
use shared::model::{Actor, CloudId, Link, Object, ObjectKind, RecordKind};

use super::Reconciler;
use super::administrators::{assignments_of, leads_to_admin};
use super::places::{Here, There};
use super::subject::{Standing, Subject, Wait};

impl Reconciler {
    /// A user's rights here may be others now, or his password.
    pub(super) fn look_at_rights_of(&mut self, user: ObjectId) {
        let kind = ObjectKind::User;
        if self.replica.secrets.contains_key(&user) {
            self.dirty.insert(Subject::Password(user));
        }
        self.look_at_held_of((kind, user));
        let Some(here) = self.places.here(kind, &user) else {
            return;
        };
        let links = self.actual.links_of(kind, &here);
        let groups = links.filter_map(|it| match it {
            Link::Membership(it) => self.places.there(ObjectKind::Group, &it.group),
            Link::Assignment(_) | Link::Implication(_) => None,
        });
        let groups: Vec<ObjectId> = groups.collect();
        groups.into_iter().for_each(|it| self.look_at_roles_of(it));
    }

    /// The same of whoever stands for a thing of the cloud, if that is a user.
    pub(super) fn look_at_rights_at(&mut self, (kind, here): &Here) {
        if *kind == ObjectKind::User
            && let Some(user) = self.places.there(*kind, here)
        {
            self.look_at_rights_of(user);
        }
    }

    /// Anybody's rights may be others now.
    pub(super) fn look_at_all_rights(&mut self) {
        let secrets = self.replica.secrets.keys();
        let secrets = secrets.map(|it| Subject::Password(*it));
        let held = self.standings.keys().filter(|it| self.is_held(it));
        let all: Vec<Subject> = held.cloned().chain(secrets).collect();
        self.dirty.extend(all);
    }

    /// The cloud has a link, or not any more.
    pub(super) fn look_at_rights_by(&mut self, link: &Link<CloudId>) {
        // All are looked at as soon as it is known which roles anybody has.
        if self.untold_of_roles().is_some() {
            return;
        }
        let users = match link {
            Link::Membership(it) => {
                if let Some(group) = self.places.there(ObjectKind::Group, &it.group) {
                    self.look_at_roles_of(group);
                }
                vec![it.user.clone()]
            }
            Link::Assignment(it) => match &it.actor {
                Actor::User(user) => vec![user.clone()],
                Actor::Group(group) => self.members(group),
            },
            // There are few, and whoever has a role hangs on them.
            Link::Implication(it) => {
                if self.leads_to_admin(&it.implied) {
                    self.look_at_all_rights();
                }
                Vec::new()
            }
        };
        for user in users {
            self.look_at_rights_at(&(ObjectKind::User, user));
        }
    }

    fn members(&self, group: &CloudId) -> Vec<CloudId> {
        let links = self.actual.links_of(ObjectKind::Group, group);
        let users = links.filter_map(|it| match it {
            Link::Membership(it) => Some(it.user.clone()),
            Link::Implication(_) | Link::Assignment(_) => None,
        });
        users.collect()
    }

    /// A thing of the cloud is so, or gone: by a role's name it is told who administers the cloud,
    /// and of one that is not known nobody can say that it is another.
    pub(super) fn look_at_rights_with(&mut self, kind: ObjectKind, here: &CloudId) {
        let is_role = kind == ObjectKind::Role && self.untold_of_roles().is_none();
        if is_role && self.actual.links_of(kind, here).next().is_some() {
            self.look_at_all_rights();
        }
    }

    /// The directory has a link, or not any more, or a reading showed that it was made after all:
    /// those whom it makes administrators may be given their passwords by it, or not any more, and
    /// what waited for these may be given.
    pub(super) fn look_at_empowered(&mut self, link: &Link<ObjectId>) {
        match link {
            Link::Implication(it) => {
                if leads_to_admin(&self.replica.directory, &it.implied) {
                    self.look_at_all_rights();
                }
            }
            Link::Assignment(it) => {
                if let Actor::Group(group) = it.actor {
                    self.look_at_held_of((ObjectKind::Group, group));
                }
            }
            Link::Membership(_) => {}
        }
        if let Some(here) = link.translated(|kind, id| self.places.here(kind, id)) {
            self.look_at_rights_by(&here);
        }
    }

    /// The directory calls a role otherwise than before, has it or has it no more.
    pub(super) fn look_at_rights_by_name(
        &mut self,
        before: Option<&Object<ObjectId>>,
        after: Option<&Object<ObjectId>>,
    ) {
        let is_admin = |it: Option<&Object<ObjectId>>| match it {
            Some(Object::Role(it)) => it.is_cloud_admin(),
            _ => false,
        };
        if is_admin(before) != is_admin(after) {
            self.look_at_all_rights();
        }
    }

    /// What refers to a thing of the directory may be held back for somebody's password.
    fn look_at_held_of(&mut self, what: There) {
        let its = self.referrers.get(&what).into_iter().flatten();
        let held = its.filter(|it| self.is_held(it));
        let held: Vec<Subject> = held.cloned().collect();
        self.dirty.extend(held);
    }

    /// What gives a group a role may wait for those in it.
    fn look_at_roles_of(&mut self, group: ObjectId) {
        let its = assignments_of(&self.replica.directory, group);
        let its = its.map(|it| Subject::Link(Link::Assignment(it.clone())));
        let held: Vec<Subject> = its.filter(|it| self.is_held(it)).collect();
        self.dirty.extend(held);
    }

    fn is_held(&self, subject: &Subject) -> bool {
        let standing = self.standings.get(subject);
        matches!(standing, Some(Standing::Waiting(Wait::Password(_))))
    }

    /// The first kind that was not read yet, and without which nobody knows who has which roles.
    pub(super) fn untold_of_roles(&self) -> Option<RecordKind> {
        use RecordKind::{Assignment, Group, Implication, Membership, Role};
        let mut needed = [Group, Role, Membership, Implication, Assignment].into_iter();
        needed.find(|it| !self.actual.is_told(*it))
    }
}
