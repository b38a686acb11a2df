//! What failed, and when it is tried again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use shared::backoff::Backoff;
use shared::model::{RecordKind, UnixMillis};

use super::alarms::Alarms;
use super::subject::Subject;

/// The first pause: a database that was locked is not, a second later.
const RETRY_BASE: Duration = Duration::from_secs(1);

/// The longest pause: what an operator has mended should not wait for him to go and look for the
/// button.
const RETRY_CEILING: Duration = Duration::from_secs(300);

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
    /// How often nobody answered for it, or the cloud was not to be asked.
    aways: u32,
    last: Fault,
    backoff: Backoff,
    until: Instant,
    /// Only a reading of this kind that began later tells more.
    unread: Option<(RecordKind, Instant)>,
}

impl Failure {
    pub(super) fn tries(&self) -> u32 {
        self.backoff.attempts()
    }

    /// Whether it failed last by what may be the cloud's failure, or its own.
    const fn is_again(&self) -> bool {
        !matches!(self.last, Fault::Refused)
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
    /// When each is tried again.
    pub(super) alarms: Alarms,
}

impl Failures {
    pub(super) fn get(&self, subject: &Subject) -> Option<&Failure> {
        self.all.get(subject)
    }

    pub(super) fn forget(&mut self, subject: &Subject) {
        if let Some(failure) = self.all.remove(subject) {
            self.alarms.cancel(failure.until, subject);
        }
    }

    pub(super) fn add(&mut self, now: Instant, subject: Subject, told: Told) {
        let before = self.all.remove(&subject);
        if let Some(before) = &before {
            self.alarms.cancel(before.until, &subject);
        }
        let (since, counts, mut backoff) = match before {
            Some(it) => {
                let counts = (it.conflicts, it.refusals, it.faults, it.aways);
                (it.since, counts, it.backoff)
            }
            None => {
                let backoff = Backoff::new(RETRY_BASE, RETRY_CEILING);
                (told.wall, (0, 0, 0, 0), backoff)
            }
        };
        let (conflicts, refusals, faults, aways) = counts;
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
            aways: aways.saturating_add(is(Fault::Away)),
            last: told.whose,
            backoff,
            until,
            unread: told.unread.map(|kind| (kind, now)),
        };
        self.alarms.set(until, subject.clone());
        self.all.insert(subject, failure);
    }

    /// How often something was tried that was refused last.
    pub(super) fn refused(&self, subject: &Subject) -> Option<u32> {
        let refused = self.all.get(subject).filter(|it| !it.is_again());
        refused.map(Failure::tries)
    }

    /// Whether something failed last by what may be the cloud's failure, or its own.
    pub(super) fn is_again(&self, subject: &Subject) -> bool {
        self.all.get(subject).is_some_and(Failure::is_again)
    }

    /// All such, and how often each was not answered, and tried.
    pub(super) fn again(&self) -> impl Iterator<Item = ((u32, u32), &Subject)> {
        let all = self.all.iter().filter(|(_, it)| it.is_again());
        all.map(|(subject, failure)| ((failure.aways, failure.tries()), subject))
    }

    /// Whether something that failed must still wait.
    pub(super) fn holds(&self, subject: &Subject, now: Instant) -> bool {
        let failure = self.all.get(subject);
        failure.is_some_and(|it| it.until > now || it.unread.is_some())
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

    /// What waits for the reading of a kind, and since when.
    pub(super) fn unread(&self) -> impl Iterator<Item = (&Subject, (RecordKind, Instant))> {
        let all = self.all.iter();
        all.filter_map(|(subject, it)| Some((subject, it.unread?)))
    }

    /// How often something was tried that was not done since.
    pub(super) fn tries(&self, subject: &Subject) -> u32 {
        self.all.get(subject).map_or(0, Failure::tries)
    }
}
