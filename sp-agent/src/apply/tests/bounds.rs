//! How much of what takes something away goes in a batch.

use proptest::prelude::*;
use shared::model::{End, ObjectKind};

use super::super::bounds::REMOVALS_PERIOD;
use super::super::compare::{enabled, switched};
use super::passwords::{appoint, secret_of};
use super::rules::{DEPARTMENT, change, end};
use super::world::*;
use super::*;
use crate::replica::Spent;

/// The numbers of the users.
const FIRST: u128 = 100;

/// A department with so many users, all in the cloud.
fn users(count: u128, policy: Policy) -> (Bench, Replica) {
    let mut replica = Replica::default();
    let home = oid(DEPARTMENT);
    replica.directory.insert(home, department("ops"));
    for number in FIRST..FIRST + count {
        let ann = user(home, &format!("u{number}"));
        replica.directory.insert(oid(number), ann);
    }
    let mut bench = Bench::new(Fake::default(), policy);
    bench.core.follow(&replica);
    bench.run();
    (bench, replica)
}

fn removals(max: u32) -> Policy {
    Policy {
        removals_max: max,
        ..Policy::default()
    }
}

#[test]
fn removals_come_few_at_a_time() {
    let (mut bench, mut replica) = users(5, removals(2));
    (FIRST..FIRST + 5).for_each(|it| end(&mut replica, ObjectKind::User, it, End::Deleted));
    bench.core.follow(&replica);
    assert_eq!(bench.step().len(), 2);
    assert_eq!(bench.step().len(), 0);
    assert_eq!(bench.progress().removals_held, 3);
    bench.now += REMOVALS_PERIOD;
    assert_eq!(bench.step().len(), 2);
    bench.run();
    assert!(bench.cloud.all.users.is_empty());
}

#[test]
fn what_is_held_back_is_estimated_by_its_batches_however_fast_one_was_done() {
    let (mut bench, mut replica) = users(100, removals(20));
    (FIRST..FIRST + 100).for_each(|it| end(&mut replica, ObjectKind::User, it, End::Deleted));
    bench.core.follow(&replica);
    for minutes in [4, 3, 2, 1] {
        assert_eq!(bench.step().len(), 20);
        let left = bench.progress().left;
        assert_eq!(left, Some(REMOVALS_PERIOD * minutes));
        bench.now += REMOVALS_PERIOD / 4;
        let left = bench.progress().left;
        assert_eq!(left, Some(REMOVALS_PERIOD * minutes - REMOVALS_PERIOD / 4));
        bench.now += REMOVALS_PERIOD * 3 / 4;
    }
    assert_eq!(bench.step().len(), 20);
    assert_eq!(bench.progress().left, Some(Duration::ZERO));
}

#[test]
fn nobody_can_say_how_long_what_the_policy_never_lets_go_takes() {
    let (mut bench, mut replica) = users(1, removals(0));
    end(&mut replica, ObjectKind::User, FIRST, End::Deleted);
    bench.core.follow(&replica);
    assert_eq!(bench.step().len(), 0);
    let progress = bench.progress();
    assert_eq!((progress.removals_held, progress.left), (1, None));
}

fn withdrawals(max: u32) -> Policy {
    Policy {
        withdrawals_max: max,
        ..Policy::default()
    }
}

const GROUP: u128 = 50;

fn unlink_all(replica: &mut Replica) {
    for link in super::cloud::links(&replica.directory) {
        replica.directory.unlink(&link);
    }
}

/// So many users, each a member of one group.
fn members(count: u128, policy: Policy) -> (Bench, Replica) {
    let (mut bench, mut replica) = users(count, policy);
    replica
        .directory
        .insert(oid(GROUP), group(oid(DEPARTMENT), "staff"));
    for number in FIRST..FIRST + count {
        replica.directory.link(member(oid(GROUP), oid(number)));
    }
    bench.core.follow(&replica);
    bench.run();
    bench.now += REMOVALS_PERIOD;
    (bench, replica)
}

fn switch_off(replica: &mut Replica, user: u128) {
    change(replica, ObjectKind::User, user, |it| {
        *it = switched(it.clone(), false);
    });
}

fn is_off(order: &Order) -> bool {
    matches!(order, Order::Update { from, to, .. }
        if enabled(from) == Some(true) && enabled(to) == Some(false))
}

