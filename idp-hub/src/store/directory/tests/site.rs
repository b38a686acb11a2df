//! A hub's store and regions that tell it their organizations.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;
use shared::audit::By;
use shared::ids::{FederationId, FeedId, HubId, ObjectId, RegionId};
use shared::model::{CloudId, Custody, Department, Entry, Feed, Object, Record, User, Weight};
use shared::pki::Fingerprint;
use shared::runtime::clock::Clock;
use shared::wire::Digest;
use shared::wire::frame::{Open, Start, feed_code};
use shared::wire::record::{self, Decoded};
use tempfile::TempDir;

use super::super::*;
use crate::directory::{Edit, Plan};
use crate::store::introduction::tests::introduction;
use crate::store::{
    FeedJob, FeedPayload, Founding, Incoming, IncomingRecord, Mailbox, RegionNo, Store, StoreError,
};

pub(super) const OURS: FederationId = FederationId::from_bytes([7; 16]);

pub(super) struct Site {
    folder: TempDir,
    clock: Clock,
    pub(super) store: Store,
}

/// A row of the directory: number, region, record; `None` is a tombstone.
pub(super) type Row = (u64, u32, u16, Option<Record>);

impl Site {
    pub(super) async fn new() -> Self {
        Self::by(Clock::system()).await
    }

    /// One by this clock.
    pub(super) async fn by(clock: Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&folder.path().join("hub.db"), clock.clone()).unwrap();
        let founding = Founding {
            federation: OURS,
            hub: HubId::from_random(1),
            epoch: 3,
            ready: true,
        };
        let founded = store.change(move |it| it.set_founding(&founding));
        founded.await.unwrap();
        Self {
            folder,
            clock,
            store,
        }
    }

    /// The hub is started anew.
    pub(super) async fn reopened(self) -> Self {
        let Self {
            folder,
            clock,
            store,
        } = self;
        store.close().await;
        drop(store);
        let (store, _) = Store::open(&folder.path().join("hub.db"), clock.clone()).unwrap();
        Self {
            folder,
            clock,
            store,
        }
    }

    pub(super) fn connection(&self) -> Connection {
        Connection::open(self.folder.path().join("hub.db")).unwrap()
    }

    pub(super) async fn region(&self, key: u8) -> RegionNo {
        let id = RegionId::from_random(key.into());
        let fingerprint = Fingerprint::from_bytes([key; 32]);
        let name = format!("region-{key}");
        let added = self.store.change(move |it| {
            let no = it.add_region(id, &name, fingerprint, &introduction(), 0)?;
            it.accept_region(no)?;
            Ok(no)
        });
        added.await.unwrap()
    }

    /// The region tells all of its organization.
    pub(super) async fn tell(&self, region: RegionNo, session: u64, records: &[Record]) {
        self.tell_of(Feed::Organization, region, session, records)
            .await;
    }

    /// The region tells all of one feed.
    pub(super) async fn tell_of(
        &self,
        feed: Feed,
        region: RegionNo,
        session: u64,
        records: &[Record],
    ) {
        let began = move |it: &mut crate::store::Changing<'_>| {
            it.begin_session(region, session, &introduction())
        };
        self.store.change(began).await.unwrap();
        let mailbox = Arc::new(Mailbox::default());
        let id = FeedId::from_random(session.into());
        let mut digest = Digest::default();
        let records: Vec<IncomingRecord> = records.iter().map(incoming).collect();
        for it in &records {
            digest.add(Digest::of(it.kind, &it.id, it.value.as_deref().unwrap()));
        }
        let open = FeedPayload::Open(Open {
            feed: feed_code(feed),
            id,
            start: Start::Snapshot,
        });
        let batch = FeedPayload::Batch(Incoming {
            after: 0,
            last: records.len() as u64,
            digest: Some(digest),
            records,
        });
        for payload in [open, batch] {
            let job = FeedJob {
                region,
                session,
                feed,
                payload,
                mailbox: Arc::clone(&mailbox),
                budget: None,
            };
            self.store.feed(job).await.unwrap();
        }
        // What comes next is another transaction than what was told.
        self.store.change(|_| Ok(())).await.unwrap();
    }

    pub(super) async fn name(&self, no: RegionNo) -> String {
        let region = self.store.read(move |it| it.region_numbered(no));
        region.await.unwrap().unwrap().facts.name
    }

    pub(super) async fn plan(&self, no: RegionNo) -> Result<Plan, StoreError> {
        let shown = self.store.shown_plan(&self.name(no).await).await?;
        Ok(shown.plan.clone())
    }

    pub(super) async fn confirm(&self, no: RegionNo, plan: &Plan) -> Result<Merged, StoreError> {
        let name = self.name(no).await;
        self.store.merge(&name, confirmation(plan)).await
    }

    pub(super) async fn merge(&self, no: RegionNo) -> Merged {
        let plan = self.plan(no).await.unwrap();
        self.confirm(no, &plan).await.unwrap()
    }

    pub(super) async fn edit(&self, edit: Edit) -> Result<(), StoreError> {
        let made = self.store.change(move |it| it.edit(edit, "ann"));
        made.await.map(drop)
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let connection = self.connection();
        let sql = "SELECT seq, region, kind, id, value FROM directory ORDER BY seq";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map((), |row| {
            let (kind, id): (u16, Vec<u8>) = (row.get(2)?, row.get(3)?);
            let value: Option<Vec<u8>> = row.get(4)?;
            let record = value.map(|it| match record::decode(kind, &id, &it).unwrap() {
                Decoded::Known(record) => *record,
                Decoded::Unknown => panic!("of a later release"),
            });
            Ok((row.get(0)?, row.get(1)?, kind, record))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// What is kept of the whole is what a recount gives, and memory is as the disk.
    pub(super) async fn is_sound(&self) {
        let fact = |name: &str| -> Vec<u8> {
            let sql = "SELECT value FROM facts WHERE name = ?1";
            let connection = self.connection();
            connection.query_row(sql, [name], |row| row.get(0)).unwrap()
        };
        let mut digests = std::collections::BTreeMap::<u32, Digest>::new();
        let mut highest = 0;
        for (seq, region, _, record) in self.rows() {
            highest = highest.max(seq);
            let digest = digests.entry(region).or_default();
            if let Some(record) = record {
                let it = record::encode(&record).unwrap();
                digest.add(Digest::of(it.kind, &it.id, &it.value));
            }
        }
        let head = u64::from_le_bytes(fact("directory_head").try_into().unwrap());
        assert!(head >= highest, "{head} {highest}");
        let common = digests.remove(&EVERYWHERE).unwrap_or_default();
        assert_eq!(fact("directory_digest"), common.to_bytes());
        let sql = "SELECT region, digest FROM region_organization";
        let connection = self.connection();
        let mut statement = connection.prepare(sql).unwrap();
        let kept = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)));
        for kept in kept.unwrap() {
            let (region, digest): (u32, [u8; 16]) = kept.unwrap();
            let counted = digests.remove(&region).unwrap_or_default();
            assert_eq!(counted.to_bytes(), digest, "{region}");
        }
        let stored = self.store.read(|it| it.directory()).await.unwrap();
        let held = self.store.change(|it| {
            let held = it.hot.directory.take();
            if let Some(held) = &held {
                it.hot.directory.keep(held.clone());
            }
            Ok(held)
        });
        if let Some(held) = held.await.unwrap() {
            assert_eq!(held.live(), stored.live());
        }
    }
}

