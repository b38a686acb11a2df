//! When to read what.
//!
//! Each part of the cloud has its turns: whole readings (audits), and between them, where the
//! cloud can tell, only what changed. A part that fails waits with full jitter and tries again; the
//! others go on. Pure: the driver brings time, chance and outcomes, and starts what is due.

use std::time::{Duration, Instant};

use shared::backoff::Backoff;
use shared::model::ServiceKind;

use crate::cloud::Part;

/// Parts of one service that are read at the same time. One alone would let a quota audit of a
/// thousand projects hold up the servers' changes; all at once would meet a service that just came
/// back with everything that waited for it.
const PARTS_OF_SERVICE_MAX: usize = 2;

/// However small an interval is given, a round is not begun more often.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// A cloud that asks for more patience than this is asked again anyway.
const PATIENCE_MAX: Duration = Duration::from_secs(600);

/// How often what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Between questions for what changed in a part, where the cloud can tell.
    pub changes: Duration,
    /// Between whole readings of a part of the inventory.
    pub audit: Duration,
    /// Between whole readings of a service's quotas.
    pub quota: Duration,
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
    options: Options,
    turns: Vec<Turn>,
    probe: Beat,
    sample: Beat,
}

/// One part's turns.
#[derive(Debug)]
struct Turn {
    part: Part,
    audit_at: Instant,
    /// `None` until an audit came to its end, and where the cloud can't tell.
    changes_at: Option<Instant>,
    /// Nothing begins before.
    resume_at: Instant,
    is_running: bool,
    backoff: Backoff,
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
        let turn = |part| Turn {
            part,
            audit_at: now,
            changes_at: None,
            resume_at: now,
            is_running: false,
            backoff: Backoff::new(options.retry, options.retry_max),
        };
        Self {
            turns: Part::ALL.into_iter().map(turn).collect(),
            probe: Beat::new(now, options.probe),
            sample: Beat::new(now, options.sample),
            options,
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
        let mut due: Vec<(Instant, usize)> = self
            .turns
            .iter()
            .enumerate()
            .filter(|(_, turn)| !turn.is_running && turn.due_at() <= now)
            .map(|(place, turn)| (turn.due_at(), place))
            .collect();
        due.sort_unstable();
        for (_, place) in due {
            let Some(part) = self.turns.get(place).map(|turn| turn.part) else {
                continue;
            };
            if self.is_free(part.service())
                && let Some(turn) = self.turns.get_mut(place)
            {
                turn.is_running = true;
                work.push(turn.work(now));
            }
        }
        work
    }

    /// When to ask [`Self::start`] again, if nothing ends before.
    pub fn wake_at(&self) -> Option<Instant> {
        let turns = self
            .turns
            .iter()
            .filter(|turn| !turn.is_running && self.is_free(turn.part.service()))
            .map(Turn::due_at);
        let beats = [&self.probe, &self.sample].into_iter();
        let beats = beats.filter(|beat| !beat.is_running).map(|beat| beat.at);
        turns.chain(beats).min()
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
        let interval = match part {
            Part::ComputeQuota | Part::VolumeQuota | Part::NetworkQuota => self.options.quota,
            _ => self.options.audit,
        };
        let (changes, missing) = (self.options.changes, self.options.missing);
        let Some(turn) = self.turn(part) else { return };
        turn.is_running = false;
        match outcome {
            Outcome::Failed { patience } => turn.failed(now, patience, chance),
            Outcome::Missing => turn.missing(now, missing),
            Outcome::Read | Outcome::CannotTell => {
                turn.backoff.reset();
                turn.audit_at = after(now, interval);
                turn.changes_at = (outcome == Outcome::Read).then(|| after(now, changes));
            }
        }
    }

    /// A reading of a part's changes ended. `chance` is uniform over all of `u64`.
    pub fn changed(&mut self, now: Instant, part: Part, outcome: Outcome, chance: u64) {
        let (changes, missing) = (self.options.changes, self.options.missing);
        let Some(turn) = self.turn(part) else { return };
        turn.is_running = false;
        match outcome {
            Outcome::Failed { patience } => turn.failed(now, patience, chance),
            Outcome::Missing => turn.missing(now, missing),
            Outcome::Read | Outcome::CannotTell => {
                turn.backoff.reset();
                turn.changes_at = (outcome == Outcome::Read).then(|| after(now, changes));
            }
        }
    }

    fn turn(&mut self, part: Part) -> Option<&mut Turn> {
        self.turns.iter_mut().find(|turn| turn.part == part)
    }

    fn is_free(&self, service: ServiceKind) -> bool {
        let of_service = |turn: &&Turn| turn.is_running && turn.part.service() == service;
        self.turns.iter().filter(of_service).count() < PARTS_OF_SERVICE_MAX
    }
}

impl Turn {
    fn due_at(&self) -> Instant {
        let first = match self.changes_at {
            Some(changes_at) => self.audit_at.min(changes_at),
            None => self.audit_at,
        };
        first.max(self.resume_at)
    }

    fn work(&self, now: Instant) -> Work {
        if self.audit_at <= now {
            Work::Audit(self.part)
        } else {
            Work::Changes(self.part)
        }
    }

    fn failed(&mut self, now: Instant, patience: Duration, chance: u64) {
        let wait = self.backoff.next(chance).max(patience.min(PATIENCE_MAX));
        self.resume_at = later(now, wait);
    }

    fn missing(&mut self, now: Instant, interval: Duration) {
        self.backoff.reset();
        self.audit_at = after(now, interval);
        self.changes_at = None;
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
