//! What happens when the cloud does not do as it is told.

use shared::model::{Becomes, ObjectKind};

use super::cloud::objects;
use super::rules::{DEPARTMENT, GROUP, PROJECT, ROLE, USER, applied, bench, rename, replica};
use super::world::*;
use super::*;

#[test]
fn what_was_made_and_its_answer_lost_is_known_after_the_next_reading() {
    let (mut bench, _) = bench();
    // The answer is lost, and with it that it was made.
    let batch = bench.core.next(bench.now, 10);
    for task in batch.tasks {
        let _ = bench.cloud.perform(&task.order);
        let lost = CloudError::Unreachable {
            endpoint: "keystone".to_owned(),
            reason: "time-out".to_owned(),
        };
        bench.finish(&task, Err(lost), 0);
    }
    // Somebody renames it before it is met: its name is no word that it was not made.
    rename(&mut bench.cloud, ObjectKind::Role, "member", "reader");
    for _ in 0..3 {
        bench.now += Duration::from_secs(400);
        let batch = bench.core.next(bench.now, 10);
        assert_eq!((batch.tasks.len(), batch.readings.at_once.len()), (0, 2));
        assert_eq!(
            bench.progress().failed_count,
            2,
            "and it says that it failed"
        );
    }
    bench.read();
    bench.run();
    assert_eq!(objects(&bench.cloud.all).len(), 6, "nothing is there twice");
    assert!(bench.progress().failed.is_empty());
}

/// As where what stands before Keystone answers in its place.
#[test]
fn what_was_not_found_and_may_be_there_is_not_taken_for_gone() {
    let errors: [fn() -> CloudError; 2] = [
        || CloudError::Malformed {
            endpoint: "keystone".to_owned(),
            what: "DELETE".to_owned(),
            reason: "HTTP 404".to_owned(),
        },
        || CloudError::Status {
            endpoint: "keystone".to_owned(),
            what: "DELETE".to_owned(),
            status: 404,
            reason: "nginx".to_owned(),
        },
    ];
    for error in errors {
        let (mut bench, mut replica) = applied();
        let link = assigned(oid(USER), oid(PROJECT), oid(ROLE));
        replica.directory.unlink(&link);
        bench.core.follow(&replica);
        let batch = bench.core.next(bench.now, 10);
        let [task] = &batch.tasks[..] else {
            panic!("{batch:?}")
        };
        let at = (bench.now, bench.wall());
        let outcome = bench.core.done(at, task, Err(error()), 0);
        assert!(
            outcome.failure.is_some(),
            "the trail does not say it is gone"
        );
        assert!(outcome.changes.is_empty(), "{:?}", outcome.changes);
        bench.keep(outcome.notes);
        bench.now += Duration::from_secs(2);
        bench.read();
        assert_eq!(bench.drift(), []);
        assert!(matches!(bench.step().as_slice(), [Order::Unlink(_)]));
        assert!(bench.cloud.all.assignments.is_empty());
        assert_eq!((bench.run(), bench.progress().failed_count), (0, 0));
        assert_eq!(bench.drift(), []);
    }
}

#[test]
fn nobody_is_told_to_remove_the_federations_own_for_its_name() {
    let (mut bench, mut replica) = bench();
    bench.run();
    rename(&mut bench.cloud, ObjectKind::Group, "admins", "staff");
    let staff = group(oid(DEPARTMENT), "staff");
    replica.directory.insert(oid(77), staff);
    bench.core.follow(&replica);
    for _ in 0..4 {
        bench.read();
        bench.step();
        bench.now += Duration::from_secs(301);
    }
    let progress = bench.progress();
    let error = &progress.failed[0].error;
    assert!(error.contains("which is the federation's"), "{error}");
    assert!(!error.contains("remove"), "{error}");
    bench
        .core
        .put_back(Subject::Object(ObjectKind::Group, oid(GROUP)));
    bench.run();
    bench.now += Duration::from_secs(301);
    bench.run();
    assert_eq!(bench.progress().failed_count, 0);
    assert_eq!(bench.drift(), []);
}

