//! The store and the checks before it, on a real database: what was acknowledged is there, totals
//! equal a recount, a wrong digest leads to a snapshot, and one region's fault is its own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should panic"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use idp_hub::ingest;
use idp_hub::store::regions::Introduction;
use idp_hub::store::{FeedJob, Mail, Mailbox, RegionNo, Store, StoreError, WriterThread};
use shared::ids::{FeedId, RegionId};
use shared::model::{
    CloudDescription, CloudId, CloudKind, Feed, Record, RecordKind, Server, ServerState, Totals,
    UnixMillis,
};
use shared::pki::Fingerprint;
use shared::runtime::clock::Clock;
use shared::wire::frame::{Batch, BatchRecord, FeedFrame, Header, Open, Start};
use shared::wire::{Bytes as WireBytes, Digest, List, record};

const FEED: FeedId = FeedId::from_bytes([7; 16]);

fn open(directory: &Path) -> (Store, WriterThread) {
    Store::open(&directory.join("hub.db"), Clock::system()).unwrap()
}

fn introduction() -> Introduction {
    let (version, endpoint) = ("1".to_owned(), "http://cloud".to_owned());
    let cloud = CloudDescription {
        kind: CloudKind::Simulated,
        version,
        endpoint,
    };
    Introduction {
        cloud,
        software: "test".to_owned(),
        host: "host".to_owned(),
    }
}

async fn region(store: &Store, name: &'static str, key: u8) -> RegionNo {
    let id = RegionId::from_random(key.into());
    let key = Fingerprint::from_bytes([key; 32]);
    store
        .change(move |it| it.add_region(id, name, key, &introduction(), 0))
        .await
        .unwrap()
}

fn server(number: u32, state: ServerState) -> Record {
    Record::Server(Server {
        id: CloudId::new(&format!("server-{number}")),
        name: format!("web-{number}"),
        project: CloudId::new("p"),
        state,
        vcpus: 2,
        memory_mib: 2048,
        disk_gib: 10,
        node: None,
        addresses: Vec::new(),
        created: UnixMillis::from_secs(1),
        fault: None,
    })
}

/// A sender of one feed, and the session that its frames come through.
struct Agent {
    store: Store,
    region: RegionNo,
    session: u64,
    mailbox: Arc<Mailbox>,
    feed: Option<Feed>,
    seq: u64,
    held: BTreeMap<u32, Record>,
}

impl Agent {
    async fn connect(store: &Store, region: RegionNo, session: u64) -> Self {
        store
            .change(move |it| it.begin_session(region, session, &introduction()))
            .await
            .unwrap();
        let (store, mailbox) = (store.clone(), Arc::default());
        Self {
            store,
            region,
            session,
            mailbox,
            feed: None,
            seq: 0,
            held: BTreeMap::new(),
        }
    }

    async fn send(&mut self, frame: FeedFrame<'_>) {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes).unwrap();
        let header = Header::read(bytes[..6].try_into().unwrap(), 1 << 20).unwrap();
        let payload = Bytes::from(bytes).slice(6..);
        let (feed, payload) = ingest::read(&mut self.feed, header.kind, &payload)
            .unwrap()
            .unwrap();
        let (region, session) = (self.region, self.session);
        let mailbox = Arc::clone(&self.mailbox);
        let job = FeedJob {
            region,
            session,
            feed,
            payload,
            mailbox,
            budget: None,
        };
        self.store.feed(job).await.unwrap();
    }

    async fn open(&mut self, start: Start) {
        self.send(FeedFrame::Open(Open {
            feed: 1,
            id: FEED,
            start,
        }))
        .await;
    }

    /// Sends changes as one batch that reaches the head.
    async fn change(&mut self, changes: &[(u32, Option<ServerState>)]) {
        let mut encoded = Vec::new();
        for (number, state) in changes {
            let one = record::encode(&server(*number, ServerState::Running)).unwrap();
            match state {
                Some(state) => {
                    let now = server(*number, *state);
                    encoded.push((one.id, Some(record::encode(&now).unwrap().value)));
                    self.held.insert(*number, now);
                }
                None => {
                    encoded.push((one.id, None));
                    self.held.remove(number);
                }
            }
        }
        let records = encoded.iter().map(|(id, value)| BatchRecord {
            kind: 1,
            id: WireBytes::new(id).unwrap(),
            value: value.as_deref().map(|value| WireBytes::new(value).unwrap()),
        });
        let after = self.seq;
        self.seq += changes.len() as u64;
        let digest = Some(self.digest().to_bytes());
        let batch = Batch {
            after,
            last: self.seq,
            digest,
            records: List::cut(records),
        };
        self.send(FeedFrame::Batch(batch)).await;
    }

