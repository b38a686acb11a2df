//! Whose passwords are looked at, with a replica, a spool and a trail on the disk.

use std::path::Path;

use shared::audit::Wanted;
use shared::ids::ObjectId;
use shared::model::directory::object_record;
use shared::model::{Binding, Object, UnixMillis};

use super::*;
use crate::cloud::{Page, Part};
use crate::config::{Purpose, Surroundings};
use crate::replica::store::tests::told;

const FEDERATION: FederationId = FederationId::from_bytes([1; 16]);

const COMMON: Custody = Custody::Common;

/// Departments of the cloud: which is called how, and who decides over it.
const HOMES: [(&str, Custody); 3] = [
    ("research", COMMON),
    ("Default", Custody::Reserved),
    ("vault", COMMON),
];

/// Users of the cloud: their names are their ids, and their homes' are those of their departments.
const USERS: [(&str, &str, Custody); 7] = [
    ("ann", "research", COMMON),
    ("bob", "research", COMMON),
    ("nova", "research", Custody::Reserved),
    ("agent", "research", Custody::Administrator),
    ("admin", "Default", COMMON),
    ("eve", "vault", COMMON),
    ("root", "research", COMMON),
];

fn entry<T>(id: &str, custody: Custody, what: T) -> Entry<T> {
    Entry {
        id: CloudId::new(id),
        custody,
        marker: None,
        what,
    }
}

fn user<I>(name: &str, department: I) -> User<I> {
    User {
        department,
        name: name.to_owned(),
        description: None,
        email: None,
        enabled: true,
        default_project: None,
    }
}

/// What the hub told: all that a captured one could, that each user of the cloud is one of the
/// directory, but for `bob`, who is withheld.
fn directory() -> Vec<Record> {
    let mut records = Vec::new();
    for (number, (name, ..)) in (1..).zip(USERS) {
        let id = ObjectId::from_random(number);
        let object = Object::User(user(name, ObjectId::from_random(99)));
        records.push(object_record(id, &object).unwrap());
        let becomes = match name {
            "bob" => Becomes::Withheld(id),
            _ => Becomes::Object(id),
        };
        let (kind, here) = (ObjectKind::User, CloudId::new(name));
        records.push(Record::Binding(Binding {
            kind,
            here,
            becomes,
        }));
    }
    records
}

async fn cloud(folder: &Path) -> Spool {
    let spool = Spool::open(&folder.join("spool"), UnixMillis(1), || 7).unwrap();
    let homes = HOMES.map(|(name, custody)| {
        let home = Department {
            name: name.to_owned(),
            description: None,
            enabled: true,
        };
        Record::Department(entry(name, custody, home))
    });
    let users = USERS.map(|(name, home, custody)| {
        Record::User(entry(name, custody, user(name, CloudId::new(home))))
    });
    for (part, records) in [
        (Part::Departments, homes.to_vec()),
        (Part::Users, users.to_vec()),
    ] {
        let page = Page {
            records,
            ..Page::default()
        };
        spool.put_changes(part, page).await.unwrap();
    }
    spool
}

async fn checks(folder: &Path, told_by_hub: &[Record]) -> Checks {
    let replica = told(folder, told_by_hub).await;
    by(folder, replica, cloud(folder).await)
}

fn by(folder: &Path, replica: Store, spool: Spool) -> Checks {
    let text = "cloud.kind = \"simulated\"\n[policy]\nprotected_departments = [\"Vault\"]\n\
                protected_users = [\"ROOT\"]";
    let config = Config::read("agent.toml", text, Purpose::Run, &Surroundings::default());
    let (_, configs) = watch::channel(Arc::new(config.unwrap()));
    Checks {
        federation: FEDERATION,
        replica,
        spool,
        configs,
        clock: Clock::system(),
        trail: Trail::open(folder, UnixMillis(1)).unwrap(),
        guesses: Arc::default(),
    }
}

impl Checks {
    async fn wrong(&self, user: &str) -> Result<(), String> {
        let user = CloudId::new(user);
        self.begin(&user).await?;
        self.end(&user, Some(Checked::Wrong));
        Ok(())
    }
}

#[tokio::test]
async fn what_is_the_regions_own_is_not_looked_at_whoever_the_hub_says_that_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let checks = checks(folder.path(), &directory()).await;
    for (own, told) in [
        ("nova", KEPT),
        ("agent", KEPT),
        ("admin", KEPT),
        ("eve", KEPT),
        ("root", KEPT),
        ("bob", UNBOUND),
        ("nobody", UNBOUND),
    ] {
        assert_eq!(checks.wrong(own).await, Err(told.to_owned()), "{own}");
    }
    assert_eq!(checks.wrong("ann").await, Ok(()));
    let told = checks.trail.list(20, &Wanted::default()).unwrap();
    let told: Vec<_> = told.into_iter().map(|it| it.1.unwrap().act).collect();
    assert_eq!(told.len(), 7, "{told:?}");
    let (last, act) = (format!("refused: {KEPT}"), &told[6]);
    assert_eq!((&act.subject.id[..], &act.outcome), ("nova", &last));
}

#[tokio::test]
async fn before_the_hub_told_its_directory_nobodys_password_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let checks = checks(folder.path(), &[]).await;
    assert_eq!(checks.wrong("ann").await, Err(UNBOUND.to_owned()));
}

#[tokio::test]
async fn a_merged_user_is_known_again_after_a_restart_before_a_hub_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let before = checks(folder.path(), &directory()).await;
    before.spool.close().await.unwrap();
    drop(before);
    let replica = Store::open(folder.path(), FEDERATION, UnixMillis(2)).unwrap();
    let spool = Spool::open(&folder.path().join("spool"), UnixMillis(2), || 7).unwrap();
    let again = by(folder.path(), replica, spool);
    assert_eq!(again.wrong("ann").await, Ok(()));
}

#[tokio::test]
async fn a_users_wrong_passwords_run_out_before_his_cloud_locks_him_out() {
    let folder = tempfile::tempdir().unwrap();
    let checks = checks(folder.path(), &directory()).await;
    for _ in 0..3 {
        assert_eq!(checks.wrong("ann").await, Ok(()));
    }
    let told = checks.wrong("ann").await.unwrap_err();
    assert!(told.ends_with("in 30 min"), "{told}");
    let told = checks.trail.list(20, &Wanted::default()).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
}
