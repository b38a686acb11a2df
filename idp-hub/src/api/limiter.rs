//! Holds up whoever guesses passwords. Pure: time is an argument.
//!
//! Counted by account and source together: a guesser locks out himself, and not the administrator,
//! who signs in from elsewhere, or works through the local socket. And by source alone, so that
//! names that nobody has buy no more guesses; of a source that falls with time, as an office behind
//! one address has typing errors all day long.

#[cfg(test)]
mod tests;

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

/// What a source has failed by is halved each time, whoever signs in there meanwhile: it has some
/// 15 guesses in each, whatever it does, and each account its own few of them.
const SOURCE_HALVED_EACH: Duration = Duration::from_secs(5 * 60);

/// Pairs of account and source that are remembered, some 200 bytes each, and as many sources. Who
/// failed least and longest ago makes room, but nobody who still has to wait: where all have to, a
/// newcomer has to as well.
const REMEMBERED_MAX: usize = 4096;

/// Attempts that nobody looked at and that do not count, of an account from a source, until all of
/// it is forgotten: whoever tries again while the hub is busy. Beyond it they count.
const SPARED_MAX: u32 = 30;

/// The same of one source: an office that comes to work while the hub is busy.
const SOURCE_SPARED_MAX: u32 = 300;

/// Attempts of one source that do not count for it, as a region was not asked, at most: see
/// [`SignInLimiter::unasked`].
const SOURCE_UNASKED_MAX: u32 = 300;

/// And for each user who signed in from there lately: as often as somebody tries while his region
/// is away.
const UNASKED_OF_USER: u32 = 4;

/// Who failed, and how often.
#[derive(Debug)]
pub struct SignInLimiter {
    pairs: Remembered<(String, IpAddr)>,
    sources: Remembered<IpAddr>,
}

impl Default for SignInLimiter {
    fn default() -> Self {
        Self {
            pairs: Remembered::new(PAIRS),
            sources: Remembered::new(SOURCES),
        }
    }
}

/// How failures of some kind are counted.
#[derive(Debug, Clone, Copy)]
struct Rule {
    free: u32,
    wait_max: Duration,
    spared_max: u32,
    halved_each: Option<Duration>,
}

const PAIRS: Rule = Rule {
    free: FREE,
    wait_max: WAIT_MAX,
    spared_max: SPARED_MAX,
    halved_each: None,
};

const SOURCES: Rule = Rule {
    free: SOURCE_FREE,
    wait_max: SOURCE_WAIT_MAX,
    spared_max: SOURCE_SPARED_MAX,
    halved_each: Some(SOURCE_HALVED_EACH),
};

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

    /// The attempt went well, and nobody waits for longer because of it. The source's other
    /// failures stay: an account of his own gives a guesser no more guesses at others.
    pub fn succeeded(&mut self, account: &str, source: IpAddr) {
        let source = site(source);
        self.pairs.entries.remove(&(account.to_owned(), source));
        if let Some(failures) = self.sources.entries.get_mut(&source) {
            failures.count = failures.count.saturating_sub(1);
            failures.last = failures.before;
        }
    }

    /// Nobody asked the region that knows the account, or it said nothing. For the account it
    /// counts, as it would if nobody had that name. For the source it does not, so that an office
    /// whose region is away is not held up: some times for each of `users`, who signed in from
    /// there lately. A stranger has none of it, and so learns nothing by it of a name.
    pub fn unasked(&mut self, source: IpAddr, users: usize) {
        let users = u32::try_from(users).unwrap_or(u32::MAX);
        let most = users.saturating_mul(UNASKED_OF_USER);
        if let Some(failures) = self.sources.entries.get_mut(&site(source))
            && failures.unasked < most.min(SOURCE_UNASKED_MAX)
        {
            failures.unasked = failures.unasked.saturating_add(1);
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
        his.any(|(_, failures)| !failures.wait(now, self.pairs.rule).is_zero())
    }

    /// Forgets all attempts at an account. What each source has failed by stays.
    pub fn forgive(&mut self, account: &str) {
        self.pairs.entries.retain(|(it, _), _| it != account);
    }
}

/// The failures of each of some kind.
#[derive(Debug)]
struct Remembered<K> {
    rule: Rule,
    entries: HashMap<K, Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    /// Attempts that do not count, as nobody looked at them.
    spared: u32,
    /// The same, as a region was not asked.
    unasked: u32,
    last: Instant,
    /// The last one before that.
    before: Instant,
    /// When it was halved last.
    halved: Instant,
}

impl<K: Hash + Eq + Clone> Remembered<K> {
    fn new(rule: Rule) -> Self {
        Self {
            rule,
            entries: HashMap::new(),
        }
    }

    /// Whose place a newcomer would take, if there is none for it. Changes nothing, as another
    /// count may still refuse the attempt.
    fn admit(&self, now: Instant, key: &K) -> Result<Option<K>, Duration> {
        if let Some(failures) = self.entries.get(key) {
            let left = failures.wait(now, self.rule);
            return if left.is_zero() { Ok(None) } else { Err(left) };
        }
        if self.entries.len() < REMEMBERED_MAX {
            return Ok(None);
        }
        let waits = |it: &Failures| it.wait(now, self.rule);
        let passed = self.entries.iter().filter(|(_, it)| waits(it).is_zero());
        let least = passed.min_by_key(|(_, it)| (it.at(now, self.rule).count, it.last));
        match least {
            Some((key, _)) => Ok(Some(key.clone())),
            None => Err(self.entries.values().map(waits).min().unwrap_or_default()),
        }
    }

    fn count(&mut self, now: Instant, key: K, forgotten: Option<K>) {
        if let Some(forgotten) = forgotten {
            self.entries.remove(&forgotten);
        }
        let failures = self.entries.entry(key).or_insert(Failures::none(now));
        *failures = failures.at(now, self.rule);
        failures.count = failures.count.saturating_add(1);
        (failures.before, failures.last) = (failures.last, now);
    }

    fn take_back(&mut self, key: &K) {
        if let Some(failures) = self.entries.get_mut(key)
            && failures.spared < self.rule.spared_max
        {
            failures.spared = failures.spared.saturating_add(1);
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

impl Failures {
    const fn none(now: Instant) -> Self {
        Self {
            count: 0,
            spared: 0,
            unasked: 0,
            last: now,
            before: now,
            halved: now,
        }
    }

    /// What is left of it by now.
    fn at(&self, now: Instant, rule: Rule) -> Self {
        if now.saturating_duration_since(self.last) >= FORGOTTEN_AFTER {
            return Self::none(now);
        }
        let Some(each) = rule.halved_each else {
            return *self;
        };
        let since = now.saturating_duration_since(self.halved).as_secs();
        let times = since / each.as_secs().max(1);
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        let halve = |it: u32| it.checked_shr(times).unwrap_or_default();
        let halved = each.checked_mul(times);
        let halved = halved.and_then(|it| self.halved.checked_add(it));
        Self {
            count: halve(self.count),
            spared: halve(self.spared),
            unasked: halve(self.unasked),
            halved: halved.unwrap_or(now),
            ..*self
        }
    }

    /// What is left of the wait.
    fn wait(&self, now: Instant, rule: Rule) -> Duration {
        let since = now.saturating_duration_since(self.last);
        wait_after(self.at(now, rule).count, rule).saturating_sub(since)
    }
}

fn wait_after(failures: u32, rule: Rule) -> Duration {
    match failures.checked_sub(rule.free) {
        None => Duration::ZERO,
        Some(beyond) => {
            let wait = WAIT_FIRST.saturating_mul(1 << beyond.min(20));
            wait.min(rule.wait_max)
        }
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
