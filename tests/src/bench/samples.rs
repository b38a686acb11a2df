//! What an agent tells of its region's health: the services once, and a sample every ten seconds.

use std::time::{Duration, SystemTime};

use shared::ids::FeedId;
use shared::model::{
    Disk, Feed, HostSample, Nic, Record, Service, ServiceKind, ServiceLatency, ServiceState,
    UnixMillis,
};
use shared::wire::frame::{Batch, BatchRecord, FeedFrame, Open, Start, feed_code};
use shared::wire::record::{EncodedRecord, encode};
use shared::wire::{Bytes, Digest, List};

/// How often an agent samples its host, by default.
pub const SAMPLE_EVERY: Duration = Duration::from_secs(10);

/// The services of an OpenStack cloud.
const SERVICES: [ServiceKind; 6] = [
    ServiceKind::Identity,
    ServiceKind::Compute,
    ServiceKind::Placement,
    ServiceKind::Volume,
    ServiceKind::Network,
    ServiceKind::Image,
];

/// The frames of the health feed: all services answer.
pub fn services(id: FeedId) -> Vec<u8> {
    let records: Vec<EncodedRecord> = SERVICES
        .into_iter()
        .map(|kind| {
            encode(&Record::Service(Service {
                kind,
                state: ServiceState::Available,
                endpoint: format!("https://{}.region.example", kind.name()),
                versions: ("2.1".to_owned(), "2.96".to_owned()),
                since: UnixMillis(1_760_000_000_000),
            }))
            .unwrap()
        })
        .collect();
    let mut digest = Digest::default();
    for it in &records {
        digest.add(Digest::of(it.kind, &it.id, &it.value));
    }
    let mut bytes = open(Feed::Health, id, Start::Snapshot);
    bytes.extend(batch(0, Some(digest), &records));
    bytes
}

/// The frame that begins the feed of samples.
pub fn open_samples(id: FeedId) -> Vec<u8> {
    open(Feed::Samples, id, Start::Resume { seq: 0 })
}

/// The frame of the sample after number `after`, of a host of eight cores as it is now.
pub fn sample(after: u64) -> Vec<u8> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let vary = |n: u64| (after * 7 + n * 13) % 100;
    let nic = |name: &str, n| Nic {
        name: name.to_owned(),
        received_bytes_per_s: 1_000_000 + vary(n),
        sent_bytes_per_s: 2_000_000 + vary(n),
    };
    let disk = |mount: &str, n| Disk {
        mount: mount.to_owned(),
        used_mib: 20_000 + vary(n),
        total_mib: 100_000,
    };
    let latency = |service| ServiceLatency {
        service,
        millis: Some(20 + vary(5) as u32),
    };
    let sample = HostSample {
        at: UnixMillis(since.unwrap().as_millis() as u64),
        cpu_permille: (0..8).map(|core| vary(core) as u16 * 10).collect(),
        load_centi: [120, 110, 100],
        memory_used_mib: 9_000 + vary(1),
        memory_total_mib: 32_000,
        disks: vec![disk("/", 1), disk("/var", 2)],
        nics: vec![nic("eth0", 3), nic("eth1", 4)],
        latencies: SERVICES.map(latency).to_vec(),
    };
    batch(after, None, &[encode(&Record::HostSample(sample)).unwrap()])
}

fn open(feed: Feed, id: FeedId, start: Start) -> Vec<u8> {
    let mut bytes = Vec::new();
    let feed = feed_code(feed);
    FeedFrame::Open(Open { feed, id, start })
        .encode(&mut bytes)
        .unwrap();
    bytes
}

fn batch(after: u64, digest: Option<Digest>, records: &[EncodedRecord]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let records_of = records.iter().map(|it| BatchRecord {
        kind: it.kind,
        id: Bytes::new(&it.id).unwrap(),
        value: Bytes::new(&it.value),
    });
    let batch = Batch {
        after,
        last: after + records.len() as u64,
        digest: digest.map(|digest| digest.to_bytes()),
        records: List::cut(records_of),
    };
    FeedFrame::Batch(batch).encode(&mut bytes).unwrap();
    bytes
}
