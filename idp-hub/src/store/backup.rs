//! A copy of the database, whether or not a hub serves from it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::reader::Readers;

/// Copies the database, consistent at one moment, to a new file that only its owner reads: there
/// are password hashes in it. The copy is durable when this returns.
///
/// # Errors
/// If the target exists, there is no such database, or either can't be read or written.
pub fn back_up(database: &Path, target: &Path) -> Result<(), StoreError> {
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let name = target
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let failed = |what: &str, error: &io::Error| {
        StoreError::Refused(format!("cannot {what} {}: {error}", target.display()))
    };
    // Not opened: closing it would end the locks of whoever has it open in this process.
    fs::metadata(database).map_err(|error| unreadable(database, &error))?;
    // The name is taken at once, so that two at a time don't meet.
    let reserve = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target);
    reserve.map_err(|error| failed("create", &error))?;
    let work = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let copied = copy(database, target, &work, folder);
    // What is left of the work is of no use to anybody; the first error is the one to tell.
    let _ = fs::remove_dir_all(&work);
    if copied.is_err() {
        let _ = fs::remove_file(target);
    }
    copied.map_err(|error| match error {
        Failed::Store(StoreError::Open { path, source }) => match File::open(database) {
            Err(error) => unreadable(database, &error),
            Ok(_) => StoreError::Open { path, source },
        },
        Failed::Store(error) => error,
        Failed::File(error) => failed("write", &error),
    })
}

fn unreadable(database: &Path, error: &io::Error) -> StoreError {
    let path = database.display();
    StoreError::Refused(match error.kind() {
        io::ErrorKind::NotFound => format!(
            "there is no database {path}; name the hub's configuration with --config, or run \
             `idp-hub init` first"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("you may not read the database {path}; run this as root, or as its owner")
        }
        _ => format!("cannot read the database {path}: {error}"),
    })
}

enum Failed {
    Store(StoreError),
    File(io::Error),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

/// In a directory of its own, where nobody else looks while it is being written.
fn copy(database: &Path, target: &Path, work: &Path, folder: &Path) -> Result<(), Failed> {
    DirBuilder::new().mode(0o700).create(work)?;
    let copy: PathBuf = work.join("hub.db");
    Readers::new(database.to_owned()).read(|reading| reading.back_up(&copy))?;
    fs::set_permissions(&copy, Permissions::from_mode(0o600))?;
    File::open(&copy)?.sync_all()?;
    fs::rename(&copy, target)?;
    File::open(folder)?.sync_all()?;
    Ok(())
}
