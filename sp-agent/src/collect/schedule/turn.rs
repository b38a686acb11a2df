//! One part's turns: when it is read whole, and when it is asked for what changed.

use std::time::{Duration, Instant};

use shared::backoff::Backoff;

use super::{Options, Outcome, Work, after, later};
use crate::cloud::Part;

/// A cloud that asks for more patience than this is asked again anyway.
pub(super) const PATIENCE_MAX: Duration = Duration::from_secs(600);

/// A whole reading is followed by a pause of this many times what such readings take: a tenth of
/// the time at most is spent on them. What this one alone took is no measure: where the cloud hung
/// for minutes in it, nine times that would hide for an hour what changes there. So the shorter of
/// it and the one before it counts (which says nothing yet after the first one), and nothing of
/// what went by with questions that failed.
const PAUSE_FACTOR: u32 = 9;

/// While the organization is being written, it is read this seldom: each reading takes from what
/// the cloud writes by, and finds little that the answers to the orders did not tell.
const SPARED_INTERVAL: Duration = Duration::from_secs(300);

/// Readings of changes rest as long as they took, up to so long: the cloud must not be asked all
/// the time, and news must not wait for minutes.
const CHANGES_PAUSE_MAX: Duration = Duration::from_secs(60);

/// However long a reading took, what vanished is found within this and the next reading's time,
/// unless the configured interval is longer.
const PAUSE_MAX: Duration = Duration::from_secs(6 * 3600);

/// One part's turns.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) part: Part,
    /// Between audits that ended well and took little.
    interval: Duration,
    /// Between readings of changes.
    changes_interval: Duration,
    missing_interval: Duration,
    /// Whether the cloud has much to write, which this reads.
    is_spared: bool,
    /// Whether something waits for what the last audit could not read.
    is_in_part: bool,
    /// How long the cloud was busy with the last audit that came to its end.
    took: Duration,
    /// How long it usually is.
    usual: Duration,
    audit: Reading,
    /// Not due until an audit came to its end, and where the cloud can't tell.
    changes: Reading,
    /// Nothing begins before: the service asked for patience.
    resume_at: Instant,
    /// However soon an audit that failed is wanted again, it rests until then for what it took.
    rest_until: Instant,
    /// Whether an audit came to its end, now or in an earlier life.
    has_mark: bool,
    /// Somebody waits for an audit that begins at this time or later.
    wanted_since: Option<Instant>,
    /// The same of who can wait a while.
    soon_since: Option<Instant>,
}

/// One kind of reading.
#[derive(Debug)]
struct Reading {
    due_at: Option<Instant>,
    running_since: Option<Instant>,
    /// When the one that ended last began.
    began_last: Option<Instant>,
    backoff: Backoff,
}

impl Reading {
    const fn new(due_at: Option<Instant>, backoff: Backoff) -> Self {
        Self {
            due_at,
            running_since: None,
            began_last: None,
            backoff,
        }
    }

    /// When it is due, unless it runs.
    fn waiting(&self) -> Option<Instant> {
        self.due_at.filter(|_| self.running_since.is_none())
    }

    /// It ended. How long it took.
    fn end(&mut self, now: Instant) -> Duration {
        let since = self.running_since.take().unwrap_or(now);
        self.began_last = Some(since);
        now.saturating_duration_since(since)
    }
}

impl Turn {
    /// Due `now`.
    pub(super) fn new(now: Instant, part: Part, options: &Options) -> Self {
        let interval = match part {
            Part::ComputeQuota | Part::VolumeQuota | Part::NetworkQuota => options.quota,
            part if part.is_organization() => options.organization,
            _ => options.audit,
        };
        // An audit that fails again and again comes no more often than one that does not.
        let audit_retry_max = interval.max(options.retry_max);
        Self {
            part,
            interval,
            changes_interval: options.changes,
            missing_interval: options.missing,
            is_spared: false,
            is_in_part: false,
            took: Duration::ZERO,
            usual: Duration::ZERO,
            audit: Reading::new(Some(now), Backoff::new(options.retry, audit_retry_max)),
            changes: Reading::new(None, Backoff::new(options.retry, options.retry_max)),
            resume_at: now,
            rest_until: now,
            has_mark: false,
            wanted_since: None,
            soon_since: None,
        }
    }

