//! What no hub may reach, whatever it says, and that its silence takes nothing away.

use shared::model::{Becomes, Custody, End, ObjectKind};

use super::rules::*;
use super::world::*;
use super::*;

fn administrator(cloud: &mut Fake, kind: ObjectKind, id: &CloudId) {
    cloud
        .custody
        .insert((kind, id.clone()), Custody::Administrator);
}

fn custody_drift(bench: &Bench) -> Vec<Subject> {
    let all = bench.drift().into_iter();
    let all = all.filter(|(_, _, why)| *why == Why::Custody);
    all.map(|(subject, ..)| subject).collect()
}

/// A department and a project that the agent's own account and project are in.
fn home() -> (Bench, Replica, CloudId) {
    let mut cloud = Fake::default();
    let ops = cloud.add(department("ops"));
    let web = cloud.add(project(ops.clone(), None, "web"));
    let own = cloud.add(project(ops.clone(), Some(web.clone()), "agent"));
    administrator(&mut cloud, ObjectKind::Project, &own);
    let mut bench = Bench::new(cloud, Policy::default());
    let mut replica = Replica::default();
    let d = oid(DEPARTMENT);
    replica.directory.insert(d, department("science"));
    replica
        .directory
        .insert(oid(PROJECT), project(d, None, "page"));
    for (kind, here, id) in [
        (ObjectKind::Department, ops, d),
        (ObjectKind::Project, web, oid(PROJECT)),
    ] {
        replica.bindings.insert((kind, here), Becomes::Object(id));
    }
    bench.core.follow(&replica);
    (bench, replica, own)
}

#[test]
fn what_the_agent_lives_in_is_neither_renamed_nor_switched_off() {
    let (mut bench, mut replica, own) = home();
    assert_eq!(bench.run(), 0, "{:?}", bench.given);
    let subjects = [
        Subject::Object(ObjectKind::Department, oid(DEPARTMENT)),
        Subject::Object(ObjectKind::Project, oid(PROJECT)),
    ];
    assert_eq!(custody_drift(&bench), subjects);
    bench.core.put_back(subjects[0].clone());
    assert_eq!(bench.run(), 0, "nor when told to");
    end(&mut replica, ObjectKind::Project, PROJECT, End::Retired);
    end(
        &mut replica,
        ObjectKind::Department,
        DEPARTMENT,
        End::Retired,
    );
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "{:?}", bench.given);
    assert_eq!(custody_drift(&bench), subjects);

    // The agent works in another project now.
    bench.cloud.custody.clear();
    bench.cloud.lose(ObjectKind::Project, &own);
    bench.read();
    assert_eq!(bench.run(), 2, "{:?}", bench.drift());
    assert!(bench.cloud.all.departments.values().all(|it| !it.enabled));
}

/// A directory that is applied, with a role that one of the region's own users has, and a group
/// that he is in.
fn reserved_member() -> (Bench, Replica, [shared::model::Link<CloudId>; 2]) {
    let (mut bench, replica) = applied();
    let cloud = &mut bench.cloud;
    let default = cloud.add(department("Default"));
    let nova = cloud.add(user(default.clone(), "nova"));
    let service = cloud.add(project(default.clone(), None, "service"));
    for (kind, id) in [
        (ObjectKind::Department, &default),
        (ObjectKind::User, &nova),
    ] {
        cloud.reserve(kind, id);
    }
    let role = cloud.named(ObjectKind::Role, "member").remove(0);
    let admins = cloud.named(ObjectKind::Group, "admins").remove(0);
    let links = [assigned(nova.clone(), service, role), member(admins, nova)];
    links.iter().for_each(|it| cloud.all.link(it.clone()));
    bench.read();
    (bench, replica, links)
}

#[test]
fn roles_and_groups_of_the_regions_own_users_are_neither_renamed_nor_removed() {
    let (mut bench, mut replica, links) = reserved_member();
    let both = [
        Subject::Object(ObjectKind::Group, oid(GROUP)),
        Subject::Object(ObjectKind::Role, oid(ROLE)),
    ];
    for (kind, id) in [(ObjectKind::Role, ROLE), (ObjectKind::Group, GROUP)] {
        change(&mut replica, kind, id, |it| {
            *it = super::super::compare::renamed(it.clone(), "another");
        });
    }
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "{:?}", bench.given);
    assert_eq!(custody_drift(&bench), both);
    end(&mut replica, ObjectKind::Role, ROLE, End::Deleted);
    end(&mut replica, ObjectKind::Group, GROUP, End::Deleted);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 2, "what ann had by them: {:?}", bench.given);
    assert_eq!(custody_drift(&bench), both);
    links.iter().for_each(|it| bench.cloud.all.unlink(it));
    bench.read();
    assert_eq!(bench.run(), 2, "{:?}", bench.drift());
    assert!(bench.cloud.all.roles.is_empty() && bench.cloud.all.groups.is_empty());
}

#[test]
fn a_user_who_becomes_the_regions_own_guards_his_roles_from_then_on() {
    let (mut bench, mut replica, _) = reserved_member();
    let nova = bench.cloud.named(ObjectKind::User, "nova").remove(0);
    end(&mut replica, ObjectKind::Role, ROLE, End::Deleted);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 1, "ann has it no more");
    bench.cloud.custody.clear();
    bench.read();
    bench.cloud.reserve(ObjectKind::User, &nova);
    bench.read();
    assert_eq!(bench.run(), 0);
    assert_eq!(custody_drift(&bench).len(), 1);
}

#[test]
fn a_link_that_the_hub_does_not_speak_of_stays_until_it_says_that_it_is_gone() {
    let (mut bench, mut replica) = applied();
    let link = assigned(oid(USER), oid(PROJECT), oid(ROLE));
    replica.directory.unlink(&link);
    let without = replica.clone();
    replica.unsaid.insert(link.clone());
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "{:?}", bench.given);
    let expected = [(
        Subject::Link(link.clone()),
        vec![Difference::NotInDirectory],
        Why::Region,
    )];
    assert_eq!(bench.drift(), expected);
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    assert_eq!(bench.run(), 0, "nor after a restart");
    assert_eq!(bench.drift(), expected);

    let mut again = without.clone();
    again.directory.link(link);
    bench.core.follow(&again);
    assert_eq!(bench.run(), 0);
    assert!(bench.drift().is_empty(), "it is wanted again");
    bench.core.follow(&replica);
    bench.run();
    bench.core.follow(&without);
    assert!(matches!(bench.step().as_slice(), [Order::Unlink(_)]));
    assert!(bench.cloud.all.assignments.is_empty());
}
