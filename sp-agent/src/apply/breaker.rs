//! Spares a cloud that fails, and lets nothing that fails by itself hold up the rest.
//!
//! One thing may fail, or hang, whenever it is touched: a user whose row is broken; or all in a
//! department whose directory server is away. A Keystone may fail at everything. At first they look
//! alike, and later they do not:
//!
//! - Things that fail one after the other for their first time, without a success among them, are
//!   the cloud's failure: then it is given one order at a time, after pauses that grow with their
//!   number, and something else each time.
//! - What failed before says nothing new by failing again, and little is to be expected of things
//!   of the same kind and department. Both wait for a small share of the places, and pause apart
//!   from the rest, which so waits for none of them.
//! - What is not answered soon keeps no place from others. It is a failure as long as it is not.
//! - Another service than Keystone that hangs keeps places from itself alone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shared::backoff::Backoff;
use shared::ids::ObjectId;
use shared::model::ServiceKind;

use super::subject::{Level, Subject};

/// So many failures in a row, without a success among them, are the cloud's and not the things';
/// and each time there are so many more, the pauses double.
const IN_A_ROW_MAX: u32 = 8;

/// So many of things of one kind in one department are of all of them.
const OF_ITS_KIN_MAX: u32 = 4;

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

/// What was not answered may be so many times as much as there are places.
const UNANSWERED: usize = 2;

/// What is known of an order's thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// Nothing: it was not tried, or was refused for what it is.
    First,
    /// It was not tried, and things of its kind in its department fail.
    Doubtful,
    /// It failed before, by what may be the cloud's failure.
    Again,
    /// It, or things of its kind in its department, failed so, and it can't wait for the others.
    Urgent,
}

/// Things of a kind in one department.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kin {
    pub(super) level: Level,
    pub(super) department: Option<ObjectId>,
}

/// Whom an order waits among for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) rank: Rank,
    pub(super) kin: Kin,
    /// Which other service than Keystone carries it out; `None` where several are asked.
    pub(super) service: Option<ServiceKind>,
}

impl Turn {
    const fn is_elsewhere(self) -> bool {
        self.kin.level.is_elsewhere()
    }
}

/// An order under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given {
    at: Instant,
    turn: Turn,
    /// Whether it counts as a failure for now.
    is_slow: bool,
}

/// How many orders may be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    /// Whether one is to be given at a time, and what failed only where nothing else is.
    pub(super) is_one: bool,
    /// How many are few beside all others.
    pub(super) share: usize,
    places: usize,
    first: usize,
    doubtful: usize,
    again: usize,
    /// As far as what is answered soon goes, and what of that failed before.
    elsewhere: usize,
    elsewhere_again: usize,
    /// How many more each service may be given, those that it does not answer soon among them.
    elsewhere_slow: usize,
    /// How many it does not, and how many of those failed before.
    slow: BTreeMap<Option<ServiceKind>, (usize, usize)>,
    /// Of these one is being tried.
    tried: Vec<Kin>,
    /// What is under way of what can't wait.
    urgent: Vec<Level>,
}

impl Room {
    /// Whether one more of such may be given.
    pub(super) const fn has(&self, rank: Rank, is_elsewhere: bool) -> bool {
        match (is_elsewhere, rank) {
            (false, Rank::First | Rank::Urgent) => self.first > 0,
            (false, Rank::Doubtful) => self.doubtful > 0,
            (false, Rank::Again) => self.again > 0,
            (true, Rank::First | Rank::Doubtful | Rank::Urgent) => self.elsewhere > 0,
            (true, Rank::Again) => self.elsewhere > 0 && self.elsewhere_again > 0,
        }
    }

    /// Whether this one may be.
    pub(super) fn admits(&self, turn: Turn) -> bool {
        let is_tried = turn.rank == Rank::Doubtful && self.tried.contains(&turn.kin);
        let is_full = turn.is_elsewhere() && self.is_full(turn.rank, turn.service);
        // Those that hang are no more than there are places, and keep nothing from what is tried
        // for its first time.
        let same = self.urgent.iter().filter(|it| **it == turn.kin.level);
        let is_crowded = turn.rank == Rank::Urgent && same.count() >= self.places;
        self.has(turn.rank, turn.is_elsewhere()) && !is_tried && !is_full && !is_crowded
    }