#[test]
fn a_name_that_somebody_else_has_is_a_fault_that_says_so_until_he_gives_it_away() {
    let replica = replica();
    let mut cloud = Fake::default();
    cloud.add(department("ops"));
    let mut bench = Bench::new(cloud, Policy::default());
    bench.core.follow(&replica);
    for _ in 0..4 {
        bench.step();
        bench.now += Duration::from_secs(301);
        bench.read();
    }
    bench.step();
    let progress = bench.progress();
    let here = bench.cloud.named(ObjectKind::Department, "ops").remove(0);
    // Which of all that are called so; for a person.
    let way_out = format!("is not the federation's; rename or remove {here} in the region");
    assert!(progress.failed[0].error.contains(&way_out), "{progress:?}");
    assert_eq!(
        (progress.failed[0].name.as_str(), progress.failed_count),
        ("ops", 1)
    );
    rename(&mut bench.cloud, ObjectKind::Department, "ops", "ours");
    bench.now += Duration::from_secs(301);
    bench.read();
    bench.run();
    assert_eq!(bench.progress().failed_count, 0);
    let created = bench.drift();
    assert!(
        matches!(created.as_slice(), [(Subject::Own(..), what, Why::Region)]
        if *what == [Difference::CreatedHere]),
        "{created:?}"
    );
}

/// As a merge wants it: the region's `research` gives way to the directory's.
#[test]
fn a_name_that_is_given_away_while_it_is_claimed_is_not_waited_for_until_the_next_reading() {
    let mut cloud = Fake::default();
    let theirs = cloud.add(department("research"));
    let mut bench = Bench::new(cloud, Policy::default());
    let mut replica = Replica::default();
    replica.directory.insert(oid(1), department("research"));
    replica.directory.insert(oid(2), department("research_2"));
    let is = Becomes::Object(oid(2));
    replica
        .bindings
        .insert((ObjectKind::Department, theirs), is);
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 10);
    // Both are given at once, and Keystone looks at the name that is claimed first.
    let (make, give): (Vec<_>, Vec<_>) = batch
        .tasks
        .into_iter()
        .partition(|it| matches!(it.order, Order::Create { .. }));
    let ([make], [give]) = (&make[..], &give[..]) else {
        panic!("{make:?} {give:?}")
    };
    let refused = bench.cloud.perform(&make.order);
    let given = bench.cloud.perform(&give.order);
    bench.finish(give, given, 0);
    bench.finish(make, refused, u64::MAX);
    let batch = bench.core.next(bench.now, 10);
    assert!(
        batch.tasks.is_empty() && batch.readings.at_once.is_empty(),
        "{batch:?}"
    );
    bench.now += Duration::from_secs(1);
    assert_eq!(bench.step().len(), 1, "no reading came in between");
    assert_eq!(
        bench.cloud.named(ObjectKind::Department, "research").len(),
        1
    );
    assert!(bench.progress().failed.is_empty());
}

#[test]
fn what_was_not_read_since_the_start_is_asked_for_once_there_is_something_to_apply() {
    let now = start();
    let mut core = Reconciler::new(federation(), Policy::default(), Base::default(), now);
    assert!(
        core.next(now, 10).readings.at_once.is_empty(),
        "nobody needs it"
    );
    core.follow(&replica());
    let readings = core.next(now, 10).readings.at_once;
    let kinds = super::cloud::KINDS.into_iter();
    assert_eq!(readings, kinds.map(|it| (it, now)).collect());
    core.is_read(shared::model::RecordKind::Department, now);
    assert_eq!(core.next(now, 10).readings.at_once.len(), 7);
}

#[test]
fn nothing_is_made_before_the_cloud_was_read() {
    let now = start();
    let mut core = Reconciler::new(federation(), Policy::default(), Base::default(), now);
    core.follow(&replica());
    assert!(core.next(now, 10).tasks.is_empty());
    let progress = core.progress(now);
    assert_eq!((progress.waiting, progress.desired), (8, 8));
    core.is_read(shared::model::RecordKind::Department, now);
    assert_eq!(core.next(now, 10).tasks.len(), 1);
}

