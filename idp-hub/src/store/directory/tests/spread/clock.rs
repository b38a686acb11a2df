//! A total is spread right by a hub whose clock was ahead for a while, and was put back.

use std::time::Duration;

use shared::model::UnixMillis;
use shared::runtime::clock::Clock;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_share_that_was_told_by_a_clock_ahead_is_put_right_once_for_what_was_read() {
    let now = Clock::system().unix_millis();
    let (clock, hand) = Clock::manual(now);
    let mut fleet = Fleet::of(Site::by(clock).await).await;
    fleet.total(100).await.unwrap();
    fleet.settles().await;
    hand.advance(DAY);
    fleet.total(80).await.unwrap();
    fleet.settles().await;
    let share = fleet.regions[0].limit;
    let later = |minutes: u64| now.plus(Duration::from_secs(60 * minutes));
    for (minutes, by_hand) in [(1, 1000), (2, 7), (3, 1000)] {
        hand.set_wall(later(minutes));
        fleet.regions[0].limit = by_hand;
        fleet.reads(0).await;
        assert_eq!(fleet.looks().await, ["a"], "{by_hand}");
        hand.set_wall(UnixMillis(later(minutes).0 + 1));
        assert_eq!(fleet.looks().await, [""; 0], "once for what was read");
        fleet.settles().await;
        assert_eq!(fleet.regions[0].limit, share);
    }
}

/// What a region told while the clock was ahead is later than what it is told now.
#[tokio::test]
async fn a_share_is_told_once_to_a_region_that_told_something_while_the_clock_was_ahead() {
    let now = Clock::system().unix_millis();
    let (clock, hand) = Clock::manual(now);
    let mut fleet = Fleet::of(Site::by(clock).await).await;
    hand.advance(DAY);
    fleet.uses(0, 1).await;
    hand.set_wall(now.plus(Duration::from_secs(60)));
    fleet.total(100).await.unwrap();
    assert_eq!(fleet.looks().await, ["a", "b", "c"]);
    assert_eq!(fleet.looks().await, [""; 0], "it is on its way");
    fleet.settles().await;
}
