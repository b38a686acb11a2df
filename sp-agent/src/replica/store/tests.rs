mod noted;

use std::collections::BTreeSet;

use bytes::Bytes;
use shared::ids::FeedId;
use shared::model::{Department, Entry, Lapse, Link, Membership, Record};
use shared::wire::frame::{Ack, FeedFrame, Gathered, HEADER_BYTES, Open, Phase, Row, Start};
use shared::wire::record::{EncodedRecord, encode};

use super::*;
use crate::replica::Tied;

const FEDERATION: FederationId = FederationId::from_bytes([1; 16]);
const LIFE: FeedId = FeedId::from_bytes([2; 16]);

fn object(byte: u8) -> ObjectId {
    ObjectId::from_bytes([byte; 16])
}

fn department(byte: u8, name: &str) -> Record {
    Record::Department(Entry {
        id: CloudId::Hyphenated([byte; 16]),
        custody: shared::model::Custody::Common,
        marker: None,
        what: Department {
            name: name.to_owned(),
            description: None,
            enabled: true,
        },
    })
}

/// What a hub holds, as far as a feed's batches need it.
#[derive(Default)]
struct Hub {
    rows: Vec<Row>,
}

impl Hub {
    fn tell(&mut self, record: &Record) {
        let EncodedRecord { kind, id, value } = encode(record).unwrap();
        self.rows.retain(|it| (it.kind, &it.id) != (kind, &id));
        let seq = self.rows.iter().map(|it| it.seq).max().unwrap_or(0) + 1;
        let value = Some(value);
        self.rows.push(Row {
            seq,
            kind,
            id,
            value,
        });
    }

    /// What a hub says for ever of what it has taken away.
    fn bury(&mut self, record: &Record) {
        self.tell(record);
        if let Some(row) = self.rows.last_mut() {
            row.value = None;
        }
    }

    fn digest(&self) -> Digest {
        let mut digest = Digest::default();
        for row in &self.rows {
            if let Some(value) = &row.value {
                digest.add(Digest::of(row.kind, &row.id, value));
            }
        }
        digest
    }

    /// The batch after `after`, of one row at most unless it is the last.
    fn batch(&self, after: u64, is_last: bool) -> (u16, Bytes) {
        let mut gathered = Gathered::default();
        for row in self.rows.iter().filter(|it| it.seq > after) {
            if !is_last && !gathered.is_empty() {
                break;
            }
            assert!(gathered.add(row.clone()));
        }
        let last = gathered.last().unwrap_or(after);
        frame(
            gathered
                .frame(after, last, is_last.then(|| self.digest()))
                .unwrap(),
        )
    }
}

fn frame(bytes: Vec<u8>) -> (u16, Bytes) {
    let kind = u16::from_le_bytes([bytes[0], bytes[1]]);
    (kind, Bytes::from(bytes).slice(HEADER_BYTES..))
}

fn open(start: Start) -> (u16, Bytes) {
    open_life(LIFE, start)
}

fn open_life(id: FeedId, start: Start) -> (u16, Bytes) {
    let mut bytes = Vec::new();
    FeedFrame::Open(Open {
        feed: DIRECTORY_FEED,
        id,
        start,
    })
    .encode(&mut bytes)
    .unwrap();
    frame(bytes)
}

fn store(folder: &Path) -> Store {
    Store::open(folder, FEDERATION, UnixMillis(7)).unwrap()
}

/// A replica of which a hub told these.
pub(crate) async fn told(folder: &Path, records: &[Record]) -> Store {
    let mut hub = Hub::default();
    records.iter().for_each(|it| hub.tell(it));
    let store = store(folder);
    take(&store, open(Start::Snapshot)).await;
    take(&store, hub.batch(0, true)).await;
    store
}

async fn take(store: &Store, (kind, payload): (u16, Bytes)) -> Taken {
    store.take(kind, payload).await.unwrap()
}

fn departments(store: &Store) -> Vec<String> {
    let replica = store.replica().unwrap();
    let departments = replica.directory.departments.values();
    let mut names: Vec<String> = departments.map(|it| it.name.clone()).collect();
    names.sort();
    names
}

