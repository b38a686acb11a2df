//! Files that an administrator's command makes for a daemon that runs as another user.
//!
//! The directory is that user's, so whatever stands in it may have been put there by them: a link
//! is never followed and only what is open is given away, or `sudo sp-agent join` would give them
//! any file of the machine.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Component, Path};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use super::MembershipError;

/// A link in the last place is an error, and a FIFO's other end is not waited for.
const AS_IT_STANDS: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK);

/// Gives `path`, which is below `data_dir`, to the owner of `data_dir`, where that is not who runs
/// this process: `sudo sp-agent join` must not leave files that the daemon can't read.
pub(super) fn hand_over(path: &Path, data_dir: &Path) -> Result<(), MembershipError> {
    let file = open_below(path, data_dir).map_err(|source| refused(path, source))?;
    hand_over_open(&file, path, data_dir)
}

/// Opens the file that stands at `path`, or makes it: for a lock, so nothing of it is changed.
pub(super) fn open_or_create(path: &Path, data_dir: &Path) -> Result<File, MembershipError> {
    let flags = AS_IT_STANDS.bits().cast_signed();
    let mut options = File::options();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file =
        options.custom_flags(flags).open(path).map_err(|source| {
            match Errno::from_io_error(&source) {
                Some(Errno::LOOP | Errno::NXIO) => MembershipError::Planted { path: path.into() },
                _ => MembershipError::Lock {
                    path: path.into(),
                    source,
                },
            }
        })?;
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err(MembershipError::Planted { path: path.into() });
    }
    hand_over_open(&file, path, data_dir)?;
    Ok(file)
}

fn hand_over_open(file: &File, path: &Path, data_dir: &Path) -> Result<(), MembershipError> {
    let failed = |source| MembershipError::Owner {
        path: path.into(),
        source,
    };
    let wanted = fs::metadata(data_dir).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if wanted.uid() == found.uid() {
        return Ok(());
    }
    // A second name may be one outside of the directory: that file is not ours to give.
    let is_own = found.is_dir() || (found.is_file() && found.nlink() == 1);
    if !is_own {
        return Err(MembershipError::Planted { path: path.into() });
    }
    fchown(file, Some(wanted.uid()), Some(wanted.gid()))
        .and_then(|()| file.sync_all())
        .map_err(failed)
}

/// Goes down from `data_dir` one name at a time, so that no link is followed on the way either.
fn open_below(path: &Path, data_dir: &Path) -> io::Result<File> {
    let Ok(below) = path.strip_prefix(data_dir) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let mut opened: OwnedFd = openat(CWD, data_dir, flags | OFlags::DIRECTORY, Mode::empty())?;
    for part in below.components() {
        let Component::Normal(name) = part else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        opened = openat(&opened, name, flags | AS_IT_STANDS, Mode::empty())?;
    }
    Ok(opened.into())
}

fn refused(path: &Path, source: io::Error) -> MembershipError {
    match Errno::from_io_error(&source) {
        Some(Errno::LOOP) => MembershipError::Planted { path: path.into() },
        _ => MembershipError::Owner {
            path: path.into(),
            source,
        },
    }
}
