//! Takes frames of the directory's feed.

use std::collections::BTreeMap;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use shared::link::inbox::{Position, Verdict};
use shared::model::{End, Feed, Key, Record, RecordKind};
use shared::wire::Digest;
use shared::wire::frame::{Ack, Batch, Cursor, DIRECTORY_FEED, FeedFrame, Open};
use shared::wire::record::{Decoded, decode, decode_id, feed_of_kind, kind_of};

use super::{ReplicaError, State, Store, file, schema};
use crate::replica::Change;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Everything up to here is durable: tell the hub.
    Ack(Ack),
    /// The hub must go on from elsewhere: tell it.
    Reposition(Cursor),
    /// There is nothing to tell.
    Quiet,
    /// The hub can't be brought to go on: end the session.
    GiveUp,
}

/// Ends of things that are remembered of hubs which say nothing of them any more: some years of
/// leavers, in ten megabytes. No hub fills the disk with them.
const LAPSES_MAX: usize = 100_000;

/// What was told since it was last asked for, each key once.
type Changes = BTreeMap<(u16, Vec<u8>), Change>;

impl Store {
    /// Takes one frame of the feed's stream.
    ///
    /// # Errors
    /// If the frame can't be read or says what can't be; or the file can't be written: then nothing
    /// of it is held, and the hub is to be told [`Store::cursor`].
    pub async fn take(&self, kind: u16, payload: Bytes) -> Result<Taken, ReplicaError> {
        let store = self.clone();
        let work = move || {
            let told = |error: shared::wire::DecodeError| ReplicaError::Told(error.to_string());
            let frame = FeedFrame::decode(kind, &payload).map_err(told)?;
            let taken = match frame {
                None => Taken::Quiet,
                Some(FeedFrame::Open(open)) => store.state().open(&open),
                Some(FeedFrame::Batch(batch)) => store.take_batch(&batch)?,
            };
            Ok(taken)
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| ReplicaError::Closed)?
    }

    fn take_batch(&self, batch: &Batch<'_>) -> Result<Taken, ReplicaError> {
        batch.records.as_slice().iter().try_for_each(check)?;
        let mut state = self.state();
        let before = (state.inbox.clone(), state.digest, state.complete);
        let taken = state.batch(batch);
        let taken = taken.map_err(|source| {
            (state.inbox, state.digest, state.complete) = before;
            state.inbox.rolled_back();
            file(&self.inner.path, source)
        })?;
        // Also where a hub that was restored tells what is held already.
        let is_new = !state.changes.is_empty() || state.replica.feed != state.told_in;
        if state.complete && is_new {
            self.inner.version.send_modify(|it| *it += 1);
        }
        Ok(taken)
    }
}

/// Nothing of a batch is held if one of its records can't be what a hub sends.
fn check(record: &shared::wire::frame::BatchRecord<'_>) -> Result<(), ReplicaError> {
    let (kind, id) = (record.kind, record.id.as_slice());
    let told = |error: shared::wire::DecodeError| ReplicaError::Told(error.to_string());
    if feed_of_kind(kind) != Some(Feed::Organization) {
        let reason = format!("a record of kind {kind} does not belong there");
        return Err(ReplicaError::Told(reason));
    }
    if kind_of(kind).is_some() {
        decode_id(id).map_err(told)?;
    }
    match &record.value {
        Some(value) => decode(kind, id, value.as_slice()).map(drop).map_err(told),
        None => Ok(()),
    }
}

impl State {
    fn open(&mut self, open: &Open) -> Taken {
        match self.inbox.open(open) {
            Verdict::Apply { .. } | Verdict::Duplicate | Verdict::Ignore => Taken::Quiet,
            Verdict::Reposition => self.reposition(),
            Verdict::GiveUp => Taken::GiveUp,
        }
    }

    fn reposition(&self) -> Taken {
        Taken::Reposition(self.inbox.position().cursor(DIRECTORY_FEED))
    }

