//! The hub's store, as sessions and the API use it.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use idp_hub::directory::{Directory, Edit, Stamp};
use idp_hub::store::directory::{Confirmation, Remarked, Seen};
use idp_hub::store::regions::Introduction;
use idp_hub::store::{
    FeedJob, FeedPayload, Founding, Incoming, IncomingRecord, Mailbox, RegionNo, Store, StoreError,
};
use shared::audit::By;
use shared::ids::{FederationId, FeedId, HubId, RegionId};
use shared::link::outbox::{Outbox, Step};
use shared::model::{CloudDescription, CloudKind, Feed, Record, RemarkState, Weight};
use shared::pki::Fingerprint;
use shared::runtime::clock::Clock;
use shared::wire::Digest;
use shared::wire::frame::{FeedFrame, HEADER_BYTES, Open, Start, feed_code};
use shared::wire::record;
use sp_agent::replica::store::{Store as Replica, Taken};

use super::site::objects;
use super::trace;
use tempfile::TempDir;

pub(super) const OURS: FederationId = FederationId::from_bytes([7; 16]);

/// Remarks that are looked at.
const REMARKS_MAX: u32 = 1000;

pub(super) struct Hub {
    pub(super) store: Store,
    pub(super) folder: TempDir,
    session: u64,
    /// What the directory must be, by the same edits made in memory.
    pub(super) expected: Directory,
    /// Whether it knows less than its regions may.
    pub(super) was_set_back: bool,
}

/// A folder that costs no disk.
pub(super) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

pub(super) fn by() -> By {
    By::new("ann", "192.0.2.7")
}

fn introduction() -> Introduction {
    let (version, endpoint) = (String::new(), String::new());
    Introduction {
        cloud: CloudDescription {
            kind: CloudKind::OpenStack,
            version,
            endpoint,
        },
        software: String::new(),
        host: String::new(),
    }
}

impl Hub {
    pub(super) async fn found() -> Self {
        let folder = folder();
        let (store, _) = Store::open(&folder.path().join("hub.db"), Clock::system()).unwrap();
        let founding = Founding {
            federation: OURS,
            hub: HubId::from_random(1),
            epoch: 3,
            ready: true,
        };
        let founded = store.change(move |it| it.set_founding(&founding));
        founded.await.unwrap();
        Self {
            store,
            folder,
            session: 0,
            expected: Directory::new(OURS),
            was_set_back: false,
        }
    }

    pub(super) async fn region(&self, number: u8) -> RegionNo {
        let id = RegionId::from_random(u128::from(number) + 1);
        let key = Fingerprint::from_bytes([number; 32]);
        let added = self.store.change(move |it| {
            let no = it.add_region(id, &name(number), key, &introduction(), 0)?;
            it.accept_region(no)?;
            Ok(no)
        });
        added.await.unwrap()
    }

    /// An agent tells all that it knows.
    pub(super) async fn tell(&mut self, region: RegionNo, records: &[Record]) {
        self.session += 1;
        let session = self.session;
        let began = self
            .store
            .change(move |it| it.begin_session(region, session, &introduction()));
        began.await.unwrap();
        let mut digest = Digest::default();
        let records: Vec<IncomingRecord> = records.iter().map(incoming).collect();
        for it in &records {
            digest.add(Digest::of(it.kind, &it.id, it.value.as_deref().unwrap()));
        }
        let open = FeedPayload::Open(Open {
            feed: feed_code(Feed::Organization),
            id: FeedId::from_random(session.into()),
            start: Start::Snapshot,
        });
        let batch = FeedPayload::Batch(Incoming {
            after: 0,
            last: records.len() as u64,
            digest: Some(digest),
            records,
        });
        let mailbox = Arc::new(Mailbox::default());
        for payload in [open, batch] {
            let job = FeedJob {
                region,
                session,
                feed: Feed::Organization,
                payload,
                mailbox: Arc::clone(&mailbox),
                budget: None,
            };
            self.store.feed(job).await.unwrap();
        }
        // Behind them.
        self.store.change(|_| Ok(())).await.unwrap();
        if self.was_set_back {
            self.end_again().await;
        }
    }

