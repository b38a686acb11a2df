//! Whom the directory makes an administrator of a cloud by a role in his department, or by a group.

use shared::ids::ObjectId;
use shared::model::{Becomes, End, Link, ObjectKind};

use super::passwords::secret_of;
use super::rules::{DEPARTMENT, GROUP, INNER, PROJECT, ROLE, USER, applied, end};
use super::world::*;
use super::*;
use crate::replica::Tied;

const ADMIN: u128 = 70;

fn tell(bench: &mut Bench, replica: &mut Replica, version: u64) {
    let secret = secret_of(oid(USER), version);
    replica.secrets.insert(oid(USER), secret);
    bench.core.follow(replica);
}

/// The directory of [`applied`], in which ann has the role `admin` by these links too.
fn given(links: &[Link<ObjectId>]) -> (Bench, Replica) {
    let (mut bench, mut replica) = applied();
    replica.directory.insert(oid(ADMIN), role("admin"));
    links
        .iter()
        .for_each(|it| replica.directory.link(it.clone()));
    bench.core.follow(&replica);
    (bench, replica)
}

fn admin() -> Link<ObjectId> {
    assigned(oid(USER), oid(PROJECT), oid(ADMIN))
}

fn standing(bench: &Bench, link: &Link<ObjectId>) -> Option<Standing> {
    bench.core.standing(&Subject::Link(link.clone())).cloned()
}

fn is_held(bench: &Bench, link: &Link<ObjectId>) -> bool {
    standing(bench, link) == Some(Standing::Waiting(Wait::Password(oid(USER))))
}

fn ann(bench: &Bench) -> CloudId {
    bench.cloud.named(ObjectKind::User, "ann").remove(0)
}

fn has(bench: &Bench, version: u64) -> bool {
    bench.cloud.passwords.get(&ann(bench)) == Some(&version)
}

fn keeps_his_own(bench: &Bench) -> bool {
    let subject = Subject::Password(oid(USER));
    let held = (subject, vec![Difference::Password], Why::Custody);
    bench.drift().contains(&held)
}

/// As in a region that joins later, to which his password comes when he signs in.
#[test]
fn whoever_the_directory_made_one_has_his_password_first_and_the_next_ones_too() {
    let (mut bench, mut replica) = given(&[admin()]);
    bench.run();
    assert!(is_held(&bench, &admin()), "{:?}", bench.drift());
    tell(&mut bench, &mut replica, 5);
    assert_eq!(bench.run(), 2, "{:?}", bench.drift());
    assert_eq!(standing(&bench, &admin()), Some(Standing::InPlace));
    tell(&mut bench, &mut replica, 9);
    assert_eq!(bench.run(), 1);
    assert!(has(&bench, 9));
    // An agent of before made the link first.
    let mut base = bench.kept.clone();
    base.passwords.clear();
    bench.restart(base, &replica, Policy::default());
    assert_eq!(bench.run(), 1, "{:?}", bench.drift());
    replica.directory.unlink(&admin());
    replica.unsaid.insert(admin());
    tell(&mut bench, &mut replica, 11);
    bench.run();
    assert!(keeps_his_own(&bench), "not by the directory's word now");
}

#[test]
fn by_a_group_it_is_the_same() {
    let late = oid(77);
    let to_all = assigned_to_all(oid(GROUP), oid(PROJECT), oid(ADMIN));
    let (mut bench, mut replica) = given(std::slice::from_ref(&to_all));
    bench.run();
    let made = standing(&bench, &to_all);
    assert_eq!(made, Some(Standing::InPlace), "it waits for nobody");
    tell(&mut bench, &mut replica, 5);
    assert_eq!(bench.run(), 1, "{:?}", bench.drift());
    let joins = member(oid(GROUP), late);
    replica
        .directory
        .insert(late, user(oid(DEPARTMENT), "late"));
    replica.directory.link(joins.clone());
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 1);
    let waits = Some(Standing::Waiting(Wait::Password(late)));
    assert_eq!(standing(&bench, &joins), waits);
    replica.directory.unlink(&to_all);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 2, "the group has it no more, and he is in it");
    assert_eq!(standing(&bench, &joins), Some(Standing::InPlace));
}

fn to_all() -> Link<ObjectId> {
    assigned_to_all(oid(GROUP), oid(PROJECT), oid(ADMIN))
}