#[test]
fn links_are_taken_away_and_things_switched_off_so_many_a_minute() {
    let (mut bench, mut replica) = members(9, withdrawals(4));
    unlink_all(&mut replica);
    bench.core.follow(&replica);
    for held in [5, 1, 0] {
        let orders = bench.step();
        assert!(orders.iter().all(|it| matches!(it, Order::Unlink(_))));
        assert_eq!(bench.step().len(), 0, "not in this minute");
        let progress = bench.progress();
        assert_eq!(
            (progress.withdrawals_held, progress.removals_held),
            (held, 0)
        );
        let minutes = u32::try_from(held.div_ceil(4)).unwrap();
        assert_eq!(progress.left, Some(REMOVALS_PERIOD * minutes));
        bench.now += REMOVALS_PERIOD;
    }
    assert!(bench.cloud.all.memberships.is_empty());

    (FIRST..FIRST + 9).for_each(|it| switch_off(&mut replica, it));
    bench.core.follow(&replica);
    assert_eq!(bench.step().len(), 4);
    let remarks = bench.core.remarks(&bench.progress());
    assert_eq!(remarks.applying.removals_held, 5, "the hub hears of it");
    bench.run();
    assert!(bench.cloud.all.users.values().all(|it| !it.enabled));
}

#[test]
fn neither_waits_for_all_of_the_other_and_what_is_made_for_neither() {
    let (mut bench, mut replica) = members(100, withdrawals(10));
    unlink_all(&mut replica);
    bench.core.follow(&replica);
    assert_eq!(bench.step().len(), 10, "links alone have all of it");
    bench.now += REMOVALS_PERIOD;
    // One thing that is switched off goes before thousands of links.
    end(&mut replica, ObjectKind::User, FIRST, End::Deleted);
    switch_off(&mut replica, FIRST + 1);
    replica.directory.insert(oid(1), role("member"));
    bench.core.follow(&replica);
    let orders = bench.step();
    let count = |is: fn(&Order) -> bool| orders.iter().filter(|it| is(it)).count();
    assert!(is_off(&orders[0]), "{orders:?}");
    assert_eq!(count(|it| matches!(it, Order::Unlink(_))), 9);
    assert_eq!(count(|it| matches!(it, Order::Create { .. })), 1);
    assert_eq!(count(|it| matches!(it, Order::Remove { .. })), 1);
    // Many such leave half to the links.
    bench.now += REMOVALS_PERIOD;
    (FIRST + 2..FIRST + 100).for_each(|it| switch_off(&mut replica, it));
    bench.core.follow(&replica);
    let mut seen = Vec::new();
    // As a driver does, a few at a time.
    for _ in 0..20 {
        let batch = bench.core.next(bench.now, 2);
        for task in batch.tasks {
            seen.push(is_off(&task.order));
            let result = bench.cloud.perform(&task.order);
            bench.finish(&task, result, 0);
        }
    }
    let off = seen.iter().filter(|it| **it).count();
    assert_eq!((off, seen.len()), (5, 10));
}

#[test]
fn what_is_removed_takes_its_links_with_it_whatever_is_left_of_the_other_bound() {
    let (mut bench, mut replica) = members(3, withdrawals(0));
    end(&mut replica, ObjectKind::User, FIRST, End::Deleted);
    bench.core.follow(&replica);
    assert!(matches!(bench.step().as_slice(), [Order::Remove { .. }]));
    assert_eq!(bench.cloud.all.memberships.len(), 2);
    end(&mut replica, ObjectKind::Group, GROUP, End::Deleted);
    bench.core.follow(&replica);
    assert!(matches!(bench.step().as_slice(), [Order::Remove { .. }]));
    assert!(bench.cloud.all.memberships.is_empty());
    let progress = bench.progress();
    assert_eq!((progress.withdrawals_held, progress.removals_held), (0, 0));

    switch_off(&mut replica, FIRST + 1);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "with 0 nothing is switched off");
    let progress = bench.progress();
    assert_eq!((progress.withdrawals_held, progress.left), (1, None));
}

#[test]
fn a_cloud_administrators_dismissal_waits_for_nothing() {
    for (max, others) in [(0, 0), (4, 4)] {
        let (mut bench, mut replica) = members(9, withdrawals(max));
        let link = appoint(&mut replica, oid(FIRST));
        replica.secrets.insert(oid(FIRST), secret_of(oid(FIRST), 5));
        bench.core.follow(&replica);
        bench.run();
        bench.now += REMOVALS_PERIOD;
        let here = link.translated(|kind, id| bench.core.places.here(kind, id));
        let here = here.unwrap();
        assert!(bench.cloud.all.has_link(&here));
        unlink_all(&mut replica);
        bench.core.follow(&replica);
        let orders = bench.step();
        assert_eq!(orders.len(), 1 + others, "{orders:?}");
        assert_eq!(orders[0], Order::Unlink(here), "before all others");
        let held = 9 - u64::try_from(others).unwrap();
        assert_eq!(bench.progress().withdrawals_held, held);
    }
}

