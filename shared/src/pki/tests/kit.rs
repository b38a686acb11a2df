//! A federation with its members, and a wire between two TLS ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use crate::ids::{FederationId, HubId, RegionId};
use crate::pki::*;

/// Some day in 2027.
pub(super) const START: u64 = 1_800_000_000;
pub(super) const HOUR: u64 = 3600;

pub(super) const FEDERATION: FederationId = FederationId::from_bytes([0xfe; 16]);
pub(super) const HUB: Peer = Peer::Hub(HubId::from_bytes([0xaa; 16]));
pub(super) const REGION: Peer = Peer::Region(RegionId::from_bytes([0xbb; 16]));

/// A clock that only the test turns.
#[derive(Clone)]
pub(super) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(super) fn at(secs: u64) -> Self {
        Self(Arc::new(AtomicU64::new(secs)))
    }

    pub(super) fn turn_to(&self, secs: u64) {
        self.0.store(secs, Ordering::SeqCst);
    }

    pub(super) fn tls(&self) -> TlsClock {
        let secs = Arc::clone(&self.0);
        TlsClock::from_fn(move || secs.load(Ordering::SeqCst))
    }
}

pub(super) fn authority() -> Authority {
    Authority::create(FEDERATION, START).unwrap()
}

pub(super) fn a_day() -> Validity {
    Validity::starting(START, Duration::from_secs(24 * HOUR))
}

/// A member with a new key and a certificate for it.
pub(super) fn member(ca: &Authority, peer: Peer, validity: Validity) -> LinkCredential {
    let key = BoundKey::generate().unwrap();
    let csr = Csr::create(&key).unwrap();
    let issued = ca
        .issue(&csr, peer, Serial::generate().unwrap(), validity)
        .unwrap();
    LinkCredential::new(&key, &issued.der, ca.anchor()).unwrap()
}

pub(super) fn slot(ca: &Authority, peer: Peer) -> Arc<Slot<LinkCredential>> {
    Slot::new(member(ca, peer, a_day()))
}

pub(super) fn anchors(ca: &Authority) -> TrustAnchors {
    TrustAnchors::of(ca.anchor().clone())
}

/// Both ends of a finished handshake.
pub(super) struct Link {
    pub(super) client: ClientConnection,
    pub(super) server: ServerConnection,
}

impl Link {
    /// Whom the client sees.
    pub(super) fn hub(&self) -> PeerIdentity {
        seen(&self.client).unwrap()
    }

    /// Whom the server sees.
    pub(super) fn caller(&self) -> Result<PeerIdentity, IdentityError> {
        seen(&self.server)
    }

    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.client.peer_certificates().unwrap().to_vec()
    }

    pub(super) fn bindings(&self) -> [ChannelBinding; 2] {
        let label = ChannelBinding::LABEL;
        let client = self
            .client
            .export_keying_material([0; 32], label, Some(&[]))
            .unwrap();
        let server = self
            .server
            .export_keying_material([0; 32], label, Some(&[]))
            .unwrap();
        [client, server].map(ChannelBinding::from_exported)
    }
}

/// Reads the identity just as the QUIC library's boxed chain is read.
fn seen<D>(end: &rustls::ConnectionCommon<D>) -> Result<PeerIdentity, IdentityError> {
    require_identity(
        end.peer_certificates()
            .map(|chain| Box::new(chain.to_vec()) as _),
    )
}

/// Shakes hands by the link's server name.
pub(super) fn shake(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> Result<Link, rustls::Error> {
    shake_as(HUB_NAME, client, server)
}

/// Shakes hands until both ends are done, or one refuses.
pub(super) fn shake_as(
    name: &str,
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> Result<Link, rustls::Error> {
    let name = ServerName::try_from(name).unwrap().to_owned();
    let mut client = Connection::from(ClientConnection::new(Arc::clone(client), name).unwrap());
    let mut server = Connection::from(ServerConnection::new(Arc::clone(server)).unwrap());
    // A full handshake takes two rounds; one more lets tickets and late alerts through.
    for _ in 0..4 {
        carry(&mut client, &mut server)?;
        carry(&mut server, &mut client)?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    let (Connection::Client(client), Connection::Server(server)) = (client, server) else {
        unreachable!("made as such above")
    };
    Ok(Link { client, server })
}

fn carry(from: &mut Connection, to: &mut Connection) -> Result<(), rustls::Error> {
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire).unwrap();
    }
    let mut wire = wire.as_slice();
    while !wire.is_empty() {
        to.read_tls(&mut wire).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}