#[test]
fn a_group_is_given_it_once_those_in_it_have_the_passwords_that_the_hub_set() {
    for leaves in [false, true] {
        let (mut bench, mut replica) = applied();
        tell(&mut bench, &mut replica, 5);
        replica.directory.insert(oid(ADMIN), role("admin"));
        bench.core.follow(&replica);
        bench.run();
        // Others may know the one until now.
        replica.directory.link(to_all());
        tell(&mut bench, &mut replica, 9);
        let batch = bench.core.next(bench.now, 10);
        bench.keep(batch.notes);
        let [task] = &batch.tasks[..] else {
            panic!("{:?}", batch.tasks);
        };
        assert!(matches!(task.order, Order::Password(..)), "{task:?}");
        assert!(is_held(&bench, &to_all()));
        if leaves {
            let refused = CloudError::Conflict {
                endpoint: "keystone".to_owned(),
                what: "a password".to_owned(),
                reason: "it was used before".to_owned(),
            };
            bench.finish(task, Err(refused), u64::MAX);
            replica.directory.unlink(&member(oid(GROUP), oid(USER)));
            bench.core.follow(&replica);
            let orders = [bench.step(), bench.step()];
            assert!(
                matches!(
                    [&orders[0][..], &orders[1][..]],
                    [[Order::Unlink(_)], [Order::Link(_)]]
                ),
                "who has it not is in it no more: {orders:?}"
            );
        } else {
            bench.cloud.perform(&task.order).unwrap();
            bench.finish(task, Ok(None), 0);
            assert_eq!(bench.run(), 1);
        }
        assert_eq!(standing(&bench, &to_all()), Some(Standing::InPlace));
    }
}

/// A role `admin` of the region, given to the group of [`applied`] before the directory had it.
fn met(bench: &mut Bench, replica: &mut Replica, project: (&str, u128)) {
    let there = bench.cloud.named(ObjectKind::Project, project.0).remove(0);
    let group = bench.cloud.named(ObjectKind::Group, "admins").remove(0);
    let known = bench.cloud.named(ObjectKind::Role, "admin").pop();
    let admin = known.unwrap_or_else(|| bench.cloud.add(role("admin")));
    let place = (ObjectKind::Role, admin.clone());
    replica.bindings.insert(place, Becomes::Object(oid(ADMIN)));
    replica.directory.insert(oid(ADMIN), role("admin"));
    bench.cloud.all.link(assigned_to_all(group, there, admin));
    bench.read();
    bench.core.follow(replica);
    bench.run();
    let adopted = assigned_to_all(oid(GROUP), oid(project.1), oid(ADMIN));
    replica.directory.link(adopted.clone());
    bench.core.follow(replica);
    bench.run();
    assert_eq!(bench.kept.tied(&adopted.id()), Some(Tied::Met));
}

#[test]
fn whom_the_directory_puts_into_a_group_that_had_it_before_is_the_federations() {
    let (mut bench, mut replica) = applied();
    let joins = member(oid(GROUP), oid(USER));
    replica.directory.unlink(&joins);
    bench.core.follow(&replica);
    bench.run();
    met(&mut bench, &mut replica, ("web", PROJECT));
    replica.directory.link(joins.clone());
    bench.core.follow(&replica);
    bench.run();
    assert!(is_held(&bench, &joins), "{:?}", bench.drift());
    for version in [5, 9] {
        tell(&mut bench, &mut replica, version);
        bench.run();
        assert!(has(&bench, version), "{version} {:?}", bench.drift());
        assert_eq!(standing(&bench, &joins), Some(Standing::InPlace));
    }
    let base = bench.kept.clone();
    bench.restart(base, &replica, Policy::default());
    tell(&mut bench, &mut replica, 11);
    bench.run();
    assert!(has(&bench, 11), "{:?}", bench.drift());
    // What the region gave those who were in it already.
    met(&mut bench, &mut replica, ("web-test", INNER));
    tell(&mut bench, &mut replica, 13);
    bench.run();
    assert!(keeps_his_own(&bench) && has(&bench, 11));
}

#[test]
fn a_membership_waits_no_more_once_its_groups_role_is_called_otherwise() {
    let (late, joins) = (oid(77), member(oid(GROUP), oid(77)));
    let to_all = assigned_to_all(oid(GROUP), oid(PROJECT), oid(ADMIN));
    let (mut bench, mut replica) = given(&[to_all]);
    let object = user(oid(DEPARTMENT), "late");
    replica.directory.insert(late, object);
    replica.directory.link(joins.clone());
    bench.core.follow(&replica);
    bench.run();
    let waits = Some(Standing::Waiting(Wait::Password(late)));
    assert_eq!(standing(&bench, &joins), waits);
    replica.directory.insert(oid(ADMIN), role("reader"));
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(standing(&bench, &joins), Some(Standing::InPlace));
}

