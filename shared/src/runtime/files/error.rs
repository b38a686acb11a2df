//! What can go wrong with a file: one variant per step, each with the path it happened to.

use std::io;
use std::path::PathBuf;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The path ends in `..` or is `/`.
    #[error("{} does not name a file", path.display())]
    NoName {
        /// The path as given.
        path: PathBuf,
    },
    /// Metadata could not be read.
    #[error("cannot look at {}", path.display())]
    Inspect {
        /// What was looked at.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The target of a write is a link, a directory or a device.
    #[error(
        "will not replace {}: it is not a regular file; remove it, or name the file itself",
        path.display()
    )]
    NotReplaceable {
        /// The target.
        path: PathBuf,
    },
    /// The target of a create is there already.
    #[error("{} exists already and is never overwritten; move it away first", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// The temporary file could not be created.
    #[error("cannot create {}", path.display())]
    Create {
        /// The temporary file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The content could not be written, for example for want of room.
    #[error("cannot write {}", path.display())]
    Write {
        /// The temporary file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The mode could not be set.
    #[error("cannot set the mode of {}", path.display())]
    SetMode {
        /// The temporary file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file could not be given to the owner of its directory.
    #[error("cannot give {} to the owner of its directory", path.display())]
    HandOver {
        /// The temporary file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The content could not be made durable.
    #[error("cannot make {} durable", path.display())]
    Sync {
        /// The temporary file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The finished file could not take the target's name.
    #[error("cannot put the new {} in place", path.display())]
    Place {
        /// The target.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The directory could not be made durable; the new content is in place.
    #[error("cannot make the directory {} durable", path.display())]
    SyncDirectory {
        /// The directory.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file could not be opened for reading.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// What was to be read is a directory, a device, a socket or a FIFO.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path as given.
        path: PathBuf,
    },
    /// There is more in the file than its reader takes.
    #[error("{} is larger than the {bytes_max} bytes allowed", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        bytes_max: u64,
    },
    /// Reading failed on the way.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Text was expected.
    #[error("{} is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A secret, or a directory for secrets, that others may use.
    #[error(
        "{} is open to others (mode {mode:04o}); if it is ours, run: chmod {wanted:04o} '{}'",
        path.display(), path.display()
    )]
    OpenToOthers {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode to give it.
        wanted: u32,
    },
    /// A directory was expected.
    #[error("{} is not a directory", path.display())]
    NotADirectory {
        /// The path as given.
        path: PathBuf,
    },
    /// The directory, or one above it, could not be created.
    #[error("cannot create the directory {}", path.display())]
    CreateDirectory {
        /// The directory.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl FileError {
    /// Whether the file to read was just not there, which at a first start is no fault.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Open { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
