//! What needs a hand inside: a file without room.

use shared::ids::FeedId;
use shared::model::{
    Applying, CloudId, Feed, HostSample, Key, Recall, Record, RecordKind, Remark, RemarkState,
    StoragePool, Subject, UnixMillis,
};

use super::open::Opener;
use super::{Condition, Remarks, Spool, SpoolError};
use crate::cloud::{Mark, Page, Part};

fn pools(count: u32) -> Page {
    let pool = |number| {
        Record::StoragePool(StoragePool {
            id: CloudId::Text(format!("host@backend#{number}")),
            space_gib: None,
        })
    };
    Page {
        records: (0..count).map(pool).collect(),
        ..Page::default()
    }
}

fn open(directory: &std::path::Path, pages_max: i64) -> Spool {
    let mut opener = Opener::new(&directory.join("spool"), UnixMillis(1), Box::new(|| 7)).unwrap();
    opener.pages_max = pages_max;
    Spool::start(opener).unwrap()
}

#[tokio::test]
async fn without_room_nothing_is_half_held_and_with_room_it_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open(directory.path(), 40);
    spool
        .put_changes(Part::StoragePools, pools(10))
        .await
        .unwrap();
    let extent = spool.extent(Feed::Inventory);
    let condition = spool.condition();

    let audit = spool.begin_audit(Part::StoragePools);
    let full = spool.put_page(&audit, pools(5_000)).await.unwrap_err();
    assert!(matches!(full, SpoolError::Full { .. }), "{full:?}");
    assert!(
        full.to_string().contains("spool.sqlite; free some"),
        "{full}"
    );
    let failing = condition.borrow().clone();
    assert!(matches!(&failing, Condition::Failing { reason } if reason.contains("no room")));
    assert_eq!(spool.extent(Feed::Inventory), extent);
    let void = spool.finish_audit(audit, Mark(UnixMillis(1))).await;
    assert!(matches!(void, Err(SpoolError::Void { .. })), "{void:?}");

    spool
        .put_changes(Part::StoragePools, pools(10))
        .await
        .unwrap();
    assert_eq!(
        *condition.borrow(),
        failing,
        "nothing was written, so nothing is known"
    );
    let batch = spool
        .read(Feed::Inventory, extent.id, 0)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((batch.records, batch.last), (10, 10));
    spool.put_sample(HostSample::default()).await.unwrap();
    assert_eq!(
        *condition.borrow(),
        Condition::Sound,
        "what is small still fits"
    );

    drop(spool);
    let spool = open(directory.path(), 4_000);
    let put = spool
        .put_changes(Part::StoragePools, pools(5_000))
        .await
        .unwrap();
    assert_eq!(put.changed, 4_990);
    assert_eq!(spool.extent(Feed::Inventory).id, extent.id);
}

fn remarks(names: &[&str], is_whole: bool) -> Remarks {
    let kind = shared::model::ObjectKind::User;
    let remark = |name: &&str| Remark {
        subject: Subject::Own(kind, CloudId::new(name)),
        name: (*name).to_owned(),
        state: RemarkState::Blocked {
            reason: "a name that is taken".to_owned(),
        },
    };
    Remarks {
        applying: Applying::default(),
        remarks: names.iter().map(remark).collect(),
        is_whole,
        kept: Vec::new(),
        recalled: None,
    }
}

#[tokio::test]
async fn what_can_be_read_again_is_told_no_more_while_something_else_cannot() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open(directory.path(), 4_000);
    let hindered = |kinds: &[RecordKind]| {
        let mut all = remarks(&["a"], false);
        let readings = kinds.iter().map(|kind| Remark {
            subject: Subject::Reading(*kind),
            name: format!("{kind:?}"),
            state: RemarkState::Blocked {
                reason: "HTTP 500".to_owned(),
            },
        });
        all.remarks.extend(readings);
        all
    };
    let (users, roles) = (RecordKind::User, RecordKind::Role);
    spool.put_remarks(hindered(&[users, roles])).await.unwrap();
    assert_eq!(told(&spool).await.len(), 3);
    let put = spool.put_remarks(hindered(&[users])).await.unwrap();
    assert_eq!((put.changed, put.removed), (0, 1));
    let put = spool.put_remarks(remarks(&[], false)).await.unwrap();
    assert_eq!(put.removed, 1);
    assert_eq!(told(&spool).await, ["a"], "nobody knows of it");
}

/// Keys of remarks that are told, in their order, without those that are not any more.
async fn told(spool: &Spool) -> Vec<String> {
    let extent = spool.extent(Feed::Organization);
    let read = spool.records(Feed::Organization, extent.id, 0).await;
    let changes = read.unwrap().unwrap().changes.into_iter();
    let names = changes.filter_map(|it| match it {
        Ok(Record::Remark(it)) => Some(it.name),
        _ => None,
    });
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn remarks_stay_until_all_is_known_and_no_audit_removes_them() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open(directory.path(), 4_000);
    let put = spool.put_remarks(remarks(&["a", "b"], true)).await.unwrap();
    assert_eq!((put.changed, put.removed), (3, 0));
    let put = spool.put_remarks(remarks(&["a", "b"], true)).await.unwrap();
    assert_eq!((put.changed, put.removed), (0, 0), "what is so is not told");
    drop(spool);

    let spool = open(directory.path(), 4_000);
    spool
        .put_remarks(remarks(&["b", "c"], false))
        .await
        .unwrap();
    assert_eq!(told(&spool).await, ["a", "b", "c"], "after a restart");
    let audit = spool.begin_audit(Part::Users);
    let swept = spool.finish_audit(audit, Mark(UnixMillis(1))).await;
    assert_eq!(swept.unwrap().removed, 0);
    let but_a = Remarks {
        kept: vec![remarks(&["a"], true).remarks[0].subject.id()],
        ..remarks(&["c"], true)
    };
    let put = spool.put_remarks(but_a).await.unwrap();
    assert_eq!((put.changed, put.removed), (0, 1), "b alone");
    let put = spool.put_remarks(remarks(&["c"], true)).await.unwrap();
    assert_eq!((put.changed, put.removed), (0, 1));
    assert_eq!(told(&spool).await, ["c"]);
    let key = Key {
        kind: RecordKind::Remark,
        id: CloudId::new("c"),
    };
    let page = Page {
        deleted: vec![key],
        ..Page::default()
    };
    let refused = spool.put_changes(Part::Users, page).await;
    assert!(matches!(refused, Err(SpoolError::Misplaced { .. })));
    assert!(!spool.extent(Feed::Organization).whole, "they are no part");
}

/// Whoever has it has what was told before it.
#[tokio::test]
async fn that_the_hub_was_told_what_it_may_have_forgotten_stands_behind_that() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open(directory.path(), 4_000);
    let mut recalled = remarks(&["a", "b"], true);
    for life in [1, 2] {
        let feed = FeedId::from_bytes([life; 16]);
        recalled.recalled = Some(feed);
        recalled.remarks.extend(remarks(&["c"], true).remarks);
        spool.put_remarks(recalled.clone()).await.unwrap();
        let extent = spool.extent(Feed::Organization);
        let read = spool.records(Feed::Organization, extent.id, 0).await;
        let changes = read.unwrap().unwrap().changes;
        assert_eq!(changes.last(), Some(&Ok(Record::Recall(Recall { feed }))));
    }
    let put = spool.put_remarks(recalled).await.unwrap();
    assert_eq!((put.changed, put.removed), (0, 0));
}
