//! Whether a file is a sound database of this federation's hub, and what it holds.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use shared::audit::{Act, By};
use shared::ids::FederationId;
use shared::model::UnixMillis;
use shared::runtime::errors::chain;

use super::super::Reading;
use super::super::audit;
use super::super::error::StoreError;
use super::super::facts::Restoration;
use super::super::schema;
use super::super::writer::fold;
use super::under_way::{self, UnderWay};

/// The newest moment that the hub noted, by its own clock: with any region that reports, seconds
/// before the copy was made.
const NEWEST: &str = "SELECT max(
    (SELECT coalesce(max(fresh_ms), 0) FROM feeds),
    (SELECT coalesce(max(max(joined_ms, seen_ms, coalesce(accepted_ms, 0),
        coalesce(removed_ms, 0))), 0) FROM regions),
    (SELECT coalesce(max(changed_ms), 0) FROM accounts),
    (SELECT coalesce(max(created_ms), 0) FROM tokens),
    (SELECT coalesce(max(created_ms), 0) FROM sessions))";

/// What a backup holds that was found sound.
#[derive(Debug)]
pub(super) struct Examined {
    /// The note of the restore that stands in it now.
    pub(super) restoration: Restoration,
    /// How many regions it has.
    pub(super) regions: u32,
    /// What was under way in it, and is no more.
    pub(super) under_way: UnderWay,
}

/// Who does what is done here, as the trail has it.
pub(super) fn by() -> By {
    By::new("idp-hub restore", "this machine")
}

/// Checks the copy, notes in it that it was restored, and ends in it what was under way; or says
/// why the hub can't go on with it.
pub(super) fn examine(
    path: &Path,
    from: &Path,
    federation: FederationId,
    now: UnixMillis,
) -> Result<Examined, String> {
    let mut connection = open(path).map_err(|error| said(&error))?;
    schema::settle(&connection).map_err(|error| said(&error))?;
    is_of_a_hub(&connection)?;
    let finding: String = one(&connection, "PRAGMA quick_check(1)")?;
    if finding != "ok" {
        return Err(format!("it is damaged ({finding}); name another backup"));
    }
    let reading = Reading {
        connection: &connection,
    };
    let founding = reading.founding().map_err(|error| told(&error))?;
    match founding.filter(|it| it.ready).map(|it| it.federation) {
        Some(found) if found == federation => {}
        Some(found) => {
            return Err(format!(
                "it is of federation {found}, and the keys here are of federation {federation}; \
                 name a backup of this hub, or restore the keys that belong to it first"
            ));
        }
        None => return Err("it is of a hub that was never founded".to_owned()),
    }
    let regions = one(
        &connection,
        "SELECT count(*) FROM regions WHERE standing <> 3",
    )?;
    let restoration = Restoration {
        at: now,
        taken: UnixMillis(one(&connection, NEWEST)?),
    };
    // Whoever signed out or got another password since then would be signed in again by a cookie
    // that is good for nothing any more.
    let forget = connection.execute("DELETE FROM sessions", ());
    forget.map_err(|error| said(&error))?;
    // Numbers go on from where they were then, and some were told with other contents since: who
    // follows begins anew.
    let renew = "UPDATE facts SET value = randomblob(16) WHERE name = 'directory_feed_id'";
    let renew = connection.execute(renew, ());
    renew.map_err(|error| said(&error))?;
    // A backup of an earlier release has no trail to be told yet.
    schema::migrate(&mut connection).map_err(|error| told(&error))?;
    // So nobody holds any of it.
    let unsaid = connection.execute("UPDATE region_organization SET held_seq = NULL", ());
    unsaid.map_err(|error| said(&error))?;
    let act = Act::new(by(), "restore");
    let act = act.on("backup", "", from.display().to_string());
    let act = act.changing("", format!("the hub as of {} ms", restoration.taken.0));
    restoration
        .note(&connection)
        .and_then(|()| audit::note(&connection, now, act))
        .map_err(|error| told(&error))?;
    let under_way = under_way::end(&connection, now).map_err(|error| told(&error))?;
    fold(&connection).map_err(|error| told(&error))?;
    Ok(Examined {
        restoration,
        regions,
        under_way,
    })
}

/// What was written must be in the file, and not beside it, as it is moved.
pub(super) fn fold_in(connection: &Connection) -> rusqlite::Result<()> {
    let is_busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))?;
    match is_busy {
        true => Err(rusqlite::Error::InvalidQuery),
        false => Ok(()),
    }
}

/// Opens the copy. A link in its place, or on the way to it, is not followed: it would be the
/// service's, and this is run by root.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    Connection::open_with_flags(path, flags)
}

fn is_of_a_hub(connection: &Connection) -> Result<(), String> {
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'
                  AND name IN ('facts', 'regions', 'tokens', 'feeds', 'accounts')";
    let tables: u32 = one(connection, tables)?;
    let found: u32 = one(connection, "PRAGMA user_version")?;
    let known = schema::known();
    if tables < 5 || found == 0 {
        return Err("it is no hub's database; name a copy that `idp-hub backup` made".to_owned());
    }
    if found > known {
        return Err(format!(
            "it has schema {found}, and this release knows up to {known}; upgrade idp-hub first"
        ));
    }
    Ok(())
}

fn one<T: rusqlite::types::FromSql>(connection: &Connection, sql: &str) -> Result<T, String> {
    let answer = connection.query_row(sql, (), |row| row.get(0));
    answer.map_err(|error| said(&error))
}

fn said(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            "it is no database; name a copy that `idp-hub backup` made".to_owned()
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            format!("it is damaged ({error}); name another backup")
        }
        _ => format!("it can't be checked: {error}"),
    }
}

fn told(error: &StoreError) -> String {
    format!("it can't be checked: {}", chain(error))
}
