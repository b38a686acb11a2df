//! Passwords of the directory's users in a real database: told to each region by its own feed, and
//! gone with the user.

mod captured;
mod keys;
mod named;

use shared::ids::ObjectId;
use shared::model::{ObjectKind, Record, Secret, Subject};
use shared::pki::PublicSealingKey;
use shared::runtime::clock::Clock;

use super::site::{Site, organization};
use crate::directory::rights::{Action, Asker};
use crate::directory::{Edit, Patch};
use crate::store::RegionNo;
use crate::store::StoreError;
use crate::store::users::{NewPassword, Sealed, UserRow};

/// Two merged regions whose agents have keys, with an `ann` each, and hers of the first one.
async fn with_ann() -> (Site, [RegionNo; 2], UserRow) {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    for (no, mark) in [(home, "h"), (north, "n")] {
        site.tell(no, 1, &organization(mark)).await;
        site.merge(no).await;
        site.tells_key(no, key(no)).await;
    }
    let ann = site.ann("ops").await;
    (site, [home, north], ann)
}

/// The key of a region's agent.
fn key(no: RegionNo) -> PublicSealingKey {
    PublicSealingKey::from_bytes([no.0 as u8; 32])
}

fn sealed_to(no: RegionNo, byte: u8) -> Sealed {
    Sealed {
        no,
        key: key(no),
        bytes: vec![byte; 60],
    }
}

fn password(user: ObjectId, version: u64, sealed: &[(RegionNo, u8)]) -> NewPassword {
    let sealed = sealed.iter().map(|(no, byte)| sealed_to(*no, *byte));
    NewPassword {
        user,
        hash: format!("hash {version}"),
        version,
        author: "boss".to_owned(),
        checked: None,
        captured_from: None,
        sealed: sealed.collect(),
    }
}

impl Site {
    async fn ann(&self, department: &'static str) -> UserRow {
        let found = self.store.read(move |it| it.user_named(department, "ann"));
        found.await.unwrap().unwrap()
    }

    async fn tells_key(&self, no: RegionNo, key: PublicSealingKey) {
        let told = self.store.change(move |it| it.seals(no, key));
        told.await.unwrap();
    }

    async fn spread(&self, whose: (ObjectId, u64), sealed: Sealed) -> Vec<RegionNo> {
        let sealed = vec![sealed];
        let spread = move |it: &mut crate::store::Changing<'_>| {
            it.spread_user_password(whose, "ann", sealed)
        };
        self.store.change(spread).await.unwrap()
    }

    async fn set(&self, new: NewPassword) -> Result<Vec<RegionNo>, StoreError> {
        let set = self.store.change(move |it| it.set_user_password(&new));
        set.await
    }

    async fn lacking(&self, user: ObjectId) -> Vec<RegionNo> {
        let lacking = self.store.read(move |it| it.lacking(user)).await.unwrap();
        lacking.into_iter().map(|it| it.no).collect()
    }

    async fn refuses_password(&self, asker: Asker) -> StoreError {
        let action = Action::SetPassword(ObjectId::from_random(9));
        let permitted = self.store.change(move |it| it.permit(asker, action));
        permitted.await.unwrap_err()
    }

    /// What regions are told: region, version, first byte.
    fn secrets(&self) -> Vec<(u32, u64, u8)> {
        let rows = self.rows().into_iter();
        let secrets = rows.filter_map(|(_, region, _, record)| match record {
            Some(Record::Secret(it)) => Some((region, it)),
            _ => None,
        });
        let mut all: Vec<_> = secrets
            .map(
                |(
                    region,
                    Secret {
                        version, sealed, ..
                    },
                )| (region, version, sealed[0]),
            )
            .collect();
        all.sort_unstable();
        all
    }
}

#[tokio::test]
async fn a_user_is_found_by_names_and_by_ids_as_long_as_he_is_live() {
    let (site, [home, _], ann) = with_ann().await;
    let other = site.ann("ops_n-ops").await;
    assert_ne!(ann.id, other.id);
    let department = ann.user.department.to_string();
    let found = site.store.read(move |it| it.user_named(&department, "ann"));
    assert_eq!(found.await.unwrap().unwrap(), ann);
    for (department, name) in [("ops", "bob"), ("lab", "ann"), ("ann", "ann")] {
        let found = site.store.read(move |it| it.user_named(department, name));
        assert_eq!(found.await.unwrap(), None, "{department} {name}");
    }
    let id = ann.id;
    let region = site.store.read(move |it| it.origin_of_user(id));
    let (region, here) = region.await.unwrap().unwrap();
    assert_eq!((region.no, here.to_string()), (home, "h-ann".to_owned()));
    let (kind, patch) = (
        ObjectKind::User,
        Patch {
            name: Some("anna".to_owned()),
            ..Patch::default()
        },
    );
    site.edit(Edit::Update { kind, id, patch }).await.unwrap();
    let found = site.store.read(|it| it.user_named("ops", "anna"));
    assert_eq!(found.await.unwrap().unwrap().id, id);
    let (kind, id) = (ObjectKind::Department, ann.user.department);
    site.edit(Edit::End { kind, id }).await.unwrap();
    let found = site.store.read(|it| it.user_named("ops", "anna"));
    assert_eq!(found.await.unwrap(), None);
}

