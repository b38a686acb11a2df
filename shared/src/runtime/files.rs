//! Files that must survive a power cut, and files that must not be believed for their size.
//!
//! A write goes to a new file beside the target, is made durable, and only then takes the target's
//! name: a reader, or the next start after a power cut, finds the old content or the new, never a
//! mixture. A temporary file that a power cut leaves behind is as private as its target would have
//! been, and nothing ever reads it.
//!
//! All functions block on the disk. From a task, call them through `tokio::task::spawn_blocking`,
//! except at start.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

mod contents;
mod error;
#[cfg(test)]
mod tests;

pub use contents::Contents;
pub use error::FileError;

/// Who may read a file that we write; only its owner ever writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 0600: keys, tokens, anything that lets its reader act as us.
    Private,
    /// 0640: for a service group, such as a reverse proxy that needs the certificate's key.
    Group,
    /// 0644: certificates and other things that are shown to peers anyway.
    Public,
}

impl Mode {
    const fn bits(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Group => 0o640,
            Self::Public => 0o644,
        }
    }
}

/// Only the owner enters a directory of ours.
const DIRECTORY_MODE: u32 = 0o700;

/// What a secret's mode must not have: writing by the group, anything by others. Reading by the
/// group is let pass, since systemd hands out credentials with mode 0440.
const SECRET_MODE_FORBIDDEN: u32 = 0o027;

/// A temporary name is taken only by what a power cut left behind under the same process id: more
/// than a few in a row means that someone is putting them there.
const TEMPORARY_ATTEMPTS_MAX: u32 = 16;

/// Writes `bytes` to `path`, in place of what is there: atomically, durably, with exactly `mode`
/// whatever the umask.
///
/// When it returns `Ok`, the content survives a power cut. When it returns an error, `path` holds
/// the old content, or, if only the last step (making the directory durable) failed, the new.
///
/// # Errors
///
/// The step that failed, with the path. A `path` that is a link or not a regular file is refused
/// and left alone: replacing a link would quietly leave the file that it points to as it was.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
    replaceable(path)?;
    Temporary::write(path, bytes, mode)?.take_name(path)
}

/// Like [`write_atomic`]; the file belongs to the owner of its directory before it takes its name:
/// an administrator's command writes what only the daemon's user is to read.
///
/// # Errors
///
/// As [`write_atomic`], and if the file can't be given away.
pub fn write_atomic_handed(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
    replaceable(path)?;
    let temporary = Temporary::write(path, bytes, mode)?;
    temporary.hand_over()?;
    temporary.take_name(path)
}

fn replaceable(path: &Path) -> Result<(), FileError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(FileError::NotReplaceable { path: path.into() }),
        Ok(_) => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(FileError::Inspect {
            path: path.into(),
            source,
        }),
    }
}

/// Like [`write_atomic`], but never replaces: for keys, which must not be lost to a second start or
/// a second command.
///
/// # Errors
///
/// [`FileError::Exists`] when `path` exists, whatever it is; otherwise as [`write_atomic`].
pub fn create_atomic(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
    let temporary = Temporary::write(path, bytes, mode)?;
    // A hard link, unlike a rename, fails when the name is taken. The temporary name is removed by
    // the drop.
    fs::hard_link(&temporary.path, path).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => FileError::Exists { path: path.into() },
        _ => FileError::Place {
            path: path.into(),
            source,
        },
    })?;
    drop(temporary);
    sync_directory(directory_of(path))
}

/// Reads the whole of a regular file of at most `bytes_max` bytes. Links are followed:
/// configuration management puts them in place.
///
/// # Errors
///
/// [`FileError::TooLarge`] when there is more, also when the file grows while it is read; the step
/// that failed otherwise. [`FileError::is_not_found`] tells whether the file is just not there.
pub fn read_bounded(path: &Path, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    let mut file = open_regular(path, bytes_max)?.0;
    let mut bytes = Vec::new();
    read_to_limit(&mut file, path, bytes_max, &mut bytes)?;
    Ok(bytes)
}

/// [`read_bounded`] for text.
///
/// # Errors
///
/// [`FileError::NotText`] when it is not UTF-8; otherwise as [`read_bounded`].
pub fn read_text(path: &Path, bytes_max: u64) -> Result<String, FileError> {
    String::from_utf8(read_bounded(path, bytes_max)?)
        .map_err(|_| FileError::NotText { path: path.into() })
}

/// [`read_bounded`] for a secret: the copy is wiped when dropped, and a file that others could read
/// or change is refused, since it may be known or chosen by someone else.
///
/// # Errors
///
/// [`FileError::OpenToOthers`] for modes beyond 0750; otherwise as [`read_bounded`].
pub fn read_secret(path: &Path, bytes_max: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let (mut file, found) = open_regular(path, bytes_max)?;
    let mode = found.permissions().mode() & 0o7777;
    if mode & SECRET_MODE_FORBIDDEN != 0 {
        return Err(FileError::OpenToOthers {
            path: path.into(),
            mode,
            wanted: 0o600,
        });
    }
    // Room for all of it and the byte that proves the end: a vector that grew would leave copies
    // behind.
    let capacity = usize::try_from(found.len()).unwrap_or(0).saturating_add(32);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    read_to_limit(&mut file, path, bytes_max, &mut bytes)?;
    Ok(bytes)
}

