//! Any history of use, of regions that go and come, of totals, and of confirmations that are late
//! or lost.

use proptest::prelude::*;

use super::simulated::World;
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Uses(usize, u64),
    Frees(usize, u64),
    Applies(usize, bool),
    Reads(usize),
    Tells(usize, bool),
    Goes(usize),
    Comes(usize),
    Total(u64),
    Passes(u64),
    Looks,
}

fn step() -> impl Strategy<Value = Step> {
    let no = 0..4_usize;
    let amount = 1..60_u64;
    prop_oneof![
        4 => (no.clone(), amount.clone()).prop_map(|(no, more)| Step::Uses(no, more)),
        2 => (no.clone(), amount).prop_map(|(no, less)| Step::Frees(no, less)),
        6 => (no.clone(), any::<bool>()).prop_map(|(no, newest)| Step::Applies(no, newest)),
        6 => no.clone().prop_map(Step::Reads),
        6 => (no.clone(), any::<bool>()).prop_map(|(no, newest)| Step::Tells(no, newest)),
        1 => no.clone().prop_map(Step::Goes),
        2 => no.prop_map(Step::Comes),
        1 => (0..200_u64).prop_map(Step::Total),
        1 => (0..5_000_000_u64).prop_map(Step::Passes),
        6 => Just(Step::Looks),
    ]
}

fn take(world: &mut World, step: &Step) -> Option<()> {
    match *step {
        Step::Uses(no, more) => world.regions.get_mut(no)?.uses(more),
        Step::Frees(no, less) => world.regions.get_mut(no)?.frees(less),
        Step::Applies(no, newest) => world.regions.get_mut(no)?.applies(newest),
        Step::Reads(no) => world.regions.get_mut(no)?.reads(),
        Step::Tells(no, newest) => {
            let now = world.now;
            world.regions.get_mut(no)?.tells(newest, now);
        }
        Step::Goes(no) => world.regions.get_mut(no)?.standing.is_present = false,
        Step::Comes(no) => world.regions.get_mut(no)?.standing.is_present = true,
        Step::Total(total) => world.total = total,
        Step::Passes(millis) => world.now.0 += millis,
        Step::Looks => {
            world.looks();
        }
    }
    Some(())
}

fn history() -> impl Strategy<Value = (World, Vec<Step>)> {
    let regions = prop::collection::vec((0..80_u64, 0..40_u64), 1..5);
    let refuse = prop::collection::vec(any::<bool>(), 4);
    let world = (0..200_u64, regions, refuse).prop_map(|(total, regions, refuse)| {
        let mut world = World::new(total, &regions);
        for (it, refuses) in world.regions.iter_mut().zip(refuse) {
            it.refuses = refuses;
        }
        world
    });
    (world, prop::collection::vec(step(), 0..150))
}

proptest! {
    #[test]
    fn never_is_more_given_than_the_total_but_where_it_was_already(
        (mut world, steps) in history()
    ) {
        for step in &steps {
            let before = world.most();
            let held = match step {
                Step::Looks => world.held_where_less_was_told(),
                _ => 0,
            };
            take(&mut world, step);
            let after = world.most();
            prop_assert!(after <= world.total.max(before).max(held), "{step:?}: {world:#?}");
            for it in &world.regions {
                prop_assert!(it.limit <= it.standing.held(), "{step:?}: {world:#?}");
            }
        }
    }

    #[test]
    fn it_settles_with_few_changes_and_each_region_can_take_a_first_step(
        (mut world, steps) in history()
    ) {
        for step in &steps {
            take(&mut world, step);
        }
        for it in &mut world.regions {
            it.standing.is_present = true;
        }
        for after in [0, 100 * HALF_LIFE.as_millis() as u64, 0] {
            world.now.0 += after;
            let told = world.tellings;
            let looks = world.settles();
            let told = world.tellings - told;
            prop_assert!(told <= 6 * world.regions.len(), "{told} in {looks}: {world:#?}");
        }
        let count = world.regions.len() as u64;
        let held: u64 = world.regions.iter().map(|it| it.standing.held()).sum();
        let used: u64 = world.regions.iter().map(|it| it.used).sum();
        let room = world.total.saturating_sub(used);
        let floor = (room / count).min(world.total / count / 4);
        for it in &world.regions {
            // Where all is used, or may be as far as anybody knows, one that uses more than it may,
            // or all, is not let have it anew.
            let is_short = (used > world.total && it.limit <= it.used)
                || (held > world.total && it.limit == it.used);
            // Where all of it is used, a lower share may be refused until it is not.
            let is_settled = it.standing.state() == ShareState::Confirmed
                || it.refuses && it.limit == it.used;
            let own = it.limit.checked_sub(it.used);
            let is_well = own.is_some_and(|it| it * 2 >= floor) && is_settled;
            prop_assert!(is_well || is_short, "{floor}: {world:#?}");
        }
        prop_assert!(world.most() <= world.total.max(used), "{world:#?}");
    }

    #[test]
    fn who_is_away_keeps_its_share_and_the_others_settle_without_it(
        (mut world, steps) in history(),
        gone in 0..4_usize,
    ) {
        for step in &steps {
            take(&mut world, step);
        }
        for it in &mut world.regions {
            it.standing.is_present = true;
        }
        let gone = gone % world.regions.len();
        world.regions[gone].standing.is_present = false;
        let before = world.regions[gone].standing.tellings.clone();
        world.settles();
        prop_assert_eq!(&world.regions[gone].standing.tellings, &before);
        world.regions[gone].standing.is_present = true;
        world.settles();
    }
}
