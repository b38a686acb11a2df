//! The trail's rows.

use rusqlite::{Connection, TransactionBehavior, params};
use shared::audit::{Broken, Entry, Head, Link, Verified, Verifier, Wanted};
use shared::model::UnixMillis;

/// Entries are kept so long: as at the hub.
pub(super) const KEPT_MS: u64 = 400 * 24 * 3600 * 1000;

/// The most entries: as many as the first merge of a large organization gives, twice; some 100 MB,
/// and 1 GiB were each as long as one may be.
pub(super) const ENTRIES_MAX: u64 = 250_000;

/// Entries that are dropped with each that is written: see the hub's.
const DROPPED_AT_ONCE: usize = 2;

const SCHEMA: &str = "
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY,          -- from 1, without gaps
        entry  BLOB NOT NULL,
        link   BLOB NOT NULL CHECK (length(link) = 32)
    ) STRICT;
    CREATE TABLE place (                     -- one row; each a number and a link
        only  INTEGER PRIMARY KEY CHECK (only = 1),
        begin BLOB NOT NULL CHECK (length(begin) = 40),
        head  BLOB NOT NULL CHECK (length(head) = 40)
    ) STRICT;
    PRAGMA user_version = 1;
";

/// Where the trail begins, and its newest entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) begin: Head,
    pub(super) head: Head,
}

/// Makes the tables of a new file. False where a newer release has made others.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<bool> {
    let behavior = TransactionBehavior::Immediate;
    let version =
        |it: &Connection| it.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    if version(connection)? == 0 {
        let transaction = connection.transaction_with_behavior(behavior)?;
        // Somebody else may have made them meanwhile.
        if version(&transaction)? == 0 {
            transaction.execute_batch(SCHEMA)?;
            let begin = Head::BEGIN.to_bytes();
            let sql = "INSERT INTO place (only, begin, head) VALUES (1, ?1, ?1)";
            transaction.execute(sql, [begin])?;
        }
        transaction.commit()?;
    }
    Ok(version(connection)? == 1)
}

/// A row that is not there was taken away: nothing before is known then, and a check will say so.
pub(super) fn place(connection: &Connection) -> rusqlite::Result<Place> {
    let mut statement = connection.prepare_cached("SELECT begin, head FROM place")?;
    let mut rows = statement.query(())?;
    let (mut begin, mut head) = (Head::BEGIN, Head::BEGIN);
    if let Some(row) = rows.next()? {
        begin = Head::from_bytes(row.get(0)?);
        head = Head::from_bytes(row.get(1)?);
    }
    Ok(Place { begin, head })
}

/// Adds entries, all or none, and drops some that need not be kept.
pub(super) fn append(
    connection: &mut Connection,
    entries: &[Entry],
    entries_max: u64,
) -> rusqlite::Result<Head> {
    let behavior = TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior)?;
    let mut place = place(&transaction)?;
    for entry in entries {
        let encoded = entry.encode();
        let bytes = encoded.map_err(|it| rusqlite::Error::ToSqlConversionFailure(it.into()))?;
        place.head = place.head.then(&bytes);
        let Head { number, link } = place.head;
        transaction
            .prepare_cached("INSERT INTO audit (number, entry, link) VALUES (?1, ?2, ?3)")?
            .execute(params![number, bytes, link.to_bytes()])?;
    }
    if let Some(newest) = entries.last() {
        let (now, most) = (newest.at, entries.len() * DROPPED_AT_ONCE);
        place.begin = drop_oldest(&transaction, place, (now, most), entries_max)?;
    }
    let sql = "INSERT OR REPLACE INTO place (only, begin, head) VALUES (1, ?1, ?2)";
    let row = params![place.begin.to_bytes(), place.head.to_bytes()];
    transaction.prepare_cached(sql)?.execute(row)?;
    transaction.commit()?;
    Ok(place.head)
}

/// Drops at most so many of the oldest. Returns behind which entry the trail begins.
fn drop_oldest(
    connection: &Connection,
    place: Place,
    (now, most): (UnixMillis, usize),
    entries_max: u64,
) -> rusqlite::Result<Head> {
    let mut begin = place.begin;
    let mut oldest = connection
        .prepare_cached("SELECT number, entry, link FROM audit ORDER BY number LIMIT ?1")?;
    let mut rows = oldest.query([most])?;
    while let Some(row) = rows.next()? {
        let number: u64 = row.get(0)?;
        let is_surplus = place.head.number.saturating_sub(number) >= entries_max;
        let entry = Entry::decode(row.get_ref(1)?.as_blob()?);
        let is_old = entry.is_ok_and(|it| now.0.saturating_sub(it.at.0) > KEPT_MS);
        if number >= place.head.number || !(is_surplus || is_old) {
            break;
        }
        let link = Link::from_bytes(row.get(2)?);
        begin = Head { number, link };
    }
    drop(rows);
    connection
        .prepare_cached("DELETE FROM audit WHERE number <= ?1 AND ?1 > ?2")?
        .execute([begin.number, place.begin.number])?;
    Ok(begin)
}

/// The newest first.
pub(super) fn list(
    connection: &Connection,
    limit: usize,
    wanted: &Wanted,
) -> rusqlite::Result<Vec<(u64, Option<Entry>)>> {
    let sql = "SELECT number, entry FROM audit ORDER BY number DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let (mut rows, mut found) = (statement.query(())?, Vec::new());
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let entry = Entry::decode(row.get_ref(1)?.as_blob()?).ok();
        if entry.as_ref().is_some_and(|it| wanted.ends_at(it)) {
            break;
        }
        if entry.as_ref().is_none_or(|it| wanted.has(it)) {
            found.push((row.get(0)?, entry));
        }
    }
    Ok(found)
}

/// Checks every entry, as of one moment.
pub(super) fn verify(
    connection: &mut Connection,
    witness: Option<Head>,
) -> rusqlite::Result<Result<Verified, Broken>> {
    let moment = connection.transaction()?;
    let place = place(&moment)?;
    let mut verifier = Verifier::new(place.begin, witness);
    let sql = "SELECT number, entry, link FROM audit ORDER BY number";
    let mut statement = moment.prepare_cached(sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (number, link) = (row.get(0)?, Link::from_bytes(row.get(2)?));
        if let Err(broken) = verifier.take(number, row.get_ref(1)?.as_blob()?, link) {
            return Ok(Err(broken));
        }
    }
    Ok(verifier.finish(place.head))
}