    fn digest(&self) -> Digest {
        let mut digest = Digest::default();
        for record in self.held.values() {
            let record = record::encode(record).unwrap();
            digest.add(Digest::of(record.kind, &record.id, &record.value));
        }
        digest
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.held
            .values()
            .for_each(|record| totals.add(&Totals::of(record)));
        totals
    }

    async fn mail(&self) -> Mail {
        tokio::time::timeout(Duration::from_secs(20), self.mailbox.take())
            .await
            .unwrap()
    }

    async fn acked(&self) -> u64 {
        let mail = self.mail().await;
        assert!(mail.cursors.is_empty() && !mail.give_up, "{mail:?}");
        mail.acks[0].seq
    }

    fn shown(&self) -> Totals {
        self.store.overview().region(self.region).unwrap().totals
    }
}

async fn stored(store: &Store, region: RegionNo) -> Vec<Record> {
    let page = store
        .read(move |it| it.records(region, RecordKind::Server, &[], 1000))
        .await;
    page.unwrap()
        .records
        .into_iter()
        .map(|it| it.record)
        .collect()
}

#[tokio::test]
async fn what_is_acknowledged_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let region = region(&store, "north", 1).await;
    let mut agent = Agent::connect(&store, region, 1).await;
    agent.open(Start::Snapshot).await;
    let running = Some(ServerState::Running);
    agent
        .change(&[(1, running), (2, running), (3, Some(ServerState::Stopped))])
        .await;
    agent
        .change(&[(2, Some(ServerState::Failed)), (3, None)])
        .await;
    while agent.acked().await < 5 {}
    let (held, totals) = (agent.held.clone(), agent.totals());
    assert_eq!(agent.shown(), totals);
    assert_eq!(
        (
            totals.servers,
            totals.servers_running,
            totals.servers_failed
        ),
        (2, 1, 1)
    );
    drop((agent, store));
    writer.join();

    let (store, _writer) = open(directory.path());
    assert_eq!(
        stored(&store, region).await,
        held.into_values().collect::<Vec<_>>()
    );
    assert_eq!(store.overview().region(region).unwrap().totals, totals);
    assert_eq!(store.overview().all().totals, totals);
    let cursors = store
        .change(move |it| it.begin_session(region, 2, &introduction()))
        .await
        .unwrap();
    let cursor = cursors.iter().find(|cursor| cursor.feed == 1).unwrap();
    assert_eq!((cursor.id, cursor.seq), (FEED, 5));
}

#[tokio::test]
async fn an_agent_that_does_not_know_its_clouds_version_leaves_the_known_one() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _writer) = open(directory.path());
    let region = region(&store, "north", 1).await;
    let describe = async |version: &str| {
        let mut cloud = introduction().cloud;
        cloud.version = version.to_owned();
        store
            .change(move |it| it.described(region, &cloud))
            .await
            .unwrap();
        let row = store
            .read(move |it| it.region_numbered(region))
            .await
            .unwrap();
        row.unwrap().facts.cloud.version
    };
    assert_eq!(describe("2").await, "2");
    assert_eq!(describe("").await, "2");
    assert_eq!(describe("3").await, "3");
}

#[tokio::test]
async fn a_snapshot_sweeps_what_it_does_not_bring() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _writer) = open(directory.path());
    let region = region(&store, "north", 1).await;
    let mut agent = Agent::connect(&store, region, 1).await;
    agent.open(Start::Snapshot).await;
    let all: Vec<_> = (0..500)
        .map(|number| (number, Some(ServerState::Running)))
        .collect();
    agent.change(&all).await;
    assert_eq!(agent.acked().await, 500);
    agent.open(Start::Snapshot).await;
    agent.seq = 0;
    agent.held.clear();
    agent.change(&all[100..]).await;
    assert_eq!(agent.acked().await, 400);
    assert_eq!(agent.shown(), agent.totals());
    assert_eq!(stored(&store, region).await.len(), 400);
}

#[tokio::test]
async fn a_wrong_digest_asks_for_a_snapshot_which_cures_it() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _writer) = open(directory.path());
    let region = region(&store, "north", 1).await;
    let mut agent = Agent::connect(&store, region, 1).await;
    agent.open(Start::Snapshot).await;
    agent.change(&[(1, Some(ServerState::Running))]).await;
    agent.acked().await;
    // The agent holds a server that it never sent: its digest can't be reached.
    agent.held.insert(9, server(9, ServerState::Running));
    agent.change(&[(2, Some(ServerState::Running))]).await;
    let mail = agent.mail().await;
    assert_eq!(mail.cursors[0].id, FeedId::NONE);
    let held: Vec<_> = agent
        .held
        .keys()
        .map(|it| (*it, Some(ServerState::Running)))
        .collect();
    agent.seq = 0;
    agent.open(Start::Snapshot).await;
    agent.change(&held).await;
    assert_eq!(agent.acked().await, 3);
    assert_eq!(agent.shown(), agent.totals());
}

