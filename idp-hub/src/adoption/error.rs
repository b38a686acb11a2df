//! What can go wrong with an adoption, for the hub's administrator.

use std::time::Duration;

use shared::host_port::HostPort;
use shared::pki::{Fingerprint, TlsError};
use shared::runtime::errors::chain;
use shared::transport::{Loss, TransportError};
use shared::wire::codec::EncodeError;
use shared::wire::frame::Denial;

use crate::authority::AuthorityError;

/// TLS's word for a server that knows no protocol of the caller's (RFC 7301 §3.2).
const NO_APPLICATION_PROTOCOL: u8 = 120;

/// Why an agent was not adopted.
#[derive(Debug, thiserror::Error)]
pub enum AdoptionError {
    /// Nobody answers at the address.
    #[error("no agent waits at {door}: {reason}")]
    Unreachable {
        /// Where.
        door: HostPort,
        /// What happened instead.
        reason: String,
    },
    /// Something else answers at the address.
    #[error("what answers at {door} is not an agent that waits for its adoption")]
    NotADoor {
        /// Where.
        door: HostPort,
    },
    /// The agent has another key than was confirmed.
    #[error(
        "who answers at {door} has the key {shown}, and another one was confirmed; nothing was sent"
    )]
    OtherKey {
        /// Where.
        door: HostPort,
        /// Its key.
        shown: Fingerprint,
    },
    /// The agent's key belongs to a region already.
    #[error("this agent's key belongs to region {name:?} already")]
    KeyRegistered {
        /// Which.
        name: String,
    },
    /// The agent is being adopted, or another one under the name.
    #[error(
        "this agent is being adopted already, or another one under the name {name:?}; wait some \
         seconds"
    )]
    UnderWay {
        /// The name that was asked for.
        name: String,
    },
    /// The agent says that it joined, and no region of this hub has its key.
    #[error("the agent says that it has joined, but no region {name:?} has its key here")]
    OtherRegion {
        /// The name that the region should have.
        name: String,
    },
    /// The agent took the request, and gave no answer.
    #[error("the agent at {door} gave no answer, and has not joined")]
    Unanswered {
        /// Where.
        door: HostPort,
    },
    /// The agent was let in, and nobody knows whether it has kept what it joined by.
    #[error("the agent may have joined as {name:?}: its answer is lost, and it is not connected")]
    Unsettled {
        /// The pending region.
        name: String,
    },
    /// The agent says no.
    #[error("{reason}")]
    Denied {
        /// In a word.
        denial: Denial,
        /// What is wrong.
        reason: String,
        /// Not before this again.
        wait: Duration,
    },
    /// The authority can't invite or accept.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// No TLS configuration.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No socket to dial from.
    #[error("cannot open a UDP socket to dial the agent from")]
    Socket(#[source] TransportError),
    /// The request can't be encoded.
    #[error("cannot encode the request")]
    Encode(#[from] EncodeError),
}

impl AdoptionError {
    pub(super) fn of_dial(door: &HostPort, error: TransportError) -> Self {
        let door = door.clone();
        match error {
            TransportError::OtherKey { shown, .. } => Self::OtherKey { door, shown },
            TransportError::Door { .. }
            | TransportError::Protocol { .. }
            | TransportError::Handshake {
                source:
                    Loss::Version
                    | Loss::Handshake {
                        alert: NO_APPLICATION_PROTOCOL,
                        ..
                    },
                ..
            } => Self::NotADoor { door },
            error => Self::Unreachable {
                door,
                reason: chain(&error).to_string(),
            },
        }
    }

    /// In a word, for the audit: a reason may name the account.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::NotADoor { .. } => "not a door",
            Self::OtherKey { .. } => "another key",
            Self::KeyRegistered { .. } => "key registered",
            Self::UnderWay { .. } => "under way",
            Self::OtherRegion { .. } => "another region",
            Self::Unanswered { .. } => "unanswered",
            Self::Unsettled { .. } => "unsettled",
            Self::Denied { denial, .. } => denial.name(),
            Self::Authority(_) => "not invited",
            Self::Tls(_) | Self::Socket(_) | Self::Encode(_) => "failed here",
        }
    }
}
