//! Locks between runs of xtask: files whose lock ends with the process that holds it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::progress::Progress;

/// Held until dropped.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock; when another run has it, says so and waits.
    ///
    /// # Errors
    /// The file or its folder can't be made, or the file system has no locks.
    pub(crate) fn take(path: &Path, what: &str, progress: &Progress) -> Result<Self, LockError> {
        let failed = |source| LockError {
            path: path.to_path_buf(),
            source,
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = File::create(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                progress.say(&format!(
                    "          waiting for another run to finish with {what}"
                ));
                file.lock().map_err(failed)?;
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        Ok(Self { _file: file })
    }
}

/// A lock can't be taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot lock {}; check that its folder is writable", path.display())]
pub(crate) struct LockError {
    path: PathBuf,
    source: io::Error,
}