/// Makes `path` a directory that only its owner enters (0700), with the directories above it where
/// they are missing.
///
/// # Errors
///
/// [`FileError::OpenToOthers`] when it exists with a wider mode. The mode is not changed: the path
/// may be a mistake in the configuration, and the directory someone else's.
pub fn create_private_dir(path: &Path) -> Result<(), FileError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_dir() => Err(FileError::NotADirectory { path: path.into() }),
        Ok(found) if found.permissions().mode() & 0o077 != 0 => Err(FileError::OpenToOthers {
            path: path.into(),
            mode: found.permissions().mode() & 0o7777,
            wanted: DIRECTORY_MODE,
        }),
        Ok(_) => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new()
                .recursive(true)
                .mode(DIRECTORY_MODE)
                .create(path)
                .map_err(|source| FileError::CreateDirectory {
                    path: path.into(),
                    source,
                })?;
            sync_directory(directory_of(path))
        }
        Err(source) => Err(FileError::Inspect {
            path: path.into(),
            source,
        }),
    }
}

/// A finished, durable file beside its target, removed when dropped unless it has
/// [`moved`](Temporary::moved).
struct Temporary {
    path: PathBuf,
    file: File,
    moved: bool,
}

impl Temporary {
    fn write(target: &Path, bytes: &[u8], mode: Mode) -> Result<Self, FileError> {
        let mut temporary = Self::open(target, mode)?;
        let Self { path, file, .. } = &mut temporary;
        file.write_all(bytes).map_err(|source| FileError::Write {
            path: path.clone(),
            source,
        })?;
        // The mode at opening is cut by the umask; this one is exact.
        file.set_permissions(Permissions::from_mode(mode.bits()))
            .map_err(|source| FileError::SetMode {
                path: path.clone(),
                source,
            })?;
        file.sync_all().map_err(|source| FileError::Sync {
            path: path.clone(),
            source,
        })?;
        Ok(temporary)
    }

    /// Creates the file and nothing else: `create_new` neither follows a link nor takes over what
    /// someone else put.
    fn open(target: &Path, mode: Mode) -> Result<Self, FileError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let path = temporary_name(target)?;
            let mut options = OpenOptions::new();
            match options
                .write(true)
                .create_new(true)
                .mode(mode.bits() & 0o600)
                .open(&path)
            {
                Ok(file) => {
                    return Ok(Self {
                        path,
                        file,
                        moved: false,
                    });
                }
                Err(source)
                    if source.kind() == io::ErrorKind::AlreadyExists
                        && attempts < TEMPORARY_ATTEMPTS_MAX => {}
                Err(source) => return Err(FileError::Create { path, source }),
            }
        }
    }

    /// Gives it to the owner of its directory, where that is somebody else: the open file that we
    /// made, whatever stands under its name by now.
    fn hand_over(&self) -> Result<(), FileError> {
        let failed = |source| FileError::HandOver {
            path: self.path.clone(),
            source,
        };
        let wanted = fs::metadata(directory_of(&self.path)).map_err(failed)?;
        let found = self.file.metadata().map_err(failed)?;
        if wanted.uid() == found.uid() {
            return Ok(());
        }
        fchown(&self.file, Some(wanted.uid()), Some(wanted.gid()))
            .and_then(|()| self.file.sync_all())
            .map_err(failed)
    }

    fn take_name(mut self, target: &Path) -> Result<(), FileError> {
        fs::rename(&self.path, target).map_err(|source| FileError::Place {
            path: target.into(),
            source,
        })?;
        self.moved = true;
        sync_directory(directory_of(target))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.moved {
            // The write has failed already, and that error is the one to report.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A name that no other writer uses: two processes may write the same target, and so may two tasks.
fn temporary_name(target: &Path) -> Result<PathBuf, FileError> {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().ok_or_else(|| FileError::NoName {
        path: target.into(),
    })?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    let write = WRITES.fetch_add(1, Ordering::Relaxed);
    hidden.push(format!(".{}.{write}.tmp", std::process::id()));
    Ok(target.with_file_name(hidden))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A rename is durable only when the directory is.
fn sync_directory(path: &Path) -> Result<(), FileError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| FileError::SyncDirectory {
            path: path.into(),
            source,
        })
}

fn open_regular(path: &Path, bytes_max: u64) -> Result<(File, fs::Metadata), FileError> {
    // Looked at before it is opened: opening a FIFO would wait for its other end.
    let found = fs::metadata(path).map_err(|source| FileError::Open {
        path: path.into(),
        source,
    })?;
    if !found.is_file() {
        return Err(FileError::NotAFile { path: path.into() });
    }
    let file = File::open(path).map_err(|source| FileError::Open {
        path: path.into(),
        source,
    })?;
    let found = file.metadata().map_err(|source| FileError::Inspect {
        path: path.into(),
        source,
    })?;
    if found.len() > bytes_max {
        return Err(FileError::TooLarge {
            path: path.into(),
            bytes_max,
        });
    }
    Ok((file, found))
}

/// Reads one byte more than allowed, to notice a file whose size lies or grows (`/proc`, or an
/// attacker's).
fn read_to_limit(
    file: &mut File,
    path: &Path,
    bytes_max: u64,
    bytes: &mut Vec<u8>,
) -> Result<(), FileError> {
    let read = file
        .take(bytes_max.saturating_add(1))
        .read_to_end(bytes)
        .map_err(|source| FileError::Read {
            path: path.into(),
            source,
        })?;
    if u64::try_from(read).unwrap_or(u64::MAX) > bytes_max {
        return Err(FileError::TooLarge {
            path: path.into(),
            bytes_max,
        });
    }
    Ok(())
}
