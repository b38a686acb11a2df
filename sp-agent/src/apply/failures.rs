//! What failed, and when it is tried again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use shared::backoff::Backoff;
use shared::model::{RecordKind, UnixMillis};

use super::subject::Subject;

/// The first pause: a database that was locked is not, a second later.
const RETRY_BASE: Duration = Duration::from_secs(1);

/// The longest pause: what an operator has mended should not wait for him to go and look for the
/// button.
const RETRY_CEILING: Duration = Duration::from_secs(300);

/// So many failures in a row, without a success among them, are the cloud's and not the things'.
const IN_A_ROW_MAX: u32 = 8;

/// The longest pause while the cloud fails: it is asked by one order, so that it may be asked
/// often.
const BREAK_CEILING: Duration = Duration::from_secs(30);

/// What is refused so often is refused for good, until somebody does something.
const REFUSALS_LASTING: u32 = 3;

/// Also what a service that answers can't do so often, over ten minutes and more.
const FAULTS_LASTING: u32 = 12;

/// Longer error texts are cut: each failed thing has one.
const ERROR_CHARS_MAX: usize = 400;

/// How something failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) name: String,
    pub(super) error: String,
    pub(super) since: UnixMillis,
    /// How often it was refused because its name is taken.
    pub(super) conflicts: u32,
    /// How often the cloud refused it.
    refusals: u32,
    /// How often the service answered that it failed by it.
    faults: u32,
    backoff: Backoff,
    until: Instant,
    /// Only a reading of this kind that began later tells more.
    unread: Option<(RecordKind, Instant)>,
}

impl Failure {
    pub(super) fn tries(&self) -> u32 {
        self.backoff.attempts()
    }

    /// Whether it fails by what it is, and not by a cloud that is away for a while.
    pub(super) const fn is_lasting(&self) -> bool {
        self.refusals >= REFUSALS_LASTING || self.faults >= FAULTS_LASTING
    }
}

/// What something failed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Itself, as the cloud says.
    Refused,
    /// The service, which answers that it failed.
    Service,
    /// The cloud is away, or asks for patience.
    Away,
}

/// One failure more.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) error: String,
    pub(super) wall: UnixMillis,
    pub(super) whose: Fault,
    /// Wait for a reading of this kind.
    pub(super) unread: Option<RecordKind>,
    /// The cloud asks for so much patience.
    pub(super) patience: Duration,
    pub(super) chance: u64,
}

/// All that failed and was not done since.
#[derive(Debug, Default)]
pub(super) struct Failures {
    all: BTreeMap<Subject, Failure>,
    waiting: BTreeSet<(Instant, Subject)>,
}

impl Failures {
    pub(super) fn get(&self, subject: &Subject) -> Option<&Failure> {
        self.all.get(subject)
    }

    pub(super) fn forget(&mut self, subject: &Subject) {
        if let Some(failure) = self.all.remove(subject) {
            self.waiting.remove(&(failure.until, subject.clone()));
        }
    }

    pub(super) fn add(&mut self, now: Instant, subject: Subject, told: Told) {
        let before = self.all.remove(&subject);
        if let Some(before) = &before {
            self.waiting.remove(&(before.until, subject.clone()));
        }
        let (since, counts, mut backoff) = match before {
            Some(it) => (it.since, (it.conflicts, it.refusals, it.faults), it.backoff),
            None => (
                told.wall,
                (0, 0, 0),
                Backoff::new(RETRY_BASE, RETRY_CEILING),
            ),
        };
        let (conflicts, refusals, faults) = counts;
        let is = |whose| u32::from(told.whose == whose);
        let wait = backoff.next(told.chance).max(told.patience);
        let until = now.checked_add(wait).unwrap_or(now);
        let failure = Failure {
            name: told.name,
            error: told.error.chars().take(ERROR_CHARS_MAX).collect(),
            since,
            conflicts: conflicts.saturating_add(told.unread.is_some().into()),
            refusals: refusals.saturating_add(is(Fault::Refused)),
            faults: faults.saturating_add(is(Fault::Service)),
            backoff,
            until,
            unread: told.unread.map(|kind| (kind, now)),
        };
        self.waiting.insert((until, subject.clone()));
        self.all.insert(subject, failure);
    }

    /// Whether something that failed must still wait.
    pub(super) fn holds(&self, subject: &Subject, now: Instant) -> bool {
        let failure = self.all.get(subject);
        failure.is_some_and(|it| it.until > now || it.unread.is_some())
    }

    /// Takes those whose time has come.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Subject> {
        let mut due = Vec::new();
        while let Some((at, _)) = self.waiting.first()
            && *at <= now
        {
            due.extend(self.waiting.pop_first().map(|(_, it)| it));
        }
        due
    }

    /// When the next one's time comes.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// Those that wait for a reading of this kind which began so late.
    pub(super) fn awaiting(
        &self,
        kind: RecordKind,
        began: Instant,
    ) -> impl Iterator<Item = &Subject> {
        let awaits = move |failure: &Failure| {
            let unread = failure.unread;
            unread.is_some_and(|(of, since)| of == kind && since <= began)
        };
        let all = self.all.iter().filter(move |(_, it)| awaits(it));
        all.map(|(subject, _)| subject)
    }

    /// Of these it was read what they waited for.
    pub(super) fn is_read(&mut self, told: &BTreeSet<Subject>) {
        for subject in told {
            if let Some(failure) = self.all.get_mut(subject) {
                failure.unread = None;
            }
        }
    }

    /// A name of this kind became free, so that no reading need be waited for.
    pub(super) fn name_is_free(&mut self, kind: RecordKind) -> Vec<Subject> {
        let is_it = |it: &Failure| it.unread.is_some_and(|(of, _)| of == kind);
        let all = self.all.iter_mut().filter(|(_, it)| is_it(it));
        let released = all.map(|(subject, failure)| {
            failure.unread = None;
            subject.clone()
        });
        released.collect()
    }

    /// The kinds whose reading something waits for, and since when.
    pub(super) fn unread(&self) -> impl Iterator<Item = (RecordKind, Instant)> {
        self.all.values().filter_map(|it| it.unread)
    }
}

/// Spares a cloud that fails whatever it is given.
#[derive(Debug)]
pub(super) struct Breaker {
    in_a_row: u32,
    backoff: Backoff,
    until: Option<Instant>,
    reason: String,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            in_a_row: 0,
            backoff: Backoff::new(RETRY_BASE, BREAK_CEILING),
            until: None,
            reason: String::new(),
        }
    }
}

impl Breaker {
    /// How many orders may be given at once.
    pub(super) fn room(&self, now: Instant, room: usize, running: usize) -> usize {
        match self.until {
            Some(until) if now < until => 0,
            _ if self.is_open() => usize::from(running == 0).min(room),
            _ => room,
        }
    }

    /// Until when nothing is given, and why.
    pub(super) fn paused(&self, now: Instant) -> Option<(Instant, &str)> {
        let until = self.until.filter(|it| now < *it)?;
        Some((until, &self.reason))
    }

    const fn is_open(&self) -> bool {
        self.in_a_row >= IN_A_ROW_MAX
    }

    pub(super) fn worked(&mut self) {
        self.in_a_row = 0;
        self.backoff.reset();
        self.until = None;
    }

    pub(super) fn failed(&mut self, now: Instant, error: &str, patience: Duration, chance: u64) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        let wait = match self.is_open() {
            true => self.backoff.next(chance).max(patience),
            false => patience,
        };
        if !wait.is_zero() {
            error.clone_into(&mut self.reason);
            self.until = now.checked_add(wait.min(RETRY_CEILING));
        }
    }
}
