//! Carries orders to the cloud, and news back.
//!
//! ```text
//! replica (watch) ─▶ ┌─────┐ ─▶ cloud, so many orders at once
//! news (channel)  ─▶ │ Run │ ─▶ Keep: notes ─▶ Report: records, for the spool
//! policy (watch)  ─▶ └─────┘ ─▶ progress, remarks (watch); Audit: what was given, what came of it
//! ```
//!
//! All orders run in this task; stopping drops them where they are, and after the next reading it
//! is seen which were carried out. What has ended by then is kept and told first. Notes are kept
//! before anything is told of what was done: then an agent that is killed in between knows what it
//! did.

mod carrying;
mod gathering;
mod passwords;
mod showing;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use shared::audit::Act;
use shared::backoff::Backoff;
use shared::ids::FederationId;
use shared::model::{CloudId, Key, Record, RecordKind, Secret, Subject};
use shared::runtime::clock::Clock;
use shared::runtime::shutdown::{Shutdown, Stage};
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};
use zeroize::Zeroizing;

use self::carrying::{Carried, carry};
use self::gathering::{GATHER_MAX, gather};
use self::told::Came;
use super::batch::{Change, Task};
use super::{Policy, Progress, Reconciler};
use crate::cloud::{Cloud, CloudError, Hindrance, QuotaSet, Reading, Wanted};
use crate::replica::{Base, Note, Replica};
use crate::spool::Remarks;

/// No order takes longer: Keystone answers within seconds, and one that hangs must not hold its
/// place for ever. After that nobody knows whether it was carried out.
const ORDER_MAX: Duration = Duration::from_secs(120);

/// News that are taken before orders are given again, so that a reading of many pages delays none.
const NEWS_MAX: usize = 512;

/// Pauses between tries to keep notes: a full disk is no reason to spin, and is mended by hand.
const KEEP_BASE: Duration = Duration::from_millis(200);
const KEEP_CEILING: Duration = Duration::from_secs(30);

/// What keeps notes, or takes reports, can't for now.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what} failed: {reason}")]
pub struct StoreError {
    /// What failed, as a sentence's beginning.
    pub what: &'static str,
    /// Why, and what to do.
    pub reason: String,
}

/// Where notes of what was applied are kept, so that a restart knows of them.
#[async_trait]
pub trait Keep: Send + Sync + 'static {
    /// Keeps notes, in their order, all or none, and durably.
    ///
    /// # Errors
    /// If they are not kept. They are given again, and twice is once.
    async fn keep(&self, notes: &[Note]) -> Result<(), StoreError>;
}

/// Where it goes what an order changed in the cloud, so that the hub need not wait for the next
/// reading.
#[async_trait]
pub trait Report: Send + Sync + 'static {
    /// Puts what is so now and what is gone, all of one kind.
    ///
    /// # Errors
    /// If it is not put. The next reading of the cloud tells it then.
    async fn report(
        &self,
        kind: RecordKind,
        records: Vec<Record>,
        gone: Vec<Key>,
    ) -> Result<(), StoreError>;
}

/// Where it is told which orders were given to the cloud, and what came of each.
#[async_trait]
pub trait Audit: Send + Sync + 'static {
    /// Keeps what was done, in its order, all or none, and durably.
    ///
    /// # Errors
    /// If it is not kept. It is given again then, and nothing is applied before.
    async fn audit(&self, acts: &[Act]) -> Result<(), StoreError>;
}

/// What opens the secrets that are sealed to this agent.
pub trait Unseal: Send + Sync + 'static {
    /// The password of a user of the directory.
    ///
    /// # Errors
    /// If it does not open; as a sentence that says what to do.
    fn password(&self, secret: &Secret) -> Result<Zeroizing<String>, String>;
}

/// What is heard of the cloud.
#[derive(Debug, Clone)]
pub enum News {
    /// The cloud has this.
    Put(Record),
    /// The cloud has this no more.
    Gone(Key),
    /// The records of this kind were read to their end by this reading, which began after this
    /// driver was started. All of them were told before.
    Read(RecordKind, Reading),
    /// The remark of this id, on this, was told the hub; `None` is told no more.
    Remarked(CloudId, Option<Subject>),
}

