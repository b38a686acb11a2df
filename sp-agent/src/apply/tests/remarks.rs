//! What the hub hears of, and what it says to put back.

use shared::ids::{FeedId, ObjectId};
use shared::model::{
    Applying, DriftKind, Drifted, End, Key, Object, ObjectKind, Record, RecordKind, Remark,
    RemarkState,
};
use shared::wire::record;

use super::rules::{GROUP, USER, applied, rename};
use super::world::*;
use super::*;
use crate::replica::ToldBack;
use crate::spool::Remarks;

pub(super) fn told(bench: &Bench) -> Remarks {
    bench.core.remarks(&bench.progress())
}

pub(super) fn seen(remark: &Remark) -> [u8; 16] {
    let record = Record::Remark(remark.clone());
    record::digest(&record).unwrap().to_bytes()
}

fn text(it: &str) -> Option<String> {
    Some(it.to_owned())
}

/// Somebody in the region gives ann another address and switches her off.
fn change_ann(bench: &mut Bench, email: &str) {
    let id = bench.cloud.named(ObjectKind::User, "ann").remove(0);
    let Some(Object::User(mut ann)) = bench.cloud.all.object(ObjectKind::User, &id) else {
        panic!("no ann");
    };
    ann.email = Some(email.to_owned());
    ann.enabled = false;
    bench.cloud.all.insert(id, Object::User(ann));
    bench.read();
    bench.run();
}

fn email(bench: &Bench) -> String {
    let ann = bench.cloud.named(ObjectKind::User, "ann").remove(0);
    let ann = bench.cloud.all.users[&ann].clone();
    ann.email.unwrap()
}

pub(super) fn say(replica: &mut Replica, subject: Subject, seen: [u8; 16], at: u64) {
    let at = UnixMillis(at);
    replica.put_backs.insert(subject, ToldBack { seen, at });
}

#[test]
fn a_remark_says_both_values_and_is_the_same_after_a_restart() {
    let (mut bench, replica) = applied();
    assert_eq!(told(&bench).remarks, []);
    change_ann(&mut bench, "ann@elsewhere.org");
    let Remarks {
        applying,
        remarks,
        is_whole,
        kept,
        recalled: _,
    } = told(&bench);
    assert!(is_whole && kept.is_empty());
    let counts = (applying.desired, applying.in_place, applying.drift);
    assert_eq!(counts, (8, 7, 1));
    let [remark] = &remarks[..] else {
        panic!("{remarks:?}");
    };
    assert_eq!(remark.subject, Subject::Object(ObjectKind::User, oid(USER)));
    assert_eq!(remark.name, "ann");
    let (why, drifted) = (Why::Region, |what, directory, cloud| Drifted {
        what,
        directory,
        cloud,
    });
    let what = vec![
        drifted(DriftKind::Enabled, text("true"), text("false")),
        drifted(
            DriftKind::Email,
            text("ann@example.org"),
            text("ann@elsewhere.org"),
        ),
    ];
    assert_eq!(remark.state, RemarkState::Drift { why, what });
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    bench.run();
    assert_eq!(told(&bench).remarks, remarks);
}

#[test]
fn until_all_was_read_nothing_is_said_to_be_as_it_should_be() {
    let core = Reconciler::new(federation(), Policy::default(), Base::default(), start());
    let nothing = core.remarks(&core.progress(start()));
    assert!(!nothing.is_whole);
    assert_eq!(
        nothing.applying,
        Applying {
            left: Some(Duration::ZERO),
            ..Applying::default()
        }
    );
}

/// The hub is of a backup in which all of these live, who were deleted since.
fn all_revived(count: u128) -> Replica {
    let mut replica = super::rules::replica();
    for number in 1000..1000 + count {
        let id = oid(number);
        let name = format!("user {number}");
        replica.directory.insert(id, user(oid(1), &name));
        replica.ended.insert(id, (ObjectKind::User, End::Deleted));
    }
    replica
}

fn told_to_have_ended(told: &Remarks) -> usize {
    let all = told.remarks.iter().map(|it| &it.state);
    all.filter(|it| matches!(it, RemarkState::Ended { .. }))
        .count()
}

#[test]
fn whoever_was_deleted_is_told_of_before_anything_was_read_and_however_many_they_are() {
    let mut core = Reconciler::new(federation(), Policy::default(), Base::default(), start());
    let mut replica = all_revived(2500);
    replica.feed = Some(FeedId::from_bytes([5; 16]));
    core.follow(&replica);
    let first = core.remarks(&core.progress(start()));
    assert_eq!((told_to_have_ended(&first), first.is_whole), (2500, false));
    assert_eq!(first.recalled, replica.feed, "and so it is said");
    core.follow(&all_revived(2));
    let then = core.remarks(&core.progress(start()));
    assert_eq!(told_to_have_ended(&then), 2);

    let (mut bench, _) = applied();
    bench.core.follow(&all_revived(2500));
    assert_eq!(bench.run(), 0);
    assert_eq!(told_to_have_ended(&told(&bench)), 2500);
    assert_eq!(told(&bench).remarks.len(), 2500, "each of them once");
    bench.core.follow(&all_revived(0));
    bench.run();
    assert_eq!(told(&bench).remarks, []);
}

