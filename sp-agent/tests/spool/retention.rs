//! How long samples and tombstones stay, and what 10,000 servers take.

use std::ops::Range;
use std::time::Instant;

use shared::link::inbox::Position;
use shared::model::{Feed, HostSample, UnixMillis};
use sp_agent::cloud::{Page, Part};
use sp_agent::spool::Spool;

use crate::home::{Home, audit, page, server, server_key};
use crate::link::Link;

fn sample(number: u64) -> HostSample {
    HostSample {
        at: UnixMillis(1_700_000_000_000 + number * 10_000),
        cpu_permille: vec![500; 8],
        ..HostSample::default()
    }
}

#[tokio::test]
async fn eight_hours_of_samples_stay_and_the_oldest_go() {
    let mut home = Home::new();
    let spool = home.open();
    let puts = (0..4200).map(|number| spool.put_sample(sample(number)));
    for put in futures_util::future::join_all(puts).await {
        assert_eq!(put.unwrap().changed, 1);
    }
    let again = spool.put_sample(sample(4199)).await.unwrap();
    assert_eq!(again.changed, 0, "one time, one sample");
    let extent = spool.extent(Feed::Samples);
    assert_eq!((extent.head, extent.horizon), (4200, 104));

    let mut link = Link::new(Feed::Samples, &spool);
    link.settle(&spool).await;
    assert_eq!(link.receiver.live().len(), 4096);
    assert_eq!(link.snapshots, 0, "a log has none");

    drop(spool);
    let spool = home.open();
    assert_eq!(spool.extent(Feed::Samples), extent);
    link.receiver.position = Position {
        seq: 3000,
        ..link.receiver.position
    };
    link.settle(&spool).await;
    assert_eq!(
        link.receiver.applied,
        4096 + 1200,
        "what a restored hub lacks is still there"
    );
}

async fn open_from_backup(home: &mut Home, spool: Spool) -> Spool {
    spool.close().await.unwrap();
    drop(spool);
    assert!(home.restore());
    home.open()
}

#[tokio::test]
async fn samples_of_an_older_copy_begin_a_new_life_and_a_restart_does_not() {
    let mut home = Home::new();
    let spool = home.open();
    let put = async |spool: &Spool, numbers: Range<u64>| {
        for number in numbers {
            spool.put_sample(sample(number)).await.unwrap();
        }
    };
    put(&spool, 0..12).await;
    let id = spool.extent(Feed::Samples).id;
    spool.close().await.unwrap();
    drop(spool);
    home.back_up();
    let spool = home.open();
    // A restart of some minutes.
    put(&spool, 30..38).await;
    assert_eq!(spool.extent(Feed::Samples).id, id);
    let mut link = Link::new(Feed::Samples, &spool);
    link.settle(&spool).await;

    // The hub is heard at once, and is ahead.
    let spool = open_from_backup(&mut home, spool).await;
    let mut link_again = link.of_another_agent(&spool);
    link_again.settle(&spool).await;
    let second = spool.extent(Feed::Samples);
    assert!(second.id != id && second.head == 12, "{second:?}");
    put(&spool, 40..48).await;
    link_again.settle(&spool).await;
    assert_eq!(spool.extent(Feed::Samples).id, second.id);
    assert_eq!(link_again.receiver.live().len(), 12 + 8 + 8);

    // No hub is heard until the numbers have passed its own.
    let spool = open_from_backup(&mut home, spool).await;
    put(&spool, 200..240).await;
    assert_ne!(spool.extent(Feed::Samples).id, id);
    let mut link = link_again.of_another_agent(&spool);
    link.settle(&spool).await;
    assert_eq!(link.receiver.live().len(), 12 + 8 + 8 + 40);
}

#[tokio::test]
async fn a_hub_behind_the_dropped_tombstones_gets_a_snapshot() {
    let spool = Home::new().open();
    let numbers = || 0..11_500;
    let created = page(numbers().map(|number| server(number, "a")));
    spool.put_changes(Part::Servers, created).await.unwrap();
    let mut link = Link::new(Feed::Inventory, &spool);
    link.settle(&spool).await;
    link.receiver.back_up();
    let deleted = Page {
        deleted: numbers().map(server_key).collect(),
        ..Page::default()
    };
    assert_eq!(
        spool
            .put_changes(Part::Servers, deleted)
            .await
            .unwrap()
            .removed,
        11_500
    );
    assert_eq!(spool.extent(Feed::Inventory).horizon, 0, "no hub has them");
    link.settle(&spool).await;
    assert!(link.receiver.live().is_empty());
    spool
        .put_changes(Part::Servers, page([server(1, "b")]))
        .await
        .unwrap();
    let extent = spool.extent(Feed::Inventory);
    assert_eq!((extent.head, extent.horizon), (23_001, 11_500 + 1_500));
    for (after, is_known) in [(0, true), (1, false), (12_999, false), (13_000, true)] {
        let read = spool.records(Feed::Inventory, extent.id, after).await;
        assert_eq!(read.unwrap().is_some(), is_known, "after {after}");
    }

    link.receiver.restore();
    assert_eq!(link.receiver.live().len(), 11_500);
    link.settle(&spool).await;
    assert_eq!(link.receiver.live().len(), 1);
    assert_eq!(link.snapshots, 2);
}

/// Prints what it costs; asserts only what does not hang on the machine.
#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "prints how long it took")]
async fn ten_thousand_servers() {
    let mut home = Home::new();
    let spool = home.open();
    let pages = || {
        let number = |start: u64| page((start..start + 500).map(|it| server(it, &it.to_string())));
        (0..20).map(move |place| number(place * 500))
    };
    for pass in ["first", "unchanged"] {
        let begun = Instant::now();
        let audit = spool.begin_audit(Part::Servers);
        for page in pages() {
            spool.put_page(&audit, page).await.unwrap();
        }
        let mark = sp_agent::cloud::Mark(UnixMillis(1));
        spool.finish_audit(audit, mark).await.unwrap();
        println!("{pass} audit: {:?}", begun.elapsed());
    }
    assert_eq!(spool.extent(Feed::Inventory).head, 10_000);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let memory = status
        .lines()
        .filter(|it| it.starts_with("VmRSS") || it.starts_with("VmHWM"));
    println!("{:?}", memory.collect::<Vec<_>>());
    let begun = Instant::now();
    let mut link = Link::new(Feed::Inventory, &spool);
    link.settle(&spool).await;
    println!(
        "snapshot: {} bytes in {:?}",
        link.bytes_sent,
        begun.elapsed()
    );
    assert_eq!(link.receiver.live().len(), 10_000);
    let one = page([server(7, "renamed")]);
    let before = link.bytes_sent;
    spool.put_changes(Part::Servers, one).await.unwrap();
    link.settle(&spool).await;
    assert!(
        link.bytes_sent - before < 400,
        "a change sends itself alone"
    );
    spool.close().await.unwrap();
    let begun = Instant::now();
    let spool = home.open();
    println!("opened in {:?}", begun.elapsed());
    audit(&spool, Part::StoragePools, Page::default()).await;
    let bytes = std::fs::metadata(home.file()).unwrap().len();
    println!("file: {bytes} bytes");
    assert!(bytes < 10_000 * 700);
}
