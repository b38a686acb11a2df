//! So many of each who asks, and then one in each of a time. Pure: time is an argument.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Who is remembered, some 150 bytes each: those who asked so often lately that not all of it is
/// there again. Where there are more, the others are counted as one.
const ASKERS_MAX: usize = 16_384;

/// Whose last was refused is remembered for so long after all of it is there again, to be told how
/// often that was. Then it is counted with the others.
const REFUSED_KEPT: Duration = Duration::from_secs(24 * 3600);

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
            self.make_room(now);
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

    /// Nothing came of what was taken last.
    pub(super) fn give_back(&mut self, asker: &str) {
        let has_own = self.askers.contains_key(asker);
        if let Some(his) = self.askers.get_mut(if has_own { asker } else { "" }) {
            his.full_at = his.full_at.checked_sub(self.each).unwrap_or(his.full_at);
        }
    }

    /// Forgets those who have all of it again.
    fn make_room(&mut self, now: Instant) {
        let mut untold = 0u64;
        self.askers.retain(|asker, it| {
            let since = now.saturating_duration_since(it.full_at);
            let is_kept = asker.is_empty() || it.full_at > now;
            let is_kept = is_kept || (it.refused > 0 && since < REFUSED_KEPT);
            if !is_kept {
                untold = untold.saturating_add(it.refused);
            }
            is_kept
        });
        if untold > 0 {
            let nobody = Asker {
                full_at: now,
                refused: 0,
            };
            let others = self.askers.entry(String::new()).or_insert(nobody);
            others.refused = others.refused.saturating_add(untold);
        }
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

    #[test]
    fn whoever_was_refused_once_and_never_comes_again_takes_no_place_for_ever() {
        let (mut per_asker, now) = (PerAsker::new(1, EACH), Clock::system().now());
        per_asker.askers_max = 100;
        for asker in 0..100 {
            for _ in 0..2 {
                let _ = per_asker.admit(now, &asker.to_string());
            }
        }
        let soon = now + 2 * EACH;
        assert_eq!(per_asker.admit(soon, "ann"), Ok(0), "as one of the others");
        assert_eq!(per_asker.admit(soon, "7"), Ok(1), "it is told");
        let later = soon + REFUSED_KEPT;
        assert_eq!(per_asker.admit(later, "bob"), Ok(0));
        assert_eq!(per_asker.admit(later, "cid"), Ok(0), "each by himself");
        assert!(per_asker.askers.len() < 10);
        per_asker.askers_max = 0;
        assert_eq!(per_asker.admit(later, "dan"), Ok(99), "with the others");
    }

    #[test]
    fn what_nothing_came_of_is_given_back() {
        let (mut per_asker, now) = (PerAsker::new(2, EACH), Clock::system().now());
        for _ in 0..20 {
            assert_eq!(per_asker.admit(now, "ann"), Ok(0));
            per_asker.give_back("ann");
        }
        for _ in 0..2 {
            assert_eq!(per_asker.admit(now, "ann"), Ok(0));
        }
        assert_eq!(per_asker.admit(now, "ann"), Err(EACH));
    }
}
