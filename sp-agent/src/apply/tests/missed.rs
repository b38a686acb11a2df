//! What goes with something that was deleted is that deletion, in whichever order it is read.

use shared::model::directory::record_kind;
use shared::model::{ObjectKind, RecordKind};

use super::cloud::KINDS;
use super::remarks::{say, seen, told};
use super::rules::{DEPARTMENT, GROUP, INNER, ROLE, USER, applied};
use super::world::*;
use super::*;

const LINKS: [RecordKind; 3] = [
    RecordKind::Membership,
    RecordKind::Implication,
    RecordKind::Assignment,
];

const OTHER_ROLE: u128 = 7;

/// Links of every kind, all in place.
fn all_linked() -> (Bench, Replica) {
    let (mut bench, mut replica) = applied();
    let all = &mut replica.directory;
    all.insert(oid(OTHER_ROLE), role("reader"));
    all.link(implied(oid(ROLE), oid(OTHER_ROLE)));
    all.link(assigned_to_all(oid(GROUP), oid(INNER), oid(OTHER_ROLE)));
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(bench.progress().desired, bench.progress().in_place);
    (bench, replica)
}

fn here(bench: &Bench, kind: ObjectKind, name: &str) -> CloudId {
    bench.cloud.named(kind, name).remove(0)
}

fn membership() -> Subject {
    Subject::Link(member(oid(GROUP), oid(USER)))
}

/// Somebody in the region puts ann out of the group.
fn take_ann_out(bench: &mut Bench) {
    let group = here(bench, ObjectKind::Group, "admins");
    let ann = here(bench, ObjectKind::User, "ann");
    bench.cloud.all.unlink(&member(group, ann));
}

fn read(bench: &mut Bench, kinds: &[RecordKind]) {
    bench.now += Duration::from_secs(1);
    bench.cloud.tell_kinds(&mut bench.core, bench.now, kinds);
    assert_eq!(bench.step().len(), 0);
}

/// What is to be read of the organization, and since when.
fn wanted(bench: &mut Bench) -> Vec<(RecordKind, Instant)> {
    let batch = bench.core.next(bench.now, 0);
    bench.keep(batch.notes);
    let wanted = batch.readings.soon.into_iter();
    wanted.filter(|(kind, _)| KINDS.contains(kind)).collect()
}

fn things() -> Vec<RecordKind> {
    let things = KINDS.into_iter().filter(|it| !LINKS.contains(it));
    things.collect()
}

fn differences(bench: &Bench) -> Vec<(Subject, Vec<Difference>)> {
    let drift = bench.drift().into_iter();
    drift.map(|(subject, what, _)| (subject, what)).collect()
}

#[test]
fn what_was_deleted_is_never_told_as_links_that_were_taken() {
    for (kind, name, id) in [
        (ObjectKind::User, "ann", USER),
        (ObjectKind::Group, "admins", GROUP),
        (ObjectKind::Project, "web-test", INNER),
        (ObjectKind::Role, "reader", OTHER_ROLE),
        (ObjectKind::Role, "member", ROLE),
    ] {
        let (mut bench, _) = all_linked();
        let lost = here(&bench, kind, name);
        bench.cloud.lose(kind, &lost);
        read(&mut bench, &LINKS);
        assert_eq!(bench.drift(), [], "{name}");
        // Also where what else they hang on is read first.
        let of = record_kind(kind);
        let others = things().into_iter().filter(|it| *it != of);
        let others: Vec<RecordKind> = others.collect();
        read(&mut bench, &others);
        assert_eq!(bench.drift(), [], "{name}");
        read(&mut bench, &[of]);
        let deleted = (Subject::Object(kind, oid(id)), vec![Difference::Deleted]);
        assert_eq!(differences(&bench), [deleted], "{name}");
        assert_eq!(wanted(&mut bench), [], "{name}");
    }
}

#[test]
fn a_department_that_was_deleted_takes_its_links_along() {
    let (mut bench, _) = all_linked();
    let ops = here(&bench, ObjectKind::Department, "ops");
    for (kind, id, object) in super::cloud::objects(&bench.cloud.all) {
        if object.department() == Some(&ops) || id == ops {
            bench.cloud.lose(kind, &id);
        }
    }
    read(&mut bench, &LINKS);
    assert_eq!(bench.drift(), []);
    bench.run();
    let deleted = differences(&bench);
    assert_eq!(deleted.len(), 5);
    let department = Subject::Object(ObjectKind::Department, oid(DEPARTMENT));
    assert!(deleted.iter().any(|it| it.0 == department));
    assert!(deleted.iter().all(|it| it.1 == [Difference::Deleted]));
}

