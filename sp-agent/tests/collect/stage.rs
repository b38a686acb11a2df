//! A collector's surroundings, and a look at what its spool holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use shared::model::{Feed, HostSample, Record, RecordKind, UnixMillis};
use shared::runtime::clock::{Clock, ManualClock};
use shared::runtime::shutdown::Shutdown;
use shared::wire::frame::{FeedFrame, HEADER_BYTES, Header};
use shared::wire::record::{Decoded, decode};
use sp_agent::cloud::{Hindrance, Part, Reading};
use sp_agent::collect::{Collector, Options};
use sp_agent::spool::Spool;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::cloud::{FakeCloud, server_id};

/// A commit takes about as long, so that a second of virtual time has room for one.
const REAL_STEP: Duration = Duration::from_millis(2);

pub(crate) struct Stage {
    pub(crate) cloud: Arc<FakeCloud>,
    pub(crate) spool: Spool,
    pub(crate) shutdown: Shutdown,
    pub(crate) read: watch::Sender<BTreeMap<Part, Reading>>,
    pub(crate) hindered: watch::Sender<BTreeMap<RecordKind, Hindrance>>,
    clock: Clock,
    hand: ManualClock,
    directory: TempDir,
}

fn open(directory: &TempDir) -> Spool {
    let mut drawn = 0;
    let chance = move || {
        drawn += 1;
        drawn
    };
    Spool::open(&directory.path().join("spool"), UnixMillis(1), chance).unwrap()
}

impl Stage {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(UnixMillis(1_700_000_000_000));
        Self {
            cloud: Arc::new(cloud),
            spool: open(&directory),
            shutdown: Shutdown::new(),
            read: watch::Sender::default(),
            hindered: watch::Sender::default(),
            clock,
            hand,
            directory,
        }
    }

    pub(crate) async fn restarted(self) -> Self {
        let Self { spool, .. } = self;
        // Closed already where the test did so.
        let _ = spool.close().await;
        Self {
            spool: open(&self.directory),
            ..self
        }
    }

    pub(crate) fn collector(&self) -> Collector {
        let mut chance = 0_u64;
        Collector {
            cloud: self.cloud.clone(),
            spool: self.spool.clone(),
            clock: self.clock.clone(),
            options: Options::default(),
            sampler: Box::new(|at, _| {
                Some(HostSample {
                    at,
                    ..HostSample::default()
                })
            }),
            chance: Box::new(move || {
                chance = chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
                chance
            }),
            read: self.read.clone(),
            hindered: self.hindered.clone(),
            wanted: watch::Sender::default().subscribe(),
            writing: watch::Sender::default().subscribe(),
        }
    }

    /// Runs a collector for as long as `scene` lasts.
    pub(crate) async fn play(&self, scene: impl AsyncFnOnce(&Self)) {
        let running = self.collector().run(self.shutdown.clone());
        tokio::select! {
            () = running => panic!("the collector ended by itself"),
            () = scene(self) => {}
        }
    }

    /// Lets virtual time pass, and real time by which the spool's disk can follow.
    pub(crate) async fn pass(&self, time: Duration) {
        for _ in 0..time.as_secs() {
            self.hand.advance(Duration::from_secs(1));
            tokio::time::sleep(REAL_STEP).await;
        }
    }

    /// Waits for something, up to an hour of virtual time.
    pub(crate) async fn until(&self, so: impl AsyncFn(&Self) -> bool) {
        for _ in 0..3600 {
            if so(self).await {
                return;
            }
            self.pass(Duration::from_secs(1)).await;
        }
        panic!("did not come to pass within an hour");
    }

    async fn records(&self, feed: Feed) -> Vec<Record> {
        let extent = self.spool.extent(feed);
        let mut after = extent.horizon;
        let mut records = Vec::new();
        while after < extent.head {
            let batch = self.spool.read(feed, extent.id, after).await;
            let batch = batch.unwrap().unwrap();
            let (header, payload) = batch.frame.split_at(HEADER_BYTES);
            let header = Header::read(header.try_into().unwrap(), payload.len()).unwrap();
            let frame = FeedFrame::decode(header.kind, payload).unwrap();
            let Some(FeedFrame::Batch(frame)) = frame else {
                panic!("no batch");
            };
            for record in frame.records.as_slice() {
                let Some(value) = record.value else { continue };
                let decoded = decode(record.kind, record.id.as_slice(), value.as_slice());
                match decoded.unwrap() {
                    Decoded::Known(record) => records.push(*record),
                    Decoded::Unknown => panic!("not of this release"),
                }
            }
            after = batch.last;
        }
        records
    }

    pub(crate) async fn live(&self, kind: RecordKind) -> usize {
        let records = self.records(kind.feed()).await;
        records.iter().filter(|it| it.key().kind == kind).count()
    }

    pub(crate) async fn has_server(&self, number: u64) -> bool {
        let records = self.records(Feed::Inventory).await;
        records.iter().any(|it| it.key().id == server_id(number))
    }

    pub(crate) async fn has_server_named(&self, wanted: &str) -> bool {
        let records = self.records(Feed::Inventory).await;
        records
            .iter()
            .any(|it| matches!(it, Record::Server(server) if server.name == wanted))
    }

    pub(crate) async fn samples_with_latency(&self) -> usize {
        let records = self.records(Feed::Samples).await;
        let has_latency = |it: &&Record| match it {
            Record::HostSample(sample) => {
                sample.latencies.len() == 3 && sample.latencies[0].millis == Some(12)
            }
            _ => false,
        };
        records.iter().filter(has_latency).count()
    }
}