#[tokio::test]
async fn an_older_session_has_nothing_to_say_and_a_removed_region_neither() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _writer) = open(directory.path());
    let region = region(&store, "north", 1).await;
    let mut old = Agent::connect(&store, region, 1).await;
    old.open(Start::Snapshot).await;
    let mut new = Agent::connect(&store, region, 2).await;
    new.open(Start::Snapshot).await;
    old.change(&[(1, Some(ServerState::Running))]).await;
    new.change(&[(2, Some(ServerState::Running))]).await;
    assert_eq!(new.acked().await, 1);
    assert_eq!(new.shown(), new.totals());
    store
        .change(move |it| it.remove_region(region))
        .await
        .unwrap();
    new.change(&[(3, Some(ServerState::Running))]).await;
    assert!(new.mail().await.give_up);
    assert_eq!(store.overview().all().totals, Totals::default());
    assert_eq!(stored(&store, region).await, []);
}

#[tokio::test]
async fn a_change_that_fails_takes_back_only_itself() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _writer) = open(directory.path());
    let north = region(&store, "north", 1).await;
    let south = region(&store, "south", 2).await;
    let failed = store.change(move |it| {
        it.accept_region(north)?;
        it.rename_region(south, "north")
    });
    let kept = store.change(move |it| it.accept_region(south));
    let (failed, kept) = tokio::join!(failed, kept);
    assert!(
        matches!(failed, Err(StoreError::NameTaken { .. })),
        "{failed:?}"
    );
    kept.unwrap();
    let regions = store.read(|it| it.regions()).await.unwrap();
    let standings: Vec<_> = regions
        .iter()
        .map(|it| (it.facts.name.as_str(), it.facts.standing))
        .collect();
    use shared::wire::frame::Standing::{Accepted, Pending};
    assert_eq!(standings, [("north", Pending), ("south", Accepted)]);
}

#[tokio::test]
async fn a_region_that_a_failed_change_added_or_removed_is_as_before() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _writer) = open(directory.path());
    let north = region(&store, "north", 1).await;
    let mut agent = Agent::connect(&store, north, 1).await;
    agent.open(Start::Snapshot).await;
    agent.change(&[(1, Some(ServerState::Running))]).await;
    let failed: Result<(), _> = store
        .change(move |it| {
            let key = Fingerprint::from_bytes([5; 32]);
            it.add_region(RegionId::from_random(5), "east", key, &introduction(), 0)?;
            it.remove_region(north)?;
            Err(StoreError::Refused("no".to_owned()))
        })
        .await;
    assert!(failed.is_err());
    agent.change(&[(2, Some(ServerState::Running))]).await;
    while agent.acked().await < 2 {}
    assert_eq!(agent.shown(), agent.totals());
    assert_eq!(store.overview().all().totals, agent.totals());
    assert_eq!(region(&store, "east", 6).await, RegionNo(2));
}

#[tokio::test]
async fn a_backup_opens_as_the_store_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _writer) = open(directory.path());
    let no = region(&store, "north", 1).await;
    let copy = directory.path().join("backup.db");
    store.back_up(&copy).await.unwrap();
    let again = store.back_up(&copy).await.unwrap_err().to_string();
    assert!(again.contains("exists"), "{again}");
    let (restored, _thread) = Store::open(&copy, Clock::system()).unwrap();
    assert_eq!(restored.read(|it| it.regions()).await.unwrap()[0].no, no);
}

#[test]
fn a_later_release_s_database_is_refused_untouched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hub.db");
    let later = rusqlite::Connection::open(&path).unwrap();
    later.pragma_update(None, "user_version", 99).unwrap();
    drop(later);
    let error = Store::open(&path, Clock::system())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("schema 99") && error.contains("upgrade"),
        "{error}"
    );
}

#[test]
fn what_can_t_be_stored_is_refused_before_the_store() {
    for (after, last) in [(0, u64::MAX), (u64::MAX, u64::MAX)] {
        let batch = Batch {
            after,
            last,
            digest: None,
            records: List::default(),
        };
        let mut bytes = Vec::new();
        FeedFrame::Batch(batch).encode(&mut bytes).unwrap();
        let payload = Bytes::from(bytes).slice(6..);
        let mut feed = Some(Feed::Inventory);
        assert!(ingest::read(&mut feed, 33, &payload).is_err());
    }
    let mut unopened = None;
    assert!(ingest::read(&mut unopened, 33, &Bytes::from_static(&[0, 0, 0, 0])).is_err());
}
