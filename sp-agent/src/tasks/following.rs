//! Follows the hub for as long as there is a membership, and notices when one comes or goes.

use std::convert::Infallible;
use std::error::Error;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::audit::By;
use shared::ids::FederationId;
use shared::model::CloudDescription;
use shared::runtime::clock::Clock;
use shared::runtime::daemon::Status as Shown;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;
use shared::transport::DialOptions;
use shared::wire::frame::Refusal;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::answering::{Answers, Checks, Guesses, Opener};
use super::custodian::Custodian;
use super::files::Watcher;
use crate::audit::Trail;
use crate::cloud::Cloud;
use crate::config::{Config, HubConfig};
use crate::membership::{self, Credentials, Membership, MembershipError};
use crate::replica::store::{ReplicaError, Store};
use crate::spool::Spool;
use crate::status::allegiance::{Allegiance, Standing};
use crate::status::{Identity, Member, damaged};
use crate::uplink::{self, Uplink};

/// Orders that wait: an administrator gives one at a time.
pub(super) const ORDERS_MAX: usize = 4;

/// How often the membership is looked at although nobody told of a change.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// The time for an uplink to say good-bye before the membership is moved away.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// An uplink that could not begin is tried again after this.
const AGAIN: Duration = Duration::from_secs(10);

/// Leave the federation.
pub(super) struct Leave {
    pub(super) reply: oneshot::Sender<Result<Left, MembershipError>>,
}

/// What came of a leave.
pub(super) struct Left {
    /// Where the membership went.
    pub(super) kept: PathBuf,
    /// The hub heard of it.
    pub(super) hub_told: bool,
    /// The hub had removed the region before.
    pub(super) was_removed: bool,
}

/// The task that follows.
pub(super) struct Following {
    pub(super) configs: watch::Receiver<Arc<Config>>,
    pub(super) watcher: Watcher,
    pub(super) data_dir: PathBuf,
    pub(super) spool: Spool,
    pub(super) clock: Clock,
    pub(super) description: watch::Receiver<CloudDescription>,
    pub(super) poke: Arc<Notify>,
    pub(super) orders: mpsc::Receiver<Leave>,
    pub(super) told: watch::Sender<Member>,
    pub(super) shown: Shown,
    /// Of the federation that is followed, for whoever applies it.
    pub(super) replica: watch::Sender<Option<Followed>>,
    /// The cloud, as soon as there is one.
    pub(super) cloud: watch::Receiver<Option<Arc<dyn Cloud>>>,
    /// Where it is told who leaves.
    pub(super) trail: Trail,
    /// Takes another credential for the cloud.
    pub(super) custodian: Custodian,
    /// Wrong passwords that hubs had looked at.
    pub(super) guesses: Arc<Mutex<Guesses>>,
}

/// A federation that is followed, and what its hub tells.
#[derive(Clone)]
pub(super) struct Followed {
    pub(super) federation: FederationId,
    pub(super) replica: Store,
    pub(super) opener: Opener,
}

/// Why an uplink ended.
enum End {
    /// By itself, or the daemon stops.
    Ended,
    /// The membership is gone, or another one.
    Gone,
    /// By order.
    Left(Leave),
    /// The hub is reached in another way from now on.
    Changed,
}

impl Following {
    pub(super) async fn run(mut self, shutdown: Shutdown) -> Result<(), Infallible> {
        while let Some(()) = shutdown.until_draining(std::future::ready(())).await {
            match self.load().await {
                Ok(Some((membership, credentials))) => {
                    let end = self.follow(membership, credentials, &shutdown).await;
                    if matches!(end, End::Left(_) | End::Gone) {
                        // Who has left applies nothing any more, from before it is told.
                        self.replica.send_replace(None);
                    }
                    if let End::Left(leave) = end {
                        self.leave(leave, true).await;
                    }
                }
                Ok(None) => {
                    self.trail.follow(0);
                    self.replica.send_replace(None);
                    self.tell(Allegiance::Unjoined, None, None);
                    self.wait(&shutdown).await;
                }
                Err(error) => {
                    let allegiance = damaged(&error);
                    if self.told.borrow().standing.allegiance != allegiance {
                        tracing::error!(error = %chain(&error), "the membership can't be used");
                    }
                    self.tell(allegiance, None, None);
                    self.wait(&shutdown).await;
                }
            }
        }
        drop(self.watcher);
        Ok(())
    }

