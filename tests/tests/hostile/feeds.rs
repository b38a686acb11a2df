//! Feeds that no spool holds.

use std::time::Duration;

use shared::ids::FeedId;
use shared::model::{CloudId, RecordKind, Service, ServiceKind, ServiceState, UnixMillis};
use shared::transport::{CloseCode, Loss};
use shared::wire::frame::{Batch, BatchRecord, Control, FeedFrame, Open, Refusal, Start};
use shared::wire::record::{EncodedRecord, encode, encode_id};
use shared::wire::{Bytes, List};

use super::log;
use super::stage::{Line, Stage, server};

pub(crate) const INVENTORY: u8 = 1;
pub(crate) const HEALTH: u8 = 3;
pub(crate) const SAMPLES: u8 = 4;

pub(crate) fn open(feed: u8, start: Start) -> FeedFrame<'static> {
    let id = FeedId::from_bytes([9; 16]);
    FeedFrame::Open(Open { feed, id, start })
}

pub(crate) fn batch(after: u64, last: u64, records: &[EncodedRecord]) -> FeedFrame<'_> {
    batch_with(after, last, None, records)
}

fn batch_with(
    after: u64,
    last: u64,
    digest: Option<[u8; 16]>,
    records: &[EncodedRecord],
) -> FeedFrame<'_> {
    let records = records.iter().map(|it| BatchRecord {
        kind: it.kind,
        id: Bytes::new(&it.id).unwrap(),
        value: Bytes::new(&it.value),
    });
    FeedFrame::Batch(Batch {
        after,
        last,
        digest,
        records: List::cut(records),
    })
}

pub(crate) async fn sends(line: &Line, frames: &[FeedFrame<'_>]) {
    let mut feed = line.feed().await;
    for frame in frames {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes).unwrap();
        if feed.write(bytes).await.is_err() {
            return;
        }
    }
    // Not dropped before it is read: a stream that is given up would end the session as well.
    let _ = tokio::time::timeout(Duration::from_secs(1), feed.finish()).await;
}

async fn is_closed(line: &Line) {
    let (loss, _) = line.ended().await;
    assert!(
        matches!(
            loss,
            Loss::ByPeer {
                code: CloseCode::Protocol,
                ..
            }
        ),
        "{loss}"
    );
}

pub(crate) fn service() -> EncodedRecord {
    encode(&shared::model::Record::Service(Service {
        kind: ServiceKind::Compute,
        state: ServiceState::Available,
        endpoint: "http://cloud.test".to_owned(),
        versions: Default::default(),
        since: UnixMillis::from_secs(1),
    }))
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_feed_ends_the_session() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let (known, service) = ([encode(&server(1)).unwrap()], service());
    let renamed = [EncodedRecord {
        id: encode_id(&CloudId::new("identity")).unwrap(),
        ..service.clone()
    }];
    let broken = [EncodedRecord {
        value: vec![1, 255, 255],
        ..known[0].clone()
    }];
    let (service, snapshot) = ([service], Start::Snapshot);
    let cases: Vec<Vec<FeedFrame<'_>>> = vec![
        vec![batch(0, 1, &known)],
        vec![open(99, snapshot)],
        vec![open(INVENTORY, snapshot), open(HEALTH, snapshot)],
        vec![open(INVENTORY, snapshot), batch(0, 1, &service)],
        vec![open(HEALTH, snapshot), batch(0, 1, &renamed)],
        vec![open(INVENTORY, snapshot), batch(0, 1, &broken)],
        vec![open(INVENTORY, snapshot), batch(0, u64::MAX, &known)],
        vec![open(INVENTORY, snapshot), batch(u64::MAX, u64::MAX, &known)],
        vec![open(SAMPLES, Start::Resume { seq: u64::MAX })],
    ];
    for (number, frames) in cases.iter().enumerate() {
        let line = traitor.greeted().await;
        sends(&line, frames).await;
        is_closed(&line).await;
        assert!(line.link.loss().is_some(), "case {number}");
    }
    let logged = log::lines_with(&["a session was ended", &traitor.id()]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    let no = stage.hub.hub.board.region("north").unwrap().view.no.0;
    let no = idp_hub::store::RegionNo(no);
    let page = stage
        .hub
        .hub
        .store
        .read(move |it| it.records(no, RecordKind::Server, &[], 10));
    assert!(
        page.await.unwrap().records.is_empty(),
        "something of it was kept"
    );
    stage.stands().await;
}

/// The largest number that is taken, and nothing after it.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_sequence_number_is_the_last() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let last = i64::MAX as u64;
    let known = [encode(&server(1)).unwrap()];
    let mut line = traitor.greeted().await;
    let frames = [open(INVENTORY, Start::Snapshot), batch(0, last, &known)];
    sends(&line, &frames).await;
    let acknowledged = line.heard().await;
    assert!(matches!(acknowledged, Some(Control::Ack(ack)) if ack.seq == last));
    let frames = [
        open(INVENTORY, Start::Resume { seq: last }),
        batch(last, last, &known),
        batch(last, 0, &known),
        batch(0, last, &known),
    ];
    sends(&line, &frames).await;
    drop(line);
    // The hub can still be stopped, started and asked.
    traitor.greeted().await;
    stage.stands().await;
}

/// A sender whose word and digest never agree is told where to go on, again and again, and then
/// given up. It may come back and be given up again; the hub's other regions never notice.
#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_is_wrong_for_ever_is_given_up() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let known = [encode(&server(1)).unwrap()];
    for _ in 0..3 {
        let mut line = traitor.greeted().await;
        let mut feed = line.feed().await;
        let mut told = 0;
        loop {
            for frame in [
                open(INVENTORY, Start::Snapshot),
                batch_with(0, 1, Some([0xee; 16]), &known),
            ] {
                let mut bytes = Vec::new();
                frame.encode(&mut bytes).unwrap();
                feed.write(bytes).await.unwrap();
            }
            match line.heard().await {
                Some(Control::Cursor(cursor)) => {
                    assert_eq!(cursor.id, FeedId::NONE);
                    told += 1;
                }
                Some(Control::Refuse(refuse)) => {
                    assert_eq!(Refusal::from_code(refuse.code), Refusal::Protocol);
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(told, 4, "told where to go on");
    }
    let logged = log::lines_with(&["a session was ended", &traitor.id()]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    stage.stands().await;
}

/// Batches as fast as they go, and not one acknowledgement read.
#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_that_are_never_read_pile_up_nowhere() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let Line {
        link,
        writer: _quiet,
        reader: _unread,
    } = traitor.greeted().await;
    let mut feed = link.open_feed().await.unwrap();
    let mut bytes = Vec::new();
    let many: Vec<_> = (0..1000).map(|it| encode(&server(it)).unwrap()).collect();
    for seq in 0..500u64 {
        bytes.clear();
        if seq == 0 {
            open(INVENTORY, Start::Snapshot).encode(&mut bytes).unwrap();
        }
        batch(seq, seq + 1, &many).encode(&mut bytes).unwrap();
        feed.write(bytes.clone()).await.unwrap();
    }
    assert_eq!(link.loss(), None);
    stage.stands().await;
}
