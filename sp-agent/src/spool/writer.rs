//! The writer: one thread, which commits together what has gathered.
//!
//! A job that is refused (a wrong page, a void audit) is rolled back alone; where the file fails,
//! the whole group is, and each of its callers is told. Extents are published after the commit and
//! before the answers, so that nobody is told of what could still be lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::{Transaction, TransactionBehavior};
use shared::ids::FeedId;
use shared::model::{Feed, HostSample, Service};
use shared::runtime::errors::chain;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info};

use super::audits::Audits;
use super::error::{Fault, SpoolError};
use super::feeds::{self, FeedState, PerFeed};
use super::open::{Opener, Store};
use super::put::Put;
use super::read::Reader;
use super::retain::retain;
use super::whole;
use super::{Condition, Remarks, Shared, Written};
use crate::cloud::{Mark, Page, Part};

/// Jobs of one commit at most: more than can wait, so that it bounds only a steady stream.
const GROUP_MAX: usize = 32;

/// Each job's own outcome, and whether anything was written at all: what was not says nothing of
/// the disk.
type Committed = (Vec<Result<Written, SpoolError>>, bool);

/// One thing to do, and whom to tell.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) reply: oneshot::Sender<Result<Written, SpoolError>>,
}

#[derive(Debug)]
pub(super) enum Work {
    Page {
        part: Part,
        page: Page,
        /// Of changes it is `None`.
        audit_number: Option<u64>,
    },
    Finish {
        part: Part,
        number: u64,
        mark: Mark,
    },
    /// The cloud has no such part.
    Absent(Part),
    Services(Vec<Service>),
    /// How far the directory is applied, and whether what is not remarked on is as it should be.
    Remarks(Remarks),
    Sample(Box<HostSample>),
    /// A hub knows more of this life of a feed than there is.
    Life {
        feed: Feed,
        id: FeedId,
    },
    /// Someone read what can't be, while the feeds had these ids.
    Damaged {
        life: FeedId,
        what: String,
    },
    Close,
}

/// The thread's own.
pub(super) struct Writer {
    opener: Opener,
    /// `None` after a fault, until it opens again.
    store: Option<Store>,
    reader: Reader,
    shared: Arc<Shared>,
    audits: Audits,
}

impl Writer {
    pub(super) fn new(opener: Opener, store: Store, reader: Reader, shared: Arc<Shared>) -> Self {
        Self {
            opener,
            store: Some(store),
            reader,
            shared,
            audits: Audits::default(),
        }
    }

