//! Takes a credential for the cloud that somebody gives, here or from the hub: proves it, and has
//! it kept and used, which `settings` does, so that the configuration can't change between.
//!
//! One at a time, in a task of its own: whoever asked may go, and what was proven is kept all the
//! same. Until then the one at work is. The agent's stop breaks off the proof, and waits until what
//! was proven is kept and told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::audit::{Act, By};
use shared::model::{CloudCredential, UnixMillis};
use shared::runtime::clock::Clock;
use shared::runtime::shutdown::Shutdown;
use shared::runtime::tasks::{TaskGroup, Tasks};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::allowance::Allowance;
use crate::audit::Trail;
use crate::cloud::openstack::{Auth, Home, Options, Proof, Unproven, prove};
use crate::config::Config;
use crate::credential::{Giver, Tried, Tries, auth_of, strange_homes};

/// Proven credentials that wait until they are kept: one is taken at a time.
pub(super) const GIFTS_MAX: usize = 4;

/// What the audit trail is told of credentials that were not even looked at: so many at once, and
/// then one in so long, or a hub that was taken over fills the disk.
const UNSEEN_AT_ONCE: u32 = 10;
const UNSEEN_EACH: Duration = Duration::from_secs(60);

/// A credential from a hub is tried for so long after it was sealed: whoever saw it on its way
/// can't give it again later. Both clocks may differ by as much, as for Kerberos.
const SEALED_AGE_MAX: Duration = Duration::from_secs(5 * 60);

/// A credential that was proven, to be kept and used.
pub(super) struct Gift {
    pub(super) auth: Auth,
    pub(super) homes: Vec<Home>,
    /// Where Keystone was when it was proven.
    pub(super) auth_url: String,
    pub(super) at: UnixMillis,
    pub(super) by: String,
    /// Told once it is at work, or why it is not.
    pub(super) told: oneshot::Sender<Result<(), NotTaken>>,
}

/// A credential that is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// As whom the agent signs in.
    pub account: String,
    /// What whoever gave it should know.
    pub warning: Option<String>,
}

/// Why a credential was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It does not do, or that can't be told.
    #[error(transparent)]
    Unproven(#[from] Unproven),
    /// Anything else, with what to do.
    #[error("{0}")]
    Other(String),
}

/// Takes credentials. Cheap to clone.
#[derive(Clone)]
pub(super) struct Custodian(Arc<Inner>);

struct Inner {
    configs: watch::Receiver<Arc<Config>>,
    gifts: mpsc::Sender<Gift>,
    clock: Clock,
    trail: Trail,
    tries: Arc<Mutex<Tries>>,
    turn: Arc<Semaphore>,
    /// Of the last one from a hub that was looked at: when it was sealed.
    newest: Mutex<UnixMillis>,
    /// What of those that are not looked at the trail is told.
    unseen: Mutex<Allowance>,
    /// Of the tasks that take one: the one at work, and one that has just told what came of it.
    tasks: TaskGroup,
    shutdown: Shutdown,
}

impl Custodian {
    pub(super) fn new(
        configs: watch::Receiver<Arc<Config>>,
        gifts: mpsc::Sender<Gift>,
        tries: &Arc<Mutex<Tries>>,
        (clock, trail): (Clock, Trail),
        tasks: &Tasks,
    ) -> Self {
        Self(Arc::new(Inner {
            configs,
            gifts,
            clock,
            trail,
            tries: Arc::clone(tries),
            turn: Arc::new(Semaphore::new(1)),
            newest: Mutex::default(),
            unseen: Mutex::new(Allowance::new(UNSEEN_AT_ONCE, UNSEEN_EACH)),
            tasks: tasks.group("credential", 2),
            shutdown: tasks.shutdown(),
        }))
    }

    /// Proves a credential at the cloud, keeps it, and has it used from then on. Tells the audit
    /// trail whatever comes of it.
    ///
    /// # Errors
    /// Why it is not taken: the one until now goes on.
    pub(super) async fn take(
        &self,
        offered: CloudCredential,
        by: By,
        giver: Giver,
    ) -> Result<Taken, NotTaken> {
        let turn = Arc::clone(&self.0.turn).try_acquire_owned().ok();
        let Some((turn, task)) = turn.zip(self.0.tasks.reserve()) else {
            let busy = "another credential is being looked at; try again in a minute";
            return Err(self.unseen(by, offered.kind(), busy.to_owned()).await);
        };
        let (tell, told) = oneshot::channel();
        let inner = Arc::clone(&self.0);
        task.spawn(offered.kind(), async move {
            let outcome = inner.take(&offered, by, giver).await;
            drop(turn);
            // Who asked may be gone.
            let _ = tell.send(outcome);
        });
        told.await.map_err(|_| broken_off())?
    }

