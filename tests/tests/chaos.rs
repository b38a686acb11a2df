//! Operations at the hub and in three regions, while Keystones fail or are set back to a backup,
//! and agents are killed: what must hold afterwards, from seeds. `REGROUP_CHAOS_SEED` plays one
//! (also another one) again, and `REGROUP_CHAOS_OPERATIONS` says how long; `REGROUP_CHAOS_TRACE`
//! tells what happens, in lines.

use std::env::var;
use std::ops::Range;
use std::time::Duration;

use tests::chaos::{Soak, play, play_set_back, soak};

/// Operations of each seed: 10,000 of all ten.
const OPERATIONS: usize = 1000;

const SEEDS: Range<u64> = 0..10;

/// Of those in which the hub is set back, and how many operations each of them has.
const SET_BACK: Range<u64> = 0..8;
const OPERATIONS_SET_BACK: usize = 200;

fn number(name: &str) -> Option<u64> {
    let text = var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text:?}")),
    )
}

fn plays(seeds: Range<u64>, is_set_back: bool) {
    let most = if is_set_back {
        OPERATIONS_SET_BACK
    } else {
        OPERATIONS
    };
    let operations = number("REGROUP_CHAOS_OPERATIONS").map_or(most, |it| it as usize);
    let only = number("REGROUP_CHAOS_SEED");
    // What is asked for is played by the half that has it, and any other seed by the first.
    let is_first = seeds.start == SEEDS.start;
    let is_others = |it: &u64| !seeds.contains(it) && (!is_first || SEEDS.contains(it));
    if only
        .as_ref()
        .is_some_and(|it| !is_set_back && is_others(it))
    {
        return;
    }
    let seeds = only.map_or(seeds, |it| it..it + 1);
    for seed in seeds {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        eprintln!("chaos of seed {seed}: REGROUP_CHAOS_SEED={seed} plays it again");
        let runtime = runtime.unwrap();
        let counts = match is_set_back {
            true => runtime.block_on(play_set_back(seed, operations)),
            false => runtime.block_on(play(seed, operations)),
        };
        eprintln!("  {counts:?}");
    }
}

// Two halves, so that two cores are at work.
#[test]
fn whatever_happens_all_regions_become_what_the_directory_says() {
    plays(SEEDS.start..5, false);
}

#[test]
fn whatever_else_happens_they_do_as_well() {
    plays(5..SEEDS.end, false);
}

#[test]
fn a_hub_that_is_set_back_to_a_backup_loses_and_doubles_nothing() {
    plays(SET_BACK, true);
}

/// The soak's beginning: real daemons, and Keystones that fail while agents are killed. All of it
/// is `cargo xtask soak`.
#[test]
fn real_daemons_beside_keystones_that_fail_become_what_the_directory_says() {
    let soaked = soak(Soak {
        seed: 1901,
        operations: 200,
        real: false,
        hangs: false,
        patience: Duration::from_secs(200),
    });
    eprintln!("{soaked:?}");
    assert!(soaked.edits > 0 && soaked.local > 0 && soaked.killed > 0);
}
