//! Frames that no agent sends.

use std::time::Duration;

use shared::audit::Wanted;
use shared::pki::{BoundKey, Csr};
use shared::transport::{CloseCode, FrameWriter, Loss};
use shared::wire::Text;
use shared::wire::frame::{Control, Goodbye, Heartbeat, Refusal, Renew, Sealing};
use sp_agent::cloud::{Page, Part};
use tests::inproc::TestAgent;

use super::log;
use super::stage::{Line, Stage, Traitor, server};

/// A frame of any kind and announced length.
fn raw(kind: u16, announced: u32, payload: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &announced.to_le_bytes(), payload].concat()
}

fn garbage() -> Vec<u8> {
    (0..200u8).map(|it| it.wrapping_mul(37)).collect()
}

async fn is_closed(line: &Line, with: CloseCode) {
    let (loss, after) = line.ended().await;
    assert!(
        matches!(loss, Loss::ByPeer { code, .. } if code == with),
        "{loss}"
    );
    assert!(after < Duration::from_secs(5), "{after:?}");
}

/// As many times as it takes to fill a log, were each of them told.
async fn logged_once(traitor: &Traitor) {
    for _ in 0..10 {
        let mut line = traitor.greeted().await;
        line.writer.write(raw(4, 3, &[255; 3])).await.unwrap();
        is_closed(&line, CloseCode::Protocol).await;
    }
    let logged = log::lines_with(&["a session was ended", &traitor.id()]);
    assert_eq!(logged.len(), 1, "{logged:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_read_ends_the_session() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let bytes = garbage();
    // A payload that is none of its kind; a length beyond the stream's cap, with nothing behind it.
    for frame in [
        raw(1, 200, &bytes),
        raw(9, 200, &bytes),
        raw(4, u32::MAX, &[]),
    ] {
        let mut line = traitor.greeted().await;
        line.writer.write(frame).await.unwrap();
        is_closed(&line, CloseCode::Protocol).await;
    }
    for frame in [
        raw(32, 200, &bytes),
        raw(33, 200, &bytes),
        raw(33, u32::MAX, &[]),
    ] {
        let line = traitor.greeted().await;
        let mut feed = line.feed().await;
        feed.write(frame).await.unwrap();
        is_closed(&line, CloseCode::Protocol).await;
    }
    logged_once(&traitor).await;
    stage.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_later_release_would_send_is_read_over() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let mut line = traitor.greeted().await;
    let mut feed = line.feed().await;
    for kind in [15u16, 31, 34, 47, 51, 999, u16::MAX] {
        line.writer.write(raw(kind, 200, &garbage())).await.unwrap();
        feed.write(raw(kind, 200, &garbage())).await.unwrap();
    }
    line.say(&Control::Heartbeat(Heartbeat { count: 1 })).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(line.link.loss(), None);
    stage.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_out_of_place_are_refused() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    // A second greeting; what only a hub says.
    let hello = traitor.hello();
    for frame in [
        &hello,
        &Control::Standing(shared::wire::frame::Standing::Accepted),
    ] {
        let mut line = traitor.greeted().await;
        line.say(frame).await;
        line.is_refused(Refusal::Protocol).await;
    }
    // Anything before the greeting.
    for frame in [&Control::Heartbeat(Heartbeat { count: 0 })] {
        let mut line = traitor.connect().await;
        line.say(frame).await;
        line.is_refused(Refusal::Protocol).await;
    }
    let mut line = traitor.connect().await;
    line.say(&Control::Goodbye(Goodbye::Stopping)).await;
    is_closed(&line, CloseCode::Done).await;
    let logged = log::lines_with(&["a session was ended", &traitor.id()]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    stage.stands().await;
}

/// Each would cost an entry of the audit trail, and all passwords that were told.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_key_to_seal_to_ends_the_session() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let mut line = traitor.greeted().await;
    for key in [[7; 32], [7; 32], [8; 32]] {
        assert_eq!(line.link.loss(), None);
        line.say(&Control::Sealing(Sealing { key })).await;
    }
    is_closed(&line, CloseCode::Protocol).await;
    stage.stands().await;
}

/// Nor does it help to begin a session for each: whoever has a region's link key would push all
/// older entries out of the trail.
#[tokio::test(flavor = "multi_thread")]
async fn another_key_in_each_session_is_not_taken() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    for key in 1..=50 {
        let mut line = traitor.greeted().await;
        line.say(&Control::Sealing(Sealing { key: [key; 32] }))
            .await;
        match key {
            1 => line.say(&Control::Goodbye(Goodbye::Stopping)).await,
            _ => line.is_refused(Refusal::Busy).await,
        }
        line.ended().await;
    }
    let wanted = Wanted {
        action: Some("new-sealing-key".to_owned()),
        ..Wanted::default()
    };
    let told = stage
        .hub
        .hub
        .store
        .read(move |it| it.audit_entries(None, 1000, &wanted));
    assert!(told.await.unwrap().items.is_empty());
    stage.stands().await;
}

