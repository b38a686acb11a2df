//! Whose trouble it is where one of many questions fails that each go to one department's
//! directory server: that department's, or all of Keystone's.
//!
//! A directory server may be away, or hang, or a proxy may answer in its place, and one may be
//! behind many departments. So Keystone itself is asked meanwhile, for what hangs on none of them:
//! where that is answered, the failure is the department's. What fails may take so long in all, and
//! what is not asked any more then is as unread as what failed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shared::model::CloudId;

use crate::cloud::CloudError;
use crate::cloud::openstack::client::{Client, GivenUp};
use crate::cloud::openstack::rights;
use crate::cloud::openstack::singles::{Singles, is_of_all};

/// A Keystone that answered so lately is well; less where a question may not take that long.
const WELL_FOR: Duration = Duration::from_secs(10);

/// What is asked briefly must be answered within this: a list of a database is.
const BRIEFLY: Duration = Duration::from_secs(5);

/// As long as the failures took no more than this many times what one may take, in each place for
/// a question, the next question may take as long as any; up to twice that it is asked briefly.
const PATIENCE: u32 = 2;

/// So many questions to one department that were not answered in time, without one among them
/// that was: it hangs, and is not asked for more.
const SLOW_MAX: u32 = 3;

/// How a question may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// As any.
    Usual,
    /// It must be answered so soon.
    Brief(Duration),
    /// Not at all.
    None,
}

impl Leave {
    /// The time that each request may take; `None` is the usual.
    pub(super) const fn within(self) -> Option<Duration> {
        match self {
            Self::Brief(within) => Some(within),
            Self::Usual | Self::None => None,
        }
    }
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Answer<T> {
    Good(T),
    /// It failed, by no fault of Keystone's.
    Failed(CloudError),
    /// Others failed for so long that it was not asked.
    NotAsked,
}

impl<T> Answer<T> {
    /// Counts it; `None` where nothing came of it.
    pub(super) fn counted(self, singles: &mut Singles, name: impl FnOnce() -> String) -> Option<T> {
        match self {
            Self::Good(it) => {
                singles.read();
                return Some(it);
            }
            Self::Failed(error) => singles.failed(&error, name),
            Self::NotAsked => singles.pass_over(),
        }
        None
    }
}

/// How the questions of one pass go.
#[derive(Debug)]
pub(super) struct Whose<'a> {
    client: &'a Client,
    /// What is asked for.
    collection: &'static str,
    /// When its first question could be asked.
    began: Instant,
    course: Mutex<Course>,
    /// Held while Keystone is asked how it is, so that it is asked once.
    looking: tokio::sync::Mutex<()>,
}

impl<'a> Whose<'a> {
    /// Keystone was just asked for its departments.
    pub(super) fn new(client: &'a Client, collection: &'static str) -> Self {
        let places = u32::try_from(client.concurrency_max).unwrap_or(u32::MAX);
        let course = Course {
            timeout: client.request_timeout,
            patience: client.request_timeout.saturating_mul(places.max(1)),
            well_at: client.clock().now(),
            spent: Duration::ZERO,
            slow: BTreeMap::new(),
            answered: BTreeMap::new(),
        };
        Self {
            client,
            collection,
            began: client.clock().now(),
            course: Mutex::new(course),
            looking: tokio::sync::Mutex::default(),
        }
    }

    /// For how long nothing but what failed was asked, until now.
    pub(super) fn in_vain(&self) -> Duration {
        let took = self.client.clock().now();
        let took = took.saturating_duration_since(self.began);
        self.course().in_vain(took)
    }

    /// Asks a question to a department, as far as it may be asked.
    ///
    /// # Errors
    /// If others would fail by the same.
    pub(super) async fn ask<T>(
        &self,
        department: &CloudId,
        question: impl AsyncFnOnce(Option<Duration>) -> Result<T, GivenUp>,
    ) -> Result<Answer<T>, CloudError> {
        let leave = self.course().leave(department);
        if leave == Leave::None {
            return Ok(Answer::NotAsked);
        }
        let clock = self.client.clock();
        let began = clock.now();
        match question(leave.within()).await {
            Ok(answer) => {
                self.client.silent.answered(self.collection, department);
                self.course().answered((began, clock.now()), department);
                Ok(Answer::Good(answer))
            }
            // That the account may not ask is no directory server's trouble.
            Err(GivenUp { error, .. })
                if is_of_all(&error) || matches!(error, CloudError::Forbidden { .. }) =>
            {
                Err(error)
            }
            Err(given_up) => {
                let took = clock.now().saturating_duration_since(began);
                self.client.silent.failed(self.collection, department);
                self.course().failed(took, department, &given_up);
                self.look().await?;
                Ok(Answer::Failed(given_up.error))
            }
        }
    }

    /// Sees whether Keystone is well.
    async fn look(&self) -> Result<(), CloudError> {
        let _looking = self.looking.lock().await;
        let clock = self.client.clock();
        if !self.course().is_well(clock.now()) {
            self.client.get_at_once(&rights::of_keystone()).await?;
            self.course().well_at = clock.now();
        }
        Ok(())
    }

