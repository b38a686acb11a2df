//! How much of what takes something away is given in a batch, and how long what is held back takes.
//!
//! Two bounds, of the region's own operator: removals, which can't be made again as they were; and
//! withdrawals, which can: links that are taken away, and what is switched off. The links of what
//! is removed go with it, and count as nothing.
//!
//! What was refused before, and may be so for ever, counts as well, and has a part of each bound.
//!
//! How much is given is noted beforehand, and a start goes on with the batch of before: an agent
//! that is started again and again removes no more than one that is not.

use std::time::{Duration, Instant};

use super::Reconciler;
use super::subject::{Level, Subject};
use crate::replica::{Base, Bound, Note, Spent};

/// How long a batch lasts: so long an operator has to see one and stop the next.
pub const REMOVALS_PERIOD: Duration = Duration::from_secs(60);

/// Which part of a batch what was refused before may have, where something else waits.
const SHARE: usize = 4;

/// How many were given in the present batch.
#[derive(Debug)]
pub(super) struct Given {
    /// When it began, or was gone on with.
    began: Instant,
    /// How old it was then.
    before: Duration,
    count: usize,
    /// Of these, links.
    links: usize,
    /// Of these, what was refused before, since the agent's start.
    refused: usize,
}

/// What is held back for a later batch.
pub(super) struct Held {
    pub(super) removals: usize,
    pub(super) withdrawals: usize,
    /// Until the last of it may be given; `None` where the policy never lets it.
    pub(super) wait: Option<Duration>,
}

/// How much may be given now.
#[derive(Debug)]
pub(super) struct Room {
    removals: usize,
    demotions: usize,
    switched_off: usize,
    links: usize,
    /// Of what was refused before.
    refused_removals: usize,
    refused_withdrawals: usize,
}

impl Room {
    /// Whether one more of these may be given, which then counts.
    pub(super) const fn admits(&mut self, level: Level, is_refused: bool) -> bool {
        let of = match level {
            level if is_refused && level.is_withdrawal() => &mut self.refused_withdrawals,
            level if is_refused && level.is_removal() => &mut self.refused_removals,
            Level::Demote => &mut self.demotions,
            Level::SwitchOff => &mut self.switched_off,
            Level::Unlink => &mut self.links,
            level if level.is_removal() => &mut self.removals,
            _ => return true,
        };
        let left = of.checked_sub(1);
        if let Some(left) = left {
            *of = left;
        }
        left.is_some()
    }
}

impl Given {
    const fn new(began: Instant) -> Self {
        let (before, count, links) = (Duration::ZERO, 0, 0);
        Self {
            began,
            before,
            count,
            links,
            refused: 0,
        }
    }

    /// Goes on with the batch that is noted, if one is.
    pub(super) fn resumed(now: Instant, base: &Base, bound: Bound) -> Self {
        let Some(&Spent { age, count, links }) = base.spent.get(&bound) else {
            return Self::new(now);
        };
        Self {
            began: now,
            before: age,
            count,
            links,
            refused: 0,
        }
    }

    fn age(&self, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.began);
        since.saturating_add(self.before)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.age(now) >= REMOVALS_PERIOD
    }

    /// How many more may be given now, of so many in a batch.
    fn left(&self, now: Instant, max: usize) -> usize {
        let given = if self.is_over(now) { 0 } else { self.count };
        max.saturating_sub(given)
    }

    /// Of what may be given now, what of so much may have that was refused before, and what is left
    /// for so much else.
    fn shared(&self, now: Instant, max: usize, (refused, others): (usize, usize)) -> [usize; 2] {
        let left = self.left(now, max);
        let given = if self.is_over(now) { 0 } else { self.refused };
        // Where a batch is too small for a part of it, the others go first.
        let share = match max / SHARE {
            0 if others == 0 => max,
            share => share,
        };
        let share = share.saturating_sub(given).min(refused).min(left);
        [share, left.saturating_sub(share)]
    }

    fn give(&mut self, now: Instant, is_link: bool, is_refused: bool) -> Spent {
        if self.is_over(now) {
            *self = Self::new(now);
        }
        self.count = self.count.saturating_add(1);
        self.links = self.links.saturating_add(usize::from(is_link));
        self.refused = self.refused.saturating_add(usize::from(is_refused));
        Spent {
            age: self.age(now),
            count: self.count,
            links: self.links,
        }
    }

    /// When the next batch may begin.
    fn over_at(&self) -> Option<Instant> {
        let rest = REMOVALS_PERIOD.saturating_sub(self.before);
        self.began.checked_add(rest)
    }

    /// How long it takes until the last of so many that wait may be given. However fast orders are
    /// done, no batch begins before its time.
    fn wait(&self, now: Instant, max: usize, waiting: usize) -> Option<Duration> {
        let held = waiting.saturating_sub(self.left(now, max));
        if held == 0 {
            return Some(Duration::ZERO);
        }
        let batches = held.div_ceil(Some(max).filter(|it| *it > 0)?);
        // What is not held back begins a batch now, where the last one is over.
        let age = match self.is_over(now) {
            true => Duration::ZERO,
            false => self.age(now),
        };
        let all = REMOVALS_PERIOD.saturating_mul(u32::try_from(batches).unwrap_or(u32::MAX));
        Some(all.saturating_sub(age))
    }
}

