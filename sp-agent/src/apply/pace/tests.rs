//! The time that is left.

use super::*;

#[test]
#[allow(clippy::disallowed_methods, reason = "a beginning to count from")]
fn the_time_left_follows_the_last_minute_and_is_unknown_without_one() {
    let start = Instant::now();
    let mut pace = Pace::default();
    assert_eq!(pace.left(start, 10), None);
    assert_eq!(pace.left(start, 0), Some(Duration::ZERO));
    let at = |secs| start + Duration::from_secs(secs);
    // Five each second.
    for second in 0..200 {
        (0..5).for_each(|_| pace.done(at(second)));
    }
    assert!(pace.steps.len() <= 62, "{}", pace.steps.len());
    let left = pace.left(at(200), 500).unwrap();
    assert!(
        left > Duration::from_secs(90) && left < Duration::from_secs(110),
        "{left:?}"
    );
    assert_eq!(
        pace.left(at(400), 500),
        None,
        "nothing was done for minutes"
    );
}