fn ack(seq: u64) -> Taken {
    let feed = DIRECTORY_FEED;
    Taken::Ack(Ack { feed, seq })
}

#[tokio::test]
async fn what_was_told_is_ready_once_all_of_it_is_held_and_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = Hub::default();
    hub.tell(&department(1, "research"));
    hub.tell(&department(2, "sales"));
    let replica = store(folder.path());
    assert_eq!(replica.replica(), None, "nothing was ever told");
    assert_eq!(take(&replica, open(Start::Snapshot)).await, Taken::Quiet);
    assert_eq!(take(&replica, hub.batch(0, false)).await, ack(1));
    assert_eq!(replica.replica(), None, "in the middle of a snapshot");
    assert_eq!(take(&replica, hub.batch(1, true)).await, ack(2));
    assert_eq!(departments(&replica), ["research", "sales"]);

    hub.tell(&department(1, "science"));
    assert_eq!(take(&replica, hub.batch(2, true)).await, ack(3));
    assert_eq!(departments(&replica), ["sales", "science"]);

    drop(replica);
    let replica = store(folder.path());
    assert_eq!(replica.cursor().seq, 3);
    assert_eq!(replica.cursor().phase, Phase::Live);
    assert_eq!(departments(&replica), ["sales", "science"]);
}

#[tokio::test]
async fn a_snapshot_ends_what_it_does_not_tell_and_a_wrong_digest_asks_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = Hub::default();
    hub.tell(&department(1, "research"));
    hub.tell(&department(2, "sales"));
    let replica = store(folder.path());
    take(&replica, open(Start::Snapshot)).await;
    take(&replica, hub.batch(0, true)).await;
    let before = replica.replica().unwrap();

    // The hub is from an older backup: what it tells now is not what is held here.
    hub.rows.remove(0);
    let lapse = Lapse {
        object: object(9),
        kind: ObjectKind::User,
        how: shared::model::End::Deleted,
        name: String::new(),
        proof: [3; 32],
    };
    hub.tell(&Record::Lapse(lapse.clone()));
    let Taken::Reposition(cursor) = take(&replica, hub.batch(2, true)).await else {
        panic!("the digest is not that of what is held")
    };
    assert_eq!(cursor.id, FeedId::NONE);
    let held = replica.replica().unwrap();
    assert_eq!(held, before, "as before, while the two disagree");
    assert_eq!(take(&replica, open(Start::Snapshot)).await, Taken::Quiet);
    assert_eq!(take(&replica, hub.batch(0, true)).await, ack(3));
    assert_eq!(departments(&replica), ["sales"]);
    let ended = &replica.replica().unwrap().ended;
    assert_eq!(ended[&object(9)], (lapse.kind, lapse.how));
}

#[tokio::test]
async fn what_ended_is_remembered_when_an_older_backup_tells_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = Hub::default();
    hub.tell(&department(1, "research"));
    let backup = hub.rows.clone();
    let lapse = Lapse {
        object: object(1),
        kind: ObjectKind::Department,
        how: shared::model::End::Retired,
        name: "research".to_owned(),
        proof: [3; 32],
    };
    hub.rows.remove(0);
    hub.tell(&Record::Lapse(lapse.clone()));
    let replica = store(folder.path());
    take(&replica, open(Start::Snapshot)).await;
    take(&replica, hub.batch(0, true)).await;
    assert!(departments(&replica).is_empty());

    hub.rows = backup;
    assert_eq!(take(&replica, open(Start::Snapshot)).await, Taken::Quiet);
    take(&replica, hub.batch(0, true)).await;
    let is_kept = |replica: &Store| {
        let held = replica.replica().unwrap();
        assert_eq!(held.ended[&object(1)], (lapse.kind, lapse.how));
        assert_eq!(held.proofs[&object(1)], lapse.proof);
        assert_eq!(held.last_names[&object(1)], lapse.name);
        assert_eq!(held.directory.departments.len(), 1, "the hub says so");
    };
    is_kept(&replica);
    drop(replica);
    let replica = store(folder.path());
    is_kept(&replica);
    // The hub has ended it once more.
    hub.rows.remove(0);
    hub.tell(&Record::Lapse(lapse.clone()));
    assert_eq!(take(&replica, open(Start::Snapshot)).await, Taken::Quiet);
    take(&replica, hub.batch(0, true)).await;
    let held = replica.replica().unwrap();
    assert!(held.directory.departments.is_empty());
    assert_eq!(held.ended.len(), 1);
}

