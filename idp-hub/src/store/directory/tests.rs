//! The directory on a real database: all of a merge or nothing, in an order that a region can
//! follow, and in memory as it is on the disk.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;
use shared::ids::{FederationId, FeedId, HubId, ObjectId, RegionId};
use shared::model::{
    Becomes, CloudId, Custody, Department, End, Entry, Feed, Marker, Object, ObjectKind, Record,
    User, Weight,
};
use shared::pki::Fingerprint;
use shared::runtime::clock::Clock;
use shared::wire::Digest;
use shared::wire::frame::{Open, Start, feed_code};
use shared::wire::record::{self, Decoded};
use tempfile::TempDir;

use super::*;
use crate::directory::{Edit, MergeRefusal, Patch, Plan};
use crate::store::introduction::tests::introduction;
use crate::store::{
    FeedJob, FeedPayload, Founding, Incoming, IncomingRecord, Mailbox, RegionNo, Store, StoreError,
};

const OURS: FederationId = FederationId::from_bytes([7; 16]);

struct Site {
    folder: TempDir,
    store: Store,
}

/// A row of the directory: number, region, record; `None` is a tombstone.
type Row = (u64, u32, u16, Option<Record>);

impl Site {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&folder.path().join("hub.db"), Clock::system()).unwrap();
        let founding = Founding {
            federation: OURS,
            hub: HubId::from_random(1),
            epoch: 3,
            ready: true,
        };
        let founded = store.change(move |it| it.set_founding(&founding));
        founded.await.unwrap();
        Self { folder, store }
    }

    /// The hub is started anew.
    async fn reopened(self) -> Self {
        let Self { folder, store } = self;
        store.close().await;
        drop(store);
        let (store, _) = Store::open(&folder.path().join("hub.db"), Clock::system()).unwrap();
        Self { folder, store }
    }

    fn connection(&self) -> Connection {
        Connection::open(self.folder.path().join("hub.db")).unwrap()
    }

    async fn region(&self, key: u8) -> RegionNo {
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
    async fn tell(&self, region: RegionNo, session: u64, records: &[Record]) {
        let began = move |it: &mut crate::store::Changing<'_>| {
            it.begin_session(region, session, &introduction())
        };
        self.store.change(began).await.unwrap();
        let mailbox = Arc::new(Mailbox::default());
        let (feed, id) = (Feed::Organization, FeedId::from_random(session.into()));
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
    }

    async fn plan(&self, no: RegionNo) -> Result<Plan, StoreError> {
        // Behind what was told.
        self.store.change(|_| Ok(())).await.unwrap();
        let planned = self.store.read(move |it| {
            let region = it.region_numbered(no)?.unwrap();
            it.plan(&region)
        });
        planned.await
    }

    async fn confirm(&self, no: RegionNo, plan: &Plan) -> Result<Merged, StoreError> {
        let confirmation = Confirmation {
            plan: plan.digest(),
            take_over: false,
            author: "ann".to_owned(),
        };
        let merged = self.store.change(move |it| it.merge(no, &confirmation));
        merged.await
    }

    async fn merge(&self, no: RegionNo) -> Merged {
        let plan = self.plan(no).await.unwrap();
        self.confirm(no, &plan).await.unwrap()
    }

    async fn edit(&self, edit: Edit) -> Result<(), StoreError> {
        let made = self.store.change(move |it| it.edit(edit, "ann"));
        made.await.map(drop)
    }

    fn rows(&self) -> Vec<Row> {
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
    async fn is_sound(&self) {
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

fn incoming(record: &Record) -> IncomingRecord {
    let encoded = record::encode(record).unwrap();
    IncomingRecord {
        kind: encoded.kind,
        id: Bytes::from(encoded.id),
        value: Some(Bytes::from(encoded.value)),
        weight: Weight::of(record),
        known: None,
    }
}

fn entry<T>(id: &str, custody: Custody, what: T) -> Entry<T> {
    Entry {
        id: CloudId::new(id),
        custody,
        marker: None,
        what,
    }
}

fn department_value(name: &str) -> Department {
    Department {
        name: name.to_owned(),
        description: None,
        enabled: true,
    }
}

fn department(id: &str, name: &str) -> Record {
    Record::Department(entry(id, Custody::Common, department_value(name)))
}

fn user(id: &str, department: &str, name: &str, custody: Custody) -> Record {
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

/// An organization with Default, an administrator, and the department `ops` with `ann`.
fn organization(mark: &str) -> Vec<Record> {
    let (ops, ann) = (format!("{mark}-ops"), format!("{mark}-ann"));
    let default = entry("default", Custody::Reserved, department_value("Default"));
    vec![
        Record::Department(default),
        user(mark, "default", "admin", Custody::Administrator),
        department(&ops, "ops"),
        user(&ann, &ops, "ann", Custody::Common),
    ]
}

fn create(number: u128, name: &str) -> Edit {
    Edit::Create {
        id: ObjectId::from_random(number),
        object: Object::Department(department_value(name)),
    }
}

#[tokio::test]
async fn a_merge_is_there_after_a_crash_and_again_it_is_nothing() {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    site.tell(home, 1, &organization("h")).await;
    site.tell(north, 1, &organization("n")).await;
    site.merge(home).await;
    let merged = site.merge(north).await;
    assert!(merged.written > 0);
    site.is_sound().await;
    let (before, rows) = (site.store.read(|it| it.directory()).await, site.rows());
    let before = before.unwrap();
    let mut names: Vec<&str> = (before.live().departments.values())
        .map(|it| &*it.name)
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["ops", "ops_n-ops"], "the later one gives way");

    let site = site.reopened().await;
    let after = site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(after.live(), before.live());
    let ann = before.live().users.keys().next().unwrap();
    let stamp = after.stamp(*ann).unwrap();
    assert_eq!((&*stamp.author, stamp.epoch), ("ann", 3));
    for no in [north, home] {
        assert_eq!(site.merge(no).await.written, 0);
    }
    assert_eq!(site.rows(), rows, "no number was given again");
    let kept = site.store.read(move |it| it.region_organization(home));
    assert!(kept.await.unwrap().unwrap().is_home);
    let kept = site.store.read(move |it| it.region_organization(north));
    let kept = kept.await.unwrap().unwrap();
    assert!(!kept.is_home && kept.author.as_deref() == Some("ann"));
    assert_eq!(kept.plan, Some(merged.plan.digest()));
}

#[tokio::test]
async fn a_region_hears_of_its_own_before_the_object_that_it_is() {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    site.tell(home, 1, &organization("h")).await;
    site.tell(north, 1, &organization("n")).await;
    site.merge(home).await;
    site.merge(north).await;
    let rows = site.rows();
    let seq_of_object = |wanted: ObjectId| {
        let wanted = CloudId::Hyphenated(wanted.to_bytes());
        let mut objects = rows.iter().filter(|(_, region, ..)| *region == EVERYWHERE);
        let found = objects.find(|(.., it)| it.as_ref().unwrap().key().id == wanted);
        found.unwrap().0
    };
    let mut renamed = 0;
    for (seq, region, _, record) in &rows {
        let Some(Record::Binding(binding)) = record else {
            continue;
        };
        match &binding.becomes {
            Becomes::Object(id) => assert!(*seq < seq_of_object(*id), "{binding:?}"),
            Becomes::Renamed(to) => {
                renamed += 1;
                assert!(to.starts_with("admin_"), "{to}");
                assert_eq!(*region, north.0, "at home he keeps his name");
            }
            Becomes::Withheld(_) => panic!("{binding:?}"),
        }
    }
    assert_eq!(renamed, 1);
}

#[tokio::test]
async fn only_the_plan_that_was_seen_is_done() {
    let site = Site::new().await;
    let home = site.region(1).await;
    let refused = site.plan(home).await.unwrap_err();
    assert!(matches!(
        refused,
        StoreError::Merge(MergeRefusal::NotRead { .. })
    ));
    site.tell(home, 1, &organization("h")).await;
    let seen = site.plan(home).await.unwrap();
    let mut more = organization("h");
    more.push(department("h-lab", "lab"));
    site.tell(home, 2, &more).await;
    let refused = site.confirm(home, &seen).await.unwrap_err();
    let StoreError::Merge(MergeRefusal::Changed { now, .. }) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(*now, site.plan(home).await.unwrap().digest());
    assert!(site.rows().is_empty());
    site.merge(home).await;
    site.is_sound().await;
}

#[tokio::test]
async fn a_region_of_another_federation_is_taken_over_by_a_word_of_its_own() {
    let site = Site::new().await;
    let home = site.region(1).await;
    let mut records = organization("h");
    let Some(Record::User(ann)) = records.last_mut() else {
        panic!("a user");
    };
    ann.marker = Some(Marker {
        federation: FederationId::from_bytes([8; 16]),
        object: ObjectId::from_random(5),
    });
    site.tell(home, 1, &records).await;
    let plan = site.plan(home).await.unwrap();
    let refused = site.confirm(home, &plan).await.unwrap_err();
    assert!(refused.to_string().contains("--take-over"), "{refused}");
    assert!(site.rows().is_empty());
    let confirmation = Confirmation {
        plan: plan.digest(),
        take_over: true,
        author: "ann".to_owned(),
    };
    let merged = site.store.change(move |it| it.merge(home, &confirmation));
    assert!(merged.await.unwrap().written > 0);
    assert_eq!(site.plan(home).await.unwrap().foreign, None);
}

#[tokio::test]
async fn a_change_that_fails_later_leaves_nothing_in_memory() {
    let site = Site::new().await;
    site.edit(create(1, "ops")).await.unwrap();
    let undone = site.store.change(|it| {
        it.edit(create(2, "lab"), "ann")?;
        Err::<(), _>(StoreError::Refused("no".to_owned()))
    });
    assert!(undone.await.is_err());
    site.is_sound().await;
    assert!(
        site.edit(create(3, "OPS")).await.is_err(),
        "it is still taken"
    );
    site.edit(create(4, "lab")).await.unwrap();
    site.is_sound().await;
    assert_eq!(site.rows().len(), 2);
}

#[tokio::test]
async fn what_ends_is_told_before_it_is_gone_and_kept_as_it_was() {
    let site = Site::new().await;
    let home = site.region(1).await;
    site.tell(home, 1, &organization("h")).await;
    site.merge(home).await;
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    let (ops, ann) = (
        *directory.live().departments.keys().next().unwrap(),
        *directory.live().users.keys().next().unwrap(),
    );
    let (kind, id) = (ObjectKind::Department, ops);
    site.edit(Edit::End { kind, id }).await.unwrap();
    site.is_sound().await;
    let told: Vec<Row> = site.rows().into_iter().rev().take(4).rev().collect();
    for pair in told.chunks(2) {
        let [(_, 0, 73, Some(Record::Lapse(lapse))), (_, 0, buried, None)] = pair else {
            panic!("{told:?}");
        };
        let kind = match *buried {
            64 => ObjectKind::Department,
            _ => ObjectKind::User,
        };
        assert_eq!((lapse.kind, lapse.how), (kind, End::Retired));
    }
    let site = site.reopened().await;
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(directory.ended(ann).unwrap().object.name(), "ann");
    assert!(directory.live().users.is_empty());
    // The region has them still, and they don't come back.
    let merged = site.merge(home).await;
    assert_eq!(merged.plan.adopted().count(), 0);
    let withheld = |row: &Row| matches!(&row.3, Some(Record::Binding(it)) if matches!(it.becomes, Becomes::Withheld(_)));
    assert_eq!(site.rows().iter().filter(|it| withheld(it)).count(), 2);
    site.is_sound().await;
}

#[tokio::test]
async fn a_removed_region_leaves_the_directory_and_no_number_comes_again() {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    site.tell(home, 1, &organization("h")).await;
    site.merge(home).await;
    let before = site.rows().last().unwrap().0;
    let removed = site.store.change(move |it| it.remove_region(home));
    removed.await.unwrap();
    assert!(
        site.rows()
            .iter()
            .all(|(_, region, ..)| *region == EVERYWHERE)
    );
    site.tell(north, 1, &organization("n")).await;
    site.merge(north).await;
    assert!(site.rows().iter().any(|(seq, ..)| *seq == before + 1));
    let kept = site.store.read(move |it| it.region_organization(north));
    assert!(!kept.await.unwrap().unwrap().is_home, "nobody else's is");
    site.is_sound().await;
}

#[tokio::test]
async fn the_directory_is_listed_page_by_page() {
    let site = Site::new().await;
    for number in 1..=5_u8 {
        let made = create(u128::from(number) << 96, &format!("d{number}"));
        site.edit(made).await.unwrap();
    }
    let kind = shared::model::RecordKind::Department;
    let (mut seen, mut after) = (Vec::new(), Vec::new());
    loop {
        let listed = site.store.read(move |it| it.objects(kind, None, &after, 2));
        let page = listed.await.unwrap();
        seen.extend(page.items.iter().map(|it| it.what.1.name().to_owned()));
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(seen, ["d1", "d2", "d3", "d4", "d5"]);
    let named = site
        .store
        .read(move |it| it.objects(kind, Some("d4"), &[], 2));
    let named = named.await.unwrap();
    let [it] = &named.items[..] else {
        panic!("{named:?}");
    };
    let (id, kind) = (it.what.0, ObjectKind::Department);
    let patch = Patch {
        enabled: Some(false),
        ..Patch::default()
    };
    site.edit(Edit::Update { kind, id, patch }).await.unwrap();
    let found = site.store.read(move |it| it.object(kind, id));
    let Some(Object::Department(it)) = found.await.unwrap() else {
        panic!("a department");
    };
    assert!(!it.enabled);
}
