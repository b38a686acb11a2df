//! A federation with certificates, a hub's port, agents, and their frames.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::ids::{FederationId, HubId, RegionId};
use shared::pki::*;
use shared::runtime::clock::Clock;
use shared::transport::*;
use shared::wire::frame::{Control, Heartbeat};

pub(crate) const HUB: Peer = Peer::Hub(HubId::from_bytes([0xaa; 16]));

/// A region by its number.
pub(crate) fn region(number: u8) -> Peer {
    Peer::Region(RegionId::from_bytes([number; 16]))
}

pub(crate) fn localhost() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A CA, and a clock that tests may turn.
pub(crate) struct Federation {
    pub(crate) authority: Authority,
    ahead_secs: Arc<AtomicU64>,
}

impl Federation {
    pub(crate) fn new(number: u8) -> Self {
        let id = FederationId::from_bytes([number; 16]);
        let authority = Authority::create(id, now_secs()).unwrap();
        Self {
            authority,
            ahead_secs: Arc::default(),
        }
    }

    /// Lets time pass for whoever checks certificates here.
    pub(crate) fn advance(&self, by: Duration) {
        self.ahead_secs.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> TlsClock {
        let ahead = Arc::clone(&self.ahead_secs);
        TlsClock::from_fn(move || now_secs() + ahead.load(Ordering::SeqCst))
    }

    pub(crate) fn anchors(&self) -> TrustAnchors {
        TrustAnchors::of(self.authority.anchor().clone())
    }

    pub(crate) fn member(&self, peer: Peer, lifetime: Duration) -> Arc<Slot<LinkCredential>> {
        let key = BoundKey::generate().unwrap();
        let csr = Csr::create(&key).unwrap();
        let validity = Validity::starting(now_secs(), lifetime);
        let serial = Serial::generate().unwrap();
        let issued = self.authority.issue(&csr, peer, serial, validity).unwrap();
        Slot::new(LinkCredential::new(&key, &issued.der, self.authority.anchor()).unwrap())
    }

    pub(crate) fn hub_tls(&self) -> shared::pki::ServerTls {
        let own = self.member(HUB, Duration::from_secs(3600));
        link_server(&self.anchors(), &own, &self.clock()).unwrap()
    }

    pub(crate) fn agent_tls(&self, number: u8) -> ClientTls {
        let own = self.member(region(number), Duration::from_secs(3600));
        link_client(&self.anchors(), &own, &TlsClock::system()).unwrap()
    }

    /// A hub's port on the loopback.
    pub(crate) fn listen(&self) -> Arc<Listener> {
        Arc::new(Listener::bind(localhost(), self.hub_tls(), &options()).unwrap())
    }

    pub(crate) fn dialer(&self, number: u8) -> Dialer {
        Dialer::new(self.agent_tls(number), DialOptions::default()).unwrap()
    }

    /// Both ends of a link.
    pub(crate) async fn link(&self) -> Link {
        let listener = self.listen();
        let dialer = self.dialer(1);
        let (hub, agent) = meet(&listener, dialer.dial(listener.address())).await;
        Link {
            listener,
            dialer,
            hub,
            agent,
        }
    }
}

pub(crate) fn options() -> ListenOptions {
    ListenOptions::new(ResetKey::from_bytes([7; 64]))
}

/// Both ends of a link, with what they stand on.
pub(crate) struct Link {
    pub(crate) listener: Arc<Listener>,
    pub(crate) dialer: Dialer,
    pub(crate) hub: LinkConnection,
    pub(crate) agent: LinkConnection,
}

impl Link {
    /// The control streams: the hub's, then the agent's, with one heartbeat through already.
    pub(crate) async fn controls(&self) -> [(FrameWriter, FrameReader); 2] {
        let mut agent = self.agent.control().await.unwrap();
        agent.0.write(heartbeat(0)).await.unwrap();
        let mut hub = self.hub.control().await.unwrap();
        assert_eq!(next_count(&mut hub.1).await, 0);
        [hub, agent]
    }
}

/// The two ends of what `dial` brings about.
pub(crate) async fn meet(
    listener: &Listener,
    dial: impl Future<Output = Result<LinkConnection, TransportError>>,
) -> (LinkConnection, LinkConnection) {
    let (hub, agent) = tokio::join!(accept_link(listener), dial);
    (hub, agent.unwrap())
}

pub(crate) async fn accept(listener: &Listener) -> Result<Accepted, TransportError> {
    listener.accept().await.unwrap().handshake().await
}

pub(crate) async fn accept_link(listener: &Listener) -> LinkConnection {
    match accept(listener).await.unwrap() {
        Accepted::Link(link) => link,
        Accepted::Join(_) | Accepted::Adopt(_) => panic!("somebody joins"),
    }
}

pub(crate) fn now_secs() -> u64 {
    Clock::system().unix_millis().0 / 1000
}

pub(crate) fn encoded(frame: &Control<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).unwrap();
    bytes
}

pub(crate) fn heartbeat(count: u32) -> Vec<u8> {
    encoded(&Control::Heartbeat(Heartbeat { count }))
}

/// Reads a heartbeat's count.
pub(crate) async fn next_count(reader: &mut FrameReader) -> u32 {
    let frame = reader.next().await.unwrap().unwrap();
    match Control::decode(frame.kind, &frame.payload).unwrap() {
        Some(Control::Heartbeat(heartbeat)) => heartbeat.count,
        other => panic!("{other:?}"),
    }
}

/// A frame of any kind.
pub(crate) fn raw(kind: u16, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap();
    [&kind.to_le_bytes(), &len.to_le_bytes()[..], payload].concat()
}

/// Asks until it is so, for ten seconds.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never came true: {what}");
}
