//! So many of each who asks, and then one in each of a time. Pure: time is an argument.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Who is remembered, some 150 bytes each: those who asked so often lately that not all of it is
/// there again. Where there are more, the others are counted as one.
const ASKERS_MAX: usize = 16_384;

/// What is left to each.
#[derive(Debug)]
pub(super) struct PerAsker {
    at_once: u32,
    each: Duration,
    askers_max: usize,
    askers: HashMap<String, Asker>,
}

#[derive(Debug, Clone, Copy)]
struct Asker {
    /// When all of it is there again.
    full_at: Instant,
    /// What was refused since the last that was not.
    refused: u64,
}

impl PerAsker {
    pub(super) fn new(at_once: u32, each: Duration) -> Self {
        Self {
            at_once,
            each,
            askers_max: ASKERS_MAX,
            askers: HashMap::new(),
        }
    }

    /// Takes one of what is left: how many were refused since the last that was not.
    ///
    /// # Errors
    /// The time to wait, if none is left.
    pub(super) fn admit(&mut self, now: Instant, asker: &str) -> Result<u64, Duration> {
        if self.askers.len() >= self.askers_max && !self.askers.contains_key(asker) {
            self.askers
                .retain(|_, it| it.full_at > now || it.refused > 0);
        }
        let has_room = self.askers.len() < self.askers_max || self.askers.contains_key(asker);
        let asker = if has_room { asker } else { "" };
        let his = self.askers.entry(asker.to_owned()).or_insert(Asker {
            full_at: now,
            refused: 0,
        });
        let owed = his.full_at.saturating_duration_since(now);
        let wait = owed.saturating_sub(self.each * self.at_once.saturating_sub(1));
        if !wait.is_zero() {
            his.refused = his.refused.saturating_add(1);
            return Err(wait);
        }
        his.full_at = his.full_at.max(now) + self.each;
        Ok(std::mem::take(&mut his.refused))
    }
}

#[cfg(test)]
mod tests {
    use shared::runtime::clock::Clock;

    use super::*;

    const EACH: Duration = Duration::from_secs(60);

    #[test]
    fn each_has_some_at_once_and_then_one_by_one_and_what_was_refused_is_said() {
        let (mut per_asker, now) = (PerAsker::new(3, EACH), Clock::system().now());
        for _ in 0..3 {
            assert_eq!(per_asker.admit(now, "ann"), Ok(0));
        }
        for _ in 0..5 {
            assert_eq!(per_asker.admit(now, "ann"), Err(EACH));
        }
        assert_eq!(per_asker.admit(now, "bob"), Ok(0));
        assert_eq!(per_asker.admit(now + EACH, "ann"), Ok(5));
        assert_eq!(per_asker.admit(now + EACH, "ann"), Err(EACH));
        assert_eq!(per_asker.admit(now + 10 * EACH, "ann"), Ok(1));
    }

    #[test]
    fn askers_are_remembered_within_bounds() {
        let (mut per_asker, now) = (PerAsker::new(3, EACH), Clock::system().now());
        per_asker.askers_max = 100;
        let told = (0..200).filter(|it: &u32| per_asker.admit(now, &it.to_string()).is_ok());
        assert_eq!(told.count(), 103, "all others are as one");
        assert_eq!(per_asker.askers.len(), 101);
        assert_eq!(per_asker.admit(now + 3 * EACH, "ann"), Ok(0));
        assert!(per_asker.askers.len() <= 2, "the others' count is kept");
    }
}
