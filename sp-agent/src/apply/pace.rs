//! How fast orders are done, and what follows for those that are left.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Over how long the rate is taken.
const WINDOW: Duration = Duration::from_secs(60);

/// What is done within one second is counted together, so that at most [`WINDOW`]'s seconds are
/// kept.
const STEP: Duration = Duration::from_secs(1);

/// What was done in the last minute.
#[derive(Debug, Default)]
pub(super) struct Pace {
    steps: VecDeque<(Instant, u64)>,
}

impl Pace {
    pub(super) fn done(&mut self, now: Instant) {
        match self.steps.back_mut() {
            Some((at, count)) if now.saturating_duration_since(*at) < STEP => *count += 1,
            _ => self.steps.push_back((now, 1)),
        }
        while let Some((at, _)) = self.steps.front()
            && now.saturating_duration_since(*at) > WINDOW
        {
            self.steps.pop_front();
        }
    }

    /// How long so many more take at that rate; `None` where nothing was done in the last minute,
    /// so that nobody knows.
    pub(super) fn left(&self, now: Instant, count: u64) -> Option<Duration> {
        if count == 0 {
            return Some(Duration::ZERO);
        }
        let age = |at: Instant| now.saturating_duration_since(at);
        let recent = self.steps.iter().filter(|(at, _)| age(*at) <= WINDOW);
        let (mut done, mut over) = (0, STEP);
        for (at, count) in recent {
            done += count;
            over = over.max(age(*at));
        }
        let each = over.checked_div(u32::try_from(done).unwrap_or(u32::MAX))?;
        Some(each.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a beginning to count from")]
mod tests {
    use super::*;

    #[test]
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
}
