//! Each rule by an example.

use shared::ids::ObjectId;
use shared::model::{Becomes, End, Object, ObjectKind};

use super::cloud::objects;
use super::world::*;
use super::*;

pub(super) const DEPARTMENT: u128 = 1;
pub(super) const ROLE: u128 = 2;
pub(super) const PROJECT: u128 = 3;
pub(super) const INNER: u128 = 4;
pub(super) const GROUP: u128 = 5;
pub(super) const USER: u128 = 6;

pub(super) fn replica() -> Replica {
    let mut replica = Replica::default();
    let d = oid(DEPARTMENT);
    let all = &mut replica.directory;
    all.insert(d, department("ops"));
    all.insert(oid(ROLE), role("member"));
    all.insert(oid(PROJECT), project(d, None, "web"));
    all.insert(oid(INNER), project(d, Some(oid(PROJECT)), "web-test"));
    all.insert(oid(GROUP), group(d, "admins"));
    let mut ann = user(d, "ann");
    if let Object::User(ann) = &mut ann {
        ann.default_project = Some(oid(INNER));
    }
    all.insert(oid(USER), ann);
    all.link(member(oid(GROUP), oid(USER)));
    all.link(assigned(oid(USER), oid(PROJECT), oid(ROLE)));
    replica
}

pub(super) fn bench() -> (Bench, Replica) {
    let (mut bench, replica) = (Bench::new(Fake::default(), Policy::default()), replica());
    bench.core.follow(&replica);
    (bench, replica)
}

pub(super) fn applied() -> (Bench, Replica) {
    let (mut bench, replica) = bench();
    bench.run();
    (bench, replica)
}

pub(super) fn change(
    replica: &mut Replica,
    kind: ObjectKind,
    id: u128,
    how: impl FnOnce(&mut Object<ObjectId>),
) {
    let mut object = replica.directory.object(kind, &oid(id)).unwrap();
    how(&mut object);
    replica.directory.insert(oid(id), object);
}

pub(super) fn end(replica: &mut Replica, kind: ObjectKind, id: u128, how: End) {
    replica.directory.take(kind, &oid(id)).unwrap();
    replica.ended.insert(oid(id), (kind, how));
    for link in super::cloud::links(&replica.directory) {
        if link.ends().any(|it| it == (kind, &oid(id))) {
            replica.directory.unlink(&link);
        }
    }
}

pub(super) fn rename(cloud: &mut Fake, kind: ObjectKind, from: &str, to: &str) {
    let id = cloud.named(kind, from).remove(0);
    let object = cloud.all.object(kind, &id).unwrap();
    cloud
        .all
        .insert(id, super::super::compare::renamed(object, to));
}

#[test]
fn an_empty_cloud_gets_everything_in_order_and_then_nothing() {
    let (mut bench, replica) = bench();
    let batches: Vec<usize> = std::iter::repeat_with(|| bench.step().len())
        .take(6)
        .collect();
    // Department and role; project, group and user; inner project and links; and that project as
    // the user's default.
    assert_eq!(batches, [2, 3, 3, 1, 0, 0]);
    assert_eq!(objects(&bench.cloud.all).len(), 6);
    let progress = bench.progress();
    assert_eq!(
        (progress.desired, progress.in_place),
        (8, 8),
        "{progress:?}"
    );
    assert_eq!(progress.left, Some(Duration::ZERO));
    assert_eq!(bench.run(), 0);
    let kept = bench.kept.clone();
    assert_eq!(&kept, bench.core.base());
    bench.restart(kept, &replica, Policy::default());
    assert_eq!(bench.run(), 0, "nor after a restart");
    bench.restart(Base::default(), &replica, Policy::default());
    assert_eq!(bench.run(), 0, "nor where all is known by its marker");
}

#[test]
fn one_change_at_the_hub_is_one_order_and_only_what_changed_there() {
    let (mut bench, mut replica) = applied();
    change(&mut replica, ObjectKind::User, USER, |it| {
        if let Object::User(it) = it {
            it.email = Some("new@example.org".to_owned());
        }
    });
    bench.core.follow(&replica);
    let orders = bench.step();
    let [
        Order::Update {
            from, to, marker, ..
        },
    ] = orders.as_slice()
    else {
        panic!("{orders:?}");
    };
    assert_eq!((from.name(), to.name(), marker), ("ann", "ann", &None));
    assert_eq!(bench.run(), 0);
}