/// What applies the directory to one cloud.
pub struct Apply {
    /// The cloud.
    pub cloud: Arc<dyn Cloud>,
    /// Whose directory it is.
    pub federation: FederationId,
    /// What was applied last, as it was kept.
    pub base: Base,
    /// What the hub tells.
    pub replica: watch::Receiver<Arc<Replica>>,
    /// What the region's operator allows.
    pub policy: watch::Receiver<Policy>,
    /// What is heard of the cloud: at first all that is known of it. Bounded by whoever made it.
    pub news: mpsc::Receiver<News>,
    /// Which kinds could not be read last time.
    pub hindered: watch::Receiver<BTreeMap<RecordKind, Hindrance>>,
    /// Where notes are kept.
    pub keep: Arc<dyn Keep>,
    /// Where it is told what changed.
    pub report: Arc<dyn Report>,
    /// Where it is told what was done, and by whom.
    pub audit: Arc<dyn Audit>,
    /// What opens passwords.
    pub unseal: Arc<dyn Unseal>,
    /// Where it is shown how far it is.
    pub progress: watch::Sender<Progress>,
    /// Where it is said what the hub should hear of; `None` at the beginning.
    pub remarks: watch::Sender<Option<Remarks>>,
    /// Where it is shown which kinds should be read before their time.
    pub readings: watch::Sender<Wanted>,
    /// Where it is shown whether much is being written.
    pub writing: watch::Sender<bool>,
    /// What tells the time.
    pub clock: Clock,
    /// Orders that run at once. Keystone's workers do one each: more than those only wait there.
    pub orders_max: usize,
    /// Uniform over all of `u64`, for the jitter of retries.
    pub chance: Box<dyn FnMut() -> u64 + Send>,
}

type Done = (Task, Result<Carried, CloudError>);

struct Run {
    it: Apply,
    shutdown: Shutdown,
    core: Reconciler,
    under_way: FuturesUnordered<BoxFuture<'static, Done>>,
    shown_at: Option<Instant>,
    remarked_at: Option<Instant>,
    /// Whether the hub told its directory: without it all that was applied seems to be too much.
    is_told: bool,
    failing: Option<String>,
    /// Of which the audit trail has heard.
    told: told::Failing,
}

impl Apply {
    /// Applies until the daemon stops.
    pub async fn run(mut self, shutdown: Shutdown) {
        let policy = self.policy.borrow_and_update().clone();
        let base = std::mem::take(&mut self.base);
        let mut core = Reconciler::new(self.federation, policy, base, self.clock.now());
        let replica = Arc::clone(&self.replica.borrow_and_update());
        core.follow(&replica);
        core.hinder(self.hindered.borrow_and_update().clone());
        let mut run = Run {
            it: self,
            shutdown,
            core,
            under_way: FuturesUnordered::new(),
            shown_at: None,
            remarked_at: None,
            is_told: *replica != Replica::default(),
            failing: None,
            told: told::Failing::default(),
        };
        run.apply().await;
        // What is under way is dropped.
        if let Some(done) = run.under_way.next().now_or_never().flatten() {
            run.take(done).await;
        }
    }
}

impl Run {
    async fn apply(&mut self) {
        while self.shutdown.stage() == Stage::Accepting {
            let now = self.it.clock.now();
            let held = self.under_way.len().saturating_sub(self.core.slow(now));
            let room = self.it.orders_max.max(1).saturating_sub(held);
            let batch = self.core.next(now, room);
            let acts = told::beforehand(&told::by(self.it.federation), &batch, &mut self.told);
            if !(self.audit(acts).await && self.keep(batch.notes).await) {
                return;
            }
            batch.tasks.into_iter().for_each(|task| self.give(task));
            self.it.readings.send_if_modified(|shown| {
                let is_new = *shown != batch.readings;
                *shown = batch.readings;
                is_new
            });
            let shown = &self.it.writing;
            shown.send_if_modified(|it| std::mem::replace(it, batch.has_much) != batch.has_much);
            let due = [batch.wake_at, self.show(), self.remark()];
            self.wait(due.into_iter().flatten().min()).await;
        }
    }

    fn give(&self, task: Task) {
        let (cloud, clock) = (Arc::clone(&self.it.cloud), self.it.clock.clone());
        let unseal = Arc::clone(&self.it.unseal);
        self.under_way.push(Box::pin(async move {
            let result = tokio::select! {
                result = carry(&*cloud, &*unseal, &task) => result,
                () = clock.sleep(ORDER_MAX) => Err(CloudError::Unreachable {
                    endpoint: "the cloud".to_owned(),
                    reason: format!("no answer within {} s", ORDER_MAX.as_secs()),
                }),
            };
            (task, result)
        }));
    }

