//! The schema, as numbered migrations. The file says in `user_version` how many it has had.

use rusqlite::{Connection, TransactionBehavior};

/// What each release added, in order. Never changed once released: append.
///
/// `feed` and `kind` are the wire's numbers, `part` is [`part_code`](super::put::part_code). A
/// `record` without a value is a tombstone. Reading goes by `record_place`, putting by
/// `record_key`; `tombstone` finds the oldest ones.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE feed (
        feed       INTEGER PRIMARY KEY,
        id         BLOB    NOT NULL CHECK (length(id) = 16),
        head       INTEGER NOT NULL CHECK (head >= 0),
        horizon    INTEGER NOT NULL CHECK (horizon BETWEEN 0 AND head),
        digest     BLOB    NOT NULL CHECK (length(digest) = 16),
        live       INTEGER NOT NULL CHECK (live >= 0),
        tombstones INTEGER NOT NULL CHECK (tombstones >= 0)
    ) STRICT;
    CREATE TABLE record (
        place INTEGER PRIMARY KEY,
        feed  INTEGER NOT NULL,
        seq   INTEGER NOT NULL CHECK (seq > 0),
        part  INTEGER NOT NULL,
        kind  INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 65535),
        id    BLOB    NOT NULL,
        value BLOB
    ) STRICT;
    CREATE UNIQUE INDEX record_key ON record (kind, id);
    CREATE UNIQUE INDEX record_place ON record (feed, seq);
    CREATE INDEX tombstone ON record (feed, seq) WHERE value IS NULL;
    CREATE TABLE meta (
        key   TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT;
"];

/// The schema of this release.
pub(super) const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// The schema of the file; 0 is a new one.
pub(super) fn schema_of(store: &Connection) -> rusqlite::Result<i64> {
    store.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings the file to this release's schema, each step in a transaction of its own.
pub(super) fn migrate(store: &mut Connection) -> rusqlite::Result<()> {
    let found = usize::try_from(schema_of(store)?).unwrap_or(0);
    for (place, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let step = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(migration)?;
        step.pragma_update(None, "user_version", place as i64 + 1)?;
        step.commit()?;
    }
    Ok(())
}
