//! The spool: everything that the agent knows of its cloud, numbered change by change, in one
//! SQLite file that survives a power cut.
//!
//! `collect` puts pages, service states and samples; the link reads batches and tells what was
//! acknowledged. One thread writes, and commits what has gathered while it was busy in one
//! transaction; reading has a connection of its own and never waits for it. Nothing is dropped
//! because it was sent: a hub restored from an older backup asks again, and is brought up.
//!
//! ```text
//! collect ─ pages ─▶ bounded channel ─▶ writer thread ─▶ spool.sqlite ─▶ read ─▶ link
//!                                            └─ extents (watch) ──────────────────▲
//! ```
//!
//! Everything here can be collected again, apart from samples. So a damaged file is moved aside
//! and the spool begins a new life, with new feed ids, which hubs answer with a snapshot. It ends
//! when each part of the feed was read once: until then what a hub held before stays.
//! An older copy of the file, as of a machine that was set back, goes on: states are compared by
//! their digests, and a log begins a new life before its numbers would stand for two things.
//! Only this module names rusqlite.

mod audits;
mod error;
mod feeds;
mod open;
mod put;
mod read;
mod remarks;
mod retain;
mod schema;
mod spared;
mod sweep;
#[cfg(test)]
mod tests;
mod whole;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shared::ids::FeedId;
use shared::link::outbox::Extent;
use shared::model::{Feed, HostSample, Key, Record, Service, UnixMillis};
use shared::runtime::shutdown::Shutdown;
use tokio::sync::{mpsc, oneshot, watch};

use crate::cloud::{Mark, Page, Part, Reach};
use feeds::PerFeed;
use open::Opener;
use read::Reader;
use writer::{Job, Work, Writer};

pub use error::SpoolError;
pub use read::{Batch, Changes};
pub use remarks::Remarks;

/// Jobs that wait for the writer at most. Each part has one page under way and the next one
/// waiting, beside services and samples; whoever comes later waits, and so slows its reading.
const JOBS_MAX: usize = 16;

/// A handle on the spool; cheap to clone. The writer ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Spool {
    jobs: mpsc::Sender<Job>,
    reader: Reader,
    shared: Arc<Shared>,
    path: Arc<Path>,
}

/// What the handles and the writer have in common.
#[derive(Debug)]
struct Shared {
    extents: PerFeed<watch::Sender<Extent>>,
    condition: watch::Sender<Condition>,
    acked: PerFeed<AtomicU64>,
    audits: AtomicU64,
}

/// Whether the spool can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The last commit held.
    Sound,
    /// The last one did not. Everyone keeps trying.
    Failing {
        /// What failed and what to do.
        reason: String,
    },
}

impl Condition {
    /// What failed and what to do; `None` where nothing did.
    pub fn fault(&self) -> Option<&str> {
        match self {
            Self::Sound => None,
            Self::Failing { reason } => Some(reason),
        }
    }
}

/// One reading of a whole part. What it did not put by the time it is finished is gone.
///
/// Dropped without [`Spool::finish_audit`], it removes nothing.
#[derive(Debug)]
pub struct Audit {
    part: Part,
    number: u64,
}

/// What a command changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Records that are new or hold something else than before.
    pub changed: u64,
    /// Records that became tombstones.
    pub removed: u64,
    /// What an audit missed and did not remove.
    pub held: Option<Held>,
    /// Whether an audit was told of records that it could not read and that are not held from
    /// before either, as none of the part came to its end in this life.
    pub lacks_some: bool,
    /// Departments, and groups, of which an audit was told nothing: what is held of them is as it
    /// was.
    pub lacks: Reach,
}

/// Too much was missing in an audit to be believed at once. It stays until the next one misses it
/// too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Records that the audit did not meet.
    pub missing: u64,
    /// Records that the part held when it began.
    pub of: u64,
}

impl Spool {
    /// Opens the spool in `directory`, which is made if it is missing, and checks it whole. Blocks
    /// on the disk: up to a second for each million records.
    ///
    /// `now` names a damaged file that is moved aside. `chance` gives 128 random bits for each
    /// feed of a new life.
    ///
    /// # Errors
    /// If the directory or the file can't be used, another agent uses it, or a newer release wrote
    /// it. A damaged file is no error.
    pub fn open(
        directory: &Path,
        now: UnixMillis,
        chance: impl FnMut() -> u128 + Send + 'static,
    ) -> Result<Self, SpoolError> {
        Self::start(Opener::new(directory, now, Box::new(chance))?)
    }

