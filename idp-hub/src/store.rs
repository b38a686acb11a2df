//! The hub's store: SQLite behind one writer with group commit.
//!
//! ```text
//! sessions ──feed frames──▶ ┌────────┐ one transaction for all that waits, fsync,
//! api, authority ─changes─▶ │ writer │ then every answer: acknowledged is durable
//!                           └────────┘
//! api ◀──── readers: connections of their own, which see whole transactions
//! ```
//!
//! The only module of the hub that names rusqlite. What the writer needs for every record (cursors,
//! digests, running totals) it keeps in memory, as [`hot`], and stores with the records.

pub mod accounts;
pub mod audit;
mod backup;
pub mod directory;
mod ends;
pub mod error;
pub mod facts;
mod feed;
mod hot;
pub(crate) mod introduction;
pub mod mailbox;
mod measure;
mod overlay;
pub mod places;
mod reader;
pub mod records;
pub mod regions;
mod restore;
mod rows;
pub mod samples;
mod schema;
mod size;
pub mod tokens;
mod totals;
pub mod users;
mod writer;

use std::path::Path;
use std::sync::Arc;

use shared::model::UnixMillis;
use shared::runtime::clock::Clock;
use tokio::sync::{mpsc, oneshot, watch};

use self::directory::{Heads, Planners};
use crate::config::REGION_RECORDS_DEFAULT;
pub use audit::verify_audit;
pub use backup::back_up;
pub use ends::EndsTold;
pub use error::StoreError;
pub use facts::{Founding, Restoration};
pub use feed::{FeedJob, FeedPayload, Incoming, IncomingRecord};
pub use hot::{Figures, Lacking, Overview, RegionOverview, Sums};
pub use mailbox::{Mail, Mailbox};
use reader::Readers;
pub use regions::RegionNo;
pub use restore::{DroppedLimit, Forgotten, Named, Restored, UnderWay, Withdrawn, restore};
pub use size::Size;
use writer::{Job, WriteConnection};

/// Jobs that wait for the writer. A job is at most one frame, and frames are read against a budget
/// of bytes, so this bounds only the bookkeeping.
const JOBS_MAX: usize = 1024;

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    readers: Arc<Readers>,
    overview: Overview,
    heads: watch::Sender<Heads>,
    ends: EndsTold,
    planners: Arc<Planners>,
    clock: Clock,
}

/// The writer's thread. Joined last at shutdown.
pub struct WriterThread(std::thread::JoinHandle<()>);

impl WriterThread {
    /// Waits until every [`Store`] is dropped and all that was accepted is committed.
    pub fn join(self) {
        // A panic of the writer was logged by its own hook and failed every caller.
        let _ = self.0.join();
    }
}

impl Store {
    /// Opens or makes the database at `path`, and starts its writer. Each region may have
    /// [`REGION_RECORDS_DEFAULT`] records.
    ///
    /// # Errors
    /// If it can't be opened, is corrupt, or is of a later release.
    pub fn open(path: &Path, clock: Clock) -> Result<(Self, WriterThread), StoreError> {
        Self::open_limited(path, clock, Size::limit(REGION_RECORDS_DEFAULT))
    }

