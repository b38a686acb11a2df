//! Where one department's users and groups can't be listed after a start, what hangs on them waits,
//! and all else goes on.

mod cut;
mod rights;

use shared::ids::ObjectId;
use shared::model::{End, Link, Object, ObjectKind, RecordKind};

use super::passwords::secret_of;
use super::rules::{DEPARTMENT, GROUP, PROJECT, ROLE, USER, applied, change, end};
use super::world::*;
use super::*;

const SALES: u128 = 20;
const SELLERS: u128 = 21;
const SUE: u128 = 22;
const SAM: u128 = 23;
const SHOP: u128 = 24;
const NEW: u128 = 30;

/// Another department, of which all is in place.
fn sales() -> (Bench, Replica) {
    let (mut bench, mut replica) = applied();
    let (d, all) = (oid(SALES), &mut replica.directory);
    all.insert(d, department("sales"));
    all.insert(oid(SELLERS), group(d, "sellers"));
    all.insert(oid(SUE), user(d, "sue"));
    all.insert(oid(SAM), user(d, "sam"));
    all.insert(oid(SHOP), project(d, None, "shop"));
    all.link(member(oid(SELLERS), oid(SUE)));
    all.link(member(oid(SELLERS), oid(SAM)));
    all.link(assigned_to_all(oid(SELLERS), oid(SHOP), oid(ROLE)));
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(bench.progress().desired, bench.progress().in_place);
    (bench, replica)
}

fn id_of(bench: &Bench, name: &str) -> CloudId {
    bench.cloud.named(ObjectKind::Department, name).remove(0)
}

/// The agent starts anew, with or without what it held.
fn begin_anew(bench: &mut Bench, replica: &Replica, is_held: bool) {
    bench.core = Reconciler::new(
        federation(),
        Policy::default(),
        bench.kept.clone(),
        bench.now,
    );
    if is_held {
        let cloud = bench.cloud.clone();
        cloud.tell_held(&mut bench.core, |_, _| true, |_, _| true);
    }
    bench.read();
    bench.core.follow(replica);
}

/// It does so while sales' directory server is away.
fn away(bench: &mut Bench, replica: &Replica, is_held: bool) {
    let id = id_of(bench, "sales");
    bench.cloud.away.insert(id);
    begin_anew(bench, replica, is_held);
}

/// Runs, and nothing may be ordered where the server is away.
fn run_elsewhere(bench: &mut Bench) -> usize {
    let before = bench.given.len();
    let orders = bench.run();
    for order in &bench.given[before..] {
        assert!(!bench.cloud.is_away(order), "{order:?}");
    }
    orders
}

fn back(bench: &mut Bench) -> usize {
    bench.cloud.away.clear();
    bench.read();
    bench.run()
}

fn waits(bench: &Bench, kind: ObjectKind, id: u128, of: RecordKind) {
    let subject = Subject::Object(kind, oid(id));
    let standing = bench.core.standing(&subject);
    assert_eq!(
        standing,
        Some(&Standing::Waiting(Wait::Reading(of))),
        "{kind:?} {id}"
    );
}

fn mail(replica: &mut Replica, id: u128) {
    change(
        replica,
        ObjectKind::User,
        id,
        |it: &mut Object<ObjectId>| {
            if let Object::User(it) = it {
                it.email = Some("new@example.org".to_owned());
            }
        },
    );
}

#[test]
fn all_departments_go_on_but_the_one_that_cannot_be_listed() {
    for is_held in [true, false] {
        let (mut bench, mut replica) = sales();
        away(&mut bench, &replica, is_held);
        assert_eq!(run_elsewhere(&mut bench), 0);
        assert!(bench.drift().is_empty(), "{:?}", bench.drift());
        for (department, at) in [(DEPARTMENT, NEW), (SALES, NEW + 10)] {
            let (d, all) = (oid(department), &mut replica.directory);
            all.insert(oid(at), user(d, &format!("u{at}")));
            all.insert(oid(at + 1), group(d, &format!("g{at}")));
            all.link(member(oid(at + 1), oid(at)));
            all.link(assigned(oid(at), oid(PROJECT), oid(ROLE)));
            replica.secrets.insert(oid(at), secret_of(oid(at), 5));
        }
        all_changed(&mut replica);
        bench.core.follow(&replica);
        // The new ones with two links and a password; ann's address and her membership.
        assert_eq!(run_elsewhere(&mut bench), 5 + 2, "{:?}", bench.given);
        let user = bench.cloud.named(ObjectKind::User, "u30").remove(0);
        assert_eq!(bench.cloud.passwords.get(&user), Some(&5));
        waits(&bench, ObjectKind::User, NEW + 10, RecordKind::User);
        waits(&bench, ObjectKind::Group, NEW + 11, RecordKind::Group);
        waits(&bench, ObjectKind::User, SUE, RecordKind::User);
        assert!(bench.drift().is_empty(), "{:?}", bench.drift());
        assert!(bench.progress().failed.is_empty());
        let applied = &bench.core.base().objects;
        assert!(
            applied.contains_key(&(ObjectKind::User, oid(SAM))),
            "it may be there"
        );

        assert_eq!(back(&mut bench), 5 + 2, "{:?}", bench.given);
        assert_eq!(bench.cloud.named(ObjectKind::User, "u40").len(), 1);
        assert!(bench.cloud.named(ObjectKind::User, "sam").is_empty());
        assert_eq!(bench.cloud.all.memberships.len(), 3);
        let progress = bench.progress();
        assert_eq!(progress.desired, progress.in_place, "{progress:?}");
    }
}