#[test]
fn what_was_seen_is_put_back_once_and_nothing_else() {
    let (mut bench, mut replica) = applied();
    change_ann(&mut bench, "ann@elsewhere.org");
    let remark = told(&bench).remarks.remove(0);
    let subject = remark.subject.clone();

    say(&mut replica, subject.clone(), [1; 16], 1);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "another one was seen");

    say(&mut replica, subject.clone(), seen(&remark), 2);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 1);
    assert_eq!(email(&bench), "ann@example.org");
    assert_eq!(told(&bench).remarks, []);

    // The same again was not seen by anybody; nor is it after a restart.
    change_ann(&mut bench, "ann@elsewhere.org");
    assert_eq!(told(&bench).remarks, std::slice::from_ref(&remark));
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    assert_eq!(bench.run(), 0);
    assert_eq!(told(&bench).remarks, std::slice::from_ref(&remark));

    say(&mut replica, subject.clone(), seen(&remark), 1);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "nor by an earlier word");

    say(&mut replica, subject.clone(), seen(&remark), 3);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 1, "but when it is said once more");
    assert_eq!(email(&bench), "ann@example.org");

    replica.put_backs.remove(&subject);
    bench.core.follow(&replica);
    bench.run();
    assert!(
        bench.kept.put_backs.is_empty(),
        "what is not said is forgotten"
    );
}

#[test]
fn what_is_said_before_the_cloud_is_read_waits_for_that() {
    let (mut bench, mut replica) = applied();
    let id = bench.cloud.named(ObjectKind::User, "ann").remove(0);
    bench.cloud.lose(ObjectKind::User, &id);
    bench.read();
    bench.run();
    let remarks = told(&bench).remarks;
    let deleted = remarks.iter().find(|it| it.name == "ann").unwrap();
    let what = vec![Drifted {
        what: DriftKind::Deleted,
        directory: text("ann"),
        cloud: None,
    }];
    let why = Why::Region;
    assert_eq!(deleted.state, RemarkState::Drift { why, what });
    say(&mut replica, deleted.subject.clone(), seen(deleted), 5);
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    bench.run();
    assert_eq!(bench.cloud.named(ObjectKind::User, "ann").len(), 1);
    assert!(bench.drift().is_empty(), "{:?}", bench.drift());
}

#[test]
fn what_fails_says_why_and_is_remarked_on_no_more_once_it_is_done() {
    let (mut bench, mut replica) = applied();
    let d = bench.cloud.named(ObjectKind::Department, "ops").remove(0);
    let own = bench.cloud.add(group(d, "staff"));
    bench.read();
    bench.run();
    let created = told(&bench).remarks;
    assert_eq!(
        created[0].subject,
        Subject::Own(ObjectKind::Group, own.clone())
    );
    let mut object = replica.directory.object(ObjectKind::Group, &oid(GROUP));
    object = object.map(|it: Object<ObjectId>| super::super::compare::renamed(it, "staff"));
    replica.directory.insert(oid(GROUP), object.unwrap());
    bench.core.follow(&replica);
    bench.step();
    let remarks = told(&bench).remarks;
    let failed = remarks.iter().find(|it| it.name == "admins").unwrap();
    let RemarkState::Failed { error, tries, .. } = &failed.state else {
        panic!("{failed:?}");
    };
    assert!(error.contains("\"staff\""), "{error}");
    assert_eq!((*tries, told(&bench).applying.failed), (1, 1));
    rename(&mut bench.cloud, ObjectKind::Group, "staff", "others");
    bench.read();
    bench.run();
    let remarks = told(&bench).remarks;
    assert!(remarks.iter().all(|it| it.name == "others"), "{remarks:?}");
    let key = Key {
        kind: RecordKind::Group,
        id: own,
    };
    bench.core.remove(&key);
    bench.core.next(bench.now, 0);
    assert_eq!(told(&bench).remarks, []);
}

#[test]
fn a_put_back_that_has_to_wait_is_none_once_the_drift_is_another() {
    let (mut bench, mut replica) = applied();
    change_ann(&mut bench, "ann@elsewhere.org");
    let remark = told(&bench).remarks.remove(0);
    say(&mut replica, remark.subject.clone(), seen(&remark), 1);
    bench.core.follow(&replica);
    // Taken, and not carried out: the cloud is given no room.
    let batch = bench.core.next(bench.now, 0);
    bench.keep(batch.notes);
    assert!(bench.kept.put_backs.contains_key(&remark.subject.id()));
    change_ann(&mut bench, "ann@somewhere.org");
    assert_eq!(bench.run(), 0, "nobody saw that one");
    assert_eq!(email(&bench), "ann@somewhere.org");
}

#[test]
fn a_lost_replica_takes_no_word_again() {
    let (mut bench, mut replica) = applied();
    change_ann(&mut bench, "ann@elsewhere.org");
    let remark = told(&bench).remarks.remove(0);
    say(&mut replica, remark.subject.clone(), seen(&remark), 5);
    bench.restart(Base::default(), &replica, Policy::default());
    bench.run();
    let taken = bench.kept.put_backs.get(&remark.subject.id());
    assert_eq!(taken, Some(&UnixMillis(5)));
}