    /// Never held while anything is awaited.
    fn course(&self) -> MutexGuard<'_, Course> {
        // Each change of it is a single one, so a panic leaves nothing half done.
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same without the questions. Pure.
#[derive(Debug)]
struct Course {
    /// The longest that a request may take.
    timeout: Duration,
    /// The same for each place there is.
    patience: Duration,
    /// When Keystone answered last.
    well_at: Instant,
    /// For how long questions were asked that failed.
    spent: Duration,
    /// How many questions to each department were not answered in time, the last ones.
    slow: BTreeMap<CloudId, u32>,
    /// From when until when something was asked that was answered, without overlaps: one stretch
    /// as a rule, and at most one more for each time that all that was asked hung.
    answered: BTreeMap<Instant, Instant>,
}

impl Course {
    fn leave(&self, department: &CloudId) -> Leave {
        let is_hanging = self.slow.get(department).is_some_and(|it| *it >= SLOW_MAX);
        let patience = self.patience.saturating_mul(PATIENCE);
        match self.spent {
            _ if is_hanging => Leave::None,
            spent if spent < patience => Leave::Usual,
            spent if spent < patience.saturating_mul(2) => Leave::Brief(BRIEFLY.min(self.timeout)),
            _ => Leave::None,
        }
    }

    fn is_well(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.well_at) < WELL_FOR.min(self.timeout)
    }

    fn answered(&mut self, (began, now): (Instant, Instant), department: &CloudId) {
        self.well_at = self.well_at.max(now);
        self.slow.remove(department);
        let (mut from, mut until) = (began, now);
        while let Some((first, last)) = self.answered.range(..=until).next_back()
            && *last >= from
        {
            let first = *first;
            (from, until) = (from.min(first), until.max(*last));
            self.answered.remove(&first);
        }
        self.answered.insert(from, until);
    }

    /// How much of a pass that took so long went by with what failed alone.
    fn in_vain(&self, took: Duration) -> Duration {
        if self.spent.is_zero() {
            return Duration::ZERO;
        }
        let stretches = self.answered.iter();
        let of_use = stretches.map(|(from, until)| until.saturating_duration_since(*from));
        took.saturating_sub(of_use.sum())
    }

    fn failed(&mut self, took: Duration, department: &CloudId, given_up: &GivenUp) {
        self.spent = self.spent.saturating_add(took);
        if given_up.is_too_much {
            let slow = self.slow.entry(department.clone()).or_default();
            *slow = slow.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow() -> GivenUp {
        GivenUp {
            error: CloudError::Stopped,
            is_too_much: true,
            is_of_keystone: false,
        }
    }

    #[allow(clippy::disallowed_methods, reason = "any instant will do")]
    fn course() -> Course {
        Course {
            timeout: Duration::from_secs(30),
            patience: Duration::from_secs(4 * 30),
            well_at: Instant::now(),
            spent: Duration::ZERO,
            slow: BTreeMap::new(),
            answered: BTreeMap::new(),
        }
    }

    #[test]
    fn what_went_by_while_something_was_answered_was_not_in_vain() {
        let (mut course, d) = (course(), CloudId::new("d"));
        let begun = course.well_at;
        let answered = |course: &mut Course, from, until| {
            let at = |secs| begun + Duration::from_secs(secs);
            course.answered((at(from), at(until)), &d);
        };
        answered(&mut course, 2, 3);
        answered(&mut course, 70, 71);
        let took = Duration::from_secs(100);
        assert_eq!(course.in_vain(took), Duration::ZERO, "nothing failed");
        let slow = slow();
        course.failed(Duration::from_secs(60), &CloudId::new("e"), &slow);
        assert_eq!(course.in_vain(took), Duration::from_secs(98));
        answered(&mut course, 1, 5);
        answered(&mut course, 4, 8);
        answered(&mut course, 60, 80);
        assert_eq!(course.answered.len(), 2, "{:?}", course.answered);
        assert_eq!(course.in_vain(took), Duration::from_secs(100 - 7 - 20));
        answered(&mut course, 0, 100);
        assert_eq!(course.answered.len(), 1);
        assert_eq!(course.in_vain(took), Duration::ZERO);
    }

    #[test]
    fn a_department_that_hangs_is_asked_a_few_times_and_others_go_on() {
        let (mut course, d, e) = (course(), CloudId::new("d"), CloudId::new("e"));
        let second = Duration::from_secs(1);
        for _ in 0..SLOW_MAX {
            assert_eq!(course.leave(&d), Leave::Usual);
            course.failed(second, &d, &slow());
        }
        assert_eq!(
            (course.leave(&d), course.leave(&e)),
            (Leave::None, Leave::Usual)
        );
        let now = course.well_at;
        course.answered((now, now), &d);
        assert_eq!(course.leave(&d), Leave::Usual, "it was late");
        for _ in 0..20 {
            course.failed(second, &d, &GivenUp::from(CloudError::Unmanaged));
        }
        assert_eq!(
            course.leave(&d),
            Leave::Usual,
            "it answers, if only by errors"
        );
    }

    #[test]
    fn however_many_hang_the_pass_comes_to_its_end() {
        let mut course = course();
        let (mut spent, mut asked) = (Duration::ZERO, 0);
        for number in 0..1000 {
            let department = CloudId::new(&format!("d{number}"));
            let took = match course.leave(&department) {
                Leave::Usual => Duration::from_secs(30),
                Leave::Brief(within) => within,
                Leave::None => break,
            };
            course.failed(took, &department, &slow());
            (spent, asked) = (spent + took, asked + 1);
        }
        assert_eq!((spent, asked), (Duration::from_secs(480), 8 + 48));
    }

    #[test]
    fn a_keystone_that_answered_lately_is_not_asked_how_it_is() {
        let mut course = course();
        let begun = course.well_at;
        assert!(course.is_well(begun + WELL_FOR - Duration::from_millis(1)));
        assert!(!course.is_well(begun + WELL_FOR));
        course.answered((begun, begun + WELL_FOR), &CloudId::new("d"));
        assert!(course.is_well(begun + WELL_FOR));
    }
}
