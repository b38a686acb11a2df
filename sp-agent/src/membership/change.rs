//! How a membership begins and ends: each by one rename.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use shared::keyring;
use shared::model::UnixMillis;
use shared::pki::{BoundKey, TrustAnchors};
use shared::runtime::files;

use super::{
    DIRECTORY, Membership, MembershipError, anchors_path, certificate_path, credentials, owner,
    record_path,
};

/// Where a join prepares what then becomes the membership.
const STAGING: &str = "membership.joining";

/// Held by `join` and `leave`, so that two of them don't prepare in the same place.
const LOCK: &str = "membership.lock";

/// Left memberships of one second: more means that someone is putting them there.
const LEFT_MAX: u32 = 100;

/// A membership that is about to begin. It holds a lock, so there is one at a time.
#[derive(Debug)]
pub struct Founding {
    data_dir: PathBuf,
    _lock: File,
}

/// What is done one after another; each is durable before the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Directory,
    Anchors,
    Certificate,
    Record,
    /// The one that counts.
    Commit,
}

impl Step {
    pub(super) const ALL: [Self; 5] = [
        Self::Directory,
        Self::Anchors,
        Self::Certificate,
        Self::Record,
        Self::Commit,
    ];
}

impl Founding {
    /// Makes sure that the agent is not joined, and makes the data directory where it is missing.
    ///
    /// # Errors
    /// If it is joined, or another command is joining or leaving.
    pub fn begin(data_dir: &Path) -> Result<Self, MembershipError> {
        files::create_private_dir(data_dir)?;
        let lock = lock(data_dir)?;
        if data_dir.join(DIRECTORY).exists() {
            return Err(MembershipError::AlreadyJoined);
        }
        Ok(Self {
            data_dir: data_dir.into(),
            _lock: lock,
        })
    }

    /// The bound key, made if there is none yet.
    ///
    /// # Errors
    /// As [`bound_key`](super::bound_key).
    pub fn bound_key(&self) -> Result<BoundKey, MembershipError> {
        credentials::bound_key(&self.data_dir)
    }

    /// Begins the membership with what the hub issued, and returns when it would survive a power
    /// cut. `certificate` is DER.
    ///
    /// # Errors
    /// If the certificate is not over `key`, for this region, and by one of `anchors`; or a file
    /// can't be written. The agent is then not joined, and may try again.
    pub fn commit(
        self,
        membership: &Membership,
        key: &BoundKey,
        anchors: &TrustAnchors,
        certificate: &[u8],
    ) -> Result<(), MembershipError> {
        let (federation, region) = (membership.federation, membership.region);
        credentials::credential(key, anchors, federation, region, certificate)?;
        for step in Step::ALL {
            self.perform(step, membership, anchors, certificate)?;
        }
        Ok(())
    }

    pub(super) fn perform(
        &self,
        step: Step,
        membership: &Membership,
        anchors: &TrustAnchors,
        certificate: &[u8],
    ) -> Result<(), MembershipError> {
        let staging = self.data_dir.join(STAGING);
        let made = match step {
            Step::Directory => {
                files::create_private_dir(&staging)?;
                staging
            }
            Step::Anchors => {
                keyring::save_anchors(&anchors_path(&staging), anchors)?;
                anchors_path(&staging)
            }
            Step::Certificate => {
                keyring::save_certificate(&certificate_path(&staging), certificate)?;
                certificate_path(&staging)
            }
            Step::Record => {
                membership.write(&staging)?;
                record_path(&staging)
            }
            Step::Commit => return rename(&staging, &self.data_dir.join(DIRECTORY)),
        };
        owner::hand_over(&made, &self.data_dir)
    }
}

/// Ends the membership: its directory is moved aside, under a name with the time, which is
/// returned. Bound key, spool and cloud stay as they are.
///
/// # Errors
/// If the agent is not joined, another command is at work, or the directory can't be renamed.
pub fn leave(data_dir: &Path, now: UnixMillis) -> Result<PathBuf, MembershipError> {
    let current = data_dir.join(DIRECTORY);
    if !current.exists() {
        return Err(MembershipError::NotJoined);
    }
    let _lock = lock(data_dir)?;
    let name = format!("{DIRECTORY}.left-{}", now.as_secs());
    let numbered = (2..LEFT_MAX).map(|number| format!("{name}-{number}"));
    let free = std::iter::once(name.clone())
        .chain(numbered)
        .map(|name| data_dir.join(name))
        .find(|path| !path.exists())
        .unwrap_or_else(|| data_dir.join(&name));
    rename(&current, &free)?;
    Ok(free)
}

fn lock(data_dir: &Path) -> Result<File, MembershipError> {
    let path = data_dir.join(LOCK);
    let file = owner::open_or_create(&path, data_dir)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(MembershipError::Busy),
        Err(fs::TryLockError::Error(source)) => Err(MembershipError::Lock { path, source }),
    }
}

/// Renames a directory to a free name, durably.
fn rename(from: &Path, to: &Path) -> Result<(), MembershipError> {
    let sync = |path: &Path| -> io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new("/"));
        File::open(parent)?.sync_all()
    };
    fs::rename(from, to)
        .and_then(|()| sync(to))
        .map_err(|source| MembershipError::Rename {
            from: from.into(),
            to: to.into(),
            source,
        })
}
