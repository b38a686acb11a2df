//! Strangers who begin a handshake and never end it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use super::rig::{Rig, stranger};

/// A datagram that QUIC fills on loopback.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Long header and packet type in a packet's first byte, and a `Retry` there (RFC 9000 §17.2.5).
const LONG_TYPE: u8 = 0b1011_0000;
const RETRY: u8 = 0b1011_0000;

/// A way to a door on which nothing comes back but what asks a caller to prove its address: whoever
/// calls over it is proven, and its handshake never ends.
struct Stalling {
    address: SocketAddr,
    retries: Arc<AtomicUsize>,
    _relay: JoinSet<()>,
}

impl Stalling {
    async fn before(door: SocketAddr) -> Self {
        let any = (Ipv4Addr::LOCALHOST, 0);
        let front = UdpSocket::bind(any).await.unwrap();
        let back = UdpSocket::bind(any).await.unwrap();
        back.connect(door).await.unwrap();
        let address = front.local_addr().unwrap();
        let retries = Arc::new(AtomicUsize::new(0));
        let (counted, mut relay) = (Arc::clone(&retries), JoinSet::new());
        relay.spawn(async move {
            let mut caller = None;
            let mut up = vec![0; DATAGRAM_BYTES_MAX];
            let mut down = vec![0; DATAGRAM_BYTES_MAX];
            loop {
                tokio::select! {
                    read = front.recv_from(&mut up) => {
                        let (bytes, from) = read.unwrap();
                        caller = Some(from);
                        back.send(&up[..bytes]).await.unwrap();
                    }
                    read = back.recv(&mut down) => {
                        let bytes = read.unwrap();
                        let Some(caller) = caller.filter(|_| down[0] & LONG_TYPE == RETRY) else {
                            continue;
                        };
                        counted.fetch_add(1, Ordering::Relaxed);
                        front.send_to(&down[..bytes], caller).await.unwrap();
                    }
                }
            }
        });
        Self {
            address,
            retries,
            _relay: relay,
        }
    }

    fn retries(&self) -> usize {
        self.retries.load(Ordering::Relaxed)
    }

    /// Whether so many are asked to prove their address, soon.
    async fn asks(&self, count: usize) -> bool {
        let asking = async {
            while self.retries() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let soon = Duration::from_millis(900);
        tokio::time::timeout(soon, asking).await.is_ok()
    }
}

/// Two who are in and silent, two handshakes that are not proven, and four that are: eight.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_door_still_answers_first_packets() {
    let rig = Rig::new().await;
    let way = Stalling::before(rig.door.to_string().parse().unwrap()).await;
    let dialer = Arc::new(stranger());
    let silent = [rig.knock().await, rig.knock().await];
    let mut calls = JoinSet::new();
    let mut call = || {
        let (dialer, address) = (Arc::clone(&dialer), way.address.to_string());
        calls.spawn(async move { dialer.dial_host(&address, None).await.map(drop) });
    };
    for (called, retries) in (1..=6).zip([0, 0, 1, 2, 3, 4]) {
        call();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(way.asks(retries).await, "call {called}: {}", way.retries());
    }
    // The ninth is not let in, and hears so much all the same.
    call();
    assert!(way.asks(5).await, "{}", way.retries());
    drop(silent);
    calls.shutdown().await;
    // Handshakes that never end make room, too.
    tokio::time::sleep(Duration::from_secs(11)).await;
    rig.is_as_before().await;
}
