//! The one writer: takes what waits, commits it together, then answers.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use shared::model::{Feed, UnixMillis};
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::logs::LogLimiter;
use tokio::sync::{mpsc, oneshot, watch};

use super::Changing;
use super::directory::Heads;
use super::ends::EndsTold;
use super::error::{Doing, StoreError};
use super::feed::{self, Answer, FeedJob, Frame};
use super::hot::{Hot, Overview};
use super::mailbox::Mailbox;
use super::measure::{Measure, Measured};
use super::overlay::Overlay;
use super::reader::Readers;
use super::regions::RegionNo;
use super::size::Size;

/// Records of one commit at most. Writing so many takes some 50 ms, the longest that an
/// acknowledgement then waits for others.
const GROUP_RECORDS_MAX: usize = 20_000;

/// Jobs of one commit at most, for batches of a record or two.
const GROUP_JOBS_MAX: usize = 2_048;

/// After a commit that failed nothing is tried for so long: senders go on from what is stored at
/// once, and without a pause a full disk would have them all send in circles. Nobody notices it
/// beside what led to it.
const FAILED_PAUSE: Duration = Duration::from_millis(500);

/// While commits fail, the log is told again after so long.
const FAILED_LOG_WINDOW: Duration = Duration::from_secs(60);

/// From one commit's beginning to the next: what comes meanwhile is committed together. A commit is
/// a sync of the disk and a quarter of a millisecond of work, whatever it holds; nobody notices a
/// wait of so little, and what comes alone does not wait at all.
const COMMIT_EVERY: Duration = Duration::from_millis(2);

/// The same before a sample: each stands for ten seconds, nobody waits for it, and a fleet of
/// 10,000 sends a thousand a second.
const SAMPLES_EVERY: Duration = Duration::from_millis(20);

/// What the writer does.
pub(in crate::store) enum Job {
    /// A frame, and when it was handed over.
    Feed(FeedJob, Instant),
    Change(Change),
    /// Commit what came before, then end.
    Close,
}

impl Job {
    /// Whether nobody waits for it: one sample, as a region sends that is not behind.
    const fn can_wait(&self) -> bool {
        match self {
            Self::Feed(job, _) => job.feed.is_log() && job.payload.len() <= 1,
            Self::Change(_) | Self::Close => false,
        }
    }
}

