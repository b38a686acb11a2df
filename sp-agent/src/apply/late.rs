//! Passwords that may still arrive at the cloud, after later ones.
//!
//! An order of which no answer came may lie in a queue before Keystone, or in one of its workers
//! that hangs, and be carried out after the next one was. No reading shows a password: the older
//! one would stand, and count as the newer. So whoever has another one meanwhile is given it at
//! once, and once more when nothing that was sent before can arrive any more; only then it counts
//! as set, and what waits for it goes on.
//!
//! A cloud that keeps a history of passwords refuses one that it has already. So it is known of
//! each that is given whether the cloud may have it: then a refusal is looked into, and until the
//! cloud says that it has another one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shared::ids::ObjectId;
use shared::model::ObjectKind;

use super::Reconciler;
use super::alarms::Alarms;
use super::batch::Task;
use super::doubts::is_doubtful;
use super::subject::Subject;
use super::verdict::{Done, Verdict};
use crate::cloud::CloudError;
use crate::replica::{Base, Note};

/// What was sent, and not answered, arrives within this or never: longer than proxies, web servers
/// and databases let a request wait, which is minutes at most as they come, and longer than an
/// agent may be told to wait for one.
const ARRIVES_MAX: Duration = Duration::from_secs(15 * 60);

/// How a password is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Giving {
    /// Whether the cloud may have this very one already.
    pub(super) may_be_set: bool,
    /// Whether another one may still arrive after it, so that it does not count as set.
    is_for_now: bool,
}

impl Task {
    /// Whether what was done is so from then on.
    pub(super) const fn counts(&self) -> bool {
        !self.giving.is_for_now
    }
}

/// Of one user.
#[derive(Debug, Default)]
struct Late {
    /// The versions of which no answer came, and until when each may arrive. `None` is what was
    /// sent before the agent's start: nobody knows any more which version that was.
    sent: BTreeMap<Option<u64>, Instant>,
    /// The version that was given, and is to be once more.
    given: Option<u64>,
    /// The version that is in no question any more: set for good, or refused.
    settled: Option<u64>,
}

impl Late {
    /// Whether another version than this may still arrive.
    fn may_another_arrive(&self, now: Instant, version: u64) -> bool {
        let mut sent = self.sent.iter();
        sent.any(|(it, until)| *it != Some(version) && *until > now)
    }

    /// Whether the cloud may have this version. That does not end with time.
    fn may_be_set(&self, version: u64) -> bool {
        let is_sent = |it| self.sent.contains_key(&it);
        let is_any = self.given == Some(version) || is_sent(Some(version)) || is_sent(None);
        is_any && self.settled != Some(version)
    }

    fn may_any_arrive(&self, now: Instant) -> bool {
        self.sent.values().any(|until| *until > now)
    }

    /// Whether nothing may arrive, and nobody need ask whether something has.
    fn is_over(&self, now: Instant) -> bool {
        let is_known = self.given.is_none() && (self.settled.is_some() || self.sent.is_empty());
        is_known && !self.may_any_arrive(now)
    }
}

/// All such. Bounded by the users of the directory.
#[derive(Debug, Default)]
pub(super) struct Lates {
    all: BTreeMap<ObjectId, Late>,
    pub(super) alarms: Alarms,
}

impl Lates {
    /// What was being given when the agent stopped may arrive as of now.
    pub(super) fn resumed(now: Instant, base: &Base) -> Self {
        let mut lates = Self::default();
        for user in &base.unanswered {
            lates.add(now, *user, None);
        }
        lates
    }

    /// A version was sent, and no answer came.
    fn add(&mut self, now: Instant, user: ObjectId, version: Option<u64>) {
        let Some(until) = now.checked_add(ARRIVES_MAX) else {
            return;
        };
        // The user is looked at again then.
        self.alarms.set(until, Subject::Password(user));
        let late = self.all.entry(user).or_default();
        late.sent.retain(|_, until| *until > now);
        late.sent.insert(version, until);
        (late.given, late.settled) = (None, None);
    }
}

impl Reconciler {
    /// A password is about to be given: an agent that is killed meanwhile must know that it may
    /// arrive.
    pub(super) fn note_sent(&mut self, user: ObjectId) {
        if !self.base.unanswered.contains(&user) {
            self.note(Note::Unanswered(user, true));
        }
    }

    /// How what is to be done is given now.
    pub(super) fn giving(&self, now: Instant, done: &Done) -> Giving {
        let Done::Password(user, set) = done else {
            return Giving::default();
        };
        let late = self.lates.all.get(user);
        Giving {
            may_be_set: late.is_some_and(|it| it.may_be_set(set.version)),
            is_for_now: late.is_some_and(|it| it.may_another_arrive(now, set.version)),
        }
    }

    /// What was ordered was done.
    pub(super) fn was_set(&mut self, now: Instant, task: &Task) {
        let Done::Password(user, set) = &task.done else {
            return;
        };
        if let Some(late) = self.lates.all.get_mut(user) {
            let version = Some(set.version);
            (late.given, late.settled) = match task.counts() {
                true => (None, version),
                false => (version, None),
            };
        }
        self.forget_if_over(now, *user);
    }

    /// What was ordered was not done, as far as is known.
    pub(super) fn was_not_set(&mut self, now: Instant, task: &Task, error: &CloudError) {
        let Done::Password(user, set) = &task.done else {
            return;
        };
        if is_doubtful(error) {
            self.lates.add(now, *user, Some(set.version));
            return;
        }
        if let Some(late) = self.lates.all.get_mut(user)
            && is_refusal(error)
        {
            late.settled = Some(set.version);
            late.given = late.given.filter(|it| *it != set.version);
        }
        self.forget_if_over(now, *user);
    }

    fn forget_if_over(&mut self, now: Instant, user: ObjectId) {
        let late = self.lates.all.get(&user);
        if late.is_none_or(|it| it.is_over(now)) {
            self.forget_late(user);
        }
    }

    fn forget_late(&mut self, user: ObjectId) {
        self.lates.all.remove(&user);
        self.note(Note::Unanswered(user, false));
    }

    /// Forgets of a user what can't arrive any more, or is nobody's.
    pub(super) fn look_whether_it_arrives(&mut self, now: Instant, subject: &Subject) {
        let Subject::Password(user) = subject else {
            return;
        };
        let is_told = self.replica.directory.has(ObjectKind::User, user);
        let is_over = |it: &Late| it.is_over(now) || !is_told && !it.may_any_arrive(now);
        if self.lates.all.get(user).is_some_and(is_over) {
            self.forget_late(*user);
        }
    }

    /// Whether a password was given already, and it is too early to give it once more.
    pub(super) fn is_given_for_now(&self, now: Instant, verdict: &Verdict) -> bool {
        let Verdict::Due(due) = verdict else {
            return false;
        };
        let Done::Password(user, set) = &due.done else {
            return false;
        };
        let late = self.lates.all.get(user);
        late.is_some_and(|it| {
            it.given == Some(set.version) && it.may_another_arrive(now, set.version)
        })
    }
}

/// Whether a cloud that fails so may do that because it has this password already. Such an answer
/// came after it was looked into.
pub(super) const fn is_refusal(error: &CloudError) -> bool {
    match error {
        CloudError::Conflict { .. } => true,
        CloudError::Status { status, .. } => *status == 400,
        _ => false,
    }
}
