//! What can go wrong on the way into a federation.

use std::fmt;
use std::time::Duration;

use shared::pki::{KeyError, PinError, TlsError};
use shared::runtime::errors::chain;
use shared::transport::TransportError;
use shared::wire::codec::{DecodeError, EncodeError};
use shared::wire::frame::Refusal;

use crate::membership::MembershipError;

/// Why a join or a recovery failed.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Nobody said where the hub is.
    #[error(
        "no hub's address is known; give it with --hub HOST:PORT, as it stands in the invitation"
    )]
    NoAddress,
    /// Key or membership can't be read or kept.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// No TLS configuration.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No socket to dial from.
    #[error("cannot open a UDP socket to dial the hub from")]
    Socket(#[source] TransportError),
    /// No address answers as the right hub does.
    #[error("no hub answers as it should: {}", Attempts(.0))]
    Unreachable(Vec<Attempt>),
    /// The hub's CA is not the pinned one.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The connection gives nothing to prove over.
    #[error("cannot bind a proof to the connection; try again")]
    Binding(#[source] TransportError),
    /// The key can't sign.
    #[error("cannot prove possession of the bound key")]
    Key(#[from] KeyError),
    /// A signature longer than any.
    #[error("the proof of the bound key is longer than any should be")]
    Proof,
    /// The request can't be encoded.
    #[error("cannot encode the request")]
    Encode(#[from] EncodeError),
    /// The hub did not answer; whether it decided is not known.
    #[error("the hub at {address} gave no answer; run the same command again")]
    Unanswered {
        /// Where.
        address: String,
        /// What happened instead.
        source: TransportError,
    },
    /// The answer can't be read.
    #[error("the hub at {address} gave an answer that can't be read; is its release older?")]
    Unreadable {
        /// Where.
        address: String,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// The answer is another frame.
    #[error("the hub at {address} gave an answer to another question; is its release newer?")]
    OutOfTurn {
        /// Where.
        address: String,
    },
    /// The hub says no.
    #[error("the hub at {address} refuses: {reason}")]
    Refused {
        /// Where.
        address: String,
        /// In a word.
        refusal: Refusal,
        /// What is wrong and what to do.
        reason: String,
        /// Not before this again.
        wait: Duration,
    },
    /// The hub issued for another federation than its own.
    #[error("the hub at {address} speaks for a federation that its CA is not of")]
    OtherFederation {
        /// Where.
        address: String,
    },
    /// The process stops.
    #[error("the agent stops; run the same command again")]
    Stopped,
}

/// One address that was dialed in vain.
#[derive(Debug)]
pub struct Attempt {
    /// `host:port`.
    pub address: String,
    /// What happened.
    pub source: Box<TransportError>,
}

impl Attempt {
    pub(super) fn new(address: &str, source: TransportError) -> Self {
        Self {
            address: address.to_owned(),
            source: Box::new(source),
        }
    }
}

/// Each with its reason: which of several addresses is the wrong one, only the operator can tell.
struct Attempts<'a>(&'a [Attempt]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, attempt) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(
                f,
                "{separator}{}: {}",
                attempt.address,
                chain(&*attempt.source)
            )?;
        }
        Ok(())
    }
}