#[test]
fn by_a_role_that_comes_with_another_it_is_if_the_directory_says_so() {
    let implies = implied(oid(ROLE), oid(ADMIN));
    let (mut bench, mut replica) = given(std::slice::from_ref(&implies));
    bench.run();
    tell(&mut bench, &mut replica, 5);
    assert_eq!(bench.run(), 1, "{:?}", bench.drift());
    // Nobody at the hub knows that he is one here.
    replica.directory.unlink(&implies);
    replica.unsaid.insert(implies);
    tell(&mut bench, &mut replica, 9);
    bench.run();
    assert!(keeps_his_own(&bench) && has(&bench, 5));
}

#[test]
fn who_came_with_the_region_has_a_password_and_need_not_wait() {
    let (mut bench, mut replica) = applied();
    let place = (ObjectKind::User, ann(&bench));
    replica.bindings.insert(place, Becomes::Object(oid(USER)));
    replica.directory.insert(oid(ADMIN), role("admin"));
    replica.directory.link(admin());
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(standing(&bench, &admin()), Some(Standing::InPlace));
    tell(&mut bench, &mut replica, 5);
    assert_eq!(bench.run(), 1, "he was no administrator here before");
}

#[test]
fn who_was_one_before_by_his_group_or_by_himself_keeps_his_own() {
    for by_group in [true, false] {
        let (mut bench, mut replica) = applied();
        let project = bench.cloud.named(ObjectKind::Project, "web").remove(0);
        let group = bench.cloud.named(ObjectKind::Group, "admins").remove(0);
        let admin_here = bench.cloud.add(role("admin"));
        let place = (ObjectKind::Role, admin_here.clone());
        replica.bindings.insert(place, Becomes::Object(oid(ADMIN)));
        let found = match by_group {
            true => assigned_to_all(group, project, admin_here),
            false => assigned(ann(&bench), project, admin_here),
        };
        bench.cloud.all.link(found);
        bench.read();
        replica.directory.insert(oid(ADMIN), role("admin"));
        let met = match by_group {
            true => assigned_to_all(oid(GROUP), oid(PROJECT), oid(ADMIN)),
            false => admin(),
        };
        // Both ways are as they were before the directory had them.
        let membership = member(oid(GROUP), oid(USER)).id();
        let mut base = bench.kept.clone();
        base.note(Note::Link(membership, Some(Tied::Met)));
        replica.directory.link(met.clone());
        bench.restart(base, &replica, Policy::default());
        bench.run();
        assert_eq!(bench.kept.tied(&met.id()), Some(Tied::Met));
        tell(&mut bench, &mut replica, 5);
        bench.run();
        assert!(keeps_his_own(&bench), "{by_group} {:?}", bench.drift());
    }
}

/// A department's administrator may make somebody a member where the hub knows of no such role.
#[test]
fn whom_the_region_alone_makes_one_by_a_group_of_the_directory_keeps_his_own() {
    let (mut bench, mut replica) = applied();
    let project = bench.cloud.named(ObjectKind::Project, "web").remove(0);
    let group = bench.cloud.named(ObjectKind::Group, "admins").remove(0);
    let admin = bench.cloud.add(role("admin"));
    let to_all = assigned_to_all(group, project, admin);
    bench.cloud.all.link(to_all.clone());
    bench.read();
    tell(&mut bench, &mut replica, 5);
    bench.run();
    assert!(keeps_his_own(&bench), "{:?}", bench.drift());
    bench.cloud.all.unlink(&to_all);
    bench.read();
    assert_eq!(bench.run(), 1);
}

/// What the region did, and the hub took over.
#[test]
fn whom_the_region_made_one_keeps_his_own_also_once_the_hub_took_that_over() {
    for by in ["a group's role", "a membership", "what comes with a role"] {
        let (mut bench, mut replica) = applied();
        let find = |bench: &Bench, kind, name| bench.cloud.named(kind, name).remove(0);
        let project = find(&bench, ObjectKind::Project, "web");
        let group = find(&bench, ObjectKind::Group, "admins");
        let role_here = find(&bench, ObjectKind::Role, "member");
        let admin_here = bench.cloud.add(role("admin"));
        let place = (ObjectKind::Role, admin_here.clone());
        replica.bindings.insert(place, Becomes::Object(oid(ADMIN)));
        replica.directory.insert(oid(ADMIN), role("admin"));
        let to_all = assigned_to_all(oid(GROUP), oid(PROJECT), oid(ADMIN));
        let is_in = member(oid(GROUP), oid(USER));
        let (found, adopted) = match by {
            "a group's role" => (assigned_to_all(group, project, admin_here), to_all),
            "a membership" => {
                replica.directory.unlink(&is_in);
                bench.core.follow(&replica);
                bench.run();
                replica.directory.link(to_all);
                (member(group, ann(&bench)), is_in)
            }
            _ => (
                implied(role_here, admin_here),
                implied(oid(ROLE), oid(ADMIN)),
            ),
        };
        bench.core.follow(&replica);
        bench.run();
        bench.cloud.all.link(found);
        bench.read();
        tell(&mut bench, &mut replica, 5);
        bench.run();
        assert!(keeps_his_own(&bench), "{by} {:?}", bench.drift());
        replica.directory.link(adopted.clone());
        bench.core.follow(&replica);
        bench.run();
        assert_eq!(bench.kept.tied(&adopted.id()), Some(Tied::Met));
        assert!(keeps_his_own(&bench), "{by} {:?}", bench.drift());
        assert!(!has(&bench, 5), "{by}");
    }
}

