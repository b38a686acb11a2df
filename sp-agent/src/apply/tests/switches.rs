//! Departments and projects that are off, in which Keystone makes no project.

use shared::ids::ObjectId;
use shared::model::{Object, ObjectKind};

use super::super::compare::{renamed, switched};
use super::rules::change;
use super::world::*;
use super::*;

const DEPARTMENT: u128 = 1;
const OUTER: u128 = 2;
const INNER: u128 = 3;

/// A department that is off, with a project in another one and a user.
fn off() -> Replica {
    let mut replica = Replica::default();
    let all = &mut replica.directory;
    let id = oid(DEPARTMENT);
    all.insert(id, switched(department("closed"), false));
    all.insert(oid(OUTER), project(id, None, "outer"));
    all.insert(oid(INNER), project(id, Some(oid(OUTER)), "inner"));
    all.insert(oid(9), user(id, "ann"));
    replica
}

fn bench(replica: &Replica) -> Bench {
    let mut bench = Bench::new(Fake::default(), Policy::default());
    bench.core.follow(replica);
    bench
}

fn switch(replica: &mut Replica, kind: ObjectKind, id: u128, on: bool) {
    change(replica, kind, id, |it: &mut Object<ObjectId>| {
        *it = switched(it.clone(), on);
    });
}

/// A department that is on, with a project that somebody in the region made there.
fn taken(name: &str) -> (Bench, Replica) {
    let mut replica = off();
    switch(&mut replica, ObjectKind::Department, DEPARTMENT, true);
    let mut bench = bench(&replica);
    bench.run();
    let department = bench
        .cloud
        .named(ObjectKind::Department, "closed")
        .remove(0);
    bench.cloud.add(project(department, None, name));
    bench.read();
    (bench, replica)
}

/// For a while, as what fails is tried for ever.
fn go_on(bench: &mut Bench) {
    for _ in 0..12 {
        bench.step();
        bench.now += Duration::from_secs(301);
        bench.read();
    }
}

const TAKEN: u128 = 7;

fn add_taken(replica: &mut Replica) {
    let web = project(oid(DEPARTMENT), None, "web");
    replica.directory.insert(oid(TAKEN), web);
}

fn blocked(bench: &Bench) -> Vec<Subject> {
    let failed = bench.progress().failed.into_iter();
    let blocked = failed.filter(|it| it.error.contains("switch it on at the hub"));
    blocked.map(|it| it.subject).collect()
}

fn is_on(bench: &Bench, name: &str) -> bool {
    let all = &bench.cloud.all;
    let department = all.departments.values().find(|it| it.name == name);
    let project = all.projects.values().find(|it| it.name == name);
    department
        .map(|it| it.enabled)
        .or(project.map(|it| it.enabled))
        .unwrap()
}

#[test]
fn a_new_department_that_is_off_is_filled_first_and_then_switched_off() {
    let mut bench = bench(&off());
    assert_eq!(bench.run(), 5, "{:?}", bench.given);
    assert_eq!(bench.cloud.all.projects.len(), 2);
    assert!(!is_on(&bench, "closed") && is_on(&bench, "inner"));
    let progress = bench.progress();
    assert_eq!(
        (progress.failed_count, progress.waiting),
        (0, 0),
        "{progress:?}"
    );
    assert_eq!(bench.run(), 0);
}

#[test]
fn it_is_not_held_open_by_a_project_that_ended_before_it_was_made() {
    let mut replica = off();
    let mut bench = bench(&replica);
    bench.step();
    assert!(is_on(&bench, "closed"), "its projects are still to be made");
    for id in [OUTER, INNER] {
        super::rules::end(
            &mut replica,
            ObjectKind::Project,
            id,
            shared::model::End::Retired,
        );
    }
    bench.core.follow(&replica);
    bench.step();
    assert!(!is_on(&bench, "closed"));
}

