//! Files that are damaged, new, locked, open to others, or gone.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};

use shared::model::{Feed, UnixMillis};
use sp_agent::cloud::{Mark, Part};
use sp_agent::spool::{Condition, SpoolError};

use crate::home::{Home, audit, page, server};
use crate::link::Link;

async fn filled(home: &mut Home) {
    let spool = home.open();
    audit(
        &spool,
        Part::Servers,
        page((0..500).map(|number| server(number, "a"))),
    )
    .await;
    spool.close().await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_kept_and_a_new_life_begins() {
    let mut home = Home::new();
    for life in 1..=5 {
        filled(&mut home).await;
        let before = home.open().extent(Feed::Inventory);
        home.open().close().await.unwrap();
        home.damage();
        let spool = home.open();
        let extent = spool.extent(Feed::Inventory);
        assert_ne!(extent.id, before.id);
        assert_eq!((extent.head, extent.horizon), (0, 0));
        assert_eq!(home.moved_aside().len(), life.min(3));
    }
    assert!(home.moved_aside()[0].starts_with("spool.sqlite.damaged-17000000000"));
}

#[tokio::test]
async fn what_is_no_database_at_all_is_moved_aside_too() {
    let mut home = Home::new();
    home.open().close().await.unwrap();
    for content in [
        "",
        "not a database, but longer than the sixteen bytes of its header",
    ] {
        fs::write(home.file(), content).unwrap();
        let spool = home.open();
        audit(&spool, Part::Servers, page([server(1, "a")])).await;
        spool.close().await.unwrap();
    }
    assert_eq!(home.moved_aside().len(), 1, "an empty file is a new one");
}

#[tokio::test]
async fn a_digest_that_is_not_of_the_records_is_damage() {
    let mut home = Home::new();
    filled(&mut home).await;
    let file = rusqlite::Connection::open(home.file()).unwrap();
    file.execute("UPDATE record SET value = x'01' WHERE seq = 7", [])
        .unwrap();
    drop(file);
    assert_eq!(home.open().extent(Feed::Inventory).head, 0);
    assert_eq!(home.moved_aside().len(), 1);
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused_and_left_as_it_is() {
    let mut home = Home::new();
    filled(&mut home).await;
    let file = rusqlite::Connection::open(home.file()).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    let before = fs::read(home.file()).unwrap();
    let refused = home.try_open().unwrap_err();
    assert!(
        matches!(refused, SpoolError::Newer { found: 99, .. }),
        "{refused:?}"
    );
    let text = refused.to_string();
    assert!(
        text.contains("newer release (schema 99") && text.contains("install"),
        "{text}"
    );
    assert_eq!(fs::read(home.file()).unwrap(), before);
}

#[tokio::test]
async fn the_directory_is_private_and_one_that_is_not_is_refused() {
    let mut home = Home::new();
    let _spool = home.open();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.directory()), 0o700);

    let open = home.outer.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    let refused = sp_agent::spool::Spool::open(&open, UnixMillis(1), || 1).unwrap_err();
    assert!(
        matches!(refused, SpoolError::Directory { .. }),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_do_not_share_a_spool() {
    let mut home = Home::new();
    let spool = home.open();
    let refused = tokio::task::block_in_place(|| home.try_open().unwrap_err());
    assert!(matches!(refused, SpoolError::InUse { .. }), "{refused:?}");
    spool.close().await.unwrap();
    home.open();
}

/// The page caches are small, so most of the file is read again when it is used.
#[tokio::test]
async fn damage_while_running_begins_a_new_life_and_the_agent_goes_on() {
    let mut home = Home::new();
    let many = || page((0..20_000).map(|number| server(number, "a")));
    let spool = home.open();
    audit(&spool, Part::Servers, many()).await;
    spool.close().await.unwrap();
    let spool = home.open();
    let mut link = Link::new(Feed::Inventory, &spool);
    link.settle(&spool).await;
    let audit_before = spool.begin_audit(Part::Servers);
    spool.put_page(&audit_before, many()).await.unwrap();

    let old = spool.extent(Feed::Inventory);
    let file = fs::OpenOptions::new()
        .write(true)
        .open(home.file())
        .unwrap();
    let len = file.metadata().unwrap().len();
    file.write_all_at(&vec![0xff; len as usize - 8192], 8192)
        .unwrap();
    let mut failures = 0;
    while spool.extent(Feed::Inventory).id == old.id {
        let read = spool.read(Feed::Inventory, old.id, 0).await;
        let put = spool.put_changes(Part::Servers, many()).await;
        failures += u32::from(read.is_err()) + u32::from(put.is_err());
        assert!(failures < 100, "never begins anew: {read:?}, {put:?}");
    }
    let void = spool.finish_audit(audit_before, Mark(UnixMillis(1))).await;
    assert!(matches!(void, Err(SpoolError::Void { .. })), "{void:?}");
    audit(&spool, Part::Servers, many()).await;
    link.settle(&spool).await;
    assert_eq!(link.receiver.live().len(), 20_000);
    assert_eq!(*spool.condition().borrow(), Condition::Sound);
    assert_eq!(home.moved_aside().len(), 1);
}
