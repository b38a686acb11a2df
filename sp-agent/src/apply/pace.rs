//! How fast orders are done, and what follows for those that are left.

#[cfg(test)]
mod tests;

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
