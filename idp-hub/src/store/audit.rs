//! The audit trail in the database: a chain of entries, each written in the transaction of what it
//! tells of.
//!
//! The head is read with each entry, and is nowhere in memory: so the trail goes on rightly
//! whatever was undone, and whoever wrote last.

mod copy;
mod cures;
mod edits;
mod list;
mod passing;
#[cfg(test)]
mod tests;
mod told;

use rusqlite::{Connection, params};
use shared::audit::{Act, Broken, Entry, Head, Link, Verified, Verifier};
use shared::model::UnixMillis;
use tokio::sync::oneshot;

use super::error::{Doing, StoreError};
use super::facts;
use super::writer::{Job, boxed_change};
use super::{Changing, Reading, Store};

pub use copy::verify_audit;
pub(in crate::store) use cures::{adopted, merged, put_back};
pub use edits::attempted;
pub use list::{Listed, Numbered};
pub use passing::Passing;

/// Entries are kept so long: a year, and some weeks in which somebody may look back at it.
const KEPT_MS: u64 = 400 * 24 * 3600 * 1000;

/// The most entries of what was changed, whatever comes and goes: some 300 MB, and 4 GiB were each
/// as long as one may be.
const CHANGES_MAX: u64 = 1_000_000;

/// The most entries: what passes has its own part, which it can't exceed in the time in which
/// entries are kept, so that it pushes out nothing of what was changed.
const ENTRIES_MAX: u64 = CHANGES_MAX + Passing::ENTRIES_MAX;

/// Entries that are dropped with each that is written: more than one, so that a trail that is too
/// long becomes shorter, and few, so that a clock that stood wrong for a moment costs few.
const DROPPED_AT_ONCE: u32 = 2;

/// Facts: the last entry that is no longer kept, and the newest.
const BEGIN: &str = "audit_begin";
const HEAD: &str = "audit_head";

const WRITE: &str = "write the audit trail";
const READ: &str = "read the audit trail";

impl Changing<'_> {
    /// Tells the audit trail what this transaction does. Returns the entry's place.
    ///
    /// # Errors
    /// If the database fails: what was done is undone with it.
    pub fn audit(&mut self, act: Act) -> Result<Head, StoreError> {
        append(self.connection, self.now, act, LIMITS)
    }

    /// Tells it of what passes, as far as there is room for it.
    ///
    /// # Errors
    /// As [`audit`](Self::audit).
    pub fn audit_passing(&mut self, passing: Passing, act: Act) -> Result<(), StoreError> {
        let room = passing.room();
        passing::append(self.connection, self.now, (passing, act), (room, LIMITS))
    }
}

impl Store {
    /// Tells the audit trail of what changes nothing else, such as a refusal.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn audit(&self, act: Act) -> Result<Head, StoreError> {
        self.change(move |it| it.audit(act)).await
    }

    /// Tells it of what passes, without waiting for it: from the writer's own thread, or where
    /// nobody may wait. Where the writer is so far behind that it takes no more, the log says that
    /// one is lost.
    pub fn audit_soon(&self, passing: Passing, act: Act) {
        let (answer, _) = oneshot::channel();
        let action = act.action.clone();
        let change = boxed_change(move |it| it.audit_passing(passing, act), |_| (), answer);
        if self.jobs.try_send(Job::Change(change)).is_err() {
            let what = "the store takes no more now: an entry of the audit trail is lost";
            tracing::warn!(action, "{what}");
        }
    }
}

