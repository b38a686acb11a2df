//! Regions and passwords that were gone by the database until now, and that a backup has.

use rusqlite::params;
use shared::ids::ObjectId;
use shared::model::UnixMillis;

use super::earlier::{Beside, ENDED, PASSWORD, REGION};
use crate::store::directory::forget_passwords;
use crate::store::error::{Doing, StoreError};

/// The regions that the new database has, and that were removed in the old one, or before an
/// earlier restore.
pub(super) fn revived(beside: &Beside) -> rusqlite::Result<Vec<String>> {
    if !beside.has_old {
        return Ok(Vec::new());
    }
    let sql = "SELECT id FROM old.regions AS was WHERE standing = 3 AND NOT EXISTS
                   (SELECT 1 FROM main.regions AS it WHERE it.id = was.id AND it.standing = 3)";
    beside.note_found(REGION, sql, ())?;
    let sql = "SELECT name FROM main.regions AS it JOIN gone ON gone.what = ?1 AND gone.id = it.id
               WHERE standing <> 3 ORDER BY name";
    let mut statement = beside.connection.prepare(sql)?;
    let names = statement.query_map([REGION], |row| row.get(0));
    names?.collect()
}

/// Forgets in the new database the passwords of users who had a newer one in the old one, or were
/// deleted there: an older password must not open the hub again, nor be told to a region whose
/// agent lost its replica, or that makes the user anew. Returns how many; `None` where there is
/// nothing to compare with.
///
/// The regions' clouds have the newest still: who came with a region signs in with that, and its
/// cloud says that it is his. The others, and whoever may more than came with it, get another one.
pub(super) fn forget(beside: &Beside, now: UnixMillis) -> Result<Option<u64>, StoreError> {
    if !beside.has_old {
        return Ok(None);
    }
    let doing = "forget older passwords";
    let older = passwords(beside).doing(doing)?;
    // First: what is forgotten without a note would be good again by the next restore.
    beside.note_passwords().doing(doing)?;
    beside.note_ended().doing(doing)?;
    forget_passwords(&beside.connection, &older, now).map(Some)
}

fn passwords(beside: &Beside) -> rusqlite::Result<Vec<ObjectId>> {
    // What ended is kept by its record's id, which ends with the user's.
    let sql = "SELECT had.user FROM main.passwords AS had WHERE
                   EXISTS (SELECT 1 FROM old.passwords AS it
                           WHERE it.user = had.user AND it.version > had.version)
                   OR EXISTS (SELECT 1 FROM gone AS it WHERE it.what = ?1
                              AND it.id = had.user AND it.version > had.version)
                   OR had.user IN (SELECT substr(id, -16) FROM old.ended)
                   OR had.user IN (SELECT id FROM gone WHERE what = ?2)";
    let mut statement = beside.connection.prepare(sql)?;
    let users = statement.query_map(params![PASSWORD, ENDED], |row| {
        row.get(0).map(ObjectId::from_bytes)
    });
    users?.collect()
}
