//! Passwords that the hub sealed, given to the cloud.

use shared::ids::ObjectId;
use shared::model::{Administration, Custody, Implication, Link, ObjectKind, Secret};

use super::super::compare::link_record;
use super::rules::{DEPARTMENT, USER, applied};
use super::world::*;
use super::*;
use crate::replica::Tied;

fn secret(version: u64) -> Secret {
    secret_of(oid(USER), version)
}

pub(super) fn secret_of(user: ObjectId, version: u64) -> Secret {
    Secret {
        user,
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

/// What made him one is taken away, and not from him.
#[test]
fn whoever_is_no_administrator_any_more_has_his_password_whatever_made_him_one() {
    for by in [
        "what comes with his role",
        "its name",
        "that it was not known",
    ] {
        let (mut bench, mut replica) = applied();
        let project = bench.cloud.named(ObjectKind::Project, "web").remove(0);
        let chief = bench.cloud.add(role("chief"));
        let admin = bench.cloud.add(role("admin"));
        let implies = implied(chief.clone(), admin.clone());
        let has = match by {
            "its name" => admin.clone(),
            _ => chief,
        };
        let given = assigned(ann(&bench), project, has);
        match by {
            "what comes with his role" => bench.cloud.all.link(implies.clone()),
            "its name" => {}
            // Assignments may be read before roles are.
            _ => bench.core.put(link_record(given.clone())),
        }
        bench.cloud.all.link(given);
        if by != "that it was not known" {
            bench.read();
        }
        replica.secrets.insert(oid(USER), secret(5));
        bench.core.follow(&replica);
        assert!(bench.step().is_empty(), "{by}");
        assert!(keeps_his_own(&bench), "{by} {:?}", bench.drift());
        match by {
            "what comes with his role" => bench.cloud.all.unlink(&implies),
            "its name" => bench.cloud.all.insert(admin, role("reader")),
            _ => {}
        }
        bench.read();
        assert_eq!(bench.run(), 1, "{by}");
    }
}

/// Makes a user a cloud administrator of the federation; by which link.
pub(super) fn appoint(replica: &mut Replica, user: ObjectId) -> Link<ObjectId> {
    let place = Administration::of(federation());
    let (admin, all) = (oid(70), &mut replica.directory);
    all.insert(place.department, department("federation"));
    all.insert(place.project, project(place.department, None, "admin"));
    all.insert(admin, role("admin"));
    let link = Link::Assignment(place.link(user, admin));
    all.link(link.clone());
    link
}

/// The directory of [`applied`], in which ann is one.
pub(super) fn appointed() -> (Bench, Replica, Link<ObjectId>) {
    let (bench, mut replica) = applied();
    let link = appoint(&mut replica, oid(USER));
    (bench, replica, link)
}

fn keeps_his_own(bench: &Bench) -> bool {
    let held = (subject(), vec![Difference::Password], Why::Custody);
    bench.drift().contains(&held)
}

#[test]
fn whom_the_federation_made_an_administrator_has_the_federations_password() {
    let (mut bench, mut replica, link) = appointed();
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 3, "{:?}", bench.drift());
    let waits = bench.core.standing(&Subject::Link(link.clone())).cloned();
    let password = Standing::Waiting(Wait::Password(oid(USER)));
    assert_eq!(waits, Some(password), "none was told");
    for (version, orders) in [(5, 2), (9, 1)] {
        replica.secrets.insert(oid(USER), secret(version));
        bench.core.follow(&replica);
        assert_eq!(bench.run(), orders, "{:?}", bench.drift());
        assert_eq!(bench.cloud.passwords.get(&ann(&bench)), Some(&version));
    }
    let base = bench.kept.clone();
    bench.restart(base, &replica, Policy::default());
    replica.secrets.insert(oid(USER), secret(11));
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 1, "also after a restart");

    // No longer by the directory's word, and still one here: the cloud's, until it is taken.
    replica.directory.unlink(&link);
    replica.unsaid.insert(link);
    replica.secrets.insert(oid(USER), secret(13));
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0);
    assert!(keeps_his_own(&bench), "{:?}", bench.drift());
    replica.unsaid.clear();
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 2, "the role taken, the password given");
}