    async fn load(&self) -> Result<Option<(Membership, Arc<Credentials>)>, MembershipError> {
        let data_dir = self.data_dir.clone();
        let load = tokio::task::spawn_blocking(move || {
            let Some(membership) = Membership::load(&data_dir)? else {
                return Ok(None);
            };
            let credentials = Credentials::load(&data_dir)?;
            Ok(Some((membership, Arc::new(credentials))))
        });
        // The loading only ends early when the runtime does.
        load.await.unwrap_or(Ok(None))
    }

    /// Waits until there may be a membership to follow, and carries out orders meanwhile.
    async fn wait(&mut self, shutdown: &Shutdown) {
        tokio::select! {
            () = shutdown.draining() => {}
            () = self.poke.notified() => {}
            () = self.clock.sleep(LOOK_EVERY) => {}
            Some(leave) = self.orders.recv() => self.leave(leave, false).await,
        }
    }

    async fn follow(
        &mut self,
        mut membership: Membership,
        credentials: Arc<Credentials>,
        shutdown: &Shutdown,
    ) -> End {
        let hub = self.configs.borrow_and_update().hub.clone();
        let leave = CancellationToken::new();
        self.trail.follow(membership.epoch);
        let opener = match self.opener(&membership).await {
            Ok(opener) => opener,
            Err(error) => {
                self.fail(&membership, &error).await;
                return End::Ended;
            }
        };
        let followed = match self.followed(membership.federation, opener).await {
            Ok(followed) => followed,
            Err(error) => {
                self.fail(&membership, &error).await;
                return End::Ended;
            }
        };
        let options = self.options(&membership, &credentials, &hub, followed);
        let (uplink, mut link) = Uplink::new(options);
        let identity = Identity::new(membership.clone(), Some(&credentials));
        self.tell(Allegiance::silent(membership.epoch), Some(identity), None);
        let mut running = pin!(uplink.run(shutdown.clone(), leave.clone()));
        let end = loop {
            tokio::select! {
                ended = &mut running => {
                    if let Err(error) = ended {
                        self.fail(&membership, &error).await;
                    }
                    return End::Ended;
                }
                Ok(()) = link.changed() => {}
                Ok(()) = self.configs.changed() => {
                    if self.configs.borrow_and_update().hub != hub {
                        tracing::info!("reaching the hub by the changed configuration");
                        return End::Changed;
                    }
                }
                Some(order) = self.orders.recv() => break End::Left(order),
                () = self.poke.notified() => if !self.holds(&membership).await { break End::Gone },
                () = self.clock.sleep(LOOK_EVERY) => {
                    if !self.holds(&membership).await { break End::Gone }
                }
            }
            let status = link.borrow_and_update().clone();
            membership.name.clone_from(&status.name);
            let identity = Identity::new(membership.clone(), Some(&credentials));
            let before = self.told.borrow().standing.allegiance.clone();
            let allegiance = before.then(&status.phase, membership.epoch);
            self.tell(allegiance, Some(identity), Some(status));
        };
        leave.cancel();
        let _ = tokio::time::timeout(FAREWELL_MAX, running).await;
        end
    }

    /// The replica of a federation, opened once for as long as that one is followed.
    async fn followed(
        &self,
        federation: FederationId,
        opener: Opener,
    ) -> Result<Followed, ReplicaError> {
        let open = self.replica.borrow().clone();
        let is_same = |it: &Followed| it.federation == federation && it.opener == opener;
        if let Some(followed) = open.filter(is_same) {
            return Ok(followed);
        }
        // Another one's is applied no more: it is the same file.
        self.replica.send_replace(None);
        let (data_dir, now) = (self.data_dir.clone(), self.clock.unix_millis());
        let open = move || Store::open(&data_dir, federation, now);
        let opened = tokio::task::spawn_blocking(open).await;
        let replica = opened.map_err(|_| ReplicaError::Closed)??;
        let followed = Followed {
            federation,
            replica,
            opener,
        };
        self.replica.send_replace(Some(followed.clone()));
        Ok(followed)
    }

    /// What opens the secrets that are sealed to this member.
    async fn opener(&self, membership: &Membership) -> Result<Opener, MembershipError> {
        let data_dir = self.data_dir.clone();
        let key = tokio::task::spawn_blocking(move || membership::sealing_key(&data_dir));
        // The loading only ends early when the runtime does.
        let key = key.await.unwrap_or(Err(MembershipError::Busy))?;
        Ok(Opener {
            key: Arc::new(key),
            federation: membership.federation,
            region: membership.region,
        })
    }

