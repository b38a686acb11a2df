//! The replica's schema, as numbered migrations; the file says in `user_version` how many it had.

use std::path::Path;

use rusqlite::{Connection, params};
use shared::ids::{FederationId, FeedId};
use shared::link::inbox::Position;
use shared::wire::Digest;
use shared::wire::frame::Phase;

use super::{ReplicaError, file};
use crate::database::{damage, settle};

/// What each release added, in order. Never changed once released: append.
const MIGRATIONS: [&str; 6] = [
    "
    CREATE TABLE position (
        federation BLOB    NOT NULL CHECK (length(federation) = 16),
        feed       BLOB    NOT NULL CHECK (length(feed) = 16),
        seq        INTEGER NOT NULL CHECK (seq >= 0),
        live       INTEGER NOT NULL,       -- 0 in the middle of a snapshot
        generation INTEGER NOT NULL,
        digest     BLOB    NOT NULL CHECK (length(digest) = 16),
        complete   INTEGER NOT NULL        -- 1: all that the hub had is held
    ) STRICT;
    CREATE TABLE told (
        kind       INTEGER NOT NULL,
        id         BLOB    NOT NULL,
        generation INTEGER NOT NULL,
        value      BLOB    NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX told_key ON told (kind, id);
    CREATE TABLE unsaid (                  -- links that a snapshot did not name, as they were
        kind  INTEGER NOT NULL,
        id    BLOB    NOT NULL,
        value BLOB    NOT NULL,
        PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE applied (
        kind TEXT NOT NULL,
        id   BLOB NOT NULL CHECK (length(id) = 16),
        here TEXT NOT NULL,
        was  BLOB NOT NULL CHECK (length(was) = 56),
        PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE applied_link (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE put_back (
        id    TEXT PRIMARY KEY,
        at_ms INTEGER NOT NULL CHECK (at_ms >= 0)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE applied_password (
        user    BLOB    PRIMARY KEY CHECK (length(user) = 16),
        here    TEXT    NOT NULL,
        version INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE applied_limits (
        id      TEXT    PRIMARY KEY,       -- of the record
        here    TEXT    NOT NULL,          -- what the cloud calls the project
        version INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- 2: it is about to be made here, because the directory has it; 1: it was; 0: it was there, or
    -- nobody knows.
    ALTER TABLE applied_link ADD COLUMN made INTEGER NOT NULL DEFAULT 0;
",
    "
    -- What was set before is set once more.
    DROP TABLE applied_limits;
    CREATE TABLE applied_limits (
        id       TEXT    NOT NULL,         -- of the record
        here     TEXT    NOT NULL,         -- what the cloud calls the project
        resource TEXT    NOT NULL,
        version  INTEGER NOT NULL,
        PRIMARY KEY (id, resource)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE spent (                   -- of the last batch of each bound of the policy
        bound    TEXT    PRIMARY KEY,
        began_ms INTEGER NOT NULL CHECK (began_ms >= 0),
        given    INTEGER NOT NULL CHECK (given >= 0),
        links    INTEGER NOT NULL CHECK (links >= 0)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE unanswered_password (     -- sent, and perhaps on its way
        user BLOB PRIMARY KEY CHECK (length(user) = 16)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- The later, the higher; 0: before this was told.
    ALTER TABLE applied_link ADD COLUMN noted INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX applied_link_noted ON applied_link (noted);
",
];

/// What stays of the write-ahead log after a checkpoint, bytes: what the default checkpoint, every
/// 1,000 pages of 4 KiB, lets it grow to.
const WAL_BYTES_KEPT: i64 = 4 << 20;

/// Page cache, KiB: the agent of a large cloud has some 40 MiB for everything.
const CACHE_KIB: i64 = 2048;

/// Sets the connection up, checks the file and brings it to this release's schema.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), ReplicaError> {
    let failed = |source| file(path, source);
    settle(connection).map_err(failed)?;
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        let path = path.to_path_buf();
        return Err(ReplicaError::Newer { path, found, known });
    }
    let mut set_up = || {
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
        if let Some(found) = damage(connection)? {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(rusqlite::Error::SqliteFailure(code, Some(found)));
        }
        let found = usize::try_from(found).unwrap_or(0);
        for (place, migration) in MIGRATIONS.iter().enumerate().skip(found) {
            let step = connection.transaction()?;
            step.execute_batch(migration)?;
            step.pragma_update(None, "user_version", place as i64 + 1)?;
            step.commit()?;
        }
        Ok(())
    };
    set_up().map_err(failed)
}

/// Begins anew, for a federation of which nothing is known yet. What was spent of the region's own
/// bounds stays spent, whose directory it ever is.
pub(super) fn begin(connection: &Connection, federation: FederationId) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(
        "DELETE FROM position; DELETE FROM told; DELETE FROM unsaid; DELETE FROM applied;
         DELETE FROM applied_link; DELETE FROM applied_password; DELETE FROM put_back;
         DELETE FROM applied_limits; DELETE FROM unanswered_password;",
    )?;
    transaction.execute(
        "INSERT INTO position (federation, feed, seq, live, generation, digest, complete)
         VALUES (?1, zeroblob(16), 0, 0, 0, zeroblob(16), 0)",
        [federation.to_bytes()],
    )?;
    transaction.commit()
}

/// Where the feed is, the digest of what is held, and whether that is all.
pub(super) fn position(connection: &Connection) -> rusqlite::Result<(Position, Digest, bool)> {
    let sql = "SELECT feed, seq, live, generation, digest, complete FROM position";
    connection.query_row(sql, (), |row| {
        let seq: i64 = row.get(1)?;
        let is_live: bool = row.get(2)?;
        let position = Position {
            id: FeedId::from_bytes(row.get(0)?),
            seq: u64::try_from(seq).unwrap_or(0),
            phase: match is_live {
                true => Phase::Live,
                false => Phase::Snapshot,
            },
            generation: row.get(3)?,
        };
        Ok((position, Digest::from_bytes(row.get(4)?), row.get(5)?))
    })
}

/// Writes where the feed is.
pub(super) fn save_position(
    connection: &Connection,
    position: &Position,
    digest: Digest,
    complete: bool,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE position SET feed = ?1, seq = ?2, live = ?3, generation = ?4, digest = ?5,
                    complete = ?6",
        )?
        .execute(params![
            position.id.to_bytes(),
            i64::try_from(position.seq).unwrap_or(i64::MAX),
            position.phase == Phase::Live,
            position.generation,
            digest.to_bytes(),
            complete,
        ])
        .map(drop)
}
