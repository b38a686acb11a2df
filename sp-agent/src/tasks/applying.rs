//! Applies the directory to the cloud, for as long as a hub's is followed.
//!
//! ```text
//! replica ─────────────▶ ┌───────┐ ─▶ orders ─▶ cloud
//! spool ─ organization ─▶ │ Apply │ ─▶ notes ─▶ replica; what was done ─▶ audit trail
//! collector ─ readings ─▶ └───────┘ ─▶ what changed, remarks ─▶ spool; what is to be read soon ─▶
//!                                      collector
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use shared::audit::Act;
use shared::model::{Feed, Key, Record, RecordKind};
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::{Shutdown, Stage};
use tokio::sync::{mpsc, watch};

use super::following::Followed;
use crate::apply::{Apply, Audit, Keep, News, Policy, Progress, Report, StoreError};
use crate::audit::Trail;
use crate::cloud::{Cloud, Hindrance, Page, Part, Reading, Wanted};
use crate::config::Config;
use crate::replica::store::Store;
use crate::replica::{Note, Replica};
use crate::spool::{Remarks, Spool, SpoolError};

/// News on their way at most: a page's worth.
const NEWS_MAX: usize = 1024;

/// Orders that run at once: as many connections as the reader has to one API, which a Keystone of
/// two workers is kept busy by.
const ORDERS_MAX: usize = 8;

/// What could not begin is tried again after this.
const AGAIN: Duration = Duration::from_secs(10);

/// What applying and collecting tell each other.
#[derive(Debug, Clone)]
pub(super) struct Between {
    /// The last whole reading of each part that came to its end.
    pub(super) read: watch::Sender<BTreeMap<Part, Reading>>,
    /// What is to be read before its time.
    pub(super) wanted: watch::Sender<Wanted>,
    /// Which kinds could not be read last time.
    pub(super) hindered: watch::Sender<BTreeMap<RecordKind, Hindrance>>,
    /// Whether much of the organization is being written.
    pub(super) writing: watch::Sender<bool>,
}

impl Between {
    pub(super) fn new() -> Self {
        Self {
            read: watch::Sender::new(BTreeMap::new()),
            wanted: watch::Sender::new(Wanted::default()),
            hindered: watch::Sender::new(BTreeMap::new()),
            writing: watch::Sender::new(false),
        }
    }
}

/// The part of the collector's task that applies.
#[derive(Clone)]
pub(super) struct Applying {
    followed: watch::Receiver<Option<Followed>>,
    pub(super) policy: watch::Sender<Policy>,
    spool: Spool,
    trail: Trail,
    clock: Clock,
    pub(super) between: Between,
    progress: watch::Sender<Progress>,
}

impl Applying {
    /// What applies, and where it is shown how far it is.
    pub(super) fn new(
        followed: &watch::Sender<Option<Followed>>,
        configs: &watch::Sender<Arc<Config>>,
        (spool, trail): (&Spool, &Trail),
        clock: &Clock,
    ) -> (Self, watch::Receiver<Progress>) {
        let (progress, shown) = watch::channel(Progress::default());
        let applying = Self {
            followed: followed.subscribe(),
            policy: watch::Sender::new(configs.borrow().policy.clone()),
            spool: spool.clone(),
            trail: trail.clone(),
            clock: clock.clone(),
            between: Between::new(),
            progress,
        };
        (applying, shown)
    }

    /// Applies to this cloud whatever is followed, until it stops: what has ended by then is kept
    /// and told.
    pub(super) async fn run(mut self, cloud: Arc<dyn Cloud>, shutdown: Shutdown) {
        while shutdown.stage() == Stage::Accepting {
            let followed = self.followed.borrow_and_update().clone();
            let other = self.clone();
            // Whoever wrote before is at it no more.
            self.between.writing.send_replace(false);
            tokio::select! {
                () = async {
                    match followed {
                        Some(followed) => other.follow(followed, &cloud, &shutdown).await,
                        None => shutdown.draining().await,
                    }
                } => {}
                changed = self.followed.changed() => if changed.is_err() {
                    // Who follows has ended, because the daemon stops.
                    return shutdown.draining().await;
                }
            }
        }
    }

