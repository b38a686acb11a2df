//! What was retired is purged on command, and what ended does not come back.

mod agreed;

use shared::ids::ObjectId;
use shared::model::{Becomes, End, Object, ObjectKind, Purge, PurgeStep, Remark, RemarkState};

use super::rules::{DEPARTMENT, GROUP, INNER, PROJECT, USER, applied, end, replica};
use super::world::*;
use super::*;

const AT: UnixMillis = UnixMillis(5_000);

/// Every region agrees that it is purged.
fn purge(replica: &mut Replica, kind: ObjectKind, id: u128, name: &str) {
    step(replica, (kind, id, name), PurgeStep::Delete);
}

fn step(replica: &mut Replica, (kind, id, name): (ObjectKind, u128, &str), step: PurgeStep) {
    let purge = Purge {
        object: oid(id),
        kind,
        name: name.to_owned(),
        at: AT,
        step,
    };
    replica.purges.insert(oid(id), purge);
}

fn purgeable(bench: &Bench) -> Vec<String> {
    let all = remarks(bench).into_iter();
    let ready = all.filter(|it| it.state == RemarkState::Purgeable { told: AT });
    ready.map(|it| it.name).collect()
}

/// Both projects are retired and switched off.
fn retired() -> (Bench, Replica) {
    let (mut bench, mut replica) = applied();
    end(&mut replica, ObjectKind::Project, INNER, End::Retired);
    end(&mut replica, ObjectKind::Project, PROJECT, End::Retired);
    bench.core.follow(&replica);
    bench.run();
    (bench, replica)
}

fn projects(bench: &Bench) -> usize {
    bench.cloud.all.projects.len()
}

fn remarks(bench: &Bench) -> Vec<Remark> {
    bench.core.remarks(&bench.progress()).remarks
}

fn purged(bench: &Bench) -> Vec<String> {
    let all = remarks(bench).into_iter();
    let done = all.filter(|it| it.state == RemarkState::Purged { told: AT });
    done.map(|it| it.name).collect()
}

#[test]
fn a_retired_project_is_purged_on_command_and_told() {
    let (mut bench, mut replica) = retired();
    assert_eq!((bench.run(), projects(&bench)), (0, 2), "never by itself");
    purge(&mut replica, ObjectKind::Project, INNER, "web-test");
    bench.core.follow(&replica);
    assert_eq!(purged(&bench), Vec::<String>::new());
    assert_eq!((bench.run(), projects(&bench)), (1, 1));
    assert_eq!(purged(&bench), ["web-test"]);
    // Also after a restart, with nothing kept but what was applied.
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    assert_eq!(bench.run(), 0);
    assert_eq!(purged(&bench), ["web-test"]);
    // Taken back, it is not told any more.
    replica.purges.clear();
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0);
    assert_eq!(remarks(&bench), []);
}

#[test]
fn it_is_purged_when_it_was_seen_off_for_a_quarter_of_an_hour() {
    let (mut bench, mut replica) = retired();
    purge(&mut replica, ObjectKind::Project, INNER, "web-test");
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    let began = bench.now;
    assert_eq!(bench.step(), []);
    let wait = Subject::Object(ObjectKind::Project, oid(INNER));
    assert_eq!(
        bench.core.standing(&wait),
        Some(&Standing::Waiting(Wait::Rested))
    );
    let until = began + Policy::PURGE_REST_DEFAULT;
    assert_eq!(bench.core.next(bench.now, 10).wake_at, Some(until));
    // Whoever switches it on meanwhile and off again begins it anew.
    let here = bench.cloud.named(ObjectKind::Project, "web-test").remove(0);
    let outer = bench.cloud.named(ObjectKind::Project, "web").remove(0);
    for on in [true, false] {
        bench.now += Duration::from_secs(300);
        for it in [&outer, &here] {
            bench.cloud.all.projects.get_mut(it).unwrap().enabled = on;
        }
        bench.read();
        assert_eq!(bench.step(), []);
    }
    let off = bench.now;
    bench.now = until;
    assert_eq!(bench.step(), []);
    bench.now = off + Policy::PURGE_REST_DEFAULT;
    assert_eq!(bench.step().len(), 1);
    assert_eq!(projects(&bench), 1);
}

