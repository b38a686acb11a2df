//! Where the PKI's TLS configurations meet QUIC.

use std::sync::Arc;

use quinn::crypto::rustls::{HandshakeData, QuicClientConfig, QuicServerConfig};

use super::error::TransportError;

/// As `pki::link_server` makes it.
pub type ServerTls = Arc<rustls::ServerConfig>;

/// As `pki::link_client`, `pki::join_client` and `pki::recovery_client` make it.
pub type ClientTls = Arc<rustls::ClientConfig>;

pub(super) fn server(tls: ServerTls) -> Result<Arc<QuicServerConfig>, TransportError> {
    let crypto = QuicServerConfig::try_from(tls).map_err(|e| TransportError::Tls(e.into()))?;
    Ok(Arc::new(crypto))
}

pub(super) fn client(tls: ClientTls) -> Result<Arc<QuicClientConfig>, TransportError> {
    let crypto = QuicClientConfig::try_from(tls).map_err(|e| TransportError::Tls(e.into()))?;
    Ok(Arc::new(crypto))
}

/// The protocol that both sides agreed on (ALPN, RFC 7301).
pub(super) fn protocol(connection: &quinn::Connection) -> Option<Vec<u8>> {
    connection
        .handshake_data()?
        .downcast::<HandshakeData>()
        .ok()?
        .protocol
}