/// The agent is started anew so long after it noted last, in the middle of what it had ordered.
fn restarts(bench: &mut Bench, replica: &Replica, after: Duration) {
    let policy = bench.core.policy.clone();
    let mut kept = bench.kept.clone();
    kept.spent.values_mut().for_each(|it| it.age += after);
    bench.now += after;
    bench.restart(kept, replica, policy);
}

#[test]
fn a_start_goes_on_with_the_batch_of_before() {
    let (mut bench, mut replica) = users(5, removals(2));
    (FIRST..FIRST + 5).for_each(|it| end(&mut replica, ObjectKind::User, it, End::Deleted));
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 1);
    assert_eq!(batch.tasks.len(), 1);
    bench.keep(batch.notes);
    // Nobody hears of it, and it was not carried out.
    restarts(&mut bench, &replica, REMOVALS_PERIOD / 4);
    assert_eq!(bench.step().len(), 1, "the other one of two");
    restarts(&mut bench, &replica, REMOVALS_PERIOD / 4);
    assert_eq!(bench.step().len(), 0);
    let progress = bench.progress();
    assert_eq!(progress.removals_held, 4);
    assert_eq!(
        progress.left,
        Some(REMOVALS_PERIOD * 2 - REMOVALS_PERIOD / 2)
    );
    bench.now += REMOVALS_PERIOD / 2;
    assert_eq!(bench.step().len(), 2);
    restarts(&mut bench, &replica, REMOVALS_PERIOD * 1000);
    assert_eq!(bench.step().len(), 2, "that one is long over");
    assert!(bench.cloud.all.users.is_empty());
}

#[test]
fn so_it_does_with_what_is_taken_away_and_the_half_that_is_the_links() {
    let (mut bench, mut replica) = members(100, withdrawals(10));
    unlink_all(&mut replica);
    (FIRST..FIRST + 50).for_each(|it| switch_off(&mut replica, it));
    bench.core.follow(&replica);
    let mut seen = Vec::new();
    for _ in 0..20 {
        let batch = bench.core.next(bench.now, 2);
        bench.keep(batch.notes);
        for task in batch.tasks {
            seen.push(is_off(&task.order));
            let result = bench.cloud.perform(&task.order);
            bench.finish(&task, result, 0);
        }
        restarts(&mut bench, &replica, Duration::from_secs(1));
    }
    let off = seen.iter().filter(|it| **it).count();
    assert_eq!((off, seen.len()), (5, 10));
    let spent = bench.kept.spent.values().map(|it| (it.count, it.links));
    assert_eq!(spent.collect::<Vec<_>>(), [(10, 5)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whenever it is killed, and were its clock put back or not.
    #[test]
    fn however_often_it_starts_no_two_minutes_have_more_than_the_policy_lets_go(
        max in 1..5_u32,
        lives in prop::collection::vec((1..30_u64, any::<bool>(), 0..8_u8), 60),
    ) {
        let (mut bench, mut replica) = users(20, removals(max));
        (FIRST..FIRST + 20).for_each(|it| end(&mut replica, ObjectKind::User, it, End::Deleted));
        bench.core.follow(&replica);
        let mut removed = Vec::new();
        for (secs, is_killed, luck) in lives {
            let batch = bench.core.next(bench.now, 3);
            bench.keep(batch.notes);
            for task in batch.tasks {
                let result = bench.cloud.perform(&task.order);
                removed.push(bench.now);
                if !is_killed {
                    bench.finish(&task, result, 0);
                }
            }
            let after = Duration::from_secs(secs);
            if !is_killed {
                bench.now += after;
                bench.kept.spent.values_mut().for_each(|it| it.age += after);
                continue;
            }
            if luck == 0 {
                bench.kept.spent.values_mut().for_each(|Spent { age, .. }| *age = Duration::ZERO);
            }
            restarts(&mut bench, &replica, after);
        }
        for first in &removed {
            let within = removed.iter().filter(|it| {
                it.checked_duration_since(*first).is_some_and(|it| it < REMOVALS_PERIOD)
            });
            // A batch may begin in the middle of this minute.
            prop_assert!(within.count() <= 2 * max as usize);
        }
        bench.run();
        prop_assert!(bench.cloud.all.users.is_empty());
    }
}
