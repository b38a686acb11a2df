//! How often a region's agent may tell another key to seal secrets to. Pure: time is an argument.

use std::time::Duration;

use shared::model::UnixMillis;

/// So long a key is kept at least: an agent has one in its file, and each one more costs an entry
/// of the audit trail, and all passwords that are sealed to it.
const KEPT_MIN: Duration = Duration::from_secs(60);

/// The longest, after several within a day: 24 entries a day, of the trail's million 9,600 in the
/// 400 days that it is kept.
const KEPT_MAX: Duration = Duration::from_secs(3600);

/// Who kept one so long begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The keys that took another one's place since the hub began, with less than a day between them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::store) struct KeyTurns(u32);

impl KeyTurns {
    /// Another one took the place of one that was told then.
    pub(super) fn turn(&mut self, since: Option<UnixMillis>, now: UnixMillis) {
        let is_long = since.is_none_or(|it| now.since(it) >= FORGOTTEN_AFTER);
        self.0 = if is_long { 1 } else { self.0.saturating_add(1) };
    }

    /// Whether one that was told then may be another one by now.
    pub(super) fn may_turn(self, since: Option<UnixMillis>, now: UnixMillis) -> bool {
        let longer = 1_u32.checked_shl(self.0).unwrap_or(u32::MAX);
        let kept = KEPT_MIN.saturating_mul(longer).min(KEPT_MAX);
        // A clock that was ahead then is not waited for.
        since.is_none_or(|it| it > now || now.since(it) >= kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: UnixMillis = UnixMillis(1_800_000_000_000);
    const DAY_S: u64 = 24 * 3600;

    const fn after(seconds: u64) -> UnixMillis {
        UnixMillis(BEGIN.0 + seconds * 1000)
    }

    /// When keys take another one's place within these days, by whoever tries each ten seconds.
    fn turned(turns: &mut KeyTurns, days: u64) -> Vec<u64> {
        let (mut since, mut all) = (BEGIN, Vec::new());
        for second in (0..days * DAY_S).step_by(10) {
            let now = after(second);
            if turns.may_turn(Some(since), now) {
                turns.turn(Some(since), now);
                since = now;
                all.push(second);
            }
        }
        all
    }

    #[test]
    fn whoever_tells_one_after_another_waits_twice_as_long_each_time_up_to_an_hour() {
        let all = turned(&mut KeyTurns::default(), 10);
        assert_eq!(all[..4], [60, 180, 420, 900]);
        assert!(all.len() <= 10 * 24 + 6, "{}", all.len());
        let last_day = all.iter().filter(|it| **it >= 9 * DAY_S);
        assert_eq!(last_day.count(), 24);
    }

    #[test]
    fn who_kept_one_for_a_day_waits_a_minute_as_at_first() {
        let mut turns = KeyTurns::default();
        let last = *turned(&mut turns, 1).last().unwrap();
        let next = last + DAY_S;
        turns.turn(Some(after(last)), after(next));
        let since = Some(after(next));
        assert!(!turns.may_turn(since, after(next + 119)));
        assert!(turns.may_turn(since, after(next + 120)));
        assert!(turns.may_turn(since, BEGIN), "the clock was ahead");
        assert!(KeyTurns::default().may_turn(None, BEGIN), "its first one");
    }
}