    /// Ends when it is to stop, or to begin anew: the spool has a new life, or something can't be
    /// read.
    async fn follow(self, followed: Followed, cloud: &Arc<dyn Cloud>, shutdown: &Shutdown) {
        let Followed {
            federation,
            replica,
            opener,
        } = followed;
        let base = match replica.base(self.clock.unix_millis()).await {
            Ok(base) => base,
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::error!(error, "nothing can be applied; trying again");
                return self.pause(shutdown).await;
            }
        };
        let (told, tells) = watch::channel(Arc::<Replica>::default());
        let (news, heard) = mpsc::channel(NEWS_MAX);
        let (remarks, remarked) = watch::channel(None);
        let apply = Apply {
            cloud: Arc::clone(cloud),
            federation,
            base,
            replica: tells,
            policy: self.policy.subscribe(),
            news: heard,
            hindered: self.between.hindered.subscribe(),
            keep: Arc::new(Kept(replica.clone(), self.clock.clone())),
            report: Arc::new(Reported(self.spool.clone())),
            audit: Arc::new(Audited(self.trail.clone(), self.clock.clone())),
            unseal: Arc::new(opener),
            progress: self.progress.clone(),
            remarks,
            readings: self.between.wanted.clone(),
            writing: self.between.writing.clone(),
            clock: self.clock.clone(),
            orders_max: ORDERS_MAX,
            chance: Box::new(rand::random),
        };
        let (read, began) = (self.between.read.subscribe(), self.clock.now());
        let stop = Shutdown::new();
        let applying = apply.run(stop.clone());
        tokio::pin!(applying);
        let heard = tokio::select! {
            () = &mut applying => return,
            () = shutdown.draining() => Ok(()),
            () = mirror(&replica, &told) => Ok(()),
            () = tell(&self.spool, remarked, &self.clock) => Ok(()),
            heard = hear(&self.spool, (read, began), &news) => heard,
        };
        stop.begin();
        applying.await;
        if let Err(error) = heard {
            let error = chain(&error).to_string();
            tracing::error!(
                error,
                "the cloud's organization can't be read from the spool"
            );
            self.pause(shutdown).await;
        }
    }

    async fn pause(&self, shutdown: &Shutdown) {
        let _ = shutdown.until_draining(self.clock.sleep(AGAIN)).await;
    }
}