#[test]
fn what_changed_in_the_cloud_alone_is_reported_and_stays_until_the_hub_says_otherwise() {
    let (mut bench, mut replica) = applied();
    rename(&mut bench.cloud, ObjectKind::Group, "admins", "root");
    bench.read();
    assert_eq!(bench.run(), 0);
    let (from, to) = ("admins".to_owned(), "root".to_owned());
    let subject = Subject::Object(ObjectKind::Group, oid(GROUP));
    let expected = vec![Difference::Renamed { from, to }];
    assert_eq!(bench.drift(), [(subject.clone(), expected, Why::Region)]);
    // A restart does not forget that it is drift.
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    assert_eq!(bench.run(), 0);
    bench.core.put_back(subject);
    assert_eq!(bench.run(), 1);
    assert_eq!(bench.cloud.named(ObjectKind::Group, "admins").len(), 1);
    assert!(bench.drift().is_empty());
    // The hub's later word counts too.
    rename(&mut bench.cloud, ObjectKind::Group, "admins", "root");
    change(&mut replica, ObjectKind::Group, GROUP, |it| {
        *it = super::super::compare::renamed(it.clone(), "staff");
    });
    bench.read();
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 1);
    assert_eq!(bench.cloud.named(ObjectKind::Group, "staff").len(), 1);
}

#[test]
fn what_was_deleted_in_the_region_is_made_again_only_when_told_to_with_its_links() {
    let (mut bench, _) = applied();
    let ann = bench.cloud.named(ObjectKind::User, "ann").remove(0);
    bench.cloud.lose(ObjectKind::User, &ann);
    bench.read();
    assert_eq!(bench.run(), 0);
    let subject = Subject::Object(ObjectKind::User, oid(USER));
    assert_eq!(
        bench.drift(),
        [(subject.clone(), vec![Difference::Deleted], Why::Region)]
    );
    bench.core.put_back(subject);
    assert_eq!(bench.run(), 3, "the user and both links");
    assert!(bench.drift().is_empty(), "{:?}", bench.drift());
}

#[test]
fn links_made_and_taken_in_the_region_are_drift_and_what_the_hub_takes_is_taken() {
    let (mut bench, mut replica) = applied();
    let find = |bench: &Bench, kind, name: &str| bench.cloud.named(kind, name).remove(0);
    let (ann, role) = (
        find(&bench, ObjectKind::User, "ann"),
        find(&bench, ObjectKind::Role, "member"),
    );
    let admins = find(&bench, ObjectKind::Group, "admins");
    let inner = find(&bench, ObjectKind::Project, "web-test");
    bench.cloud.all.link(assigned(ann.clone(), inner, role));
    bench.cloud.all.unlink(&member(admins, ann));
    bench.read();
    assert_eq!(bench.run(), 0);
    let given = Subject::Link(assigned(oid(USER), oid(INNER), oid(ROLE)));
    let taken = Subject::Link(member(oid(GROUP), oid(USER)));
    let expected = [
        (taken.clone(), vec![Difference::LinkTaken], Why::Region),
        (given.clone(), vec![Difference::LinkGiven], Why::Region),
    ];
    assert_eq!(bench.drift(), expected);
    bench.core.put_back(given);
    bench.core.put_back(taken);
    assert_eq!(bench.run(), 2);
    assert!(bench.drift().is_empty());
    replica
        .directory
        .unlink(&assigned(oid(USER), oid(PROJECT), oid(ROLE)));
    bench.core.follow(&replica);
    assert!(matches!(bench.step().as_slice(), [Order::Unlink(_)]));
    assert_eq!(bench.run(), 0);
}