#[test]
fn it_is_not_called_purged_while_something_bears_its_marker() {
    let (mut bench, mut replica) = retired();
    let here = bench.cloud.named(ObjectKind::Project, "web-test").remove(0);
    let ops = bench.cloud.named(ObjectKind::Department, "ops").remove(0);
    let copy = bench.cloud.add(project(ops, None, "copy"));
    bench.cloud.mark(ObjectKind::Project, &copy, oid(INNER));
    purge(&mut replica, ObjectKind::Project, INNER, "web-test");
    bench.restart(Base::default(), &replica, Policy::default());
    bench.run();
    assert!(
        bench.cloud.all.projects.contains_key(&here),
        "nobody knows which"
    );
    assert_eq!(purged(&bench), Vec::<String>::new());
    let is_blocked = |it: &Remark| match &it.state {
        RemarkState::Blocked { reason } => reason.contains("take the marker off"),
        _ => false,
    };
    assert!(
        remarks(&bench).iter().any(is_blocked),
        "{:?}",
        remarks(&bench)
    );
}

#[test]
fn retired_and_purged_at_once_it_is_switched_off_first() {
    let (mut bench, mut replica) = applied();
    end(&mut replica, ObjectKind::Project, INNER, End::Retired);
    purge(&mut replica, ObjectKind::Project, INNER, "web-test");
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(projects(&bench), 1);
    let of_inner = bench.given.iter().filter(|it| match it {
        Order::Update { to, .. } => to.name() == "web-test",
        _ => false,
    });
    assert_eq!(of_inner.count(), 1, "{:?}", bench.given);
}

#[test]
fn what_is_found_in_it_is_told_and_it_goes_once_that_is_gone() {
    let (mut bench, mut replica) = retired();
    let inner = bench.cloud.named(ObjectKind::Project, "web-test").remove(0);
    let contents = "2 servers, 1 volume".to_owned();
    bench.cloud.contents.insert(inner, contents);
    purge(&mut replica, ObjectKind::Project, INNER, "web-test");
    bench.core.follow(&replica);
    let mut batch = bench.core.next(bench.now, 10);
    let task = batch.tasks.remove(0);
    let result = bench.cloud.perform(&task.order);
    bench.finish(&task, result, u64::MAX);
    let told = remarks(&bench);
    let [
        Remark {
            name,
            state: RemarkState::Failed { error, .. },
            ..
        },
    ] = told.as_slice()
    else {
        panic!("{told:?}");
    };
    assert!(
        name == "web-test" && error.contains("2 servers, 1 volume"),
        "{error}"
    );
    assert_eq!(projects(&bench), 2);
    bench.cloud.contents.clear();
    bench.run();
    assert_eq!(projects(&bench), 1);
    assert_eq!(purged(&bench), ["web-test"]);
}

#[test]
fn policy_custody_and_whoever_switches_it_on_again_keep_it() {
    for case in 0..4 {
        let (mut bench, mut replica) = retired();
        let mut policy = Policy::default();
        let here = bench.cloud.named(ObjectKind::Project, "web-test").remove(0);
        match case {
            0 => policy.read_only = true,
            1 => policy.protected_departments.push("ops".to_owned()),
            2 => bench.cloud.reserve(ObjectKind::Project, &here),
            _ => {
                let outer = bench.cloud.named(ObjectKind::Project, "web").remove(0);
                for it in [&outer, &here] {
                    bench.cloud.all.projects.get_mut(it).unwrap().enabled = true;
                }
            }
        }
        bench.core.allow(policy);
        bench.read();
        bench.run();
        purge(&mut replica, ObjectKind::Project, INNER, "web-test");
        bench.core.follow(&replica);
        assert_eq!(bench.run(), 0, "{case}");
        let is_drift = |it: &Remark| matches!(it.state, RemarkState::Drift { .. });
        assert!(remarks(&bench).iter().any(is_drift), "{case}");
        assert_eq!(purged(&bench), Vec::<String>::new());
    }
}

