//! The database's file and its numbered migrations.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};

use super::error::{Doing, StoreError};

/// One entry a schema, each applied once and never changed. The number is SQLite's `user_version`.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/v1.sql"),
    include_str!("schema/v2.sql"),
    include_str!("schema/v3.sql"),
    include_str!("schema/v4.sql"),
    include_str!("schema/v5.sql"),
    include_str!("schema/v6.sql"),
    include_str!("schema/v7.sql"),
    include_str!("schema/v8.sql"),
    include_str!("schema/v9.sql"),
    include_str!("schema/v10.sql"),
    include_str!("schema/v11.sql"),
    include_str!("schema/v12.sql"),
    include_str!("schema/v13.sql"),
    include_str!("schema/v14.sql"),
    include_str!("schema/v15.sql"),
];

/// Pages held in memory, KiB: the inner pages of the key index of some ten million records.
const CACHE_KIB: i32 = 64 << 10;

/// The log is folded into the database after so many pages of 4 KiB, 32 MiB: large enough that
/// under load a page is folded once for many commits.
const WAL_PAGES: u32 = 8192;

/// A log that grew for a while, as during a backup, is cut to this again: twice what is usual.
const WAL_BYTES_KEPT: u32 = 2 * WAL_PAGES * 4096;

/// Opens the database, durable from here on.
///
/// `synchronous=FULL` syncs the log at each commit; NORMAL was seen to lose acknowledged rows on a
/// power cut.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let failed = |source: rusqlite::Error| {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                let finding = source.to_string();
                StoreError::Damaged { path, finding }
            }
            _ => StoreError::Open { path, source },
        }
    };
    let connection = Connection::open(path).map_err(failed)?;
    settle(&connection).map_err(failed)?;
    let set = |name, value: &dyn rusqlite::ToSql| connection.pragma_update(None, name, value);
    set("journal_mode", &"WAL").map_err(failed)?;
    set("synchronous", &"FULL").map_err(failed)?;
    set("foreign_keys", &"ON").map_err(failed)?;
    set("cache_size", &-CACHE_KIB).map_err(failed)?;
    set("wal_autocheckpoint", &WAL_PAGES).map_err(failed)?;
    set("journal_size_limit", &WAL_BYTES_KEPT).map_err(failed)?;
    set("temp_store", &"MEMORY").map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    let finding: String = connection
        .query_row("PRAGMA quick_check(1)", (), |row| row.get(0))
        .map_err(failed)?;
    match finding.as_str() {
        "ok" => Ok(connection),
        _ => Err(StoreError::Damaged {
            path: path.to_owned(),
            finding,
        }),
    }
}

/// What holds for every connection, whether it writes or only reads.
pub(super) fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    // Otherwise a statement is compiled anew for each value that is bound to its LIMIT.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(drop)
}

/// The newest schema that is known here.
pub(super) const fn known() -> u32 {
    MIGRATIONS.len() as u32
}

/// Brings the database to the newest schema, each step in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found: u32 = connection
        .query_row("PRAGMA user_version", (), |row| row.get(0))
        .doing("read the schema's number")?;
    let known = known();
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let to = step as u32 + 1;
        let failed = |source| StoreError::Migrate { to, source };
        let transaction = connection.transaction().map_err(failed)?;
        transaction.execute_batch(sql).map_err(failed)?;
        transaction
            .pragma_update(None, "user_version", to)
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_compiled_once_whatever_is_bound_to_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = open(&directory.path().join("hub.db")).unwrap();
        migrate(&mut connection).unwrap();
        let mut statement = connection
            .prepare("SELECT no FROM regions WHERE no > ?1 ORDER BY no LIMIT ?2")
            .unwrap();
        for no in 1..10 {
            statement.exists((no, 100 + no)).unwrap();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
