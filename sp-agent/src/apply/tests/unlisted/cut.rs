//! A list that is cut: what came of it is known, and of what did not come nobody can tell.

use super::*;

/// The agent starts anew, and of sales' users only one comes.
fn cut_short(bench: &mut Bench, replica: &Replica, is_held: bool) {
    let id = id_of(bench, "sales");
    bench.cloud.cut.insert(id, ["sue", "new"].into());
    begin_anew(bench, replica, is_held);
}

fn is_in(user: u128) -> Link<ObjectId> {
    member(oid(SELLERS), oid(user))
}

#[test]
fn what_does_not_come_is_neither_gone_nor_made_again_and_what_comes_goes_on() {
    let (mut bench, mut replica) = sales();
    // Its spool is lost.
    cut_short(&mut bench, &replica, false);
    assert_eq!(bench.run(), 0);
    assert_eq!(bench.drift(), []);
    waits(&bench, ObjectKind::User, SAM, RecordKind::User);
    let link = bench.core.standing(&Subject::Link(is_in(SAM)));
    assert!(link.is_some_and(Standing::is_unread), "{link:?}");
    // What was never there is made, and what came is written.
    replica.directory.insert(oid(NEW), user(oid(SALES), "new"));
    mail(&mut replica, SUE);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 2, "{:?}", bench.given);
    end(&mut replica, ObjectKind::User, SAM, End::Deleted);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0);
    waits(&bench, ObjectKind::User, SAM, RecordKind::User);
    assert!(
        bench
            .kept
            .objects
            .contains_key(&(ObjectKind::User, oid(SAM)))
    );
    bench.cloud.cut.clear();
    assert_eq!(back(&mut bench), 1, "he goes");
    let progress = bench.progress();
    assert_eq!(progress.desired, progress.in_place, "{progress:?}");
}

/// A policy would take him out in all regions.
#[test]
fn a_membership_is_not_told_as_taken_while_its_user_may_be_deleted() {
    let (mut bench, replica) = sales();
    cut_short(&mut bench, &replica, true);
    assert_eq!(bench.run(), 0);
    let sam = bench.cloud.named(ObjectKind::User, "sam").remove(0);
    bench.cloud.lose(ObjectKind::User, &sam);
    let sellers = bench.cloud.named(ObjectKind::Group, "sellers").remove(0);
    let sue = bench.cloud.named(ObjectKind::User, "sue").remove(0);
    bench.cloud.all.unlink(&member(sellers, sue));
    for _ in 0..3 {
        bench.now += Duration::from_secs(60);
        bench.read();
        bench.run();
    }
    let taken = (
        Subject::Link(is_in(SUE)),
        vec![Difference::LinkTaken],
        Why::Region,
    );
    assert_eq!(bench.drift(), [taken], "she came, and is in it no more");
    bench.cloud.cut.clear();
    back(&mut bench);
    let gone = Subject::Object(ObjectKind::User, oid(SAM));
    let told = bench.drift();
    assert!(told.contains(&(gone, vec![Difference::Deleted], Why::Region)));
    assert!(!told.iter().any(|it| it.0 == Subject::Link(is_in(SAM))));
}

#[test]
fn what_waits_for_it_is_told_with_its_cause_and_what_was_told_stays() {
    let (mut bench, replica) = sales();
    cut_short(&mut bench, &replica, false);
    let reason = "its configuration cuts the list".to_owned();
    let hindrance = crate::cloud::Hindrance {
        reason: reason.clone(),
        since: UnixMillis(7),
        tries: 3,
    };
    bench.core.hinder([(RecordKind::User, hindrance)].into());
    let subject = Subject::Object(ObjectKind::User, oid(SAM));
    bench.core.remarked(subject.id(), Some(subject.clone()));
    bench.run();
    let failed = bench.progress().failed;
    let [only] = &failed[..] else {
        panic!("{failed:?}");
    };
    let begins = "what hangs on the users of \"sales\" waits until they are read: ";
    assert!(only.error.starts_with(begins) && only.error.contains(&reason));
    let told = bench.core.remarks(&bench.progress());
    assert_eq!((told.is_whole, told.kept), (true, vec![subject.id()]));
}

/// A user is made beyond the end of the list, and the answer is lost.
fn make_and_lose(name: &str) -> (Bench, Replica) {
    let (mut bench, mut replica) = sales();
    cut_short(&mut bench, &replica, true);
    replica.directory.insert(oid(NEW), user(oid(SALES), name));
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 10);
    bench.keep(batch.notes);
    let [task] = &batch.tasks[..] else {
        panic!("{:?}", batch.tasks);
    };
    bench.cloud.perform(&task.order).unwrap();
    let lost = CloudError::Unreachable {
        endpoint: "keystone".to_owned(),
        reason: "time-out".to_owned(),
    };
    bench.finish(task, Err(lost), 0);
    bench.now += Duration::from_secs(60);
    bench.read();
    (bench, replica)
}

#[test]
fn what_may_have_been_made_beyond_the_end_is_made_under_no_other_name() {
    let (mut bench, mut replica) = make_and_lose("lost");
    replica
        .directory
        .insert(oid(NEW), user(oid(SALES), "found"));
    bench.core.follow(&replica);
    for _ in 0..3 {
        assert_eq!(bench.step(), []);
        bench.now += Duration::from_secs(301);
        bench.read();
    }
    waits(&bench, ObjectKind::User, NEW, RecordKind::User);
    bench.cloud.cut.clear();
    assert_eq!(back(&mut bench), 1, "{:?}", bench.given);
    let named = |name| bench.cloud.named(ObjectKind::User, name).len();
    assert_eq!(["lost", "found"].map(named), [0, 1]);
}

#[test]
fn what_has_a_name_beyond_the_end_is_not_called_somebody_elses() {
    let (mut bench, _) = make_and_lose("lost");
    for _ in 0..3 {
        assert_eq!(bench.step().len(), 1, "the same may be given again");
        let failed = bench.progress().failed;
        let error = &failed[0].error;
        assert!(error.contains("it may be the federation's"), "{error}");
        bench.now += Duration::from_secs(301);
        bench.read();
    }
    bench.cloud.cut.clear();
    assert_eq!(back(&mut bench), 0);
    let progress = bench.progress();
    assert_eq!(progress.failed_count, 0, "{progress:?}");
    assert_eq!(progress.desired, progress.in_place, "{progress:?}");
}
