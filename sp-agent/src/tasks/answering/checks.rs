//! Decides whose passwords a hub has looked at in this region's cloud.
//!
//! The hub names whom it likes, and says itself which of them is which user of the directory: what
//! is the region's own (its services' accounts, its administrators, the agent's own, what its
//! policy protects) is decided here. No hub guesses at their passwords, or has the cloud lock them
//! out.

use std::sync::{Arc, Mutex, MutexGuard};

use shared::audit::{Act, By};
use shared::foreign;
use shared::ids::FederationId;
use shared::model::{
    Becomes, CloudId, Custody, Department, Entry, Key, ObjectKind, Record, RecordKind, User,
};
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::wire::frame::Checked;
use tokio::sync::watch;

use super::guesses::Guesses;
use crate::audit::Trail;
use crate::cloud::Policy;
use crate::config::Config;
use crate::replica::Replica;
use crate::replica::store::Store;
use crate::spool::Spool;
use crate::tasks::custodian::locked;

/// What decides, and what it goes by.
pub(in crate::tasks) struct Checks {
    pub(in crate::tasks) federation: FederationId,
    /// What the hub told.
    pub(in crate::tasks) replica: Store,
    /// What the cloud has, as it was read last.
    pub(in crate::tasks) spool: Spool,
    pub(in crate::tasks) configs: watch::Receiver<Arc<Config>>,
    pub(in crate::tasks) clock: Clock,
    pub(in crate::tasks) trail: Trail,
    /// Of the daemon, and not of one connection: a hub that comes anew has no more guesses.
    pub(in crate::tasks) guesses: Arc<Mutex<Guesses>>,
}

impl Checks {
    /// Whether a password of this user may be looked at now. It counts until it was.
    ///
    /// # Errors
    /// Why not, as a sentence for whoever asked.
    pub(super) async fn begin(&self, user: &CloudId) -> Result<(), String> {
        let begun = match self.is_common(user).await {
            Ok(()) => {
                let begun = self.guesses().begin(user, self.clock.now());
                begun.map_err(|error| error.to_string())
            }
            Err(reason) => Err(reason),
        };
        if let Err(reason) = &begun {
            self.note(user, reason).await;
        }
        begun
    }

    /// What the cloud said; `None` if it said nothing.
    pub(super) fn end(&self, user: &CloudId, checked: Option<Checked>) {
        self.guesses().end(user, checked);
    }

    async fn is_common(&self, user: &CloudId) -> Result<(), String> {
        let replica = self.replica.replica();
        is_bound(replica.as_deref(), user)?;
        let Some(Record::User(found)) = self.read(RecordKind::User, user).await? else {
            return Err(UNREAD.to_owned());
        };
        let home = self.read(RecordKind::Department, &found.what.department);
        let Some(Record::Department(home)) = home.await? else {
            return Err(UNREAD.to_owned());
        };
        let policy = &self.configs.borrow().policy;
        match is_kept(policy, &found, &home) {
            false => Ok(()),
            true => Err(KEPT.to_owned()),
        }
    }

    async fn read(&self, kind: RecordKind, id: &CloudId) -> Result<Option<Record>, String> {
        let id = id.clone();
        let record = self.spool.record(Key { kind, id }).await;
        record.map_err(|error| chain(&error).to_string())
    }

    /// Tells the log and the audit trail of one that is not looked at; not all of it, where it is
    /// much.
    async fn note(&self, user: &CloudId, reason: &str) {
        if !self.guesses().is_told(self.clock.now()) {
            return;
        }
        let user = foreign::line(&user.to_string());
        tracing::warn!(
            user,
            reason,
            "the hub asked about a password that is not looked at"
        );
        let by = By::new(format!("hub of federation {}", self.federation), "link");
        let act = Act::new(by, "check password").on("user", user, "");
        let act = act.with_outcome(format!("refused: {reason}"));
        self.trail.note(self.clock.unix_millis(), act).await;
    }

    fn guesses(&self) -> MutexGuard<'_, Guesses> {
        locked(&self.guesses)
    }
}

const UNBOUND: &str = "this user of the cloud is none of the directory's here; if he was merged \
                       just now, try again in a minute";

const UNREAD: &str = "this user was not read from the cloud yet; try again in a minute";

const KEPT: &str = "this user is the region's own, and so is his password; no hub asks about it";

/// Whether the replica holds him as a user of the directory.
fn is_bound(replica: Option<&Replica>, user: &CloudId) -> Result<(), String> {
    let bound = replica.and_then(|replica| {
        let becomes = replica.bindings.get(&(ObjectKind::User, user.clone()))?;
        match becomes {
            Becomes::Object(id) => replica.directory.users.get(id),
            Becomes::Withheld(_) => None,
        }
    });
    bound.map(drop).ok_or_else(|| UNBOUND.to_owned())
}

/// Whether he, or the department that he is in, is the region's own: as what is applied is decided.
fn is_kept(policy: &Policy, user: &Entry<User<CloudId>>, home: &Entry<Department>) -> bool {
    user.custody != Custody::Common
        || home.custody != Custody::Common
        || policy.protects_user(&user.id.to_string(), &user.what.name)
        || policy.protects_department(&home.id.to_string(), &home.what.name)
}

#[cfg(test)]
mod tests;
