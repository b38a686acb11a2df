//! The new database beside the old one, and what was gone before the restores before this one.
//!
//! Whoever restores twice compares with a database that was restored itself: nothing of what was
//! gone before that is gone by it. So each restore notes in the new database what is gone by the
//! old one and not by the new one, also what the new one never had, as the next may be a backup
//! that has it; and takes over what the old one has noted. A backup that has a note itself was made
//! after that restore: it has what was done about it. So a note is of the last restore over a
//! database by which the thing itself is gone, and not of those after it.

use std::path::Path;

use rusqlite::{Connection, Params, params};
use shared::model::UnixMillis;

use super::examine::{fold_in, open};
use crate::store::error::{Doing, StoreError};

/// A password older than one that a user had; with its version.
pub(super) const PASSWORD: u16 = 1;
/// What ended: who was deleted, and what was retired.
pub(super) const ENDED: u16 = 2;
/// Who was dismissed as a cloud administrator.
pub(super) const ADMINISTRATOR: u16 = 3;
/// A region that was removed. What was switched off, or taken away, is kept by its record's kind.
pub(super) const REGION: u16 = 4;

/// What is gone, and in the new one may be given: what the old one has noted and the new one has
/// not, nothing where the old one is of a release that noted nothing; and what was noted now.
const GONE: &str = "CREATE TEMP TABLE gone (
    what INTEGER NOT NULL, id BLOB NOT NULL, version INTEGER, PRIMARY KEY (what, id)
) WITHOUT ROWID";

/// The database that is put into place, with the one until now, attached as `old`, where that can
/// be read.
pub(super) struct Beside {
    /// To the new one.
    pub(super) connection: Connection,
    /// Whether there is an old one.
    pub(super) has_old: bool,
    /// What is noted is of this restore.
    at: i64,
}

impl Beside {
    /// Opens both; the new one alone is written to.
    pub(super) fn open(
        new: &Path,
        old: Option<&Path>,
        now: UnixMillis,
    ) -> Result<Self, StoreError> {
        let doing = "compare with the database until now";
        let connection = open(new).doing(doing)?;
        let has_old = old.is_some();
        let at = attach(&connection, old, now).doing(doing)?;
        Ok(Self {
            connection,
            has_old,
            at,
        })
    }

    /// Notes what is gone by the old database itself.
    pub(super) fn note(
        &self,
        what: u16,
        ids: impl IntoIterator<Item = Vec<u8>>,
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.unchecked_transaction()?;
        for id in ids {
            let sql = "INSERT OR REPLACE INTO main.brought_back (what, id, at) VALUES (?1, ?2, ?3)";
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.execute(params![what, id, self.at])?;
            let sql = "INSERT OR IGNORE INTO gone (what, id) VALUES (?1, ?2)";
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.execute(params![what, id])?;
        }
        transaction.commit()
    }

    /// The same of what a statement finds, by its first column.
    pub(super) fn note_found(&self, what: u16, sql: &str, by: impl Params) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(sql)?;
        let ids = statement.query_map(by, |row| row.get(0))?;
        self.note(what, ids.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// Notes what ended by the old database.
    pub(super) fn note_ended(&self) -> rusqlite::Result<()> {
        // It is kept by its record's id, which ends with its own.
        let sql = "SELECT substr(id, -16) FROM old.ended
                   WHERE id NOT IN (SELECT id FROM main.ended)";
        self.note_found(ENDED, sql, ())
    }

    /// Notes whose passwords the old database knows to be over.
    pub(super) fn note_passwords(&self) -> rusqlite::Result<()> {
        let sql = "INSERT INTO main.brought_back (what, id, at, version)
                   SELECT ?1, was.user, ?2, was.version FROM old.passwords AS was
                   WHERE NOT EXISTS (SELECT 1 FROM main.passwords AS it
                       WHERE it.user = was.user AND it.version >= was.version)
                   ON CONFLICT (what, id)
                   DO UPDATE SET at = excluded.at, version = max(version, excluded.version)";
        let row = params![PASSWORD, self.at];
        self.connection.execute(sql, row).map(drop)
    }

    /// Takes over what the old one has noted.
    pub(super) fn take_over(&self) -> Result<(), StoreError> {
        let doing = "take over what was brought back before";
        if !self.has_old || !has_table(&self.connection, "brought_back").doing(doing)? {
            return Ok(());
        }
        let sql = "INSERT INTO main.brought_back (what, id, at, version)
                   SELECT what, id, at, version FROM old.brought_back WHERE true
                   ON CONFLICT (what, id) DO UPDATE SET at = max(at, excluded.at),
                       version = max(coalesce(version, excluded.version),
                                     coalesce(excluded.version, version))";
        self.connection.execute(sql, ()).doing(doing).map(drop)
    }

    /// What was written is in the file, and not beside it, as it is moved.
    pub(super) fn close(self) -> Result<(), StoreError> {
        let doing = "end the comparison with the database until now";
        if self.has_old {
            self.connection.flush_prepared_statement_cache();
            self.connection.execute("DETACH old", ()).doing(doing)?;
        }
        fold_in(&self.connection).doing(doing)
    }
}

/// Whether the old database has it, which may be of a release that had none yet.
pub(super) fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM old.sqlite_schema WHERE type = 'table' AND name = ?1";
    connection.prepare(sql)?.exists([name])
}

/// Returns by what number this restore is known.
fn attach(connection: &Connection, old: Option<&Path>, now: UnixMillis) -> rusqlite::Result<i64> {
    let newest = |of| {
        let sql = format!("SELECT coalesce(max(at), 0) FROM {of}.brought_back");
        connection.query_row(&sql, (), |row| row.get::<_, i64>(0))
    };
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.execute(GONE, ())?;
    let mut before = newest("main")?;
    if let Some(old) = old {
        connection.execute("ATTACH ?1 AS old", [old.to_string_lossy()])?;
        if has_table(connection, "brought_back")? {
            before = before.max(newest("old")?);
            let sql = "INSERT INTO gone (what, id, version)
                       SELECT what, id, version FROM old.brought_back AS was
                       WHERE NOT EXISTS (SELECT 1 FROM main.brought_back AS it
                           WHERE it.what = was.what AND it.id = was.id AND it.at >= was.at)";
            connection.execute(sql, ())?;
        }
    }
    let now = i64::try_from(now.0).unwrap_or(i64::MAX);
    Ok(now.max(before.saturating_add(1)))
}
