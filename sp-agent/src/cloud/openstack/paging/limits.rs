//! How much a page of each list holds where the usual was too much lately.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For so long the next passes begin with what the last one had to come down to. Then the usual is
/// tried again: what was too much may have been a slow hour's.
const HELD: Duration = Duration::from_secs(3600);

/// The limits of the lists that were too heavy lately, by what the list is called: at most one for
/// each list that the client reads.
#[derive(Debug, Default)]
pub(in crate::cloud::openstack) struct Limits(Mutex<BTreeMap<String, Limit>>);

#[derive(Debug, Clone, Copy)]
struct Limit {
    records: u32,
    until: Option<Instant>,
}

impl Limits {
    /// How much a page of a list is to hold, if the usual was too much within the last hour.
    pub(super) fn of(&self, list: &str, now: Instant) -> Option<u32> {
        let limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = limits.get(list)?;
        limit
            .until
            .is_some_and(|until| now < until)
            .then_some(limit.records)
    }

    /// A page of a list was too much, and is asked to hold so much instead.
    pub(super) fn keep(&self, list: String, records: u32, now: Instant) {
        let until = now.checked_add(HELD);
        let mut limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        limits.retain(|_, it| it.until.is_some_and(|until| now < until));
        limits.insert(list, Limit { records, until });
    }
}

#[cfg(test)]
mod tests {
    use shared::runtime::clock::Clock;

    use super::*;

    #[test]
    fn what_was_too_much_is_held_for_an_hour_for_that_list_alone() {
        let (limits, now) = (Limits::default(), Clock::system().now());
        limits.keep("GET /a".to_owned(), 500, now);
        limits.keep("GET /a".to_owned(), 250, now);
        let hour = Duration::from_secs(3600);
        assert_eq!(limits.of("GET /a", now), Some(250));
        assert_eq!(
            limits.of("GET /a", now + hour - Duration::from_millis(1)),
            Some(250)
        );
        assert_eq!(limits.of("GET /a", now + hour), None);
        assert_eq!(limits.of("GET /b", now), None);
    }
}