#[test]
fn what_was_taken_away_by_itself_is_told_after_one_more_reading_of_what_it_hangs_on() {
    let (mut bench, _) = all_linked();
    take_ann_out(&mut bench);
    let before = bench.now;
    read(&mut bench, &LINKS);
    let since = bench.now;
    let both = [RecordKind::User, RecordKind::Group];
    assert_eq!(wanted(&mut bench), both.map(|it| (it, since)));
    // Those that began before may have passed by what was deleted since.
    bench.cloud.tell_kinds(&mut bench.core, before, &both);
    bench.step();
    assert_eq!(bench.drift(), []);
    read(&mut bench, &[RecordKind::User]);
    assert_eq!(bench.drift(), []);
    assert_eq!(wanted(&mut bench), [(RecordKind::Group, since)]);
    read(&mut bench, &[RecordKind::Group]);
    let taken = [(membership(), vec![Difference::LinkTaken])];
    assert_eq!(differences(&bench), taken);
    for _ in 0..2 {
        assert_eq!(wanted(&mut bench), [], "told, and so it stays");
        read(&mut bench, &KINDS);
        assert_eq!(differences(&bench), taken);
    }
}

#[test]
fn what_is_missed_again_is_missed_for_the_first_time() {
    let (mut bench, _) = all_linked();
    let whole = bench.cloud.clone();
    take_ann_out(&mut bench);
    read(&mut bench, &LINKS);
    read(&mut bench, &KINDS);
    assert_eq!(bench.drift().len(), 1);
    bench.cloud = whole.clone();
    read(&mut bench, &KINDS);
    assert_eq!(bench.drift(), []);
    // Back and missed again between two looks.
    take_ann_out(&mut bench);
    read(&mut bench, &LINKS);
    bench.now += Duration::from_secs(1);
    whole.tell_kinds(&mut bench.core, bench.now, &LINKS);
    let users = [RecordKind::User, RecordKind::Group];
    whole.tell_kinds(&mut bench.core, bench.now, &users);
    let ann = here(&bench, ObjectKind::User, "ann");
    bench.cloud.lose(ObjectKind::User, &ann);
    read(&mut bench, &LINKS);
    assert_eq!(bench.drift(), []);
    read(&mut bench, &KINDS);
    let deleted = Subject::Object(ObjectKind::User, oid(USER));
    assert_eq!(differences(&bench), [(deleted, vec![Difference::Deleted])]);
}

/// A new agent reads all anew, and may be told of the user last.
#[test]
fn a_start_in_between_tells_nothing_of_what_was_missed_before() {
    for is_deleted in [true, false] {
        let (mut bench, replica) = all_linked();
        let before = bench.cloud.clone();
        take_ann_out(&mut bench);
        if is_deleted {
            let ann = here(&bench, ObjectKind::User, "ann");
            bench.cloud.lose(ObjectKind::User, &ann);
        }
        let kept = bench.kept.clone();
        bench.core = Reconciler::new(federation(), Policy::default(), kept, bench.now);
        bench.core.follow(&replica);
        before.tell_kinds(&mut bench.core, bench.now, &things());
        read(&mut bench, &LINKS);
        assert_eq!(bench.drift(), []);
        read(&mut bench, &KINDS);
        let expected = match is_deleted {
            true => (
                Subject::Object(ObjectKind::User, oid(USER)),
                vec![Difference::Deleted],
            ),
            false => (membership(), vec![Difference::LinkTaken]),
        };
        assert_eq!(differences(&bench), [expected]);
    }
}

/// The hub was told of it by this agent's earlier life, and may have been answered.
#[test]
fn what_was_told_before_a_start_stays_told_while_it_is_looked_at_again() {
    let (mut bench, replica) = all_linked();
    take_ann_out(&mut bench);
    bench.read();
    bench.run();
    let before = told(&bench);
    let id = membership().id();
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    bench.core.remarked(id.clone(), Some(membership()));
    bench.step();
    let now = told(&bench);
    assert_eq!(
        (now.remarks, now.is_whole, now.kept),
        (vec![], true, vec![id])
    );
    read(&mut bench, &KINDS);
    let then = told(&bench);
    assert_eq!((then.remarks, then.kept), (before.remarks, vec![]));
}

#[test]
fn a_reading_that_passed_by_a_department_tells_nothing_of_who_is_in_it() {
    let (mut bench, _) = all_linked();
    take_ann_out(&mut bench);
    read(&mut bench, &LINKS);
    let ops = here(&bench, ObjectKind::Department, "ops");
    bench.cloud.away.insert(ops);
    read(&mut bench, &KINDS);
    assert_eq!(bench.drift(), []);
    assert_eq!(wanted(&mut bench).len(), 2);
    let ann = here(&bench, ObjectKind::User, "ann");
    bench.cloud.lose(ObjectKind::User, &ann);
    bench.cloud.away.clear();
    read(&mut bench, &KINDS);
    let deleted = Subject::Object(ObjectKind::User, oid(USER));
    assert_eq!(differences(&bench), [(deleted, vec![Difference::Deleted])]);
}

