//! Takes a credential for the cloud that somebody gives, here or from the hub: proves it, keeps it,
//! and has it used.
//!
//! One at a time, in a task of its own: whoever asked may go, and what was proven is kept all the
//! same. Until then the one at work is.

use std::sync::{Arc, Mutex, PoisonError};

use shared::audit::{Act, By};
use shared::model::CloudCredential;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::audit::Trail;
use crate::cloud::openstack::{Auth, Options, Unproven, prove};
use crate::config::Config;
use crate::credential::{self, auth_of};

/// Requests to read the configuration again that wait: one credential is taken at a time.
pub(super) const REREADS_MAX: usize = 4;

/// Has the configuration read again, and is told when what it says is at work.
pub(super) type Reread = oneshot::Sender<()>;

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
    rereads: mpsc::Sender<Reread>,
    clock: Clock,
    trail: Trail,
    turn: Arc<Semaphore>,
    /// Holds the task that takes one.
    tasks: Mutex<JoinSet<()>>,
}

impl Custodian {
    pub(super) fn new(
        configs: watch::Receiver<Arc<Config>>,
        rereads: mpsc::Sender<Reread>,
        (clock, trail): (Clock, Trail),
    ) -> Self {
        Self(Arc::new(Inner {
            configs,
            rereads,
            clock,
            trail,
            turn: Arc::new(Semaphore::new(1)),
            tasks: Mutex::default(),
        }))
    }

    /// Proves a credential at the cloud, keeps it, and has it used from then on; as whom it signs
    /// in. Tells the audit trail whatever comes of it.
    ///
    /// # Errors
    /// Why it is not taken: the one until now goes on.
    pub(super) async fn take(&self, offered: CloudCredential, by: By) -> Result<String, NotTaken> {
        let busy = "another credential is being looked at; try again in a minute";
        let turn = Arc::clone(&self.0.turn).try_acquire_owned();
        let turn = turn.map_err(|_| NotTaken::Other(busy.to_owned()))?;
        let (tell, told) = oneshot::channel();
        let inner = Arc::clone(&self.0);
        {
            let mut tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            // There is at most one besides those that ended.
            while tasks.try_join_next().is_some() {}
            tasks.spawn(async move {
                let outcome = inner.take(&offered, by).await;
                drop(turn);
                // Who asked may be gone.
                let _ = tell.send(outcome);
            });
        }
        let stopping = |_| NotTaken::Other("the agent stops; ask again when it runs".to_owned());
        told.await.map_err(stopping)?
    }
}

impl Inner {
    async fn take(&self, offered: &CloudCredential, by: By) -> Result<String, NotTaken> {
        let config = Arc::clone(&self.configs.borrow());
        let taken = self.prove_and_keep(&config, offered, &by).await;
        let before = config.openstack().map(|it| it.auth.shown());
        let act = credential_act(by, offered.kind(), before, &taken);
        self.trail.note(self.clock.unix_millis(), act).await;
        if taken.is_ok() {
            let (tell, told) = oneshot::channel();
            if self.rereads.send(tell).await.is_ok() {
                let _ = told.await;
            }
        }
        taken
    }

    async fn prove_and_keep(
        &self,
        config: &Config,
        offered: &CloudCredential,
        by: &By,
    ) -> Result<String, NotTaken> {
        let (own, configured) = openstack_of(config)?;
        let auth = auth_of(&own.auth, offered);
        prove(own, &auth, self.clock.clone()).await?;
        let shown = auth.shown();
        let (data_dir, configured) = (config.data_dir.clone(), configured.clone());
        let (now, by) = (
            self.clock.unix_millis(),
            format!("{} ({})", by.who, by.source),
        );
        let keep = move || credential::keep(&data_dir, &configured, &auth, (now, &by));
        match tokio::task::spawn_blocking(keep).await {
            Ok(Ok(())) => Ok(shown),
            Ok(Err(error)) => Err(NotTaken::Other(format!(
                "it works, but it can't be kept: {}",
                chain(&error)
            ))),
            Err(_) => Err(NotTaken::Other("the agent stops".to_owned())),
        }
    }
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

/// The configuration's credential, as it is to be used after it changed, and why not if it is not:
/// proven like any other, while another one is at work at the same Keystone.
pub(super) async fn admit(
    before: &Config,
    after: &Config,
    clock: &Clock,
) -> Option<(Auth, Result<(), Unproven>)> {
    let (was, is) = before.openstack().zip(after.openstack())?;
    let is_new = was.auth != is.auth && credential::is_same_keystone(&was.auth_url, &is.auth_url);
    if !is_new {
        return None;
    }
    let proven = prove(is, &is.auth, clock.clone()).await;
    Some((was.auth.clone(), proven))
}
