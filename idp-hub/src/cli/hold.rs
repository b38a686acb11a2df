//! One process at a time for a data directory.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::error::CliError;

/// Makes the data directory this process's alone. The store's writer keeps in memory what it wrote,
/// so that two hubs on one directory would undo each other's work, whatever ports they have; and a
/// database that is put into place under a hub would be written over by what it remembers.
pub(super) fn hold(data_dir: &Path) -> Result<(), CliError> {
    let path = || data_dir.to_owned();
    let failed = |source| CliError::Hold {
        path: path(),
        source,
    };
    let directory = File::open(data_dir).map_err(failed)?;
    match directory.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(CliError::InUse { path: path() }),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // The system gives it back with the process, however that ends: the writer is its last part.
    std::mem::forget(directory);
    Ok(())
}
