//! The directory in which a copy is made, below one that belongs to the service.
//!
//! Root restores there, and whoever has become the service's user may put a link, or another
//! directory, in the place of any name at any moment. So what is made is made within what is open,
//! and only what is open is given away: a path that is looked up a second time may lead to any file
//! of the machine.

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::{failed, unreadable};
use crate::store::StoreError;

/// The directory, open.
pub(super) struct Work {
    path: PathBuf,
    open: File,
}

impl Work {
    /// Makes it, for this user alone.
    ///
    /// # Errors
    /// If something has the name, or what has it a moment later is no directory.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = File::from(openat(CWD, path, flags, Mode::empty())?);
        let path = path.to_owned();
        Ok(Self { path, open })
    }

    /// Where the file with this name is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A new file with this name, and what `from` holds.
    ///
    /// # Errors
    /// If `from` can't be read, or the name is taken.
    pub(super) fn copy(&self, from: &Path, name: &str) -> Result<File, StoreError> {
        let mut source = File::open(from).map_err(|error| unreadable(from, &error))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let target = openat(&self.open, name, flags, Mode::RUSR | Mode::WUSR);
        let copied = target.map_err(io::Error::from).and_then(|target| {
            let mut target = File::from(target);
            io::copy(&mut source, &mut target).map(|_| target)
        });
        let what = format!("copy {} to", from.display());
        copied.map_err(|error| failed(&what, &self.path(name), &error))
    }
}

/// Makes a copy durable and, made by root in a service's directory, the service's. `path` is where
/// it was made.
///
/// # Errors
/// If another stands at `path` by now.
pub(super) fn settle(file: &File, path: &Path, owner: &Metadata) -> io::Result<()> {
    let (found, there) = (file.metadata()?, path.symlink_metadata()?);
    if (found.dev(), found.ino()) != (there.dev(), there.ino()) {
        return Err(io::Error::other("somebody has put another in its place"));
    }
    if (found.uid(), found.gid()) != (owner.uid(), owner.gid()) {
        fchown(file, Some(owner.uid()), Some(owner.gid()))?;
    }
    file.sync_all()
}
