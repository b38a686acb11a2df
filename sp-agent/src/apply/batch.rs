//! What is to be done now, and what follows from what was done.

use std::time::{Duration, Instant};

use shared::model::{CloudId, Custody, Key, Object, ObjectKind, Record, RecordKind, UnixMillis};

use super::Reconciler;
use super::alarms::Alarms;
use super::breaker::Given;
use super::compare::{link_record, record};
use super::failures::{Fault, Told};
use super::found::Found;
use super::late::Giving;
use super::met::FoundDone;
use super::subject::{Standing, Subject, record_kind};
use super::verdict::{Done, Verdict};
use crate::cloud::{CloudError, Order, Wanted};
use crate::replica::{Applied, Note, Tied};

/// So many orders keep a cloud busy for some seconds.
const MUCH: usize = 100;

/// What is to be done now: orders that need nothing of each other, so that they may be given at the
/// same time and in any order.
#[derive(Debug, Default)]
pub struct Batch {
    /// The orders.
    pub tasks: Vec<Task>,
    /// To be kept: what was met as it should be.
    pub notes: Vec<Note>,
    /// Of this, and of what is gone, what earlier orders did that nobody heard of.
    pub done: Vec<FoundDone>,
    /// When to ask again, if nothing is told before.
    pub wake_at: Option<Instant>,
    /// Kinds of records whose reading something waits for.
    pub readings: Wanted,
    /// Whether much is still to be given of what may be given now.
    pub has_much: bool,
}

/// One order, and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What to do.
    pub order: Order,
    /// For whom.
    pub subject: Subject,
    /// How that was found which it is about.
    pub found: Found,
    /// Whether it removes something, switches it off or takes a link away.
    pub takes_away: bool,
    pub(super) giving: Giving,
    pub(super) done: Done,
}

/// What follows from an order that was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// To be kept, before anything is told of it.
    pub notes: Vec<Note>,
    /// What is in the cloud now, and is not any more.
    pub changes: Vec<Change>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Why the cloud did not take it, where nothing is wrong with that.
    pub refused: Option<String>,
}

impl Outcome {
    /// Why it was not carried out, if it was not.
    pub fn not_done(&self) -> Option<&str> {
        self.failure.as_deref().or(self.refused.as_deref())
    }
}

/// What an order changed in the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This is so.
    Put(Record),
    /// This is gone.
    Gone(Key),
}

impl Change {
    /// The kind of its record.
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::Put(record) => record.key().kind,
            Self::Gone(key) => key.kind,
        }
    }
}

impl Task {
    /// Whether nothing but the marker is to be written.
    fn only_marks(&self) -> bool {
        matches!(&self.order, Order::Update { from, to, marker: Some(_), .. } if from == to)
    }

    /// What the thing is called that it is about; empty for a link.
    pub fn name(&self) -> &str {
        match &self.order {
            Order::Create { object, .. } => object.name(),
            Order::Update { from, .. } => from.name(),
            Order::Quota(it) => &it.name,
            Order::Look { name, .. } | Order::Purge { name, .. } => name,
            Order::Remove { .. } => &self.found.name,
            Order::Link(_) | Order::Unlink(_) | Order::Password(..) => "",
        }
    }

    /// Whether Keystone is who carries it out.
    const fn is_of_keystone(&self) -> bool {
        !matches!(self.order, Order::Quota(_))
    }

    const fn makes_a_project(&self) -> bool {
        matches!(
            &self.order,
            Order::Create {
                object: Object::Project(_),
                ..
            }
        )
    }

    fn frees_a_name(&self) -> Option<RecordKind> {
        match &self.order {
            Order::Remove { kind, .. } | Order::Purge { kind, .. } => Some(record_kind(*kind)),
            Order::Update { from, to, .. } if from.name() != to.name() => {
                Some(record_kind(to.kind()))
            }
            _ => None,
        }
    }

    /// The kind of a thing whose name may be taken already.
    fn claims_a_name(&self) -> Option<ObjectKind> {
        match &self.order {
            Order::Create { object, .. } => Some(object.kind()),
            Order::Update { from, to, .. } if from.name() != to.name() => Some(to.kind()),
            _ => None,
        }
    }
}