/// A change: runs in the transaction, and returns what tells its caller after the commit.
pub(in crate::store) type Change = Box<dyn FnOnce(&mut Changing<'_>) -> Told + Send>;

/// Tells a caller how the commit went. Without one that succeeded, the change did not happen.
pub(in crate::store) type Told = Box<dyn FnOnce(Result<(), &str>)>;

/// Makes a change of a closure, what follows its commit, and the place where its caller waits.
pub(in crate::store) fn boxed_change<T, F, A>(
    change: F,
    after: A,
    answer: oneshot::Sender<Result<T, StoreError>>,
) -> Change
where
    T: Send + 'static,
    F: FnOnce(&mut Changing<'_>) -> Result<T, StoreError> + Send + 'static,
    A: FnOnce(&T) + Send + 'static,
{
    Box::new(move |changing| {
        let outcome = in_savepoint(changing, change);
        Box::new(move |committed| {
            let outcome = match committed {
                Ok(()) => outcome,
                Err(reason) => Err(StoreError::Commit {
                    reason: reason.to_owned(),
                }),
            };
            if let Ok(value) = &outcome {
                after(value);
            }
            // A caller that no longer waits does not need the answer.
            let _ = answer.send(outcome);
        })
    })
}

/// A change that fails takes back what it did, and nothing else.
fn in_savepoint<T>(
    changing: &mut Changing<'_>,
    change: impl FnOnce(&mut Changing<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let connection = changing.connection;
    let run = |sql| {
        let statement = connection.prepare_cached(sql);
        let ran = statement.and_then(|mut it| it.execute(()));
        ran.doing("make a change").map(drop)
    };
    changing.hot.change_begins();
    run("SAVEPOINT change")?;
    let outcome = change(changing);
    if outcome.is_err() {
        run("ROLLBACK TO change")?;
        changing.hot.change_failed();
    }
    run("RELEASE change")?;
    outcome
}

/// Folds the log into the database and empties it. Waits a little for whoever reads.
pub(in crate::store) fn fold(connection: &Connection) -> Result<(), StoreError> {
    let busy: bool = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))
        .doing("fold the log into the database")?;
    if busy {
        let reason =
            "somebody else reads the database, such as `idp-hub backup`; wait until it ends";
        return Err(StoreError::Refused(reason.to_owned()));
    }
    Ok(())
}

/// The connection that writes.
pub(in crate::store) struct WriteConnection {
    connection: Connection,
    readers: Arc<Readers>,
    hot: Hot,
    overlay: Overlay,
    overview: Overview,
    heads: watch::Sender<Heads>,
    ends: EndsTold,
    clock: Clock,
    closed: bool,
    /// Commits failed, of which the log has heard.
    failing: Option<LogLimiter<()>>,
    measure: Measure,
}

/// Who is to be told after the commit.
#[derive(Default)]
struct Waiting {
    feeds: Vec<(RegionNo, Feed, Arc<Mailbox>, Option<Answer>)>,
    changes: Vec<Told>,
    ends: BTreeSet<RegionNo>,
    measured: Measured,
}

impl WriteConnection {
    pub(in crate::store) fn new(
        path: &Path,
        connection: Connection,
        readers: Arc<Readers>,
        (overview, heads, ends): (Overview, watch::Sender<Heads>, EndsTold),
        clock: Clock,
        region_max: Size,
    ) -> Result<Self, StoreError> {
        let mut hot = Hot::load(&connection, region_max)?;
        hot.publish(&overview);
        Ok(Self {
            connection,
            readers,
            hot,
            overlay: Overlay::default(),
            overview,
            heads,
            ends,
            measure: Measure::new(path.to_owned(), clock.clone()),
            clock,
            closed: false,
            failing: None,
        })
    }

    /// Serves until it is told to close, or every sender is gone.
    pub(in crate::store) fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let (mut jobs, mut begun_last) = (VecDeque::new(), None);
        while !self.closed
            && let Some(first) = jobs.pop_front().or_else(|| queue.blocking_recv())
        {
            jobs.push_front(first);
            self.gather(begun_last, &mut jobs, &mut queue);
            let (mut waiting, begun) = (Waiting::default(), self.clock.now());
            begun_last = Some(begun);
            let outcome = self.group(&mut jobs, &mut queue, &mut waiting);
            let (well, queued) = (outcome.is_ok(), queue.len());
            self.measure
                .committed(begun, well, &waiting.measured, queued);
            match outcome {
                Ok(()) => self.told(waiting),
                Err(error) => {
                    self.failed(waiting, &error);
                    // A thread of its own, and every caller was answered.
                    std::thread::sleep(FAILED_PAUSE);
                }
            }
        }
        self.end();
    }

    /// Folds the log into the database, which is whole in one file from here on: copied over, it
    /// would otherwise have the old log replayed over the copy.
    fn end(self) {
        self.readers.close();
        if let Err(error) = fold(&self.connection) {
            let error = chain(&error).to_string();
            let what = "the database's log stays beside it; that is safe, as long as no other file \
                        is put in the database's place but by `idp-hub restore`";
            tracing::warn!(error, "{what}");
        }
    }

    /// Takes what comes until it is time for another commit.
    fn gather(
        &self,
        begun_last: Option<Instant>,
        jobs: &mut VecDeque<Job>,
        queue: &mut mpsc::Receiver<Job>,
    ) {
        let Some(begun_last) = begun_last else {
            return;
        };
        let mut passed = self.clock.now() - begun_last;
        let mut can_wait = jobs.iter().all(Job::can_wait);
        while jobs.len() < GROUP_JOBS_MAX {
            let pace = if can_wait {
                SAMPLES_EVERY
            } else {
                COMMIT_EVERY
            };
            let nap = pace.saturating_sub(passed).min(COMMIT_EVERY);
            if nap.is_zero() {
                return;
            }
            // A thread of its own, on which nobody else waits.
            std::thread::sleep(nap);
            // Added up, as a clock may stand still.
            passed += nap;
            while jobs.len() < GROUP_JOBS_MAX
                && let Ok(job) = queue.try_recv()
            {
                can_wait &= job.can_wait();
                jobs.push_back(job);
            }
        }
    }

    /// One transaction: these jobs, and what waits behind them. Jobs that it had no room for, or
    /// did not get to as one failed, are left for the next.
    fn group(
        &mut self,
        jobs: &mut VecDeque<Job>,
        queue: &mut mpsc::Receiver<Job>,
        waiting: &mut Waiting,
    ) -> Result<(), StoreError> {
        let now = self.clock.unix_millis();
        self.connection
            .execute_batch("BEGIN IMMEDIATE")
            .doing("begin a transaction")?;
        let mut taken = 0;
        while !self.closed
            && taken < GROUP_JOBS_MAX
            && self.overlay.len() < GROUP_RECORDS_MAX
            && let Some(job) = jobs.pop_front().or_else(|| queue.try_recv().ok())
        {
            self.job(job, now, waiting)?;
            taken += 1;
        }
        self.overlay.flush(&self.connection, now)?;
        self.hot.save(&self.connection)?;
        self.connection.execute_batch("COMMIT").doing("commit")
    }

    fn job(&mut self, job: Job, now: UnixMillis, waiting: &mut Waiting) -> Result<(), StoreError> {
        match job {
            Job::Close => self.closed = true,
            Job::Feed(job, handed) => {
                waiting.measured.taken(handed);
                let FeedJob {
                    region,
                    session,
                    feed,
                    payload,
                    mailbox,
                    budget: _budget,
                } = job;
                let records = payload.len();
                if payload.tells_of_ends() {
                    waiting.ends.insert(region);
                }
                // Noted before it is tried: should the group fail, its sender must hear of it.
                waiting.feeds.push((region, feed, mailbox, None));
                let (connection, hot) = (&self.connection, &mut self.hot);
                let mut changing = Changing {
                    connection,
                    hot,
                    now,
                };
                let frame = Frame {
                    region,
                    session,
                    feed,
                    payload,
                };
                let answer = feed::take(&mut changing, &mut self.overlay, frame)?;
                if let Some(Answer::Ack(_) | Answer::Thinned(_)) = answer {
                    waiting.measured.records(feed, records);
                }
                if let Some((.., noted)) = waiting.feeds.last_mut() {
                    *noted = answer;
                }
            }
            Job::Change(change) => {
                // A change reads the tables, so they must hold what came before it.
                self.overlay.flush(&self.connection, now)?;
                let (connection, hot) = (&self.connection, &mut self.hot);
                waiting.changes.push(change(&mut Changing {
                    connection,
                    hot,
                    now,
                }));
                // Some faults end the whole transaction (a full disk may). What came next would
                // then be committed piece by piece, records without their cursors.
                if self.connection.is_autocommit() {
                    let reason = "the database ended the transaction by itself".to_owned();
                    return Err(StoreError::Commit { reason });
                }
            }
        }
        Ok(())
    }

    fn told(&mut self, waiting: Waiting) {
        if self.failing.take().is_some() {
            tracing::info!("the store commits again");
        }
        self.hot.publish(&self.overview);
        self.tell_heads();
        for (_, feed, mailbox, answer) in waiting.feeds {
            if let Some(answer) = answer {
                answer.tell(feed, &mailbox);
            }
        }
        for told in waiting.changes {
            told(Ok(()));
        }
        waiting.ends.into_iter().for_each(|it| self.ends.tell(it));
    }

    /// Agents are told of a change of the directory when it is durable.
    fn tell_heads(&mut self) {
        let Some(untold) = self.hot.directory.take_untold() else {
            return;
        };
        let mut heads = self.heads.borrow().clone();
        match heads.follow(&self.connection, &untold) {
            Ok(()) => drop(self.heads.send_replace(heads)),
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::error!(error, "agents are told of a change of the directory later");
                self.hot.directory.untell(untold);
            }
        }
    }

    /// Nothing of the group happened: memory is read anew, senders go on from what is stored.
    fn failed(&mut self, waiting: Waiting, error: &StoreError) {
        let reason = chain(error).to_string();
        let failing = (self.failing).get_or_insert_with(|| LogLimiter::new(FAILED_LOG_WINDOW, 1));
        if let Some(silenced) = failing.admit(self.clock.now(), ()) {
            let what = "the store could not commit; agents keep what they sent";
            tracing::error!(reason, silenced, "{what}");
        }
        // Where the transaction has ended by itself there is nothing to roll back.
        let _ = self.connection.execute_batch("ROLLBACK");
        self.overlay.clear();
        for told in waiting.changes {
            told(Err(&reason));
        }
        if let Err(error) = self.hot.roll_back(&self.connection) {
            let reason = chain(&error).to_string();
            tracing::error!(reason, "the store can't be read either");
        }
        for (no, feed, mailbox, _) in waiting.feeds {
            match self.hot.region(&self.connection, no) {
                Ok(Some(region)) => {
                    let inbox = &mut region.feed(feed).inbox;
                    inbox.told();
                    Answer::Reposition(inbox.position()).tell(feed, &mailbox);
                }
                // Gone, or not to be read: a new session asks again.
                Ok(None) | Err(_) => mailbox.give_up(),
            }
        }
    }
}
