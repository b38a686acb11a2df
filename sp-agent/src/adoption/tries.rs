//! How often an account may be refused. Pure: time is an argument.
//!
//! All visitors share one allowance. A password can then be guessed at by one a minute from however
//! many addresses, and the cloud's own lockout hears of no more; the price is that a stranger can
//! use the allowance up, against which the network before the door must help.

use std::time::{Duration, Instant};

use crate::allowance::Allowance;

/// Accounts that may be refused one after another: an administrator's typing errors.
pub const TRIES_AT_ONCE: u32 = 5;

/// After them, one may be tried in each of these.
pub const TRY_EACH: Duration = Duration::from_secs(60);

/// Counts failed checks of accounts.
#[derive(Debug)]
pub struct Tries(Allowance);

impl Default for Tries {
    fn default() -> Self {
        Self(Allowance::new(TRIES_AT_ONCE, TRY_EACH))
    }
}

impl Tries {
    /// Whether an account may be checked now.
    ///
    /// # Errors
    /// The time to wait.
    pub fn admit(&self, now: Instant) -> Result<(), Duration> {
        self.0.admit(now)
    }

    /// Counts a check that failed.
    pub fn failed(&mut self, now: Instant) {
        self.0.count(now);
    }
}

#[cfg(test)]
mod tests {
    use shared::runtime::clock::Clock;

    use super::*;

    #[test]
    fn five_may_fail_and_then_one_a_minute() {
        let begin = Clock::system().now();
        let mut tries = Tries::default();
        for _ in 0..TRIES_AT_ONCE {
            assert_eq!(tries.admit(begin), Ok(()));
            tries.failed(begin);
        }
        assert_eq!(tries.admit(begin), Err(TRY_EACH));
        let later = begin + Duration::from_secs(40);
        assert_eq!(tries.admit(later), Err(Duration::from_secs(20)));
        for minute in 1..4 {
            let now = begin + TRY_EACH * minute;
            assert_eq!(tries.admit(now), Ok(()));
            tries.failed(now);
            assert_eq!(tries.admit(now), Err(TRY_EACH));
        }
        let much_later = begin + TRY_EACH * 100;
        for _ in 0..TRIES_AT_ONCE {
            assert_eq!(tries.admit(much_later), Ok(()));
            tries.failed(much_later);
        }
        assert!(tries.admit(much_later).is_err());
    }
}