impl Reconciler {
    /// Looks at what changed, and says what is to be done now: at most `room` orders. What is
    /// given stands as running until [`Self::done`], and has its place only while
    /// [`Self::slow`] does not count it.
    pub fn next(&mut self, now: Instant, room: usize) -> Batch {
        self.forget_what_was_begun();
        self.settle(now);
        let turns = self.turns(now, room);
        let mut tasks = Vec::with_capacity(turns.len());
        for (subject, turn) in turns {
            // It is due as of just now.
            let Verdict::Due(due) = self.judge(&subject) else {
                self.dirty.insert(subject);
                continue;
            };
            let is_refused = self.failures.refused(&subject).is_some();
            self.count_given(now, due.level, is_refused);
            self.note_beforehand(&subject, &due);
            self.stand(subject.clone(), Some(Standing::Running));
            self.breaker.give(now, subject.clone(), turn);
            tasks.push(Task {
                found: self.found(&due.order),
                takes_away: due.level.takes_away(),
                giving: self.giving(now, &due.done),
                order: due.order,
                subject,
                done: due.done,
            });
        }
        Batch {
            tasks,
            notes: std::mem::take(&mut self.notes),
            done: self.met.take(),
            wake_at: self.wake_at(now),
            readings: self.readings(),
            has_much: self.allowed(now).take(MUCH).count() == MUCH,
        }
    }

    fn wake_at(&self, now: Instant) -> Option<Instant> {
        let paused = self.breaker.wake_at(now);
        let held = self.next_batch_at(now);
        let failed = &self.failures.alarms;
        let alarms = [failed, &self.rests.alarms, &self.lates.alarms].map(Alarms::next);
        let all = alarms.into_iter().chain([paused, held]);
        all.flatten().min()
    }

    /// How many of the orders under way were not answered soon, and keep no place from others.
    pub fn slow(&self, now: Instant) -> usize {
        self.breaker.slow(now)
    }

    /// What came of an order. `chance` is uniform over all of `u64`.
    pub fn done(
        &mut self,
        (now, wall): (Instant, UnixMillis),
        task: &Task,
        result: Result<Option<CloudId>, CloudError>,
        chance: u64,
    ) -> Outcome {
        self.stand(task.subject.clone(), None);
        self.dirty.insert(task.subject.clone());
        let given = self.breaker.ended(&task.subject);
        let made = match result {
            Ok(made) => made,
            Err(error @ CloudError::Forbidden { .. }) if task.only_marks() => {
                return self.unmarked(now, task, &error);
            }
            Err(error) => {
                self.doubt(now, task, &error);
                self.forget_what_was_not_made(task);
                return self.failed((now, wall), (task, given), &error, chance);
            }
        };
        let Some(changes) = changes(self, task, made.as_ref()) else {
            let error = CloudError::Malformed {
                endpoint: "the cloud".to_owned(),
                what: format!("the making of {}", task.subject),
                reason: "it has no id".to_owned(),
            };
            self.doubt(now, task, &error);
            return self.failed((now, wall), (task, given), &error, chance);
        };
        self.failures.forget(&task.subject);
        self.doubts.remove(&task.subject);
        self.breaker.worked(given);
        self.pace.done(now);
        if task.makes_a_project() {
            self.project_made = Some(now);
        }
        for change in &changes {
            match change {
                Change::Put(record) => self.put(record.clone()),
                Change::Gone(key) => self.remove(key),
            }
        }
        self.found_empty(&task.subject, &task.done);
        self.was_set(now, task);
        if let Some(note) = note(task, made).filter(|_| task.counts()) {
            self.note(note);
        }
        if let Some(kind) = task.frees_a_name() {
            let waiting = self.failures.name_is_free(kind);
            self.dirty.extend(waiting);
        }
        // So that progress tells of it at once.
        self.settle(now);
        Outcome {
            notes: std::mem::take(&mut self.notes),
            changes,
            ..Outcome::default()
        }
    }

    /// A cloud that takes no marker on a thing, as Keystone on its immutable roles, has it as it
    /// should be otherwise: it is known by what is kept of it here.
    fn unmarked(&mut self, now: Instant, task: &Task, error: &CloudError) -> Outcome {
        self.failures.forget(&task.subject);
        self.doubts.remove(&task.subject);
        if let Some(note) = note(task, None) {
            self.note(note);
        }
        self.settle(now);
        Outcome {
            notes: std::mem::take(&mut self.notes),
            refused: Some(error.to_string()),
            ..Outcome::default()
        }
    }