#[tokio::test]
async fn what_was_deleted_stays_so_when_an_older_backup_only_retires_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = Hub::default();
    let ended = |how, proof| Lapse {
        object: object(1),
        kind: ObjectKind::User,
        how,
        name: String::new(),
        proof: [proof; 32],
    };
    let deleted = ended(shared::model::End::Deleted, 3);
    let retired = Record::Lapse(ended(shared::model::End::Retired, 4));
    hub.tell(&Record::Lapse(deleted.clone()));
    let mut replica = store(folder.path());
    take(&replica, open(Start::Snapshot)).await;
    take(&replica, hub.batch(0, true)).await;
    // Retired in the place of the deletion, in a snapshot; then not told of at all; then again.
    for told in [vec![&retired], vec![], vec![&retired]] {
        hub.rows.clear();
        hub.tell(&department(2, "sales"));
        told.into_iter().for_each(|it| hub.tell(it));
        take(&replica, open(Start::Snapshot)).await;
        take(&replica, hub.batch(0, true)).await;
        for _ in 0..2 {
            let held = replica.replica().unwrap();
            assert_eq!(held.ended[&object(1)], (deleted.kind, deleted.how));
            assert_eq!(held.proofs[&object(1)], deleted.proof);
            drop(replica);
            replica = store(folder.path());
        }
    }
}

fn membership(group: u8, user: u8) -> Membership<CloudId> {
    Membership {
        group: CloudId::Hyphenated([group; 16]),
        user: CloudId::Hyphenated([user; 16]),
    }
}

fn link(group: u8, user: u8) -> Link<ObjectId> {
    let (group, user) = (object(group), object(user));
    Link::Membership(Membership { group, user })
}

#[tokio::test]
async fn a_link_that_a_snapshot_does_not_tell_is_unsaid_until_it_is_told_again_or_buried() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = Hub::default();
    hub.tell(&department(1, "research"));
    let backup = hub.rows.clone();
    for user in [1, 2, 3] {
        hub.tell(&Record::Membership(membership(9, user)));
    }
    let replica = store(folder.path());
    take(&replica, open(Start::Snapshot)).await;
    take(&replica, hub.batch(0, true)).await;
    assert_eq!(replica.replica().unwrap().directory.memberships.len(), 3);

    // The hub is from an older backup, and knows of none of them.
    hub.rows = backup;
    replica.session_began();
    take(&replica, open(Start::Snapshot)).await;
    take(&replica, hub.batch(0, true)).await;
    let held = replica.replica().unwrap();
    assert!(held.directory.memberships.is_empty());
    let all = [link(9, 1), link(9, 2), link(9, 3)];
    assert_eq!(held.unsaid, BTreeSet::from(all.clone()));

    drop(replica);
    let replica = store(folder.path());
    let held = replica.replica().unwrap();
    assert_eq!(
        held.unsaid,
        BTreeSet::from(all.clone()),
        "nor is it forgotten"
    );
    take(&replica, open(Start::Resume { seq: 1 })).await;
    hub.tell(&Record::Membership(membership(9, 1)));
    hub.bury(&Record::Membership(membership(9, 2)));
    take(&replica, hub.batch(1, true)).await;
    let held = replica.replica().unwrap();
    assert_eq!(held.unsaid, BTreeSet::from([all[2].clone()]));
    assert_eq!(held.directory.memberships.len(), 1);

    drop(replica);
    let replica = store(folder.path());
    assert_eq!(replica.replica().unwrap(), held);

    // Restored once more: of what was never applied nothing is kept for ever.
    let applied = Record::Membership(membership(9, 1)).key().id;
    replica
        .keep(vec![Note::Link(applied, Some(Tied::Met))], UnixMillis(7))
        .await
        .unwrap();
    hub.rows.truncate(1);
    for _ in 0..2 {
        replica.session_began();
        take(&replica, open(Start::Snapshot)).await;
        take(&replica, hub.batch(0, true)).await;
        let held = replica.replica().unwrap();
        assert_eq!(held.unsaid, BTreeSet::from([all[0].clone()]));
    }
}

