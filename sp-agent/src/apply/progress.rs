//! How far it is, for people.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use shared::model::{CloudId, ObjectKind, RecordKind, UnixMillis};

use super::Reconciler;
use super::subject::{Difference, Drift, Standing, Subject, Wait};

/// Failures and differences that are listed; more are counted. So many can be looked over by
/// people, and fit into a frame.
const LISTED_MAX: usize = 200;

/// How far the cloud is what the directory says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Things and links that the federation wants in this cloud, or wants switched off or removed.
    pub desired: u64,
    /// Of these, as they should be.
    pub in_place: u64,
    /// Of these, to be done now, or being done.
    pub under_way: u64,
    /// Of these, waiting for something else.
    pub waiting: u64,
    /// Of these, to be removed in a later batch, because the policy allows so many at once.
    pub removals_held: u64,
    /// Of these, links to be taken away and things to be switched off in a later batch, for the
    /// same reason.
    pub withdrawals_held: u64,
    /// How many failed, or can't be done.
    pub failed_count: u64,
    /// The first of them.
    pub failed: Vec<Failed>,
    /// How many differ from the directory, and stay so.
    pub drift_count: u64,
    /// The first of them.
    pub drift: Vec<(Subject, Drift)>,
    /// How long the rest takes, but for what failed, at the rate of the last minute, and until the
    /// last batch of what is held back; `None` where nothing was done in that minute and something
    /// is left, or where the policy never lets some of it.
    pub left: Option<Duration>,
    /// Why nothing is given to the cloud just now.
    pub paused: Option<String>,
    /// Whether the policy takes no changes.
    pub read_only: bool,
}

impl Progress {
    /// What is kept for a later batch, of either kind.
    pub const fn held(&self) -> u64 {
        self.removals_held.saturating_add(self.withdrawals_held)
    }
}

/// Something that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What.
    pub subject: Subject,
    /// What it is called; empty for a link.
    pub name: String,
    /// What was wrong, and what to do.
    pub error: String,
    /// Since when, by the wall clock; `None` for what was not tried.
    pub since: Option<UnixMillis>,
    /// How often it was tried.
    pub tries: u32,
}

/// How many stand how.
#[derive(Debug, Default)]
pub(super) struct Tally {
    in_place: u64,
    due: u64,
    running: u64,
    waiting: u64,
    /// Of those that wait, how many for the reading of which kind.
    unread: BTreeMap<RecordKind, u64>,
    failed: BTreeSet<Subject>,
    /// Of those that are due or being done, which failed before.
    retried: BTreeSet<Subject>,
    drift: BTreeSet<Subject>,
    /// Of the drift, what the federation does not want.
    extra: u64,
}

impl Tally {
    pub(super) fn change(
        &mut self,
        subject: &Subject,
        before: Option<&Standing>,
        after: Option<&Standing>,
    ) {
        if let Some(before) = before {
            self.count(subject, before, false);
        }
        if let Some(after) = after {
            self.count(subject, after, true);
        }
    }

    fn count(&mut self, subject: &Subject, standing: &Standing, is_new: bool) {
        let bump = |of: &mut u64| {
            *of = match is_new {
                true => of.saturating_add(1),
                false => of.saturating_sub(1),
            }
        };
        let list = |of: &mut BTreeSet<Subject>| match is_new {
            true => of.insert(subject.clone()),
            false => of.remove(subject),
        };
        match standing {
            Standing::InPlace => bump(&mut self.in_place),
            Standing::Due(_) => bump(&mut self.due),
            Standing::Running => bump(&mut self.running),
            Standing::Waiting(wait) => {
                bump(&mut self.waiting);
                if let Wait::Reading(kind) = wait {
                    bump(self.unread.entry(*kind).or_default());
                }
            }
            Standing::Failed | Standing::Blocked(_) => drop(list(&mut self.failed)),
            Standing::Drift(drift) => {
                list(&mut self.drift);
                if is_extra(drift) {
                    bump(&mut self.extra);
                }
            }
        }
    }

    /// How many wait until this kind was read.
    pub(super) fn unread(&self, kind: RecordKind) -> u64 {
        self.unread.get(&kind).copied().unwrap_or_default()
    }