    /// Whether a service has as many orders that it does not answer as it may have.
    pub(super) fn is_full(&self, rank: Rank, service: Option<ServiceKind>) -> bool {
        let (slow, slow_again) = self.slow.get(&service).copied().unwrap_or_default();
        let is_of_again = rank == Rank::Again && slow_again >= self.elsewhere_again;
        slow >= self.elsewhere_slow || is_of_again
    }

    /// It is given.
    pub(super) fn take(&mut self, turn: Turn) {
        let less = |it: &mut usize| *it = it.saturating_sub(1);
        if turn.is_elsewhere() {
            less(&mut self.elsewhere);
            less(&mut self.places);
            if turn.rank == Rank::Again {
                less(&mut self.elsewhere_again);
            }
            return;
        }
        if self.is_one {
            (self.first, self.doubtful, self.again) = (0, 0, 0);
            return;
        }
        match turn.rank {
            Rank::First => less(&mut self.first),
            Rank::Doubtful => {
                less(&mut self.doubtful);
                self.tried.push(turn.kin);
            }
            Rank::Again => less(&mut self.again),
            Rank::Urgent => self.urgent.push(turn.kin.level),
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
    doubtful: Row,
    again: Row,
    /// How many failed since one of them went well. No more than there are departments, of each
    /// kind.
    kin: BTreeMap<Kin, u32>,
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
        let given = || self.given.values();
        let quick = given().filter(|it| !it.is_slow).count();
        let places = free.saturating_add(quick);
        let share = (places / SHARE).max(1);
        let of = |ranks: &[Rank], is_elsewhere: bool| {
            let given = given().filter(|it| it.turn.is_elsewhere() == is_elsewhere);
            let given = given.filter(|it| ranks.contains(&it.turn.rank));
            given.fold((0_usize, 0_usize), |(all, quick), it| {
                (all + 1, quick + usize::from(!it.is_slow))
            })
        };
        let most = |ranks: &[Rank], row: &Row, max: usize| {
            let is_throttled = self.throttled.is_some_and(|it| now < it);
            let (all, _) = of(ranks.get(..1).unwrap_or_default(), false);
            let left = max.saturating_sub(all).min(free);
            let is_one = self.first.is_full() || row.is_full();
            // Whoever may hang is waited for by nobody who may not.
            let is_busy = is_one && of(ranks, false).1 > 0;
            match is_throttled || is_busy || row.rests(now) {
                true => 0,
                false if is_one => left.min(1),
                false => left,
            }
        };
        let (_, quick_elsewhere) = of(&[Rank::First, Rank::Again], true);
        let left = places.saturating_sub(share).max(1);
        let left = left.saturating_sub(quick_elsewhere);
        let tried = given().filter(|it| it.turn.rank == Rank::Doubtful);
        let urgent = given().filter(|it| it.turn.rank == Rank::Urgent);
        Room {
            is_one: self.is_failing(),
            share: share.min(places.saturating_sub(1)),
            places,
            first: most(&[Rank::First], &self.first, places * UNANSWERED),
            doubtful: most(&[Rank::Doubtful, Rank::First], &self.doubtful, places),
            again: most(
                &[Rank::Again, Rank::Doubtful, Rank::First],
                &self.again,
                share,
            ),
            elsewhere: left.min(free),
            elsewhere_again: share.saturating_sub(of(&[Rank::Again], true).1),
            elsewhere_slow: places.saturating_sub(quick_elsewhere),
            slow: self.slow_elsewhere(),
            tried: tried.map(|it| it.turn.kin).collect(),
            urgent: urgent.map(|it| it.turn.kin.level).collect(),
        }
    }

    fn slow_elsewhere(&self) -> BTreeMap<Option<ServiceKind>, (usize, usize)> {
        let given = self.given.values();
        let slow = given.filter(|it| it.is_slow && it.turn.is_elsewhere());
        let mut all: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        for given in slow {
            let (slow, again) = all.entry(given.turn.service).or_default();
            *slow += 1;
            *again += usize::from(given.turn.rank == Rank::Again);
        }
        all
    }

    fn look_who_is_slow(&mut self, now: Instant) {
        let mut slow = Vec::new();
        for given in self.given.values_mut() {
            if !given.is_slow && is_slow(given, now) {
                given.is_slow = true;
                slow.push(given.turn);
            }
        }
        slow.into_iter().for_each(|it| self.count(it));
    }

    fn count(&mut self, turn: Turn) {
        if !turn.is_elsewhere() {
            let row = self.row(turn.rank);
            row.failed = row.failed.saturating_add(1);
            let kin = self.kin.entry(turn.kin).or_default();
            *kin = kin.saturating_add(1);
        }
    }

    const fn row(&mut self, rank: Rank) -> &mut Row {
        match rank {
            Rank::First => &mut self.first,
            Rank::Doubtful => &mut self.doubtful,
            Rank::Again | Rank::Urgent => &mut self.again,
        }
    }

    /// Whether the cloud fails, and not only things in it.
    pub(super) const fn is_failing(&self) -> bool {
        self.first.is_full()
    }

    /// Whether things of some department fail at this level.
    pub(super) fn is_doubtful_at(&self, level: Level) -> bool {
        let mut all = self.kin.iter();
        all.any(|(kin, failed)| kin.level == level && *failed >= OF_ITS_KIN_MAX)
    }

    /// Whether these do.
    pub(super) fn is_doubtful(&self, kin: Kin) -> bool {
        let failed = self.kin.get(&kin);
        failed.is_some_and(|it| *it >= OF_ITS_KIN_MAX)
    }

    /// How many of the orders under way keep no place from others.
    pub(super) fn slow(&self, now: Instant) -> usize {
        let given = self.given.values();
        given.filter(|it| is_slow(it, now)).count()
    }

    /// What is under way of what was not tried yet, or was refused, and was not given up for slow.
    pub(super) fn quick(&self) -> impl Iterator<Item = &Subject> {
        let quick = |it: &Given| it.turn.rank == Rank::First && !it.is_slow;
        let given = self.given.iter().filter(move |(_, it)| quick(it));
        given.map(|(subject, _)| subject)
    }

    /// An order is given.
    pub(super) fn give(&mut self, now: Instant, subject: Subject, turn: Turn) {
        let given = Given {
            at: now,
            turn,
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
        let Some(Given { turn, .. }) = given.filter(|it| !it.turn.is_elsewhere()) else {
            return;
        };
        self.kin.remove(&turn.kin);
        // What was given before it asked for patience says nothing of that, which ends by itself.
        (self.first, self.doubtful, self.again) = Default::default();
    }

    /// The cloud refused it, which says no more of how it does than that it answers.
    pub(super) fn refused(&mut self, given: Option<Given>) {
        let counted = given.filter(|it| it.is_slow && !it.turn.is_elsewhere());
        let Some(Given { turn, .. }) = counted else {
            return;
        };
        let row = self.row(turn.rank);
        row.failed = row.failed.saturating_sub(1);
        if let Some(kin) = self.kin.get_mut(&turn.kin) {
            *kin = kin.saturating_sub(1);
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
        let Some(given) = given.filter(|it| !it.turn.is_elsewhere()) else {
            return;
        };
        error.clone_into(&mut self.reason);
        if !patience.is_zero() {
            let until = now.checked_add(patience.min(THROTTLED_MAX));
            self.throttled = self.throttled.max(until);
        }
        if !given.is_slow {
            self.count(given.turn);
        }
        self.row(given.turn.rank).rest(now, chance);
    }

    /// Why nothing is given just now that was not tried yet.
    pub(super) fn paused(&self, now: Instant) -> Option<&str> {
        let until = self.throttled.max(self.first.until);
        until.filter(|it| now < *it).map(|_| self.reason.as_str())
    }

    /// When more may be given.
    pub(super) fn wake_at(&self, now: Instant) -> Option<Instant> {
        let rows = [&self.first, &self.doubtful, &self.again];
        let rests = rows.into_iter().filter_map(|it| it.until);
        let quick = self.given.values().filter(|it| !it.is_slow);
        let slow = quick.filter_map(|it| it.at.checked_add(SOON));
        let all = rests.chain(self.throttled).chain(slow);
        all.filter(|it| now < *it).min()
    }
}

fn is_slow(given: &Given, now: Instant) -> bool {
    now.saturating_duration_since(given.at) >= SOON
}
