//! So many at once, and then one in each of a time: the generic cell rate algorithm (ITU-T I.371).
//! Pure: time is an argument.

use std::time::{Duration, Instant};

/// What is left of an allowance.
#[derive(Debug)]
pub struct Allowance {
    at_once: u32,
    each: Duration,
    /// When it is full again.
    full_at: Option<Instant>,
}

impl Allowance {
    /// A full one: `at_once` may follow one another, and after them one in `each`.
    pub const fn new(at_once: u32, each: Duration) -> Self {
        Self {
            at_once,
            each,
            full_at: None,
        }
    }

    /// Whether there is room for one now.
    ///
    /// # Errors
    /// The time to wait.
    pub fn admit(&self, now: Instant) -> Result<(), Duration> {
        let owed = self
            .full_at
            .map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        let wait = owed.saturating_sub(self.each * self.at_once.saturating_sub(1));
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// Whether all of it is there again.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
    }

    /// Takes one back that was counted.
    pub fn give_back(&mut self) {
        self.full_at = self.full_at.and_then(|at| at.checked_sub(self.each));
    }

    /// Counts one.
    pub fn count(&mut self, now: Instant) {
        let from = self.full_at.map_or(now, |at| at.max(now));
        self.full_at = from.checked_add(self.each);
    }
}

/// Two that both count: of a short time, and of a longer one.
#[derive(Debug)]
pub struct Twofold {
    short: Allowance,
    long: Allowance,
}

impl Twofold {
    /// Of these two.
    pub const fn new(short: Allowance, long: Allowance) -> Self {
        Self { short, long }
    }

    /// Whether both have room for one now.
    ///
    /// # Errors
    /// The time to wait.
    pub fn admit(&self, now: Instant) -> Result<(), Duration> {
        let waits = [&self.short, &self.long].map(|it| it.admit(now).err());
        waits.into_iter().flatten().max().map_or(Ok(()), Err)
    }

    /// Whether all of both is there again.
    pub fn is_full(&self, now: Instant) -> bool {
        self.short.is_full(now) && self.long.is_full(now)
    }

    /// Takes one back that was counted.
    pub fn give_back(&mut self) {
        self.short.give_back();
        self.long.give_back();
    }

    /// Counts one.
    pub fn count(&mut self, now: Instant) {
        self.short.count(now);
        self.long.count(now);
    }
}
