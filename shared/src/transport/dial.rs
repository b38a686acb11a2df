//! An agent's way out: to its hub, or to one that it wants to join.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quinn::{Endpoint, TokioRuntime};

use super::close::CloseCode;
use super::config;
use super::connection::LinkConnection;
use super::error::TransportError;
use super::join::JoinConnection;
use super::options::DialOptions;
use super::resolve::{race, resolve};
use super::socket::bind;
use super::tls::{ClientTls, protocol};
use crate::pki::{HUB_NAME, JOIN_ALPN, LINK_ALPN, require_identity};

/// The time that a connection may take: with the first packets lost, QUIC repeats after 1, 3 and
/// 7 s.
const DIAL_MAX: Duration = Duration::from_secs(10);

/// An agent's end of its connections: a UDP socket for each family that the machine has.
#[derive(Debug)]
pub struct Dialer {
    endpoints: Vec<Endpoint>,
    config: Mutex<quinn::ClientConfig>,
    options: DialOptions,
}

impl Dialer {
    /// Binds the sockets, on ports that the system picks. Within a Tokio runtime.
    ///
    /// `tls` decides what may be dialed: [`dial`](Self::dial) takes one of `pki::link_client`,
    /// [`dial_join`](Self::dial_join) one of `pki::join_client` or `pki::recovery_client`.
    ///
    /// # Errors
    /// If the machine has no family at all, or the TLS configuration is not one for QUIC.
    pub fn new(tls: ClientTls, options: DialOptions) -> Result<Self, TransportError> {
        Self::with(config::client(tls, &options)?, options)
    }

    /// The same with settings of the caller's.
    pub(super) fn with(
        config: quinn::ClientConfig,
        options: DialOptions,
    ) -> Result<Self, TransportError> {
        let v6 = endpoint((Ipv6Addr::UNSPECIFIED, 0).into());
        let v4 = endpoint((Ipv4Addr::UNSPECIFIED, 0).into());
        let endpoints = match (v4, v6) {
            (Ok(v4), Ok(v6)) => vec![v4, v6],
            (Ok(one), Err(_)) | (Err(_), Ok(one)) => vec![one],
            (Err(error), Err(_)) => return Err(error),
        };
        Ok(Self {
            endpoints,
            config: Mutex::new(config),
            options,
        })
    }

    /// Takes another TLS configuration for connections to come. A renewed own certificate needs
    /// none: it goes through its slot.
    ///
    /// # Errors
    /// If it is not one for QUIC; the old one then stays.
    pub fn replace_tls(&self, tls: ClientTls) -> Result<(), TransportError> {
        let config = config::client(tls, &self.options)?;
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Connects to a hub, in 10 s at most. The hub may still refuse this side's certificate: that
    /// shows when the first frame is awaited (TLS 1.3 has no later word for it).
    ///
    /// # Errors
    /// If nobody answers, or somebody who is not a hub of a trusted CA.
    pub async fn dial(&self, address: SocketAddr) -> Result<LinkConnection, TransportError> {
        let connection = self.connect(address, LINK_ALPN).await?;
        let identity = require_identity(connection.peer_identity()).map_err(|source| {
            TransportError::Identity {
                remote: address,
                source,
            }
        })?;
        Ok(LinkConnection::dialed(connection, identity))
    }

    /// Connects to a hub to join or to recover, in 10 s at most.
    ///
    /// # Errors
    /// If nobody answers, or somebody who is not a hub of the pinned or trusted CA.
    pub async fn dial_join(&self, address: SocketAddr) -> Result<JoinConnection, TransportError> {
        let connection = self.connect(address, JOIN_ALPN).await?;
        let identity = require_identity(connection.peer_identity()).map_err(|source| {
            TransportError::Identity {
                remote: address,
                source,
            }
        })?;
        Ok(JoinConnection::new(connection, identity))
    }

    /// [`dial`](Self::dial) by `host:port`: all addresses of the name are tried, a quarter of a
    /// second apart, IPv6 and IPv4 by turns (RFC 8305).
    ///
    /// # Errors
    /// If the name has no address; else why the last of them failed.
    pub async fn dial_host(&self, host: &str) -> Result<LinkConnection, TransportError> {
        race(resolve(host).await?, |address| self.dial(address)).await
    }

    /// [`dial_join`](Self::dial_join) by `host:port`.
    ///
    /// # Errors
    /// As [`dial_host`](Self::dial_host).
    pub async fn dial_join_host(&self, host: &str) -> Result<JoinConnection, TransportError> {
        race(resolve(host).await?, |address| self.dial_join(address)).await
    }

    /// Moves to new sockets, as after a change of networks. Connections go on, if the hub can still
    /// be reached.
    ///
    /// # Errors
    /// If the system gives no sockets; the old ones then stay.
    pub fn rebind(&self) -> Result<(), TransportError> {
        for endpoint in &self.endpoints {
            let Ok(old) = endpoint.local_addr() else {
                continue;
            };
            let address = SocketAddr::new(old.ip(), 0);
            let socket = bind(address);
            let moved = socket.and_then(|socket| endpoint.rebind(socket));
            moved.map_err(|source| TransportError::Bind { address, source })?;
        }
        Ok(())
    }

    /// Closes all connections.
    pub fn close(&self, code: CloseCode, reason: &str) {
        for endpoint in &self.endpoints {
            endpoint.close(code.var_int(), reason.as_bytes());
        }
    }

    /// Waits until all hubs were told of their closing, or `limit` has passed. Whether they were.
    pub async fn drained(&self, limit: Duration) -> bool {
        let idle = async {
            for endpoint in &self.endpoints {
                endpoint.wait_idle().await;
            }
        };
        tokio::time::timeout(limit, idle).await.is_ok()
    }

    pub(super) async fn connect(
        &self,
        address: SocketAddr,
        wanted: &'static [u8],
    ) -> Result<quinn::Connection, TransportError> {
        let address = super::socket::plain(address);
        let config = self
            .config
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let endpoint = self
            .endpoints
            .iter()
            .find(|endpoint| {
                endpoint
                    .local_addr()
                    .is_ok_and(|local| local.is_ipv4() == address.is_ipv4())
            })
            .ok_or(TransportError::Family { address })?;
        let connecting = endpoint
            .connect_with(config, address, HUB_NAME)
            .map_err(|error| TransportError::Dial {
                address,
                source: error.into(),
            })?;
        let connection = tokio::time::timeout(DIAL_MAX, connecting)
            .await
            .map_err(|_| TransportError::Unanswered {
                remote: address,
                after: DIAL_MAX,
            })?
            .map_err(|error| TransportError::Handshake {
                remote: address,
                source: error.into(),
            })?;
        if protocol(&connection).as_deref() == Some(wanted) {
            Ok(connection)
        } else {
            connection.close(CloseCode::Protocol.var_int(), &[]);
            Err(TransportError::Protocol { remote: address })
        }
    }
}

fn endpoint(address: SocketAddr) -> Result<Endpoint, TransportError> {
    let failed = |source| TransportError::Bind { address, source };
    let socket = bind(address).map_err(failed)?;
    Endpoint::new(
        config::client_endpoint(),
        None,
        socket,
        Arc::new(TokioRuntime),
    )
    .map_err(failed)
}
