//! Holds up whoever guesses passwords. Pure: time is an argument.
//!
//! Counted by account and source together: a guesser locks out himself, and not the administrator,
//! who signs in from elsewhere, or works through the local socket. And by source alone, so that
//! names that nobody has buy no more guesses.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Failures without a wait: what a person with a new password needs.
const FREE: u32 = 5;

/// The same of one source, whatever the account: an office of administrators behind one address.
const SOURCE_FREE: u32 = 20;

/// The first wait. It doubles with each failure.
const WAIT_FIRST: Duration = Duration::from_secs(2);

/// The longest wait: 96 guesses a day.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

/// The longest wait of a source, whatever the account: its administrators need not wait for long
/// because of a script among them. Behind a proxy all are one source.
const SOURCE_WAIT_MAX: Duration = Duration::from_secs(60);

/// After so long without a failure all is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Pairs of account and source that are remembered, some 200 bytes each, and as many sources. Who
/// failed least and longest ago makes room, but nobody who still has to wait: where all have to, a
/// newcomer has to as well.
const REMEMBERED_MAX: usize = 4096;

/// Attempts that nobody looked at and that do not count, of an account from a source, until all of
/// it is forgotten: whoever tries again while the hub is busy. Beyond it they count.
const SPARED_MAX: u32 = 30;

/// The same of one source: an office that comes to work while the hub is busy.
const SOURCE_SPARED_MAX: u32 = 300;

/// Who failed, and how often.
#[derive(Debug)]
pub struct SignInLimiter {
    pairs: Remembered<(String, IpAddr)>,
    sources: Remembered<IpAddr>,
}

impl Default for SignInLimiter {
    fn default() -> Self {
        Self {
            pairs: Remembered::new(FREE, WAIT_MAX, SPARED_MAX),
            sources: Remembered::new(SOURCE_FREE, SOURCE_WAIT_MAX, SOURCE_SPARED_MAX),
        }
    }
}

impl SignInLimiter {
    /// Asks for an attempt. It counts as failed until [`Self::succeeded`] says otherwise, so that
    /// many at once get no further than one after the other. One that has to wait is not counted.
    ///
    /// # Errors
    /// How long to wait.
    pub fn attempt(&mut self, now: Instant, account: &str, source: IpAddr) -> Result<(), Duration> {
        let source = site(source);
        let pair = (account.to_owned(), source);
        let forgotten = self.pairs.admit(now, &pair)?;
        let forgotten_source = self.sources.admit(now, &source)?;
        self.pairs.count(now, pair, forgotten);
        self.sources.count(now, source, forgotten_source);
        Ok(())
    }

    /// The attempt went well. The source's other failures stay: an account of his own gives a
    /// guesser no more guesses at others.
    pub fn succeeded(&mut self, account: &str, source: IpAddr) {
        let source = site(source);
        self.pairs.entries.remove(&(account.to_owned(), source));
        if let Some(failures) = self.sources.entries.get_mut(&source) {
            failures.count = failures.count.saturating_sub(1);
        }
    }

    /// Nobody could look at the attempt: it was none.
    pub fn take_back(&mut self, account: &str, source: IpAddr) {
        let source = site(source);
        self.pairs.take_back(&(account.to_owned(), source));
        self.sources.take_back(&source);
    }

    /// Whether an attempt at an account has to wait, wherever from.
    pub fn holds_up(&self, now: Instant, account: &str) -> bool {
        let pairs = self.pairs.entries.iter();
        let mut his = pairs.filter(|((it, _), _)| it == account);
        let (free, wait_max) = (self.pairs.free, self.pairs.wait_max);
        his.any(|(_, failures)| !failures.wait(now, free, wait_max).is_zero())
    }

    /// Forgets all attempts at an account. What each source has failed by stays.
    pub fn forgive(&mut self, account: &str) {
        self.pairs.entries.retain(|(it, _), _| it != account);
    }
}

/// The failures of each of some kind.
#[derive(Debug)]
struct Remembered<K> {
    free: u32,
    wait_max: Duration,
    spared_max: u32,
    entries: HashMap<K, Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    /// Attempts that do not count, as nobody looked at them.
    spared: u32,
    last: Instant,
}