    /// Waits until something is to be looked at.
    async fn wait(&mut self, until: Option<Instant>) {
        let clock = self.it.clock.clone();
        let sleep = async {
            match until {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(done) = self.under_way.next() => self.take(done).await,
            Some(news) = self.it.news.recv() => self.hear(news),
            Ok(()) = self.it.replica.changed() => {
                let replica = Arc::clone(&self.it.replica.borrow_and_update());
                self.core.follow(&replica);
                self.is_told |= *replica != Replica::default();
            }
            Ok(()) = self.it.hindered.changed() => {
                let hindered = self.it.hindered.borrow_and_update().clone();
                self.core.hinder(hindered);
            }
            Ok(()) = self.it.policy.changed() => {
                let policy = self.it.policy.borrow_and_update().clone();
                self.core.allow(policy);
            }
            () = sleep => {}
            () = self.shutdown.draining() => {}
        }
    }

    fn hear(&mut self, first: News) {
        self.learn(first);
        for _ in 0..NEWS_MAX {
            let Ok(news) = self.it.news.try_recv() else {
                return;
            };
            self.learn(news);
        }
    }

    fn learn(&mut self, news: News) {
        match news {
            News::Put(record) => self.core.put(record),
            News::Gone(key) => self.core.remove(&key),
            News::Read(kind, reading) => self.core.is_read(kind, reading),
            News::Remarked(id, subject) => self.core.remarked(id, subject),
        }
    }

    /// Takes what ended.
    async fn take(&mut self, first: Done) {
        let (mut notes, mut changes, mut acts) = (Vec::new(), Vec::new(), Vec::new());
        let least = self.it.orders_max / 2;
        let sleep = self.it.clock.sleep(GATHER_MAX);
        let soon = self.shutdown.until_draining(sleep).map(drop);
        let done = gather(first, &mut self.under_way, least, soon).await;
        for (task, result) in done {
            let at = (self.it.clock.now(), self.it.clock.unix_millis());
            let chance = (self.it.chance)();
            let (result, set) = match result {
                Ok(Carried { made, set }) => (Ok(made), set),
                Err(error) => (Err(error), QuotaSet::default()),
            };
            let made = result.as_ref().ok().cloned().flatten();
            let outcome = match &set.refused {
                Some(refused) => self.core.partly(at, &task, refused, chance),
                None => self.core.done(at, &task, result, chance),
            };
            let quota = set.quota.map(|it| Change::Put(Record::Quota(it)));
            changes.extend(quota);
            let failure = outcome.not_done();
            if self.told.admits(&task, failure) {
                let came = Came {
                    made: made.as_ref(),
                    quota: set.before.as_ref(),
                    failure,
                };
                acts.push(told::act(told::by(self.it.federation), &task, came));
            }
            self.log(&task, outcome.failure);
            notes.extend(outcome.notes);
            changes.extend(outcome.changes);
        }
        self.told.forget_but(|it| self.core.has_failed(it));
        if self.audit(acts).await && self.keep(notes).await {
            self.tell(changes).await;
        }
    }

    /// Each failure is in the progress; the log has the first of a row.
    fn log(&mut self, task: &Task, failure: Option<String>) {
        match failure {
            Some(text) if self.failing.is_none() => {
                warn!("cannot apply {} {:?}: {text}", task.subject, task.name());
                self.failing = Some(text);
            }
            Some(_) => {}
            None => {
                if self.failing.take().is_some() {
                    info!("the cloud takes orders again");
                }
            }
        }
    }

    /// Keeps notes, however long that takes: what can't be kept must not be told.
    async fn keep(&mut self, notes: Vec<Note>) -> bool {
        if notes.is_empty() {
            return true;
        }
        let keep = Arc::clone(&self.it.keep);
        self.insist(|| keep.keep(&notes)).await
    }

    /// Tells the audit trail, however long that takes: what is not in it must not go on.
    async fn audit(&mut self, acts: Vec<Act>) -> bool {
        if acts.is_empty() {
            return true;
        }
        let audit = Arc::clone(&self.it.audit);
        self.insist(|| audit.audit(&acts)).await
    }

    /// Tries until it goes well, with pauses, and shows why nothing goes on meanwhile. Whether it
    /// did: of an agent that stops, the last try may not.
    async fn insist<F>(&mut self, mut attempt: impl FnMut() -> F) -> bool
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let mut backoff = Backoff::new(KEEP_BASE, KEEP_CEILING);
        while let Err(error) = attempt().await {
            if backoff.attempts() == 0 {
                warn!("{error}; nothing is applied until it can be kept");
            }
            let wait = backoff.next((self.it.chance)());
            self.it
                .progress
                .send_modify(|it| it.paused = Some(error.to_string()));
            let sleep = self.it.clock.sleep(wait);
            if self.shutdown.until_draining(sleep).await.is_none() {
                return false;
            }
        }
        true
    }

    async fn tell(&mut self, changes: Vec<Change>) {
        let mut parts: BTreeMap<RecordKind, (Vec<Record>, Vec<Key>)> = BTreeMap::new();
        for change in changes {
            let part = parts.entry(change.kind()).or_default();
            match change {
                Change::Put(record) => part.0.push(record),
                Change::Gone(key) => part.1.push(key),
            }
        }
        for (kind, (records, gone)) in parts {
            // The spool tells of its condition itself, and the next reading of what is not put.
            let _ = self.it.report.report(kind, records, gone).await;
        }
    }
}