impl Reading<'_> {
    /// The newest entry's place; [`Head::BEGIN`] where there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub fn audit_head(&self) -> Result<Head, StoreError> {
        self.place(HEAD)
    }

    /// Checks the whole trail, also against an entry that somebody wrote down before: some two
    /// seconds for a million entries.
    ///
    /// # Errors
    /// If the database fails. What it finds is no error.
    pub fn verify_audit(
        &self,
        witness: Option<Head>,
    ) -> Result<Result<Verified, Broken>, StoreError> {
        let mut verifier = Verifier::new(self.place(BEGIN)?, witness);
        let sql = "SELECT number, entry, link FROM audit ORDER BY number";
        let mut statement = self.connection.prepare_cached(sql).doing(READ)?;
        let mut rows = statement.query(()).doing(READ)?;
        while let Some(row) = rows.next().doing(READ)? {
            let number = row.get(0).doing(READ)?;
            let bytes = row
                .get_ref(1)
                .and_then(|it| Ok(it.as_blob()?))
                .doing(READ)?;
            let link = Link::from_bytes(row.get(2).doing(READ)?);
            if let Err(broken) = verifier.take(number, bytes, link) {
                return Ok(Err(broken));
            }
        }
        Ok(verifier.finish(self.audit_head()?))
    }

    fn place(&self, fact: &'static str) -> Result<Head, StoreError> {
        let place = self.fact(fact)?.map(Head::from_bytes);
        Ok(place.unwrap_or(Head::BEGIN))
    }
}

/// How long a trail may become.
#[derive(Debug, Clone, Copy)]
struct Limits {
    entries_max: u64,
    dropped: u32,
}

const LIMITS: Limits = Limits {
    entries_max: ENTRIES_MAX,
    dropped: DROPPED_AT_ONCE,
};

/// Notes in a database that is being put in another's place, by which backup.
///
/// # Errors
/// If the database fails.
pub(in crate::store) fn note(
    connection: &Connection,
    at: UnixMillis,
    act: Act,
) -> Result<Head, StoreError> {
    let limits = Limits {
        dropped: 0,
        ..LIMITS
    };
    append(connection, at, act, limits)
}

fn append(
    connection: &Connection,
    at: UnixMillis,
    act: Act,
    limits: Limits,
) -> Result<Head, StoreError> {
    let reading = Reading { connection };
    let epoch = reading.founding()?.map_or(0, |it| it.epoch);
    let entry = Entry { at, epoch, act };
    let bytes = entry.encode().map_err(|_| UNTOLD)?;
    let head = reading.audit_head()?.then(&bytes);
    let sql = "INSERT INTO audit (number, entry, link) VALUES (?1, ?2, ?3)";
    connection
        .prepare_cached(sql)
        .and_then(|mut it| it.execute(params![head.number, bytes, head.link.to_bytes()]))
        .doing(WRITE)?;
    facts::store(connection, HEAD, &head.to_bytes())?;
    for _ in 0..limits.dropped {
        if !drop_oldest(&reading, head, at, limits.entries_max)? {
            break;
        }
    }
    Ok(head)
}

/// Drops the oldest entry, if it need not be kept. The chain then begins behind it.
fn drop_oldest(
    reading: &Reading<'_>,
    head: Head,
    now: UnixMillis,
    entries_max: u64,
) -> Result<bool, StoreError> {
    let sql = "SELECT number, entry, link FROM audit ORDER BY number LIMIT 1";
    let connection = reading.connection;
    let (number, bytes, link): (u64, Vec<u8>, [u8; 32]) = connection
        .prepare_cached(sql)
        .and_then(|mut it| it.query_row((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))))
        .doing(READ)?;
    let is_surplus = head.number.saturating_sub(number) >= entries_max;
    // One that can't be read stays until there are too many, for whoever looks into it.
    let is_old = Entry::decode(&bytes).is_ok_and(|it| now.0.saturating_sub(it.at.0) > KEPT_MS);
    if number == head.number || !(is_surplus || is_old) {
        return Ok(false);
    }
    let link = Link::from_bytes(link);
    let begin = Head { number, link };
    facts::store(connection, BEGIN, &begin.to_bytes())?;
    let sql = "DELETE FROM audit WHERE number = ?1";
    let dropped = connection.prepare_cached(sql);
    dropped
        .and_then(|mut it| it.execute([number]))
        .doing(WRITE)?;
    Ok(true)
}

/// Texts are capped, so that none of them causes it.
const UNTOLD: StoreError = StoreError::Row {
    what: "entry of the audit trail",
};