    /// As [`take`](Self::take), of one that a hub sealed at that time, by its clock.
    pub(super) async fn take_sealed(
        &self,
        (offered, at): (CloudCredential, UnixMillis),
        by: By,
    ) -> Result<Taken, NotTaken> {
        let now = self.0.clock.unix_millis();
        let fresh = is_fresh(at, now, &mut locked(&self.0.newest));
        match fresh {
            Ok(()) => self.take(offered, by, Giver::Hub).await,
            Err(reason) => Err(self.unseen(by, offered.kind(), reason).await),
        }
    }

    /// Tells the audit trail of a credential that is not looked at, and why.
    pub(super) async fn unseen(&self, by: By, kind: &str, reason: String) -> NotTaken {
        let error = NotTaken::Other(reason);
        let act = credential_act(by, kind, None, &Err(error.clone()));
        self.0.note_unseen(act).await;
        error
    }
}

impl Inner {
    async fn take(
        &self,
        offered: &CloudCredential,
        by: By,
        giver: Giver,
    ) -> Result<Taken, NotTaken> {
        let config = Arc::clone(&self.configs.borrow());
        let taken = self.prove_and_give(&config, offered, (&by, giver)).await;
        let before = config.openstack().map(|it| it.auth.shown());
        let account = taken.as_ref().map(|it| it.account.clone());
        let account = account.map_err(Clone::clone);
        let act = credential_act(by, offered.kind(), before, &account);
        match &taken {
            // Such as one too many.
            Err(NotTaken::Other(_)) => self.note_unseen(act).await,
            Ok(_) | Err(NotTaken::Unproven(_)) => {
                self.trail.note(self.clock.unix_millis(), act).await;
            }
        }
        taken
    }

    /// Tells the audit trail what costs whoever gives it nothing; not all of it, where it is much.
    async fn note_unseen(&self, act: Act) {
        let is_told = {
            let (mut unseen, now) = (locked(&self.unseen), self.clock.now());
            let is_told = unseen.admit(now).is_ok();
            if is_told {
                unseen.count(now);
            }
            is_told
        };
        if is_told {
            self.trail.note(self.clock.unix_millis(), act).await;
        }
    }

    async fn prove_and_give(
        &self,
        config: &Config,
        offered: &CloudCredential,
        (by, giver): (&By, Giver),
    ) -> Result<Taken, NotTaken> {
        let (own, _) = openstack_of(config)?;
        let auth = auth_of(&own.auth, offered);
        let lives = (own, config.credential.homes.as_slice());
        let proven = attempt(&self.tries, lives, &auth, (giver, &self.clock));
        let proven = self.shutdown.until_draining(proven).await;
        let (proof, warning) = proven.ok_or_else(stops)??;
        let account = auth.shown();
        let (told, answer) = oneshot::channel();
        let gift = Gift {
            auth,
            homes: proof.homes,
            auth_url: own.auth_url.clone(),
            at: self.clock.unix_millis(),
            by: format!("{} ({})", by.who, by.source),
            told,
        };
        self.gifts.send(gift).await.map_err(|_| stops())?;
        answer.await.map_err(|_| broken_off())??;
        Ok(Taken { account, warning })
    }
}

/// Nothing was kept.
fn stops() -> NotTaken {
    NotTaken::Other("the agent stops; ask again when it runs".to_owned())
}

/// The stop did not wait any longer, as for a disk that hangs.
pub(super) fn broken_off() -> NotTaken {
    let text = "the agent stops, and may have kept it; see `sp-agent status` when it runs";
    NotTaken::Other(text.to_owned())
}

