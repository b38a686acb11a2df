//! When to read what.
//!
//! Each part of the cloud has its turns: whole readings (audits), and, where the cloud can tell,
//! readings of only what changed. Both have times and retries of their own: a page that no audit
//! gets past must not hide what is new, and an audit may take longer than news can wait. What
//! fails waits with full jitter and tries again; the others go on. A whole reading is followed by a
//! pause of nine times what such readings take, so that a large cloud is not read all the time.
//! Pure: the driver brings time, chance and outcomes, and starts what is due.

mod turn;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shared::model::{RecordKind, ServiceKind};

use self::turn::Turn;
use crate::cloud::{Part, Wanted};

/// Parts of one service that are read whole at the same time. One alone would let a quota audit of
/// a thousand projects hold up the servers; all at once (of Keystone eight) would meet a service
/// that just came back with everything that waited for it. Changes are read beside them, of one
/// part at a time.
const AUDITS_OF_SERVICE_MAX: usize = 2;

/// However small an interval is given, a round is not begun more often.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// How often what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Between questions for what changed in a part, where the cloud can tell.
    pub changes: Duration,
    /// Between whole readings of a part of the inventory.
    pub audit: Duration,
    /// Between whole readings of a service's quotas.
    pub quota: Duration,
    /// Between whole readings of a part of the organization. Keystone can't tell what changed, so
    /// this is how long a change in the cloud goes unseen.
    pub organization: Duration,
    /// Between health questions to all services.
    pub probe: Duration,
    /// Between samples of this machine.
    pub sample: Duration,
    /// Between tries of a part whose service the catalog does not have.
    pub missing: Duration,
    /// The first retry of a part that failed comes within this, each next one within twice as much.
    pub retry: Duration,
    /// No retry waits longer.
    pub retry_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            changes: Duration::from_secs(5),
            audit: Duration::from_secs(300),
            quota: Duration::from_secs(300),
            organization: Duration::from_secs(60),
            probe: Duration::from_secs(10),
            sample: Duration::from_secs(10),
            missing: Duration::from_secs(300),
            retry: Duration::from_secs(5),
            retry_max: Duration::from_secs(60),
        }
    }
}

/// Something to start. Each runs at most once at a time, and its end is told to the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Read a part whole.
    Audit(Part),
    /// Read what changed in a part.
    Changes(Part),
    /// Ask every service for its health.
    Probe,
    /// Sample this machine.
    Sample,
}

/// How the reading of a part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It came to its end.
    Read,
    /// It came to its end, and something waits for what could not be read of it.
    ReadInPart {
        /// How much of it went by with what failed alone.
        in_vain: Duration,
    },
    /// The cloud can't tell what changed in it; only audits find changes.
    CannotTell,
    /// The catalog has no such service.
    Missing,
    /// It failed, or could not be kept.
    Failed {
        /// How long the service asked to wait.
        patience: Duration,
    },
}

/// When to read what.
#[derive(Debug)]
pub struct Schedule {
    turns: Vec<Turn>,
    probe: Beat,
    sample: Beat,
}

/// Something that is done at equal intervals.
#[derive(Debug)]
struct Beat {
    every: Duration,
    at: Instant,
    is_running: bool,
}

impl Schedule {
    /// Everything is due `now`.
    pub fn new(now: Instant, options: Options) -> Self {
        let turn = |part| Turn::new(now, part, &options);
        Self {
            turns: Part::ALL.into_iter().map(turn).collect(),
            probe: Beat::new(now, options.probe),
            sample: Beat::new(now, options.sample),
        }
    }

    /// A part was read whole in an earlier life, so that its changes can be asked for.
    pub fn resume(&mut self, now: Instant, part: Part) {
        if let Some(turn) = self.turn(part) {
            turn.resume(now);
        }
    }

    /// Nothing is held any more: everything is to be read anew.
    pub fn begin_anew(&mut self, now: Instant) {
        for turn in &mut self.turns {
            turn.begin_anew(now);
        }
    }

    /// An audit of a part ended, and what it read is not held any more.
    pub fn outdated(&mut self, now: Instant, part: Part) {
        if let Some(turn) = self.turn(part) {
            turn.outdated(now);
        }
    }

    /// A service that did not answer answers again: what failed need not wait as long as it would.
    pub fn returned(&mut self, now: Instant, service: ServiceKind, chance: u64) {
        for turn in &mut self.turns {
            if turn.part.service() == service {
                turn.hurry(now, chance);
            }
        }
    }

