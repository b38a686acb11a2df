//! Regions and passwords that were gone by the database until now, and that a backup has.

use rusqlite::{Connection, params};
use shared::audit::Act;
use shared::ids::ObjectId;
use shared::model::UnixMillis;

use super::earlier::{Beside, ENDED, PASSWORD, REGION};
use super::examine::by;
use super::withdrawn::Named;
use crate::store::audit;
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

/// Whose passwords the new database does not know any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Users who were given another one since, as department and name.
    pub changed: Named,
    /// Users who were deleted since: whoever they were, they stay so.
    pub deleted: u64,
}

/// Forgets in the new database the passwords of users who had a newer one in the old one, or were
/// deleted there: an older password must not open the hub again, nor be told to a region whose
/// agent lost its replica, or that makes the user anew. Returns whose; `None` where there is
/// nothing to compare with. Those who had none yet are among them, as theirs is not known either.
///
/// The regions' clouds have the newest still: who came with a region signs in with that, and its
/// cloud says that it is his. The others, and whoever may more than came with it, get another one.
/// The audit trail has each of them.
pub(super) fn forget(beside: &Beside, now: UnixMillis) -> Result<Option<Forgotten>, StoreError> {
    if !beside.has_old {
        return Ok(None);
    }
    let doing = "forget older passwords";
    let connection = &beside.connection;
    let older = passwords(connection).doing(doing)?;
    let (changed, deleted) = (changed(connection), deleted(connection));
    let (changed, deleted) = (changed.doing(doing)?, deleted.doing(doing)?);
    // First: what is forgotten without a note would be good again by the next restore.
    beside.note_passwords().doing(doing)?;
    beside.note_ended().doing(doing)?;
    forget_passwords(connection, &older, now)?;
    let mut forgotten = Forgotten {
        changed: Named::default(),
        deleted,
    };
    let transaction = connection.unchecked_transaction().doing(doing)?;
    for (user, name) in changed {
        let act = Act::new(by(), "forget-password").on("user", user, name.as_str());
        audit::note(connection, now, act)?;
        forgotten.changed.add(|| Ok(name))?;
    }
    transaction.commit().doing(doing)?;
    Ok(Some(forgotten))
}

fn passwords(connection: &Connection) -> rusqlite::Result<Vec<ObjectId>> {
    // What ended is kept by its record's id, which ends with the user's.
    let sql = "SELECT had.user FROM main.passwords AS had WHERE
                   EXISTS (SELECT 1 FROM old.passwords AS it
                           WHERE it.user = had.user AND it.version > had.version)
                   OR EXISTS (SELECT 1 FROM gone AS it WHERE it.what = ?1
                              AND it.id = had.user AND it.version > had.version)
                   OR had.user IN (SELECT substr(id, -16) FROM old.ended)
                   OR had.user IN (SELECT id FROM gone WHERE what = ?2)";
    let mut statement = connection.prepare(sql)?;
    let users = statement.query_map(params![PASSWORD, ENDED], |row| {
        row.get(0).map(ObjectId::from_bytes)
    });
    users?.collect()
}

/// Users of the new database who had a newer password in the old one, or before an earlier restore,
/// as department and name.
fn changed(connection: &Connection) -> rusqlite::Result<Vec<(ObjectId, String)>> {
    let sql = "SELECT his.id, coalesce(home.name || '/' || his.name, his.name)
               FROM main.names AS his
               LEFT JOIN main.names AS home ON home.id = his.department
               LEFT JOIN main.passwords AS had ON had.user = his.id
               WHERE (EXISTS (SELECT 1 FROM old.passwords AS it WHERE it.user = his.id
                          AND it.version > coalesce(had.version, 0))
                      OR EXISTS (SELECT 1 FROM gone AS it WHERE it.what = ?1 AND it.id = his.id
                          AND it.version > coalesce(had.version, 0)))
                   AND his.id NOT IN (SELECT substr(id, -16) FROM old.ended)
                   AND his.id NOT IN (SELECT id FROM gone WHERE what = ?2)
               ORDER BY 2";
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map(params![PASSWORD, ENDED], |row| {
        Ok((ObjectId::from_bytes(row.get(0)?), row.get(1)?))
    });
    found?.collect()
}

/// How many users have a password in the new database, and were deleted by the old one, or before
/// an earlier restore.
fn deleted(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM main.passwords
               WHERE user IN (SELECT substr(id, -16) FROM old.ended)
                   OR user IN (SELECT id FROM gone WHERE what = ?1)";
    connection.query_row(sql, [ENDED], |row| row.get(0))
}