#[test]
fn a_cloud_that_fails_at_everything_is_asked_by_one_order_at_a_time() {
    let mut bench = Bench::new(Fake::default(), Policy::default());
    let mut replica = Replica::default();
    (0..50).for_each(|it| {
        replica
            .directory
            .insert(oid(it), department(&format!("d{it}")))
    });
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 16);
    let down = || CloudError::Unreachable {
        endpoint: "keystone".to_owned(),
        reason: "refused".to_owned(),
    };
    for task in &batch.tasks {
        bench.finish(task, Err(down()), u64::MAX);
    }
    assert!(bench.core.next(bench.now, 16).tasks.is_empty());
    assert!(bench.progress().paused.is_some());
    bench.now += Duration::from_secs(31);
    assert_eq!(bench.core.next(bench.now, 16).tasks.len(), 1);
}

#[test]
fn a_cloud_that_asks_for_patience_is_given_nothing_for_as_long_as_it_asks() {
    let mut bench = Bench::new(Fake::default(), Policy::default());
    let mut replica = Replica::default();
    for it in 0..5 {
        let object = department(&format!("d{it}"));
        replica.directory.insert(oid(it), object);
    }
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 3);
    let [first, other, last] = &batch.tasks[..] else {
        panic!("{batch:?}")
    };
    let busy = |secs| CloudError::Throttled {
        endpoint: "keystone".to_owned(),
        retry_after: Duration::from_secs(secs),
    };
    bench.finish(first, Err(busy(120)), 0);
    // They were given before it asked.
    bench.finish(other, Err(busy(1)), 0);
    let made = bench.cloud.perform(&last.order);
    bench.finish(last, made, 0);
    for _ in 0..11 {
        bench.now += Duration::from_secs(10);
        let batch = bench.core.next(bench.now, 8);
        assert!(batch.tasks.is_empty(), "{batch:?}");
        assert!(bench.progress().paused.is_some());
    }
    bench.now += Duration::from_secs(10);
    assert!(!bench.core.next(bench.now, 8).tasks.is_empty());
}

#[test]
fn a_role_that_takes_no_marker_is_in_place_all_the_same() {
    let mut cloud = Fake::default();
    let admin = cloud.add(role("admin"));
    let mut bench = Bench::new(cloud, Policy::default());
    let mut replica = Replica::default();
    replica.directory.insert(oid(1), role("admin"));
    let is = Becomes::Object(oid(1));
    replica.bindings.insert((ObjectKind::Role, admin), is);
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 10);
    let [task] = &batch.tasks[..] else {
        panic!("{batch:?}")
    };
    let forbidden = CloudError::Forbidden {
        endpoint: "keystone".to_owned(),
        what: "PATCH /roles".to_owned(),
        reason: "it is immutable".to_owned(),
    };
    let at = (bench.now, bench.wall());
    let outcome = bench.core.done(at, task, Err(forbidden), 0);
    // The audit trail is told that it was not done.
    assert!(
        outcome
            .not_done()
            .is_some_and(|it| it.contains("immutable"))
    );
    assert_eq!(outcome.failure, None);
    bench.keep(outcome.notes);
    assert_eq!(bench.run(), 0, "it is not asked for again");
    assert!(bench.progress().failed.is_empty());
    assert_eq!(bench.progress().in_place, 1);
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    assert_eq!(bench.run(), 0);
}

#[test]
fn after_a_project_was_made_its_quota_is_waited_for() {
    let mut bench = Bench::new(Fake::default(), Policy::default());
    let mut replica = Replica::default();
    replica.directory.insert(oid(1), department("research"));
    bench.core.follow(&replica);
    bench.run();
    assert!(bench.core.next(bench.now, 10).readings.at_once.is_empty());
    replica
        .directory
        .insert(oid(2), project(oid(1), None, "web"));
    bench.core.follow(&replica);
    let made_at = bench.now;
    bench.step();
    let readings = bench.core.next(bench.now, 10).readings.at_once;
    let expected = [(shared::model::RecordKind::Quota, made_at)];
    assert_eq!(readings, expected.into_iter().collect());
}
