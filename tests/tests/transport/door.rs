//! Strangers by the thousand: they cost little, and those who belong get in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::pki::{TlsClock, join_client};
use shared::transport::*;
use tests::relay::{Faults, Relay, Way};
use tokio::task::JoinSet;

use super::kit::*;

/// A hub that serves whoever comes: links are held, joins wait for their request.
struct Open {
    listener: Arc<Listener>,
    _tasks: JoinSet<()>,
}

fn open(federation: &Federation, options: &ListenOptions) -> Open {
    open_at(localhost(), federation, options)
}

fn open_at(address: SocketAddr, federation: &Federation, options: &ListenOptions) -> Open {
    let listener = Listener::bind(address, federation.hub_tls(), options).unwrap();
    let listener = Arc::new(listener);
    let door = Arc::clone(&listener);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut callers = JoinSet::new();
        while let Some(arrival) = door.accept().await {
            callers.spawn(async move {
                match arrival.handshake().await {
                    Ok(Accepted::Link(link)) => drop(link.closed().await),
                    Ok(Accepted::Join(call) | Accepted::Adopt(call)) => drop(call.request().await),
                    Err(_refused) => {}
                }
            });
        }
    });
    Open {
        listener,
        _tasks: tasks,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_that_never_answer_are_bounded_and_shut_nobody_out() {
    let federation = Federation::new(1);
    let hub = open(&federation, &options());
    let relay = Relay::start(hub.listener.address(), 1).await.unwrap();
    // Nothing comes back, so that no address is ever proven: forged ones look just so.
    relay.set(
        Way::Down,
        Faults {
            is_cut: true,
            ..Faults::default()
        },
    );
    let strangers = Arc::new(federation.dialer(9));
    let mut dials = JoinSet::new();
    for _ in 0..3000 {
        let (strangers, address) = (Arc::clone(&strangers), relay.address());
        dials.spawn(async move { strangers.dial(address).await.map(drop) });
    }
    let listener = &hub.listener;
    eventually("most were asked to prove themselves", || {
        listener.counts().retried > 2000
    })
    .await;
    let counts = listener.counts();
    assert!(counts.handshakes <= 64, "{counts:?}");
    assert!(listener.connections() <= 64, "{}", listener.connections());

    let started = Instant::now();
    let link = federation.dialer(1).dial(listener.address()).await.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(link.loss(), None);
    dials.shutdown().await;
}

/// What a fleet does whose hub is back. Ignored callers would call again by themselves, but only
/// after a second, and then after three and seven.
#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_calls_at_once_waits_for_its_places_and_needs_no_second_call() {
    const CALLERS: u64 = 400;
    let federation = Federation::new(1);
    let options = ListenOptions {
        handshakes_max: 8,
        retry_above: 2,
        handshakes_per_source_max: 4,
        ..options()
    };
    let hub = open(&federation, &options);
    let fleet = Arc::new(federation.dialer(1));
    let mut dials = JoinSet::new();
    for _ in 0..CALLERS {
        let (fleet, address) = (Arc::clone(&fleet), hub.listener.address());
        dials.spawn(async move { fleet.dial(address).await.unwrap() });
    }
    let mut waited = 0;
    let mut links = Vec::new();
    while let Some(link) = dials.join_next().await {
        links.push(link.unwrap());
        waited = waited.max(hub.listener.counts().waiting);
    }
    assert!(waited > 8, "{waited} waited");
    let counts = hub.listener.counts();
    assert_eq!((counts.waiting, counts.ignored), (0, 0), "{counts:?}");
    assert_eq!((counts.displaced, counts.late), (0, 0), "{counts:?}");
    assert!(links.iter().all(|link| link.loss().is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn joiners_that_never_ask_are_few_and_soon_gone() {
    let federation = Federation::new(1);
    let hub = open(&federation, &options());
    let tls = join_client(federation.authority.pin(), &TlsClock::system()).unwrap();
    let dialer = Dialer::new(tls, DialOptions::default()).unwrap();
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(dialer.dial_join(hub.listener.address()).await.unwrap());
    }
    let counts = hub.listener.counts();
    assert_eq!(counts.joins, 8, "{counts:?}");
    eventually("the others were refused", || {
        hub.listener.counts().joins_refused == 192
    })
    .await;
    federation
        .dialer(1)
        .dial(hub.listener.address())
        .await
        .unwrap();

    // Who never asks loses its place after 10 s, and the next one has it.
    tokio::time::sleep(Duration::from_secs(10)).await;
    eventually("the places are free", || hub.listener.counts().joins == 0).await;
    let join = dialer.dial_join(hub.listener.address()).await.unwrap();
    eventually("the next is in", || hub.listener.counts().joins == 1).await;
    drop(join);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_joiner_that_never_asks_makes_room_for_one_from_elsewhere() {
    let federation = Federation::new(1);
    let options = ListenOptions {
        joins_max: 2,
        ..options()
    };
    let hub = open_at("[::]:0".parse().unwrap(), &federation, &options);
    let port = hub.listener.address().port();
    let tls = join_client(federation.authority.pin(), &TlsClock::system()).unwrap();
    let dialer = Dialer::new(tls, DialOptions::default()).unwrap();
    let dial = |host: &str| {
        let address = format!("{host}:{port}").parse().unwrap();
        dialer.dial_join(address)
    };
    let (first, second) = (
        dial("127.0.0.1").await.unwrap(),
        dial("127.0.0.1").await.unwrap(),
    );
    eventually("both are in", || hub.listener.counts().joins == 2).await;
    let other = dial("[::1]").await.unwrap();
    eventually("it had to give way", || {
        hub.listener.counts().joins_displaced == 1
    })
    .await;
    assert_eq!(hub.listener.counts().joins, 2);
    let told = first.exchange(vec![0; 8]).await.unwrap_err();
    let told = shared::runtime::errors::chain(&told).to_string();
    assert!(told.contains("tried again by itself"), "{told}");
    drop((second, other));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_hub_answers_nobody_and_serves_on() {
    let federation = Federation::new(1);
    let options = ListenOptions {
        connections_max: 5,
        ..options()
    };
    let hub = open(&federation, &options);
    let dialer = federation.dialer(1);
    let mut links = Vec::new();
    for _ in 0..5 {
        links.push(dialer.dial(hub.listener.address()).await.unwrap());
    }
    let more = dialer.dial(hub.listener.address());
    assert!(
        tokio::time::timeout(Duration::from_secs(2), more)
            .await
            .is_err()
    );
    assert!(hub.listener.counts().ignored > 0);
    assert!(links.iter().all(|link| link.loss().is_none()));
    // A place that is free again is taken by the next repeat of who waits.
    links.pop();
    dialer.dial(hub.listener.address()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_of_no_connection_cost_nothing_and_get_nothing() {
    let federation = Federation::new(1);
    let hub = open(&federation, &options());
    let socket = tokio::net::UdpSocket::bind(localhost()).await.unwrap();
    for i in 0..2000usize {
        // Like packets of a connection (RFC 9000 §17.3): only its own ids would be reset.
        let mut garbage = vec![(i * 31) as u8; 1 + i % 1400];
        garbage[0] = 0x40 | (i as u8 & 0x3f);
        let _full = socket.try_send_to(&garbage, hub.listener.address());
        tokio::task::yield_now().await;
    }
    federation
        .dialer(1)
        .dial(hub.listener.address())
        .await
        .unwrap();
    assert!(socket.try_recv(&mut [0; 2000]).is_err(), "it was answered");
    assert_eq!(hub.listener.counts().retried, 0);
}
