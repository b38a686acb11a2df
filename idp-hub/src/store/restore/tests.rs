//! A backup takes the database's place, whatever was there, and whenever it is killed.

mod drawn;
mod orders;
mod told;
mod under_way;
mod users;
mod withdrawn;

use std::os::unix::fs::{chown, symlink};

use shared::ids::{HubId, RegionId};
use shared::pki::Fingerprint;
use shared::runtime::clock::Clock;
use tempfile::TempDir;

use super::place::{Step, beside, perform, plan};
use super::*;
use crate::store::introduction::tests::introduction;
use crate::store::{Founding, Store, WriterThread, back_up};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn federation(number: u128) -> FederationId {
    FederationId::from_random(number)
}

/// A data directory, and what is put into it.
struct Site {
    folder: TempDir,
    open: Option<(Store, WriterThread)>,
}

impl Site {
    /// A hub that was founded, with the password "old", a backup of it, and then the password "new".
    /// It is in the middle of its work: the newest is in its log.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let open = Store::open(&folder.path().join("hub.db"), Clock::system()).unwrap();
        let founding = Founding {
            federation: federation(1),
            hub: HubId::from_random(1),
            epoch: 1,
            ready: true,
        };
        let store = open.0.clone();
        let site = Self {
            folder,
            open: Some(open),
        };
        let founded = store.change(move |it| it.set_founding(&founding));
        founded.await.unwrap();
        for (number, name) in [(1, "north"), (2, "south")] {
            let id = RegionId::from_random(number.into());
            let key = Fingerprint::from_bytes([number; 32]);
            let added = store.change(move |it| it.add_region(id, name, key, &introduction(), 0));
            added.await.unwrap();
        }
        site.set("old").await;
        back_up(&site.path("hub.db"), &site.path("backup.db")).unwrap();
        site.set("new").await;
        let removed = store.change(|it| {
            let north = it.region_named("north")?.no;
            it.remove_region(north)
        });
        removed.await.unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn set(&self, password: &'static str) {
        let (store, _) = self.open.as_ref().unwrap();
        let set = store.change(move |it| it.set_password("admin", password));
        set.await.unwrap();
    }

    /// The directory as a power cut leaves it now.
    fn cut(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for entry in self.folder.path().read_dir().unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        Self { folder, open: None }
    }

    fn restore(&self) -> Result<Restored, StoreError> {
        self.restore_from("backup.db")
    }

    fn restore_from(&self, name: &str) -> Result<Restored, StoreError> {
        restore(&self.path("hub.db"), &self.path(name), federation(1), NOW)
    }

    fn refuses(&self, name: &str) -> String {
        let before = fs::read(self.path("hub.db")).unwrap();
        let told = self.restore_from(name).unwrap_err().to_string();
        assert_eq!(fs::read(self.path("hub.db")).unwrap(), before);
        assert!(!self.path(WORK).exists());
        told
    }
}

