//! Spreads as they go, step by step and by any history.

mod histories;
mod simulated;

use super::*;

fn region(number: u64) -> RegionId {
    RegionId::from_random(u128::from(number))
}

/// A region that is there, was told nothing, and has this limit and use.
fn found(limit: u64, need: u64) -> Standing {
    Standing {
        tellings: Tellings::default(),
        found: Some(Found { limit, need }),
        is_unread: false,
        demand: Demand::new(need),
        is_present: true,
    }
}

/// One that confirmed its share.
fn told(share: u64, need: u64) -> Standing {
    Standing {
        tellings: Tellings::stored(vec![share]),
        ..found(share, need)
    }
}

fn away(it: Standing) -> Standing {
    Standing {
        is_present: false,
        ..it
    }
}

fn planned<const N: usize>(total: u64, regions: [Standing; N]) -> Vec<(usize, u64)> {
    let regions = (0..).zip(regions).map(|(no, it)| (region(no), it));
    let plan = plan(total, &regions.collect());
    let number = |id| (0..N).find(|no| region(*no as u64) == id).unwrap();
    let plan = plan.into_iter().map(|(id, share)| (number(id), share));
    let mut plan: Vec<_> = plan.collect();
    plan.sort_unstable();
    plan
}

#[test]
fn regions_that_use_nothing_share_alike() {
    let plan = planned(
        100,
        [found(20, 0), found(20, 0), found(20, 0), found(20, 0)],
    );
    assert_eq!(plan, [(0, 25), (1, 25), (2, 25), (3, 25)]);
}

#[test]
fn a_share_is_lowered_first_and_given_to_others_when_that_is_confirmed() {
    let mut giver = told(50, 5);
    let taker = told(50, 48);
    let plan = planned(100, [giver.clone(), taker.clone()]);
    let [(0, lower)] = plan[..] else {
        panic!("{plan:?}")
    };
    assert!((5 + 12..40).contains(&lower), "{lower}");

    giver.tellings.tell(lower, Some(50));
    assert_eq!(planned(100, [giver.clone(), taker.clone()]), []);
    giver.tellings.confirm(lower);
    giver.found = Some(Found {
        limit: lower,
        need: 5,
    });
    let plan = planned(100, [giver, taker]);
    assert_eq!(plan, [(1, 100 - lower)]);
}

#[test]
fn shares_stay_while_each_has_half_of_its_room() {
    assert_eq!(planned(100, [told(50, 20), told(50, 32)]), []);
    assert_ne!(planned(100, [told(50, 20), told(50, 45)]), []);
}

#[test]
fn who_is_away_keeps_its_share_and_the_others_share_the_rest() {
    let regions = [away(told(60, 1)), told(20, 19), told(20, 0)];
    let plan = planned(100, regions);
    assert_eq!(plan.len(), 1, "{plan:?}");
    assert!(plan[0].0 == 2 && plan[0].1 < 20, "{plan:?}");
}

#[test]
fn a_total_below_what_is_used_leaves_each_what_it_uses() {
    let regions = [told(50, 30), told(50, 40)];
    assert_eq!(planned(60, regions.clone()), [(0, 30), (1, 40)]);
    let regions = (0..).zip(regions).map(|(no, it)| (region(no), it));
    let account = account(60, &regions.collect());
    assert_eq!((account.used, account.over, account.free), (70, 10, 0));
}

#[test]
fn nothing_is_raised_while_a_region_has_no_limit() {
    let open = || found(UNLIMITED, 10);
    let plan = planned(100, [open(), told(20, 19)]);
    let [(0, share)] = plan[..] else {
        panic!("{plan:?}")
    };
    assert!((20..80).contains(&share), "{share}");
    // And nobody goes without for one that can't be told.
    assert_eq!(planned(100, [away(open()), told(20, 19)]), []);
}

#[test]
fn nothing_is_raised_or_told_by_what_was_not_read() {
    let unread = |told: &[u64]| Standing {
        found: None,
        is_unread: true,
        ..Standing {
            tellings: Tellings::stored(told.to_vec()),
            ..found(0, 0)
        }
    };
    assert_eq!(planned(100, [unread(&[]), told(20, 19)]), []);
    assert_eq!(planned(100, [unread(&[50]), told(20, 19)]), []);
    assert_eq!(planned(60, [unread(&[50]), told(20, 5)]), [(1, 10)]);
}