pub(super) fn incoming(record: &Record) -> IncomingRecord {
    let encoded = record::encode(record).unwrap();
    IncomingRecord {
        kind: encoded.kind,
        id: Bytes::from(encoded.id),
        value: Some(Bytes::from(encoded.value)),
        weight: Weight::of(record),
        known: None,
    }
}

pub(super) fn entry<T>(id: &str, custody: Custody, what: T) -> Entry<T> {
    Entry {
        id: CloudId::new(id),
        custody,
        marker: None,
        what,
    }
}

pub(super) fn department_value(name: &str) -> Department {
    Department {
        name: name.to_owned(),
        description: None,
        enabled: true,
    }
}

pub(super) fn department(id: &str, name: &str) -> Record {
    Record::Department(entry(id, Custody::Common, department_value(name)))
}

pub(super) fn user(id: &str, department: &str, name: &str, custody: Custody) -> Record {
    let user = User {
        department: CloudId::new(department),
        name: name.to_owned(),
        description: None,
        email: None,
        enabled: true,
        default_project: None,
    };
    Record::User(entry(id, custody, user))
}

pub(super) fn by_ann() -> By {
    By::new("ann", "192.0.2.7")
}

/// Ann's yes to a plan.
pub(super) fn confirmation(plan: &Plan) -> Confirmation {
    Confirmation {
        plan: plan.digest(),
        take_over: false,
        copied: false,
        by: by_ann(),
    }
}

/// An organization with Default, an administrator, and the department `ops` with `ann`.
pub(super) fn organization(mark: &str) -> Vec<Record> {
    let (ops, ann) = (format!("{mark}-ops"), format!("{mark}-ann"));
    let default = entry("default", Custody::Reserved, department_value("Default"));
    vec![
        Record::Department(default),
        user(mark, "default", "admin", Custody::Administrator),
        department(&ops, "ops"),
        user(&ann, &ops, "ann", Custody::Common),
    ]
}

pub(super) fn create(number: u128, name: &str) -> Edit {
    Edit::Create {
        id: ObjectId::from_random(number),
        object: Object::Department(department_value(name)),
    }
}