#[test]
fn whoever_was_an_administrator_here_before_keeps_his_own() {
    let (mut bench, mut replica, _) = appointed();
    bench.core.follow(&replica);
    bench.run();
    let (web, admin) = (
        bench.cloud.named(ObjectKind::Project, "web").remove(0),
        bench.cloud.named(ObjectKind::Role, "admin").remove(0),
    );
    let by_himself = assigned(ann(&bench), web, admin);
    bench.cloud.all.link(by_himself.clone());
    replica.secrets.insert(oid(USER), secret(5));
    bench.read();
    bench.core.follow(&replica);
    bench.run();
    assert!(keeps_his_own(&bench), "{:?}", bench.drift());
    bench.cloud.all.unlink(&by_himself);
    bench.read();
    assert_eq!(bench.run(), 1, "nothing but the federation's role is left");
}

#[test]
fn a_role_that_was_there_before_the_federation_gave_it_is_the_regions() {
    let (mut bench, mut replica, link) = appointed();
    replica.directory.unlink(&link);
    bench.core.follow(&replica);
    bench.run();
    let given = link.translated(|kind, id| bench.core.places.here(kind, id));
    bench.cloud.all.link(given.unwrap());
    bench.read();
    replica.directory.link(link.clone());
    replica.secrets.insert(oid(USER), secret(5));
    bench.core.follow(&replica);
    bench.run();
    assert!(keeps_his_own(&bench), "{:?}", bench.drift());
    replica.directory.unlink(&link);
    bench.core.follow(&replica);
    bench.run();
    replica.directory.link(link);
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(
        bench.cloud.passwords.get(&ann(&bench)),
        Some(&5),
        "made anew by us"
    );
}

#[test]
fn an_appointment_whose_answer_was_lost_counts_once_it_is_read() {
    let (mut bench, mut replica, tasks) = about_to_appoint();
    for task in tasks {
        bench.cloud.perform(&task.order).unwrap();
        let lost = Err(CloudError::Stopped);
        bench.finish(&task, lost, 0);
    }
    bench.run();
    replica.secrets.insert(oid(USER), secret(9));
    bench.core.follow(&replica);
    bench.run();
    assert!(!keeps_his_own(&bench), "{:?}", bench.drift());
    assert_eq!(bench.cloud.passwords.get(&ann(&bench)), Some(&9));
}

/// Ann has her password, and the order is given that makes her an administrator, after what is
/// noted before it is kept.
fn about_to_appoint() -> (Bench, Replica, Vec<Task>) {
    let (mut bench, mut replica, link) = appointed();
    replica.directory.unlink(&link);
    replica.secrets.insert(oid(USER), secret(5));
    bench.core.follow(&replica);
    bench.run();
    replica.directory.link(link);
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 1000);
    bench.keep(batch.notes);
    assert!(matches!(batch.tasks.as_slice(), [task] if matches!(task.order, Order::Link(_))));
    (bench, replica, batch.tasks)
}

#[test]
fn an_agent_that_is_killed_at_an_appointment_knows_it_for_the_federations() {
    for is_carried_out in [true, false] {
        let (mut bench, mut replica, tasks) = about_to_appoint();
        for task in tasks.iter().filter(|_| is_carried_out) {
            bench.cloud.perform(&task.order).unwrap();
        }
        let base = bench.kept.clone();
        bench.restart(base, &replica, Policy::default());
        bench.run();
        replica.secrets.insert(oid(USER), secret(9));
        bench.core.follow(&replica);
        bench.run();
        assert!(!keeps_his_own(&bench), "{:?}", bench.drift());
        assert_eq!(bench.cloud.passwords.get(&ann(&bench)), Some(&9));
        assert!(bench.kept.links.values().all(|it| it.tied == Tied::Made));
    }
}

#[test]
fn nobody_is_made_an_administrator_by_a_password_that_others_know() {
    let (mut bench, mut replica, link) = appointed();
    replica.secrets.insert(oid(USER), secret(5));
    bench.core.follow(&replica);
    let is_given = |task: &Task| !matches!(task.order, Order::Password(..));
    // Its Keystone takes no such password.
    for _ in 0..5 {
        let batch = bench.core.next(bench.now, 1000);
        bench.keep(batch.notes);
        for task in batch.tasks {
            let done = match is_given(&task) {
                true => bench.cloud.perform(&task.order),
                false => Err(CloudError::Stopped),
            };
            bench.finish(&task, done, 0);
        }
    }
    let here = link.translated(|kind, id| bench.core.places.here(kind, id));
    let Some(Link::Assignment(here)) = here else {
        panic!("an end is missing");
    };
    assert!(!bench.cloud.all.assignments.contains(&here));
    bench.run();
    assert_eq!(bench.cloud.passwords.get(&ann(&bench)), Some(&5));
    let standing = bench.core.standing(&Subject::Link(link));
    assert_eq!(standing, Some(&Standing::InPlace));
}
