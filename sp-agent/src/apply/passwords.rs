//! Decides about one user's password, which the hub sealed to this agent.
//!
//! A cloud shows no password, so that there is nothing to compare: what the hub told is given to
//! the cloud once, for each version and each user that stands for him.
//!
//! Whoever has the role `admin` in this cloud keeps the password that he has here, whoever sets
//! another one at the hub: by its password an account is taken over, and this one is the cloud's.
//! But for the federation's own administrators: who has the role by nothing else than a link of the
//! directory in [their project](shared::model::Administration), which was made here because the
//! directory has it, was no administrator of this cloud before.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::{CloudId, Link, ObjectKind, RecordKind, Role, Secret};

use super::Reconciler;
use super::objects::drift;
use super::subject::{Difference, Level, Subject, Wait, Why};
use super::verdict::{Done, Due, Verdict};
use crate::cloud::Order;
use crate::replica::{SetPassword, Tied};

impl Reconciler {
    /// The hub told a password; `None`: it tells none any more.
    pub fn tell_secret(&mut self, user: ObjectId, secret: Option<Secret>) {
        let subject = Subject::Password(user);
        let who = (ObjectKind::User, user);
        match secret {
            Some(secret) => {
                self.replica.secrets.insert(user, secret);
                let referrers = self.referrers.entry(who).or_default();
                referrers.insert(subject.clone());
            }
            None => {
                self.replica.secrets.remove(&user);
                self.refers_no_more(who, &subject);
            }
        }
        // What failed was another password.
        self.failures.forget(&subject);
        self.dirty.insert(subject);
        self.look_at_appointment(user);
    }

    /// What a link waits for that makes somebody a cloud administrator: that he has the password
    /// here that came with it, as others may know the one until now. Who is one here already gains
    /// nothing by the link, and keeps his own.
    pub(super) fn awaits_password(&self, link: &Link<ObjectId>) -> Option<Wait> {
        let user = self.administration.appointed(link)?;
        let here = self.places.here(ObjectKind::User, &user)?;
        if let Some(unread) = self.unread_of_roles() {
            return Some(Wait::Reading(unread));
        }
        let set = self.base.passwords.get(&user);
        let set = set.filter(|it| it.here == here);
        let told = self.replica.secrets.get(&user);
        let is_his = told
            .zip(set)
            .is_some_and(|(told, set)| set.version >= told.version);
        (!is_his && !self.administers(&here)).then_some(Wait::Password(user))
    }

    /// The link that makes a user a cloud administrator may be made now.
    pub(super) fn look_at_appointment(&mut self, user: ObjectId) {
        let its = self.referrers.get(&(ObjectKind::User, user));
        let its = its.into_iter().flatten();
        let appoints = |it: &&Subject| match it {
            Subject::Link(link) => self.administration.appointed(link).is_some(),
            _ => false,
        };
        let links: Vec<Subject> = its.filter(appoints).cloned().collect();
        self.dirty.extend(links);
    }

    pub(super) fn judge_password(&self, user: ObjectId) -> Verdict {
        let kind = ObjectKind::User;
        let Some(secret) = self.replica.secrets.get(&user) else {
            return Verdict::Nothing(None);
        };
        let Some(object) = self.replica.directory.object(kind, &user) else {
            return Verdict::Nothing(None);
        };
        if let Some(unread) = self.unread_of((kind, user)) {
            return Verdict::Waiting(Wait::Reading(unread));
        }
        let Some(here) = self.places.here(kind, &user) else {
            return Verdict::Waiting(Wait::Needs(kind, user));
        };
        let set = SetPassword {
            here: here.clone(),
            version: secret.version,
        };
        let before = self.base.passwords.get(&user);
        let is_set = before.is_some_and(|it| it.here == here && it.version >= secret.version);
        if is_set {
            return Verdict::InPlace(None);
        }
        let what = vec![Difference::Password];
        if let Some(why) = self.guard(kind, &here) {
            return drift(object.name(), what, why);
        }
        if let Some(unread) = self.unread_of_roles() {
            return Verdict::Waiting(Wait::Reading(unread));
        }
        if self.administers(&here) {
            return drift(object.name(), what, Why::Custody);
        }
        let due = Due {
            level: Level::Password,
            order: Order::Password(here, secret.clone()),
            done: Done::Password(user, set),
        };
        self.due(due, object.name(), what)
    }

