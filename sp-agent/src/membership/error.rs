//! What can go wrong with a membership.

use std::io;
use std::path::PathBuf;

use shared::keyring::KeyringError;
use shared::pki::{CredentialError, CsrError, PemError};
use shared::runtime::files::FileError;
use shared::runtime::settings::Faults;

/// Why a membership can't be read, kept, begun or left.
#[derive(Debug, thiserror::Error)]
pub enum MembershipError {
    /// A file can't be read or written.
    #[error("cannot use the membership's files")]
    File(#[from] FileError),
    /// The record can't be understood.
    #[error("cannot read the membership; restore it from a backup, or run `sp-agent leave`")]
    Record(#[from] Faults),
    /// The directory is there, but no record in it.
    #[error(
        "{} has no membership.toml in it; restore it from a backup, or run `sp-agent leave`",
        directory.display()
    )]
    Incomplete {
        /// The membership's directory.
        directory: PathBuf,
    },
    /// Key, certificate or trusted CAs can't be read or written.
    #[error("cannot use the membership's key, certificate or trusted CAs")]
    Keyring(#[from] KeyringError),
    /// A certificate that came from a hub is no PEM.
    #[error("the hub's answer holds no certificate")]
    Pem(#[from] PemError),
    /// The certificate can't be used with the key and the trusted CAs.
    #[error("cannot use the certificate")]
    Certificate(#[source] CredentialError),
    /// The certificate is somebody else's.
    #[error("the certificate is for {named}, but this agent is {own}; join again")]
    Foreign {
        /// Whom the certificate names.
        named: String,
        /// Who this agent is.
        own: String,
    },
    /// A request for a certificate can't be made.
    #[error("cannot ask for a certificate")]
    Request(#[from] CsrError),
    /// There is a membership already.
    #[error(
        "this agent has joined already; to join anew or another federation, run `sp-agent leave` \
         first, then join with a new invitation"
    )]
    AlreadyJoined,
    /// There is no membership.
    #[error("this agent has not joined a federation; run `sp-agent join`")]
    NotJoined,
    /// Another `join` or `leave` is at work.
    #[error("another sp-agent command is joining or leaving; wait until it is done")]
    Busy,
    /// The lock against another `join` or `leave` can't be had.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A directory can't be renamed, or the renaming not be made durable.
    #[error("cannot rename {} to {}", from.display(), to.display())]
    Rename {
        /// Its old name.
        from: PathBuf,
        /// Its new name.
        to: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file can't be given to the user that the daemon runs as.
    #[error(
        "cannot give {} to the owner of the data directory; run this command as root, or as the \
         user that the agent runs as",
        path.display()
    )]
    Owner {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What stands there is not what this program would have made.
    #[error(
        "{} is a link, has a second name, or is no regular file: it is neither used nor given to \
         the owner of the data directory; find out who put it there, and remove it",
        path.display()
    )]
    Planted {
        /// What stands there.
        path: PathBuf,
    },
}
