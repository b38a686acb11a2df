//! Decides about one user's password, which the hub sealed to this agent.
//!
//! A cloud shows no password, so that there is nothing to compare: what the hub told is given to
//! the cloud once, for each version and each user that stands for him.

use shared::ids::ObjectId;
use shared::model::{ObjectKind, Secret};

use super::Reconciler;
use super::objects::drift;
use super::subject::{Difference, Level, Subject, Wait};
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
    }

    pub(super) fn judge_password(&self, user: ObjectId) -> Verdict {
        let kind = ObjectKind::User;
        let Some(secret) = self.replica.secrets.get(&user) else {
            return Verdict::Nothing(None);
        };
        let Some(object) = self.replica.directory.object(kind, &user) else {
            return Verdict::Nothing(None);
        };
        if let Some(unread) = self.unread(kind) {
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
        let due = Due {
            level: Level::Password,
            order: Order::Password(here, secret.clone()),
            done: Done::Password(user, set),
        };
        self.due(due, object.name(), what)
    }
}