    fn options(
        &self,
        membership: &Membership,
        credentials: &Arc<Credentials>,
        hub: &HubConfig,
        followed: Followed,
    ) -> uplink::Options {
        let checks = self.checks(&followed);
        let Followed {
            replica, opener, ..
        } = followed;
        let mut membership = membership.clone();
        if !hub.addresses.is_empty() {
            membership.addresses = hub.addresses.iter().map(ToString::to_string).collect();
        }
        let dial = DialOptions {
            congestion: hub.congestion,
            ..DialOptions::default()
        };
        uplink::Options {
            membership,
            credentials: Arc::clone(credentials),
            spool: self.spool.clone(),
            replica,
            sealing: opener.key.public(),
            answering: Arc::new(Answers {
                opener,
                cloud: self.cloud.clone(),
                checks,
                configs: self.configs.clone(),
                custodian: self.custodian.clone(),
            }),
            clock: self.clock.clone(),
            dial,
            description: self.description.clone(),
            data_dir: self.data_dir.clone(),
        }
    }

    /// What decides whose passwords the hub has looked at.
    fn checks(&self, followed: &Followed) -> Checks {
        Checks {
            federation: followed.federation,
            replica: followed.replica.clone(),
            spool: self.spool.clone(),
            configs: self.configs.clone(),
            clock: self.clock.clone(),
            trail: self.trail.clone(),
            guesses: Arc::clone(&self.guesses),
        }
    }

    async fn fail(&self, membership: &Membership, error: &(dyn Error + Send + Sync + 'static)) {
        tracing::error!(error = %chain(error), "the hub can't be followed; trying again");
        let identity = self.told.borrow().identity.clone();
        let allegiance = Allegiance::Autonomous {
            epoch: membership.epoch,
            reason: Some(chain(error).to_string()),
            refusal: None,
        };
        self.tell(allegiance, identity, None);
        self.clock.sleep(AGAIN).await;
    }

    /// Whether the membership on the disk is still this one. Its epoch may have risen.
    async fn holds(&self, membership: &Membership) -> bool {
        let data_dir = self.data_dir.clone();
        let loaded = tokio::task::spawn_blocking(move || Membership::load(&data_dir));
        match loaded.await {
            Ok(Ok(now)) => now.is_some_and(|now| now.region == membership.region),
            // A disk that can't be read does not end a membership.
            _ => true,
        }
    }

    /// Carries the order out. `was_heard` is whether there was an uplink to say good-bye through.
    async fn leave(&self, leave: Leave, was_heard: bool) {
        let allegiance = self.told.borrow().standing.allegiance.clone();
        let is_heard = matches!(
            allegiance,
            Allegiance::Pending { .. } | Allegiance::Following { .. }
        );
        let was_removed = matches!(
            allegiance.refusal(),
            Some(Refusal::Removed | Refusal::Unknown)
        );
        let (data_dir, now) = (self.data_dir.clone(), self.clock.unix_millis());
        let moved = tokio::task::spawn_blocking(move || membership::leave(&data_dir, now));
        let moved = moved.await.unwrap_or(Err(MembershipError::Busy));
        if let Ok(kept) = &moved {
            tracing::info!("this region has left its federation");
            let by = By::new("administrator", "local socket");
            self.trail.note(now, membership::left(by, kept)).await;
        }
        // Who asked may be gone.
        let _ = leave.reply.send(moved.map(|kept| Left {
            kept,
            hub_told: is_heard && was_heard,
            was_removed,
        }));
    }

    fn tell(
        &self,
        allegiance: Allegiance,
        identity: Option<Identity>,
        link: Option<uplink::Status>,
    ) {
        let now = self.clock.unix_millis();
        let name = identity.as_ref().map(|it| it.membership.name.clone());
        let line = match name {
            Some(name) => format!("{} as {name}", allegiance.name()),
            None => allegiance.name().to_owned(),
        };
        let mut said = None;
        let named = |identity: &Option<Identity>| {
            let name = identity.as_ref().map(|it| &it.membership.name);
            name.cloned()
        };
        self.told.send_modify(|member| {
            let mut standing: Standing = member.standing.clone();
            standing.become_at(allegiance, now);
            let is_renamed = named(&member.identity) != named(&identity);
            if standing.since != member.standing.since || is_renamed {
                said = Some(line);
            }
            *member = Member {
                standing,
                identity,
                link,
            };
        });
        if let Some(line) = said {
            self.shown.set(&line);
        }
    }
}
