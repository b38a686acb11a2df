//! What changed at the hub beside what changed in the region, names that go round, and markers that
//! somebody else wrote.

use shared::model::{Becomes, End, Object, ObjectKind};

use super::rules::*;
use super::world::*;
use super::*;
use crate::apply::compare::{described, description, renamed};

fn only(bench: &Bench, kind: ObjectKind, name: &str) -> CloudId {
    let mut all = bench.cloud.named(kind, name);
    assert_eq!(all.len(), 1, "{name}");
    all.remove(0)
}

#[test]
fn an_account_that_the_region_switched_off_stays_off_whatever_else_the_hub_changes() {
    let (mut bench, mut replica) = applied();
    let ann = only(&bench, ObjectKind::User, "ann");
    bench.cloud.all.users.get_mut(&ann).unwrap().enabled = false;
    bench.read();
    change(&mut replica, ObjectKind::User, USER, |it| {
        if let Object::User(it) = it {
            it.email = Some("new@example.org".to_owned());
            it.default_project = Some(oid(PROJECT));
        }
    });
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 1);
    let found = &bench.cloud.all.users[&ann];
    let web = only(&bench, ObjectKind::Project, "web");
    assert_eq!(found.email.as_deref(), Some("new@example.org"));
    assert_eq!(found.default_project, Some(web));
    assert!(!found.enabled);
    let subject = Subject::Object(ObjectKind::User, oid(USER));
    let expected = [(subject.clone(), vec![Difference::Disabled], Why::Region)];
    assert_eq!(bench.drift(), expected);
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    assert_eq!(bench.run(), 0);
    assert_eq!(bench.drift(), expected);
    // The hub's own word on it counts, and the administrator's.
    bench.core.put_back(subject);
    assert_eq!(bench.run(), 1);
    assert!(bench.cloud.all.users[&ann].enabled);
}

#[test]
fn what_is_withheld_and_cannot_be_switched_off_is_told_of() {
    let (mut bench, mut replica) = applied();
    let old = bench.cloud.add(role("old"));
    let becomes = Becomes::Withheld(oid(99));
    let ended = (ObjectKind::Role, shared::model::End::Deleted);
    replica.ended.insert(oid(99), ended);
    replica
        .bindings
        .insert((ObjectKind::Role, old.clone()), becomes);
    bench.read();
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0);
    let subject = Subject::Own(ObjectKind::Role, old);
    assert_eq!(
        bench.drift(),
        [(subject, vec![Difference::Surplus], Why::Custody)]
    );
}

/// Renames users at the hub, each to the next one's name.
fn go_round(replica: &mut Replica, ids: &[u128]) {
    let name = |id: &u128| replica.directory.users[&oid(*id)].name.clone();
    let names: Vec<String> = ids.iter().map(name).collect();
    for (id, name) in ids.iter().zip(names.iter().cycle().skip(1)) {
        change(replica, ObjectKind::User, *id, |it| {
            *it = renamed(it.clone(), name);
        });
    }
}

#[test]
fn names_that_go_round_at_the_hub_go_round_in_the_cloud() {
    for count in [2, 3] {
        let (mut bench, mut replica) = applied();
        let ids: Vec<u128> = (USER..USER + count).collect();
        for id in &ids[1..] {
            let user = user(oid(DEPARTMENT), &format!("user{id}"));
            replica.directory.insert(oid(*id), user);
        }
        bench.core.follow(&replica);
        bench.run();
        let name = |bench: &Bench, here: &CloudId| bench.cloud.all.users[here].name.clone();
        let here = |id: &u128| {
            only(
                &bench,
                ObjectKind::User,
                &replica.directory.users[&oid(*id)].name,
            )
        };
        let here: Vec<CloudId> = ids.iter().map(here).collect();
        let before: Vec<String> = here.iter().map(|it| name(&bench, it)).collect();
        go_round(&mut replica, &ids);
        bench.core.follow(&replica);
        bench.run();
        let progress = bench.progress();
        assert!(progress.failed.is_empty(), "{:?}", progress.failed);
        assert!(progress.drift.is_empty(), "{:?}", progress.drift);
        let after: Vec<String> = here.iter().map(|it| name(&bench, it)).collect();
        let next = before.iter().cycle().skip(1);
        assert!(after.iter().eq(next.take(ids.len())), "{after:?}");
        assert_eq!(bench.run(), 0);
    }
}

#[test]
fn where_one_of_them_may_not_be_renamed_nobody_steps_aside() {
    let (mut bench, mut replica) = applied();
    let bob = user(oid(DEPARTMENT), "bob");
    replica.directory.insert(oid(USER + 1), bob);
    bench.core.follow(&replica);
    bench.run();
    let bob = only(&bench, ObjectKind::User, "bob");
    bench.cloud.reserve(ObjectKind::User, &bob);
    bench.read();
    go_round(&mut replica, &[USER, USER + 1]);
    bench.core.follow(&replica);
    for _ in 0..10 {
        bench.step();
        bench.now += Duration::from_secs(301);
        bench.read();
    }
    only(&bench, ObjectKind::User, "ann");
    assert_eq!(bench.progress().failed_count, 1);
}

