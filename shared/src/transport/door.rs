//! A hub's way to an unjoined agent: one connection, one question, to whoever holds a key.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::close::CloseCode;
use super::config;
use super::dial::Dialer;
use super::error::TransportError;
use super::frames::RawFrame;
use super::join::exchange;
use super::options::DialOptions;
use super::resolve::{race, resolve};
use super::socket::plain;
use super::tls::ClientTls;
use crate::pki::{ADOPT_ALPN, Fingerprint, door_key};

/// A hub's end of its connections to doors.
#[derive(Debug)]
pub struct DoorDialer(Dialer);

impl DoorDialer {
    /// Binds the sockets, on ports that the system picks. Within a Tokio runtime. `tls` is one of
    /// `pki::adoption_client`.
    ///
    /// # Errors
    /// As [`Dialer::new`].
    pub fn new(tls: ClientTls) -> Result<Self, TransportError> {
        let config = config::door_client(tls)?;
        Dialer::with(config, DialOptions::default()).map(Self)
    }

    /// Connects to an unjoined agent's door by `host:port`, in 15 s at most. With a key that was
    /// confirmed, whoever has another one is left before anything is said.
    ///
    /// # Errors
    /// If the name has no address; else why the last of its addresses failed.
    pub async fn dial_host(
        &self,
        host: &str,
        confirmed: Option<Fingerprint>,
    ) -> Result<DoorConnection, TransportError> {
        race(resolve(host).await?, |address| {
            self.dial(address, confirmed)
        })
        .await
    }

    async fn dial(
        &self,
        remote: SocketAddr,
        confirmed: Option<Fingerprint>,
    ) -> Result<DoorConnection, TransportError> {
        let connection = self.0.connect(remote, ADOPT_ALPN).await?;
        let remote = plain(remote);
        let key = door_key(connection.peer_identity())
            .map_err(|source| TransportError::Door { remote, source })?;
        if confirmed.is_some_and(|confirmed| confirmed != key) {
            connection.close(CloseCode::Refused.var_int(), &[]);
            return Err(TransportError::OtherKey { remote, shown: key });
        }
        Ok(DoorConnection { connection, key })
    }
}

/// A hub's end of a visit at a door.
#[derive(Debug)]
pub struct DoorConnection {
    connection: quinn::Connection,
    key: Fingerprint,
}

impl DoorConnection {
    /// The key that the other side has proven to hold.
    pub const fn key(&self) -> Fingerprint {
        self.key
    }

    /// Where the door is.
    pub fn remote(&self) -> SocketAddr {
        plain(self.connection.remote_address())
    }

    /// Sends one encoded frame, and waits for the agent's.
    ///
    /// # Errors
    /// If the connection is lost, the agent sends something else, or takes longer than
    /// `answer_max`. Whether it did what it was asked is then not known.
    pub async fn exchange(
        self,
        request: impl Into<Bytes>,
        answer_max: Duration,
    ) -> Result<RawFrame, TransportError> {
        exchange(&self.connection, request.into(), answer_max).await
    }
}