    pub(super) fn spawn(self, queue: mpsc::Receiver<Job>) -> Result<(), SpoolError> {
        let thread = std::thread::Builder::new().name("spool".into());
        let spawned = thread.spawn(move || self.run(queue));
        spawned.map(drop).map_err(|source| SpoolError::Thread {
            source: Arc::new(source),
        })
    }

    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut closer = None;
        while closer.is_none()
            && let Some(first) = queue.blocking_recv()
        {
            let mut group = vec![first];
            while group.len() < GROUP_MAX
                && let Ok(next) = queue.try_recv()
            {
                group.push(next);
            }
            closer = take_close(&mut group);
            if !group.is_empty() {
                self.perform(group);
            }
        }
        drop(queue);
        self.reader.replace(None);
        if let Some(store) = self.store.take() {
            // Only makes the next opening shorter.
            let _ = store
                .connection
                .pragma_query(None, "wal_checkpoint(TRUNCATE)", |_| Ok(()));
        }
        // The lock goes before the answer: whoever closed may open again.
        drop(self);
        if let Some(reply) = closer {
            let _ = reply.send(Ok(Written::default()));
        }
    }

    fn perform(&mut self, group: Vec<Job>) {
        match self.commit(&group) {
            Ok((outcomes, wrote)) => {
                self.publish();
                if wrote {
                    self.is_sound();
                }
                for (job, outcome) in group.into_iter().zip(outcomes) {
                    if outcome.is_err() {
                        self.void_audit_of(&job.work);
                    }
                    // Whoever no longer waits does not mind.
                    let _ = job.reply.send(outcome);
                }
            }
            Err(failure) => {
                self.is_failing(&failure);
                self.recover(&failure);
                for job in group {
                    self.void_audit_of(&job.work);
                    self.void_audit_beside(&job.work);
                    let _ = job.reply.send(Err(failure.clone()));
                }
            }
        }
    }

    /// Does all jobs in one transaction.
    fn commit(&mut self, group: &[Job]) -> Result<Committed, SpoolError> {
        let acked = self.shared.acked.map(|seq| seq.load(Ordering::Relaxed));
        if self.store.is_none() {
            self.reopen()?;
        }
        let store = self.store.as_mut().ok_or(SpoolError::Closed)?;
        for job in group {
            if let Work::Sample(sample) = &job.work {
                self.opener.now = self.opener.now.max(sample.at);
            }
        }
        let (audits, chance) = (&mut self.audits, &mut *self.opener.chance);
        commit_all(store, audits, chance, group, &acked)
            .map_err(|fault| fault.at(self.opener.path()))
    }

    /// After a fault: with the file as it is then, which may be another one.
    fn reopen(&mut self) -> Result<(), SpoolError> {
        let issued = self.shared.audits.load(Ordering::Relaxed);
        self.audits.void_all(issued);
        let store = self.opener.open()?;
        self.reader.replace(Some(self.opener.open_reader()?));
        self.store = Some(store);
        self.publish();
        Ok(())
    }

    /// Makes the next commit possible, as far as that is in our hands.
    fn recover(&mut self, failure: &SpoolError) {
        match failure {
            SpoolError::Damaged { what, .. } => {
                self.reader.replace(None);
                self.store = None;
                let anew = self.opener.set_aside(what).and_then(|()| self.reopen());
                if let Err(failure) = anew {
                    self.is_failing(&failure);
                }
            }
            // What the connection holds in memory may differ from what the disk holds.
            SpoolError::Io { .. } => {
                self.reader.replace(None);
                self.store = None;
            }
            _ => {}
        }
    }

    fn publish(&self) {
        let Some(store) = &self.store else { return };
        for feed in Feed::ALL {
            let extent = store.extent(feed);
            self.shared.extents.get(feed).send_if_modified(|known| {
                if known.id != extent.id {
                    self.shared.acked.get(feed).store(0, Ordering::Relaxed);
                }
                std::mem::replace(known, extent) != extent
            });
        }
    }

    fn is_sound(&self) {
        let was_failing = self.shared.condition.send_if_modified(|condition| {
            std::mem::replace(condition, Condition::Sound) != Condition::Sound
        });
        if was_failing {
            info!(spool = %self.opener.path().display(), "the spool can be written again");
        }
    }

    fn is_failing(&self, failure: &SpoolError) {
        let reason = chain(failure).to_string();
        let failing = Condition::Failing { reason };
        let is_news = self.shared.condition.send_if_modified(|condition| {
            let is_news = *condition != failing;
            condition.clone_from(&failing);
            is_news
        });
        if is_news {
            error!("{}", chain(failure));
        }
    }

    fn void_audit_of(&mut self, work: &Work) {
        if let Work::Page {
            part,
            audit_number: Some(number),
            ..
        } = work
        {
            self.audits.void(*part, *number);
        }
    }

    /// Changes that were rolled back with their group left word of them in the audit beside them.
    fn void_audit_beside(&mut self, work: &Work) {
        if let Work::Page {
            part,
            audit_number: None,
            ..
        } = work
        {
            self.audits.void_going(*part);
        }
    }
}