    fn start(mut opener: Opener) -> Result<Self, SpoolError> {
        let path: Arc<Path> = opener.path().into();
        let store = opener.open()?;
        let shared = Arc::new(Shared {
            extents: PerFeed::of(|feed| watch::Sender::new(store.extent(feed))),
            condition: watch::Sender::new(Condition::Sound),
            acked: store.feeds.map(|_| AtomicU64::new(0)),
            audits: AtomicU64::new(0),
        });
        let reader = Reader::new(Arc::clone(&path), opener.open_reader()?);
        let (jobs, queue) = mpsc::channel(JOBS_MAX);
        Writer::new(opener, store, reader.clone(), Arc::clone(&shared)).spawn(queue)?;
        Ok(Self {
            jobs,
            reader,
            shared,
            path,
        })
    }

    /// The spool's file.
    pub fn path(&self) -> PathBuf {
        self.path.to_path_buf()
    }

    /// What the spool holds of a feed, as last committed.
    pub fn extent(&self, feed: Feed) -> Extent {
        *self.shared.extents.get(feed).borrow()
    }

    /// Tells when a feed has grown, was cut, or began anew. Several changes may come as one.
    pub fn watch(&self, feed: Feed) -> watch::Receiver<Extent> {
        self.shared.extents.get(feed).subscribe()
    }