#[test]
fn what_is_to_be_made_in_what_is_off_waits_and_says_for_what() {
    let mut replica = off();
    replica.directory.take(ObjectKind::Project, &oid(INNER));
    let mut bench = bench(&replica);
    bench.run();
    replica
        .directory
        .insert(oid(INNER), project(oid(DEPARTMENT), None, "inner"));
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "Keystone would refuse it again and again");
    let progress = bench.progress();
    assert!(
        progress.failed[0].error.contains("switch it on at the hub"),
        "{progress:?}"
    );
    switch(&mut replica, ObjectKind::Department, DEPARTMENT, true);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 2);
    assert!(is_on(&bench, "inner") && bench.progress().failed.is_empty());
}

#[test]
fn what_is_off_in_the_region_alone_holds_up_what_is_in_it_until_it_is_on_again() {
    for (kind, name) in [
        (ObjectKind::Department, "closed"),
        (ObjectKind::Project, "outer"),
    ] {
        let mut replica = off();
        switch(&mut replica, ObjectKind::Department, DEPARTMENT, true);
        switch(&mut replica, ObjectKind::Project, INNER, false);
        let mut bench = bench(&replica);
        bench.run();
        let here = bench.cloud.named(kind, name).remove(0);
        let found = bench.cloud.all.object(kind, &here).unwrap();
        bench
            .cloud
            .all
            .insert(here.clone(), switched(found.clone(), false));
        bench.read();
        switch(&mut replica, ObjectKind::Project, INNER, true);
        let late = project(oid(DEPARTMENT), Some(oid(OUTER)), "late");
        replica.directory.insert(oid(7), late);
        bench.core.follow(&replica);
        assert_eq!(bench.run(), 0, "{name}");
        assert_eq!(bench.progress().waiting, 2, "{:?}", bench.progress());
        // By somebody there.
        bench.cloud.all.insert(here, found);
        bench.read();
        assert_eq!(bench.run(), 2, "{name}");
        assert!(is_on(&bench, "inner") && is_on(&bench, "late"));
    }
}

#[test]
fn what_is_to_be_switched_on_in_what_the_hub_switched_off_says_for_what_it_waits() {
    let mut replica = off();
    let mut bench = bench(&replica);
    bench.run();
    let inner = bench.cloud.named(ObjectKind::Project, "inner").remove(0);
    let switched_off = |bench: &mut Bench| {
        let found = bench.cloud.all.projects.get_mut(&inner).unwrap();
        found.enabled = false;
        bench.read();
    };
    switched_off(&mut bench);
    assert_eq!(bench.run(), 0);
    // The administrator wants it on again.
    let subject = Subject::Object(ObjectKind::Project, oid(INNER));
    bench.core.put_back(subject.clone());
    bench.step();
    let progress = bench.progress();
    assert_eq!(progress.waiting, 0, "nobody would know for what");
    assert!(
        progress.failed[0].error.contains("switch it on at the hub"),
        "{progress:?}"
    );
    switch(&mut replica, ObjectKind::Department, DEPARTMENT, true);
    bench.core.follow(&replica);
    bench.run();
    bench.core.put_back(subject);
    bench.run();
    assert!(is_on(&bench, "inner"));
}

#[test]
fn a_department_is_not_held_open_by_a_project_that_can_not_be_made() {
    for is_known_to_fail in [true, false] {
        let (mut bench, mut replica) = taken("web");
        add_taken(&mut replica);
        if is_known_to_fail {
            bench.core.follow(&replica);
            go_on(&mut bench);
            let error = &bench.progress().failed[0].error;
            assert!(error.contains("is not the federation's"), "{error}");
        }
        // Renamed by the same word.
        change(&mut replica, ObjectKind::Department, DEPARTMENT, |it| {
            *it = renamed(switched(it.clone(), false), "shut");
        });
        bench.core.follow(&replica);
        go_on(&mut bench);
        assert!(!is_on(&bench, "shut"), "{:?}", bench.progress());
        let web = Subject::Object(ObjectKind::Project, oid(TAKEN));
        assert_eq!(blocked(&bench), [web]);
    }
}

