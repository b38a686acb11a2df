//! Holds up whoever guesses passwords. Pure: time is an argument.
//!
//! Counted by account and source together: a guesser locks out himself, and not the administrator,
//! who signs in from elsewhere, or works through the local socket.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Failures without a wait: what a person with a new password needs.
const FREE: u32 = 5;

/// The first wait. It doubles with each failure.
const WAIT_FIRST: Duration = Duration::from_secs(2);

/// The longest wait: 96 guesses a day.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

/// After so long without a failure all is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Pairs of account and source that are remembered, some 200 bytes each. The one that failed
/// longest ago makes room.
const REMEMBERED_MAX: usize = 4096;

/// Who failed, and how often.
#[derive(Debug, Default)]
pub struct SignInLimiter {
    failures: HashMap<(String, IpAddr), Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl SignInLimiter {
    /// Asks for an attempt. It counts as failed until [`Self::succeeded`] says otherwise, so that
    /// many at once get no further than one after the other.
    ///
    /// # Errors
    /// How long to wait.
    pub fn attempt(&mut self, now: Instant, account: &str, source: IpAddr) -> Result<(), Duration> {
        let key = (account.to_owned(), site(source));
        self.make_room(now, &key);
        let failures = self.failures.entry(key).or_insert(Failures {
            count: 0,
            last: now,
        });
        let since = now.saturating_duration_since(failures.last);
        if since >= FORGOTTEN_AFTER {
            failures.count = 0;
        }
        let wait = wait_after(failures.count);
        if since < wait {
            return Err(wait.saturating_sub(since));
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        Ok(())
    }

    /// The attempt went well.
    pub fn succeeded(&mut self, account: &str, source: IpAddr) {
        self.failures.remove(&(account.to_owned(), site(source)));
    }

    fn make_room(&mut self, now: Instant, key: &(String, IpAddr)) {
        if self.failures.len() < REMEMBERED_MAX || self.failures.contains_key(key) {
            return;
        }
        let alive = |it: &Failures| now.saturating_duration_since(it.last) < FORGOTTEN_AFTER;
        self.failures.retain(|_, it| alive(it));
        if self.failures.len() >= REMEMBERED_MAX {
            let oldest = self.failures.iter().min_by_key(|(_, it)| it.last);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.failures.remove(&oldest);
            }
        }
    }
}

fn wait_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(beyond) => WAIT_FIRST.saturating_mul(1 << beyond.min(20)).min(WAIT_MAX),
    }
}

/// A whole IPv6 network of one site (RFC 6177: at least a /64) counts as one source, since whoever
/// has one address of it has all.
pub(super) fn site(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use shared::runtime::clock::Clock;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn source(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn waits_begin_after_some_failures_and_grow_to_a_ceiling() {
        let mut limiter = SignInLimiter::default();
        let mut now = Clock::system().now();
        for _ in 0..FREE {
            assert_eq!(limiter.attempt(now, "admin", HOME), Ok(()));
        }
        let mut waited = Vec::new();
        for _ in 0..11 {
            let wait = limiter.attempt(now, "admin", HOME).unwrap_err();
            let early = now + wait - Duration::from_millis(1);
            assert_eq!(
                limiter.attempt(early, "admin", HOME),
                Err(Duration::from_millis(1))
            );
            now += wait;
            assert_eq!(limiter.attempt(now, "admin", HOME), Ok(()));
            waited.push(wait.as_secs());
        }
        assert_eq!(waited, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(
            limiter.attempt(now, "admin", source(7)),
            Ok(()),
            "another is not held up"
        );
        assert_eq!(limiter.attempt(now, "other", HOME), Ok(()));
        limiter.succeeded("admin", HOME);
        assert_eq!(limiter.attempt(now, "admin", HOME), Ok(()));
    }

    #[test]
    fn an_hour_of_quiet_is_forgiven() {
        let mut limiter = SignInLimiter::default();
        let now = Clock::system().now();
        while limiter.attempt(now, "admin", HOME).is_ok() {}
        let later = now + FORGOTTEN_AFTER;
        for _ in 0..FREE {
            assert_eq!(limiter.attempt(later, "admin", HOME), Ok(()));
        }
        assert!(limiter.attempt(later, "admin", HOME).is_err());
    }

    #[test]
    fn one_site_is_one_source_however_many_addresses_it_has() {
        let one: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        let same: IpAddr = "2001:db8:0:1:ffff::2".parse().unwrap();
        let other: IpAddr = "2001:db8:0:2::1".parse().unwrap();
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(site(one), site(same));
        assert_ne!(site(one), site(other));
        assert_eq!(site(mapped), HOME);
    }

    #[test]
    fn a_flood_of_sources_is_remembered_within_bounds() {
        let mut limiter = SignInLimiter::default();
        let start = Clock::system().now();
        for number in 0..2 * REMEMBERED_MAX as u32 {
            let now = start + Duration::from_millis(number.into());
            assert_eq!(limiter.attempt(now, "admin", source(number)), Ok(()));
        }
        assert_eq!(limiter.failures.len(), REMEMBERED_MAX);
        let last = 2 * REMEMBERED_MAX as u32 - 1;
        assert!(
            limiter
                .failures
                .contains_key(&("admin".to_owned(), source(last)))
        );
        assert!(
            !limiter
                .failures
                .contains_key(&("admin".to_owned(), source(0)))
        );
    }
}
