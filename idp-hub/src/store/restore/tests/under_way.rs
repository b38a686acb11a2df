//! What was under way when a backup was made ends with it, whatever became of it since.

use rusqlite::params;
use shared::audit::Wanted;
use shared::ids::ObjectId;
use shared::model::{ObjectKind, Purge, PurgeStep, Record, RecordKind};
use shared::wire::Digest;
use shared::wire::record::{self, Decoded, kind_code};

use super::*;

const PURGE: u16 = kind_code(RecordKind::Purge);

fn purge(number: u128, name: &str, step: PurgeStep) -> Record {
    Record::Purge(Purge {
        object: ObjectId::from_random(number),
        kind: ObjectKind::Project,
        name: name.to_owned(),
        at: UnixMillis(NOW.0 - 1000),
        step,
    })
}

/// Writes what the regions of a backup, both of them merged, are told for themselves.
fn told(backup: &Path, records: &[(u32, Record)]) {
    let connection = crate::store::schema::open(backup).unwrap();
    let mut digests = [Digest::default(); 2];
    for (at, (no, record)) in records.iter().enumerate() {
        let it = record::encode(record).unwrap();
        digests[*no as usize - 1].add(Digest::of(it.kind, &it.id, &it.value));
        let sql = "INSERT INTO directory VALUES (?1, ?2, ?3, ?4, ?5, 'boss', 1, 1)";
        let row = params![at as u64 + 1000, no, it.kind, it.id, it.value];
        connection.execute(sql, row).unwrap();
    }
    for (no, digest) in (1..).zip(digests) {
        let sql = "INSERT INTO region_organization (region, digest, merged_ms, is_home)
                   VALUES (?1, ?2, 1, 0)";
        let row = params![no, digest.to_bytes()];
        connection.execute(sql, row).unwrap();
    }
}

/// What regions are told to purge: region, name, step. And whether each one's digest is right.
fn purges(database: &Path) -> Vec<(u32, String, PurgeStep)> {
    let connection = crate::store::schema::open(database).unwrap();
    let mut digests = [Digest::default(); 2];
    let sql = "SELECT region, kind, id, value FROM directory
               WHERE region > 0 AND value IS NOT NULL ORDER BY seq";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map((), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    });
    let mut all = Vec::new();
    for row in rows.unwrap() {
        let (no, kind, id, value): (u32, u16, Vec<u8>, Vec<u8>) = row.unwrap();
        digests[no as usize - 1].add(Digest::of(kind, &id, &value));
        if let Ok(Decoded::Known(record)) = record::decode(kind, &id, &value)
            && let Record::Purge(it) = *record
        {
            all.push((no, it.name, it.step));
        }
    }
    for (no, digest) in (1..).zip(digests) {
        let sql = "SELECT digest FROM region_organization WHERE region = ?1";
        let kept: [u8; 16] = connection.query_row(sql, [no], |row| row.get(0)).unwrap();
        assert_eq!(kept, digest.to_bytes(), "{no}");
    }
    all
}

async fn trail(database: &Path, action: &str) -> Vec<(String, String)> {
    let (store, _thread) = Store::open(database, Clock::system()).unwrap();
    let wanted = Wanted {
        action: Some(action.to_owned()),
        ..Wanted::default()
    };
    let entries = store.read(move |it| it.audit_entries(None, 10, &wanted));
    let entries = entries.await.unwrap().items.into_iter();
    let acts = entries.map(|it| it.entry.unwrap().act);
    let found = acts.map(|it| (it.subject.name, it.before)).collect();
    store.close().await;
    found
}