#[test]
fn a_marker_counts_only_where_the_directory_has_the_thing_and_by_its_name_among_several() {
    let (mut bench, replica) = applied();
    let ann = only(&bench, ObjectKind::User, "ann");
    let elsewhere = bench.cloud.add(department("elsewhere"));
    let ops = only(&bench, ObjectKind::Department, "ops");
    let mut claims = Vec::new();
    for (department, name) in [(elsewhere, "ann"), (ops, "mallory")] {
        let claim = bench.cloud.add(user(department, name));
        bench.cloud.mark(ObjectKind::User, &claim, oid(USER));
        claims.push(claim);
    }
    let before = bench.cloud.all.clone();
    // What was applied is forgotten, so that markers count.
    bench.restart(Base::default(), &replica, Policy::default());
    assert_eq!(bench.run(), 0, "{:?}", bench.given);
    assert_eq!(bench.cloud.all, before);
    let known = bench
        .core
        .base()
        .objects
        .get(&(ObjectKind::User, oid(USER)));
    assert_eq!(known.map(|it| &it.here), Some(&ann));

    // Now only the one elsewhere is left, and is nobody's.
    bench.cloud.lose(ObjectKind::User, &ann);
    bench.cloud.lose(ObjectKind::User, &claims[1]);
    bench.restart(Base::default(), &replica, Policy::default());
    bench.run();
    let made = bench
        .core
        .base()
        .objects
        .get(&(ObjectKind::User, oid(USER)));
    assert!(made.is_some_and(|it| it.here != claims[0]));
    let links = bench.cloud.all.memberships.iter();
    assert!(links.clone().count() == 1 && links.clone().all(|it| it.user != claims[0]));
}

#[test]
fn a_marker_on_what_is_the_regions_own_counts_for_nothing() {
    let mut cloud = Fake::default();
    let ops = cloud.add(department("ops"));
    cloud.mark(ObjectKind::Department, &ops, oid(DEPARTMENT));
    let ann = cloud.add(user(ops, "ann"));
    cloud.mark(ObjectKind::User, &ann, oid(USER));
    cloud.reserve(ObjectKind::User, &ann);
    let mut bench = Bench::new(cloud, Policy::default());
    bench.core.follow(&replica());
    for _ in 0..6 {
        bench.step();
    }
    assert!(bench.cloud.all.memberships.is_empty() && bench.cloud.all.assignments.is_empty());
    assert_eq!(bench.progress().failed_count, 1, "the name is taken");
}

#[test]
fn names_that_go_round_and_are_taken_back_midway_leave_nothing_behind() {
    for is_killed in [false, true] {
        let (mut bench, mut replica) = applied();
        let before = replica.clone();
        let name = |replica: &mut Replica, id, name: &str| {
            change(replica, ObjectKind::Project, id, |it| {
                *it = renamed(it.clone(), name);
            });
        };
        name(&mut replica, PROJECT, "web-test");
        name(&mut replica, INNER, "web");
        bench.core.follow(&replica);
        let is_aside = |bench: &Bench| {
            let mut all = bench.cloud.all.projects.values();
            all.any(|it| it.name.contains('~'))
        };
        for _ in 0..10 {
            if is_aside(&bench) {
                break;
            }
            let batch = bench.core.next(bench.now, 10);
            bench.keep(batch.notes);
            for task in batch.tasks {
                let result = bench.cloud.perform(&task.order);
                // Killed before it heard of it.
                if !(is_killed && is_aside(&bench)) {
                    bench.finish(&task, result, 0);
                }
            }
            bench.now += Duration::from_secs(301);
            bench.read();
        }
        assert!(is_aside(&bench), "it is half done");
        if is_killed {
            let kept = bench.kept.clone();
            bench.restart(kept, &replica, Policy::default());
        }
        bench.core.follow(&before);
        bench.run();
        assert!(!is_aside(&bench), "{:?}", bench.drift());
        assert_eq!(bench.drift(), []);
        only(&bench, ObjectKind::Project, "web");
        only(&bench, ObjectKind::Project, "web-test");
    }
}

