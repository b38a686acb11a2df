//! What can fail between wanting a connection and having one.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::close::Loss;
use super::frames::{ReadError, WriteError};
use crate::pki::{DoorKeyError, Fingerprint, IdentityError};
use crate::runtime::errors::BoxError;

/// A step that failed.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The UDP port could not be had.
    #[error("cannot use the UDP address {address}: is the port taken, or the address not here?")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The TLS configuration is not one for QUIC.
    #[error("the TLS configuration lacks what QUIC needs")]
    Tls(#[source] BoxError),
    /// The system has no address of the family to dial from.
    #[error("this machine has no address to dial {address} from")]
    Family {
        /// Which address was to be dialed.
        address: SocketAddr,
    },
    /// The connection could not even be begun.
    #[error("cannot dial {address}")]
    Dial {
        /// Which address.
        address: SocketAddr,
        /// What the library says.
        source: BoxError,
    },
    /// The handshake failed.
    #[error("no connection with {remote}")]
    Handshake {
        /// The other end.
        remote: SocketAddr,
        /// Why.
        source: Loss,
    },
    /// The handshake took too long.
    #[error(
        "no answer from {remote} within {} s: check the address, that its UDP port is open on the \
         way, and that it runs", .after.as_secs()
    )]
    Unanswered {
        /// The other end.
        remote: SocketAddr,
        /// How long it was waited.
        after: Duration,
    },
    /// A caller did not finish its handshake.
    #[error("{remote} did not finish its handshake within {} s", .after.as_secs())]
    Stalled {
        /// The other end.
        remote: SocketAddr,
        /// How long it was waited.
        after: Duration,
    },
    /// The peer of a link is nobody of a federation.
    #[error("the peer at {remote} can't be known")]
    Identity {
        /// The other end.
        remote: SocketAddr,
        /// Why.
        source: IdentityError,
    },
    /// Who answers at a door has no key that it could be known by.
    #[error("nobody can be known at {remote}")]
    Door {
        /// The other end.
        remote: SocketAddr,
        /// Why.
        source: DoorKeyError,
    },
    /// Who answers at a door has another key than was confirmed.
    #[error("who answers at {remote} has the key {shown}, which is not the confirmed one")]
    OtherKey {
        /// The other end.
        remote: SocketAddr,
        /// Its key.
        shown: Fingerprint,
    },
    /// The connection is of another protocol than was asked for.
    #[error("the peer at {remote} agreed on no protocol of ours")]
    Protocol {
        /// The other end.
        remote: SocketAddr,
    },
    /// As many joins are going on as may.
    #[error("too many joins are going on to take another from {remote}")]
    JoinsFull {
        /// The other end.
        remote: SocketAddr,
    },
    /// A caller had not asked for anything yet, or not taken its answer, when its place was wanted.
    #[error("{remote} said nothing, and gave way to another caller")]
    GaveWay {
        /// The other end.
        remote: SocketAddr,
    },
    /// The peer did not open its control stream, or not ask for what it came.
    #[error("the peer at {remote} said nothing within {} s", .after.as_secs())]
    Speechless {
        /// The other end.
        remote: SocketAddr,
        /// How long it was waited.
        after: Duration,
    },
    /// The connection is gone.
    #[error("the connection is gone")]
    Lost(#[from] Loss),
    /// What came is no frame.
    #[error("cannot read from the connection")]
    Read(#[from] ReadError),
    /// What was to be said could not be.
    #[error("cannot write to the connection")]
    Write(#[from] WriteError),
    /// The connection has no secret to bind proofs to.
    #[error("the connection can't be bound to: its handshake is not finished")]
    Binding,
    /// The name could not be looked up.
    #[error("cannot look up {host}: check the name and this machine's DNS")]
    Resolve {
        /// The host with its port.
        host: String,
        /// What the system says.
        source: io::Error,
    },
    /// The name has no address.
    #[error("{host} has no address")]
    NoAddress {
        /// The host with its port.
        host: String,
    },
}

impl From<quinn::ConnectionError> for TransportError {
    fn from(error: quinn::ConnectionError) -> Self {
        Self::Lost(error.into())
    }
}
