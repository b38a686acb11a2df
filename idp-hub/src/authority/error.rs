//! What can go wrong for an operator.

use std::path::PathBuf;
use std::time::Duration;

use shared::ids::FederationId;
use shared::keyring::KeyringError;
use shared::pki::{self, CredentialError, CsrError, RandomError, TlsError};
use shared::runtime::files::FileError;

use super::invitations::{INVITATION_LIFETIME, OPEN_INVITATIONS_MAX};
use super::name::NameError;
use crate::store::StoreError;

/// An error of the authority, for the hub's operator.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// There is a federation here.
    #[error(
        "this data directory already holds federation {federation}; start the hub, or name another \
         directory for a new federation"
    )]
    Founded {
        /// Which.
        federation: FederationId,
    },
    /// There is none.
    #[error("there is no federation in this data directory yet; run `idp-hub init` first")]
    Unfounded,
    /// The founding was interrupted.
    #[error("the founding of this federation was interrupted; run `idp-hub init` again")]
    Unfinished,
    /// Keys without a database.
    #[error(
        "{} is there, but the database knows no federation: bring a backup of it back with \
         `idp-hub restore FILE`, or name another directory for a new federation", path.display()
    )]
    Orphaned {
        /// The CA's file.
        path: PathBuf,
    },
    /// The data directory can't be used.
    #[error("cannot use the data directory")]
    Directory(#[source] FileError),
    /// A key's or certificate's file can't be used.
    #[error("cannot use the federation's keys; restore the file from a backup if it is lost")]
    Keys(#[from] KeyringError),
    /// The key for stateless resets can't be used.
    #[error("cannot use the key for stateless resets")]
    ResetKey(#[source] FileError),
    /// The key for stateless resets is damaged.
    #[error("{} is damaged; remove it, and a new one is made", path.display())]
    ResetKeyDamaged {
        /// Its file.
        path: PathBuf,
    },
    /// The CA belongs to another federation than the database.
    #[error(
        "the CA is of federation {ca}, and the database of {database}; restore both from one backup"
    )]
    Mixed {
        /// The CA's.
        ca: FederationId,
        /// The database's.
        database: FederationId,
    },
    /// The CA can't be made.
    #[error("cannot make the federation's CA")]
    Create(#[source] pki::AuthorityError),
    /// A certificate can't be issued.
    #[error("cannot issue a certificate")]
    Issue(#[source] pki::AuthorityError),
    /// This hub's own request can't be made.
    #[error("cannot ask for this hub's own certificate")]
    Request(#[source] CsrError),
    /// This hub's own certificate can't be used.
    #[error("cannot use this hub's own certificate")]
    Credential(#[source] CredentialError),
    /// No random bytes.
    #[error("cannot draw random bytes")]
    Random(#[source] RandomError),
    /// TLS can't be set up.
    #[error("cannot set up the link's TLS")]
    Tls(#[source] TlsError),
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not a name for a region.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An invitation's lifetime out of bounds.
    #[error(
        "an invitation is good for at least a minute and at most {} minutes, not {} s",
        INVITATION_LIFETIME.as_secs() / 60, lifetime.as_secs()
    )]
    Lifetime {
        /// What was asked for.
        lifetime: Duration,
    },
    /// Too many invitations.
    #[error(
        "{OPEN_INVITATIONS_MAX} invitations are open, which is the most; withdraw some, or wait \
         until they expire"
    )]
    TooManyInvitations,
    /// Too many regions.
    #[error(
        "{regions_max} regions have joined or are invited, which is all that limits.regions_max of \
         hub.toml allows; raise it and restart the hub, remove a region, or withdraw an invitation"
    )]
    TooManyRegions {
        /// How many may have joined.
        regions_max: u32,
    },
    /// Another key than the one that was looked at.
    #[error(
        "region {name:?} has another key than the one you confirmed; look at it again before you \
         accept it"
    )]
    OtherKey {
        /// The region.
        name: String,
    },
    /// The runtime ended before the work was done.
    #[error("the hub stops")]
    Stopping,
}