impl Reconciler {
    /// What may be given now, in its order: of what is bounded as much as is left of its batch.
    pub(super) fn allowed(&self, now: Instant) -> impl Iterator<Item = &Subject> {
        let Room {
            mut removals,
            demotions,
            switched_off,
            links,
            ..
        } = self.room(now);
        self.ready.iter().flat_map(move |(level, subjects)| {
            let most = match level {
                Level::Demote => demotions,
                Level::SwitchOff => switched_off,
                Level::Unlink => links,
                level if level.is_removal() => {
                    let most = removals.min(subjects.len());
                    removals -= most;
                    most
                }
                _ => subjects.len(),
            };
            subjects.iter().take(most)
        })
    }

    /// What makes administrators comes first. Then what is switched off, as somebody is locked out
    /// by it, or a project ends. But as long as other links wait too, half of a batch is theirs:
    /// neither waits for all of the other.
    pub(super) fn room(&self, now: Instant) -> Room {
        let ((removals_max, max), (removals, withdrawals)) = (self.most(), self.bounded());
        let ended = (self.refused.count(Level::is_removal), removals);
        let [refused_removals, removals] = self.removals.shared(now, removals_max, ended);
        let withdrawn = (self.refused.count(Level::is_withdrawal), withdrawals);
        let [refused_withdrawals, left] = self.withdrawals.shared(now, max, withdrawn);
        let demotions = left.min(self.waiting(Level::Demote));
        let left = left.saturating_sub(demotions);
        let links_given = match self.withdrawals.is_over(now) {
            true => 0,
            false => self.withdrawals.links,
        };
        let kept = (max / 2).saturating_sub(links_given);
        let kept = kept.min(self.waiting(Level::Unlink));
        let switched_off = left.saturating_sub(kept);
        let switched_off = switched_off.min(self.waiting(Level::SwitchOff));
        Room {
            removals,
            demotions,
            switched_off,
            links: left.saturating_sub(switched_off),
            refused_removals,
            refused_withdrawals,
        }
    }

    /// Counts an order that is given, once that is kept.
    pub(super) fn count_given(&mut self, now: Instant, level: Level, is_refused: bool) {
        if level.is_removal() {
            let spent = self.removals.give(now, false, is_refused);
            self.note(Note::Spent(Bound::Removals, spent));
        }
        if level.is_withdrawal() {
            let spent = self.withdrawals.give(now, level.is_unlink(), is_refused);
            self.note(Note::Spent(Bound::Withdrawals, spent));
        }
    }

    /// When more of what is bounded may be given, if some of it waits.
    pub(super) fn next_batch_at(&self, now: Instant) -> Option<Instant> {
        let ((removals_max, max), (removals, withdrawals)) = (self.most(), self.bounded());
        let next = |given: &Given, max: usize, waiting: usize| {
            let at = given.over_at().filter(|_| max > 0 && waiting > 0);
            at.filter(|it| *it > now)
        };
        let removals = removals.saturating_add(self.refused.count(Level::is_removal));
        let withdrawals = withdrawals.saturating_add(self.refused.count(Level::is_withdrawal));
        let removals = next(&self.removals, removals_max, removals);
        let withdrawals = next(&self.withdrawals, max, withdrawals);
        removals.into_iter().chain(withdrawals).min()
    }

    /// What is held back now.
    pub(super) fn held(&self, now: Instant) -> Held {
        let ((removals_max, max), (removals, withdrawals)) = (self.most(), self.bounded());
        let wait = self.removals.wait(now, removals_max, removals);
        let also = self.withdrawals.wait(now, max, withdrawals);
        Held {
            removals: removals.saturating_sub(self.removals.left(now, removals_max)),
            withdrawals: withdrawals.saturating_sub(self.withdrawals.left(now, max)),
            wait: wait.zip(also).map(|(one, other)| one.max(other)),
        }
    }

    /// The most removals and withdrawals of a batch.
    fn most(&self) -> (usize, usize) {
        let count = |max: u32| usize::try_from(max).unwrap_or(usize::MAX);
        (
            count(self.policy.removals_max),
            count(self.policy.withdrawals_max),
        )
    }

    /// How many removals and withdrawals are due, but for what was refused.
    fn bounded(&self) -> (usize, usize) {
        let removals = self.ready.iter().filter(|(level, _)| level.is_removal());
        let removals = removals.map(|(_, subjects)| subjects.len()).sum();
        let withdrawals = [Level::Demote, Level::SwitchOff, Level::Unlink];
        let withdrawals = withdrawals.map(|it| self.waiting(it)).into_iter();
        (removals, withdrawals.sum())
    }

    fn waiting(&self, level: Level) -> usize {
        self.ready.get(&level).map_or(0, |it| it.len())
    }
}
