//! What the audit trail can be told of an order, also where no answer told of it.

use shared::ids::ObjectId;
use shared::model::{End, Link, Object, ObjectKind};

use super::super::compare::renamed;
use super::rules::{DEPARTMENT, GROUP, INNER, ROLE, USER, applied, change, end};
use super::world::*;
use super::*;

/// All orders until there is nothing to do, and what was found done beside them.
fn all(bench: &mut Bench) -> (Vec<Task>, Vec<FoundDone>) {
    let (mut tasks, mut done) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        let batch = bench.core.next(bench.now, 1000);
        bench.keep(batch.notes);
        done.extend(batch.done);
        for task in batch.tasks {
            let result = bench.cloud.perform(&task.order);
            bench.finish(&task, result, 0);
            tasks.push(task);
        }
        bench.now += Duration::from_secs(301);
        bench.read();
    }
    (tasks, done)
}

/// The next batch is given and carried out, and nobody hears of it.
fn is_killed(bench: &mut Bench, replica: &Replica) {
    let batch = bench.core.next(bench.now, 1000);
    bench.keep(batch.notes);
    assert_eq!(batch.tasks.len(), 1);
    bench.cloud.perform(&batch.tasks[0].order).unwrap();
    let base = bench.kept.clone();
    bench.restart(base, replica, Policy::default());
}

/// The one thing that is found done, where nothing is left to do.
fn found_done(bench: &mut Bench) -> FoundDone {
    let (tasks, mut done) = all(bench);
    assert_eq!(tasks, []);
    assert_eq!(done.len(), 1, "{done:?}");
    done.remove(0)
}

fn role_inside() -> Link<ObjectId> {
    assigned(oid(USER), oid(INNER), oid(ROLE))
}

#[test]
fn what_is_removed_is_told_by_its_name_its_department_and_what_it_was() {
    let (mut bench, mut replica) = applied();
    end(&mut replica, ObjectKind::User, USER, End::Deleted);
    bench.core.follow(&replica);
    let (tasks, done) = all(&mut bench);
    let mut removed = tasks
        .iter()
        .filter(|it| matches!(it.order, Order::Remove { .. }));
    let task = removed.next().unwrap();
    assert_eq!((task.found.name.as_str(), task.name()), ("ann", "ann"));
    let was = &task.found.was;
    assert!(
        was.starts_with("in \"ops\": name=\"ann\" enabled=true department="),
        "{was}"
    );
    assert!(was.contains("email=\"ann@example.org\""), "{was}");
    assert!(task.takes_away && removed.next().is_none());
    assert_eq!(done, []);
}

#[test]
fn a_link_is_told_by_the_names_of_its_ends() {
    let (mut bench, mut replica) = applied();
    replica.directory.unlink(&member(oid(GROUP), oid(USER)));
    replica.directory.link(role_inside());
    bench.core.follow(&replica);
    let (tasks, _) = all(&mut bench);
    let told = |wanted: &str| {
        let mut names = tasks.iter().map(|it| it.found.name.as_str());
        names.any(|it| it.starts_with(wanted))
    };
    assert!(told("user 'ann' in group 'admins' (user 0"), "{tasks:?}");
    let role = "user 'ann' has role 'member' project 'web-test' (user 0";
    assert!(told(role), "{tasks:?}");
    let takes: Vec<bool> = tasks.iter().map(|it| it.takes_away).collect();
    assert_eq!(takes.iter().filter(|it| **it).count(), 1, "{tasks:?}");
}

#[test]
fn a_role_that_was_given_just_before_a_kill_is_found_done_once() {
    let (mut bench, mut replica) = applied();
    replica.directory.link(role_inside());
    bench.core.follow(&replica);
    is_killed(&mut bench, &replica);
    let it = found_done(&mut bench);
    assert!(matches!(&it.task.order, Order::Link(Link::Assignment(_))));
    assert!(it.task.found.name.starts_with("user 'ann' has role"));
    let base = bench.kept.clone();
    bench.restart(base, &replica, Policy::default());
    assert_eq!(all(&mut bench), (Vec::new(), Vec::new()), "it is noted now");
}

#[test]
fn who_was_made_just_before_a_kill_is_found_done_once() {
    let (mut bench, mut replica) = applied();
    replica
        .directory
        .insert(oid(9), user(oid(DEPARTMENT), "bob"));
    bench.core.follow(&replica);
    is_killed(&mut bench, &replica);
    let it = found_done(&mut bench);
    let bob = bench.cloud.named(ObjectKind::User, "bob").pop();
    assert_eq!((&it.made, it.task.name()), (&bob, "bob"));
    let base = bench.kept.clone();
    bench.restart(base, &replica, Policy::default());
    assert_eq!(all(&mut bench), (Vec::new(), Vec::new()));
}

#[test]
fn what_was_done_and_its_answer_lost_is_found_done() {
    let (mut bench, mut replica) = applied();
    change(&mut replica, ObjectKind::User, USER, |it| {
        *it = renamed(it.clone(), "anna");
    });
    replica
        .directory
        .insert(oid(9), user(oid(DEPARTMENT), "bob"));
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 1000);
    bench.keep(batch.notes);
    for task in batch.tasks {
        bench.cloud.perform(&task.order).unwrap();
        let lost = CloudError::Unreachable {
            endpoint: "keystone".to_owned(),
            reason: "time-out".to_owned(),
        };
        bench.finish(&task, Err(lost), 0);
    }
    bench.now += Duration::from_millis(1);
    bench.read();
    let (tasks, done) = all(&mut bench);
    assert_eq!(tasks, []);
    let mut told: Vec<&str> = done.iter().map(|it| it.task.name()).collect();
    told.sort_unstable();
    assert_eq!(told, ["ann", "bob"], "{done:?}");
}

#[test]
fn a_replica_that_was_lost_makes_no_flood() {
    let (mut bench, mut replica) = applied();
    for number in 100..200 {
        let object: Object<ObjectId> = user(oid(DEPARTMENT), &format!("u{number}"));
        replica.directory.insert(oid(number), object);
    }
    bench.core.follow(&replica);
    bench.run();
    bench.restart(Base::default(), &replica, Policy::default());
    let (tasks, done) = all(&mut bench);
    assert_eq!((tasks.len(), done.len()), (0, 64));
}