#[test]
fn the_deleted_are_removed_the_retired_and_withheld_switched_off_inner_first() {
    let (mut bench, mut replica) = applied();
    let lucy = bench.cloud.add(user(
        bench.cloud.named(ObjectKind::Department, "ops")[0].clone(),
        "lucy",
    ));
    replica
        .bindings
        .insert((ObjectKind::User, lucy.clone()), Becomes::Withheld(oid(99)));
    replica
        .ended
        .insert(oid(99), (ObjectKind::User, End::Deleted));
    end(&mut replica, ObjectKind::User, USER, End::Deleted);
    end(&mut replica, ObjectKind::Project, INNER, End::Retired);
    end(&mut replica, ObjectKind::Project, PROJECT, End::Retired);
    bench.read();
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 4, "{:?}", bench.given);
    assert!(bench.cloud.named(ObjectKind::User, "ann").is_empty());
    assert!(!bench.cloud.all.users[&lucy].enabled);
    assert!(bench.cloud.all.projects.values().all(|it| !it.enabled));
    // Whoever switches it on again in the region is told of, not overruled.
    bench.cloud.all.users.get_mut(&lucy).unwrap().enabled = true;
    bench.read();
    assert_eq!(bench.run(), 0);
    assert_eq!(bench.drift().len(), 1);
}

#[test]
fn absence_from_the_directory_removes_nothing() {
    let (mut bench, _) = applied();
    bench.core.follow(&Replica::default());
    assert_eq!(bench.run(), 0);
    assert_eq!(objects(&bench.cloud.all).len(), 6);
    let drift = bench.drift();
    assert_eq!(drift.len(), 6, "{drift:?}");
    assert!(
        drift
            .iter()
            .all(|(_, what, _)| *what == [Difference::NotInDirectory])
    );
}

#[test]
fn what_the_hub_recognized_is_written_over_once_and_marked_never_made_again() {
    let mut cloud = Fake::default();
    let ops = cloud.add(department("ops"));
    let ann = cloud.add(user(ops.clone(), "Ann"));
    let member = cloud.add(role("member"));
    let mut bench = Bench::new(cloud, Policy::default());
    let mut replica = replica();
    for (kind, here, id) in [
        (ObjectKind::Department, &ops, DEPARTMENT),
        (ObjectKind::User, &ann, USER),
        (ObjectKind::Role, &member, ROLE),
    ] {
        replica
            .bindings
            .insert((kind, here.clone()), Becomes::Object(oid(id)));
    }
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(objects(&bench.cloud.all).len(), 6);
    assert_eq!(bench.cloud.all.users[&ann].name, "ann");
    assert!(
        bench
            .cloud
            .markers
            .contains_key(&(ObjectKind::Department, ops))
    );
    assert_eq!(bench.run(), 0);
}

#[test]
fn what_is_reserved_or_protected_is_not_touched_and_blocks_only_what_needs_it() {
    let mut cloud = Fake::default();
    let heat = cloud.add(department("Heat"));
    cloud.reserve(ObjectKind::Department, &heat);
    let policy = Policy {
        protected_users: vec!["ANN".to_owned()],
        ..Policy::default()
    };
    let mut bench = Bench::new(cloud, policy);
    let mut replica = replica();
    replica.directory.insert(oid(20), department("heat"));
    replica.directory.insert(oid(21), user(oid(20), "bob"));
    bench.core.follow(&replica);
    bench.run();
    let progress = bench.progress();
    assert_eq!(progress.failed_count, 1, "{progress:?}");
    assert!(
        progress.failed[0]
            .error
            .contains("the region's own department"),
        "{progress:?}"
    );
    let ann = Subject::Object(ObjectKind::User, oid(USER));
    assert_eq!(
        bench.drift(),
        [(ann, vec![Difference::Missing], Why::Protected)]
    );
    assert_eq!(bench.cloud.all.projects.len(), 2);
    // Bob, and both of Ann's links.
    assert_eq!(progress.waiting, 3);
}

#[test]
fn read_only_means_no_order_and_every_difference_told() {
    let policy = Policy {
        read_only: true,
        ..Policy::default()
    };
    let mut bench = Bench::new(Fake::default(), policy);
    bench.core.follow(&replica());
    assert_eq!(bench.run(), 0);
    let drift = bench.drift();
    assert!(drift.iter().all(|(_, _, why)| *why == Why::ReadOnly));
    assert_eq!(
        drift.len(),
        2,
        "department and role; the rest waits for them"
    );
    bench.core.allow(Policy::default());
    assert_eq!(
        bench.run(),
        9,
        "of all, and a default project that came after its user"
    );
}
