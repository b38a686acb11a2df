//! Files that an administrator's command makes for a daemon that runs as another user.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use super::MembershipError;

/// Gives `path` to the owner of `data_dir`, where that is not who runs this process: `sudo sp-agent
/// join` must not leave files that the daemon can't read.
pub(super) fn hand_over(path: &Path, data_dir: &Path) -> Result<(), MembershipError> {
    give(path, data_dir).map_err(|source| MembershipError::Owner {
        path: path.into(),
        source,
    })
}

fn give(path: &Path, data_dir: &Path) -> io::Result<()> {
    let (wanted, found) = (fs::metadata(data_dir)?, fs::metadata(path)?);
    if wanted.uid() == found.uid() {
        return Ok(());
    }
    chown(path, Some(wanted.uid()), Some(wanted.gid()))?;
    File::open(path)?.sync_all()
}