/// An agent whose clock is off by half a day takes each new certificate for one that is due.
#[tokio::test(flavor = "multi_thread")]
async fn renewals_beyond_measure_are_not_granted_and_end_nothing() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let mut line = traitor.greeted().await;
    let renew = |csr: &str| {
        Control::Renew(Renew {
            csr: Text::cut_owned(csr.to_owned()),
        })
    };
    let own = renew(&traitor.credentials.csr().unwrap());
    for _ in 0..10 {
        line.say(&own).await;
    }
    for _ in 0..4 {
        let heard = line.heard().await;
        assert!(matches!(heard, Some(Control::Renewed(_))), "{heard:?}");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(line.link.loss(), None);
    let logged = log::lines_with(&["a certificate was not renewed", &traitor.id()]);
    assert_eq!(logged.len(), 1, "{logged:?}");

    let other = Csr::create(&BoundKey::generate().unwrap()).unwrap();
    line.say(&renew(&other.to_pem())).await;
    is_closed(&line, CloseCode::Protocol).await;
    stage.stands().await;
}

/// It speaks without pause and says nothing: more than heartbeats need is no agent's.
#[tokio::test(flavor = "multi_thread")]
async fn endless_chatter_ends_the_session() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let mut heartbeat = Vec::new();
    let frame = Control::Heartbeat(Heartbeat { count: 1 });
    frame.encode(&mut heartbeat).unwrap();
    for chatter in [heartbeat.repeat(100), raw(999, 0, &[]).repeat(100)] {
        let mut line = traitor.greeted().await;
        chatters(&mut line.writer, &chatter).await;
        is_closed(&line, CloseCode::Protocol).await;
        let line = traitor.greeted().await;
        let mut feed = line.feed().await;
        chatters(&mut feed, &raw(999, 0, &[]).repeat(100)).await;
        is_closed(&line, CloseCode::Protocol).await;
    }
    let logged = log::lines_with(&["a session was ended", &traitor.id()]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    stage.stands().await;
}

async fn chatters(writer: &mut FrameWriter, chatter: &[u8]) {
    for _ in 0..100 {
        if writer.write(chatter.to_vec()).await.is_err() {
            return;
        }
    }
}

/// Regions that announce the largest frames on every stream that is allowed, and send none of them:
/// what they hold is their own part of the hub's memory, and another's large frame finds room.
#[tokio::test(flavor = "multi_thread")]
async fn regions_that_stall_together_hold_nobody_up() {
    let stage = Stage::set().await;
    let mut stalled = Vec::new();
    for number in 0..10 {
        let traitor = stage.traitor(&format!("stalled-{number}")).await;
        let line = traitor.greeted().await;
        let mut feeds = Vec::new();
        for _ in 0..8 {
            let mut feed = line.feed().await;
            feed.write(raw(33, 1 << 20, &[0; 32])).await.unwrap();
            feeds.push(feed);
        }
        stalled.push((traitor, line, feeds));
    }
    // The last one's frames are announced too, before the large one begins.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut agent = TestAgent::join(&stage.hub, "large").await;
    agent.drained().await;
    let page = Page {
        records: (0..2000).map(server).collect(),
        ..Page::default()
    };
    let before = agent.status.borrow().last_acked;
    agent.spool.put_changes(Part::Servers, page).await.unwrap();
    let acknowledged = agent.until(|it| it.last_acked > before && it.behind.is_empty());
    let waited = tokio::time::timeout(Duration::from_secs(8), acknowledged).await;
    assert!(waited.is_ok(), "a large frame waits for regions that stall");
    agent.stop().await;
    drop(stalled);
    stage.stands().await;
}

/// A frame that never comes to its end, a byte now and then, on every stream that is allowed.
#[tokio::test(flavor = "multi_thread")]
async fn a_trickle_is_cut_off_and_holds_nobody_up() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let line = traitor.greeted().await;
    let mut feeds = Vec::new();
    for _ in 0..8 {
        let mut feed = line.feed().await;
        feed.write(raw(33, 1 << 20, &[])).await.unwrap();
        feeds.push(feed);
    }
    let Line {
        link,
        mut writer,
        reader: _unread,
    } = line;
    let mut heartbeat = Vec::new();
    let frame = Control::Heartbeat(Heartbeat { count: 1 });
    frame.encode(&mut heartbeat).unwrap();
    let trickle = async {
        loop {
            for feed in &mut feeds {
                let _ = feed.write(vec![0]).await;
            }
            let _ = writer.write(heartbeat.clone()).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let loss = tokio::select! {
        () = trickle => unreachable!(),
        (loss, _) = super::stage::ended(&link) => loss,
    };
    assert!(
        matches!(
            loss,
            Loss::ByPeer {
                code: CloseCode::Slow,
                ..
            }
        ),
        "{loss}"
    );
    let logged = log::lines_with(&["a session was ended", &traitor.id()]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    stage.stands().await;
}
