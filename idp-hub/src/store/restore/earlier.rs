//! The new database beside the old one, and what restores before this one brought back.
//!
//! Whoever restores twice compares with a database that was restored itself: nothing of what was
//! gone before that is gone by it. So each restore notes in the new database what it brought back,
//! and takes over what the old one has noted. A backup that has a note itself was made after that
//! restore: it has what was done about it.

use std::path::Path;

use rusqlite::{Connection, params};
use shared::model::{RecordKind, UnixMillis};
use shared::wire::record::kind_code;

use super::examine::{fold_in, open};
use crate::store::error::{Doing, StoreError};

/// A password older than one that a user had; with its version.
pub(super) const PASSWORD: u16 = 1;
/// A user who was deleted.
pub(super) const USER: u16 = 2;
/// Who was dismissed as a cloud administrator.
pub(super) const ADMINISTRATOR: u16 = 3;
/// A region that was removed. What was switched off, or taken away, is kept by its record's kind.
pub(super) const REGION: u16 = 4;

/// What the old one has noted and the new one has not, as the table `earlier`; nothing where the
/// old one is of a release that noted nothing.
const EARLIER: &str = "CREATE TEMP TABLE earlier (
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

    /// Notes what was brought back.
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
        }
        transaction.commit()
    }

    /// Notes whose passwords, and who, the old database knows to be gone. Not of the new one's
    /// users alone: the next may be a backup that has more of them.
    pub(super) fn note_passwords(&self) -> rusqlite::Result<()> {
        let sql = "INSERT INTO main.brought_back (what, id, at, version)
                   SELECT ?1, was.user, ?2, was.version FROM old.passwords AS was
                   WHERE NOT EXISTS (SELECT 1 FROM main.passwords AS it
                       WHERE it.user = was.user AND it.version >= was.version)
                   ON CONFLICT (what, id)
                   DO UPDATE SET at = excluded.at, version = max(version, excluded.version)";
        self.connection.execute(sql, params![PASSWORD, self.at])?;
        // What ended is kept by its record's id, which ends with its own.
        let sql = "INSERT OR REPLACE INTO main.brought_back (what, id, at)
                   SELECT ?1, substr(id, -16), ?2 FROM old.ended
                   WHERE kind = ?3 AND id NOT IN (SELECT id FROM main.ended)";
        let row = params![USER, self.at, kind_code(RecordKind::User)];
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
    connection.execute(EARLIER, ())?;
    let mut before = newest("main")?;
    if let Some(old) = old {
        connection.execute("ATTACH ?1 AS old", [old.to_string_lossy()])?;
        if has_table(connection, "brought_back")? {
            before = before.max(newest("old")?);
            let sql = "INSERT INTO earlier (what, id, version)
                       SELECT what, id, version FROM old.brought_back AS was
                       WHERE NOT EXISTS (SELECT 1 FROM main.brought_back AS it
                           WHERE it.what = was.what AND it.id = was.id AND it.at >= was.at)";
            connection.execute(sql, ())?;
        }
    }
    let now = i64::try_from(now.0).unwrap_or(i64::MAX);
    Ok(now.max(before.saturating_add(1)))
}
