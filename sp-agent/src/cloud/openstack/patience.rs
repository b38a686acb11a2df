//! Whether a request is tried again, and when. Pure: the caller brings the chance and waits.

use std::time::Duration;

use shared::backoff::Backoff;

/// How patient the client is with a service.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    /// How often one request is sent, the first time included.
    pub(super) tries_max: u32,
    /// Waits begin below this, and double.
    pub(super) base: Duration,
    /// No wait of the client's own choice is longer.
    pub(super) ceiling: Duration,
    /// The longest `Retry-After` that is waited; whoever asks for more is asked by the next pass.
    pub(super) retry_after_max: Duration,
    /// Whether a question that was not answered in time is asked again as it is.
    pub(super) again_when_slow: bool,
    /// Whether a request that may have been carried out, and whose good answer did not come, is
    /// sent again. That is for reads.
    pub(super) again_when_lost: bool,
}

impl Default for Patience {
    /// Four tries spread over some seconds outlast a worker's restart and a database's failover; a
    /// longer trouble is the next pass's business, so that the operator hears of it soon.
    fn default() -> Self {
        Self {
            tries_max: 4,
            base: Duration::from_millis(500),
            ceiling: Duration::from_secs(8),
            retry_after_max: Duration::from_secs(60),
            again_when_slow: true,
            again_when_lost: true,
        }
    }
}

impl Patience {
    /// For a question that must be answered soon or not at all: a connection that was just closed
    /// under it, or one locked table, is no ill health; the same twice is.
    pub(super) fn brief() -> Self {
        Self {
            tries_max: 2,
            base: Duration::from_millis(200),
            ceiling: Duration::from_millis(200),
            retry_after_max: Duration::ZERO,
            again_when_slow: true,
            again_when_lost: true,
        }
    }

    /// The longest that one question takes whose tries may each last for `request_timeout`.
    pub(super) fn longest(&self, request_timeout: Duration) -> Duration {
        let wait_max = self.retry_after_max.saturating_add(self.ceiling);
        let tries = request_timeout.saturating_mul(self.tries_max);
        tries.saturating_add(wait_max.saturating_mul(self.tries_max.saturating_sub(1)))
    }

    /// For a page of a list: it would be as slow again, and burden a service that is behind; a
    /// smaller one may not be.
    pub(super) fn for_a_page(&self) -> Self {
        Self {
            again_when_slow: false,
            ..self.clone()
        }
    }

    /// For a change: sent again only where it was surely not carried out, because whoever ordered
    /// it must look first, and may decide otherwise then. Who asks to wait is not waited for here:
    /// whoever orders must know, so that he gives nothing else meanwhile.
    pub(super) fn for_a_change(&self) -> Self {
        Self {
            retry_after_max: Duration::ZERO,
            again_when_slow: false,
            again_when_lost: false,
            ..self.clone()
        }
    }
}

/// What came of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Not even a connection: refused, no route. Nobody was asked.
    Unsent,
    /// Nothing: the connection broke.
    NoAnswer,
    /// Nothing in time, by our clock or by that of a proxy before the service.
    Slow,
    /// Something that would come again.
    Final,
    /// An answer that is an error.
    Refusal {
        /// HTTP status code.
        status: u16,
        /// How long the service asked to wait.
        retry_after: Option<Duration>,
    },
}

/// The tries of one request.
#[derive(Debug)]
pub(super) struct Tries {
    patience: Patience,
    backoff: Backoff,
}

impl Tries {
    pub(super) fn new(patience: &Patience) -> Self {
        Self {
            backoff: Backoff::new(patience.base, patience.ceiling),
            patience: patience.clone(),
        }
    }

