//! Which federation this agent belongs to, and by what it proves it.
//!
//! ```text
//! <data_dir>/key.pem               the bound key: made once, kept through leaves and joins
//! <data_dir>/sealing.pem           what the hub's secrets are sealed to, likewise
//! <data_dir>/membership/           there is one exactly while the agent is joined
//!     membership.toml              federation, region, epoch, the hub's addresses
//!     certificate.pem              the newest certificate over the bound key
//!     anchors.pem                  the CAs that a hub's certificate must be by
//! <data_dir>/membership.joining/   a join that was broken off; the next one overwrites it
//! <data_dir>/membership.left-…/    a membership that was left, for the record
//! ```
//!
//! A join prepares everything beside, and one rename of a directory makes it the membership; a
//! leave is one rename away. So a crash at any moment leaves an agent that is joined or one that
//! is not, and a join that can be repeated with the same token: the hub knows it by the bound key.
//!
//! Everything here blocks on the disk: call it at start, or off the async threads.

use std::path::{Path, PathBuf};

use shared::audit::{Act, By};
use shared::ids::{FederationId, RegionId};
use shared::runtime::files::{self, Mode};

mod change;
mod credentials;
mod error;
mod owner;
mod record;
#[cfg(test)]
mod tests;

pub use change::{Founding, leave};
pub use credentials::{Credentials, Kept, bound_key, sealing_key};
pub use error::MembershipError;
pub use record::{ADDRESSES_MAX, NAME_BYTES_MAX};

/// The directory of a membership, within the data directory.
pub const DIRECTORY: &str = "membership";

/// The largest record read, in bytes: the longest addresses, as many as there may be, and more.
const RECORD_BYTES_MAX: u64 = 64 * 1024;

/// Whose region this is, and where its hub is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The federation.
    pub federation: FederationId,
    /// This region's id, the federation's own.
    pub region: RegionId,
    /// The region's name at the hub.
    pub name: String,
    /// The highest epoch that was followed. Hubs of a lower one are refused.
    pub epoch: u64,
    /// Where the hub, or its standbys, can be dialed: `host:port`, the first one first.
    pub addresses: Vec<String>,
}

impl Membership {
    /// Reads the membership from the data directory; `None` where the agent is not joined.
    ///
    /// # Errors
    /// If there is one that can't be read: then the agent is not unjoined, but damaged.
    pub fn load(data_dir: &Path) -> Result<Option<Self>, MembershipError> {
        let directory = data_dir.join(DIRECTORY);
        let path = record_path(&directory);
        match files::read_text(&path, RECORD_BYTES_MAX) {
            Ok(text) => Ok(Some(record::read(&path, &text)?)),
            Err(error) if error.is_not_found() && !directory.exists() => Ok(None),
            Err(error) if error.is_not_found() => Err(MembershipError::Incomplete { directory }),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the membership in place of the one before, for example with a higher epoch.
    ///
    /// # Errors
    /// If the agent is not joined (any more): a membership is begun by [`Founding`] alone.
    pub fn save(&self, data_dir: &Path) -> Result<(), MembershipError> {
        let directory = data_dir.join(DIRECTORY);
        if !directory.is_dir() {
            return Err(MembershipError::NotJoined);
        }
        self.write(&directory)
    }

    fn write(&self, directory: &Path) -> Result<(), MembershipError> {
        let text = record::write(self);
        files::write_atomic(&record_path(directory), text.as_bytes(), Mode::Private)?;
        Ok(())
    }
}

/// What the audit trail is told of a membership that was left, and is kept there.
pub fn left(by: By, kept: &Path) -> Act {
    let act = Act::new(by, "leave").on("federation", "", "");
    act.changing("joined", format!("not joined, kept as {}", kept.display()))
}

/// Gives a file that stands in the data directory, and was made by an administrator's command, to
/// the directory's owner.
///
/// # Errors
/// If it is another's, or a link.
pub fn hand_over(path: &Path) -> Result<(), MembershipError> {
    owner::hand_over(path, path.parent().unwrap_or(Path::new("/")))
}

fn record_path(directory: &Path) -> PathBuf {
    directory.join("membership.toml")
}

fn certificate_path(directory: &Path) -> PathBuf {
    directory.join("certificate.pem")
}

fn anchors_path(directory: &Path) -> PathBuf {
    directory.join("anchors.pem")
}