    /// What failed counts as failed until it is done, however long it waits for its turn.
    pub(super) fn retries(&mut self, subject: &Subject, is_retried: bool) {
        match is_retried {
            true => self.retried.insert(subject.clone()),
            false => self.retried.remove(subject),
        };
    }

    /// What failed, or can't be done.
    pub(super) fn failed(&self) -> impl Iterator<Item = &Subject> {
        self.failed.iter().chain(&self.retried)
    }

    /// What differs, and stays so.
    pub(super) fn drift(&self) -> impl Iterator<Item = &Subject> {
        self.drift.iter()
    }
}

fn is_extra(drift: &Drift) -> bool {
    drift.what.iter().any(|it| {
        matches!(
            it,
            Difference::CreatedHere | Difference::LinkGiven | Difference::NotInDirectory
        )
    })
}

impl Reconciler {
    /// Whether something failed, and was not done since.
    pub(super) fn has_failed(&self, subject: &Subject) -> bool {
        self.failures.get(subject).is_some()
    }

    /// How far it is.
    pub fn progress(&self, now: Instant) -> Progress {
        let tally = &self.tally;
        let retried = count(tally.retried.len());
        let failed = count(tally.failed.len()).saturating_add(retried);
        let drift = count(tally.drift.len());
        let under_way = tally.due.saturating_add(tally.running);
        let under_way = under_way.saturating_sub(retried);
        let wanted = drift.saturating_sub(tally.extra);
        let parts = [tally.in_place, under_way, tally.waiting, failed, wanted];
        let held = self.held(now);
        // What may not be given yet goes by its batches, however fast the others were done.
        let rest = under_way.saturating_add(tally.waiting);
        let (removals, withdrawals) = (count(held.removals), count(held.withdrawals));
        let rest = rest.saturating_sub(removals.saturating_add(withdrawals));
        let left = self.pace.left(now, rest);
        let listed = tally.drift.iter().take(LISTED_MAX);
        let listed = listed.filter_map(|subject| match self.standings.get(subject) {
            Some(Standing::Drift(drift)) => Some((subject.clone(), drift.clone())),
            _ => None,
        });
        Progress {
            desired: parts.into_iter().fold(0, u64::saturating_add),
            in_place: tally.in_place,
            under_way,
            waiting: tally.waiting,
            removals_held: removals,
            withdrawals_held: withdrawals,
            failed_count: failed,
            failed: self.failed_listed(),
            drift_count: drift,
            drift: listed.collect(),
            left: left.zip(held.wait).map(|(rest, held)| rest.max(held)),
            paused: self.breaker.paused(now).map(str::to_owned),
            read_only: self.policy.read_only,
        }
    }

    fn failed_listed(&self) -> Vec<Failed> {
        let listed = self.tally.failed().take(LISTED_MAX);
        let listed = listed.filter_map(|subject| {
            let failure = self.failures.get(subject);
            match (self.standings.get(subject)?, failure) {
                (Standing::Blocked(reason), _) => Some(Failed {
                    subject: subject.clone(),
                    name: self.name(subject),
                    error: reason.clone(),
                    since: None,
                    tries: 0,
                }),
                (_, Some(failure)) => Some(Failed {
                    subject: subject.clone(),
                    name: failure.name.clone(),
                    error: failure.error.clone(),
                    since: Some(failure.since),
                    tries: failure.tries(),
                }),
                _ => None,
            }
        });
        self.hindered().chain(listed).collect()
    }

    pub(super) fn name(&self, subject: &Subject) -> String {
        let (kind, id) = match subject {
            Subject::Object(kind, id) => (*kind, id),
            Subject::Password(id) => (ObjectKind::User, id),
            Subject::Quota(holder, _) => return self.holder_name(holder),
            Subject::Own(kind, here) => return self.name_here(*kind, Some(here)),
            Subject::Link(_) | Subject::Reading(_) => return String::new(),
        };
        match self.replica.directory.object(kind, id) {
            Some(object) => object.name().to_owned(),
            // It ended, and is here.
            None => self.name_here(kind, self.places.here(kind, id).as_ref()),
        }
    }

    fn name_here(&self, kind: ObjectKind, here: Option<&CloudId>) -> String {
        let found = here.and_then(|it| self.actual.object(kind, it));
        found.map(|it| it.name().to_owned()).unwrap_or_default()
    }
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
