//! How long to wait before trying again, so that a thousand that failed together do not return
//! together.
//!
//! Full jitter: a uniform choice between nothing and a bound that doubles with each attempt up to a
//! ceiling. Marc Brooker's comparison ("Exponential Backoff And Jitter", AWS Architecture Blog,
//! 2015) found that it costs the least calls and nearly the least time of the variants. Pure: the
//! caller brings the chance.

use std::time::Duration;

/// The least base: a bound of zero would double to zero for ever, and try without a pause.
const BASE_MIN: Duration = Duration::from_millis(1);

/// The state of one sequence of attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    ceiling: Duration,
    attempts: u32,
}

impl Backoff {
    /// Starts with waits below `base` (at least 1 ms), which double up to `ceiling` (at least
    /// `base`).
    #[must_use]
    pub fn new(base: Duration, ceiling: Duration) -> Self {
        let base = base.max(BASE_MIN);
        Self {
            base,
            ceiling: ceiling.max(base),
            attempts: 0,
        }
    }

    /// Counts a failed attempt, and returns the wait before the next one: `chance`, uniform over
    /// all of `u64`, picks it from zero up to the present bound, which is never above the ceiling.
    pub fn next(&mut self, chance: u64) -> Duration {
        let bound = self.bound();
        self.attempts = self.attempts.saturating_add(1);
        scale(bound, chance)
    }

    /// Forgets the failures, after a success.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Failed attempts since the start or the last [`reset`](Self::reset).
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The wait that the next failure stays below.
    #[must_use]
    pub fn bound(&self) -> Duration {
        let factor = 1u32.checked_shl(self.attempts).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.ceiling)
    }
}

/// `bound × chance / 2⁶⁴`, without a rounding that could exceed the bound.
fn scale(bound: Duration, chance: u64) -> Duration {
    // A bound of more than 584 years is cut to that.
    let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
    let scaled = (u128::from(nanos) * u128::from(chance)) >> 64;
    Duration::from_nanos(u64::try_from(scaled).unwrap_or(nanos))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn the_bound_doubles_to_the_ceiling_and_starts_again() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let bounds: Vec<u128> = (0..6)
            .map(|_| {
                let bound = backoff.bound().as_millis();
                backoff.next(0);
                bound
            })
            .collect();
        assert_eq!(bounds, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(backoff.attempts(), 6);
        backoff.reset();
        assert_eq!(backoff.bound(), Duration::from_millis(100));
    }

    #[test]
    fn a_fleet_that_fails_together_spreads_over_the_whole_ceiling() {
        let mut chance = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        let ceiling = Duration::from_secs(60);
        let mut tenths = [0u32; 10];
        let mut total = Duration::ZERO;
        for _ in 0..10_000 {
            let mut backoff = Backoff::new(ceiling, ceiling);
            let wait = backoff.next(chance.random());
            total += wait;
            tenths[(wait.as_secs() / 6) as usize] += 1;
        }
        let mean = total / 10_000;
        assert!(
            mean.abs_diff(ceiling / 2) < Duration::from_secs(1),
            "{mean:?}"
        );
        assert!(
            tenths.iter().all(|count| (850..1150).contains(count)),
            "{tenths:?}"
        );
    }

    proptest! {
        #[test]
        fn no_wait_reaches_its_bound_and_no_bound_exceeds_the_ceiling(
            base_ms in 0u64..100_000,
            ceiling_ms in 0u64..1_000_000_000,
            chances in prop::collection::vec(any::<u64>(), 1..80),
        ) {
            let base = Duration::from_millis(base_ms);
            let ceiling = Duration::from_millis(ceiling_ms);
            let mut backoff = Backoff::new(base, ceiling);
            let mut last = Duration::ZERO;
            for chance in chances {
                let bound = backoff.bound();
                prop_assert!(bound >= last && bound > Duration::ZERO);
                prop_assert!(bound <= ceiling.max(base).max(BASE_MIN));
                prop_assert!(backoff.next(chance) < bound);
                last = bound;
            }
        }

        #[test]
        fn the_extremes_of_time_and_chance_do_not_overflow(chance: u64) {
            let mut backoff = Backoff::new(Duration::MAX, Duration::MAX);
            prop_assert!(backoff.next(chance) <= Duration::from_nanos(u64::MAX));
        }
    }
}