    /// As [`open`](Self::open), with another limit for each region. A region that has more keeps
    /// it, and gets no more.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_limited(
        path: &Path,
        clock: Clock,
        region_max: Size,
    ) -> Result<(Self, WriterThread), StoreError> {
        let mut connection = schema::open(path)?;
        schema::migrate(&mut connection)?;
        let overview = Overview::default();
        let heads = watch::Sender::new(Heads::read(&connection)?);
        let ends = EndsTold::default();
        let readers = Arc::new(Readers::new(path.to_owned()));
        let writer = WriteConnection::new(
            path,
            connection,
            Arc::clone(&readers),
            (overview.clone(), heads.clone(), ends.clone()),
            clock.clone(),
            region_max,
        )?;
        let (jobs, queue) = mpsc::channel(JOBS_MAX);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(queue))
            .map_err(StoreError::Thread)?;
        Ok((
            Self {
                jobs,
                readers,
                overview,
                heads,
                ends,
                planners: Arc::new(Planners::new()),
                clock,
            },
            WriterThread(thread),
        ))
    }

    /// The running totals, as of the newest commit.
    pub const fn overview(&self) -> &Overview {
        &self.overview
    }

    /// Which regions tell of something that ended, and which had their say. What is told is for
    /// one reader.
    pub fn ends_told(&self) -> EndsTold {
        self.ends.clone()
    }

    /// Waits for room at the writer. Cancel-safe.
    ///
    /// # Errors
    /// If the writer has ended.
    pub async fn room(&self) -> Result<Room<'_>, StoreError> {
        let permit = self.jobs.reserve().await.map_err(|_| StoreError::Closed)?;
        let clock = &self.clock;
        Ok(Room { permit, clock })
    }

    /// Room for one job at the writer, if there is some now. A writer that has ended has none.
    pub fn try_room(&self) -> Option<Room<'_>> {
        let permit = self.jobs.try_reserve().ok()?;
        let clock = &self.clock;
        Some(Room { permit, clock })
    }

    /// Hands a feed's frame to the writer. Its answer comes to the job's mailbox, after the commit.
    ///
    /// # Errors
    /// If the writer has ended.
    pub async fn feed(&self, job: FeedJob) -> Result<(), StoreError> {
        self.room().await.map(|room| room.feed(job))
    }

    /// Makes a change in the next transaction, and returns when it is durable.
    /// A change that fails is undone alone.
    ///
    /// # Errors
    /// The change's own, or that of the commit.
    pub async fn change<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Changing<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.change_then(change, |_| ()).await
    }

    /// As [`change`](Self::change), and calls `after` on the writer's thread once the change is
    /// durable: in the order of the commits, and also when the caller no longer waits. It must not
    /// block.
    ///
    /// # Errors
    /// The change's own, or that of the commit.
    pub async fn change_then<T, F, A>(&self, change: F, after: A) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Changing<'_>) -> Result<T, StoreError> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let change = writer::boxed_change(change, after, answer);
        self.jobs
            .send(Job::Change(change))
            .await
            .map_err(|_| StoreError::Closed)?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }

    /// Ends the writer after all that was handed to it before. What comes later fails, questions
    /// too: the database is then one file, without a log.
    pub async fn close(&self) {
        // A writer that has ended already is closed.
        let _ = self.jobs.send(Job::Close).await;
    }

    /// Reads from a connection of its own, off the async threads.
    ///
    /// # Errors
    /// The question's own, or if no connection can be had.
    pub async fn read<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reading<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let turn = readers.turn().await;
        let answer = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            readers.read(question)
        });
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Copies the whole database, consistent at one moment, to `path`, while it serves.
    ///
    /// # Errors
    /// If `path` exists or can't be written.
    pub async fn back_up(&self, path: &Path) -> Result<(), StoreError> {
        let (path, readers) = (path.to_owned(), Arc::clone(&self.readers));
        let copying = move || readers.read(|reading| reading.back_up(&path));
        let copied = tokio::task::spawn_blocking(copying).await;
        copied.map_err(|_| StoreError::Closed)?
    }
}

/// Room for one job at the writer.
pub struct Room<'a> {
    permit: mpsc::Permit<'a, Job>,
    clock: &'a Clock,
}

impl Room<'_> {
    /// Hands a feed's frame to the writer. Its answer comes to the job's mailbox, after the commit.
    pub fn feed(self, job: FeedJob) {
        self.permit.send(Job::Feed(job, self.clock.now()));
    }
}

/// A transaction in which a change is made.
pub struct Changing<'a> {
    pub(in crate::store) connection: &'a rusqlite::Connection,
    pub(in crate::store) hot: &'a mut hot::Hot,
    /// The writer's wall clock at the beginning of the transaction.
    pub now: UnixMillis,
}

impl Changing<'_> {
    /// What the open transaction sees.
    pub const fn reading(&self) -> Reading<'_> {
        Reading {
            connection: self.connection,
        }
    }
}

/// A moment's view of the store.
pub struct Reading<'a> {
    pub(in crate::store) connection: &'a rusqlite::Connection,
}
