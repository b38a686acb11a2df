//! QUIC alone: what a connection with both certificates costs in the library itself.
//!
//! Its settings are the library's, but for the room that it would keep for streams and packets that
//! nobody sends. One small request is answered, as a greeting is. What the link takes beyond this
//! is ours; what a fleet's return takes can't be less.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use quinn::VarInt;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};

use super::tls::{Identities, server_config};

/// As large as an agent's greeting.
const REQUEST: [u8; 200] = [1; 200];

/// As large as a hub's.
const ANSWER: [u8; 100] = [2; 100];

/// Serves until the process is ended.
pub async fn serve(dir: &Path, port: u16) {
    let mut crypto = server_config(&Identities::load(dir));
    // As at a hub: nothing is resumed.
    crypto.send_tls13_tickets = 0;
    let config = QuicServerConfig::try_from(crypto).unwrap();
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(config));
    config.transport_config(Arc::new(transport()));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let endpoint = quinn::Endpoint::server(config, address).unwrap();
    println!("READY {}", endpoint.local_addr().unwrap());
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(async move {
            let connection = incoming.await.unwrap();
            let (mut send, mut receive) = connection.accept_bi().await.unwrap();
            let mut request = REQUEST;
            receive.read_exact(&mut request).await.unwrap();
            send.write_all(&ANSWER).await.unwrap();
            connection.closed().await;
        });
    }
}

/// A client that the server has taken, on a socket of its own.
pub struct Client(quinn::Connection);

impl Client {
    /// Connects, asks, and has its answer.
    pub async fn connect(tls: &Arc<rustls::ClientConfig>, server: SocketAddr) -> Self {
        let crypto = QuicClientConfig::try_from(Arc::clone(tls)).unwrap();
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::new(transport()));
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let endpoint = quinn::Endpoint::client(local).unwrap();
        let connecting = endpoint.connect_with(config, server, "localhost").unwrap();
        let connection = connecting.await.unwrap();
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        send.write_all(&REQUEST).await.unwrap();
        let mut answer = ANSWER;
        receive.read_exact(&mut answer).await.unwrap();
        Self(connection)
    }

    /// Stays connected.
    pub async fn idle(self) -> String {
        self.0.closed().await.to_string()
    }
}

fn transport() -> quinn::TransportConfig {
    let mut config = quinn::TransportConfig::default();
    config
        .max_idle_timeout(None)
        .max_concurrent_bidi_streams(VarInt::from_u32(2))
        .max_concurrent_uni_streams(VarInt::from_u32(12))
        .receive_window(VarInt::from_u32(128 << 10))
        .send_window(128 << 10)
        .enable_segmentation_offload(false)
        .mtu_discovery_config(None)
        .datagram_receive_buffer_size(None);
    config
}