    /// Somebody needs to know how these are at some time or later. To say so again changes nothing.
    pub fn wanted(&mut self, now: Instant, all: &Wanted) {
        for turn in &mut self.turns {
            let of = |it: &BTreeMap<RecordKind, Instant>| it.get(&turn.part.kind()).copied();
            turn.wanted(now, of(&all.at_once), of(&all.soon));
        }
    }

    /// The cloud has much to write of the organization, or has no more: meanwhile that is read
    /// seldom. To say so again changes nothing.
    pub fn spare_organization(&mut self, is_spared: bool) {
        let turns = self.turns.iter_mut();
        for turn in turns.filter(|it| it.part.is_organization()) {
            turn.spare(is_spared);
        }
    }

    /// What to start now: whatever has waited longest first, and of equals the part that stands
    /// earlier in [`Part::ALL`].
    pub fn start(&mut self, now: Instant) -> Vec<Work> {
        let mut work = Vec::new();
        if self.probe.start(now) {
            work.push(Work::Probe);
        }
        if self.sample.start(now) {
            work.push(Work::Sample);
        }
        let turns = self.turns.iter().enumerate();
        let mut due: Vec<(Instant, usize, Work)> = turns
            .flat_map(|(place, turn)| turn.waiting().map(move |(at, work)| (at, place, work)))
            .filter(|(at, ..)| *at <= now)
            .collect();
        due.sort_unstable();
        for (_, place, next) in due {
            if self.is_free(next)
                && let Some(turn) = self.turns.get_mut(place)
            {
                turn.start(now, next);
                work.push(next);
            }
        }
        work
    }

    /// When to ask [`Self::start`] again, if nothing ends before.
    pub fn wake_at(&self) -> Option<Instant> {
        let turns = self.turns.iter().flat_map(Turn::waiting);
        let turns = turns.filter(|(_, work)| self.is_free(*work));
        let beats = [&self.probe, &self.sample].into_iter();
        let beats = beats.filter(|beat| !beat.is_running).map(|beat| beat.at);
        turns.map(|(at, _)| at).chain(beats).min()
    }

    /// A probe ended.
    pub const fn probed(&mut self) {
        self.probe.is_running = false;
    }

    /// A sample was taken, or could not be.
    pub const fn sampled(&mut self) {
        self.sample.is_running = false;
    }

    /// An audit of a part ended. `chance` is uniform over all of `u64`.
    pub fn audited(&mut self, now: Instant, part: Part, outcome: Outcome, chance: u64) {
        if let Some(turn) = self.turn(part) {
            turn.audited(now, outcome, chance);
        }
    }

    /// A reading of a part's changes ended. `chance` is uniform over all of `u64`.
    pub fn changed(&mut self, now: Instant, part: Part, outcome: Outcome, chance: u64) {
        if let Some(turn) = self.turn(part) {
            turn.changed(now, outcome, chance);
        }
    }

    fn turn(&mut self, part: Part) -> Option<&mut Turn> {
        self.turns.iter_mut().find(|turn| turn.part == part)
    }

    /// Whether the service of a part's reading has a place for it.
    fn is_free(&self, work: Work) -> bool {
        let of_service = |part: Part| {
            let turns = self.turns.iter();
            turns.filter(move |turn| turn.part.service() == part.service())
        };
        match work {
            Work::Audit(part) => {
                let running = of_service(part).filter(|turn| turn.is_audited());
                running.count() < AUDITS_OF_SERVICE_MAX
            }
            Work::Changes(part) => !of_service(part).any(Turn::is_asked_for_changes),
            Work::Probe | Work::Sample => true,
        }
    }
}

impl Beat {
    const fn new(now: Instant, every: Duration) -> Self {
        Self {
            every,
            at: now,
            is_running: false,
        }
    }

    /// Beats that were missed are not made up for.
    fn start(&mut self, now: Instant) -> bool {
        let is_due = !self.is_running && self.at <= now;
        if is_due {
            let next = after(self.at, self.every);
            self.at = if next > now {
                next
            } else {
                after(now, self.every)
            };
            self.is_running = true;
        }
        is_due
    }
}

/// The end of an interval.
fn after(now: Instant, interval: Duration) -> Instant {
    later(now, interval.max(INTERVAL_MIN))
}

/// A wait that the clock can't express would be one of centuries: a day is as good.
fn later(now: Instant, wait: Duration) -> Instant {
    const DAY: Duration = Duration::from_secs(86_400);
    now.checked_add(wait)
        .or_else(|| now.checked_add(DAY))
        .unwrap_or(now)
}

#[cfg(test)]
mod tests;