#[test]
fn a_department_waits_for_a_project_that_failed_once() {
    let mut replica = off();
    switch(&mut replica, ObjectKind::Department, DEPARTMENT, true);
    let mut bench = bench(&replica);
    bench.run();
    add_taken(&mut replica);
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 1000);
    for task in batch.tasks {
        bench.finish(&task, Err(CloudError::Stopped), 0);
    }
    switch(&mut replica, ObjectKind::Department, DEPARTMENT, false);
    bench.core.follow(&replica);
    bench.run();
    assert!(is_on(&bench, "web") && !is_on(&bench, "closed"));
    assert_eq!(bench.progress().failed, []);
}

#[test]
fn a_department_waits_for_its_projects_until_a_cloud_that_was_away_is_back() {
    let mut bench = bench(&off());
    bench.step();
    for _ in 0..20 {
        let batch = bench.core.next(bench.now, 1000);
        for task in batch.tasks {
            let endpoint = "http://keystone".to_owned();
            let reason = "timed out".to_owned();
            bench.finish(&task, Err(CloudError::Unreachable { endpoint, reason }), 0);
        }
        bench.now += Duration::from_secs(301);
    }
    assert!(
        is_on(&bench, "closed"),
        "what is to be in it is still to be made"
    );
    go_on(&mut bench);
    assert!(!is_on(&bench, "closed") && is_on(&bench, "inner"));
    assert_eq!(bench.progress().failed, []);
}

#[test]
fn nor_by_one_that_is_nested_in_one_that_is_not_there() {
    for is_deleted in [true, false] {
        let (mut bench, mut replica) = taken("web");
        let mut nested = oid(OUTER);
        if is_deleted {
            let all = ["inner", "outer"].map(|it| bench.cloud.named(ObjectKind::Project, it));
            let all = all.into_iter().flatten();
            all.for_each(|it| bench.cloud.lose(ObjectKind::Project, &it));
            bench.read();
        } else {
            add_taken(&mut replica);
            nested = oid(TAKEN);
        }
        for id in [4, 5] {
            let within = project(oid(DEPARTMENT), Some(nested), &format!("deep{id}"));
            replica.directory.insert(oid(id), within);
            nested = oid(id);
        }
        switch(&mut replica, ObjectKind::Department, DEPARTMENT, false);
        bench.core.follow(&replica);
        go_on(&mut bench);
        assert!(!is_on(&bench, "closed"), "{:?}", bench.progress());
    }
}

#[test]
fn nor_by_one_in_what_somebody_in_the_region_switched_off() {
    let (mut bench, mut replica) = taken("web");
    let outer = bench.cloud.named(ObjectKind::Project, "outer").remove(0);
    bench.cloud.all.projects.get_mut(&outer).unwrap().enabled = false;
    bench.read();
    let late = project(oid(DEPARTMENT), Some(oid(OUTER)), "late");
    replica.directory.insert(oid(TAKEN), late);
    switch(&mut replica, ObjectKind::Department, DEPARTMENT, false);
    bench.core.follow(&replica);
    go_on(&mut bench);
    assert!(!is_on(&bench, "closed"), "{:?}", bench.progress());
}

#[test]
fn a_project_is_not_held_open_by_one_in_it_that_can_not_be_made() {
    let (mut bench, mut replica) = taken("web");
    let within = project(oid(DEPARTMENT), Some(oid(INNER)), "web");
    replica.directory.insert(oid(TAKEN), within);
    switch(&mut replica, ObjectKind::Project, INNER, false);
    bench.core.follow(&replica);
    go_on(&mut bench);
    assert!(!is_on(&bench, "inner"), "{:?}", bench.progress());
}

/// A project of the region's own in the federation's, which is to be switched off as is said.
fn with_their_own(mut off: impl FnMut(&mut Replica)) -> (Bench, Replica, CloudId) {
    let (mut bench, mut replica) = taken("theirs");
    let inner = bench.cloud.named(ObjectKind::Project, "inner").remove(0);
    let department = bench
        .cloud
        .named(ObjectKind::Department, "closed")
        .remove(0);
    let tmp = bench.cloud.add(project(department, Some(inner), "tmp"));
    bench.read();
    off(&mut replica);
    bench.core.follow(&replica);
    go_on(&mut bench);
    (bench, replica, tmp)
}