    /// How long to wait before the next try; `None` if there is none.
    /// `chance` is uniform over all of `u64`.
    pub(super) fn next(&mut self, outcome: Outcome, chance: u64) -> Option<Duration> {
        let jitter = self.backoff.next(chance);
        if self.backoff.attempts() >= self.patience.tries_max {
            return None;
        }
        match outcome {
            Outcome::Refusal {
                status: 413 | 429 | 503,
                retry_after: Some(asked),
            } => (asked <= self.patience.retry_after_max).then(|| asked.saturating_add(jitter)),
            Outcome::Slow => self.patience.again_when_slow.then_some(jitter),
            Outcome::Unsent
            | Outcome::Refusal {
                status: 429 | 503, ..
            } => Some(jitter),
            Outcome::NoAnswer
            | Outcome::Refusal {
                status: 500 | 502, ..
            } => self.patience.again_when_lost.then_some(jitter),
            Outcome::Final | Outcome::Refusal { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIKELY: u64 = u64::MAX / 2;

    fn refusal(status: u16, retry_after_s: Option<u64>) -> Outcome {
        Outcome::Refusal {
            status,
            retry_after: retry_after_s.map(Duration::from_secs),
        }
    }

    #[test]
    fn passing_troubles_are_tried_again_and_others_are_not() {
        for (outcome, again) in [
            (Outcome::Unsent, true),
            (Outcome::NoAnswer, true),
            (refusal(500, None), true),
            (refusal(502, None), true),
            (refusal(503, None), true),
            (Outcome::Slow, true),
            (refusal(429, None), true),
            (refusal(413, Some(1)), true),
            (refusal(413, None), false),
            (refusal(503, Some(61)), false),
            (refusal(400, None), false),
            (refusal(401, None), false),
            (refusal(404, Some(1)), false),
            (refusal(501, None), false),
            (Outcome::Final, false),
        ] {
            let mut tries = Tries::new(&Patience::default());
            assert_eq!(tries.next(outcome, LIKELY).is_some(), again, "{outcome:?}");
        }
    }

    #[test]
    fn a_wish_to_wait_is_granted_in_full() {
        let mut tries = Tries::new(&Patience::default());
        let wait = tries.next(refusal(429, Some(7)), 0).unwrap();
        assert_eq!(wait, Duration::from_secs(7));
    }

    #[test]
    fn a_health_question_is_asked_twice_and_not_put_off() {
        let mut tries = Tries::new(&Patience::brief());
        assert!(tries.next(Outcome::NoAnswer, LIKELY).is_some());
        assert_eq!(tries.next(Outcome::NoAnswer, LIKELY), None);
        let mut tries = Tries::new(&Patience::brief());
        assert_eq!(tries.next(refusal(503, Some(1)), LIKELY), None);
    }

    #[test]
    fn a_slow_page_is_not_asked_for_again_as_it_is() {
        let patience = Patience::default().for_a_page();
        let mut tries = Tries::new(&patience);
        assert!(tries.next(Outcome::NoAnswer, LIKELY).is_some());
        assert_eq!(tries.next(Outcome::Slow, LIKELY), None);
    }

    #[test]
    fn a_change_is_sent_again_only_where_it_was_surely_not_carried_out() {
        for (outcome, again) in [
            (Outcome::Unsent, true),
            (refusal(429, None), true),
            (refusal(503, None), true),
            (refusal(429, Some(0)), true),
            (refusal(503, Some(1)), false),
            (refusal(429, Some(50)), false),
            (Outcome::NoAnswer, false),
            (Outcome::Slow, false),
            (refusal(500, None), false),
            (refusal(502, None), false),
            (refusal(409, None), false),
        ] {
            let mut tries = Tries::new(&Patience::default().for_a_change());
            assert_eq!(tries.next(outcome, LIKELY).is_some(), again, "{outcome:?}");
        }
    }

    #[test]
    fn the_longest_question_is_four_tries_and_the_waits_between() {
        let longest = Patience::default().longest(Duration::from_secs(30));
        assert_eq!(longest, Duration::from_secs(4 * 30 + 3 * (60 + 8)));
        let longest = Patience::brief().longest(Duration::from_secs(30));
        assert_eq!(longest, Duration::from_millis(2 * 30_000 + 200));
        assert_eq!(Patience::default().longest(Duration::MAX), Duration::MAX);
    }

    proptest! {
        #[test]
        fn tries_and_waits_are_bounded(
            outcomes in prop::collection::vec(
                prop_oneof![
                    Just(Outcome::NoAnswer),
                    Just(Outcome::Slow),
                    (any::<u16>(), any::<Option<u64>>()).prop_map(|(s, r)| refusal(s, r)),
                    Just(refusal(503, Some(60))),
                ],
                0..10,
            ),
            chance: u64,
        ) {
            let patience = Patience::default();
            let mut tries = Tries::new(&patience);
            let waits: Vec<Duration> =
                outcomes.into_iter().map_while(|it| tries.next(it, chance)).collect();
            prop_assert!(waits.len() < patience.tries_max as usize);
            let wait_max = patience.retry_after_max + patience.ceiling;
            prop_assert!(waits.iter().all(|wait| *wait <= wait_max));
        }
    }
}
