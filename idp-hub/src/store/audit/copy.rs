//! Checks the trail of a copy.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use shared::audit::{Broken, Head, Verified};

use super::READ;
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};

/// The first schema that has a trail.
const SCHEMA: u32 = 9;

/// Checks the trail of a database that no hub serves from, such as a backup, also against an entry
/// that somebody wrote down. It is only read.
///
/// # Errors
/// If it can't be read, or is no hub's database. What it finds is no error.
pub fn verify_audit(
    path: &Path,
    witness: Option<Head>,
) -> Result<Result<Verified, Broken>, StoreError> {
    let failed = |source| StoreError::Open {
        path: path.to_owned(),
        source,
    };
    let connection = open(path).map_err(failed)?;
    let found: u32 = connection
        .query_row("PRAGMA user_version", (), |row| row.get(0))
        .map_err(failed)?;
    if found < SCHEMA {
        let path = path.display();
        return Err(StoreError::Refused(format!(
            "{path} has no audit trail: it is of an earlier release, or no hub's database"
        )));
    }
    let moment = connection.unchecked_transaction().doing(READ)?;
    let connection = &moment;
    Reading { connection }.verify_audit(witness)
}

/// Opens it so that nothing is made beside it, which a hub could not write later: but where its log
/// is there, without which it is not whole.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if Path::new(&log).exists() {
        return Connection::open_with_flags(path, flags);
    }
    let mut uri = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02x}").into_bytes()),
            byte => uri.push(*byte),
        }
    }
    uri.extend(b"?immutable=1");
    let uri = OsString::from_vec(uri);
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
}
