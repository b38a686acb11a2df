//! Operations at the hub and in three regions, while Keystones fail and agents are killed: what must
//! hold afterwards, from seeds. `REGROUP_CHAOS_SEED` plays one (also another one) again, and
//! `REGROUP_CHAOS_OPERATIONS` says how long.

use std::env::var;

use tests::chaos::play;

/// Operations of each seed.
const OPERATIONS: usize = 300;

fn number(name: &str) -> Option<u64> {
    let text = var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text:?}")),
    )
}

fn plays(seeds: std::ops::Range<u64>) {
    let operations = number("REGROUP_CHAOS_OPERATIONS").map_or(OPERATIONS, |it| it as usize);
    let only = number("REGROUP_CHAOS_SEED");
    // Whatever is asked for is played by the first half alone, unless the other one has it.
    if only.is_some_and(|it| !seeds.contains(&it) && (seeds.start > 1 || (5..9).contains(&it))) {
        return;
    }
    let seeds = only.map_or(seeds, |it| it..it + 1);
    for seed in seeds {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        eprintln!("chaos of seed {seed}: REGROUP_CHAOS_SEED={seed} plays it again");
        let counts = runtime.unwrap().block_on(play(seed, operations));
        eprintln!("  {counts:?}");
    }
}

// Two halves, so that two cores are at work.
#[test]
fn whatever_happens_all_regions_become_what_the_directory_says() {
    plays(1..5);
}

#[test]
fn whatever_else_happens_they_do_as_well() {
    plays(5..9);
}
