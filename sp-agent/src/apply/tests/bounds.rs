//! How much of what takes something away goes in a batch.

use shared::model::{End, ObjectKind};

use super::super::bounds::REMOVALS_PERIOD;
use super::rules::{DEPARTMENT, end};
use super::world::*;
use super::*;

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