/// In each department somebody's address is another one; ann is no member any more, and sam is
/// deleted.
fn all_changed(replica: &mut Replica) {
    mail(replica, USER);
    mail(replica, SUE);
    replica.directory.unlink(&member(oid(GROUP), oid(USER)));
    end(replica, ObjectKind::User, SAM, End::Deleted);
}

#[test]
fn what_is_not_met_is_neither_gone_nor_made_again() {
    let (mut bench, mut replica) = sales();
    away(&mut bench, &replica, false);
    end(&mut replica, ObjectKind::Group, SELLERS, End::Deleted);
    bench.core.follow(&replica);
    bench
        .core
        .put_back(Subject::Object(ObjectKind::User, oid(SUE)));
    assert_eq!(run_elsewhere(&mut bench), 0);
    waits(&bench, ObjectKind::Group, SELLERS, RecordKind::Group);
    waits(&bench, ObjectKind::User, SUE, RecordKind::User);
    assert_eq!(bench.core.base(), &bench.kept);
    assert!(
        bench
            .kept
            .objects
            .contains_key(&(ObjectKind::Group, oid(SELLERS)))
    );
    assert_eq!(bench.kept.links.len(), 5, "{:?}", bench.kept.links);
    assert_eq!(back(&mut bench), 1, "the group goes");
    assert!(bench.cloud.named(ObjectKind::Group, "sellers").is_empty());
}

#[test]
fn what_is_gone_from_a_department_that_was_listed_is_told_at_once() {
    let (mut bench, mut replica) = sales();
    let ann = bench.cloud.named(ObjectKind::User, "ann").remove(0);
    bench.cloud.lose(ObjectKind::User, &ann);
    away(&mut bench, &replica, false);
    mail(&mut replica, SUE);
    bench.core.follow(&replica);
    assert_eq!(run_elsewhere(&mut bench), 0);
    let told = bench.drift();
    let subject = Subject::Object(ObjectKind::User, oid(USER));
    assert!(
        told.contains(&(subject, vec![Difference::Deleted], Why::Region)),
        "{told:?}"
    );
    waits(&bench, ObjectKind::User, SUE, RecordKind::User);
}

#[test]
fn a_marker_on_something_else_is_not_taken_for_what_may_be_there() {
    let (mut bench, mut replica) = sales();
    let ops = id_of(&bench, "ops");
    let other = bench.cloud.add(user(ops, "other"));
    bench.cloud.mark(ObjectKind::User, &other, oid(SAM));
    end(&mut replica, ObjectKind::User, SAM, End::Deleted);
    for loses in [false, true] {
        if loses {
            bench.kept = Base::default();
        }
        away(&mut bench, &replica, false);
        assert_eq!(bench.step().iter().filter(|it| is_removal(it)).count(), 0);
        run_elsewhere(&mut bench);
        waits(&bench, ObjectKind::User, SAM, RecordKind::User);
        bench.cloud.away.clear();
    }
}

fn is_removal(order: &Order) -> bool {
    matches!(order, Order::Remove { .. })
}

#[test]
fn what_two_readings_told_between_them_is_known() {
    let (mut bench, replica) = sales();
    away(&mut bench, &replica, false);
    bench.cloud.away = [id_of(&bench, "ops")].into();
    bench.read();
    assert_eq!(bench.run(), 0);
    let progress = bench.progress();
    assert_eq!(progress.desired, progress.in_place, "{progress:?}");
}

