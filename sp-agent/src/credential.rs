//! As whom the agent signs in at its cloud: by its configuration, until it is given another
//! credential, here or from the hub.
//!
//! ```text
//! sp-agent credential set ─┬─▶ proven at the cloud (`prove`) ─▶ cloud-credential.json ─┐
//! hub, sealed ─────────────┘            ▲                                      choose ─┴─▶ Options
//! agent.toml ───────────────────────────┴──────────────────────────────────────────┘
//! ```
//!
//! The last word counts, once it is proven. What works is kept, with a salted hash of the
//! configuration's credential for which it stands: one that was given stands for the
//! configuration's until an administrator changes that; one that worked before stands for one that
//! is refused; and the configuration's own, that works, for itself, so that a start by a changed
//! file finds what worked before. It lies in the data directory, as the configuration is read-only
//! to the daemon (systemd's `ProtectSystem=strict`).

mod choice;
mod kept;
mod offered;
mod openrc;
mod places;
mod sheet;
mod tries;

use shared::model::UnixMillis;

use crate::cloud::openstack::{self, Auth};
pub use choice::{Choice, Facts, Kept, Why, choose};
pub use kept::{FILE, KeptError, keep, read};
pub use offered::auth_of;
pub use places::strange_homes;
pub use sheet::{Sheet, SheetError};
pub use tries::{Giver, TooMany, Tried, Tries};

/// Which credential counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Counts {
    /// The configuration's.
    #[default]
    Configured,
    /// One that was given.
    Given {
        /// When.
        at: UnixMillis,
        /// By whom.
        by: String,
    },
    /// The configuration's: what was kept cannot be read.
    Unreadable(String),
    /// The one that worked before: the configuration's new one has not been proven.
    Former {
        /// Why not.
        doubt: Doubt,
    },
}

impl Counts {
    /// Why the configuration's is not at work, though nobody gave another.
    pub const fn doubt(&self) -> Option<&Doubt> {
        match self {
            Self::Former { doubt } => Some(doubt),
            Self::Configured | Self::Given { .. } | Self::Unreadable(_) => None,
        }
    }
}

/// Why the configuration's credential is not at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It was not tried yet.
    Untried,
    /// It could not be told whether it does.
    Unanswered(String),
    /// It does not.
    Refused {
        /// Why not.
        text: String,
        /// When it was tried.
        at: UnixMillis,
    },
}

/// Whether two addresses are those of the same Keystone, however they are written.
pub fn is_same_keystone(one: &str, other: &str) -> bool {
    keystone(one).is_some_and(|it| Some(it) == keystone(other))
}

/// Where Keystone is, as it is compared.
fn keystone(auth_url: &str) -> Option<String> {
    openstack::keystone(auth_url).ok().map(|it| it.to_string())
}

/// All that a credential is made of, its kind first.
fn parts(auth: &Auth) -> Vec<&str> {
    match auth {
        Auth::ApplicationCredential { id, secret } => {
            vec![auth.kind(), id, secret.expose()]
        }
        Auth::Password {
            username,
            password,
            user_domain,
            project_name,
            project_domain,
        } => vec![
            auth.kind(),
            username,
            password.expose(),
            user_domain.kind(),
            user_domain.text(),
            project_name,
            project_domain.kind(),
            project_domain.text(),
        ],
    }
}
