//! A backup in the database's place, while no hub serves from it.
//!
//! ```text
//! copy, check and note in a directory of its own ─▶ fold the old log ─▶ put into place
//! ```
//!
//! Whoever kills it finds the old database or the new one, whole. See [`place`] for the order, and
//! [`work`] for what a service that was broken into may have put in the way.

mod administrators;
mod earlier;
mod examine;
mod older;
mod place;
mod under_way;
mod withdrawn;
mod work;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use shared::ids::FederationId;
use shared::model::UnixMillis;

use self::earlier::Beside;
use self::examine::Examined;
use self::work::Work;
use super::error::StoreError;
use super::facts::Restoration;
use super::schema::settle;
use super::writer::fold;
pub use older::Forgotten;
pub use under_way::{DroppedLimit, UnderWay};
pub use withdrawn::{Named, Withdrawn};

/// Where the work goes on, within the data directory: never two at a time, as the caller holds it.
const WORK: &str = ".restore.tmp";

/// What the copy is called there.
const NEW: &str = "hub.db";

/// What was put into place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// When, and from when it is.
    pub restoration: Restoration,
    /// How many regions it holds.
    pub regions: u32,
    /// Those of them that are removed in the database that was there before, or were before an
    /// earlier restore, by name.
    pub revived: Vec<String>,
    /// Whose passwords are forgotten, because they had a newer one in the database that was there
    /// before; `None` where that could not be compared, and older ones open the hub again.
    pub forgotten: Option<Forgotten>,
    /// Those who are cloud administrators by it and were none any more, or where that could not be
    /// compared all of them, as department and name: their passwords are forgotten too.
    pub administrators: Vec<String>,
    /// Those who were made cloud administrators since, as department and name: they keep the role
    /// in the regions, and the backup knows nothing of it.
    pub appointed_since: Vec<String>,
    /// What was withdrawn since and is given again; `None` where that could not be compared.
    pub withdrawn: Option<Withdrawn>,
    /// What was under way in the backup, and is no more.
    pub under_way: UnderWay,
    /// Where the database is that was there before, if there was one.
    pub kept: Option<PathBuf>,
}

/// Puts the backup into the database's place. The caller holds the data directory, so that no hub
/// serves from it. `federation` is the one whose keys are there.
///
/// # Errors
/// If the backup is not sound, or not of this federation: nothing is changed then. Or the step that
/// failed.
pub fn restore(
    database: &Path,
    backup: &Path,
    federation: FederationId,
    now: UnixMillis,
) -> Result<Restored, StoreError> {
    let database = &without_links(database)?;
    let work = database.with_file_name(WORK);
    clear(&work)?;
    let restored = prepare(database, backup, federation, now, &work).and_then(|prepared| {
        let is_damaged = !fold_old(database)?;
        let aside = aside(database, now);
        let had_one = database.exists();
        let new = &prepared.new;
        // Of what can't be compared the operator is told in general.
        let old = (had_one && !is_damaged).then_some(database.as_path());
        let back = compare(old, new, now).map_err(|error| {
            let why = format!("its cloud administrators can't be looked at: {error}");
            not_restorable(backup, why)
        })?;
        place::perform(&place::plan(database, new, &aside, is_damaged))?;
        Ok(Restored {
            restoration: prepared.held.restoration,
            regions: prepared.held.regions,
            revived: back.revived,
            forgotten: back.forgotten,
            administrators: back.administrators,
            appointed_since: back.appointed_since,
            withdrawn: back.withdrawn,
            under_way: prepared.held.under_way,
            kept: had_one.then_some(aside),
        })
    });
    // What is left of the work is of no use to anybody; the first error is the one to tell.
    let _ = clear(&work);
    restored
}

/// What the new database has that was gone by the old one.
struct Back {
    revived: Vec<String>,
    forgotten: Option<Forgotten>,
    administrators: Vec<String>,
    appointed_since: Vec<String>,
    withdrawn: Option<Withdrawn>,
}

/// Compares them, as far as the old one can be read, and writes into the new one what follows from
/// it.
fn compare(old: Option<&Path>, new: &Path, now: UnixMillis) -> Result<Back, StoreError> {
    let beside = Beside::open(new, old, now).or_else(|_| Beside::open(new, None, now))?;
    let revived = older::revived(&beside).unwrap_or_default();
    // Where earlier restores can't be taken over, passwords are not compared with all.
    let forgotten = older::forget(&beside, now);
    let forgotten = forgotten.and_then(|it| beside.take_over().map(|()| it));
    let withdrawn = match beside.has_old {
        true => withdrawn::again(&beside).ok(),
        false => None,
    };
    let appointed_since = administrators::since(&beside).unwrap_or_default();
    let administrators = administrators::again(&beside, now)?;
    beside.close()?;
    Ok(Back {
        revived,
        forgotten: forgotten.ok().flatten(),
        administrators,
        appointed_since,
        withdrawn,
    })
}