impl<K: Hash + Eq + Clone> Remembered<K> {
    fn new(free: u32, wait_max: Duration, spared_max: u32) -> Self {
        Self {
            free,
            wait_max,
            spared_max,
            entries: HashMap::new(),
        }
    }

    /// Whose place a newcomer would take, if there is none for it. Changes nothing, as another
    /// count may still refuse the attempt.
    fn admit(&self, now: Instant, key: &K) -> Result<Option<K>, Duration> {
        if let Some(failures) = self.entries.get(key) {
            let left = failures.wait(now, self.free, self.wait_max);
            return if left.is_zero() { Ok(None) } else { Err(left) };
        }
        if self.entries.len() < REMEMBERED_MAX {
            return Ok(None);
        }
        let waits = |it: &Failures| it.wait(now, self.free, self.wait_max);
        let passed = self.entries.iter().filter(|(_, it)| waits(it).is_zero());
        let least = passed.min_by_key(|(_, it)| (it.count_at(now), it.last));
        match least {
            Some((key, _)) => Ok(Some(key.clone())),
            None => Err(self.entries.values().map(waits).min().unwrap_or_default()),
        }
    }

    fn count(&mut self, now: Instant, key: K, forgotten: Option<K>) {
        if let Some(forgotten) = forgotten {
            self.entries.remove(&forgotten);
        }
        let failures = self.entries.entry(key).or_insert(Failures {
            count: 0,
            spared: 0,
            last: now,
        });
        if failures.is_forgotten(now) {
            (failures.count, failures.spared) = (0, 0);
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
    }

    fn take_back(&mut self, key: &K) {
        if let Some(failures) = self.entries.get_mut(key)
            && failures.spared < self.spared_max
        {
            failures.spared = failures.spared.saturating_add(1);
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

impl Failures {
    fn is_forgotten(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= FORGOTTEN_AFTER
    }

    fn count_at(&self, now: Instant) -> u32 {
        match self.is_forgotten(now) {
            true => 0,
            false => self.count,
        }
    }

    /// What is left of the wait.
    fn wait(&self, now: Instant, free: u32, wait_max: Duration) -> Duration {
        let since = now.saturating_duration_since(self.last);
        wait_after(self.count_at(now), free, wait_max).saturating_sub(since)
    }
}

fn wait_after(failures: u32, free: u32, wait_max: Duration) -> Duration {
    match failures.checked_sub(free) {
        None => Duration::ZERO,
        Some(beyond) => WAIT_FIRST.saturating_mul(1 << beyond.min(20)).min(wait_max),
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
    fn an_attempt_that_nobody_looked_at_counts_for_neither_account_nor_source() {
        let mut limiter = SignInLimiter::default();
        let now = Clock::system().now();
        for _ in 1..SPARED_MAX {
            assert_eq!(limiter.attempt(now, "ann", HOME), Ok(()));
            limiter.take_back("ann", HOME);
        }
        for _ in 0..FREE {
            assert_eq!(limiter.attempt(now, "ann", HOME), Ok(()));
        }
        assert_eq!(limiter.attempt(now, "ann", HOME), Err(WAIT_FIRST));
        limiter.take_back("ann", HOME);
        assert_eq!(limiter.attempt(now, "ann", HOME), Ok(()), "one alone");
        assert_eq!(limiter.attempt(now, "ann", HOME), Err(WAIT_FIRST));
    }

    #[test]
    fn whoever_goes_on_while_nobody_looks_is_held_up_as_well() {
        let mut limiter = SignInLimiter::default();
        let now = Clock::system().now();
        let mut tries = 0;
        while limiter.attempt(now, "ann", HOME).is_ok() {
            limiter.take_back("ann", HOME);
            tries += 1;
        }
        assert_eq!(tries, SPARED_MAX + FREE);
        // Nor may a source by many names.
        let mut all = 0;
        for number in 0..1000 {
            let name = format!("u{number}");
            let Ok(()) = limiter.attempt(now, &name, source(9)) else {
                break;
            };
            limiter.take_back(&name, source(9));
            all += 1;
        }
        assert_eq!(all, SOURCE_SPARED_MAX + SOURCE_FREE);
        let later = now + FORGOTTEN_AFTER;
        assert_eq!(limiter.attempt(later, "ann", HOME), Ok(()));
        limiter.take_back("ann", HOME);
        assert_eq!(limiter.attempt(later, "ann", HOME), Ok(()));
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

    /// Lets it fail as often as it may at once.
    fn exhaust(limiter: &mut SignInLimiter, now: Instant, account: &str, source: IpAddr) -> u32 {
        let mut failed = 0;
        while limiter.attempt(now, account, source).is_ok() {
            failed += 1;
        }
        failed
    }

    #[test]
    fn names_that_nobody_has_buy_a_guesser_no_more_guesses() {
        let mut limiter = SignInLimiter::default();
        let now = Clock::system().now();
        assert_eq!(exhaust(&mut limiter, now, "admin", HOME), FREE);
        let invented = (0..2 * REMEMBERED_MAX).filter(|number| {
            let account = format!("nobody-{number}");
            limiter.attempt(now, &account, HOME).is_ok()
        });
        assert_eq!(invented.count(), (SOURCE_FREE - FREE) as usize);
        assert_eq!(limiter.attempt(now, "admin", HOME), Err(WAIT_FIRST));
        assert_eq!(
            limiter.attempt(now, "admin", source(7)),
            Ok(()),
            "elsewhere"
        );
        // An account of his own gives none back either.
        let later = now + WAIT_FIRST;
        assert_eq!(limiter.attempt(later, "own", HOME), Ok(()));
        limiter.succeeded("own", HOME);
        assert_eq!(limiter.attempt(later, "other", HOME), Err(WAIT_FIRST));
    }

    #[test]
    fn a_flood_of_sources_is_remembered_within_bounds() {
        let mut limiter = SignInLimiter::default();
        let now = Clock::system().now();
        exhaust(&mut limiter, now, "admin", HOME);
        for number in 0..REMEMBERED_MAX as u32 + 500 {
            assert_eq!(limiter.attempt(now, "admin", source(number)), Ok(()));
        }
        assert_eq!(limiter.pairs.entries.len(), REMEMBERED_MAX);
        assert_eq!(limiter.sources.entries.len(), REMEMBERED_MAX);
        assert_eq!(limiter.attempt(now, "admin", HOME), Err(WAIT_FIRST));
        let later = now + WAIT_FIRST;
        assert_eq!(limiter.attempt(later, "admin", source(9999)), Ok(()));
        assert_eq!(limiter.attempt(later, "admin", HOME), Ok(()));
        let doubled = limiter.attempt(later, "admin", HOME);
        assert_eq!(
            doubled,
            Err(2 * WAIT_FIRST),
            "his wait was over, and he not forgotten"
        );
    }

    #[test]
    fn a_script_behind_one_address_holds_the_others_there_up_for_a_minute_at_most() {
        let mut limiter = SignInLimiter::default();
        let mut now = Clock::system().now();
        for number in 0..200 {
            let account = format!("script-{}", number % 50);
            let _ = limiter.attempt(now, &account, HOME);
            now += Duration::from_secs(30);
        }
        let wait = limiter.attempt(now, "admin", HOME).err();
        assert!(wait.is_none_or(|it| it <= SOURCE_WAIT_MAX), "{wait:?}");
    }

    #[test]
    fn where_all_have_to_wait_a_newcomer_has_to_as_well() {
        let mut limiter = SignInLimiter::default();
        let now = Clock::system().now();
        for number in 0..REMEMBERED_MAX as u32 {
            exhaust(&mut limiter, now, "admin", source(number));
        }
        assert_eq!(limiter.attempt(now, "admin", HOME), Err(WAIT_FIRST));
        assert_eq!(limiter.pairs.entries.len(), REMEMBERED_MAX);
        let later = now + WAIT_FIRST;
        assert_eq!(limiter.attempt(later, "admin", HOME), Ok(()));
        assert_eq!(limiter.pairs.entries.len(), REMEMBERED_MAX);
    }
}
