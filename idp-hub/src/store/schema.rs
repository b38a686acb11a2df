//! The database's file and its numbered migrations.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};
use shared::model::Folded;

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
    include_str!("schema/v16.sql"),
    include_str!("schema/v17.sql"),
    include_str!("schema/v18.sql"),
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
    fold_names(connection)
}

/// Writes names as they are compared, where a release that did not know of it left them.
fn fold_names(connection: &mut Connection) -> Result<(), StoreError> {
    let doing = "fold names";
    let sql = "SELECT id, name FROM names WHERE folded IS NULL";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let names = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)));
    let names: Vec<([u8; 16], String)> = names.and_then(Iterator::collect).doing(doing)?;
    drop(statement);
    if names.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = transaction.doing(doing)?;
    for (id, name) in names {
        let folded = Folded::new(&name);
        let sql = "UPDATE names SET folded = ?2 WHERE id = ?1";
        let done = transaction.prepare_cached(sql);
        let done = done.and_then(|mut it| it.execute(params![id, folded.as_str()]));
        done.doing(doing)?;
    }
    transaction.commit().doing(doing)
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
