//! The order in which one database takes another's place.
//!
//! SQLite replays a log over whatever database it finds it beside, also over one that it does not
//! belong to. So the old log is gone, durably, before the new database has the name. An old
//! database that is sound has nothing in its log by then, and keeps its name until the new one
//! takes it: there is always one.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::failed;
use crate::store::StoreError;

/// One step. What is not there any more needs no link and no removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A second name for a file.
    Link { from: PathBuf, to: PathBuf },
    /// A name less.
    Remove(PathBuf),
    /// Another name, in place of what has it.
    Rename { from: PathBuf, to: PathBuf },
    /// What was done in a directory survives a power cut.
    Sync(PathBuf),
}

/// The steps that put `new` into the place of `database`, which is kept as `aside`.
pub(super) fn plan(database: &Path, new: &Path, aside: &Path, is_damaged: bool) -> Vec<Step> {
    let sync = || Step::Sync(database.parent().unwrap_or(Path::new(".")).to_owned());
    let keep = |ending| Step::Link {
        from: beside(database, ending),
        to: beside(aside, ending),
    };
    let remove = |ending| Step::Remove(beside(database, ending));
    let mut steps = vec![keep("")];
    if is_damaged {
        // Its log could not be folded into it, and is kept with it. Without its log it would be
        // older than it is, and might look sound: it is better that there is none.
        steps.extend(["-wal", "-journal"].map(keep));
        steps.extend([sync(), remove("")]);
    }
    steps.push(sync());
    steps.extend(["-wal", "-journal", "-shm"].map(remove));
    steps.push(sync());
    let (from, to) = (new.to_owned(), database.to_owned());
    steps.extend([Step::Rename { from, to }, sync()]);
    steps
}

/// Does them, in their order.
pub(super) fn perform(steps: &[Step]) -> Result<(), StoreError> {
    for step in steps {
        match step {
            Step::Link { from, to } => if_there(fs::hard_link(from, to))
                .map_err(|error| failed(&format!("keep {} as", from.display()), to, &error))?,
            Step::Remove(path) => if_there(fs::remove_file(path))
                .map_err(|error| failed_halfway("remove", path, &error))?,
            Step::Rename { from, to } => fs::rename(from, to)
                .map_err(|error| failed_halfway("put the backup into the place of", to, &error))?,
            Step::Sync(path) => File::open(path)
                .and_then(|directory| directory.sync_all())
                .map_err(|error| failed_halfway("make durable", path, &error))?,
        }
    }
    Ok(())
}

fn if_there(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Whether the old database or the new one is there, only a look can tell; again is right for both.
fn failed_halfway(what: &str, path: &Path, error: &io::Error) -> StoreError {
    let path = path.display();
    StoreError::Refused(format!(
        "cannot {what} {path}: {error}; run the same command again before the hub is started"
    ))
}

/// The file whose name goes on so.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
