//! How often someone may ask. Pure: time is an argument.
//!
//! Tokens and keys can't be guessed, so this is only about load: a request costs a few signature
//! checks and, where it is good, a commit.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Sources remembered at once, some 300 KiB. Beyond them newcomers share one allowance.
const SOURCES_MAX: usize = 4096;

/// A source's burst: a rack of agents behind one address that join together.
const SOURCE_BURST: u32 = 256;

/// A source's steady rate is one in so long: at a millisecond each, 3 % of a core.
const SOURCE_INTERVAL: Duration = Duration::from_millis(31);

/// The burst of all sources together.
const ALL_BURST: u32 = 1024;

/// The steady rate of all sources together: a quarter of a core.
const ALL_INTERVAL: Duration = Duration::from_millis(4);

/// Allows each key a burst and a steady rate (the generic cell rate algorithm, ITU-T I.371).
#[derive(Debug)]
pub struct Limiter<K> {
    interval: Duration,
    tolerance: Duration,
    keys_max: usize,
    /// For each key, when its allowance is full again.
    full_at: HashMap<K, Instant>,
    /// That of all keys for which there is no room.
    others_full_at: Option<Instant>,
}

impl<K: Hash + Eq> Limiter<K> {
    /// Allows `burst` at once, at least one, and then one in each `interval`. So many keys have an
    /// allowance of their own at a time, some 70 bytes each; beyond them newcomers share one.
    pub fn new(burst: u32, interval: Duration, keys_max: usize) -> Self {
        Self {
            keys_max,
            interval,
            tolerance: interval.saturating_mul(burst.saturating_sub(1)),
            full_at: HashMap::new(),
            others_full_at: None,
        }
    }

    /// Counts one request of `key`.
    ///
    /// # Errors
    /// The time to wait, if there is none left now; the request is then not counted.
    pub fn admit(&mut self, now: Instant, key: K) -> Result<(), Duration> {
        if !self.full_at.contains_key(&key) && self.full_at.len() >= self.keys_max {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        let known = self.full_at.get(&key).copied();
        let shared = known.is_none() && self.full_at.len() >= self.keys_max;
        let full_at = if shared { self.others_full_at } else { known };
        let full_at = full_at.map_or(now, |at| at.max(now));
        let wait = full_at
            .saturating_duration_since(now)
            .saturating_sub(self.tolerance);
        if !wait.is_zero() {
            return Err(wait);
        }
        let full_at = full_at + self.interval;
        if shared {
            self.others_full_at = Some(full_at);
        } else {
            self.full_at.insert(key, full_at);
        }
        Ok(())
    }
}

/// Allows joins and recoveries by their source's address, and all of them together.
#[derive(Debug)]
pub struct JoinLimiter {
    sources: Limiter<IpAddr>,
    all: Limiter<()>,
}

impl JoinLimiter {
    /// With every allowance full.
    pub fn new() -> Self {
        Self {
            sources: Limiter::new(SOURCE_BURST, SOURCE_INTERVAL, SOURCES_MAX),
            all: Limiter::new(ALL_BURST, ALL_INTERVAL, 1),
        }
    }

    /// Counts one request from `source`.
    ///
    /// # Errors
    /// The time to wait.
    pub fn admit(&mut self, now: Instant, source: IpAddr) -> Result<(), Duration> {
        self.sources.admit(now, network(source))?;
        self.all.admit(now, ())
    }
}

impl Default for JoinLimiter {
    fn default() -> Self {
        Self::new()
    }
}

/// An IPv6 host has a /64 to draw addresses from (RFC 4291 §2.5.4), so all of it is one source.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(it) => IpAddr::V4(it),
        IpAddr::V6(it) => IpAddr::V6(Ipv6Addr::from_bits(it.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS_MAX: usize = 100;

    /// Any moment will do: the limiter only compares.
    #[allow(clippy::disallowed_methods)]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_burst_passes_and_then_the_steady_rate() {
        let now = start();
        let mut limiter = Limiter::new(3, Duration::from_secs(10), 10);
        for _ in 0..3 {
            assert_eq!(limiter.admit(now, 'a'), Ok(()));
        }
        assert_eq!(limiter.admit(now, 'a'), Err(Duration::from_secs(10)));
        assert_eq!(limiter.admit(now, 'b'), Ok(()), "another's is its own");
        let later = now + Duration::from_secs(10);
        assert_eq!(limiter.admit(later, 'a'), Ok(()));
        assert_eq!(limiter.admit(later, 'a'), Err(Duration::from_secs(10)));
        let rested = now + Duration::from_secs(100);
        let passed = (0..9).filter(|_| limiter.admit(rested, 'a').is_ok());
        assert_eq!(passed.count(), 3);
    }

    #[test]
    fn memory_is_bounded_and_newcomers_are_not_shut_out_for_ever() {
        let now = start();
        let mut limiter = Limiter::new(1, Duration::from_secs(60), KEYS_MAX);
        for key in 0..KEYS_MAX {
            assert_eq!(limiter.admit(now, key), Ok(()));
        }
        assert_eq!(limiter.admit(now, KEYS_MAX), Ok(()), "the shared allowance");
        assert!(limiter.admit(now, KEYS_MAX + 1).is_err());
        assert!(limiter.admit(now, 0).is_err());
        assert_eq!(limiter.full_at.len(), KEYS_MAX);
        let later = now + Duration::from_secs(61);
        assert_eq!(limiter.admit(later, KEYS_MAX + 1), Ok(()));
        assert_eq!(limiter.full_at.len(), 1);
    }

    #[test]
    fn a_source_is_an_address_or_an_ipv6_network() {
        let now = start();
        let mut limiter = JoinLimiter::new();
        let mut spent = |source: &str| {
            let source: IpAddr = source.parse().unwrap();
            (0..300)
                .take_while(|_| limiter.admit(now, source).is_ok())
                .count()
        };
        assert_eq!(spent("192.0.2.1"), 256);
        assert_eq!(spent("::ffff:192.0.2.1"), 0);
        assert_eq!(spent("2001:db8::1"), 256);
        assert_eq!(spent("2001:db8::2"), 0);
        assert_eq!(spent("2001:db8:0:1::1"), 256);
        assert_eq!(spent("192.0.2.2"), 256);
        assert_eq!(spent("192.0.2.3"), 0, "all together have a bound as well");
    }
}