    fn batch(&mut self, batch: &Batch<'_>) -> rusqlite::Result<Taken> {
        let before = self.inbox.position();
        let verdict = self
            .inbox
            .batch(batch.after, batch.last, batch.digest.is_some());
        let seq = self.inbox.position().seq;
        let ack = Taken::Ack(Ack {
            feed: DIRECTORY_FEED,
            seq,
        });
        match verdict {
            Verdict::Apply { position, sweep } => {
                let transaction = self.connection.unchecked_transaction()?;
                let mut taking = Taking {
                    connection: &transaction,
                    digest: self.digest,
                    changes: BTreeMap::new(),
                };
                taking.records(batch, position.generation)?;
                if sweep {
                    taking.sweep(position.generation)?;
                }
                let Taking {
                    digest, changes, ..
                } = taking;
                let expected = batch.digest.map(Digest::from_bytes);
                let agrees = expected.is_none_or(|it| it == digest);
                let verdict = match agrees {
                    true => None,
                    false => Some(self.inbox.reject(before)),
                };
                let (position, complete) = (self.inbox.position(), agrees && expected.is_some());
                schema::save_position(&transaction, &position, digest, complete)?;
                transaction.commit()?;
                (self.digest, self.complete) = (digest, complete);
                if complete {
                    self.told_in = Some(position.id);
                }
                self.changes.extend(changes);
                Ok(match verdict {
                    None => {
                        self.inbox.applied();
                        ack
                    }
                    Some(Verdict::GiveUp) => Taken::GiveUp,
                    Some(_) => self.reposition(),
                })
            }
            Verdict::Duplicate => Ok(ack),
            Verdict::Ignore => Ok(Taken::Quiet),
            Verdict::Reposition => Ok(self.reposition()),
            Verdict::GiveUp => Ok(Taken::GiveUp),
        }
    }
}

/// A batch on its way into the transaction.
struct Taking<'a> {
    connection: &'a Connection,
    digest: Digest,
    changes: Changes,
}

impl Taking<'_> {
    fn records(&mut self, batch: &Batch<'_>, generation: u32) -> rusqlite::Result<()> {
        for record in batch.records.as_slice() {
            let (kind, id) = (record.kind, record.id.as_slice());
            let before: Option<Vec<u8>> = self
                .connection
                .prepare_cached("SELECT value FROM told WHERE kind = ?1 AND id = ?2")?
                .query_row(params![kind, id], |row| row.get(0))
                .optional()?;
            if let Some(before) = &before {
                self.digest.subtract(Digest::of(kind, id, before));
            }
            let unsaid = self.said_again(kind, id)?;
            let value = record.value.map(|it| it.as_slice());
            match value {
                Some(value) => {
                    self.digest.add(Digest::of(kind, id, value));
                    self.connection
                        .prepare_cached(
                            "INSERT OR REPLACE INTO told (kind, id, generation, value)
                             VALUES (?1, ?2, ?3, ?4)",
                        )?
                        .execute(params![kind, id, generation, value])?;
                }
                None => {
                    self.connection
                        .prepare_cached("DELETE FROM told WHERE kind = ?1 AND id = ?2")?
                        .execute(params![kind, id])?;
                }
            }
            let mut known = [&unsaid, &before].into_iter().flatten();
            if how(kind, id, value) == Some(End::Retired)
                && let Some(deleted) = known.find(|it| is_deletion(kind, id, it))
            {
                self.unsaid(kind, id, deleted)?;
                continue;
            }
            // A snapshot tells again what is held.
            if value != before.as_deref() || unsaid.is_some() {
                let before = before.as_deref().or(unsaid.as_deref());
                self.change(kind, id, before, value);
            }
        }
        Ok(())
    }

    /// Forgets that a snapshot did not name this, and gives what it was.
    fn said_again(&self, kind: u16, id: &[u8]) -> rusqlite::Result<Option<Vec<u8>>> {
        if !stays(kind) {
            return Ok(None);
        }
        self.connection
            .prepare_cached("DELETE FROM unsaid WHERE kind = ?1 AND id = ?2 RETURNING value")?
            .query_row(params![kind, id], |row| row.get(0))
            .optional()
    }

    /// Remembers that a snapshot did not name this link or end: a later word of the hub may be that
    /// the link is gone, by its id alone, and what ended must not come back. What was remembered
    /// so beside another word of the hub's is a deletion, and stays.
    fn unsaid(&mut self, kind: u16, id: &[u8], value: &[u8]) -> rusqlite::Result<()> {
        let kept = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO unsaid (kind, id, value) VALUES (?1, ?2, ?3)")?
            .execute(params![kind, id, value])?;
        if kept == 0 {
            return Ok(());
        }
        if let Some(record) = known(kind, id, value) {
            let change = Change::Unsaid(record);
            self.changes.insert((kind, id.to_vec()), change);
        }
        Ok(())
    }

    /// Forgets links that an earlier snapshot did not name and that are not applied either: no hub
    /// can fill the disk with them, as those that are applied are in the cloud.
    fn forget_unapplied(&mut self) -> rusqlite::Result<()> {
        let mut select = self
            .connection
            .prepare_cached("SELECT kind, id FROM unsaid")?;
        let all = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let all: Vec<(u16, Vec<u8>)> = all.collect::<Result<_, _>>()?;
        let mut lapses = 0;
        for (kind, id) in all {
            if !is_link(kind) {
                lapses += 1;
                if lapses > LAPSES_MAX
                    && let Some(value) = self.said_again(kind, &id)?
                {
                    self.change(kind, &id, Some(&value), None);
                }
                continue;
            }
            let applied = decode_id(&id).is_ok_and(|it| self.is_applied(&it.to_string()));
            if !applied && let Some(value) = self.said_again(kind, &id)? {
                self.change(kind, &id, Some(&value), None);
            }
        }
        Ok(())
    }

    /// Whether a link is applied, or nobody can say so.
    fn is_applied(&self, id: &str) -> bool {
        let sql = "SELECT 1 FROM applied_link WHERE id = ?1";
        let select = self.connection.prepare_cached(sql);
        select.and_then(|mut it| it.exists([id])).unwrap_or(true)
    }

    /// What an earlier snapshot told and this one did not. A hub names what is gone for as long as
    /// it lives; one that is from an older backup says nothing of what was given or ended since:
    /// that removes no link, and brings nothing back.
    fn sweep(&mut self, generation: u32) -> rusqlite::Result<()> {
        self.forget_unapplied()?;
        let sql = "SELECT kind, id, value FROM told WHERE generation <> ?1";
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query([generation])?;
        while let Some(row) = rows.next()? {
            let (kind, id, value): (u16, Vec<u8>, Vec<u8>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            self.digest.subtract(Digest::of(kind, &id, &value));
            match stays(kind) {
                true => self.unsaid(kind, &id, &value)?,
                false => self.change(kind, &id, Some(&value), None),
            }
        }
        drop(rows);
        self.connection
            .prepare_cached("DELETE FROM told WHERE generation <> ?1")?
            .execute([generation])
            .map(drop)
    }

    /// What only a later release understands is kept, and changes nothing here.
    fn change(&mut self, kind: u16, id: &[u8], before: Option<&[u8]>, after: Option<&[u8]>) {
        let change = match after {
            Some(value) => known(kind, id, value).map(Change::Put),
            None => gone(kind, id, before),
        };
        if let Some(change) = change {
            self.changes.insert((kind, id.to_vec()), change);
        }
    }
}

