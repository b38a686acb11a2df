//! What ended and stays in the region all the same, and what it must not go on giving.

use shared::ids::ObjectId;
use shared::model::{End, Link, Object, ObjectKind};

use super::super::compare::enabled;
use super::passwords::{appointed, secret_of};
use super::rules::{DEPARTMENT, GROUP, PROJECT, ROLE, USER, applied, end};
use super::world::*;
use super::*;

const CONSULTING: u128 = 20;
const DBAS: u128 = 21;
const DAN: u128 = 22;
const FLOOR: u128 = 23;

fn here(bench: &Bench, link: &Link<ObjectId>) -> Link<CloudId> {
    let place = |kind, id: &ObjectId| bench.core.places.here(kind, id);
    link.translated(place).unwrap()
}

fn has(bench: &Bench, link: &Link<ObjectId>) -> bool {
    bench.cloud.all.has_link(&here(bench, link))
}

/// A group of another department that ann is in, and that has a role on her department's project.
fn consulted() -> (Bench, Replica) {
    let (mut bench, mut replica) = applied();
    let (d, all) = (oid(CONSULTING), &mut replica.directory);
    all.insert(d, department("consulting"));
    all.insert(oid(DBAS), group(d, "dbas"));
    all.insert(oid(DAN), user(d, "dan"));
    all.insert(oid(FLOOR), project(d, None, "floor"));
    for link in [
        given(),
        member(oid(DBAS), oid(USER)),
        within(),
        on_its_own(),
    ] {
        all.link(link);
    }
    bench.core.follow(&replica);
    bench.run();
    (bench, replica)
}

fn given() -> Link<ObjectId> {
    assigned_to_all(oid(DBAS), oid(PROJECT), oid(ROLE))
}

/// Dan is switched off with his department.
fn within() -> Link<ObjectId> {
    member(oid(DBAS), oid(DAN))
}

/// And so is the project.
fn on_its_own() -> Link<ObjectId> {
    assigned(oid(USER), oid(FLOOR), oid(ROLE))
}

fn retire_consulting(replica: &mut Replica) {
    for (kind, id) in [
        (ObjectKind::Project, FLOOR),
        (ObjectKind::User, DAN),
        (ObjectKind::Group, DBAS),
        (ObjectKind::Department, CONSULTING),
    ] {
        end(replica, kind, id, End::Retired);
    }
}

#[test]
fn a_group_of_a_retired_department_gives_nobody_anything_where_all_else_is_live() {
    let (mut bench, mut replica) = consulted();
    retire_consulting(&mut replica);
    bench.core.follow(&replica);
    let before = bench.given.len();
    bench.run();
    let taken = bench.given[before..].iter().filter_map(|it| match it {
        Order::Unlink(link) => Some(link.clone()),
        _ => None,
    });
    let mut taken: Vec<Link<CloudId>> = taken.collect();
    taken.sort();
    let expected = [member(oid(DBAS), oid(USER)), given()];
    let expected = expected.map(|it| here(&bench, &it));
    assert_eq!(taken, expected, "{:?}", bench.drift());
    assert!(has(&bench, &within()) && has(&bench, &on_its_own()));
    let ended = ["consulting", "dan", "floor"];
    let all = super::cloud::objects(&bench.cloud.all).into_iter();
    let all = all.filter(|(_, _, it)| ended.contains(&it.name()));
    assert!(all.map(|it| enabled(&it.2)).all(|it| it == Some(false)));
    assert_eq!(bench.drift(), [], "it goes when its department is purged");
    let progress = bench.progress();
    assert_eq!(progress.desired, progress.in_place, "{progress:?}");
    let base = bench.kept.clone();
    bench.restart(base, &replica, Policy::default());
    assert_eq!(bench.run(), 0);
}

#[test]
fn what_the_region_gave_to_a_group_that_ended_stays_the_regions() {
    let (mut bench, mut replica) = consulted();
    let group = bench.core.places.here(ObjectKind::Group, &oid(DBAS));
    let role = bench.core.places.here(ObjectKind::Role, &oid(ROLE));
    let inner = bench.cloud.named(ObjectKind::Project, "web-test").remove(0);
    let theirs = assigned_to_all(group.unwrap(), inner, role.unwrap());
    bench.cloud.all.link(theirs.clone());
    bench.read();
    retire_consulting(&mut replica);
    bench.core.follow(&replica);
    bench.run();
    assert!(bench.cloud.all.has_link(&theirs) && !has(&bench, &given()));
}

#[test]
fn a_link_to_what_a_hub_of_an_older_backup_does_not_know_stays() {
    let (mut bench, mut replica) = consulted();
    replica.directory.take(ObjectKind::Group, &oid(DBAS));
    for link in [given(), member(oid(DBAS), oid(USER)), within()] {
        replica.directory.unlink(&link);
    }
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "{:?}", bench.given);
    assert!(has(&bench, &given()));
}

#[test]
fn a_link_that_the_hub_does_not_speak_of_stays_also_where_its_group_ended() {
    let (mut bench, mut replica) = consulted();
    retire_consulting(&mut replica);
    replica.unsaid.insert(given());
    bench.core.follow(&replica);
    bench.run();
    assert!(has(&bench, &given()) && !has(&bench, &member(oid(DBAS), oid(USER))));
    let told = (
        Subject::Link(given()),
        vec![Difference::NotInDirectory],
        Why::Region,
    );
    assert!(bench.drift().contains(&told), "{:?}", bench.drift());
}

