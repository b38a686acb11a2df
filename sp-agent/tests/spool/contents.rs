//! What takes a sequence number, what an audit removes, and what outlives the handle.

use std::collections::BTreeSet;

use shared::model::{CloudId, Feed, Service, ServiceKind, ServiceState, UnixMillis};
use sp_agent::cloud::{Mark, Page, Part, Reach, Unread};
use sp_agent::spool::{Condition, Held, SpoolError, Written};

use crate::home::{Home, audit, page, pool, pool_named, quota, server, server_key};
use crate::link::Link;

const fn written(changed: u64, removed: u64) -> Written {
    Written {
        changed,
        removed,
        held: None,
        lacks_some: false,
        lacks: Reach {
            departments: BTreeSet::new(),
            groups: BTreeSet::new(),
        },
    }
}

fn service(state: ServiceState, kind: ServiceKind) -> Service {
    Service {
        kind,
        state,
        endpoint: "http://controller:8774/v2.1".to_owned(),
        versions: ("2.1".to_owned(), "2.100".to_owned()),
        since: UnixMillis(77),
    }
}

#[tokio::test]
async fn what_did_not_change_takes_no_sequence_number() {
    let spool = Home::new().open();
    let servers = || page([server(1, "a"), server(2, "b")]);
    let first = audit(&spool, Part::Servers, servers()).await;
    assert_eq!(first, written(2, 0));
    let extent = spool.extent(Feed::Inventory);
    assert_eq!(extent.head, 2);

    assert_eq!(audit(&spool, Part::Servers, servers()).await, written(0, 0));
    let put = spool.put_changes(Part::Servers, servers()).await.unwrap();
    assert_eq!(put, written(0, 0));
    assert_eq!(spool.extent(Feed::Inventory), extent);

    let put = page([server(1, "a"), server(2, "c")]);
    assert_eq!(audit(&spool, Part::Servers, put).await, written(1, 0));
    assert_eq!(spool.extent(Feed::Inventory).head, 3);
}

#[tokio::test]
async fn an_audit_removes_what_it_did_not_meet_of_its_own_part() {
    let spool = Home::new().open();
    let quotas = |service| page((0..1200).map(|project| quota(project, service, 1)));
    audit(&spool, Part::ComputeQuota, quotas(ServiceKind::Compute)).await;
    audit(&spool, Part::VolumeQuota, quotas(ServiceKind::Volume)).await;
    let left = || page([quota(3, ServiceKind::Compute, 1)]);
    let swept = audit(&spool, Part::ComputeQuota, left()).await;
    let held = Held {
        missing: 1199,
        of: 1200,
    };
    assert_eq!(
        (swept.removed, swept.held),
        (0, Some(held)),
        "so much at once may be a mistake"
    );
    let swept = audit(&spool, Part::ComputeQuota, left()).await;
    assert_eq!(swept, written(0, 1199));
    let mut link = Link::new(Feed::Quota, &spool);
    link.settle(&spool).await;
    assert_eq!(link.receiver.live().len(), 1201);
}

#[tokio::test]
async fn what_could_not_be_read_stays_one_by_one_and_in_groups_also_after_a_restart() {
    let mut home = Home::new();
    let spool = home.open();
    let pools = ["h@lvm", "h@lvm#a", "h@lvm#b", "h@lvm2#c", "h@ceph#d"];
    audit(&spool, Part::StoragePools, page(pools.map(pool_named))).await;
    spool.close().await.unwrap();
    let spool = home.open();
    let unread = Page {
        unread: vec![
            Unread::BackEnd("h@lvm".to_owned()),
            Unread::Record(CloudId::new("h@ceph#d")),
            Unread::Record(CloudId::new("h@never#seen")),
        ],
        ..page([])
    };
    let swept = audit(&spool, Part::StoragePools, unread).await;
    assert_eq!(swept, written(0, 1), "h@lvm2#c");
    let one = page([pool_named("h@lvm#a")]);
    let swept = audit(&spool, Part::StoragePools, one).await;
    assert_eq!(swept, written(0, 3), "it is told anew by each audit");
}