/// It waits for a reading of the department, however often the others are read.
#[test]
fn what_is_missed_of_a_department_that_is_away_is_told_as_waiting_for_it() {
    let (mut bench, _) = all_linked();
    let ops = here(&bench, ObjectKind::Department, "ops");
    bench.cloud.away.insert(ops);
    let web = here(&bench, ObjectKind::Project, "web");
    let role = here(&bench, ObjectKind::Role, "member");
    let ann = here(&bench, ObjectKind::User, "ann");
    bench.cloud.all.unlink(&assigned(ann, web, role));
    read(&mut bench, &KINDS);
    read(&mut bench, &KINDS);
    assert_eq!(bench.drift(), []);
    let hindrance = crate::cloud::Hindrance {
        reason: "GET /users: HTTP 500".to_owned(),
        since: UnixMillis(7),
        tries: 3,
    };
    let all = [(RecordKind::User, hindrance)];
    bench.core.hinder(all.into_iter().collect());
    let failed = bench.progress().failed;
    let [failed] = &failed[..] else {
        panic!("{failed:?}");
    };
    assert_eq!(failed.subject, Subject::Reading(RecordKind::User));
    assert!(failed.error.contains("\"ops\""), "{}", failed.error);
    bench.cloud.away.clear();
    read(&mut bench, &KINDS);
    assert_eq!(bench.progress().failed, []);
    assert_eq!(bench.drift().len(), 1);
}

#[test]
fn what_is_missed_while_nothing_of_a_kind_can_be_read_is_told_as_waiting_for_it() {
    let (mut bench, _) = all_linked();
    take_ann_out(&mut bench);
    read(&mut bench, &LINKS);
    assert_eq!(bench.progress().failed, [], "it is under way");
    let hindrance = crate::cloud::Hindrance {
        reason: "GET /users: HTTP 500".to_owned(),
        since: UnixMillis(7),
        tries: 3,
    };
    bench.core.hinder([(RecordKind::User, hindrance)].into());
    let failed = bench.progress().failed;
    let [failed] = &failed[..] else {
        panic!("{failed:?}");
    };
    assert_eq!(failed.subject, Subject::Reading(RecordKind::User));
    let begins = "what hangs on users waits until all of them are read again: ";
    assert!(failed.error.starts_with(begins), "{}", failed.error);
    read(&mut bench, &KINDS);
    assert_eq!(bench.progress().failed, []);
    assert_eq!(bench.drift().len(), 1);
}

#[test]
fn what_was_taken_is_put_back_although_the_first_order_fails() {
    let (mut bench, mut replica) = all_linked();
    take_ann_out(&mut bench);
    bench.read();
    bench.run();
    let remark = told(&bench).remarks.remove(0);
    say(&mut replica, membership(), seen(&remark), 5);
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 10);
    bench.keep(batch.notes);
    assert_eq!(batch.tasks.len(), 1);
    let busy = CloudError::Throttled {
        endpoint: "keystone".to_owned(),
        retry_after: Duration::from_secs(1),
    };
    bench.finish(&batch.tasks[0], Err(busy), 0);
    assert_eq!(bench.run(), 1);
    assert_eq!(bench.drift(), []);
    assert_eq!(bench.cloud.all.memberships.len(), 1);
}

/// Keystone takes it from whoever has it as his default.
#[test]
fn a_project_that_was_deleted_is_no_default_project_that_was_taken() {
    let (mut bench, _) = all_linked();
    let ann = here(&bench, ObjectKind::User, "ann");
    let inner = here(&bench, ObjectKind::Project, "web-test");
    let forget = |bench: &mut Bench| {
        let user = bench.cloud.all.users.get_mut(&ann).unwrap();
        user.default_project = None;
    };
    forget(&mut bench);
    read(&mut bench, &[RecordKind::User]);
    assert_eq!(bench.drift(), []);
    let since = bench.now;
    assert_eq!(wanted(&mut bench), [(RecordKind::Project, since)]);
    read(&mut bench, &KINDS);
    let user = Subject::Object(ObjectKind::User, oid(USER));
    let taken = (user, vec![Difference::DefaultProject]);
    assert_eq!(differences(&bench), [taken]);

    let (mut bench, _) = all_linked();
    forget(&mut bench);
    bench.cloud.lose(ObjectKind::Project, &inner);
    read(&mut bench, &[RecordKind::User]);
    assert_eq!(bench.drift(), []);
    read(&mut bench, &KINDS);
    let project = Subject::Object(ObjectKind::Project, oid(INNER));
    assert_eq!(differences(&bench), [(project, vec![Difference::Deleted])]);
}
