//! Passwords that may still arrive at the cloud, after later ones.
//!
//! An order of which no answer came may lie in a queue before Keystone, or in one of its workers
//! that hangs, and be carried out after the next one was. No reading shows a password: the older
//! one would stand, and count as the newer. So whoever has another one meanwhile is given it at
//! once, and once more when nothing that was sent before can arrive any more; only then it counts
//! as set, and what waits for it goes on.
//!
//! A cloud that keeps a history of passwords refuses one that it has already. So it is known of
//! each that is given whether the cloud may have it: then a refusal is looked into, by a sign-in.
//! That is refused by the same answer where the password is wrong, where its user is locked for a
//! while, and where he or his department is switched off. So nobody is asked for whom it is known
//! that he is off, and a few times else, as Keystone's count of wrong passwords ends with a right
//! one alone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shared::ids::ObjectId;
use shared::model::{CloudId, ObjectKind};

use super::Reconciler;
use super::alarms::Alarms;
use super::batch::Task;
use super::compare::enabled;
use super::doubts::is_doubtful;
use super::subject::Subject;
use super::verdict::{Done, Verdict};
use crate::cloud::CloudError;
use crate::replica::{Base, Note};

/// What was sent, and not answered, arrives within this or never: longer than proxies, web servers
/// and databases let a request wait, which is minutes at most as they come, and longer than an
/// agent may be told to wait for one.
const ARRIVES_MAX: Duration = Duration::from_secs(15 * 60);

/// Whoever is locked is so for less, as Keystone comes (`lockout_duration`, half an hour).
const ASKED_EVERY: Duration = Duration::from_secs(60 * 60);

/// So often a cloud is asked for one password that it says is wrong: fewer than lock a user out.
const ASKED_MAX: u32 = 3;

/// How a password is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Giving {
    /// Whether the cloud may have this very one already, and is to be asked for it.
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
    /// The version of which the cloud said that it has another one.
    denied: Option<Denied>,
}

/// What a cloud says that it has not.
#[derive(Debug)]
struct Denied {
    version: u64,
    times: u32,
    /// Not to be asked again before.
    until: Instant,
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

    /// Whether it may be asked for this version.
    fn may_be_asked(&self, now: Instant, version: u64) -> bool {
        let denied = self.denied.as_ref();
        self.may_be_set(version) && denied.is_none_or(|it| it.version != version || it.until <= now)
    }

    /// The cloud refused this version, and has another one, if it was asked.
    fn refused(&mut self, now: Instant, version: u64, was_asked: bool) {
        let before = self.denied.take().filter(|it| it.version == version);
        let times = before.as_ref().map_or(0, |it| it.times);
        self.denied = match was_asked {
            true => now.checked_add(ASKED_EVERY).map(|until| Denied {
                version,
                times: times.saturating_add(1),
                until,
            }),
            false => before,
        };
        let is_known = self.denied.as_ref().is_some_and(|it| it.times >= ASKED_MAX);
        if is_known || !self.may_be_set(version) {
            self.settled = Some(version);
            self.given = self.given.filter(|it| *it != version);
        }
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
        (late.given, late.settled, late.denied) = (None, None, None);
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
        let may_be_asked = late.is_some_and(|it| it.may_be_asked(now, set.version));
        Giving {
            may_be_set: may_be_asked && !self.is_off(&set.here),
            is_for_now: late.is_some_and(|it| it.may_another_arrive(now, set.version)),
        }
    }

    /// Whether a user, or his department, is switched off here, so that he can't sign in.
    fn is_off(&self, user: &CloudId) -> bool {
        let is_off = |kind, id: &CloudId| {
            let found = self.actual.object(kind, id);
            found.is_some_and(|it| enabled(&it) == Some(false))
        };
        let department = self.actual.department(ObjectKind::User, user);
        is_off(ObjectKind::User, user)
            || department.is_some_and(|it| is_off(ObjectKind::Department, it))
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
            late.refused(now, set.version, task.giving.may_be_set);
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

/// Whether a cloud that fails so may do that because it has this password already. Where it was to
/// be asked for that, such an answer came after it was.
pub(super) const fn is_refusal(error: &CloudError) -> bool {
    match error {
        CloudError::Conflict { .. } => true,
        CloudError::Status { status, .. } => *status == 400,
        _ => false,
    }
}