#[test]
fn a_project_that_the_regions_own_one_holds_open_says_so_until_that_is_off_or_gone() {
    let inner = Subject::Object(ObjectKind::Project, oid(INNER));
    let retire = |replica: &mut Replica| {
        let how = shared::model::End::Retired;
        super::rules::end(replica, ObjectKind::Project, INNER, how);
    };
    let switch_off = |replica: &mut Replica| switch(replica, ObjectKind::Project, INNER, false);
    for (number, is_retired) in [(0, true), (1, true), (2, false), (3, false)] {
        let off = |replica: &mut Replica| match is_retired {
            true => retire(replica),
            false => switch_off(replica),
        };
        let (mut bench, _, tmp) = with_their_own(off);
        let progress = bench.progress();
        let [failed] = progress.failed.as_slice() else {
            panic!("{progress:?}");
        };
        assert_eq!((&failed.subject, failed.name.as_str()), (&inner, "inner"));
        let (tells, waits) = (failed.error.contains("\"tmp\""), progress.waiting);
        assert!(tells && waits == 0, "{progress:?}");
        match number % 2 {
            0 => bench.cloud.lose(ObjectKind::Project, &tmp),
            _ => bench.cloud.all.projects.get_mut(&tmp).unwrap().enabled = false,
        }
        bench.read();
        assert_eq!(bench.run(), 1, "{:?}", bench.progress());
        assert!(!is_on(&bench, "inner") && bench.progress().failed.is_empty());
    }
}

#[test]
fn what_is_around_one_that_is_held_open_waits_for_that() {
    let (mut bench, _, tmp) = with_their_own(|replica| {
        for id in [OUTER, INNER] {
            let how = shared::model::End::Retired;
            super::rules::end(replica, ObjectKind::Project, id, how);
        }
    });
    let progress = bench.progress();
    assert_eq!(
        (progress.failed_count, progress.waiting),
        (1, 1),
        "{progress:?}"
    );
    bench.cloud.lose(ObjectKind::Project, &tmp);
    bench.read();
    assert_eq!(bench.run(), 2, "{:?}", bench.progress());
    assert!(!is_on(&bench, "inner") && !is_on(&bench, "outer"));
}

#[test]
fn what_the_directory_has_on_within_what_it_has_off_is_said_to_be_on_at_the_hub() {
    let mut replica = off();
    switch(&mut replica, ObjectKind::Department, DEPARTMENT, true);
    let mut bench = bench(&replica);
    bench.run();
    switch(&mut replica, ObjectKind::Project, OUTER, false);
    bench.core.follow(&replica);
    bench.run();
    let progress = bench.progress();
    assert!(
        progress.failed[0].error.contains("at the hub"),
        "{progress:?}"
    );
    switch(&mut replica, ObjectKind::Project, INNER, false);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 2, "{:?}", bench.progress());
}

#[test]
fn a_project_says_that_one_in_it_which_the_region_switched_on_holds_it_open() {
    let mut replica = off();
    switch(&mut replica, ObjectKind::Department, DEPARTMENT, true);
    switch(&mut replica, ObjectKind::Project, INNER, false);
    let mut bench = bench(&replica);
    bench.run();
    let inner = bench.cloud.named(ObjectKind::Project, "inner").remove(0);
    let project = bench.cloud.all.projects.get_mut(&inner).unwrap();
    project.enabled = true;
    bench.read();
    bench.run();
    switch(&mut replica, ObjectKind::Project, OUTER, false);
    bench.core.follow(&replica);
    bench.run();
    assert!(is_on(&bench, "outer"), "Keystone would refuse it");
    let failed = bench.progress().failed;
    let held = failed
        .iter()
        .find(|it| it.error.contains("switch that one off"));
    assert_eq!(
        held.map(|it| &it.subject),
        Some(&Subject::Object(ObjectKind::Project, oid(OUTER))),
        "{failed:?}"
    );
    let project = bench.cloud.all.projects.get_mut(&inner).unwrap();
    project.enabled = false;
    bench.read();
    bench.run();
    assert!(!is_on(&bench, "outer"));
}