/// Tells what the hub told, whenever all of it is held.
async fn mirror(replica: &Store, told: &watch::Sender<Arc<Replica>>) {
    let mut versions = replica.watch();
    loop {
        versions.borrow_and_update();
        if let Some(replica) = replica.replica() {
            told.send_if_modified(|it| {
                let is_new = !Arc::ptr_eq(it, &replica);
                *it = replica;
                is_new
            });
        }
        if versions.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Tells what the spool holds of the cloud's organization, and which kinds were read whole since
/// `since`: what was read before may be in a spool that is no more.
async fn hear(
    spool: &Spool,
    (mut read, since): (watch::Receiver<BTreeMap<Part, Reading>>, Instant),
    news: &mpsc::Sender<News>,
) -> Result<(), SpoolError> {
    let mut extents = spool.watch(Feed::Organization);
    let life = extents.borrow_and_update().id;
    let (mut after, mut told) = (0, BTreeMap::new());
    loop {
        // Of a reading everything is in the spool before it is told here.
        let readings = read.borrow_and_update().clone();
        loop {
            let Some(read) = spool.records(Feed::Organization, life, after).await? else {
                return Ok(());
            };
            for change in read.changes.into_iter().filter_map(news_of) {
                if news.send(change).await.is_err() {
                    return Ok(());
                }
            }
            after = read.last;
            if read.is_all {
                break;
            }
        }
        for (part, reading) in readings {
            if reading.began >= since
                && told.insert(part, reading.clone()).as_ref() != Some(&reading)
                && news.send(News::Read(part.kind(), reading)).await.is_err()
            {
                return Ok(());
            }
        }
        tokio::select! {
            changed = extents.changed() => if changed.is_err() {
                return std::future::pending().await;
            },
            changed = read.changed() => if changed.is_err() {
                return std::future::pending().await;
            },
        }
        extents.borrow_and_update();
    }
}

/// What a change is to whoever applies: of the cloud, or what this agent remarked itself.
fn news_of(change: Result<Record, Key>) -> Option<News> {
    let kind = match &change {
        Ok(record) => record.key().kind,
        Err(key) => key.kind,
    };
    let is_of_the_cloud = Part::ALL.into_iter().any(|it| it.kind() == kind);
    match change {
        Ok(Record::Remark(it)) => Some(News::Remarked(it.subject.id(), Some(it.subject))),
        Err(key) if kind == RecordKind::Remark => Some(News::Remarked(key.id, None)),
        Ok(record) => is_of_the_cloud.then_some(News::Put(record)),
        Err(key) => is_of_the_cloud.then_some(News::Gone(key)),
    }
}

/// Puts what the hub should hear of into the spool. Never ends.
async fn tell(spool: &Spool, mut said: watch::Receiver<Option<Remarks>>, clock: &Clock) {
    loop {
        let remarks = said.borrow_and_update().clone();
        if let Some(remarks) = remarks
            && spool.put_remarks(remarks).await.is_err()
        {
            // The spool tells of its condition itself.
            clock.sleep(AGAIN).await;
            said.mark_changed();
        }
        if said.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Notes go where the replica is.
struct Kept(Store, Clock);

#[async_trait]
impl Keep for Kept {
    async fn keep(&self, notes: &[Note]) -> Result<(), StoreError> {
        let Self(replica, clock) = self;
        let kept = replica.keep(notes.to_vec(), clock.unix_millis()).await;
        kept.map_err(|error| StoreError {
            what: "keeping what was applied",
            reason: chain(&error).to_string(),
        })
    }
}

/// What was done goes into the agent's own audit trail.
struct Audited(Trail, Clock);

#[async_trait]
impl Audit for Audited {
    async fn audit(&self, acts: &[Act]) -> Result<(), StoreError> {
        let Self(trail, clock) = self;
        let told = trail.tell(clock.unix_millis(), acts.to_vec()).await;
        told.map(drop).map_err(|error| StoreError {
            what: "telling the audit trail",
            reason: chain(&error).to_string(),
        })
    }
}

/// What changed goes to the hub by the spool, as if it was read.
struct Reported(Spool);

#[async_trait]
impl Report for Reported {
    async fn report(
        &self,
        kind: RecordKind,
        records: Vec<Record>,
        gone: Vec<Key>,
    ) -> Result<(), StoreError> {
        let mut pages: BTreeMap<Part, Page> = BTreeMap::new();
        for record in records {
            if let Some(part) = part_of(&record) {
                pages.entry(part).or_default().records.push(record);
            }
        }
        if let Some(part) = Part::ALL.into_iter().find(|it| it.kind() == kind)
            && !gone.is_empty()
        {
            pages.entry(part).or_default().deleted = gone;
        }
        for (part, page) in pages {
            let put = self.0.put_changes(part, page).await;
            put.map_err(|error| StoreError {
                what: "reporting what was applied",
                reason: chain(&error).to_string(),
            })?;
        }
        Ok(())
    }
}

/// The part that a reading would find a record in. Quotas are read service by service.
fn part_of(record: &Record) -> Option<Part> {
    let kind = record.key().kind;
    let mut parts = Part::ALL.into_iter().filter(|it| it.kind() == kind);
    match record {
        Record::Quota(quota) => parts.find(|it| it.service() == quota.service),
        _ => parts.next(),
    }
}
