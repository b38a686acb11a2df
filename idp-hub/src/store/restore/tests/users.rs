//! What opens nothing again: the password of a user who has another one since, or is gone.

use shared::audit::Wanted;
use shared::ids::ObjectId;
use shared::model::{Department, Object, ObjectKind, User};

use super::*;
use crate::directory::Edit;
use crate::store::users::NewPassword;

impl Restored {
    /// How many users' passwords are not known any more.
    pub(super) fn forgotten_count(&self) -> Option<u64> {
        let it = self.forgotten.as_ref()?;
        Some(it.changed.count + it.deleted)
    }
}

impl Site {
    pub(super) async fn edit(&self, edit: Edit) {
        let (store, _) = self.open.as_ref().unwrap();
        let made = store.change(move |it| it.edit(edit, "boss"));
        made.await.unwrap();
    }

    pub(super) async fn user_ends(&self, id: ObjectId) {
        let kind = ObjectKind::User;
        self.edit(Edit::End { kind, id }).await;
    }
}

/// Users `stays`, `changed` and `gone`, with a password each.
pub(super) async fn with_users(site: &Site) -> [ObjectId; 3] {
    let ops = ObjectId::from_random(1);
    let department = Object::Department(Department {
        name: "ops".to_owned(),
        description: None,
        enabled: true,
    });
    let mut all = vec![(ops, department)];
    let users = [2, 3, 4].map(ObjectId::from_random);
    for (id, name) in users.into_iter().zip(["stays", "changed", "gone"]) {
        let user = Object::User(User {
            department: ops,
            name: name.to_owned(),
            description: None,
            email: None,
            enabled: true,
            default_project: None,
        });
        all.push((id, user));
    }
    for (id, object) in all {
        site.edit(Edit::Create { id, object }).await;
    }
    for user in users {
        has(site, user, 5).await;
    }
    users
}

pub(super) fn new_password(user: ObjectId, version: u64) -> NewPassword {
    NewPassword {
        user,
        hash: "hash".to_owned(),
        version,
        author: "boss".to_owned(),
        checked: None,
        captured_from: None,
        sealed: Vec::new(),
    }
}

pub(super) async fn has(site: &Site, user: ObjectId, version: u64) {
    let (store, _) = site.open.as_ref().unwrap();
    let new = new_password(user, version);
    let set = store.change(move |it| it.set_user_password(&new));
    set.await.unwrap();
}

pub(super) fn passwords_of(database: &Path, users: [ObjectId; 3]) -> [Option<u64>; 3] {
    let connection = crate::store::schema::open(database).unwrap();
    users.map(|user| {
        let sql = "SELECT version FROM passwords WHERE user = ?1";
        let found = connection.query_row(sql, [user.to_bytes()], |row| row.get(0));
        found.ok()
    })
}

#[tokio::test]
async fn an_older_password_of_a_user_opens_nothing_again() {
    let site = Site::new().await;
    let users = with_users(&site).await;
    back_up(&site.path("hub.db"), &site.path("users.db")).unwrap();
    let [_, changed, gone] = users;
    has(&site, changed, 9).await;
    site.user_ends(gone).await;

    let site = site.cut();
    let restored = site.restore_from("users.db").unwrap();
    assert_eq!(restored.forgotten_count(), Some(2));
    let forgotten = restored.forgotten.as_ref().unwrap();
    assert_eq!(forgotten.changed.first, ["ops/changed"]);
    assert_eq!(forgotten.deleted, 1);
    let database = site.path("hub.db");
    assert_eq!(length(&site.path("hub.db-wal")), 0);
    assert_eq!(passwords_of(&database, users), [Some(5), None, None]);
    let kept = restored.kept.unwrap();
    let kept = kept.file_name().unwrap().to_str().unwrap();
    let again = site.restore_from(kept).unwrap();
    assert_eq!(again.forgotten_count(), Some(0), "what is newer stays");
    assert_eq!(passwords_of(&database, users), [Some(5), Some(9), None]);
    fs::remove_file(&database).unwrap();
    let bare = site.restore_from("users.db").unwrap();
    assert_eq!(bare.forgotten, None, "there is nothing to compare with");
    assert_eq!(passwords_of(&database, users), [Some(5); 3]);
}

#[tokio::test]
async fn who_had_no_password_yet_is_named_too_and_the_audit_trail_has_all() {
    let site = Site::new().await;
    with_users(&site).await;
    let late = ObjectId::from_random(9);
    let object = Object::User(User {
        department: ObjectId::from_random(1),
        name: "late".to_owned(),
        description: None,
        email: None,
        enabled: true,
        default_project: None,
    });
    site.edit(Edit::Create { id: late, object }).await;
    back_up(&site.path("hub.db"), &site.path("users.db")).unwrap();
    has(&site, late, 7).await;

    let site = site.cut();
    let restored = site.restore_from("users.db").unwrap();
    assert_eq!(restored.forgotten.unwrap().changed.first, ["ops/late"]);
    let (store, _thread) = Store::open(&site.path("hub.db"), Clock::system()).unwrap();
    let wanted = Wanted {
        action: Some("forget-password".to_owned()),
        ..Wanted::default()
    };
    let listed = store.read(move |it| it.audit_entries(None, 5, &wanted));
    let listed = listed.await.unwrap().items;
    assert_eq!(listed.len(), 1, "{listed:?}");
}
