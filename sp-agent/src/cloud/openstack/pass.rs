//! What every pass over a part has in common: where its pages go, and from when the next one asks.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::model::UnixMillis;
use shared::runtime::clock::Clock;

use crate::cloud::{CloudError, Mark, Page, Pages};

/// How far before its mark a pass for changes begins. The times of changes come from the clocks of
/// many machines of the cloud, and a transaction that was open during the last pass shows an
/// earlier time when it ends; a minute covers NTP's errors and a slow commit, and costs only that
/// some records come again.
const OVERLAP: Duration = Duration::from_secs(60);

/// Hands a page over, unless there is nothing in it.
pub(super) async fn send(pages: &Pages, page: Page) -> Result<(), CloudError> {
    if page == Page::default() {
        return Ok(());
    }
    pages.send(page).await.map_err(|_| CloudError::Stopped)
}

/// Tells whoever waits for pages that the pass goes on, though none is ready.
pub(super) async fn goes_on(pages: &Pages) -> Result<(), CloudError> {
    let none = Page::default();
    pages.send(none).await.map_err(|_| CloudError::Stopped)
}

/// A page that is made of many questions tells no more often than this that it is on its way:
/// seldom enough to be no burden, and often enough that no two long questions lie between.
const PULSE: Duration = Duration::from_secs(10);

/// Signs of life of a pass whose pages are each made of many questions.
#[derive(Debug)]
pub(super) struct Pulse<'a> {
    pages: &'a Pages,
    clock: &'a Clock,
    last: Mutex<Instant>,
}

impl<'a> Pulse<'a> {
    pub(super) fn new(clock: &'a Clock, pages: &'a Pages) -> Self {
        let last = Mutex::new(clock.now());
        Self { pages, clock, last }
    }

    /// A question was answered, or given up.
    pub(super) async fn beat(&self) -> Result<(), CloudError> {
        let now = self.clock.now();
        {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if now.saturating_duration_since(*last) < PULSE {
                return Ok(());
            }
            *last = now;
        }
        goes_on(self.pages).await
    }
}

/// From when a pass for changes asks: ISO 8601, UTC, without a zone.
pub(super) fn since(mark: Mark) -> String {
    let UnixMillis(millis) = mark.0;
    let overlap = u64::try_from(OVERLAP.as_millis()).unwrap_or(u64::MAX);
    let millis = i64::try_from(millis.saturating_sub(overlap)).unwrap_or(i64::MAX);
    // Beyond the year 9999 there is nothing to ask for.
    let timestamp = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    timestamp.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pass_for_changes_begins_a_minute_before_its_mark() {
        let mark = Mark(UnixMillis(1_795_280_641_864));
        assert_eq!(since(mark), "2026-11-21T17:03:01");
        assert_eq!(since(Mark(UnixMillis(5))), "1970-01-01T00:00:00");
    }

    proptest! {
        #[test]
        fn any_mark_gives_a_time(millis: u64) {
            prop_assert_eq!(since(Mark(UnixMillis(millis))).len(), 19);
        }
    }
}