#[test]
fn purges_are_bounded_as_removals_are() {
    let (mut bench, mut replica) = retired();
    let policy = Policy {
        removals_max: 1,
        ..Policy::default()
    };
    bench.core.allow(policy);
    purge(&mut replica, ObjectKind::Project, INNER, "web-test");
    end(&mut replica, ObjectKind::User, USER, End::Deleted);
    bench.core.follow(&replica);
    bench.now += Duration::from_secs(600);
    assert_eq!(bench.step().len(), 1);
    assert_eq!(bench.step().len(), 0, "not in this minute");
    assert_eq!(bench.progress().removals_held, 1);
    bench.now += Duration::from_secs(61);
    assert_eq!(bench.step().len(), 1);
}

#[test]
fn what_is_nested_in_it_goes_first_and_the_regions_own_keeps_it() {
    let (mut bench, mut replica) = retired();
    let outer = bench.cloud.named(ObjectKind::Project, "web").remove(0);
    let ops = bench.cloud.named(ObjectKind::Department, "ops").remove(0);
    let mut own = project(ops, Some(outer), "by hand");
    if let Object::Project(it) = &mut own {
        it.enabled = false;
    }
    let own = bench.cloud.add(own);
    bench.read();
    purge(&mut replica, ObjectKind::Project, PROJECT, "web");
    purge(&mut replica, ObjectKind::Project, INNER, "web-test");
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(purged(&bench), ["web-test"]);
    let is_blocked = |it: &Remark| match &it.state {
        RemarkState::Blocked { reason } => reason.contains("1 project"),
        _ => false,
    };
    assert!(
        remarks(&bench).iter().any(is_blocked),
        "{:?}",
        remarks(&bench)
    );
    bench.cloud.all.projects.remove(&own);
    bench.read();
    bench.run();
    assert_eq!((purged(&bench).len(), projects(&bench)), (2, 0));
}

#[test]
fn a_department_goes_when_its_own_are_deleted_and_not_with_anybody_elses() {
    let (mut bench, mut replica) = retired();
    let ops = bench.cloud.named(ObjectKind::Department, "ops").remove(0);
    let lucy = bench.cloud.add(user(ops, "lucy"));
    bench.read();
    for id in [INNER, PROJECT] {
        purge(
            &mut replica,
            ObjectKind::Project,
            id,
            if id == INNER { "web-test" } else { "web" },
        );
    }
    end(&mut replica, ObjectKind::User, USER, End::Deleted);
    end(&mut replica, ObjectKind::Group, GROUP, End::Deleted);
    end(
        &mut replica,
        ObjectKind::Department,
        DEPARTMENT,
        End::Retired,
    );
    purge(&mut replica, ObjectKind::Department, DEPARTMENT, "ops");
    bench.core.follow(&replica);
    bench.run();
    assert_eq!((projects(&bench), bench.cloud.all.groups.len()), (0, 0));
    assert_eq!(bench.cloud.named(ObjectKind::User, "ann"), []);
    assert_eq!(bench.cloud.all.departments.len(), 1, "lucy is the region's");
    let is_blocked = |it: &Remark| match &it.state {
        RemarkState::Blocked { reason } => reason.contains("1 user"),
        _ => false,
    };
    assert!(
        remarks(&bench).iter().any(is_blocked),
        "{:?}",
        remarks(&bench)
    );
    bench.cloud.all.users.remove(&lucy);
    bench.read();
    bench.run();
    assert_eq!(bench.cloud.all.departments.len(), 0);
    assert_eq!(purged(&bench).len(), 3);
}

#[test]
fn a_marker_alone_is_believed_of_what_has_the_name() {
    for (name, left) in [("web-test", 1), ("somebody else's", 2)] {
        let (mut bench, mut replica) = retired();
        rename_project(&mut bench, "web-test", name);
        purge(&mut replica, ObjectKind::Project, INNER, "web-test");
        // The replica was lost: nothing is known but markers.
        bench.restart(Base::default(), &replica, Policy::default());
        bench.run();
        assert_eq!(projects(&bench), left, "{name}");
    }
}

fn rename_project(bench: &mut Bench, from: &str, to: &str) {
    let here = bench.cloud.named(ObjectKind::Project, from).remove(0);
    to.clone_into(&mut bench.cloud.all.projects.get_mut(&here).unwrap().name);
    bench.read();
}

