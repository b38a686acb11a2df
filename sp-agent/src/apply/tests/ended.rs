//! What was retired is called as it was last, also where that was half done.

use shared::ids::ObjectId;
use shared::model::{Becomes, End, Object, ObjectKind};

use super::super::compare::renamed;
use super::rules::{DEPARTMENT, INNER, PROJECT, applied, change, end, rename};
use super::world::*;
use super::*;

const OTHER: u128 = 10;

fn call(replica: &mut Replica, id: u128, name: &str) {
    change(
        replica,
        ObjectKind::Project,
        id,
        |it: &mut Object<ObjectId>| {
            *it = renamed(it.clone(), name);
        },
    );
}

fn retire(replica: &mut Replica, id: u128) {
    let name = replica.directory.projects[&oid(id)].name.clone();
    end(replica, ObjectKind::Project, id, End::Retired);
    replica.last_names.insert(oid(id), name);
}

fn project_of<'a>(bench: &'a Bench, id: &CloudId) -> (&'a str, bool) {
    let found = &bench.cloud.all.projects[id];
    (&found.name, found.enabled)
}

#[test]
fn what_was_renamed_and_retired_at_once_gives_its_old_name_away() {
    let (mut bench, mut replica) = applied();
    let inner = bench.cloud.named(ObjectKind::Project, "web-test").remove(0);
    call(&mut replica, INNER, "web-old");
    retire(&mut replica, INNER);
    let next = project(oid(DEPARTMENT), None, "web-test");
    replica.directory.insert(oid(OTHER), next);
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(project_of(&bench, &inner), ("web-old", false));
    assert_eq!(bench.cloud.named(ObjectKind::Project, "web-test").len(), 1);
    assert!(bench.progress().failed.is_empty(), "{:?}", bench.progress());
    // What it is called in the region from then on is the region's business.
    rename(&mut bench.cloud, ObjectKind::Project, "web-old", "theirs");
    bench.read();
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    assert_eq!(bench.run(), 0);
    assert_eq!(project_of(&bench, &inner), ("theirs", false));
}

#[test]
fn what_the_region_renamed_before_it_was_retired_stays_so() {
    let (mut bench, mut replica) = applied();
    let inner = bench.cloud.named(ObjectKind::Project, "web-test").remove(0);
    rename(&mut bench.cloud, ObjectKind::Project, "web-test", "theirs");
    bench.read();
    retire(&mut replica, INNER);
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(project_of(&bench, &inner), ("theirs", false));
}

/// Two names go round, until the first has one for the meantime.
fn half_way() -> (Bench, Replica, [CloudId; 2]) {
    let (mut bench, mut replica) = applied();
    let other = project(oid(DEPARTMENT), None, "shop");
    replica.directory.insert(oid(OTHER), other);
    retire(&mut replica, INNER);
    bench.core.follow(&replica);
    bench.run();
    let here = ["web", "shop"].map(|it| bench.cloud.named(ObjectKind::Project, it).remove(0));
    call(&mut replica, PROJECT, "shop");
    call(&mut replica, OTHER, "web");
    bench.core.follow(&replica);
    for _ in 0..20 {
        bench.step();
        if project_of(&bench, &here[0]).0.contains('~') {
            return (bench, replica, here);
        }
        bench.now += Duration::from_secs(301);
        bench.read();
    }
    panic!("{:?}", bench.progress());
}

#[test]
fn no_name_for_the_meantime_stays_with_what_is_retired() {
    for both in [false, true] {
        let (mut bench, mut replica, [first, second]) = half_way();
        retire(&mut replica, PROJECT);
        if both {
            retire(&mut replica, OTHER);
        }
        bench.core.follow(&replica);
        bench.run();
        assert_eq!(project_of(&bench, &first), ("shop", false));
        assert_eq!(project_of(&bench, &second), ("web", !both));
        assert!(bench.progress().failed.is_empty(), "{:?}", bench.progress());
        assert_eq!(bench.run(), 0);
    }
}

#[test]
fn names_go_round_where_one_of_them_was_retired_before_it_began() {
    let (mut bench, mut replica) = applied();
    let other = project(oid(DEPARTMENT), None, "shop");
    replica.directory.insert(oid(OTHER), other);
    bench.core.follow(&replica);
    bench.run();
    let [first, second] =
        ["web-test", "shop"].map(|it| bench.cloud.named(ObjectKind::Project, it).remove(0));
    call(&mut replica, INNER, "shop");
    call(&mut replica, OTHER, "web-test");
    retire(&mut replica, INNER);
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(project_of(&bench, &first), ("shop", false));
    assert_eq!(project_of(&bench, &second), ("web-test", true));
}

#[test]
fn nor_where_the_agent_starts_anew_meanwhile() {
    let (mut bench, mut replica, [first, _]) = half_way();
    retire(&mut replica, PROJECT);
    let found = bench.cloud.all.projects.get_mut(&first).unwrap();
    found.enabled = false;
    // What is read last is not known yet when it is looked at first.
    let kept = bench.kept.clone();
    bench.core = Reconciler::new(federation(), Policy::default(), kept, bench.now);
    bench.core.follow(&replica);
    let cloud = bench.cloud.clone();
    for (kind, id, object) in super::cloud::objects(&cloud.all) {
        let custody = shared::model::Custody::Common;
        let marker = cloud.markers.get(&(kind, id.clone())).copied();
        let record = super::super::compare::record(id, custody, marker, object);
        bench.core.put(record);
    }
    for kind in &super::cloud::KINDS[..3] {
        bench.core.is_read(*kind, bench.now);
        bench.step();
    }
    bench.read();
    bench.run();
    assert_eq!(project_of(&bench, &first), ("shop", false));
}

#[test]
fn nor_with_what_is_withheld() {
    let (mut bench, mut replica, [first, second]) = half_way();
    retire(&mut replica, PROJECT);
    let here = (ObjectKind::Project, first.clone());
    replica
        .bindings
        .insert(here, Becomes::Withheld(oid(PROJECT)));
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(project_of(&bench, &first), ("shop", false));
    assert_eq!(project_of(&bench, &second), ("web", true));
    assert_eq!(bench.run(), 0);
}