    /// What waits for its time, and when that is.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (Instant, Work)> + use<> {
        let (part, resume_at) = (self.part, self.resume_at);
        let floor = self.spared_until().unwrap_or(resume_at);
        let audit = self.audit.waiting();
        let audit = audit.map(|at| (at.max(floor), Work::Audit(part)));
        let changes = self.changes.waiting().map(|at| (at, Work::Changes(part)));
        let both = [audit, changes].into_iter().flatten();
        both.map(move |(at, work)| (at.max(resume_at), work))
    }

    pub(super) const fn is_audited(&self) -> bool {
        self.audit.running_since.is_some()
    }

    pub(super) const fn is_asked_for_changes(&self) -> bool {
        self.changes.running_since.is_some()
    }

    pub(super) const fn start(&mut self, now: Instant, work: Work) {
        match work {
            Work::Audit(_) => self.audit.running_since = Some(now),
            Work::Changes(_) => self.changes.running_since = Some(now),
            Work::Probe | Work::Sample => {}
        }
    }

    pub(super) fn resume(&mut self, now: Instant) {
        self.has_mark = true;
        self.expect_changes(now);
    }

    pub(super) fn begin_anew(&mut self, now: Instant) {
        self.audit.backoff.reset();
        self.audit.due_at = Some(now);
        self.changes.due_at = None;
        self.rest_until = now;
        self.has_mark = false;
    }

    pub(super) fn outdated(&mut self, now: Instant) {
        self.audit.end(now);
        self.begin_anew(now);
    }

    /// Brings an audit that failed forward, as what it failed by may be over.
    pub(super) fn hurry(&mut self, now: Instant, chance: u64) {
        if self.audit.backoff.attempts() == 0 {
            return;
        }
        self.audit.backoff.reset();
        let soon = later(now, self.audit.backoff.next(chance)).max(self.rest_until);
        self.audit.due_at = self.audit.due_at.map(|due_at| due_at.min(soon));
    }

    /// Somebody needs an audit that begins at `since` or later. Brings the next one forward, but
    /// for one that failed: that has its time. One that is under way and began before is followed
    /// by another one, as it may have passed by what is waited for.
    /// One that is needed `soon` does not come before the cloud has had its pause, counted from the
    /// beginning of the last one.
    pub(super) fn wanted(&mut self, now: Instant, since: Option<Instant>, soon: Option<Instant>) {
        self.wanted_since = self.wanted_since.max(since);
        self.soon_since = self.soon_since.max(soon);
        self.bring_forward(now);
    }

    fn bring_forward(&mut self, now: Instant) {
        if !self.is_awaited() || self.audit.backoff.attempts() > 0 {
            return;
        }
        let mut soon = after(now, Duration::ZERO);
        if !self.is_after_all(self.wanted_since) {
            let began = self.audit.began_last;
            let rested = began.map(|it| later(it, pause_of(self.usual).min(PAUSE_MAX)));
            soon = soon.max(rested.unwrap_or(soon));
        }
        self.audit.due_at = self.audit.due_at.map(|due_at| due_at.min(soon));
    }

    /// Whether somebody waits for an audit, and none began since.
    fn is_awaited(&self) -> bool {
        self.is_after_all(self.wanted_since) || self.is_after_all(self.soon_since)
    }

    /// Whether this is after the beginning of the latest audit.
    fn is_after_all(&self, since: Option<Instant>) -> bool {
        let latest = self.audit.running_since.or(self.audit.began_last);
        since.is_some_and(|it| latest < Some(it))
    }

    /// The cloud has much to write of what this reads, or has no more.
    pub(super) const fn spare(&mut self, is_spared: bool) {
        self.is_spared = is_spared;
    }

    /// Until when the cloud is spared the next audit: not the first one, nor one that something
    /// waits for, and one that failed has its own time.
    fn spared_until(&self) -> Option<Instant> {
        let is_spared = self.is_spared && !self.is_in_part && !self.is_awaited();
        let began = self.audit.began_last?;
        (is_spared && self.audit.backoff.attempts() == 0).then(|| after(began, SPARED_INTERVAL))
    }

    pub(super) fn audited(&mut self, now: Instant, outcome: Outcome, chance: u64) {
        let took = self.audit.end(now);
        let in_vain = match outcome {
            Outcome::ReadInPart { in_vain } => Some(in_vain),
            _ => None,
        };
        self.is_in_part = in_vain.is_some();
        match outcome {
            Outcome::Failed { patience } => {
                self.be_patient(now, patience);
                self.rest_until = later(now, pause_of(took).min(self.interval));
                let retry_at = later(now, self.audit.backoff.next(chance));
                self.audit.due_at = Some(retry_at.max(self.rest_until));
            }
            Outcome::Missing => return self.missing(now),
            Outcome::Read | Outcome::ReadInPart { .. } | Outcome::CannotTell => {
                self.has_mark = true;
                self.audit.backoff.reset();
                let took = took.saturating_sub(in_vain.unwrap_or_default());
                self.usual = took.min(std::mem::replace(&mut self.took, took));
                self.audit.due_at = Some(after(now, pause(self.usual, self.interval)));
                self.bring_forward(now);
            }
        }
        self.expect_changes(now);
    }

    pub(super) fn changed(&mut self, now: Instant, outcome: Outcome, chance: u64) {
        let took = self.changes.end(now);
        match outcome {
            Outcome::Failed { patience } => {
                self.be_patient(now, patience);
                let wait = self.changes.backoff.next(chance);
                self.changes.due_at = self.has_mark.then(|| later(now, wait));
            }
            Outcome::Missing => self.missing(now),
            Outcome::CannotTell => {
                self.changes.backoff.reset();
                self.changes.due_at = None;
            }
            Outcome::Read | Outcome::ReadInPart { .. } => {
                let failed_before = self.changes.backoff.attempts() > 0;
                self.changes.backoff.reset();
                let rest = took.min(CHANGES_PAUSE_MAX);
                let next = after(now, self.changes_interval.max(rest));
                self.changes.due_at = self.has_mark.then_some(next);
                if failed_before {
                    self.hurry(now, chance);
                }
            }
        }
    }

    /// Changes are asked for soon, if there is anything to go on from.
    fn expect_changes(&mut self, now: Instant) {
        if self.has_mark && self.changes.due_at.is_none() {
            self.changes.due_at = Some(after(now, self.changes_interval));
        }
    }

    fn be_patient(&mut self, now: Instant, patience: Duration) {
        self.resume_at = self.resume_at.max(later(now, patience.min(PATIENCE_MAX)));
    }

    fn missing(&mut self, now: Instant) {
        self.audit.backoff.reset();
        self.audit.due_at = Some(after(now, self.missing_interval));
        self.changes.due_at = None;
    }
}

/// How long to pause after a whole reading, where such take so long.
fn pause(took: Duration, interval: Duration) -> Duration {
    interval.max(pause_of(took).min(PAUSE_MAX))
}

fn pause_of(took: Duration) -> Duration {
    took.saturating_mul(PAUSE_FACTOR)
}

#[cfg(test)]
mod tests;
