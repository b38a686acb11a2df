//! Passwords that the hub sealed, given to the cloud.

use shared::model::{Custody, Implication, Link, ObjectKind, Secret};

use super::rules::{DEPARTMENT, USER, applied};
use super::world::*;
use super::*;

fn secret(version: u64) -> Secret {
    Secret {
        user: oid(USER),
        version,
        sealed: vec![7],
    }
}

fn subject() -> Subject {
    Subject::Password(oid(USER))
}

fn ann(bench: &Bench) -> CloudId {
    bench.cloud.named(ObjectKind::User, "ann").remove(0)
}

#[test]
fn a_password_is_given_once_for_each_version() {
    let (mut bench, mut replica) = applied();
    for version in [5, 9] {
        replica.secrets.insert(oid(USER), secret(version));
        bench.core.follow(&replica);
        assert!(matches!(bench.step().as_slice(), [Order::Password(..)]));
        assert_eq!(bench.run(), 0);
        assert_eq!(bench.cloud.passwords.get(&ann(&bench)), Some(&version));
    }
    let base = bench.kept.clone();
    bench.restart(base, &replica, Policy::default());
    assert_eq!(bench.run(), 0, "a restart gives none again");
    // A hub of an older backup.
    replica.secrets.insert(oid(USER), secret(5));
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "an older one is none");
}

#[test]
fn a_password_waits_for_its_user_and_is_given_to_whoever_stands_for_him_later() {
    let (mut bench, mut replica) = applied();
    let late = oid(77);
    let mut his = secret(3);
    his.user = late;
    replica.secrets.insert(late, his);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "the directory has no such user");
    let object = user(oid(DEPARTMENT), "late");
    replica.directory.insert(late, object);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 2, "the user and his password");
    let first = bench.cloud.named(ObjectKind::User, "late").remove(0);
    bench.cloud.lose(ObjectKind::User, &first);
    bench.read();
    assert_eq!(bench.run(), 0);
    let user = Subject::Object(ObjectKind::User, late);
    bench.core.put_back(user);
    assert_eq!(bench.run(), 2, "made again, he has his password again");
    let again = bench.cloud.named(ObjectKind::User, "late").remove(0);
    assert_eq!(bench.cloud.passwords.get(&again), Some(&3));
}

#[test]
fn what_is_the_regions_own_or_read_only_gets_no_password() {
    let (mut bench, mut replica) = applied();
    let ann = ann(&bench);
    let place = (ObjectKind::User, ann.clone());
    bench.cloud.custody.insert(place.clone(), Custody::Reserved);
    bench.read();
    replica.secrets.insert(oid(USER), secret(5));
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0);
    let own = (subject(), vec![Difference::Password], Why::Custody);
    assert_eq!(bench.drift(), [own]);
    bench.cloud.custody.remove(&place);
    bench.read();
    bench.core.allow(Policy {
        read_only: true,
        ..Policy::default()
    });
    assert_eq!(bench.run(), 0);
    let held = (subject(), vec![Difference::Password], Why::ReadOnly);
    assert_eq!(bench.drift(), [held]);
    bench.core.allow(Policy::default());
    assert_eq!(bench.run(), 1);
}

#[test]
fn a_secret_that_is_told_no_more_is_none_and_takes_nothing_back() {
    let (mut bench, mut replica) = applied();
    replica.secrets.insert(oid(USER), secret(5));
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 1);
    replica.secrets.clear();
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0);
    assert_eq!(bench.core.standing(&subject()), None);
}

#[test]
fn whoever_administers_the_cloud_keeps_his_password() {
    let (mut bench, mut replica) = applied();
    let ann = ann(&bench);
    let project = bench.cloud.named(ObjectKind::Project, "web").remove(0);
    let chief = bench.cloud.add(role("chief"));
    let admin = bench.cloud.add(role("Admin"));
    let implied = Link::Implication(Implication {
        prior: chief.clone(),
        implied: admin,
    });
    bench.cloud.all.link(implied);
    let given = assigned(ann.clone(), project, chief);
    bench.cloud.all.link(given.clone());
    bench.read();
    replica.secrets.insert(oid(USER), secret(5));
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0);
    let held = (subject(), vec![Difference::Password], Why::Custody);
    assert!(bench.drift().contains(&held), "{:?}", bench.drift());
    bench.cloud.all.unlink(&given);
    bench.read();
    assert_eq!(bench.run(), 1, "he administers nothing any more");
    assert_eq!(bench.cloud.passwords.get(&ann), Some(&5));
}