    /// Tells an agent the directory; `batches_max` of it, as a link that breaks then.
    pub(super) async fn direct(&self, no: RegionNo, replica: &Replica, batches_max: usize) {
        let heads = self.store.directory_heads();
        let Some(extent) = heads.borrow().extent(no) else {
            return;
        };
        replica.session_began();
        let mut outbox = Outbox::of_directory(extent);
        outbox.position(&replica.asks());
        let mut batches = 0;
        while let Some(step) = outbox.next() {
            let taken = match step {
                Step::Open(open) => {
                    let mut bytes = Vec::new();
                    FeedFrame::Open(open).encode(&mut bytes).unwrap();
                    outbox.opened(&open);
                    take(replica, bytes).await
                }
                Step::Read { after } if batches < batches_max => {
                    batches += 1;
                    let read = self.store.read(move |it| it.directory_batch(no, after));
                    let batch = read.await.unwrap().unwrap();
                    outbox.sent(after, batch.last, batch.frame.len(), batch.has_digest);
                    take(replica, batch.frame).await
                }
                Step::Read { .. } => return,
                Step::Renew { .. } => panic!("a directory is no log"),
            };
            match taken {
                Taken::Ack(ack) => drop(outbox.acked(ack.seq)),
                Taken::Reposition(cursor) => outbox.position(&cursor),
                Taken::Quiet => {}
                Taken::GiveUp => panic!("the feed can't be followed"),
            }
        }
    }

    /// Merges a region as it is planned.
    pub(super) async fn merge(&mut self, number: u8) {
        let shown = self.store.shown_plan(&name(number)).await.unwrap();
        for it in &shown.plan.steps {
            trace(|| format!("  region {number} merges: {it:?}"));
        }
        let confirmed = Confirmation {
            plan: shown.digest,
            take_over: false,
            copied: false,
            by: by(),
        };
        self.store.merge(&name(number), confirmed).await.unwrap();
        self.reload().await;
    }

    /// An administrator's edit. Whether it was made.
    pub(super) async fn edit(&mut self, edit: Edit) -> bool {
        let (wanted, told) = (edit.clone(), edit.clone());
        let made = self.store.change(move |it| it.edit(edit, "ann")).await;
        let stamp = Stamp {
            author: "ann".to_owned(),
            at: shared::model::UnixMillis(1),
            epoch: 3,
        };
        let expected = self.expected.change(wanted, &stamp);
        trace(|| format!("hub: {told:?}: {}", made.is_ok()));
        assert_eq!(made.is_ok(), expected.is_ok(), "{made:?} {expected:?}");
        match made {
            Ok(_) => true,
            Err(StoreError::Edit(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// What is stored is what was made of it.
    pub(super) async fn is_sound(&self) {
        let stored = self.store.read(|it| it.directory()).await.unwrap();
        assert_eq!(objects(stored.live()), objects(self.expected.live()));
        assert!(stored.live().links().eq(self.expected.live().links()));
    }

    pub(super) async fn reload(&mut self) {
        self.expected = self.store.read(|it| it.directory()).await.unwrap();
    }

    /// All drift of a region, or of all.
    pub(super) async fn drift(&self, region: Option<u8>) -> Vec<Remarked> {
        fn is_drift(it: &RemarkState) -> bool {
            matches!(it, RemarkState::Drift { .. })
        }
        let region = region.map(name);
        let read = self
            .store
            .read(move |it| it.remarks(region.as_deref(), is_drift, &[], REMARKS_MAX));
        read.await.unwrap().items
    }

    /// Adopts or puts back a drift. Whether anything was changed; an error is a refusal.
    pub(super) async fn cure(&mut self, it: &Remarked, adopts: bool) -> Result<bool, String> {
        let seen = Seen {
            id: it.remark.subject.id(),
            digest: it.seen,
        };
        let no = it.no;
        let done = self.store.change(move |it| {
            let region = it.region_numbered(no)?.unwrap();
            match adopts {
                true => it
                    .adopt_drift(&region, &seen, true, &by())
                    .map(|it| !it.is_empty()),
                false => it.put_back(&region, &seen, &by(), std::time::Duration::ZERO),
            }
        });
        let done = done.await;
        let how = if adopts { "adopted" } else { "put back" };
        trace(|| format!("hub: {how} {:?}: {done:?}", it.remark));
        self.reload().await;
        match done {
            Ok(changed) => Ok(changed),
            Err(error @ (StoreError::Drift(_) | StoreError::Edit(_) | StoreError::Refused(_))) => {
                Err(error.to_string())
            }
            Err(error) => panic!("{error}"),
        }
    }
}

pub(super) fn name(number: u8) -> String {
    format!("region-{number}")
}

async fn take(replica: &Replica, frame: Vec<u8>) -> Taken {
    let kind = u16::from_le_bytes([frame[0], frame[1]]);
    let payload = Bytes::from(frame).slice(HEADER_BYTES..);
    replica.take(kind, payload).await.unwrap()
}

fn incoming(it: &Record) -> IncomingRecord {
    let encoded = record::encode(it).unwrap();
    IncomingRecord {
        kind: encoded.kind,
        id: Bytes::from(encoded.id),
        value: Some(Bytes::from(encoded.value)),
        weight: Weight::of(it),
        known: None,
    }
}