    /// Whose roles a link of the cloud is about may be given his password now, or not any more.
    pub(super) fn look_at_passwords(&mut self, link: &Link<CloudId>) {
        let members = |group: &CloudId| {
            let links = self.actual.links_of(ObjectKind::Group, group);
            let users = links.filter_map(|it| match it {
                Link::Membership(it) => Some(it.user.clone()),
                Link::Implication(_) | Link::Assignment(_) => None,
            });
            users.collect::<Vec<CloudId>>()
        };
        let concerned = link.ends().flat_map(|(kind, id)| match kind {
            ObjectKind::User => vec![id.clone()],
            ObjectKind::Group => members(id),
            ObjectKind::Department | ObjectKind::Project | ObjectKind::Role => Vec::new(),
        });
        let known = concerned.filter_map(|it| self.places.there(ObjectKind::User, &it));
        let told: Vec<ObjectId> = known
            .filter(|it| self.replica.secrets.contains_key(it))
            .collect();
        self.dirty.extend(told.into_iter().map(Subject::Password));
    }

    /// The first kind without which nobody knows which roles a user has.
    pub(super) fn unread_of_roles(&self) -> Option<RecordKind> {
        use RecordKind::{Assignment, Group, Implication, Membership, Role};
        let mut needed = [Group, Role, Membership, Implication, Assignment].into_iter();
        let unread = needed.find(|it| !self.actual.is_told(*it));
        unread.or_else(|| self.hides_administrators().then_some(Membership))
    }

    /// Whether a user has the role `admin` anywhere in the cloud, by himself, by a group, or by a
    /// role that comes with it. Who has a role in the system as a whole is the region's own.
    fn administers(&self, user: &CloudId) -> bool {
        let of_user = self.actual.links_of(ObjectKind::User, user);
        let groups = of_user.filter_map(|link| match link {
            Link::Membership(it) => Some(&it.group),
            Link::Implication(_) | Link::Assignment(_) => None,
        });
        let of_groups = groups.flat_map(|it| self.actual.links_of(ObjectKind::Group, it));
        let links = self
            .actual
            .links_of(ObjectKind::User, user)
            .filter(|it| !self.is_appointment(it))
            .chain(of_groups);
        let mut roles = links.filter_map(|link| match link {
            Link::Assignment(it) => Some(&it.role),
            Link::Membership(_) | Link::Implication(_) => None,
        });
        roles.any(|it| self.leads_to_admin(it))
    }

    /// Whether a link of the cloud makes somebody an administrator because the directory says so,
    /// and for nothing else.
    fn is_appointment(&self, link: &Link<CloudId>) -> bool {
        let Some(link) = self.known_link(link) else {
            return false;
        };
        self.administration.appointed(&link).is_some()
            && self.has_link(&link)
            && self.base.links.get(&link.id()) == Some(&Tied::Made)
    }

    /// Whom a link of the directory makes an administrator may be given his password by it, or not
    /// any more.
    pub(super) fn look_at_appointed(&mut self, link: &Link<ObjectId>) {
        let user = self.administration.appointed(link);
        let user = user.filter(|it| self.replica.secrets.contains_key(it));
        self.dirty.extend(user.map(Subject::Password));
    }

    pub(super) fn leads_to_admin(&self, role: &CloudId) -> bool {
        let (mut seen, mut left) = (BTreeSet::from([role]), vec![role]);
        while let Some(role) = left.pop() {
            let known = self.actual.organization().roles.get(role);
            if known.is_none_or(Role::is_cloud_admin) {
                return true;
            }
            for link in self.actual.links_of(ObjectKind::Role, role) {
                if let Link::Implication(it) = link
                    && it.prior == *role
                    && seen.insert(&it.implied)
                {
                    left.push(&it.implied);
                }
            }
        }
        false
    }
}