    /// Tells whether the spool can be written.
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.shared.condition.subscribe()
    }

    /// Begins to read a part whole. An earlier audit of the same part is superseded.
    pub fn begin_audit(&self, part: Part) -> Audit {
        let number = self.shared.audits.fetch_add(1, Ordering::Relaxed) + 1;
        Audit { part, number }
    }

    /// Puts a page of an audit. Records that hold what they held before take no sequence number.
    ///
    /// # Errors
    /// If the page belongs elsewhere, the spool is full or failing, or the audit was superseded.
    /// Nothing of the page is then held, and the audit can't be finished any more.
    pub async fn put_page(&self, audit: &Audit, page: Page) -> Result<Written, SpoolError> {
        let audit_number = Some(audit.number);
        let part = audit.part;
        self.perform(Work::Page {
            part,
            page,
            audit_number,
        })
        .await
    }

    /// Puts a page of changes.
    ///
    /// # Errors
    /// If the page belongs elsewhere, or the spool is full or failing: nothing of the page is then
    /// held.
    pub async fn put_changes(&self, part: Part, page: Page) -> Result<Written, SpoolError> {
        self.perform(Work::Page {
            part,
            page,
            audit_number: None,
        })
        .await
    }

    /// Ends an audit of which every page was put: the part's records that it did not put become
    /// tombstones, and `mark` is kept with them. Where that would be more than 20 records and a
    /// fifth of what was held, or all of several, they stay, and those that the next audit misses
    /// too go then.
    ///
    /// # Errors
    /// If one of its pages failed, it was superseded, or the spool is failing: nothing is removed.
    pub async fn finish_audit(&self, audit: Audit, mark: Mark) -> Result<Written, SpoolError> {
        let Audit { part, number } = audit;
        self.perform(Work::Finish { part, number, mark }).await
    }

    /// Puts that this cloud has no such part, so that nothing of it is waited for: a feed is whole
    /// when each of its parts was read to its end or is not there. What is held of it stays.
    ///
    /// # Errors
    /// If the spool is failing.
    pub async fn put_absent(&self, part: Part) -> Result<(), SpoolError> {
        self.perform(Work::Absent(part)).await.map(drop)
    }

    /// Puts the state of every service. One that is not among them becomes a tombstone.
    ///
    /// # Errors
    /// If the spool is failing: nothing is then changed.
    pub async fn put_services(&self, services: Vec<Service>) -> Result<Written, SpoolError> {
        self.perform(Work::Services(services)).await
    }

    /// Puts how far the directory is applied here. A remark that is not among them becomes a
    /// tombstone, if they are whole.
    ///
    /// # Errors
    /// If the spool is full or failing: nothing is then changed.
    pub async fn put_remarks(&self, remarks: Remarks) -> Result<Written, SpoolError> {
        self.perform(Work::Remarks(remarks)).await
    }

    /// Appends a sample. A second one of the same time is taken for the same.
    ///
    /// # Errors
    /// If the spool is failing: the sample is then not held.
    pub async fn put_sample(&self, sample: HostSample) -> Result<Written, SpoolError> {
        self.perform(Work::Sample(Box::new(sample))).await
    }

    /// Gives a feed another id in place of this one, with all that it holds: a hub is ahead of it,
    /// so this file is an older copy, and numbers would stand for two things. If the id is another
    /// already, nothing is done.
    ///
    /// # Errors
    /// If the spool is failing: the id then stays.
    pub async fn begin_life(&self, feed: Feed, id: FeedId) -> Result<(), SpoolError> {
        self.perform(Work::Life { feed, id }).await.map(drop)
    }

    /// Reads the batch after a sequence number of this life of a feed, encoded as a frame. `None`
    /// if the feed lives on under another id: its extent says what it is now.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn read(
        &self,
        feed: Feed,
        id: FeedId,
        after: u64,
    ) -> Result<Option<Batch>, SpoolError> {
        self.reading(move |store| read::batch(store, feed, id, after))
            .await
    }

    /// Reads the changes after a sequence number of this life of a feed, as records: some of them,
    /// in their order. `None` if the feed lives on under another id, or has dropped
    /// removals after that number: then the reader must begin anew, from nothing.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn records(
        &self,
        feed: Feed,
        id: FeedId,
        after: u64,
    ) -> Result<Option<Changes>, SpoolError> {
        self.reading(move |store| read::records(store, feed, id, after))
            .await
    }

    /// One record as last put.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn record(&self, key: Key) -> Result<Option<Record>, SpoolError> {
        self.reading(move |store| read::record(store, &key)).await
    }

    /// The services as last put, for the collector to go on from.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn services(&self) -> Result<Vec<Service>, SpoolError> {
        self.reading(read::services).await
    }

    /// The mark of the last whole audit of a part.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn mark(&self, part: Part) -> Result<Option<Mark>, SpoolError> {
        self.reading(move |store| Ok(whole::mark(store, part)?))
            .await
    }

    /// A hub holds everything up to `seq`. It may ask again: this only allows old tombstones to be
    /// dropped earlier.
    pub fn acked(&self, feed: Feed, seq: u64) {
        self.shared.acked.get(feed).store(seq, Ordering::Relaxed);
    }

    /// Ends the writer after what was put before, and closes the file. Without it nothing is lost
    /// either: the next opening takes longer.
    ///
    /// # Errors
    /// If it is closed already.
    pub async fn close(&self) -> Result<(), SpoolError> {
        self.perform(Work::Close).await.map(|_| ())
    }

    /// The spool's task: keeps it open until all who write to it have ended, then closes it.
    ///
    /// # Errors
    /// If the writer ended before, which only a fault of this program can cause.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), SpoolError> {
        tokio::select! {
            () = shutdown.closed() => self.close().await,
            () = self.jobs.closed() => Err(SpoolError::Closed),
        }
    }

    async fn perform(&self, work: Work) -> Result<Written, SpoolError> {
        let (reply, outcome) = oneshot::channel();
        let sent = self.jobs.send(Job { work, reply }).await;
        sent.map_err(|_| SpoolError::Closed)?;
        outcome.await.map_err(|_| SpoolError::Closed)?
    }

    /// Damage found while reading is the writer's to repair. If that is busy, the next reading
    /// tells it.
    async fn reading<T: Send + 'static>(
        &self,
        read: impl FnOnce(&rusqlite::Connection) -> Result<T, error::Fault> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let life = self.extent(Feed::Inventory).id;
        let outcome = self.reader.run(read).await;
        if let Err(SpoolError::Damaged { what, .. }) = &outcome {
            let (reply, _) = oneshot::channel();
            let what = what.clone();
            let work = Work::Damaged { life, what };
            let _ = self.jobs.try_send(Job { work, reply });
        }
        outcome
    }
}