#[tokio::test]
async fn a_new_spool_says_that_it_is_whole_only_when_every_part_was_read_or_is_not_there() {
    let mut home = Home::new();
    let spool = home.open();
    audit(
        &spool,
        Part::Servers,
        page([server(1, "a"), server(2, "b")]),
    )
    .await;
    let mut link = Link::new(Feed::Inventory, &spool);
    link.settle(&spool).await;
    spool.close().await.unwrap();

    let mut elsewhere = Home::new();
    let spool = elsewhere.open();
    let mut link = link.of_another_agent(&spool);
    link.drain(&spool).await;
    assert_eq!(link.receiver.live().len(), 2, "nothing was read yet");
    audit(&spool, Part::Servers, page([server(2, "b")])).await;
    let inventory = Part::ALL.map(|it| (it, it.kind().feed()));
    let others = inventory
        .iter()
        .filter(|(_, feed)| *feed == Feed::Inventory);
    for (part, _) in others.filter(|(part, _)| *part != Part::Servers) {
        link.drain(&spool).await;
        assert!(!spool.extent(Feed::Inventory).whole, "{part:?}");
        assert_eq!(link.receiver.live().len(), 2, "{part:?} may have some");
        match part {
            Part::Nodes => spool.put_absent(*part).await.unwrap(),
            Part::Networks => {
                let unread = Page {
                    unread: vec![Unread::Record(CloudId::new("net"))],
                    ..Page::default()
                };
                audit(&spool, *part, unread).await;
                link.drain(&spool).await;
                assert_eq!(link.receiver.live().len(), 2, "the hub may hold it");
                audit(&spool, *part, page([])).await;
            }
            _ => drop(audit(&spool, *part, page([])).await),
        }
    }
    assert!(spool.extent(Feed::Inventory).whole);
    link.drain(&spool).await;
    assert_eq!(link.receiver.live().len(), 1, "all was read");
    spool.close().await.unwrap();
    let spool = elsewhere.open();
    assert!(spool.extent(Feed::Inventory).whole, "also after a restart");
}

#[tokio::test]
async fn after_a_restart_too_much_is_to_be_missed_twice_again() {
    let mut home = Home::new();
    let spool = home.open();
    let servers = |range: std::ops::Range<u64>| page(range.map(|it| server(it, "a")));
    audit(&spool, Part::Servers, servers(0..100)).await;
    // Another cloud: what is new does not make what is missing few, nor what broke off.
    let broken_off = spool.begin_audit(Part::Servers);
    let put = spool.put_page(&broken_off, servers(100..700)).await;
    put.unwrap();
    let swept = audit(&spool, Part::Servers, servers(100..900)).await;
    assert!(swept.held.is_some());
    spool.close().await.unwrap();
    drop(spool);

    let spool = home.open();
    let held = audit(&spool, Part::Servers, servers(0..100)).await.held;
    let (missing, of) = (800, 900);
    assert_eq!(held, Some(Held { missing, of }));
    let swept = audit(&spool, Part::Servers, servers(0..100)).await;
    assert_eq!(swept, written(0, 800));
}

#[tokio::test]
async fn an_audit_that_did_not_come_to_its_end_removes_nothing() {
    let spool = Home::new().open();
    audit(
        &spool,
        Part::Servers,
        page([server(1, "a"), server(2, "b")]),
    )
    .await;
    let head = spool.extent(Feed::Inventory).head;

    let broken_off = spool.begin_audit(Part::Servers);
    spool
        .put_page(&broken_off, page([server(1, "a")]))
        .await
        .unwrap();
    assert_eq!(spool.extent(Feed::Inventory).head, head);

    let superseded = spool.begin_audit(Part::Servers);
    spool
        .put_page(&superseded, page([server(1, "a")]))
        .await
        .unwrap();
    let newer = spool.begin_audit(Part::Servers);
    spool
        .put_page(&newer, page([server(2, "b")]))
        .await
        .unwrap();
    let refused = spool.finish_audit(superseded, Mark(UnixMillis(1))).await;
    assert!(
        matches!(refused, Err(SpoolError::Void { .. })),
        "{refused:?}"
    );
    assert_eq!(spool.extent(Feed::Inventory).head, head);
    assert_eq!(
        spool.mark(Part::Servers).await.unwrap(),
        Some(Mark(UnixMillis(5)))
    );

    let swept = spool.finish_audit(newer, Mark(UnixMillis(9))).await;
    assert_eq!(swept.unwrap(), written(0, 1));
    assert_eq!(
        spool.mark(Part::Servers).await.unwrap(),
        Some(Mark(UnixMillis(9)))
    );
}

