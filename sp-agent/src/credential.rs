//! As whom the agent signs in at its cloud: by its configuration, until it is given another
//! credential, here or from the hub.
//!
//! ```text
//! sp-agent credential set ─┬─▶ proven at the cloud (`prove`) ─▶ cloud-credential.json ─┐
//! hub, sealed ─────────────┘                                                           │
//! agent.toml ── proven, where another one is at work ──────────────────────────────────┴─▶ Options
//! ```
//!
//! The last word counts. One that was given stands for the configuration's, which it names by a
//! salted hash, for as long as that stays the same and so does the Keystone; once an administrator
//! changes the configuration's, that one counts again. It lies in the data directory, as the
//! configuration is read-only to the daemon (systemd's `ProtectSystem=strict`).

mod kept;
mod offered;
mod openrc;
mod sheet;

use std::path::Path;

use shared::model::UnixMillis;
use shared::runtime::errors::chain;

use crate::cloud::openstack::{self, Auth, Options};
pub use kept::{FILE, KeptError, keep};
pub use offered::auth_of;
pub use sheet::{Sheet, SheetError};

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
    /// The configuration's: what was given cannot be read.
    Unreadable(String),
    /// The one that was at work before: the configuration's new one is not taken.
    Former {
        /// Why not.
        refused: String,
    },
}

/// Puts a credential that was given into its place. Blocks on the disk.
pub fn overlay(data_dir: &Path, options: &mut Options) -> Counts {
    let kept = match kept::read(data_dir) {
        Ok(Some(kept)) => kept,
        Ok(None) => return Counts::Configured,
        Err(error) => return Counts::Unreadable(chain(&error).to_string()),
    };
    if !kept.stands_for(options) {
        return Counts::Configured;
    }
    options.auth = kept.auth;
    Counts::Given {
        at: kept.given,
        by: kept.by,
    }
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