/// Whether what a snapshot says nothing of stays known.
fn stays(kind: u16) -> bool {
    is_link(kind) || kind_of(kind) == Some(RecordKind::Lapse)
}

fn is_link(kind: u16) -> bool {
    use RecordKind::{Assignment, Implication, Membership};
    matches!(kind_of(kind), Some(Membership | Implication | Assignment))
}

/// How something ended, if a value says so.
fn how(kind: u16, id: &[u8], value: Option<&[u8]>) -> Option<End> {
    let is_lapse = kind_of(kind) == Some(RecordKind::Lapse);
    match known(kind, id, value.filter(|_| is_lapse)?)? {
        Record::Lapse(it) => Some(it.how),
        _ => None,
    }
}

fn is_deletion(kind: u16, id: &[u8], value: &[u8]) -> bool {
    how(kind, id, Some(value)) == Some(End::Deleted)
}

fn known(kind: u16, id: &[u8], value: &[u8]) -> Option<Record> {
    match decode(kind, id, value) {
        Ok(Decoded::Known(record)) => Some(*record),
        Ok(Decoded::Unknown) | Err(_) => None,
    }
}

fn gone(kind: u16, id: &[u8], before: Option<&[u8]>) -> Option<Change> {
    let key = Key {
        kind: kind_of(kind)?,
        id: decode_id(id).ok()?,
    };
    let before = before.and_then(|value| known(kind, id, value));
    Some(Change::Gone(key, before))
}

/// What the file holds: where the feed is, and everything as changes that were not asked for yet.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<(Position, Digest, bool, Changes)> {
    let (position, digest, complete) = schema::position(connection)?;
    let mut found = Digest::default();
    let mut changes = Changes::new();
    let mut select = connection.prepare("SELECT kind, id, value FROM told")?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let (kind, id, value): (u16, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        found.add(Digest::of(kind, &id, &value));
        if let Some(record) = known(kind, &id, &value) {
            changes.insert((kind, id), Change::Put(record));
        }
    }
    let mut select = connection.prepare("SELECT kind, id, value FROM unsaid")?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let (kind, id, value): (u16, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if let Some(record) = known(kind, &id, &value) {
            changes.insert((kind, id), Change::Unsaid(record));
        }
    }
    match found == digest {
        true => Ok((position, digest, complete, changes)),
        // A hub could never agree.
        false => {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            let what = "the digest is not that of what is held".to_owned();
            Err(rusqlite::Error::SqliteFailure(code, Some(what)))
        }
    }
}