    fn failed(
        &mut self,
        (now, wall): (Instant, UnixMillis),
        (task, given): (&Task, Option<Given>),
        error: &CloudError,
        chance: u64,
    ) -> Outcome {
        let mut patience = Duration::ZERO;
        let mut text = error.to_string();
        let (mut unread, mut whose) = (None, Fault::Refused);
        match error {
            // Another service that is away is no reason to spare Keystone.
            _ if !task.is_of_keystone() => {
                whose = Fault::Away;
                if let CloudError::Throttled { retry_after, .. } = error {
                    patience = *retry_after;
                }
            }
            CloudError::Throttled { retry_after, .. } => {
                (whose, patience) = (Fault::Away, *retry_after);
            }
            CloudError::Unreachable { .. }
            | CloudError::Unauthorized { .. }
            | CloudError::CredentialRefused { .. } => whose = Fault::Away,
            CloudError::Status { status, .. } if *status >= 500 => whose = Fault::Service,
            CloudError::Conflict { .. } => {
                // Whoever had the name may have given it away while the answer was on its way:
                // then trying again tells as much as a reading, and sooner.
                let is_first = self.failures.get(&task.subject).is_none();
                if let Some(kind) = task.claims_a_name()
                    && !(is_first && self.holder(task).is_none())
                {
                    unread = Some(record_kind(kind));
                    text = self.conflict(task, kind);
                }
            }
            CloudError::Stopped => whose = Fault::Away,
            _ => {}
        }
        match whose {
            Fault::Refused => self.breaker.refused(given),
            Fault::Service | Fault::Away => {
                self.breaker.failed(now, given, (&text, patience), chance);
            }
        }
        let failure = Some(text.clone());
        let told = Told {
            name: task.name().to_owned(),
            error: text,
            whose,
            wall,
            unread,
            patience,
            chance,
        };
        self.failures.add(now, task.subject.clone(), told);
        self.settle(now);
        Outcome {
            notes: std::mem::take(&mut self.notes),
            failure,
            ..Outcome::default()
        }
    }
}

/// What is noted of an order that was carried out; `None` for a making that gave no id.
pub(super) fn note(task: &Task, made: Option<CloudId>) -> Option<Note> {
    Some(match (&task.done, &task.order) {
        (Done::Applied(kind, id, was), order) => {
            let here = match order {
                Order::Update { id, .. } => id.clone(),
                _ => made?,
            };
            let was = *was;
            Note::Object(*kind, *id, Some(Applied { here, was }))
        }
        (Done::Step(..) | Done::Empty(..), _) => return None,
        (Done::Gone(kind, id), _) => Note::Object(*kind, *id, None),
        (Done::Link(id, is_there), _) => Note::Link(id.clone(), is_there.then_some(Tied::Made)),
        (Done::Password(user, set), _) => Note::Password(*user, set.clone()),
        (Done::Limits(id, set), _) => Note::Limits(id.clone(), set.clone()),
    })
}

/// What an order changed; `None` where it made something without an id.
fn changes(of: &Reconciler, task: &Task, made: Option<&CloudId>) -> Option<Vec<Change>> {
    Some(match &task.order {
        Order::Create { object, marker } => {
            let (here, custody) = (made?.clone(), Custody::Common);
            vec![Change::Put(record(
                here,
                custody,
                Some(*marker),
                object.clone(),
            ))]
        }
        Order::Update { id, to, marker, .. } => {
            let traits = of.actual.traits(to.kind(), id);
            let marker = marker.or(traits.marker);
            let changed = record(id.clone(), traits.custody, marker, to.clone());
            vec![Change::Put(changed)]
        }
        // Its links go with it.
        Order::Remove { kind, id } | Order::Purge { kind, id, .. } => {
            let links = of.actual.links_of(*kind, id);
            let links = links.map(|it| Change::Gone(link_record(it.clone()).key()));
            let key = Key {
                kind: record_kind(*kind),
                id: id.clone(),
            };
            links.chain([Change::Gone(key)]).collect()
        }
        Order::Link(link) => vec![Change::Put(link_record(link.clone()))],
        Order::Unlink(link) => vec![Change::Gone(link_record(link.clone()).key())],
        // No record shows the one, whoever carried the other tells what it became, and a question
        // changes nothing.
        Order::Look { .. } | Order::Password(..) | Order::Quota(_) => Vec::new(),
    })
}