#[tokio::test]
async fn nobody_is_asked_about_a_user_but_the_region_that_he_came_from() {
    let (site, [home, north], ann) = with_ann().await;
    let made = ObjectId::from_random(9);
    let bind = |no: RegionNo, user: ObjectId, here: &str| {
        let sql = "INSERT OR REPLACE INTO bound (user, region, here) VALUES (?1, ?2, ?3)";
        let row = rusqlite::params![user.to_bytes(), no.0, here];
        site.connection().execute(sql, row).unwrap();
    };
    let origin = |user| {
        let origin = site.store.read(move |it| it.origin_of_user(user));
        async move { origin.await.unwrap().map(|(region, _)| region.no) }
    };
    // As its agent made her there, or says that it did.
    for here in ["copy", "h-ann", "n-ann"] {
        bind(north, ann.id, here);
        assert_eq!(origin(ann.id).await, Some(home), "{here}");
    }
    for no in [home, north] {
        bind(no, made, "copy");
    }
    assert_eq!(origin(made).await, None, "he was made at the hub");
    let unbound = "DELETE FROM bound WHERE region = ?1";
    site.connection().execute(unbound, [home.0]).unwrap();
    assert_eq!(origin(ann.id).await, None, "nor another one instead");
}

#[tokio::test]
async fn a_password_is_told_to_each_region_by_its_own_feed() {
    let (site, [home, north], ann) = with_ann().await;
    let mut heads = site.store.directory_heads();
    heads.mark_unchanged();
    let told = site.set(password(ann.id, 7, &[(home, 1)])).await.unwrap();
    assert_eq!(
        (told, site.lacking(ann.id).await),
        (vec![home], vec![north])
    );
    assert!(heads.has_changed().unwrap(), "its agent is told now");
    assert_eq!(site.secrets(), [(home.0, 7, 1)]);
    site.is_sound().await;

    let version = (ann.id, 7);
    assert_eq!(site.spread(version, sealed_to(north, 2)).await, [north]);
    assert_eq!(site.secrets(), [(home.0, 7, 1), (north.0, 7, 2)]);
    site.is_sound().await;

    // Of the next one the region has no word yet, and so none of the one before.
    site.set(password(ann.id, 9, &[(north, 3)])).await.unwrap();
    assert_eq!(site.secrets(), [(north.0, 9, 3)]);
    assert_eq!(site.lacking(ann.id).await, [home]);
    site.is_sound().await;
    let late = site.spread(version, sealed_to(home, 1)).await;
    assert!(late.is_empty(), "not his any more");
    let old = site.set(password(ann.id, 9, &[])).await.unwrap_err();
    assert!(old.to_string().contains("same moment"), "{old}");
    let batch = site.store.read(move |it| it.directory_batch(north, 0));
    assert!(batch.await.unwrap().unwrap().has_digest);
}