/// A cloud that was set back to a backup, which was made in the middle of a circle.
#[test]
fn a_name_for_the_meantime_that_is_back_is_nobodys_word() {
    let (mut bench, mut replica) = applied();
    let meantime = |id: u128| format!("old~{}", &oid(id).to_string()[28..]);
    let back = meantime(USER);
    rename(&mut bench.cloud, ObjectKind::User, "ann", &back);
    bench.read();
    assert_eq!(bench.run(), 1);
    assert!(bench.cloud.named(ObjectKind::User, &back).is_empty());
    only(&bench, ObjectKind::User, "ann");
    // That of another one is.
    let others = meantime(PROJECT);
    rename(&mut bench.cloud, ObjectKind::User, "ann", &others);
    bench.read();
    assert_eq!(bench.run(), 0);
    rename(&mut bench.cloud, ObjectKind::User, &others, "ann");
    // Likewise of what was retired, and called as last.
    end(&mut replica, ObjectKind::Project, INNER, End::Retired);
    let name = "web-test".to_owned();
    replica.last_names.insert(oid(INNER), name.clone());
    bench.core.follow(&replica);
    bench.read();
    bench.run();
    let back = meantime(INNER);
    rename(&mut bench.cloud, ObjectKind::Project, &name, &back);
    bench.read();
    assert_eq!(bench.run(), 1);
    only(&bench, ObjectKind::Project, &name);
}

#[test]
fn a_default_project_that_was_not_written_is_not_taken_for_one_that_was() {
    let (mut bench, mut replica) = applied();
    let ann = only(&bench, ObjectKind::User, "ann");
    let home = |replica: &mut Replica, project: Option<u128>, email: &str| {
        change(replica, ObjectKind::User, USER, |it| {
            if let Object::User(it) = it {
                it.default_project = project.map(oid);
                it.email = Some(email.to_owned());
            }
        });
    };
    // One that is not here yet, and what else was said is written meanwhile.
    home(&mut replica, Some(77), "one@example.org");
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 1);
    assert!(
        bench.cloud.all.users[&ann].default_project.is_some(),
        "as it was"
    );
    // It never came.
    home(&mut replica, None, "one@example.org");
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 1, "{:?}", bench.progress());
    assert_eq!(bench.cloud.all.users[&ann].default_project, None);
    assert_eq!(bench.drift(), []);
}

#[test]
fn a_default_project_that_stays_the_regions_own_is_its_business() {
    let (mut bench, mut replica) = applied();
    let ann = only(&bench, ObjectKind::User, "ann");
    change(&mut replica, ObjectKind::User, USER, |it| {
        if let Object::User(it) = it {
            it.default_project = None;
        }
    });
    end(
        &mut replica,
        ObjectKind::Project,
        INNER,
        shared::model::End::Retired,
    );
    let web = only(&bench, ObjectKind::Project, "web-test");
    bench.core.follow(&replica);
    bench.run();
    let withheld = Becomes::Withheld(oid(INNER));
    let here = (ObjectKind::Project, web.clone());
    replica.bindings.insert(here, withheld);
    bench.core.follow(&replica);
    bench.cloud.all.users.get_mut(&ann).unwrap().default_project = Some(web);
    bench.read();
    assert_eq!(bench.run(), 0);
    assert_eq!(bench.drift(), []);
}

const NAMED: [(ObjectKind, u128, &str); 5] = [
    (ObjectKind::Department, DEPARTMENT, "ops"),
    (ObjectKind::Role, ROLE, "member"),
    (ObjectKind::Project, PROJECT, "web"),
    (ObjectKind::Group, GROUP, "admins"),
    (ObjectKind::User, USER, "ann"),
];

#[test]
fn an_empty_description_of_the_hub_is_written_where_there_was_none_and_once() {
    for (kind, id, name) in NAMED {
        let (mut bench, mut replica) = applied();
        change(&mut replica, kind, id, |it| {
            *it = described(it.clone(), Some(""));
        });
        bench.core.follow(&replica);
        assert_eq!(bench.run(), 1, "{kind:?}");
        let here = only(&bench, kind, name);
        let found = bench.cloud.all.object(kind, &here).unwrap();
        assert_eq!(description(&found), Some(""));
        assert_eq!((bench.run(), bench.drift()), (0, Vec::new()), "{kind:?}");
    }
}

/// The directory says that it has none. A role's can't be taken away again in every Keystone.
#[test]
fn an_empty_description_that_a_region_wrote_is_drift_but_for_a_roles() {
    for (kind, id, name) in NAMED {
        let (mut bench, _) = applied();
        let here = only(&bench, kind, name);
        let mut found = bench.cloud.all.object(kind, &here).unwrap();
        found = described(found, Some(""));
        bench.cloud.all.insert(here.clone(), found);
        bench.read();
        assert_eq!(bench.run(), 0, "{kind:?}");
        let subject = Subject::Object(kind, oid(id));
        if kind == ObjectKind::Role {
            assert_eq!(bench.drift(), []);
            continue;
        }
        let what = vec![Difference::Description];
        assert_eq!(bench.drift(), [(subject.clone(), what, Why::Region)]);
        bench.core.put_back(subject);
        assert_eq!(bench.run(), 1);
        let found = bench.cloud.all.object(kind, &here).unwrap();
        assert_eq!(description(&found), None);
        assert_eq!((bench.run(), bench.drift()), (0, Vec::new()));
    }
}
