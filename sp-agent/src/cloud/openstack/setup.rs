//! Why a client of a cloud could not be made: what an operator has to correct, before any network.

use std::io;
use std::path::PathBuf;

/// A fault in the options, or in what they name.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Keystone's address is none.
    #[error("auth_url {url:?} is no address of a Keystone ({reason}); write https://HOST:5000/v3")]
    AuthUrl {
        /// What was given, without a credential.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A figure is too small or too large.
    #[error("{what} must be from {min} to {max}")]
    OutOfRange {
        /// Which option.
        what: &'static str,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// The file of certificates can't be read.
    #[error("cannot read ca_file {}", path.display())]
    ReadCa {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file of certificates holds something else.
    #[error(
        "ca_file {} holds no certificates that can be trusted ({reason}); it must be PEM",
        path.display()
    )]
    ParseCa {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The HTTP client can't be set up.
    #[error("cannot set up the HTTP client; install ca-certificates, or set ca_file")]
    Http {
        /// What the library says.
        source: reqwest::Error,
    },
}
