//! How many removals are given in a batch of them, and how long those take that are held back.

use std::time::{Duration, Instant};

use super::Reconciler;
use super::subject::{Level, Subject};

/// How long a batch of removals lasts: so long an operator has to see one and stop the next.
pub const REMOVALS_PERIOD: Duration = Duration::from_secs(60);

/// How many were given in the present batch.
#[derive(Debug)]
pub(super) struct Given {
    began: Instant,
    count: u32,
}

/// What is held back for a later batch.
pub(super) struct Held {
    pub(super) removals: u64,
    /// Until the last of it may be given; `None` where the policy never lets it.
    pub(super) wait: Option<Duration>,
}

impl Given {
    pub(super) const fn new(began: Instant) -> Self {
        Self { began, count: 0 }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= REMOVALS_PERIOD
    }

    /// How many more may be given now, of so many in a batch.
    fn left(&self, now: Instant, max: u32) -> usize {
        let given = if self.is_over(now) { 0 } else { self.count };
        room(max.saturating_sub(given))
    }

    fn give(&mut self, now: Instant) {
        if self.is_over(now) {
            *self = Self::new(now);
        }
        self.count = self.count.saturating_add(1);
    }

    /// When the next batch may begin.
    fn over_at(&self) -> Option<Instant> {
        self.began.checked_add(REMOVALS_PERIOD)
    }

    /// How long it takes until the last of so many that wait may be given. However fast orders are
    /// done, no batch begins before its time.
    fn wait(&self, now: Instant, max: u32, waiting: usize) -> Option<Duration> {
        let held = waiting.saturating_sub(self.left(now, max));
        if held == 0 {
            return Some(Duration::ZERO);
        }
        let batches = held.div_ceil(Some(room(max)).filter(|it| *it > 0)?);
        // What is not held back begins a batch now, where the last one is over.
        let age = match self.is_over(now) {
            true => Duration::ZERO,
            false => now.saturating_duration_since(self.began),
        };
        let all = REMOVALS_PERIOD.saturating_mul(u32::try_from(batches).unwrap_or(u32::MAX));
        Some(all.saturating_sub(age))
    }
}

impl Reconciler {
    /// What may be given now, in its order: of what is bounded as much as is left of its batch.
    pub(super) fn allowed(&self, now: Instant) -> impl Iterator<Item = (Level, &Subject)> {
        let mut removals = self.removals.left(now, self.policy.removals_max);
        self.ready.iter().flat_map(move |(level, subjects)| {
            let mut most = subjects.len();
            if level.is_removal() {
                most = most.min(removals);
                removals -= most;
            }
            subjects.iter().take(most).map(move |it| (*level, it))
        })
    }

    /// Counts an order that is given.
    pub(super) fn count_given(&mut self, now: Instant, level: Level) {
        if level.is_removal() {
            self.removals.give(now);
        }
    }

    /// When more of what is bounded may be given, if some of it waits.
    pub(super) fn next_batch_at(&self, now: Instant) -> Option<Instant> {
        let is_held = self.removals_due() > 0 && self.policy.removals_max > 0;
        let at = self.removals.over_at().filter(|_| is_held);
        at.filter(|it| *it > now)
    }

    /// What is held back now.
    pub(super) fn held(&self, now: Instant) -> Held {
        let (due, max) = (self.removals_due(), self.policy.removals_max);
        let held = due.saturating_sub(self.removals.left(now, max));
        Held {
            removals: u64::try_from(held).unwrap_or(u64::MAX),
            wait: self.removals.wait(now, max, due),
        }
    }

    fn removals_due(&self) -> usize {
        let removals = self.ready.iter().filter(|(level, _)| level.is_removal());
        removals.map(|(_, subjects)| subjects.len()).sum()
    }
}

fn room(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
