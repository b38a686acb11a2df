//! Samples from the feed to their means, and out again, on a real database.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use shared::ids::{FeedId, RegionId};
use shared::model::{CloudDescription, CloudKind, Feed, Weight};
use shared::pki::Fingerprint;
use shared::runtime::clock::{Clock, ManualClock};
use shared::runtime::shutdown::Shutdown;
use shared::wire::frame::{Open, Start, feed_code};
use tempfile::TempDir;

use super::*;
use crate::store::regions::Introduction;
use crate::store::{FeedJob, FeedPayload, Incoming, IncomingRecord, Mailbox, Store, WriterThread};

/// The beginning of a window.
const START: UnixMillis = UnixMillis(1_800_000_000_000);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const FOREVER: UnixMillis = UnixMillis(u64::MAX);

struct Site {
    dir: TempDir,
    clock: Clock,
    hand: ManualClock,
    open: Option<(Store, WriterThread)>,
    region: RegionNo,
    session: u64,
    sent: u64,
}

fn open(dir: &Path, clock: &Clock) -> (Store, WriterThread) {
    Store::open(&dir.join("hub.db"), clock.clone()).unwrap()
}

fn introduction() -> Introduction {
    Introduction {
        cloud: CloudDescription {
            kind: CloudKind::Simulated,
            version: String::new(),
            endpoint: String::new(),
        },
        software: String::new(),
        host: String::new(),
    }
}

impl Site {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(START);
        let opened = open(dir.path(), &clock);
        let key = Fingerprint::from_bytes([1; 32]);
        let id = RegionId::from_random(1);
        let added = opened
            .0
            .change(move |it| it.add_region(id, "a", key, &introduction(), 0));
        let region = added.await.unwrap();
        Self {
            dir,
            clock,
            hand,
            open: Some(opened),
            region,
            session: 0,
            sent: 0,
        }
    }

    fn store(&self) -> &Store {
        &self.open.as_ref().unwrap().0
    }

    fn restart(&mut self) {
        let (store, thread) = self.open.take().unwrap();
        drop(store);
        thread.join();
        self.open = Some(open(self.dir.path(), &self.clock));
    }

    /// Sends samples as an agent's feed does, and waits until they are durable.
    async fn send(&mut self, samples: &[HostSample]) {
        self.session += 1;
        let (no, session) = (self.region, self.session);
        let began = self
            .store()
            .change(move |it| it.begin_session(no, session, &introduction()));
        began.await.unwrap();
        let (after, last) = (self.sent, self.sent + samples.len() as u64);
        let open = Open {
            feed: feed_code(Feed::Samples),
            id: FeedId::from_bytes([7; 16]),
            start: Start::Resume { seq: after },
        };
        let records = samples.iter().map(incoming).collect();
        let batch = Incoming {
            after,
            last,
            digest: None,
            records,
        };
        let mailbox = Arc::new(Mailbox::default());
        for payload in [FeedPayload::Open(open), FeedPayload::Batch(batch)] {
            let job = FeedJob {
                region: no,
                session,
                feed: Feed::Samples,
                payload,
                mailbox: Arc::clone(&mailbox),
                budget: None,
            };
            self.store().feed(job).await.unwrap();
        }
        let mail = tokio::time::timeout(5 * SECOND, mailbox.take()).await;
        assert_eq!(mail.unwrap().acks[0].seq, last);
        self.sent = last;
    }

    async fn samples(&self) -> Vec<HostSample> {
        let no = self.region;
        let read = self
            .store()
            .read(move |it| it.samples(no, UnixMillis(0), FOREVER, SAMPLE_PAGE_MAX));
        read.await.unwrap().samples
    }

    async fn means(&self) -> Vec<Mean> {
        let no = self.region;
        let read = self
            .store()
            .read(move |it| it.means(no, UnixMillis(0), FOREVER, SAMPLE_PAGE_MAX));
        read.await.unwrap().samples
    }
}

fn incoming(sample: &HostSample) -> IncomingRecord {
    let record = Record::HostSample(sample.clone());
    let encoded = record::encode(&record).unwrap();
    IncomingRecord {
        kind: encoded.kind,
        id: Bytes::from(encoded.id),
        value: Some(Bytes::from(encoded.value)),
        weight: Weight::default(),
        known: Some(Box::new(record)),
    }
}

fn sample(at: UnixMillis, used: u64) -> HostSample {
    HostSample {
        at,
        memory_used_mib: used,
        ..HostSample::default()
    }
}

/// A sample each minute from `from`, of rising use.
fn minutes(from: UnixMillis, count: u32) -> Vec<HostSample> {
    (0..count)
        .map(|n| sample(from.plus(n * 60 * SECOND), n.into()))
        .collect()
}

fn used(means: &[Mean]) -> Vec<(u64, u64, u32)> {
    means
        .iter()
        .map(|it| {
            (
                it.sample.at.0 - START.0,
                it.sample.memory_used_mib,
                it.count,
            )
        })
        .collect()
}

