//! What holds for any cloud after any life.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn any_options() -> impl Strategy<Value = Options> {
    let numbers = (any::<u64>(), 0_u32..300, 1_u32..12, 0_u32..12, 0_u32..4);
    let shares = (0_u32..300, 0_u32..200, 0_usize..4, 1_000_u32..6_000);
    (numbers, shares).prop_map(|(numbers, shares)| {
        let (seed, servers, projects, nodes, networks) = numbers;
        let (volumes, floating_ips, character, pace) = shares;
        Options {
            seed,
            servers,
            projects: Some(projects),
            nodes: Some(nodes),
            volumes: Some(volumes),
            networks: Some(networks),
            floating_ips: Some(if networks == 0 { 0 } else { floating_ips }),
            character: Character::ALL[character],
            pace: Some(pace),
            ..Options::default()
        }
    })
}

/// Moments of up to four minutes, in steps from nothing to a minute.
fn any_steps() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![0_u64..20, 0_u64..3_000, 0_u64..60_000], 1..8)
}

/// An agent that audited once and then only asked what changed.
struct Follower {
    part: Part,
    mark: UnixMillis,
    held: Held,
}

impl Follower {
    /// Reads page by page, while the cloud lives on between the pages.
    fn read(&mut self, world: &mut World, page_gap_millis: u64, whole: bool) {
        let mark = world.lived();
        let deleted = match whole {
            true => Vec::new(),
            false => world.deleted(self.part, self.mark).expect("remembered"),
        };
        let mut next = Some(Cursor::default());
        while let Some(cursor) = next {
            let (records, after) = match whole {
                true => world.page(self.part, cursor),
                false => world.changed_page(self.part, self.mark, cursor).unwrap(),
            };
            self.held
                .extend(records.into_iter().map(|it| (it.key(), it)));
            next = after;
            if page_gap_millis > 0 {
                world.advance_to(world.lived().plus(Duration::from_millis(page_gap_millis)));
            }
        }
        deleted.iter().for_each(|key| drop(self.held.remove(key)));
        self.mark = mark;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn figures_agree_at_any_time(options in any_options(), steps in any_steps()) {
        let mut world = world(options);
        for step in steps {
            let held = audit_all(&world);
            check_figures(&held);
            check_links(&world, &held);
            world.advance_to(world.lived().plus(Duration::from_millis(step)));
        }
    }

    #[test]
    fn a_life_does_not_depend_on_who_looks(
        options in any_options(),
        steps in any_steps(),
        slice in 1_u32..50,
    ) {
        let (mut often, mut once) = (world(options.clone()), world(options));
        for step in steps {
            let to = often.lived().plus(Duration::from_millis(step));
            while !often.advance_some(to, slice) {}
        }
        once.advance_to(often.lived());
        prop_assert_eq!(audit_all(&often), audit_all(&once));
    }

    /// Also when it is read while the cloud is still on its way to a later moment.
    #[test]
    fn following_changes_is_as_good_as_a_fresh_audit(
        options in any_options(),
        steps in any_steps(),
        slice in 1_u32..60,
        page_gap_millis in 0_u64..500,
    ) {
        let mut world = world(Options { pace: Some(PACE_MAX), ..options });
        for part in [Part::Servers, Part::Volumes] {
            let mut follower = Follower { part, mark: UnixMillis(0), held: Held::new() };
            follower.read(&mut world, page_gap_millis, true);
            for step in &steps {
                let to = world.lived().plus(Duration::from_millis(*step / 40));
                while !world.advance_some(to, slice) {
                    world.advance_to(world.lived());
                    follower.read(&mut world, 0, false);
                }
                follower.read(&mut world, page_gap_millis, false);
            }
            follower.read(&mut world, 0, false);
            prop_assert_eq!(&follower.held, &audit(&world, part));
        }
    }

    /// Nothing is told that did not change: between two moments, the changes are the difference.
    #[test]
    fn only_what_changed_is_told(options in any_options(), millis in 0_u64..5_000) {
        let mut world = world(options);
        world.advance_to(after(60));
        let (mark, before) = (world.lived(), audit(&world, Part::Servers));
        world.advance_to(mark.plus(Duration::from_millis(millis)));
        let (changed, more) = world.changed_page(Part::Servers, mark, Cursor::default()).unwrap();
        prop_assert_eq!(more, None);
        let deleted = world.deleted(Part::Servers, mark).unwrap();
        let now = audit(&world, Part::Servers);
        let told: HashSet<Key> = changed.iter().map(Record::key).collect();
        for (key, record) in &now {
            prop_assert!(told.contains(key) || before.get(key) == Some(record));
        }
        let gone: HashSet<&Key> = before.keys().filter(|key| !now.contains_key(key)).collect();
        prop_assert!(gone.iter().all(|key| deleted.contains(key)));
        prop_assert!(deleted.iter().all(|key| !now.contains_key(key)));
        if millis == 0 {
            prop_assert!(changed.is_empty() && deleted.is_empty());
        }
    }
}

#[test]
fn large_parts_come_in_pages_and_following_them_holds() {
    let mut world = world(Options {
        servers: 3_500,
        character: Character::Busy,
        pace: Some(60_000),
        ..Options::default()
    });
    let mut follower = Follower {
        part: Part::Servers,
        mark: UnixMillis(0),
        held: Held::new(),
    };
    follower.read(&mut world, 700, true);
    for _ in 0..5 {
        world.advance_to(world.lived().plus(Duration::from_secs(20)));
        follower.read(&mut world, 700, false);
    }
    follower.read(&mut world, 0, false);
    assert_eq!(follower.held, audit(&world, Part::Servers));
    check_figures(&audit_all(&world));
}
