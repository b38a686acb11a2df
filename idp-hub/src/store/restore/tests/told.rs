//! What regions are told by a restored hub of passwords that are not their users' any more.

use shared::ids::ObjectId;
use shared::model::{Object, Record};
use shared::pki::PublicSealingKey;
use shared::wire::Digest;
use shared::wire::record::{self, Decoded};

use super::users::{has, new_password, passwords_of, with_users};
use super::*;
use crate::directory::Edit;
use crate::store::RegionNo;
use crate::store::users::{NewPassword, Sealed};

/// The region that is merged.
const SOUTH: RegionNo = RegionNo(2);
const KEY: PublicSealingKey = PublicSealingKey::from_bytes([2; 32]);

impl Site {
    fn connection(&self) -> Connection {
        Connection::open(self.path("hub.db")).unwrap()
    }

    /// A region that is told passwords.
    async fn merges(&self) {
        let (store, _) = self.open.as_ref().unwrap();
        let accepted = store.change(|it| {
            it.accept_region(SOUTH)?;
            it.seals(SOUTH, KEY)
        });
        accepted.await.unwrap();
        let sql = "INSERT INTO region_organization (region, digest, merged_ms, is_home)
                   VALUES (?1, zeroblob(16), 1, 1)";
        self.connection().execute(sql, [SOUTH.0]).unwrap();
    }

    async fn is_told(&self, user: ObjectId, version: u64) {
        let (store, _) = self.open.as_ref().unwrap();
        let sealed = Sealed {
            no: SOUTH,
            key: KEY,
            bytes: vec![version as u8; 60],
        };
        let new = NewPassword {
            sealed: vec![sealed],
            ..new_password(user, version)
        };
        let set = store.change(move |it| it.set_user_password(&new));
        assert_eq!(set.await.unwrap(), [SOUTH]);
    }

    /// Users whose passwords an agent is given that begins with nothing, and their versions. What
    /// is kept of the whole is what a recount gives.
    fn told(&self) -> Vec<(ObjectId, u64)> {
        let connection = self.connection();
        let sql = "SELECT kind, id, value FROM directory WHERE region = ?1 AND value IS NOT NULL";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([SOUTH.0], |row| {
            Ok((
                row.get(0)?,
                row.get::<_, Vec<u8>>(1)?,
                row.get::<_, Vec<u8>>(2)?,
            ))
        });
        let (mut told, mut digest) = (Vec::new(), Digest::default());
        for row in rows.unwrap() {
            let (kind, id, value): (u16, _, _) = row.unwrap();
            digest.add(Digest::of(kind, &id, &value));
            if let Decoded::Known(it) = record::decode(kind, &id, &value).unwrap()
                && let Record::Secret(it) = *it
            {
                told.push((it.user, it.version));
            }
        }
        let sql = "SELECT digest FROM region_organization WHERE region = ?1";
        let kept: [u8; 16] = connection
            .query_row(sql, [SOUTH.0], |row| row.get(0))
            .unwrap();
        assert_eq!(kept, digest.to_bytes());
        told.sort_unstable();
        told
    }
}

#[tokio::test]
async fn an_older_password_is_told_to_no_region_again() {
    let site = Site::new().await;
    let [stays, changed, gone] = with_users(&site).await;
    site.merges().await;
    for user in [stays, changed, gone] {
        site.is_told(user, 6).await;
    }
    back_up(&site.path("hub.db"), &site.path("users.db")).unwrap();
    site.is_told(changed, 9).await;
    site.user_ends(gone).await;
    assert_eq!(site.told(), [(stays, 6), (changed, 9)]);

    let site = site.cut();
    let restored = site.restore_from("users.db").unwrap();
    assert_eq!(restored.forgotten_count(), Some(2));
    assert_eq!(site.told(), [(stays, 6)]);
    // Again: nothing speaks of the newer ones any more but what the first restore noted.
    let restored = site.restore_from("users.db").unwrap();
    assert_eq!(restored.forgotten_count(), Some(2));
    assert_eq!(site.told(), [(stays, 6)]);
    let users = [stays, changed, gone];
    let now = passwords_of(&site.path("hub.db"), users);
    assert_eq!(now, [Some(6), None, None]);
    let (store, _thread) = Store::open(&site.path("hub.db"), Clock::system()).unwrap();
    let batch = store.read(|it| it.directory_batch(SOUTH, 0)).await;
    let batch = batch.unwrap().unwrap();
    assert!(batch.has_digest, "it is told to its end");
    store.close().await;
}

#[tokio::test]
async fn nor_is_that_of_who_is_a_cloud_administrator_again() {
    let site = Site::new().await;
    let [ann, ..] = with_users(&site).await;
    let role = shared::model::Role {
        department: None,
        name: "admin".to_owned(),
        description: None,
    };
    let admin = Edit::Create {
        id: ObjectId::from_random(70),
        object: Object::Role(role),
    };
    let dismissal = Edit::Dismiss {
        user: ann,
        even_the_last: true,
    };
    for edit in [admin, Edit::Appoint(ann)] {
        site.edit(edit).await;
    }
    site.merges().await;
    site.is_told(ann, 6).await;
    back_up(&site.path("hub.db"), &site.path("users.db")).unwrap();
    site.edit(dismissal).await;
    assert_eq!(site.told(), [(ann, 6)], "he keeps his password");

    let site = site.cut();
    for time in ["once", "again"] {
        let restored = site.restore_from("users.db").unwrap();
        assert_eq!(restored.administrators, ["ops/stays"], "{time}");
        assert_eq!(site.told(), [], "{time}");
    }
}

#[tokio::test]
async fn nor_by_a_backup_between_the_first_that_was_restored_and_the_hub_then() {
    let site = Site::new().await;
    let users = with_users(&site).await;
    let [_, changed, gone] = users;
    back_up(&site.path("hub.db"), &site.path("first.db")).unwrap();
    has(&site, changed, 7).await;
    has(&site, gone, 7).await;
    back_up(&site.path("hub.db"), &site.path("second.db")).unwrap();
    has(&site, changed, 9).await;
    site.user_ends(gone).await;

    let site = site.cut();
    let database = site.path("hub.db");
    for backup in ["first.db", "second.db", "first.db"] {
        site.restore_from(backup).unwrap();
        assert_eq!(passwords_of(&database, users), [Some(5), None, None]);
    }
    // A backup that was made after a restore has what was done about it.
    let connection = site.connection();
    let has = "INSERT INTO passwords (user, hash, version, author) VALUES (?1, 'h', 12, 'b')";
    connection.execute(has, [changed.to_bytes()]).unwrap();
    drop(connection);
    fs::copy(&database, site.path("third.db")).unwrap();
    for _ in 0..2 {
        let restored = site.restore_from("third.db").unwrap();
        assert_eq!(restored.forgotten_count(), Some(0));
        assert_eq!(passwords_of(&database, users), [Some(5), Some(12), None]);
    }
}