/// Takes a close out of a group, with what came after it: that was sent to a closed spool.
fn take_close(group: &mut Vec<Job>) -> Option<oneshot::Sender<Result<Written, SpoolError>>> {
    let place = group
        .iter()
        .position(|job| matches!(job.work, Work::Close))?;
    let mut rest = group.drain(place..);
    rest.next().map(|job| job.reply)
}

fn commit_all(
    store: &mut Store,
    audits: &mut Audits,
    chance: &mut dyn FnMut() -> u128,
    group: &[Job],
    acked: &PerFeed<u64>,
) -> Result<Committed, Fault> {
    let mut feeds = store.feeds;
    let changes_before = store.connection.total_changes();
    let behavior = TransactionBehavior::Immediate;
    let mut transaction = store.connection.transaction_with_behavior(behavior)?;
    let mut outcomes = Vec::with_capacity(group.len());
    for job in group {
        let outcome = do_one(&mut transaction, &mut feeds, audits, chance, &job.work)?;
        outcomes.push(outcome);
    }
    retain(&transaction, &mut feeds, acked)?;
    for feed in Feed::ALL {
        if feeds.get(feed) != store.feeds.get(feed) {
            feeds::save(&transaction, feed, feeds.get(feed))?;
        }
    }
    let whole = whole::all(&transaction)?;
    transaction.commit()?;
    (store.feeds, store.whole) = (feeds, whole);
    Ok((outcomes, store.connection.total_changes() != changes_before))
}

/// Does one job in a savepoint, so that one which is refused leaves nothing behind.
fn do_one(
    transaction: &mut Transaction<'_>,
    feeds: &mut PerFeed<FeedState>,
    audits: &mut Audits,
    chance: &mut dyn FnMut() -> u128,
    work: &Work,
) -> Result<Result<Written, SpoolError>, Fault> {
    let savepoint = transaction.savepoint()?;
    let mut changed = *feeds;
    let mut put = Put {
        store: &savepoint,
        feeds: &mut changed,
        chance,
    };
    match perform(&mut put, audits, work) {
        Ok(written) => {
            savepoint.commit()?;
            *feeds = changed;
            Ok(Ok(written))
        }
        Err(Fault::Refused(error)) => {
            drop(savepoint);
            Ok(Err(error))
        }
        Err(fault) => Err(fault),
    }
}

fn perform(put: &mut Put<'_>, audits: &mut Audits, work: &Work) -> Result<Written, Fault> {
    match work {
        Work::Page {
            part,
            page,
            audit_number,
        } => {
            let Some(number) = audit_number else {
                return put.changes(*part, page, audits.going(*part));
            };
            let seen = audits.enter(*part, *number).map_err(Fault::Refused)?;
            put.page(*part, page, seen)
        }
        Work::Finish { part, number, mark } => {
            let seen = audits.finish(*part, *number).map_err(Fault::Refused)?;
            if seen.is_all() {
                whole::save_mark(put.store, *part, *mark)?;
            }
            let before = audits.take_missed(*part);
            let (written, missed) = put.sweep(*part, &seen, &before)?;
            audits.keep_missed(*part, missed);
            let lacks_some = seen.lacks_some && !whole::is_settled(put.store, *part)?;
            Ok(Written {
                lacks_some,
                lacks: seen.into_lacks(),
                ..written
            })
        }
        Work::Absent(part) => {
            whole::save_absent(put.store, *part)?;
            Ok(Written::default())
        }
        Work::Services(services) => put.services(services),
        Work::Remarks(remarks) => put.remarks(remarks),
        Work::Sample(sample) => put.sample(sample),
        Work::Life { feed, id } if put.feeds.get(*feed).id == *id => {
            put.begin_life(*feed, "a hub is ahead of it");
            Ok(Written::default())
        }
        Work::Damaged { life, what } if put.feeds.get(Feed::Inventory).id == *life => {
            Err(Fault::Damaged(what.clone()))
        }
        Work::Life { .. } | Work::Damaged { .. } | Work::Close => Ok(Written::default()),
    }
}
