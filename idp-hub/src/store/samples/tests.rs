//! Samples from the feed to their means, and out again, on a real database.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::StatementStatus;
use shared::ids::{FeedId, RegionId};
use shared::model::{Feed, Weight};
use shared::pki::Fingerprint;
use shared::runtime::clock::{Clock, ManualClock};
use shared::runtime::shutdown::Shutdown;
use shared::wire::frame::{Open, Start, feed_code};
use tempfile::TempDir;

use super::keep::{AHEAD_MAX, LARGE_BYTES_MAX, ORDINARY_BYTES_MAX, SPACING};
use super::*;
use crate::store::introduction::tests::introduction;
use crate::store::{
    FeedJob, FeedPayload, Incoming, IncomingRecord, Mail, Mailbox, Store, WriterThread,
};

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
    async fn send(&mut self, samples: &[HostSample]) -> Mail {
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
        let mail = tokio::time::timeout(5 * SECOND, mailbox.take());
        let mail = mail.await.unwrap();
        // Told before it is acknowledged, so that both may come one after the other.
        let acks = match mail.acks.is_empty() {
            true => mailbox.take().await.acks,
            false => mail.acks.clone(),
        };
        assert_eq!(acks[0].seq, last);
        self.sent = last;
        mail
    }

    /// How many samples there are.
    async fn everything(&self) -> usize {
        let no = self.region;
        let read = self
            .store()
            .read(move |it| it.samples(no, UnixMillis(0), FOREVER, u32::MAX));
        read.await.unwrap().samples.len()
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
    let close = [sample(now, 7), sample(UnixMillis(now.0 + 4999), 8)];
    site.send(&close).await;
    let all = site.samples().await;
    assert_eq!(all, [kept[0].clone(), close[0].clone(), kept[1].clone()]);
}

/// A sample as large as the wire allows.
fn large(at: UnixMillis) -> HostSample {
    let disk = |number: usize| shared::model::Disk {
        mount: format!("/{number:0127}"),
        used_mib: 1 << 47,
        total_mib: 1 << 47,
    };
    HostSample {
        at,
        cpu_permille: vec![999; 1024],
        disks: (0..64).map(disk).collect(),
        ..HostSample::default()
    }
}

/// A captured region fills its part of a window, and what is ordinary still has its place.
#[tokio::test]
async fn what_a_region_has_of_a_window_is_bounded_in_number_and_bytes() {
    let mut site = Site::new().await;
    site.hand.advance(WINDOW);
    let each_second: Vec<_> = (0..300).map(|n| large(START.plus(n * SECOND))).collect();
    let mail = site.send(&each_second).await;
    assert!(mail.thinned);
    let bytes = incoming(&each_second[0]).value.unwrap().len();
    let held = site.samples().await.len();
    assert!(held * bytes <= LARGE_BYTES_MAX, "{held} of {bytes} bytes");
    assert!(
        (held + 1) * bytes > LARGE_BYTES_MAX,
        "{held} of {bytes} bytes"
    );
    // In the places that are left.
    let ordinary: Vec<_> = (held as u32..60)
        .map(|n| sample(START.plus(n * SPACING), 1))
        .collect();
    assert!(incoming(&ordinary[0]).value.unwrap().len() < ORDINARY_BYTES_MAX);
    assert!(!site.send(&ordinary).await.thinned);
    assert_eq!(site.samples().await.len(), 60);
    // The next window is another one.
    site.hand.advance(SECOND);
    assert!(!site.send(&[large(START.plus(WINDOW))]).await.thinned);
    assert_eq!(site.samples().await.len(), 61);
}

/// An agent that kept eight hours sends them as fast as they go, and some of them twice.
#[tokio::test]
async fn eight_hours_come_without_a_gap_and_nobody_is_accused() {
    let mut site = Site::new().await;
    site.hand.advance(8 * HOUR);
    for step in [8, 10] {
        let start = START.plus(step * SECOND / 3);
        let all: Vec<_> = (0..8 * 3600 / step)
            .map(|n| sample(start.plus(n * step * SECOND), n.into()))
            .collect();
        let before = site.everything().await;
        assert!(!site.send(&all[..1000]).await.thinned);
        assert!(!site.send(&all[900..]).await.thinned);
        assert_eq!(site.everything().await - before, all.len());
        let no = site.region;
        let removed = site.store().change(move |it| {
            it.execute("DELETE FROM samples WHERE region = ?1", &[&no.0], "clear")
        });
        removed.await.unwrap();
    }
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

#[tokio::test]
async fn looking_for_what_has_expired_takes_a_few_steps_however_much_there_is() {
    let mut site = Site::new().await;
    site.send(&minutes(START, 60)).await;
    let no = site.region.0;
    let steps = site.store().read(move |it| {
        let mut statement = it.connection.prepare(&expired_sql("samples")).unwrap();
        let row = params![no, millis(SAMPLES_KEPT)];
        let expired: Option<bool> = statement.query_row(row, |row| row.get(0)).unwrap();
        assert_eq!(expired, Some(false));
        Ok(statement.get_status(StatementStatus::VmStep))
    });
    let steps = steps.await.unwrap();
    assert!(steps < 60, "{steps} steps");
}
