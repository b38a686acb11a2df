//! A region that reports without end.

use std::time::Duration;

use idp_hub::fleet::{Reason, State};
use shared::model::{HostSample, Record, UnixMillis};
use shared::runtime::clock::Clock;
use shared::wire::frame::{Batch, BatchRecord, Control, FeedFrame, Phase, Start};
use shared::wire::record::{EncodedRecord, encode};
use shared::wire::{Bytes, List};
use tests::inproc::REGION_RECORDS_MAX;

use super::feeds::{HEALTH, INVENTORY, SAMPLES, batch, open, sends, service};
use super::log;
use super::stage::{Line, Stage, server};

const BATCH: u64 = 1000;

/// Batches that a region may have.
const TAKEN: u64 = REGION_RECORDS_MAX as u64 / BATCH;

fn servers(numbers: std::ops::Range<u64>) -> Vec<EncodedRecord> {
    numbers.map(|it| encode(&server(it)).unwrap()).collect()
}

/// The next acknowledgement of a feed.
async fn acknowledged(line: &mut Line, feed: u8) -> u64 {
    loop {
        match line.heard().await.expect("the session stands") {
            Control::Ack(ack) if ack.feed == feed => return ack.seq,
            Control::Ack(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn acknowledged_up_to(line: &mut Line, feed: u8, seq: u64) {
    while acknowledged(line, feed).await < seq {}
}

/// Removes records.
fn removal(after: u64, records: &[EncodedRecord]) -> FeedFrame<'_> {
    let removed = records.iter().map(|it| BatchRecord {
        kind: it.kind,
        id: Bytes::new(&it.id).unwrap(),
        value: None,
    });
    FeedFrame::Batch(Batch {
        after,
        last: after + 1,
        digest: None,
        records: List::cut(removed),
    })
}

async fn is(stage: &Stage, state: State, reason: Reason) {
    let shown = async {
        loop {
            let view = stage.hub.hub.board.region("north").unwrap().view;
            if (view.condition.state, view.condition.reason) == (state, reason) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let shown = tokio::time::timeout(Duration::from_secs(20), shown).await;
    let view = stage.hub.hub.board.region("north").unwrap().view;
    assert!(shown.is_ok(), "{:?}", view.condition);
}

/// What does not fit is not taken, the operator is told, and all else goes on: the region's other
/// feeds, what makes it smaller, and the other regions.
#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_reports_without_end_fills_its_own_part_and_no_more() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let mut line = traitor.greeted().await;
    let many = servers(0..BATCH * (TAKEN + 3));
    let mut frames = vec![open(INVENTORY, Start::Snapshot)];
    for (seq, records) in many.chunks(BATCH as usize).enumerate() {
        frames.push(batch(seq as u64, seq as u64 + 1, records));
    }
    sends(&line, &frames).await;
    acknowledged_up_to(&mut line, INVENTORY, TAKEN).await;
    let service = [service()];
    sends(
        &line,
        &[open(HEALTH, Start::Snapshot), batch(0, 1, &service)],
    )
    .await;
    acknowledged_up_to(&mut line, HEALTH, 1).await;
    is(&stage, State::Degraded, Reason::RegionFull).await;
    // The service's record may be shown a moment after the state.
    stage.hub.shows_detail("north", "8001 records of ").await;
    let held = stage.hub.hub.board.region("north").unwrap().totals.servers;
    assert_eq!(held, u64::from(REGION_RECORDS_MAX));
    // It is told to try again from where it stands.
    match line.heard().await {
        Some(Control::Cursor(cursor)) => {
            let at = (cursor.feed, cursor.seq, cursor.phase);
            assert_eq!(at, (INVENTORY, TAKEN, Phase::Snapshot));
        }
        other => panic!("{other:?}"),
    }
    let logged = log::lines_with(&["its feed stands still", &traitor.id()]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    is_taken_again_when_it_is_smaller(&mut line, &many).await;
    is(&stage, State::Connecting, Reason::FirstSync).await;
    stage.stands().await;
}

async fn is_taken_again_when_it_is_smaller(line: &mut Line, many: &[EncodedRecord]) {
    let (first, rest) = many.split_at(BATCH as usize);
    let resume = open(INVENTORY, Start::Snapshot);
    let same = batch(0, 1, first);
    let fewer = removal(1, first);
    // Its service's record has taken a place of theirs.
    let more = batch(2, 3, &rest[rest.len() - BATCH as usize + 1..]);
    sends(line, &[resume, same, fewer, more]).await;
    acknowledged_up_to(line, INVENTORY, 3).await;
}

/// Samples of an hour, one each second: those that any agent takes are kept, the rest is
/// acknowledged and told to the log once, and the session goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_samples_without_end_has_its_part_of_the_day() {
    const COUNT: u64 = 3600;
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let mut line = traitor.greeted().await;
    let now = Clock::system().unix_millis();
    let sample = |number: u64| {
        let sample = HostSample {
            at: UnixMillis(now.0 - (COUNT - number) * 1000),
            ..HostSample::default()
        };
        encode(&Record::HostSample(sample)).unwrap()
    };
    let many: Vec<_> = (0..COUNT).map(sample).collect();
    let mut seq = 0;
    for records in many.chunks(600) {
        let begins = open(SAMPLES, Start::Resume { seq });
        sends(&line, &[begins, batch(seq, seq + 600, records)]).await;
        seq += 600;
        acknowledged_up_to(&mut line, SAMPLES, seq).await;
    }
    let no = stage.hub.hub.board.region("north").unwrap().view.no.0;
    let no = idp_hub::store::RegionNo(no);
    let end = UnixMillis(u64::MAX);
    let page = (stage.hub.hub.store).read(move |it| it.samples(no, UnixMillis(0), end, u32::MAX));
    let kept = page.await.unwrap().samples.len();
    assert!((720..=721).contains(&kept), "{kept}");
    let logged = log::lines_with(&["health samples", &traitor.id()]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    stage.stands().await;
}
