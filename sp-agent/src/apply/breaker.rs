//! Spares a cloud that fails, and lets nothing that fails by itself hold up the rest.
//!
//! One thing may fail, or hang, whenever it is touched: a user whose row is broken, a department
//! whose directory server is away. A Keystone may fail at everything. The first time both look
//! alike; after that they do not. So what never failed goes before what did:
//!
//! - Things that fail one after the other for their first time, without a success among them, are
//!   the cloud's failure: then it is given one order at a time, after pauses that grow with their
//!   number. What was never tried is what it is tried with.
//! - What failed before says nothing new by failing again. It waits for its own next try, has a
//!   share of the places, and pauses apart, so that nothing else waits for it.
//! - What is not answered soon keeps no place from others. It is a failure as long as it is not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shared::backoff::Backoff;

use super::subject::Subject;

/// So many failures in a row, without a success among them, are the cloud's and not the things';
/// and each time there are so many more, the pauses double.
const IN_A_ROW_MAX: u32 = 8;

/// The first pauses: each thing that fails by itself costs others about so much.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause while the cloud fails: it is asked by one order, so that it may be asked
/// often.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The longest patience that a cloud is granted.
const THROTTLED_MAX: Duration = Duration::from_secs(300);

/// A Keystone that is well answers within this, also where it is busy.
const SOON: Duration = Duration::from_secs(2);

/// Which part of the places what failed before may have; and which part other services leave.
const SHARE: usize = 4;

/// What was never answered may be so many times as much as there are places.
const UNANSWERED: usize = 2;

/// Among whom an order waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lane {
    /// Whether it failed before by what may be the cloud's failure.
    pub(super) is_again: bool,
    /// Whether another service than Keystone carries it out, or may.
    pub(super) is_elsewhere: bool,
}

/// An order under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given {
    at: Instant,
    lane: Lane,
    /// Whether it counts as a failure for now.
    is_slow: bool,
}

/// How many orders may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Whether what failed before may only go where nothing else is to.
    pub(super) is_one: bool,
    first: usize,
    again: usize,
    elsewhere: usize,
    elsewhere_again: usize,
}

impl Room {
    /// Whether one more may be given.
    pub(super) const fn has(&self, lane: Lane) -> bool {
        match (lane.is_elsewhere, lane.is_again) {
            (false, false) => self.first > 0,
            (false, true) => self.again > 0,
            (true, false) => self.elsewhere > 0,
            (true, true) => self.elsewhere > 0 && self.elsewhere_again > 0,
        }
    }

    /// One more is given.
    pub(super) const fn take(&mut self, lane: Lane) {
        let less = |it: usize| it.saturating_sub(1);
        match (lane.is_elsewhere, lane.is_again) {
            (false, _) if self.is_one => (self.first, self.again) = (0, 0),
            (false, false) => self.first = less(self.first),
            (false, true) => self.again = less(self.again),
            (true, is_again) => {
                self.elsewhere = less(self.elsewhere);
                if is_again {
                    self.elsewhere_again = less(self.elsewhere_again);
                }
            }
        }
    }
}

/// Failures in a row.
#[derive(Debug, Default)]
struct Row {
    failed: u32,
    until: Option<Instant>,
}

impl Row {
    const fn is_full(&self) -> bool {
        self.failed >= IN_A_ROW_MAX
    }

    fn rests(&self, now: Instant) -> bool {
        self.until.is_some_and(|it| now < it)
    }

    fn rest(&mut self, now: Instant, chance: u64) {
        let rows = self.failed / IN_A_ROW_MAX;
        let Some(doublings) = rows.checked_sub(1) else {
            return;
        };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let most = PAUSE_MIN.saturating_mul(factor).min(PAUSE_MAX);
        self.until = now.checked_add(Backoff::new(most, most).next(chance));
    }
}

/// How the cloud does.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    first: Row,
    again: Row,
    /// It asked for patience until then.
    throttled: Option<Instant>,
    /// What is under way. Bounded by the places.
    given: BTreeMap<Subject, Given>,
    reason: String,
}

