//! Hubs that vanish, networks that fail one way, addresses that change.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::link::{HEARTBEAT, SILENCE_MAX};
use shared::transport::*;
use tests::relay::{Faults, Relay, Way};
use tokio::runtime::Runtime;

use super::kit::*;

/// A hub in a runtime of its own, which can be killed: nothing of it gets to say goodbye.
struct Mortal {
    runtime: Runtime,
    listener: Arc<Listener>,
}

impl Mortal {
    fn start(tls: ServerTls, address: std::net::SocketAddr) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let listener = {
            let _inside = runtime.enter();
            Arc::new(Listener::bind(address, tls, &options()).unwrap())
        };
        let door = Arc::clone(&listener);
        runtime.spawn(async move {
            let mut links = Vec::new();
            while let Some(arrival) = door.accept().await {
                if let Ok(Accepted::Link(link)) = arrival.handshake().await {
                    links.push(link);
                }
            }
        });
        Self { runtime, listener }
    }

    fn kill(self) {
        self.runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_hub_tells_its_agents_at_once() {
    let federation = Federation::new(1);
    let tls = federation.hub_tls();
    let hub = Mortal::start(Arc::clone(&tls), localhost());
    let address = hub.listener.address();
    let dialer = federation.dialer(1);
    let mut agents = Vec::new();
    // At a reset each 20 ms, as the library has it, these would take 8 s.
    for _ in 0..400 {
        let link = dialer.dial(address).await.unwrap();
        let (say, hear) = link.control().await.unwrap();
        agents.push((link, say, hear));
    }
    let listening = Arc::clone(&hub.listener);
    eventually("all are in", || listening.counts().handshakes == 0).await;
    drop(listening);
    tokio::task::spawn_blocking(|| hub.kill()).await.unwrap();
    for (link, say, _) in &mut agents {
        assert_eq!(link.loss(), None, "nobody was told");
        say.write(heartbeat(1)).await.unwrap();
    }

    let hub = Mortal::start(tls, address);
    let restarted = Instant::now();
    for (_, say, _) in &mut agents {
        // The packets of before, repeated, may have brought the reset already.
        let _ = say.write(heartbeat(2)).await;
    }
    let limit = Duration::from_secs(6);
    for (link, _, _) in &agents {
        let left = limit.saturating_sub(restarted.elapsed());
        let loss = tokio::time::timeout(left, link.closed()).await.unwrap();
        assert_eq!(loss, Loss::Restarted);
    }
    dialer.dial(address).await.unwrap();
    tokio::task::spawn_blocking(|| hub.kill()).await.unwrap();
}

/// A link through a relay, and its control streams.
async fn through_a_relay(faults: Faults) -> (Relay, Link) {
    let federation = Federation::new(1);
    let listener = federation.listen();
    let relay = Relay::start(listener.address(), 42).await.unwrap();
    relay.set_both(faults);
    let dialer = federation.dialer(1);
    let (hub, agent) = meet(&listener, dialer.dial(relay.address())).await;
    (
        relay,
        Link {
            listener,
            dialer,
            hub,
            agent,
        },
    )
}

/// An agent that says it lives, until it learns that its hub is gone.
async fn agent_lives(link: LinkConnection, mut say: FrameWriter) -> (Loss, Duration) {
    let started = Instant::now();
    let beat = async {
        for count in 1.. {
            if say.write(heartbeat(count)).await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(HEARTBEAT).await;
        }
    };
    tokio::select! {
        loss = link.closed() => (loss, started.elapsed()),
        () = beat => unreachable!("it beats for ever"),
    }
}

/// A hub that listens as its session does.
async fn hub_listens(link: LinkConnection, mut hear: FrameReader) -> (Loss, Duration) {
    let started = Instant::now();
    let listen = async {
        while let Ok(read) = tokio::time::timeout(SILENCE_MAX, hear.next()).await {
            if read.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        loss = link.closed() => (loss, started.elapsed()),
        () = listen => {
            link.close(CloseCode::Silent, "not heard for 12 s");
            (link.closed().await, started.elapsed())
        }
    }
}

async fn cut(way: Way) -> [(Loss, Duration); 2] {
    let (relay, link) = through_a_relay(Faults::default()).await;
    let [(_hub_say, hub_hear), (say, _hear)] = link.controls().await;
    relay.set(
        way,
        Faults {
            is_cut: true,
            ..Faults::default()
        },
    );
    let hub = tokio::spawn(hub_listens(link.hub.clone(), hub_hear));
    let agent = tokio::spawn(agent_lives(link.agent.clone(), say));
    [hub.await.unwrap(), agent.await.unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_not_heard_is_missed_by_both() {
    let [(hub, hub_after), (agent, agent_after)] = cut(Way::Up).await;
    assert!(
        matches!(
            hub,
            Loss::Here {
                code: CloseCode::Silent,
                ..
            }
        ),
        "{hub}"
    );
    let told = matches!(
        agent,
        Loss::ByPeer {
            code: CloseCode::Silent,
            ..
        }
    );
    assert!(
        told || matches!(
            agent,
            Loss::Here {
                code: CloseCode::Silent,
                ..
            }
        ),
        "{agent}"
    );
    assert!(
        hub_after.max(agent_after) < Duration::from_secs(15),
        "{hub_after:?} {agent_after:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_not_heard_is_missed_by_both() {
    let [(hub, hub_after), (agent, agent_after)] = cut(Way::Down).await;
    assert!(
        matches!(
            agent,
            Loss::Here {
                code: CloseCode::Silent,
                ..
            }
        ),
        "{agent}"
    );
    assert!(
        matches!(
            hub,
            Loss::ByPeer {
                code: CloseCode::Silent,
                ..
            }
        ),
        "{hub}"
    );
    assert!(
        hub_after.max(agent_after) < Duration::from_secs(15),
        "{hub_after:?} {agent_after:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_outlives_changes_of_address() {
    let (relay, link) = through_a_relay(Faults::default()).await;
    let [(_hub_say, mut hub_hear), (mut say, _hear)] = link.controls().await;
    let before = link.hub.remote();
    for count in 1..4 {
        if count == 2 {
            link.dialer.rebind().unwrap();
        } else {
            relay.move_clients();
        }
        say.write(heartbeat(count)).await.unwrap();
        let heard = tokio::time::timeout(Duration::from_secs(5), next_count(&mut hub_hear));
        assert_eq!(heard.await.unwrap(), count);
        let link = &link;
        eventually("the hub follows", || link.hub.remote() != before).await;
    }
    assert_eq!((link.hub.loss(), link.agent.loss()), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_delivers_everything_in_order() {
    let faults = Faults {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(20),
        loss: 0.05,
        duplication: 0.05,
        reordering: 0.05,
        ..Faults::default()
    };
    let (_relay, link) = through_a_relay(faults).await;
    let mut feed = link.agent.open_feed().await.unwrap();
    let write = async {
        for i in 0..200u16 {
            feed.write(raw(i, &vec![i as u8; usize::from(i) * 10]))
                .await
                .unwrap();
        }
        feed.finish().await.unwrap();
    };
    let read = async {
        let mut hub_feed = link.hub.accept_feed().await.unwrap();
        for i in 0..200u16 {
            let frame = hub_feed.next().await.unwrap().unwrap();
            assert_eq!((frame.kind, frame.payload.len()), (i, usize::from(i) * 10));
        }
        assert!(hub_feed.next().await.unwrap().is_none());
    };
    tokio::join!(write, read);
}

#[tokio::test]
async fn a_hub_that_stops_says_so() {
    let link = Federation::new(1).link().await;
    link.listener.refuse_new();
    link.listener
        .close(CloseCode::Stopping, "restarting for an upgrade");
    let loss = link.agent.closed().await;
    assert!(
        matches!(
            &loss,
            Loss::ByPeer {
                code: CloseCode::Stopping,
                ..
            }
        ),
        "{loss}"
    );
    assert!(
        loss.to_string().contains("restarting for an upgrade"),
        "{loss}"
    );
    assert!(link.listener.drained(Duration::from_secs(5)).await);
    assert!(link.listener.accept().await.is_none());
    assert_eq!(link.listener.connections(), 0);
}
