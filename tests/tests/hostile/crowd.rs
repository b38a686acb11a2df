//! Connections by the ten thousand that never speak: first packets behind which nobody is, and
//! handshakes that are finished and lead to nothing.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use idp_hub::fleet::State;
use shared::pki::{TlsClock, join_client};
use shared::transport::{DialOptions, Dialer};
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::log;
use super::stage::Stage;

/// First packets, each of another connection and a stranger's. A whole handshake costs a debug
/// build's two ends thirty times as much, and the hub no more while nobody goes on with it.
const KNOCKS: usize = 9_600;

/// First packets made at once.
const KNOCKS_AT_ONCE: usize = 96;

/// Connections whose handshake is finished, by a certificate and without one.
const CONNECTIONS: usize = 400;

/// How many of each sort shake hands at once: their own half of the work is this process's too, and
/// would else be what the honest region waits for.
const WAVE: usize = 16;

/// What the hub may say about all of it: a line for each sort of offence of each peer.
const LINES_MAX: usize = 8;

/// The whole attack, in a debug build on two cores.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Connects, says nothing, and stays until the hub has had enough.
async fn crowd(dialer: Arc<Dialer>, hub: SocketAddr, member: bool) -> usize {
    let mut calls = JoinSet::new();
    let mut ended = 0;
    let wave = Arc::new(Semaphore::new(WAVE));
    for _ in 0..CONNECTIONS / 2 {
        let shaking = Arc::clone(&wave).acquire_owned().await.unwrap();
        let dialer = Arc::clone(&dialer);
        calls.spawn(async move {
            if member {
                if let Ok(link) = dialer.dial(hub).await {
                    drop(shaking);
                    // Even the control stream stays shut.
                    tokio::time::timeout(Duration::from_secs(60), link.closed())
                        .await
                        .unwrap();
                }
            } else if let Ok(call) = dialer.dial_join(hub).await {
                drop(shaking);
                tokio::time::sleep(Duration::from_secs(12)).await;
                drop(call);
            }
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
        ended += 1;
    }
    ended
}

/// The connection that a first packet is to begin, if it is one (RFC 9000 §17.2.2).
fn begins(packet: &[u8]) -> Option<&[u8]> {
    let is_initial = packet.first()? & 0xf0 == 0xc0;
    let id = packet.get(6..6 + usize::from(*packet.get(5)?))?;
    is_initial.then_some(id)
}

/// Sends the hub first packets of so many connections, from addresses where nobody listens: each is
/// a real one, made by a dialer that believes the hub to be elsewhere.
async fn knock(dialer: Arc<Dialer>, hub: SocketAddr) -> usize {
    let elsewhere = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = elsewhere.local_addr().unwrap();
    let mut known = HashSet::new();
    let mut packet = [0; 2048];
    while known.len() < KNOCKS {
        let mut dials = JoinSet::new();
        for _ in 0..KNOCKS_AT_ONCE {
            let dialer = Arc::clone(&dialer);
            dials.spawn(async move { dialer.dial_join(address).await.is_ok() });
        }
        let wanted = known.len() + KNOCKS_AT_ONCE;
        let stranger = [127, 0, 1, (wanted / KNOCKS_AT_ONCE) as u8];
        let stranger = UdpSocket::bind((Ipv4Addr::from(stranger), 0))
            .await
            .unwrap();
        while known.len() < wanted {
            let (bytes, _) = elsewhere.recv_from(&mut packet).await.unwrap();
            if let Some(id) = begins(&packet[..bytes])
                && known.insert(id.to_vec())
            {
                stranger.send_to(&packet[..bytes], hub).await.unwrap();
            }
        }
        dials.abort_all();
    }
    known.len()
}

/// Looks at the honest region until it is dropped.
async fn stays_healthy(stage: &Stage) {
    loop {
        let view = stage.hub.hub.board.region("honest").unwrap().view;
        let condition = &view.condition;
        assert_eq!(condition.state, State::Healthy, "{condition:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_that_never_speak_cost_little_and_are_soon_gone() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let (hub, id) = (traitor.hub, traitor.id());
    let pin = stage.hub.hub.authority.anchor().pin();
    let tls = join_client(pin, &TlsClock::system()).unwrap();
    let strangers = Arc::new(Dialer::new(tls, DialOptions::default()).unwrap());
    let members = Arc::new(traitor.dialer);
    stage.hub.shows("honest", State::Healthy).await;
    let begun = Instant::now();
    let attack = async {
        tokio::join!(
            crowd(members, hub, true),
            crowd(Arc::clone(&strangers), hub, false),
            knock(strangers, hub),
        )
    };
    let (silent, joiners, knocks) = tokio::select! {
        attackers = attack => attackers,
        () = stays_healthy(&stage) => unreachable!(),
    };
    assert_eq!(silent + joiners, CONNECTIONS);
    assert!(knocks >= KNOCKS, "{knocks}");
    assert!(begun.elapsed() < TIME_MAX, "{:?}", begun.elapsed());
    assert_eq!(
        stage.hub.hub.registry.len(),
        1,
        "only the honest region has a session"
    );
    let logged = log::lines_with(&["never became a session", &id]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    let logged = log::lines_with(&[]);
    assert!(logged.len() <= LINES_MAX, "{logged:?}");
    eprintln!(
        "{knocks} first packets, {silent} links and {joiners} joins in {:?}, {} lines",
        begun.elapsed(),
        logged.len()
    );
    stage.stands().await;
}