#[test]
fn a_purge_whose_answer_was_lost_is_done_once() {
    let (mut bench, mut replica) = retired();
    purge(&mut replica, ObjectKind::Project, INNER, "web-test");
    bench.core.follow(&replica);
    let mut batch = bench.core.next(bench.now, 10);
    let task = batch.tasks.remove(0);
    bench.cloud.perform(&task.order).unwrap();
    let lost = CloudError::Unreachable {
        endpoint: "keystone".to_owned(),
        reason: "lost".to_owned(),
    };
    bench.finish(&task, Err(lost), 0);
    assert_eq!(purged(&bench), Vec::<String>::new(), "nobody knows yet");
    bench.now += Duration::from_secs(1);
    bench.read();
    assert_eq!(bench.run(), 0);
    assert_eq!(purged(&bench), ["web-test"]);
}

#[test]
fn what_a_region_brought_along_again_is_purged_when_that_is_said() {
    let (mut bench, mut replica) = applied();
    let ops = bench.cloud.named(ObjectKind::Department, "ops").remove(0);
    let old = bench.cloud.add(project(ops, None, "old"));
    replica
        .ended
        .insert(oid(99), (ObjectKind::Project, End::Deleted));
    replica.bindings.insert(
        (ObjectKind::Project, old.clone()),
        Becomes::Withheld(oid(99)),
    );
    bench.read();
    bench.core.follow(&replica);
    bench.run();
    assert!(
        !bench.cloud.all.projects[&old].enabled,
        "switched off, and there"
    );
    purge(&mut replica, ObjectKind::Project, 99, "somebody else's");
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "its marker may be a copy");
    purge(&mut replica, ObjectKind::Project, 99, "old");
    bench.core.follow(&replica);
    assert_eq!(purged(&bench), Vec::<String>::new(), "it is there still");
    bench.run();
    assert!(!bench.cloud.all.projects.contains_key(&old));
    assert_eq!(purged(&bench), ["old"]);
}

/// The hub is of an older backup, in which somebody lives who was deleted since.
fn revived(replica: &mut Replica) {
    let ann = super::rules::replica()
        .directory
        .object(ObjectKind::User, &oid(USER));
    replica.directory.insert(oid(USER), ann.unwrap());
    replica.directory.link(member(oid(GROUP), oid(USER)));
}

#[test]
fn who_was_deleted_is_not_made_again_for_a_hub_of_an_older_backup() {
    let (mut bench, mut replica) = applied();
    end(&mut replica, ObjectKind::User, USER, End::Deleted);
    replica.proofs.insert(oid(USER), [9; 32]);
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(bench.cloud.named(ObjectKind::User, "ann"), []);
    revived(&mut replica);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "{:?}", bench.given.last());
    let told = remarks(&bench);
    let (how, proof) = (End::Deleted, [9; 32]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].state, RemarkState::Ended { how, proof });
    assert_eq!(
        (told[0].name.as_str(), bench.progress().failed_count),
        ("ann", 1)
    );
    // Nor after a restart, nor with a lost replica's base.
    for base in [bench.kept.clone(), Base::default()] {
        bench.restart(base, &replica, Policy::default());
        assert_eq!(bench.run(), 0);
        assert_eq!(bench.cloud.named(ObjectKind::User, "ann"), []);
    }
    // The hub has ended him too.
    replica.directory = without(&replica, USER);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0);
    assert_eq!(remarks(&bench), []);
}

fn without(replica: &Replica, user: u128) -> shared::model::Organization<ObjectId> {
    let mut directory = replica.directory.clone();
    directory.take(ObjectKind::User, &oid(user)).unwrap();
    directory.unlink(&member(oid(GROUP), oid(user)));
    directory
}

#[test]
fn whoever_was_away_when_he_was_deleted_loses_him_when_it_is_back() {
    let (mut bench, _) = applied();
    let mut later = replica();
    end(&mut later, ObjectKind::User, USER, End::Deleted);
    let kept = bench.kept.clone();
    bench.restart(kept, &later, Policy::default());
    bench.run();
    assert_eq!(bench.cloud.named(ObjectKind::User, "ann"), []);
}