#[test]
fn a_region_that_does_not_know_the_project_has_its_share_told_already() {
    let mut new = found(0, 0);
    new.found = None;
    assert_eq!(planned(100, [new.clone(), told(50, 5)]), [(0, 22), (1, 78)]);
    let share = 22;
    new.tellings.tell(share, None);
    assert_eq!(new.state(), ShareState::Unknown);
    // It makes the project, with what its cloud gives to each.
    new.found = Some(Found {
        limit: 500,
        need: 0,
    });
    assert_eq!((new.held(), new.state()), (500, ShareState::Differs));
    let plan = planned(100, [new, told(50, 49)]);
    assert!(plan.iter().all(|it| it.0 == 0), "nothing is free: {plan:?}");
}

#[test]
fn a_higher_total_is_given_at_once() {
    let plan = planned(200, [told(50, 5), told(50, 5)]);
    assert_eq!(plan, [(0, 100), (1, 100)]);
}

#[test]
fn a_region_that_comes_has_room_made_for_it() {
    let plan = planned(100, [told(50, 5), told(50, 5), found(0, 0)]);
    let told: Vec<_> = plan.iter().map(|it| it.0).collect();
    assert_eq!(told, [0, 1, 2]);
    assert!(
        plan[0].1 < 50 && plan[1].1 < 50 && plan[2].1 == 0,
        "{plan:?}"
    );
}

#[test]
fn no_region_and_no_total_are_no_trouble() {
    assert_eq!(planned(100, []), []);
    assert_eq!(planned(0, [found(5, 0)]), [(0, 0)]);
    assert_eq!(planned(0, [away(found(5, 0))]), []);
    let most = [found(UNLIMITED, u64::MAX), told(u64::MAX - 1, u64::MAX - 1)];
    planned(u64::MAX, most);
}

#[test]
fn who_confirms_nothing_is_told_no_more() {
    let mut silent = told(99, 0);
    for share in 0..TELLINGS_MAX as u64 {
        assert_eq!(planned(200, [silent.clone()]), [(0, 200)]);
        silent.tellings.tell(share, Some(99));
    }
    assert_eq!(planned(200, [silent.clone()]), []);
    // The last one was refused: it can't be confirmed.
    silent.found = Some(Found {
        limit: 99,
        need: 40,
    });
    assert_eq!(planned(200, [silent]), [(0, 200)]);
}

#[test]
fn who_was_told_less_than_it_uses_and_is_full_is_told_what_it_has_again() {
    let mut full = told(4, 4);
    full.tellings.tell(1, Some(4));
    let plan = planned(12, [told(8, 8), full.clone()]);
    assert_eq!(plan, [(1, 4)]);
    full.tellings.tell(4, Some(4));
    assert_eq!((full.held(), full.state()), (4, ShareState::Confirmed));
    assert_eq!(planned(12, [told(8, 8), full.clone()]), []);

    // It may still be either; so that nothing is given elsewhere before it has confirmed another.
    full.tellings.confirm(4);
    full.found = Some(Found { limit: 4, need: 1 });
    let plan = planned(12, [told(8, 8), full]);
    assert_eq!(plan, [(1, 2)]);
}

#[test]
fn who_was_told_less_than_it_uses_is_told_another_share_though_it_has_room() {
    let mut returned = told(47, 20);
    for share in [105, 10] {
        returned.tellings.tell(share, Some(47));
    }
    let plan = planned(77, [told(30, 11), returned]);
    assert!(matches!(plan[..], [(1, 20..=48)]), "{plan:?}");
}

#[test]
fn a_total_below_what_is_used_is_told_again_where_the_use_was_told_late() {
    let mut full = told(50, 30);
    full.tellings.tell(30, Some(50));
    full.found = Some(Found {
        limit: 50,
        need: 40,
    });
    assert_eq!(planned(30, [full]), [(0, 40)]);
}
