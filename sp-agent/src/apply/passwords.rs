//! Decides about one user's password, which the hub sealed to this agent.
//!
//! A cloud shows no password, so that there is nothing to compare: what the hub told is given to
//! the cloud once, for each version and each user that stands for him.
//!
//! Whoever has the role `admin` in this cloud keeps the password that he has here, whoever sets
//! another one at the hub: by its password an account is taken over, and this one is the cloud's.
//! But for whom [the directory made one](super::administrators).

use shared::ids::ObjectId;
use shared::model::{Link, ObjectKind, RecordKind, Secret};

use super::Reconciler;
use super::objects::drift;
use super::subject::{Difference, Level, Subject, Wait, Why};
use super::verdict::{Done, Due, Verdict};
use crate::cloud::Order;
use crate::replica::SetPassword;

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
        self.look_at_rights_of(user);
    }

    /// What a link waits for that makes somebody a cloud administrator: that he has the password
    /// here that the hub set last, as others may know the one until now. Who is one here already
    /// gains nothing by the link, and keeps his own.
    ///
    /// What gives the role to a group waits for those in it who have a password here, and not that
    /// one. Not for who has none at all, as the hub told none yet: nobody signs in as he does, he
    /// may never do so at the hub, and would keep the role from all.
    pub(super) fn awaits_password(&self, link: &Link<ObjectId>) -> Option<Wait> {
        let users: Vec<ObjectId> = match self.empowered_group(link) {
            Some(group) => {
                let members = self.made_members(group).into_iter();
                members.filter(|it| self.has_some_password(it)).collect()
            }
            None => self.empowered(link).into_iter().collect(),
        };
        users
            .into_iter()
            .find_map(|it| self.awaits_his_password(it))
    }

    fn awaits_his_password(&self, user: ObjectId) -> Option<Wait> {
        let here = self.places.here(ObjectKind::User, &user)?;
        let set = self.base.passwords.get(&user);
        let set = set.filter(|it| it.here == here);
        let told = self.replica.secrets.get(&user);
        let is_his = told
            .zip(set)
            .is_some_and(|(told, set)| set.version >= told.version);
        if is_his {
            return None;
        }
        if let Some(unread) = self.unread_of_roles() {
            return Some(Wait::Reading(unread));
        }
        (!self.administers(&here)).then_some(Wait::Password(user))
    }

    /// Whether the hub told a password for a user, or one was ever sent to the cloud.
    fn has_some_password(&self, user: &ObjectId) -> bool {
        self.replica.secrets.contains_key(user)
            || self.base.passwords.contains_key(user)
            || self.base.unanswered.contains(user)
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

    /// The first kind without which nobody knows which roles a user has.
    pub(super) fn unread_of_roles(&self) -> Option<RecordKind> {
        let unlisted = || {
            let is_hidden = self.hides_administrators();
            is_hidden.then_some(RecordKind::Membership)
        };
        self.untold_of_roles().or_else(unlisted)
    }
}