/// The order to make a user in a department, of which the answer was lost.
fn lost(bench: &mut Bench, replica: &mut Replica, department: u128) -> Subject {
    let new = user(oid(department), "new");
    replica.directory.insert(oid(NEW), new);
    bench.core.follow(replica);
    let batch = bench.core.next(bench.now, 10);
    bench.keep(batch.notes);
    let [task] = &batch.tasks[..] else {
        panic!("{:?}", batch.tasks);
    };
    bench.cloud.perform(&task.order).unwrap();
    bench.finish(task, Err(CloudError::Stopped), 0);
    task.subject.clone()
}

#[test]
fn what_is_in_doubt_stays_so_until_it_is_read_there() {
    for (department, is_told) in [(DEPARTMENT, true), (SALES, false)] {
        let (mut bench, mut replica) = sales();
        let subject = lost(&mut bench, &mut replica, department);
        change(&mut replica, ObjectKind::User, NEW, |it| {
            *it = super::super::compare::renamed(it.clone(), "newer");
        });
        bench.core.follow(&replica);
        bench.cloud.away.insert(id_of(&bench, "sales"));
        bench.now += Duration::from_secs(301);
        bench.read();
        bench.step();
        let standing = bench.core.standing(&subject).unwrap();
        assert_eq!(standing.is_unread(), !is_told, "{standing:?}");
        back(&mut bench);
        assert_eq!(bench.cloud.named(ObjectKind::User, "newer").len(), 1);
        assert!(
            bench.cloud.named(ObjectKind::User, "new").is_empty(),
            "not made twice"
        );
    }
}

#[test]
fn a_name_that_is_taken_there_is_looked_for_there() {
    let (mut bench, mut replica) = sales();
    let taken = bench.cloud.add(user(id_of(&bench, "sales"), "new"));
    replica.directory.insert(oid(NEW), user(oid(SALES), "new"));
    bench.core.follow(&replica);
    bench.read();
    bench.step();
    bench.cloud.away.insert(id_of(&bench, "sales"));
    for _ in 0..3 {
        bench.now += Duration::from_secs(301);
        bench.read();
        assert!(bench.step().is_empty(), "nothing was read there");
    }
    bench.cloud.all.take(ObjectKind::User, &taken);
    assert_eq!(back(&mut bench), 1);
}

#[test]
fn what_waits_is_told_by_the_departments_name() {
    let (mut bench, replica) = sales();
    away(&mut bench, &replica, true);
    let hindrance = crate::cloud::Hindrance {
        reason: "HTTP 500".to_owned(),
        since: UnixMillis(7),
        tries: 3,
    };
    let all = BTreeMap::from([(RecordKind::User, hindrance)]);
    bench.core.hinder(all);
    bench.run();
    let failed = bench.progress().failed;
    let [only] = &failed[..] else {
        panic!("{failed:?}");
    };
    let begins = "what hangs on the users of \"sales\" waits until they are read: ";
    assert!(only.error.starts_with(begins), "{only:?}");
    back(&mut bench);
    assert!(bench.progress().failed.is_empty());
}

#[test]
fn what_was_remarked_there_stays_and_elsewhere_is_told_no_more_once_it_is_mended() {
    let (mut bench, replica) = sales();
    let own = [("ops", "olga"), ("sales", "sid")].map(|(department, name)| {
        let department = id_of(&bench, department);
        let id = bench.cloud.add(user(department, name));
        Subject::Own(ObjectKind::User, id)
    });
    let others = [
        Subject::Object(ObjectKind::User, oid(USER)),
        Subject::Object(ObjectKind::User, oid(SUE)),
        Subject::Link(member(oid(SELLERS), oid(SUE))),
        Subject::Password(oid(USER)),
    ];
    for is_held in [true, false] {
        away(&mut bench, &replica, is_held);
        for subject in own.iter().chain(&others) {
            bench.core.remarked(subject.id(), Some(subject.clone()));
        }
        bench.run();
        let told = bench.core.remarks(&bench.progress());
        assert!(told.is_whole);
        let here = told.remarks.iter().map(|it| &it.subject);
        assert_eq!(here.collect::<Vec<_>>(), [&own[0]]);
        let kept: BTreeSet<CloudId> = told.kept.into_iter().collect();
        let expected = [&own[1], &others[1], &others[2]].map(Subject::id);
        assert_eq!(kept, expected.into());
        back(&mut bench);
        assert!(bench.core.remarks(&bench.progress()).kept.is_empty());
    }
}