#[test]
fn a_role_that_is_kept_for_the_regions_own_is_taken_from_everybody_else() {
    let (mut bench, mut replica) = consulted();
    let before = implied(oid(30), oid(ROLE));
    let after = implied(oid(ROLE), oid(31));
    for (id, name) in [(30, "owner"), (31, "reader")] {
        replica.directory.insert(oid(id), role(name));
    }
    for link in [&before, &after] {
        replica.directory.link(link.clone());
    }
    bench.core.follow(&replica);
    bench.run();
    let default = bench.cloud.add(department("Default"));
    let nova = bench.cloud.add(user(default.clone(), "nova"));
    bench.cloud.reserve(ObjectKind::Department, &default);
    let of_ann = assigned(oid(USER), oid(PROJECT), oid(ROLE));
    let Link::Assignment(its) = here(&bench, &of_ann) else {
        panic!("none");
    };
    let Object::Project(service) = project(default, None, "service") else {
        panic!("none");
    };
    let service = bench.cloud.add(Object::Project(service));
    let of_nova = assigned(nova, service, its.role);
    bench.cloud.all.link(of_nova.clone());
    bench.read();
    end(&mut replica, ObjectKind::Role, ROLE, End::Deleted);
    bench.core.follow(&replica);
    bench.run();
    let taken = [&of_ann, &given(), &on_its_own(), &before];
    assert!(
        taken.into_iter().all(|it| !has(&bench, it)),
        "{:?}",
        bench.drift()
    );
    assert!(bench.cloud.all.has_link(&of_nova));
    assert!(
        has(&bench, &after),
        "whoever has the kept role has what comes with it"
    );
    bench.cloud.all.unlink(&of_nova);
    bench.read();
    assert_eq!(bench.run(), 1, "it is removed, with what is linked to it");
    assert_eq!(bench.cloud.named(ObjectKind::Role, "member").len(), 0);
    assert_eq!(bench.drift(), []);
}

#[test]
fn a_deleted_user_whom_the_region_does_not_remove_loses_what_the_federation_gave_him() {
    for is_fixed in [true, false] {
        let (mut bench, mut replica) = applied();
        let ann = bench.cloud.named(ObjectKind::User, "ann").remove(0);
        match is_fixed {
            true => drop(bench.cloud.fixed.insert(ann.clone())),
            false => bench.core.allow(Policy {
                removals_max: 0,
                ..Policy::default()
            }),
        }
        end(&mut replica, ObjectKind::User, USER, End::Deleted);
        bench.core.follow(&replica);
        for _ in 0..9 {
            bench.step();
            bench.now += Duration::from_secs(301);
        }
        let all = &bench.cloud.all;
        assert!(all.has(ObjectKind::User, &ann));
        assert!(
            all.assignments.is_empty() && all.memberships.is_empty(),
            "{is_fixed}"
        );
        bench.cloud.fixed.clear();
        bench.core.allow(Policy::default());
        bench.run();
        assert!(!bench.cloud.all.has(ObjectKind::User, &ann));
        assert_eq!(bench.drift(), []);
    }
}

#[test]
fn a_hub_of_an_older_backup_does_not_give_again_what_went_with_an_end() {
    let (mut bench, mut replica) = consulted();
    let older = replica.directory.clone();
    retire_consulting(&mut replica);
    bench.core.follow(&replica);
    bench.run();
    assert!(!has(&bench, &given()));
    let before = bench.given.len();
    replica.directory = older;
    bench.core.follow(&replica);
    bench.run();
    let given_again = bench.given[before..].iter();
    let given_again = given_again.filter(|it| matches!(it, Order::Link(_) | Order::Unlink(_)));
    assert_eq!(given_again.count(), 0, "{:?}", &bench.given[before..]);
    assert!(!has(&bench, &given()) && has(&bench, &on_its_own()));
}

#[test]
fn the_links_of_what_is_removed_go_with_it() {
    let (mut bench, mut replica) = applied();
    end(&mut replica, ObjectKind::User, USER, End::Deleted);
    end(&mut replica, ObjectKind::Group, GROUP, End::Deleted);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 2, "{:?}", bench.given);
}

#[test]
fn a_deleted_administrator_is_dismissed_before_anything_else_is_done_about_him() {
    let (mut bench, mut replica, _) = appointed();
    replica.secrets.insert(oid(USER), secret_of(oid(USER), 5));
    bench.core.follow(&replica);
    bench.run();
    let policy = Policy {
        removals_max: 1,
        withdrawals_max: 0,
        ..Policy::default()
    };
    bench.core.allow(policy);
    // Before him in the line.
    let (early, d) = (oid(0), oid(DEPARTMENT));
    replica.directory.insert(early, user(d, "early"));
    bench.core.follow(&replica);
    bench.run();
    end(&mut replica, ObjectKind::User, 0, End::Deleted);
    end(&mut replica, ObjectKind::User, USER, End::Deleted);
    bench.core.follow(&replica);
    let orders = bench.step();
    assert!(
        matches!(orders.as_slice(), [Order::Unlink(_), Order::Remove { .. }]),
        "{orders:?}"
    );
    assert_eq!(bench.cloud.named(ObjectKind::User, "ann").len(), 1);
    bench.run();
    assert!(bench.cloud.all.users.is_empty());
}