/// Proves a credential at the cloud of `own`, which are the agent's options as they are at work, if
/// not too many were tried. The agent is known to live in `known`. Returns, too, what whoever gives
/// it should know.
///
/// # Errors
/// Why it can't be taken.
pub(super) async fn attempt(
    tries: &Mutex<Tries>,
    (own, known): (&Options, &[Home]),
    auth: &Auth,
    (giver, clock): (Giver, &Clock),
) -> Result<(Proof, Option<String>), NotTaken> {
    let begun = locked(tries).begin(auth, giver, clock.now());
    begun.map_err(|error| NotTaken::Other(error.to_string()))?;
    let proven = prove(own, auth, clock.clone()).await;
    let strange = match &proven {
        Ok(proof) => strange(own, known, &proof.homes),
        Err(_) => None,
    };
    let tried = match (&proven, &strange) {
        (Err(Unproven::Refused(_)), _) => Tried::Refused,
        (Err(Unproven::Unanswered(_)), _) => Tried::Unanswered,
        (Err(Unproven::Lacking(_)), _) => Tried::Useless,
        (Ok(_), Some(_)) if giver == Giver::Hub => Tried::Useless,
        (Ok(_), _) => Tried::Does,
    };
    locked(tries).end(auth, giver, tried);
    let proof = proven?;
    match (giver, strange) {
        (Giver::Hub, Some(strange)) => Err(NotTaken::Other(format!(
            "{strange}, and no hub decides that; where it is meant, give it in the region: \
             sp-agent credential set"
        ))),
        (_, strange) => Ok((proof, strange)),
    }
}

/// What it means that an account lives where the agent did not until now; `None` if it does not.
pub fn strange(own: &Options, known: &[Home], homes: &[Home]) -> Option<String> {
    let shown = |home: &&Home| match home.name.as_str() {
        "" => home.id.clone(),
        name => name.to_owned(),
    };
    let strange = strange_homes(own, known, homes);
    let names: Vec<String> = strange.iter().map(shown).collect();
    (!names.is_empty()).then(|| {
        format!(
            "the account or its project lives in {}, which so becomes the agent's own: everything \
             in it, administrators too, stays as it is in this region, whatever the federation \
             decides",
            shared::foreign::cut(&names.join(" and "), NAMES_COLUMNS_MAX)
        )
    })
}

/// Names of two domains, in columns.
const NAMES_COLUMNS_MAX: usize = 200;

/// Whether a credential that was sealed `at` that time is looked at `now`. `newest` is when the
/// last one was sealed that was.
fn is_fresh(at: UnixMillis, now: UnixMillis, newest: &mut UnixMillis) -> Result<(), String> {
    let apart = now.since(at).max(at.since(now));
    if apart > SEALED_AGE_MAX {
        return Err(format!(
            "it was sealed {} s from now by the hub's clock; set the clocks of both machines, and \
             give it again",
            apart.as_secs()
        ));
    }
    if at <= *newest {
        return Err("it was given before; give it again".to_owned());
    }
    *newest = at;
    Ok(())
}

pub(super) fn locked<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change of what is held so is whole.
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The cloud's settings as they are at work, and as the file has them.
///
/// # Errors
/// If it is no OpenStack.
pub fn openstack_of(config: &Config) -> Result<(&Options, &Options), NotTaken> {
    let both = config
        .openstack()
        .zip(config.credential.configured.as_ref());
    both.ok_or_else(|| {
        NotTaken::Other("this agent's cloud is simulated, and needs no credential".to_owned())
    })
}

/// What the audit trail is told: never a secret.
pub fn credential_act(
    by: By,
    kind: &str,
    before: Option<String>,
    taken: &Result<String, NotTaken>,
) -> Act {
    let act = Act::new(by, "set credential").on("credential", "", kind);
    let before = before.unwrap_or_default();
    match taken {
        Ok(shown) => act.changing(before, shown.clone()),
        Err(error) => act.with_outcome(format!("{}: {error}", word(error))),
    }
}

/// How an entry of the trail begins.
const fn word(error: &NotTaken) -> &'static str {
    match error {
        NotTaken::Unproven(Unproven::Refused(_)) => "refused",
        NotTaken::Unproven(Unproven::Lacking(_)) => "lacks rights",
        NotTaken::Unproven(Unproven::Unanswered(_)) => "not proven",
        NotTaken::Other(_) => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_credential_is_looked_at_once_and_soon() {
        let now = UnixMillis(1_795_280_000_000);
        let away = |millis: i64| UnixMillis(now.0.saturating_add_signed(millis));
        let mut newest = UnixMillis::default();
        for far in [-301_000, 301_000] {
            let told = is_fresh(away(far), now, &mut newest).unwrap_err();
            assert!(told.contains("301 s") && told.contains("clocks"), "{told}");
        }
        assert_eq!(is_fresh(away(-299_000), now, &mut newest), Ok(()));
        assert_eq!(is_fresh(now, now, &mut newest), Ok(()));
        for again in [now, away(-1)] {
            let told = is_fresh(again, now, &mut newest).unwrap_err();
            assert!(told.contains("before"), "{told}");
        }
        assert_eq!(is_fresh(away(1), now, &mut newest), Ok(()));
    }
}
