//! What every SQLite file of the agent needs: how a connection is set up, and where a damaged file
//! goes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use shared::model::UnixMillis;

/// Longer than any checkpoint holds another connection up.
const BUSY: Duration = Duration::from_secs(5);

/// `SQLite`'s files of one database. It goes first when they are moved: a log alone is dropped at
/// the next opening, while a database without its log would pass for an older state.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// Damaged files of one name that are kept for looking into. A disk that damages one after the
/// other must not fill up with them.
const ASIDE_MAX: usize = 3;

/// What holds for every connection, whether it writes or only reads.
pub(crate) fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // Otherwise a statement is compiled anew for each value that is bound to its LIMIT.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(drop)
}

/// `SQLite`'s own check of the structure, without that of each index against its table. What it
/// found, if the file is damaged.
pub(crate) fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

/// Moves a database out of the way, under a name that says when. No connection may be open.
pub(crate) fn move_aside(path: &Path, now: UnixMillis) -> io::Result<PathBuf> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let prefix = format!("{}.damaged-", name_of(path));
    forget_oldest_aside(directory, &prefix)?;
    let aside = free_name(directory, &prefix, now)?;
    for suffix in SUFFIXES {
        missing_is_fine(fs::rename(with(path, suffix), with(&aside, suffix)))?;
    }
    File::open(directory)?.sync_all()?;
    Ok(aside)
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Two may be damaged in the same millisecond.
fn free_name(directory: &Path, prefix: &str, now: UnixMillis) -> io::Result<PathBuf> {
    let now = now.0;
    for place in 0..=ASIDE_MAX {
        // Thirteen digits last until 2286: until then names sort by time.
        let name = directory.join(format!("{prefix}{now:013}-{place}"));
        if !name.try_exists()? {
            return Ok(name);
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

fn forget_oldest_aside(directory: &Path, prefix: &str) -> io::Result<()> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(prefix) && !SUFFIXES.iter().any(|s| !s.is_empty() && name.ends_with(s))
        {
            kept.push(name);
        }
    }
    kept.sort_unstable();
    let surplus = (kept.len() + 1).saturating_sub(ASIDE_MAX);
    for name in kept.iter().take(surplus) {
        for suffix in SUFFIXES.iter().rev() {
            missing_is_fine(fs::remove_file(with(&directory.join(name), suffix)))?;
        }
    }
    Ok(())
}

fn missing_is_fine(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