impl Breaker {
    /// How many orders may be given, where so many places are free. What is not answered by now
    /// counts as failed until it is.
    pub(super) fn room(&mut self, now: Instant, free: usize) -> Room {
        self.look_who_is_slow(now);
        let count = |is_it: &dyn Fn(&Given) -> bool| {
            let given = self.given.values();
            given.filter(|it| is_it(it)).count()
        };
        let places = free.saturating_add(count(&|it| !it.is_slow));
        let share = (places / SHARE).max(1);
        let kept = |it: usize| places.saturating_sub(it).max(1);
        let others = |it: &Given| it.lane.is_elsewhere;
        let is_again = |it: &Given| it.lane.is_again;
        let elsewhere = kept(share)
            .saturating_sub(count(&|it| others(it) && !it.is_slow))
            .min(kept(count(&others)))
            .min(free);
        let elsewhere_again = share.saturating_sub(count(&|it| others(it) && is_again(it)));
        let again = share.saturating_sub(count(&|it| !others(it) && is_again(it)));
        let first = count(&|it| !others(it) && !is_again(it));
        let first = places.saturating_mul(UNANSWERED).saturating_sub(first);
        let is_one = self.first.is_full();
        let is_busy = is_one && count(&|it| !others(it) && !it.is_slow) > 0;
        let is_throttled = self.throttled.is_some_and(|it| now < it);
        let most = |of: usize, row: &Row| match is_throttled || is_busy || row.rests(now) {
            true => 0,
            false if is_one || row.is_full() => of.min(free).min(1),
            false => of.min(free),
        };
        Room {
            is_one,
            first: most(first, &self.first),
            again: most(again, &self.again),
            elsewhere,
            elsewhere_again,
        }
    }

    fn look_who_is_slow(&mut self, now: Instant) {
        for given in self.given.values_mut() {
            if given.is_slow || !is_slow(given, now) {
                continue;
            }
            given.is_slow = true;
            if !given.lane.is_elsewhere {
                let row = match given.lane.is_again {
                    true => &mut self.again,
                    false => &mut self.first,
                };
                row.failed = row.failed.saturating_add(1);
            }
        }
    }

    /// How many of the orders under way keep no place from others.
    pub(super) fn slow(&self, now: Instant) -> usize {
        let given = self.given.values();
        given.filter(|it| is_slow(it, now)).count()
    }

    /// An order is given.
    pub(super) fn give(&mut self, now: Instant, subject: Subject, lane: Lane) {
        let given = Given {
            at: now,
            lane,
            is_slow: false,
        };
        self.given.insert(subject, given);
    }

    /// It is over, and what came of it is said next.
    pub(super) fn ended(&mut self, subject: &Subject) -> Option<Given> {
        self.given.remove(subject)
    }

    /// It went well, and so does Keystone, unless another service was asked.
    pub(super) fn worked(&mut self, given: Option<Given>) {
        if given.is_some_and(|it| it.lane.is_elsewhere) {
            return;
        }
        (self.first, self.again) = (Row::default(), Row::default());
        self.throttled = None;
    }

    /// The cloud refused it, which says no more of how it does than that it answers.
    pub(super) fn refused(&mut self, given: Option<Given>) {
        if let Some(given) = given.filter(|it| it.is_slow && !it.lane.is_elsewhere) {
            let row = self.row(given.lane.is_again);
            row.failed = row.failed.saturating_sub(1);
        }
    }

    /// The cloud failed by it, or was not heard, or asks for patience. Another service that does is
    /// no reason to spare Keystone.
    pub(super) fn failed(
        &mut self,
        now: Instant,
        given: Option<Given>,
        (error, patience): (&str, Duration),
        chance: u64,
    ) {
        if given.is_some_and(|it| it.lane.is_elsewhere) {
            return;
        }
        let is_again = given.is_some_and(|it| it.lane.is_again);
        let is_counted = given.is_some_and(|it| it.is_slow);
        error.clone_into(&mut self.reason);
        if !patience.is_zero() {
            self.throttled = now.checked_add(patience.min(THROTTLED_MAX));
        }
        let row = self.row(is_again);
        if !is_counted {
            row.failed = row.failed.saturating_add(1);
        }
        row.rest(now, chance);
    }

    const fn row(&mut self, is_again: bool) -> &mut Row {
        match is_again {
            true => &mut self.again,
            false => &mut self.first,
        }
    }

    /// Why nothing is given just now that was not tried yet.
    pub(super) fn paused(&self, now: Instant) -> Option<&str> {
        let until = self.throttled.max(self.first.until);
        until.filter(|it| now < *it).map(|_| self.reason.as_str())
    }

    /// When more may be given.
    pub(super) fn wake_at(&self, now: Instant) -> Option<Instant> {
        let rests = [self.throttled, self.first.until, self.again.until];
        let quick = self.given.values().filter(|it| !it.is_slow);
        let slow = quick.filter_map(|it| it.at.checked_add(SOON));
        let all = rests.into_iter().flatten().chain(slow);
        all.filter(|it| now < *it).min()
    }
}

fn is_slow(given: &Given, now: Instant) -> bool {
    now.saturating_duration_since(given.at) >= SOON
}