#[tokio::test]
async fn an_audit_that_lost_a_page_is_void() {
    let spool = Home::new().open();
    audit(
        &spool,
        Part::Servers,
        page([server(1, "a"), server(2, "b")]),
    )
    .await;
    let extent = spool.extent(Feed::Inventory);
    let audit = spool.begin_audit(Part::Servers);
    let wrong = page([server(3, "c"), pool(1)]);
    let refused = spool.put_page(&audit, wrong).await;
    assert!(
        matches!(refused, Err(SpoolError::Misplaced { .. })),
        "{refused:?}"
    );
    assert_eq!(spool.extent(Feed::Inventory), extent, "half a page is held");
    let late = spool.put_page(&audit, page([server(1, "a")])).await;
    assert!(matches!(late, Err(SpoolError::Void { .. })), "{late:?}");
    let refused = spool.finish_audit(audit, Mark(UnixMillis(9))).await;
    assert!(
        matches!(refused, Err(SpoolError::Void { .. })),
        "{refused:?}"
    );
    assert_eq!(spool.extent(Feed::Inventory), extent);
}

#[tokio::test]
async fn quotas_of_another_service_are_misplaced() {
    let spool = Home::new().open();
    let wrong = page([quota(1, ServiceKind::Volume, 1)]);
    let refused = spool.put_changes(Part::ComputeQuota, wrong).await;
    assert!(
        matches!(refused, Err(SpoolError::Misplaced { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_changes_bring_during_an_audit_is_not_taken_for_gone() {
    let spool = Home::new().open();
    audit(
        &spool,
        Part::Servers,
        page([server(1, "a"), server(2, "b")]),
    )
    .await;
    let audit = spool.begin_audit(Part::Servers);
    spool
        .put_page(&audit, page([server(1, "a"), server(2, "b")]))
        .await
        .unwrap();
    let changes = Page {
        records: vec![server(3, "c")],
        deleted: vec![server_key(2), server_key(9)],
        ..Page::default()
    };
    let put = spool.put_changes(Part::Servers, changes).await.unwrap();
    assert_eq!(put, written(1, 1));
    let swept = spool
        .finish_audit(audit, Mark(UnixMillis(5)))
        .await
        .unwrap();
    assert_eq!(swept, written(0, 0));
    let mut link = Link::new(Feed::Inventory, &spool);
    link.settle(&spool).await;
    assert_eq!(link.receiver.live().len(), 2);
}

#[tokio::test]
async fn an_empty_audit_is_an_empty_part() {
    let spool = Home::new().open();
    audit(&spool, Part::Servers, page([server(1, "a")])).await;
    let audit = spool.begin_audit(Part::Servers);
    let swept = spool
        .finish_audit(audit, Mark(UnixMillis(5)))
        .await
        .unwrap();
    assert_eq!(swept, written(0, 1));
}

#[tokio::test]
async fn services_are_whole_and_read_back() {
    let mut home = Home::new();
    let spool = home.open();
    let failing = ServiceState::Failing {
        reason: "503".to_owned(),
    };
    let both = vec![
        service(ServiceState::Available, ServiceKind::Compute),
        service(failing, ServiceKind::Volume),
    ];
    assert_eq!(
        spool.put_services(both.clone()).await.unwrap(),
        written(2, 0)
    );
    assert_eq!(
        spool.put_services(both.clone()).await.unwrap(),
        written(0, 0)
    );
    drop(spool);
    let spool = home.open();
    assert_eq!(spool.services().await.unwrap(), both);
    let one = vec![both[0].clone()];
    assert_eq!(
        spool.put_services(one.clone()).await.unwrap(),
        written(0, 1)
    );
    assert_eq!(spool.services().await.unwrap(), one);
}

#[tokio::test]
async fn what_was_told_to_be_held_outlives_the_handle() {
    let mut home = Home::new();
    let mut names = 0..;
    for _ in 0..5 {
        let spool = home.open();
        let before = spool.extent(Feed::Inventory);
        let mut grown = spool.watch(Feed::Inventory);
        let name = names.next().unwrap().to_string();
        spool
            .put_changes(Part::Servers, page([server(1, &name)]))
            .await
            .unwrap();
        assert!(grown.has_changed().unwrap());
        let extent = *grown.borrow_and_update();
        assert_eq!((extent.id, extent.head), (before.id, before.head + 1));
        drop(spool);
        assert_eq!(home.open().extent(Feed::Inventory), extent);
    }
}

#[tokio::test]
async fn many_at_once_are_committed_in_order() {
    let spool = Home::new().open();
    let put = |number: u64| {
        let spool = spool.clone();
        async move {
            spool
                .put_changes(Part::Servers, page([server(number, "a")]))
                .await
        }
    };
    let outcomes = futures_util::future::join_all((0..100).map(put)).await;
    assert!(
        outcomes
            .iter()
            .all(|it| *it.as_ref().unwrap() == written(1, 0))
    );
    assert_eq!(spool.extent(Feed::Inventory).head, 100);
    assert_eq!(*spool.condition().borrow(), Condition::Sound);
}

#[tokio::test]
async fn batches_are_bounded_in_records_and_in_bytes() {
    let spool = Home::new().open();
    let small = page((0..3000).map(pool));
    spool.put_changes(Part::StoragePools, small).await.unwrap();
    let long = "x".repeat(1000);
    let large = page((0..600).map(|number| server(number, &long)));
    spool.put_changes(Part::Servers, large).await.unwrap();
    let extent = spool.extent(Feed::Inventory);
    let (mut after, mut sizes) = (0, Vec::new());
    while after < extent.head {
        let batch = spool
            .read(Feed::Inventory, extent.id, after)
            .await
            .unwrap()
            .unwrap();
        assert!(batch.records <= 1024 && batch.frame.len() <= 300 << 10);
        after = batch.last;
        sizes.push(batch.records);
    }
    assert_eq!(sizes.iter().sum::<usize>(), 3600);
    assert!((4..10).contains(&sizes.len()), "{sizes:?}");
}

#[tokio::test]
async fn a_feed_is_read_by_its_own_id() {
    let spool = Home::new().open();
    let health = spool.extent(Feed::Health);
    let other = spool.extent(Feed::Inventory).id;
    let none = spool.read(Feed::Health, other, 0).await.unwrap();
    assert!(none.is_none());
    for after in [0, 7] {
        let batch = spool.read(Feed::Health, health.id, after).await;
        let batch = batch.unwrap().unwrap();
        assert_eq!((batch.last, batch.records), (0, 0));
    }
}

#[tokio::test]
async fn a_closed_spool_says_so() {
    let spool = Home::new().open();
    spool.close().await.unwrap();
    let put = spool.put_services(Vec::new()).await;
    assert!(matches!(put, Err(SpoolError::Closed)), "{put:?}");
    assert!(matches!(spool.close().await, Err(SpoolError::Closed)));
    assert!(matches!(
        spool.services().await,
        Err(SpoolError::NotOpen { .. })
    ));
}

#[tokio::test]
async fn its_task_tells_when_the_writer_ended_before_its_time() {
    let spool = Home::new().open();
    let task = spool
        .clone()
        .run(shared::runtime::shutdown::Shutdown::new());
    let (ended, closed) = tokio::join!(task, spool.close());
    assert!(matches!(ended, Err(SpoolError::Closed)), "{ended:?}");
    closed.unwrap();
}