/// Each region reads all that it is told anew, also one that was told since that a word was taken
/// back.
#[tokio::test]
async fn no_region_purges_by_a_word_of_the_backup() {
    use PurgeStep::{Ask, Delete, Lapsed};
    let site = Site::new().await.cut();
    let words = [
        (1, purge(1, "web", Ask)),
        (2, purge(1, "web", Ask)),
        (2, purge(2, "db", Delete)),
        (1, purge(3, "old", Lapsed)),
    ];
    told(&site.path("backup.db"), &words);
    for is_alone in [false, true] {
        // With nothing to compare with it is the same.
        if is_alone {
            fs::remove_file(site.path("hub.db")).unwrap();
        }
        let restored = site.restore().unwrap();
        assert_eq!(
            restored.under_way.purges.first,
            ["the project web", "the project db"]
        );
        let told = purges(&site.path("hub.db"));
        assert_eq!(told.len(), 4);
        assert!(told.iter().all(|(.., step)| *step == Lapsed), "{told:?}");
    }
    let of = |name: &str, regions: &str| (name.to_owned(), format!("to be purged in {regions}"));
    let trail = trail(&site.path("hub.db"), "lapse-purge").await;
    assert_eq!(trail, [of("db", "south"), of("web", "north, south")]);

    // One that can't be read is told to nobody.
    let backup = Connection::open(site.path("backup.db")).unwrap();
    let sql = "UPDATE directory SET value = x'ff' WHERE kind = ?1 AND region = 2";
    backup.execute(sql, [PURGE]).unwrap();
    let digest = "UPDATE region_organization SET digest = ?1 WHERE region = 2";
    let mut of_both = Digest::default();
    for (_, record) in &words[1..3] {
        let it = record::encode(record).unwrap();
        of_both.add(Digest::of(it.kind, &it.id, &[0xff]));
    }
    backup.execute(digest, [of_both.to_bytes()]).unwrap();
    drop(backup);
    site.restore().unwrap();
    assert_eq!(purges(&site.path("hub.db")).len(), 2, "of north");
}

fn raises(database: &Path) -> u32 {
    let connection = crate::store::schema::open(database).unwrap();
    let sql = "SELECT count(*) FROM quota_raises";
    connection.query_row(sql, (), |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn what_waited_when_the_backup_was_made_is_given_to_nobody() {
    let site = Site::new().await.cut();
    let backup = Connection::open(site.path("backup.db")).unwrap();
    let project = ObjectId::from_random(1);
    let sql = "INSERT INTO quota_raises VALUES (1, ?1, 'compute', ?2, 20, ?3, 'ann', 'here')";
    let giver = format!("[[\"{}\",\"n-web\"]]", ObjectId::from_random(2));
    let waits = params![project.to_bytes(), "cores", giver];
    backup.execute(sql, waits).unwrap();
    let restored = site.restore().unwrap();
    let raises_named = &restored.under_way.raises;
    assert_eq!(raises_named.count, 1);
    let words = "in region \"north\", compute: cores=20 once it is lower for";
    assert!(raises_named.first[0].contains(words), "{raises_named:?}");
    let limit = DroppedLimit {
        region: "north".to_owned(),
        project,
        resource: "cores".to_owned(),
        limit: 20,
    };
    assert_eq!(restored.under_way.limits, [limit]);
    assert_eq!(raises(&site.path("hub.db")), 0);
    let trail = trail(&site.path("hub.db"), "set-quota").await;
    assert!(
        trail[0].1.contains("cores=20 once it is lower"),
        "{trail:?}"
    );

    // Another release's ends as well, and leaves none unnamed.
    let waits = params![project.to_bytes(), "ram", "?"];
    backup.execute(sql, waits).unwrap();
    let restored = site.restore().unwrap();
    let raises_named = &restored.under_way.raises;
    assert_eq!((raises_named.count, raises_named.first.len()), (2, 2));
    let is_told = |of: &str| raises_named.first.iter().any(|it| it.contains(of));
    assert!(is_told(
        "in region \"north\", compute: cores=20 once it is lower for"
    ));
    assert!(is_told("in region \"north\": ram=20 once others have less"));
    let limits = restored.under_way.limits.iter();
    let limits: Vec<_> = limits.map(|it| it.resource.as_str()).collect();
    assert_eq!(limits, ["cores", "ram"]);
    assert_eq!(raises(&site.path("hub.db")), 0);
    let trail = self::trail(&site.path("hub.db"), "set-quota").await;
    assert_eq!(trail.len(), 2, "{trail:?}");
}
