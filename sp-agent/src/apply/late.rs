//! Passwords that may still arrive at the cloud, after later ones.
//!
//! An order of which no answer came may lie in a queue before Keystone, or in one of its workers
//! that hangs, and be carried out after the next one was. No reading shows a password: the older
//! one would stand, and count as the newer. So whoever has another one meanwhile is given it at
//! once, and once more when nothing that was sent before can arrive any more; only then it counts
//! as set, and what waits for it goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use shared::ids::ObjectId;

use super::Reconciler;
use super::batch::Task;
use super::subject::Subject;
use super::verdict::{Done, Verdict};
use crate::cloud::Order;
use crate::replica::{Base, Note};

/// What was sent, and not answered, arrives within this or never: longer than proxies, web servers
/// and databases let a request wait, which is minutes at most as they come, and longer than an
/// agent may be told to wait for one.
const ARRIVES_MAX: Duration = Duration::from_secs(15 * 60);

/// Of one user.
#[derive(Debug, Default)]
struct Late {
    /// The version that was sent last without an answer, and until when it may arrive.
    last: Option<(u64, Instant)>,
    /// Until when others may, or such of which nobody knows any more which they were.
    others: Option<Instant>,
    /// The version that was given, and is to be once more.
    given: Option<u64>,
    /// Whether the one that is just being given is to be once more.
    is_meanwhile: bool,
    /// Whether the one that is due may have been set before the agent's start.
    is_of_before: bool,
}

impl Late {
    /// Until when another version than this may arrive.
    fn until(&self, version: u64) -> Option<Instant> {
        let last = self.last.filter(|(it, _)| *it != version);
        last.map(|(_, until)| until).max(self.others)
    }

    fn is_over(&self) -> bool {
        self.last.is_none() && self.others.is_none() && self.given.is_none()
    }
}

/// All such. Bounded by the users of the directory.
#[derive(Debug, Default)]
pub(super) struct Lates {
    all: BTreeMap<ObjectId, Late>,
    waking: BTreeSet<(Instant, ObjectId)>,
}

impl Lates {
    /// What was being given when the agent stopped may arrive as of now.
    pub(super) fn resumed(now: Instant, base: &Base) -> Self {
        let mut lates = Self::default();
        for user in &base.unanswered {
            let late = Late {
                others: lates.wake(now, *user),
                is_of_before: true,
                ..Late::default()
            };
            lates.all.insert(*user, late);
        }
        lates
    }

    /// Until when what is sent now may arrive, and then the user is looked at again.
    fn wake(&mut self, now: Instant, user: ObjectId) -> Option<Instant> {
        let until = now.checked_add(ARRIVES_MAX)?;
        self.waking.insert((until, user));
        Some(until)
    }

    /// A version was sent, and no answer came.
    pub(super) fn add(&mut self, now: Instant, user: ObjectId, version: u64) {
        let until = self.wake(now, user);
        let late = self.all.entry(user).or_default();
        let others = late.until(version);
        *late = Late {
            last: until.map(|until| (version, until)),
            others,
            ..Late::default()
        };
    }

    /// Takes those whose time has come.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Subject> {
        let mut due = Vec::new();
        while let Some((at, _)) = self.waking.first()
            && *at <= now
        {
            let user = self.waking.pop_first().map(|(_, it)| it);
            due.extend(user.map(Subject::Password));
        }
        due
    }

    /// When the next one's time comes.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.waking.first().map(|(at, _)| *at)
    }
}

impl Reconciler {
    /// A password is about to be given: an agent that is killed meanwhile must know that it may
    /// arrive.
    pub(super) fn note_sent(&mut self, now: Instant, user: ObjectId, version: u64) {
        if !self.base.unanswered.contains(&user) {
            self.note(Note::Unanswered(user, true));
        }
        if let Some(late) = self.lates.all.get_mut(&user) {
            late.is_meanwhile = late.until(version).is_some_and(|until| until > now);
        }
    }

    /// An order was answered. Whether what it did counts: not of a password that another one may
    /// still arrive after.
    pub(super) fn answered(&mut self, task: &Task, is_done: bool) -> bool {
        let Done::Password(user, set) = &task.done else {
            return true;
        };
        let Some(late) = self.lates.all.get_mut(user) else {
            self.note(Note::Unanswered(*user, false));
            return true;
        };
        let is_meanwhile = std::mem::take(&mut late.is_meanwhile);
        late.is_of_before = false;
        late.given = (is_done && is_meanwhile).then_some(set.version);
        !is_meanwhile
    }

    /// Whether the cloud may have this very password already, by an order of before.
    pub(super) fn is_given_again(&self, task: &Task) -> bool {
        let Done::Password(user, set) = &task.done else {
            return false;
        };
        let late = self.lates.all.get(user);
        late.is_some_and(|it| it.is_of_before || it.given == Some(set.version))
    }

    /// Whether a password was given already, and it is too early to give it once more. Forgets what
    /// can't arrive any more.
    pub(super) fn is_given_for_now(
        &mut self,
        now: Instant,
        subject: &Subject,
        verdict: &Verdict,
    ) -> bool {
        let Subject::Password(user) = subject else {
            return false;
        };
        let Some(late) = self.lates.all.get_mut(user) else {
            return false;
        };
        let due = match verdict {
            Verdict::Due(due) => match &due.order {
                Order::Password(_, secret) => Some(secret.version),
                _ => None,
            },
            _ => None,
        };
        late.last = late.last.filter(|(_, until)| *until > now);
        late.others = late.others.filter(|until| *until > now);
        late.given = late.given.filter(|it| Some(*it) == due);
        late.is_of_before &= !matches!(verdict, Verdict::Nothing(_) | Verdict::InPlace(_));
        if late.is_over() && !late.is_of_before {
            self.lates.all.remove(user);
            self.note(Note::Unanswered(*user, false));
            return false;
        }
        late.given.is_some_and(|it| late.until(it).is_some())
    }
}