/// The path with no link on the way. Those above the data directory are the administrator's; what
/// is a link later on is not.
fn without_links(database: &Path) -> Result<PathBuf, StoreError> {
    let folder = match database.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let real = folder.canonicalize();
    let real = real.map_err(|error| failed("look at the directory of", database, &error))?;
    Ok(real.join(database.file_name().unwrap_or_default()))
}

/// A sound copy, durable, that waits for its place.
struct Prepared {
    new: PathBuf,
    held: Examined,
}

fn prepare(
    database: &Path,
    backup: &Path,
    federation: FederationId,
    now: UnixMillis,
    work: &Path,
) -> Result<Prepared, StoreError> {
    look(backup, database)?;
    let folder = work.parent().unwrap_or(Path::new("."));
    let owner = folder.metadata();
    let owner = owner.map_err(|error| failed("look at the directory of", database, &error))?;
    let work = Work::make(work).map_err(|error| failed("make", work, &error))?;
    let new = work.path(NEW);
    let file = work.copy(backup, NEW)?;
    // A database that was copied with its log, as one that was kept by a restore: they are one.
    let log = place::beside(backup, "-wal");
    if log.exists() {
        work.copy(&log, &format!("{NEW}-wal"))?;
    }
    let wrong = |why| not_restorable(backup, why);
    let held = examine::examine(&new, backup, federation, now).map_err(wrong)?;
    work::settle(&file, &new, &owner).map_err(|error| failed("write", &new, &error))?;
    Ok(Prepared { new, held })
}

/// Says what is wrong with the file before anything is copied.
fn look(backup: &Path, database: &Path) -> Result<(), StoreError> {
    let found = fs::metadata(backup).map_err(|error| unreadable(backup, &error))?;
    if !found.is_file() {
        return Err(not_restorable(backup, "it is no file".to_owned()));
    }
    let own = fs::metadata(database);
    if own.is_ok_and(|own| (own.dev(), own.ino()) == (found.dev(), found.ino())) {
        let why = "it is this hub's own database; name a copy that `idp-hub backup` made";
        return Err(not_restorable(backup, why.to_owned()));
    }
    Ok(())
}

/// Brings the old database and its log together in one file. `false` if it is too damaged for that.
fn fold_old(database: &Path) -> Result<bool, StoreError> {
    if !database.exists() {
        return Ok(true);
    }
    // Root follows no link that the service may have laid.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let opened = Connection::open_with_flags(database, flags);
    let opened = opened.and_then(|it| {
        settle(&it)?;
        // What can't be folded in as a whole is left as it is, to be kept.
        it.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(it)
    });
    let folded = opened
        .map_err(|source| StoreError::Open {
            path: database.to_owned(),
            source,
        })
        .and_then(|connection| fold(&connection));
    match folded {
        Ok(()) => Ok(true),
        Err(StoreError::Open { source, .. } | StoreError::Statement { source, .. })
            if is_damage(&source) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether a file is not what SQLite wrote, or its disk does not give it back.
fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure)
    )
}

/// A free name for the old database, with the date.
fn aside(database: &Path, now: UnixMillis) -> PathBuf {
    let at = Timestamp::from_millisecond(i64::try_from(now.0).unwrap_or(0)).unwrap_or_default();
    let dated = |count: u32| {
        let again = if count > 1 {
            format!("-{count}")
        } else {
            String::new()
        };
        let ending = format!(".replaced-{}{again}", at.strftime("%Y%m%dT%H%M%SZ"));
        place::beside(database, &ending)
    };
    let free = (1..100).map(dated).find(|it| !it.exists());
    // A name that is taken all the same is never overwritten: the link to it fails.
    free.unwrap_or_else(|| dated(1))
}

/// Removes what a restore left behind that was killed.
fn clear(work: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(work) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed("remove", work, &error))
        }
        _ => Ok(()),
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    let path = path.display();
    StoreError::Refused(format!(
        "cannot {what} {path}: {error}; the hub's database is as it was"
    ))
}

fn unreadable(path: &Path, error: &io::Error) -> StoreError {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "you may not read it; run this as root, or as its owner".to_owned()
        }
        _ => format!("it can't be read: {error}"),
    };
    not_restorable(path, why)
}

fn not_restorable(path: &Path, why: String) -> StoreError {
    StoreError::NotRestorable {
        path: path.to_owned(),
        why,
    }
}

#[cfg(test)]
mod tests;