#[test]
fn where_nothing_is_given_a_link_that_would_wait_is_told_as_missing() {
    let (mut bench, _) = given(&[admin()]);
    bench.run();
    assert!(is_held(&bench, &admin()), "{:?}", bench.drift());
    bench.core.allow(Policy {
        read_only: true,
        ..Policy::default()
    });
    assert_eq!(bench.run(), 0);
    let missing = (
        Subject::Link(admin()),
        vec![Difference::Missing],
        Why::ReadOnly,
    );
    assert!(bench.drift().contains(&missing), "{:?}", bench.drift());
}

#[test]
fn who_is_told_to_have_come_with_the_region_waits_no_more() {
    let (mut bench, mut replica) = given(&[admin()]);
    bench.run();
    assert!(is_held(&bench, &admin()), "{:?}", bench.drift());
    let place = (ObjectKind::User, ann(&bench));
    replica.bindings.insert(place, Becomes::Object(oid(USER)));
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(standing(&bench, &admin()), Some(Standing::InPlace));
}

/// Withdrawals are bounded, and others may be many.
#[test]
fn what_makes_an_administrator_is_taken_away_before_what_does_not() {
    const MEMBERS: std::ops::Range<u128> = 80..90;
    let (admins, late) = (oid(98), oid(99));
    for by in [
        assigned(late, oid(PROJECT), oid(ADMIN)),
        member(admins, late),
    ] {
        let (mut bench, mut replica) = given(&[]);
        replica
            .directory
            .insert(admins, group(oid(DEPARTMENT), "chiefs"));
        let plain = |it: u128| match by {
            Link::Membership(_) => member(oid(GROUP), oid(it)),
            _ => assigned(oid(it), oid(PROJECT), oid(ROLE)),
        };
        let plain: Vec<Link<ObjectId>> = MEMBERS.map(plain).collect();
        for number in MEMBERS.chain([99]) {
            let object = user(oid(DEPARTMENT), &format!("user{number}"));
            replica.directory.insert(oid(number), object);
        }
        let to_all = assigned_to_all(admins, oid(PROJECT), oid(ADMIN));
        let given = plain.iter().chain([&to_all, &by]);
        given.for_each(|it| replica.directory.link(it.clone()));
        replica.secrets.insert(late, secret_of(late, 5));
        bench.core.follow(&replica);
        bench.run();
        let here = by.translated(|kind, id| bench.core.places.here(kind, id));
        bench.core.allow(Policy {
            withdrawals_max: 1,
            ..Policy::default()
        });
        let taken = plain.iter().chain([&by]);
        taken.for_each(|it| replica.directory.unlink(it));
        bench.core.follow(&replica);
        assert_eq!(bench.step(), [Order::Unlink(here.unwrap())]);
        assert_eq!(bench.run(), 10);
    }
}

#[test]
fn whoever_is_deleted_and_may_not_be_removed_yet_is_no_administrator_meanwhile() {
    let late = oid(77);
    let link = assigned(late, oid(PROJECT), oid(ADMIN));
    let (mut bench, mut replica) = given(&[]);
    replica
        .directory
        .insert(late, user(oid(DEPARTMENT), "late"));
    replica.directory.link(link.clone());
    replica.secrets.insert(late, secret_of(late, 5));
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(standing(&bench, &link), Some(Standing::InPlace));
    let here = link.translated(|kind, id| bench.core.places.here(kind, id));
    bench.core.allow(Policy {
        removals_max: 1,
        ..Policy::default()
    });
    for id in [USER, 77] {
        end(&mut replica, ObjectKind::User, id, End::Deleted);
    }
    bench.core.follow(&replica);
    let first = bench.step();
    assert_eq!(first[0], Order::Unlink(here.unwrap()), "{first:?}");
    assert_eq!(first.len(), 2, "one of both is removed");
}