/// Which password the hub finds that is started on this database.
fn password(database: &Path) -> String {
    let connection = crate::store::schema::open(database).unwrap();
    let sql = "SELECT password_hash FROM accounts";
    connection.query_row(sql, (), |row| row.get(0)).unwrap()
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

#[tokio::test]
async fn a_backup_is_restored_over_a_hub_that_was_killed_which_is_kept_whole() {
    let site = Site::new().await.cut();
    assert!(length(&site.path("hub.db-wal")) > 0);
    let restored = site.restore().unwrap();
    assert_eq!(length(&site.path("hub.db-wal")), 0);
    assert_eq!(password(&site.path("hub.db")), "old");
    let kept = site.path("hub.db.replaced-20270115T080000Z");
    assert_eq!(restored.kept.as_ref(), Some(&kept));
    assert_eq!(password(&kept), "new");
    assert_eq!(restored.regions, 2);
    assert_eq!(restored.revived, ["north"]);
    assert_eq!(restored.restoration.at, NOW);
    let wall = Clock::system().unix_millis();
    let age = wall.since(restored.restoration.taken);
    assert!(age.as_secs() < 60, "{age:?}");
    assert!(!site.path(WORK).exists());

    let (store, _thread) = Store::open(&site.path("hub.db"), Clock::system()).unwrap();
    let noted = store.read(|it| it.restoration()).await.unwrap();
    assert_eq!(noted, Some(restored.restoration));
    store.close().await;

    // And back again, within the same second.
    let kept = kept.file_name().unwrap().to_str().unwrap();
    let again = site.restore_from(kept).unwrap();
    let kept = again.kept.unwrap();
    assert!(kept.ends_with("hub.db.replaced-20270115T080000Z-2"));
    assert_eq!(password(&site.path("hub.db")), "new");
    assert!(again.revived.is_empty(), "{:?}", again.revived);
}

#[tokio::test]
async fn what_follows_is_said_again_by_whoever_restores_again() {
    let site = Site::new().await.cut();
    for time in ["once", "again"] {
        let restored = site.restore().unwrap();
        assert_eq!(restored.revived, ["north"], "{time}");
    }
}

#[tokio::test]
async fn a_data_directory_may_stand_behind_a_link() {
    let site = Site::new().await.cut();
    let links = tempfile::tempdir().unwrap();
    symlink(site.folder.path(), links.path().join("data")).unwrap();
    let database = links.path().join("data/hub.db");
    let restored = restore(&database, &site.path("backup.db"), federation(1), NOW).unwrap();
    assert_eq!(restored.revived, ["north"]);
    assert_eq!(password(&database), "old");
}

#[tokio::test]
async fn nobody_is_signed_in_any_more() {
    let site = Site::new().await.cut();
    let connection = Connection::open(site.path("backup.db")).unwrap();
    let sql = "INSERT INTO sessions VALUES (x'07', 'admin', NULL, 0, 4000000000000)";
    connection.execute(sql, ()).unwrap();
    drop(connection);
    assert_eq!(sessions(&site.path("backup.db")), 1);
    site.restore().unwrap();
    assert_eq!(sessions(&site.path("hub.db")), 0);
}

/// The numbers that they acknowledged were given to other changes than those of the backup.
#[tokio::test]
async fn nobody_knows_any_more_what_the_regions_hold_of_the_directory() {
    let site = Site::new().await.cut();
    let held = |name: &str| -> Option<u64> {
        let connection = crate::store::schema::open(&site.path(name)).unwrap();
        let sql = "SELECT held_seq FROM region_organization";
        connection.query_row(sql, (), |row| row.get(0)).unwrap()
    };
    let connection = Connection::open(site.path("backup.db")).unwrap();
    let sql = "INSERT INTO region_organization (region, digest, merged_ms, is_home, held_seq)
               VALUES (1, zeroblob(16), 1, 1, 7)";
    connection.execute(sql, ()).unwrap();
    drop(connection);
    assert_eq!(held("backup.db"), Some(7));
    site.restore().unwrap();
    assert_eq!(held("hub.db"), None);
}

fn sessions(database: &Path) -> u32 {
    let connection = crate::store::schema::open(database).unwrap();
    let sql = "SELECT count(*) FROM sessions";
    connection.query_row(sql, (), |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_link_that_the_service_puts_in_the_copys_place_leads_nowhere() {
    let site = Site::new().await.cut();
    let (work, other) = (site.path(WORK), site.path("other.db"));
    fs::copy(site.path("backup.db"), &other).unwrap();
    let before = fs::read(&other).unwrap();
    let made = Work::make(&work).unwrap();
    let copy = made.copy(&site.path("backup.db"), NEW).unwrap();
    fs::remove_file(made.path(NEW)).unwrap();
    symlink(&other, made.path(NEW)).unwrap();
    let told =
        examine::examine(&made.path(NEW), Path::new("b.db"), federation(1), NOW).unwrap_err();
    assert!(told.contains("can't be checked"), "{told}");
    assert_eq!(fs::read(&other).unwrap(), before);
    let owner = site.folder.path().metadata().unwrap();
    let told = work::settle(&copy, &made.path(NEW), &owner).unwrap_err();
    assert!(told.to_string().contains("in its place"), "{told}");

    // Nor does a link in the directory's place have anything made where it leads.
    fs::rename(&work, site.path("aside")).unwrap();
    symlink(site.folder.path(), &work).unwrap();
    made.copy(&site.path("backup.db"), "late.db").unwrap();
    assert!(site.path("aside/late.db").exists() && !site.path("late.db").exists());
    assert!(Work::make(&work).is_err());
    assert_eq!(site.restore().unwrap().regions, 2);
}

/// Only root can give a file away.
#[tokio::test]
async fn what_root_restores_is_the_services_and_nothing_else_is() {
    let site = Site::new().await.cut();
    if site.folder.path().metadata().unwrap().uid() != 0 {
        return;
    }
    chown(site.folder.path(), Some(65534), Some(65534)).unwrap();
    site.restore().unwrap();
    let owner = |name| site.path(name).metadata().unwrap().uid();
    assert_eq!((owner("hub.db"), owner("backup.db")), (65534, 0));
}

#[tokio::test]
async fn killed_after_any_step_there_is_the_old_database_or_the_new_one() {
    let site = Site::new().await;
    for count in 0.. {
        let cut = site.cut();
        let (database, work) = (cut.path("hub.db"), cut.path(WORK));
        let backup = cut.path("backup.db");
        let prepared = prepare(&database, &backup, federation(1), NOW, &work).unwrap();
        assert!(fold_old(&database).unwrap());
        let steps = plan(&database, &prepared.new, &aside(&database, NOW), false);
        let Some(done) = steps.get(..count) else {
            break;
        };
        perform(done).unwrap();
        assert_eq!(length(&beside(&database, "-wal")), 0, "after {done:?}");
        let is_new = done.iter().any(|it| matches!(it, Step::Rename { .. }));
        assert_eq!(password(&database), if is_new { "old" } else { "new" });
        cut.restore().unwrap();
        assert_eq!(password(&database), "old", "after {done:?}, and again");
    }
}

#[test]
fn a_new_database_gets_its_name_when_the_old_log_is_durably_gone() {
    for is_damaged in [false, true] {
        let (database, new, aside) = (Path::new("/d/hub.db"), Path::new("/n"), Path::new("/a"));
        let steps = plan(database, new, aside, is_damaged);
        let at = |step: &Step| steps.iter().position(|it| it == step).unwrap();
        let sync = Step::Sync("/d".into());
        let rename = Step::Rename {
            from: new.into(),
            to: database.into(),
        };
        for log in ["-wal", "-journal", "-shm"] {
            let removed = at(&Step::Remove(beside(database, log)));
            assert!(steps[removed..at(&rename)].contains(&sync));
        }
        assert!(steps[at(&rename)..].contains(&sync));
    }
}

#[tokio::test]
async fn what_is_damaged_is_kept_with_its_log_and_does_not_come_back() {
    let mut site = Site::new().await.cut();
    assert!(fold_old(&site.path("hub.db")).unwrap());
    site.open = Some(Store::open(&site.path("hub.db"), Clock::system()).unwrap());
    site.set("newest").await;
    let site = site.cut();
    // All but what stands in the log, so that it does not mend it.
    let garbage = [7_u8; 8192];
    fs::write(site.path("hub.db"), garbage).unwrap();
    let log = fs::read(site.path("hub.db-wal")).unwrap();
    assert!(!log.is_empty());

    let kept = site.restore().unwrap().kept.unwrap();
    assert_eq!(password(&site.path("hub.db")), "old");
    assert_eq!(fs::read(&kept).unwrap(), garbage);
    assert_eq!(fs::read(beside(&kept, "-wal")).unwrap(), log);
    let error = Store::open(&kept, Clock::system()).err();
    let told = error.unwrap().to_string();
    assert!(told.contains("with `idp-hub restore FILE`"), "{told}");

    // Where there is none, nothing is kept, and a log of nothing has no say.
    fs::remove_file(site.path("hub.db")).unwrap();
    fs::write(site.path("hub.db-wal"), &log).unwrap();
    assert_eq!(site.restore().unwrap().kept, None);
    assert_eq!(password(&site.path("hub.db")), "old");
}

#[tokio::test]
async fn what_no_hub_could_go_on_with_is_refused_and_nothing_is_changed() {
    let site = Site::new().await.cut();
    // So that the hub's own is in one file and can be compared.
    assert!(fold_old(&site.path("hub.db")).unwrap());
    let told = site.refuses("nothing.db");
    assert!(told.contains("there is no such file"), "{told}");
    assert!(site.refuses(".").contains("it is no file"));
    assert!(site.refuses("hub.db").contains("hub's own database"));
    fs::write(site.path("text.db"), "a text ".repeat(1000)).unwrap();
    assert!(site.refuses("text.db").contains("it is no database"));
    fs::write(site.path("empty.db"), "").unwrap();
    assert!(site.refuses("empty.db").contains("it is no hub's database"));

    let made = |name: &str, sql: &str| {
        fs::copy(site.path("backup.db"), site.path(name)).unwrap();
        let connection = Connection::open(site.path(name)).unwrap();
        connection.execute_batch(sql).unwrap();
    };
    made("spool.db", "DROP TABLE accounts");
    assert!(site.refuses("spool.db").contains("it is no hub's database"));
    made("later.db", "PRAGMA user_version = 99");
    assert!(site.refuses("later.db").contains("has schema 99"));
    made("begun.db", "DELETE FROM facts");
    assert!(site.refuses("begun.db").contains("never founded"));
    let other = federation(2).to_bytes().map(|byte| format!("{byte:02x}"));
    let other = other.concat();
    made(
        "other.db",
        &format!("UPDATE facts SET value = x'{other}' WHERE name = 'federation'"),
    );
    let told = site.refuses("other.db");
    let both = [federation(1), federation(2)].map(|it| told.contains(&it.to_string()));
    assert_eq!(both, [true, true], "{told}");

    let mut bytes = fs::read(site.path("backup.db")).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0x55);
    fs::write(site.path("half.db"), bytes).unwrap();
    assert!(site.refuses("half.db").contains("it is damaged"));
}