#[tokio::test]
async fn a_closed_window_has_its_mean_and_a_restart_forgets_none() {
    let mut site = Site::new().await;
    site.hand.advance(8 * 60 * SECOND);
    let samples = minutes(START, 8);
    site.send(&samples).await;
    assert_eq!(site.samples().await, samples);
    site.restart();
    site.store().average_closed().await.unwrap();
    assert_eq!(used(&site.means().await), [(0, 2, 5)]);
    site.hand.advance(2 * 60 * SECOND + SETTLE);
    site.store().average_closed().await.unwrap();
    assert_eq!(used(&site.means().await), [(0, 2, 5), (300_000, 6, 3)]);
    let idle = site.store().change(|it| it.average(9)).await.unwrap();
    assert_eq!(idle, 0);
}

#[tokio::test]
async fn what_comes_hours_later_is_in_its_mean() {
    let mut site = Site::new().await;
    site.hand.advance(60 * SECOND);
    site.send(&[sample(START, 10)]).await;
    site.hand.advance(8 * HOUR);
    site.store().average_closed().await.unwrap();
    assert_eq!(used(&site.means().await), [(0, 10, 1)]);
    site.send(&[sample(START.plus(60 * SECOND), 30)]).await;
    site.store().average_closed().await.unwrap();
    assert_eq!(used(&site.means().await), [(0, 20, 2)]);
}

#[tokio::test]
async fn what_is_too_old_of_the_future_or_too_close_is_acknowledged_and_not_kept() {
    let mut site = Site::new().await;
    site.hand.advance(24 * HOUR);
    let now = START.plus(24 * HOUR);
    let kept = [
        sample(UnixMillis(now.0 - 12 * 3_600_000), 1),
        sample(now.plus(AHEAD_MAX), 2),
    ];
    let passed = [
        sample(UnixMillis(now.0 - 12 * 3_600_000 - 1), 3),
        sample(now.plus(AHEAD_MAX + SECOND), 4),
        sample(UnixMillis(0), 5),
        sample(UnixMillis(i64::MAX as u64), 6),
    ];
    site.send(&kept).await;
    site.send(&passed).await;
    assert_eq!(site.samples().await, kept);
    let close = [sample(now, 7), sample(UnixMillis(now.0 + 999), 8)];
    site.send(&close).await;
    let all = site.samples().await;
    assert_eq!(all, [kept[0].clone(), close[1].clone(), kept[1].clone()]);
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended() {
    let mut site = Site::new().await;
    site.hand.advance(HOUR);
    let samples = minutes(START, 7);
    site.send(&samples).await;
    let (no, mut from, mut read) = (site.region, START.plus(60 * SECOND), Vec::new());
    loop {
        let page = site
            .store()
            .read(move |it| it.samples(no, from, START.plus(360 * SECOND), 2));
        let page = page.await.unwrap();
        assert!(page.samples.len() <= 2);
        read.extend(page.samples);
        let Some(next) = page.next else { break };
        from = next;
    }
    assert_eq!(read, samples[1..6]);
}

#[tokio::test]
async fn age_counts_from_a_regions_newest_and_expiry_goes_in_steps() {
    let mut site = Site::new().await;
    site.hand.advance(HOUR);
    for day in 0..3 {
        site.send(&minutes(START.plus(day * 24 * HOUR), 10)).await;
        site.hand.advance(24 * HOUR);
    }
    site.store().average_closed().await.unwrap();
    assert_eq!(site.means().await.len(), 6);
    // Years ahead for a moment: nothing is lost by it.
    site.hand.set_wall(UnixMillis(START.0 * 2));
    let mut steps = 0;
    let mut after = Some(RegionNo(0));
    while let Some(no) = after {
        after = site
            .store()
            .change(move |it| it.expire(no, 6))
            .await
            .unwrap();
        steps += 1;
    }
    // The newest is the third day's tenth, so that the second day's tenth is just a day old.
    let left = site.samples().await;
    assert_eq!(left.len(), 11);
    assert_eq!(left[0].at, START.plus(24 * HOUR + 9 * 60 * SECOND));
    assert_eq!(steps, 4, "19 of 6 at a time");
    assert_eq!(site.means().await.len(), 6);
    site.store().expire_samples().await.unwrap();
    assert_eq!(site.samples().await.len(), 11);
}

#[tokio::test]
async fn a_removed_region_leaves_no_samples_and_no_marks() {
    let mut site = Site::new().await;
    site.hand.advance(HOUR);
    site.send(&minutes(START, 7)).await;
    let no = site.region;
    let removed = site.store().change(move |it| it.remove_region(no));
    removed.await.unwrap();
    assert_eq!(site.samples().await, []);
    let marked = site.store().change(|it| it.average(9)).await.unwrap();
    assert_eq!(marked, 0);
}

#[tokio::test]
async fn the_task_averages_by_itself_and_stops_when_asked() {
    let mut site = Site::new().await;
    site.hand.advance(60 * SECOND);
    site.send(&minutes(START, 1)).await;
    let shutdown = Shutdown::new();
    let task = site
        .store()
        .clone()
        .tend_samples(site.clock.clone(), shutdown.clone());
    let watch = async {
        while site.means().await.is_empty() {
            site.hand.advance(20 * SECOND);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        shutdown.begin();
    };
    let both = async { tokio::join!(task, watch) };
    tokio::time::timeout(30 * SECOND, both).await.unwrap();
    assert_eq!(used(&site.means().await), [(0, 0, 1)]);
}