#[tokio::test]
async fn another_federations_replica_and_a_damaged_one_begin_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = Hub::default();
    hub.tell(&department(1, "research"));
    let replica = store(folder.path());
    take(&replica, open(Start::Snapshot)).await;
    take(&replica, hub.batch(0, true)).await;
    let applied = Applied {
        here: CloudId::new("67e5504410b1426f9247bb680e5fe0c8"),
        was: Was {
            record: Digest::of(1, b"", b""),
            fields: [1, 2, 3, 4, u64::MAX],
        },
    };
    let link = CloudId::derived("a/b");
    let notes = vec![
        Note::Object(ObjectKind::Department, object(1), Some(applied.clone())),
        Note::Link(link.clone(), Some(Tied::Made)),
        Note::Link(CloudId::derived("d"), Some(Tied::Making)),
        Note::PutBack(link.clone(), Some(UnixMillis(5))),
        Note::PutBack(CloudId::derived("c"), Some(UnixMillis(6))),
        Note::PutBack(CloudId::derived("c"), None),
        Note::Object(ObjectKind::User, object(2), Some(applied.clone())),
        Note::Object(ObjectKind::User, object(2), None),
        Note::Unanswered(object(3), true),
        Note::Unanswered(object(4), true),
        Note::Unanswered(object(4), false),
    ];
    replica.keep(notes, UnixMillis(7)).await.unwrap();
    drop(replica);
    let base = store(folder.path()).base(UnixMillis(7)).await.unwrap();
    assert_eq!(base.objects.len(), 1);
    assert_eq!(base.objects[&(ObjectKind::Department, object(1))], applied);
    assert_eq!(base.tied(&link), Some(Tied::Made));
    let making = base.tied(&CloudId::derived("d"));
    assert_eq!(making, Some(Tied::Making));
    assert_eq!(base.put_backs, [(link, UnixMillis(5))].into());
    assert_eq!(base.unanswered, [object(3)].into());

    let other = FederationId::from_bytes([3; 16]);
    let replica = Store::open(folder.path(), other, UnixMillis(7)).unwrap();
    assert_eq!(replica.cursor().seq, 0);
    assert_eq!(replica.base(UnixMillis(7)).await.unwrap(), Base::default());
    drop(replica);

    std::fs::write(
        folder.path().join(FILE),
        b"not a database at all, but long enough",
    )
    .unwrap();
    let replica = store(folder.path());
    assert_eq!(replica.cursor().id, FeedId::NONE);
    let aside = std::fs::read_dir(folder.path()).unwrap();
    let aside = aside.filter(|it| {
        let name = it.as_ref().unwrap().file_name();
        name.to_string_lossy()
            .starts_with("replica.sqlite.damaged-")
    });
    assert_eq!(aside.count(), 1);
}

#[tokio::test]
async fn what_no_hub_sends_is_a_fault_and_nothing_of_it_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = Hub::default();
    hub.tell(&department(1, "research"));
    let stray = Row {
        seq: 2,
        kind: 1,
        id: vec![2, 1, b's'],
        value: None,
    };
    hub.rows.push(stray);
    let replica = store(folder.path());
    take(&replica, open(Start::Snapshot)).await;
    let (kind, payload) = hub.batch(0, true);
    let error = replica.take(kind, payload).await.unwrap_err();
    assert!(matches!(error, ReplicaError::Told(_)), "{error}");
    let error = replica.take(33, Bytes::from_static(b"\xff")).await;
    assert!(matches!(error, Err(ReplicaError::Told(_))), "{error:?}");
    assert_eq!(replica.cursor().seq, 0);
}
