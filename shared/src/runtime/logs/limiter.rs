//! Logged once, also when the peer does it a thousand times: at most one line per key and window,
//! and the count of what was left out with the next.
//!
//! The keys are the peer's to choose (an address, a name), so their number is bounded too: when the
//! table is full, all new keys share one entry. Per window there are at most `keys_max + 1` lines,
//! whatever happens. Pure.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// A full table is searched for outlived entries at most this many times per window, so that a
/// flood of new keys does not cost a search each.
const SWEEPS_PER_WINDOW: u32 = 8;

/// The table of keys that were logged lately.
#[derive(Debug)]
pub struct LogLimiter<K> {
    window: Duration,
    keys_max: usize,
    entries: HashMap<K, Entry>,
    /// For keys that found no room.
    others: Entry,
    swept: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    logged: Option<Instant>,
    suppressed: u64,
}

impl<K: Eq + Hash> LogLimiter<K> {
    /// One line per key and `window`, for up to `keys_max` keys at a time.
    #[must_use]
    pub fn new(window: Duration, keys_max: usize) -> Self {
        Self {
            window,
            keys_max,
            entries: HashMap::new(),
            others: Entry::default(),
            swept: None,
        }
    }

    /// Whether to log now. `Some` says yes, with the number of lines that this key, or keys that
    /// found no room, were denied since the last; `None` says no, and counts it.
    pub fn admit(&mut self, now: Instant, key: K) -> Option<u64> {
        if self.entries.len() >= self.keys_max && !self.entries.contains_key(&key) {
            self.sweep(now);
        }
        let entry = if self.entries.len() < self.keys_max {
            self.entries.entry(key).or_default()
        } else {
            self.entries.get_mut(&key).unwrap_or(&mut self.others)
        };
        entry.admit(now, self.window)
    }

    /// Makes room. What the outlived entries had left out is added to the shared one, so that no
    /// count is lost while the table is full.
    fn sweep(&mut self, now: Instant) {
        let pause = self.window / SWEEPS_PER_WINDOW;
        if self
            .swept
            .is_some_and(|swept| now.saturating_duration_since(swept) < pause)
        {
            return;
        }
        self.swept = Some(now);
        let mut left_out = 0u64;
        let window = self.window;
        self.entries.retain(|_, entry| {
            let outlived = entry.outlived(now, window);
            if outlived {
                left_out = left_out.saturating_add(entry.suppressed);
            }
            !outlived
        });
        self.others.suppressed = self.others.suppressed.saturating_add(left_out);
    }
}

impl Entry {
    fn outlived(&self, now: Instant, window: Duration) -> bool {
        self.logged
            .is_none_or(|logged| now.saturating_duration_since(logged) >= window)
    }

    fn admit(&mut self, now: Instant, window: Duration) -> Option<u64> {
        if self.outlived(now, window) {
            self.logged = Some(now);
            return Some(std::mem::take(&mut self.suppressed));
        }
        self.suppressed = self.suppressed.saturating_add(1);
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::runtime::clock::Clock;

    const WINDOW: Duration = Duration::from_secs(60);

    #[test]
    fn a_key_is_logged_once_per_window_with_the_count_of_the_rest() {
        let start = Clock::system().now();
        let mut limiter = LogLimiter::new(WINDOW, 10);
        assert_eq!(limiter.admit(start, "mallory"), Some(0));
        for second in 1..60 {
            assert_eq!(
                limiter.admit(start + Duration::from_secs(second), "mallory"),
                None
            );
        }
        assert_eq!(
            limiter.admit(start + Duration::from_secs(30), "alice"),
            Some(0)
        );
        assert_eq!(limiter.admit(start + WINDOW, "mallory"), Some(59));
        assert_eq!(limiter.admit(start + WINDOW * 2, "mallory"), Some(0));
        assert_eq!(
            limiter.admit(start, "mallory"),
            None,
            "time that goes back admits nothing"
        );
    }

    #[test]
    fn a_flood_of_keys_shares_one_entry_and_frees_its_room_later() {
        let start = Clock::system().now();
        let mut limiter = LogLimiter::new(WINDOW, 2);
        let lines = (0..1000)
            .filter(|key| limiter.admit(start, *key).is_some())
            .count();
        assert_eq!(lines, 3);
        let later = start + WINDOW;
        assert_eq!(
            limiter.admit(later, 5000),
            Some(0),
            "the first two have outlived their window"
        );
        assert_eq!(limiter.admit(later, 5001), Some(0));
        assert_eq!(
            limiter.admit(later, 5002),
            Some(997),
            "what the flood left out is not lost"
        );
    }

    proptest! {
        #[test]
        fn lines_per_window_and_memory_are_bounded(
            steps in prop::collection::vec((0u64..20_000, 0u8..20), 1..300),
            keys_max in 0usize..6,
        ) {
            let start = Clock::system().now();
            let mut limiter = LogLimiter::new(WINDOW, keys_max);
            let (mut now, mut admitted, mut logged, mut calls) = (start, Vec::new(), 0u64, 0u64);
            for (step_ms, key) in steps {
                now += Duration::from_millis(step_ms);
                calls += 1;
                if let Some(suppressed) = limiter.admit(now, key) {
                    admitted.push((now, key));
                    logged += 1 + suppressed;
                }
                prop_assert!(limiter.entries.len() <= keys_max);
            }
            prop_assert!(logged <= calls, "more is told than happened");
            for (at, _) in &admitted {
                let after = admitted.iter().filter(|(other, _)| *other >= *at);
                let within = after.filter(|(other, _)| *other < *at + WINDOW).count();
                prop_assert!(within <= 2 * (keys_max + 1));
            }
        }
    }
}
