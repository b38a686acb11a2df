//! Readers that follow changes hold what the board shows, whatever happens in between.

use std::collections::BTreeMap;

use proptest::prelude::*;
use shared::ids::RegionId;
use shared::model::{CloudDescription, CloudKind};
use shared::pki::Fingerprint;
use shared::wire::frame::Standing;

use super::*;
use crate::fleet::{Condition, Facts, Reason, State};

fn view(no: u32, name: &str, state: State) -> RegionView {
    let facts = Facts {
        id: RegionId::from_random(no.into()),
        name: name.to_owned(),
        standing: Standing::Accepted,
        fingerprint: Fingerprint::from_bytes([0; 32]),
        cloud: CloudDescription {
            kind: CloudKind::Simulated,
            version: String::new(),
            endpoint: String::new(),
        },
        software: String::new(),
        host: String::new(),
        joined: UnixMillis(1),
        seen: UnixMillis(1),
        not_after: 0,
        recoveries: 0,
        goodbye: None,
    };
    let (reason, detail, since) = (Reason::Ok, String::new(), UnixMillis(1));
    RegionView {
        no: RegionNo(no),
        facts,
        condition: Condition {
            state,
            reason,
            detail,
            since,
        },
        next_step: String::new(),
        online: true,
        live: true,
        fresh: UnixMillis(1),
        troubles: Vec::new(),
    }
}

fn board() -> FleetBoard {
    FleetBoard::new(Overview::default())
}

fn show(board: &FleetBoard, no: u32, name: &str, state: State) {
    board.publish(Update {
        views: vec![view(no, name, state)],
        ..Update::default()
    });
}

fn names(regions: &[ShownRegion]) -> Vec<&str> {
    regions
        .iter()
        .map(|it| it.view.facts.name.as_str())
        .collect()
}

#[test]
fn regions_are_listed_by_name_and_found_by_it() {
    let board = board();
    for (no, name) in [(1, "c"), (2, "a"), (3, "b")] {
        show(&board, no, name, State::Healthy);
    }
    assert_eq!(names(&board.regions("", 10)), ["a", "b", "c"]);
    assert_eq!(names(&board.regions("a", 1)), ["b"]);
    show(&board, 2, "z", State::Healthy);
    assert_eq!(names(&board.regions("", 10)), ["b", "c", "z"]);
    assert!(board.region("a").is_none());
    show(&board, 3, "b", State::Removed);
    show(&board, 4, "b", State::Connecting);
    assert_eq!(board.region("b").unwrap().view.no, RegionNo(4));
}

#[test]
fn who_follows_hears_each_region_once_and_is_woken_only_by_changes() {
    let board = board();
    let mut versions = board.versions();
    for no in 1..=5 {
        show(&board, no, &format!("r{no}"), State::Connecting);
    }
    show(&board, 1, "r1", State::Healthy);
    assert!(versions.has_changed().unwrap());
    versions.mark_unchanged();
    let first = board.changes(0, 3).unwrap();
    assert_eq!(
        (names(&first.regions), first.complete),
        (vec!["r2", "r3", "r4"], false)
    );
    let rest = board.changes(first.last, 3).unwrap();
    assert_eq!(
        (names(&rest.regions), rest.complete),
        (vec!["r5", "r1"], true)
    );
    show(&board, 1, "r1", State::Healthy);
    assert!(!versions.has_changed().unwrap(), "nothing changed");
    board.publish(Update {
        figures: vec![RegionNo(3), RegionNo(9)],
        ..Update::default()
    });
    show(&board, 2, "r2", State::Removed);
    let news = board.changes(rest.last, 100).unwrap();
    assert_eq!(names(&news.regions), ["r3"]);
    assert_eq!(news.gone[0].facts.name, "r2");
    assert!(
        board.changes(0, 100).unwrap().gone.is_empty(),
        "who begins needs no removals"
    );
}

#[test]
fn who_is_too_far_behind_starts_over() {
    let board = board();
    show(&board, 0, "r", State::Healthy);
    let early = board.changes(0, 10).unwrap().last;
    for no in 1..=1001 {
        show(&board, no, "passing", State::Healthy);
        board.publish(Update {
            gone: vec![RegionNo(no)],
            ..Update::default()
        });
    }
    assert!(board.changes(early, 10).is_none());
    assert!(
        board.changes(u64::MAX, 10).is_none(),
        "a version of another board"
    );
    assert_eq!(names(&board.changes(0, 10).unwrap().regions), ["r"]);
}

proptest! {
    /// Steps of a small federation, followed in small bites.
    #[test]
    fn a_follower_ends_with_what_is_shown(
        steps in prop::collection::vec((0_u32..6, 0_usize..3, 1_usize..4, 0_usize..3), 1..200),
    ) {
        let board = board();
        let (mut held, mut seen) = (BTreeMap::new(), 0);
        let follow = |held: &mut BTreeMap<RegionNo, String>, seen: &mut u64, limit| {
            let changes = board.changes(*seen, limit).unwrap();
            for gone in changes.gone {
                held.remove(&gone.no);
            }
            for region in changes.regions {
                held.insert(region.view.no, region.view.facts.name.clone());
            }
            *seen = changes.last;
            changes.complete
        };
        for (no, what, name, bites) in steps {
            match what {
                0 => show(&board, no, &format!("{no}-{name}"), State::Healthy),
                1 => show(&board, no, "", State::Removed),
                _ => board.publish(Update { figures: vec![RegionNo(no)], ..Update::default() }),
            }
            for _ in 0..bites {
                follow(&mut held, &mut seen, 1);
            }
        }
        while !follow(&mut held, &mut seen, 2) {}
        let shown: BTreeMap<_, _> = board
            .regions("", 100)
            .iter()
            .map(|it| (it.view.no, it.view.facts.name.clone()))
            .collect();
        prop_assert_eq!(held, shown);
    }
}
