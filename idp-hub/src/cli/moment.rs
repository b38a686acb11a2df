//! Moments as people take them in at a glance: how long ago. In JSON they are to the millisecond.

use std::time::Duration;

use jiff::Timestamp;
use shared::model::UnixMillis;
use shared::runtime::clock::Clock;

use crate::api::Time;

/// By this machine's clock, which is the hub's: its local socket is what is asked.
pub(super) fn now() -> UnixMillis {
    Clock::system().unix_millis()
}

/// How long ago, in the largest unit that gives at least 2.
pub(super) fn ago(time: &Time, now: UnixMillis) -> String {
    match millis(time) {
        Some(then) => span(now.since(then).as_secs()),
        None => time.0.clone(),
    }
}

/// What is left of a time that began then, in the same units; nothing, once it is over.
pub(super) fn left_of(whole: Duration, began: &Time, now: UnixMillis) -> String {
    let left = millis(began).map(|it| whole.saturating_sub(now.since(it)));
    match left.filter(|it| !it.is_zero()) {
        Some(left) => span(
            left.as_secs()
                .saturating_add(u64::from(left.subsec_nanos() > 0)),
        ),
        None => String::new(),
    }
}

fn millis(time: &Time) -> Option<UnixMillis> {
    let time: Timestamp = time.0.parse().ok()?;
    Some(UnixMillis(
        u64::try_from(time.as_millisecond()).unwrap_or_default(),
    ))
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// To the letter, and how long ago: where one thing is shown, and there is room.
pub(super) fn exact(time: &Time, now: UnixMillis) -> String {
    format!("{} ({} ago)", time.0, ago(time, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_counts_down_and_ends() {
        let now = UnixMillis(1_795_284_000_000);
        let whole = Duration::from_secs(900);
        let left = |gone: u64| left_of(whole, &Time::from(UnixMillis(now.0 - gone * 1000)), now);
        assert_eq!(
            [0, 300, 840, 900, 5000].map(left),
            ["15 min", "10 min", "60 s", "", ""]
        );
    }

    #[test]
    fn a_moment_is_so_long_ago_in_a_unit_of_which_there_are_two() {
        let now = UnixMillis(1_795_284_000_000);
        let before = |seconds: u64| ago(&Time::from(UnixMillis(now.0 - seconds * 1000)), now);
        let told = [0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(before);
        assert_eq!(
            told,
            ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d"]
        );
        let ahead = Time::from(UnixMillis(now.0 + 5_000));
        assert_eq!(ago(&ahead, now), "0 s", "clocks differ a little");
        let later = Time("of a later release".to_owned());
        assert_eq!(ago(&later, now), later.0);
        let whole = "2026-11-21T17:55:00.000Z";
        assert_eq!(
            exact(&Time(whole.to_owned()), now),
            format!("{whole} (5 min ago)")
        );
    }
}
