//! Feeds that stand still, and feeds that must be fast.

use std::time::{Duration, Instant};

use shared::link::{HEARTBEAT, SILENCE_MAX};
use shared::transport::*;
use tests::relay::{Faults, Relay};
use tokio::task::JoinSet;

use super::kit::*;

/// Opens feeds and writes to them for ever, until nothing more is taken. Nobody reads them.
async fn fill(link: &LinkConnection, feeds: usize) -> JoinSet<()> {
    let mut writers = JoinSet::new();
    for _ in 0..feeds {
        let mut feed = link.open_feed().await.unwrap();
        writers.spawn(async move { while feed.write(raw(1, &[0; 100_000])).await.is_ok() {} });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    writers
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_that_a_hub_does_not_read_leave_its_heartbeats_alone() {
    let link = Federation::new(1).link().await;
    let [(_hub_say, mut hub_hear), (mut say, _hear)] = link.controls().await;
    let _unread = fill(&link.agent, 4).await;
    let mut latest = Instant::now();
    let beat = async {
        for count in 1..4 {
            say.write(heartbeat(count)).await.unwrap();
            tokio::time::sleep(HEARTBEAT).await;
        }
    };
    let hear = async {
        for count in 1..4 {
            assert_eq!(next_count(&mut hub_hear).await, count);
            let gap = latest.elapsed();
            // The window is used up, so a heartbeat may wait for the next top-up; the session
            // gives up after 12 s.
            assert!(
                gap < Duration::from_secs(9),
                "heartbeat {count} after {gap:?}"
            );
            latest = Instant::now();
        }
    };
    tokio::join!(beat, hear);
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_that_an_agent_does_not_read_leave_its_hubs_words_alone() {
    let link = Federation::new(1).link().await;
    let [(mut hub_say, _hub_hear), (_say, mut hear)] = link.controls().await;
    let _unread = fill(&link.hub, 2).await;
    let started = Instant::now();
    for count in 1..100 {
        hub_say.write(heartbeat(count)).await.unwrap();
        assert_eq!(next_count(&mut hear).await, count);
    }
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

/// How late each of ten control frames is behind a feed that fills a line of 100 KB/s, in order.
async fn late_behind_bulk(
    (bulk, mut say): (LinkConnection, FrameWriter),
    (reader, mut hear): (LinkConnection, FrameReader),
) -> Vec<Duration> {
    let mut feed = bulk.open_feed().await.unwrap();
    let flood = async {
        loop {
            feed.write(raw(1, &[0; 100_000])).await.unwrap();
        }
    };
    let read = async {
        let mut feed = reader.accept_feed().await.unwrap();
        while let Ok(Some(_)) = feed.next().await {}
    };
    let beat = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut late = Vec::new();
        for count in 1..=10 {
            let said = Instant::now();
            say.write(heartbeat(count)).await.unwrap();
            assert_eq!(next_count(&mut hear).await, count);
            late.push(said.elapsed());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        late.sort();
        late
    };
    tokio::select! {
        () = flood => unreachable!("the link stands"),
        () = read => unreachable!("the link stands"),
        late = beat => late,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn control_frames_overtake_bulk_on_a_slow_line() {
    let federation = Federation::new(1);
    let listener = federation.listen();
    let relay = Relay::start(listener.address(), 5).await.unwrap();
    let slow = Faults {
        delay: Duration::from_millis(50),
        bytes_per_second: 100_000,
        ..Faults::default()
    };
    relay.set_both(slow);
    let dialer = federation.dialer(1);
    let (hub, agent) = meet(&listener, dialer.dial(relay.address())).await;
    let link = Link {
        listener,
        dialer,
        hub,
        agent,
    };
    let [(hub_say, hub_hear), (say, hear)] = link.controls().await;
    let (hub, agent) = (&link.hub, &link.agent);
    let up = late_behind_bulk((agent.clone(), say), (hub.clone(), hub_hear)).await;
    let down = late_behind_bulk((hub.clone(), hub_say), (agent.clone(), hear)).await;
    println!("behind bulk {up:?} up, {down:?} down");
    for late in [up, down] {
        // The line's own queue holds 0.3 s, and the feed's window minutes. What is lost while BBR
        // looks for the line's rate is repeated, and never so late that a hub would give up.
        assert!(late[late.len() / 2] < Duration::from_secs(1), "{late:?}");
        assert!(late[late.len() - 1] < SILENCE_MAX - HEARTBEAT, "{late:?}");
    }
}

/// Bytes a second that come through, at a round trip of 200 ms.
async fn rate(congestion: Congestion, loss: f64) -> f64 {
    let federation = Federation::new(1);
    let listener = federation.listen();
    let relay = Relay::start(listener.address(), 6).await.unwrap();
    relay.set_both(Faults {
        delay: Duration::from_millis(100),
        loss,
        ..Faults::default()
    });
    let options = DialOptions {
        congestion,
        ..DialOptions::default()
    };
    let dialer = Dialer::new(federation.agent_tls(1), options).unwrap();
    let (hub, agent) = meet(&listener, dialer.dial(relay.address())).await;
    let mut feed = agent.open_feed().await.unwrap();
    let write = async {
        let frame = bytes::Bytes::from(raw(1, &[0; 250_000]));
        while feed.write(frame.clone()).await.is_ok() {}
    };
    let read = async {
        let mut hub_feed = hub.accept_feed().await.unwrap();
        let (mut bytes, mut started) = (0, Instant::now());
        let until = started + Duration::from_secs(8);
        let settled = started + Duration::from_secs(4);
        while Instant::now() < until {
            bytes += hub_feed.next().await.unwrap().unwrap().payload.len();
            if Instant::now() < settled {
                (bytes, started) = (0, Instant::now());
            }
        }
        bytes as f64 / started.elapsed().as_secs_f64()
    };
    tokio::select! {
        () = write => unreachable!("the link stands"),
        rate = read => rate,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_far_away_agent_is_not_held_by_its_first_window() {
    let rate = rate(Congestion::Bbr, 0.01).await;
    println!("{:.1} MB/s at 200 ms with 1 % loss", rate / 1e6);
    // The first window of 128 KiB would allow 0.65 MB/s.
    assert!(rate > 2e6, "{rate}");
}