#[tokio::test]
async fn a_deleted_user_has_no_password_and_gets_none_by_another_merge() {
    let (site, [home, north], ann) = with_ann().await;
    let sealed = [(home, 1), (north, 2)];
    site.set(password(ann.id, 7, &sealed)).await.unwrap();
    let (kind, id) = (ObjectKind::User, ann.id);
    let token = shared::pki::SecretHash::from_bytes([1; 32]);
    let begun = site.store.change(move |it| {
        let expires = it.now.plus(std::time::Duration::from_secs(60));
        it.begin_user_session(token, (id, 7), expires)
    });
    assert!(begun.await.unwrap());
    site.edit(Edit::End { kind, id }).await.unwrap();
    site.is_sound().await;
    assert!(site.secrets().is_empty());
    let now = Clock::system().unix_millis();
    let session = site.store.read(move |it| it.web_session(token, now));
    assert_eq!(session.await.unwrap(), None);
    for no in [home, north] {
        site.merge(no).await;
    }
    assert!(site.set(password(ann.id, 8, &sealed)).await.is_err());
    let left: u32 = site
        .connection()
        .query_row("SELECT count(*) FROM passwords", (), |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
    let region = site.store.read(move |it| it.origin_of_user(id));
    assert_eq!(region.await.unwrap(), None, "nobody is asked about him");
    site.is_sound().await;
}

#[tokio::test]
async fn what_somebody_may_is_asked_of_the_directory_as_it_is() {
    let (site, _, ann) = with_ann().await;
    let asker = Asker::User(ann.id);
    let denied = site.refuses_password(asker).await;
    assert!(denied.to_string().contains("administer"), "{denied}");
    let fleet = site
        .store
        .change(|it| it.permit(Asker::Cloud, Action::Fleet));
    fleet.await.unwrap();
    let (kind, id, patch) = (
        ObjectKind::User,
        ann.id,
        Patch {
            enabled: Some(false),
            ..Patch::default()
        },
    );
    site.edit(Edit::Update { kind, id, patch }).await.unwrap();
    let denied = site.refuses_password(asker).await;
    assert!(denied.to_string().contains("switched off"), "{denied}");
    site.is_sound().await;
}

/// Begins a session of a user whose password is of this version. Returns whether it is there still.
async fn session(site: &Site, user: ObjectId, version: u64) -> shared::pki::SecretHash {
    let token = shared::pki::SecretHash::from_bytes([version as u8; 32]);
    let begun = site.store.change(move |it| {
        let expires = it.now.plus(std::time::Duration::from_secs(60));
        it.begin_user_session(token, (user, version), expires)
    });
    assert!(begun.await.unwrap());
    token
}

async fn is_over(site: &Site, token: shared::pki::SecretHash) -> bool {
    let now = Clock::system().unix_millis();
    let found = site.store.read(move |it| it.web_session(token, now));
    found.await.unwrap().is_none()
}

fn switches(kind: ObjectKind, id: ObjectId, enabled: bool) -> Edit {
    let patch = Patch {
        enabled: Some(enabled),
        ..Patch::default()
    };
    Edit::Update { kind, id, patch }
}

#[tokio::test]
async fn a_session_does_not_outlive_what_ended_it() {
    let (site, _, ann) = with_ann().await;
    site.set(password(ann.id, 7, &[])).await.unwrap();
    let department = ann.user.department;
    for (kind, id) in [
        (ObjectKind::User, ann.id),
        (ObjectKind::Department, department),
    ] {
        let token = session(&site, ann.id, 7).await;
        site.edit(switches(kind, id, true)).await.unwrap();
        assert!(!is_over(&site, token).await, "nothing was changed");
        site.edit(switches(kind, id, false)).await.unwrap();
        site.edit(switches(kind, id, true)).await.unwrap();
        assert!(is_over(&site, token).await, "{kind:?}");
    }
    let token = session(&site, ann.id, 7).await;
    site.set(password(ann.id, 8, &[])).await.unwrap();
    assert!(is_over(&site, token).await, "another password");
}

#[tokio::test]
async fn ones_own_new_password_does_not_overtake_anothers() {
    let (site, _, ann) = with_ann().await;
    let own = |version, checked| NewPassword {
        checked: Some(checked),
        ..password(ann.id, version, &[])
    };
    let early = site.set(own(3, 2)).await;
    assert!(early.is_err(), "the one that was checked is gone");
    site.set(password(ann.id, 7, &[])).await.unwrap();
    site.set(own(8, 7)).await.unwrap();
    site.set(password(ann.id, 9, &[])).await.unwrap();
    let late = site.set(own(10, 8)).await.unwrap_err();
    assert!(late.to_string().contains("same moment"), "{late}");
}

#[tokio::test]
async fn administrators_are_found_by_a_look_and_are_signed_out_with_their_office() {
    let (site, [home, north], ann) = with_ann().await;
    site.set(password(ann.id, 7, &[])).await.unwrap();
    let is_one = async |site: &Site| {
        let found = site.store.read(move |it| it.is_administrator(ann.id));
        found.await.unwrap()
    };
    let role = shared::model::Role {
        department: None,
        name: "admin".to_owned(),
        description: None,
    };
    let (id, object) = (ObjectId::from_random(70), shared::model::Object::Role(role));
    site.edit(Edit::Create { id, object }).await.unwrap();
    assert!(!is_one(&site).await);
    let home_of_one = async |site: &Site| {
        let subject = Subject::Object(ObjectKind::Department, ann.user.department);
        let found = site.store.read(move |it| it.is_of_administrators(&subject));
        found.await.unwrap()
    };
    assert!(!home_of_one(&site).await);
    site.edit(Edit::Appoint(ann.id)).await.unwrap();
    assert!(is_one(&site).await);
    assert!(
        home_of_one(&site).await,
        "no region switches that off unasked"
    );
    let fleet = site
        .store
        .change(move |it| it.permit(Asker::User(ann.id), Action::Fleet));
    fleet.await.unwrap();
    for no in [home, north] {
        site.merge(no).await;
    }
    site.is_sound().await;
    let site = site.reopened().await;
    let all = site.store.read(|it| it.administrators()).await.unwrap();
    assert_eq!(all.iter().map(|it| it.id).collect::<Vec<_>>(), [ann.id]);

    let token = session(&site, ann.id, 7).await;
    let (user, even_the_last) = (ann.id, false);
    let last = Edit::Dismiss {
        user,
        even_the_last,
    };
    assert!(site.edit(last).await.is_err());
    assert!(is_one(&site).await && !is_over(&site, token).await);
    let even_the_last = true;
    let dismissal = Edit::Dismiss {
        user,
        even_the_last,
    };
    site.edit(dismissal).await.unwrap();
    assert!(!is_one(&site).await && is_over(&site, token).await);
    let fleet = site
        .store
        .change(move |it| it.permit(Asker::User(ann.id), Action::Fleet));
    assert!(fleet.await.is_err());
    site.edit(Edit::Appoint(ann.id)).await.unwrap();
    let (kind, id) = (ObjectKind::User, ann.id);
    assert!(
        site.edit(Edit::End { kind, id }).await.is_err(),
        "the last one"
    );
    site.is_sound().await;
}
