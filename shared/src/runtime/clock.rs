//! The only place that asks what time it is.
//!
//! Everything else is given a time, or a [`Clock`]. Deadlines use the monotonic clock, which no
//! operator and no NTP step can move; the wall clock is for people and for certificates. Under
//! Tokio's paused time, the monotonic clock is the paused one, so that tests of drivers need no
//! clock of their own.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the place where the ban sends everyone else"
)]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::model::UnixMillis;

/// A handle on the time; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual(watch::Receiver<Moment>),
}

#[derive(Clone, Copy, Debug)]
struct Moment {
    now: Instant,
    wall: UnixMillis,
}

impl Clock {
    /// The machine's clocks.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still until its [`ManualClock`] moves it.
    #[must_use]
    pub fn manual(wall: UnixMillis) -> (Self, ManualClock) {
        let (moment, source) = watch::channel(Moment {
            now: Instant::now(),
            wall,
        });
        (
            Self {
                source: Source::Manual(source),
            },
            ManualClock { moment },
        )
    }

    /// Monotonic time, for deadlines and durations.
    #[must_use]
    pub fn now(&self) -> Instant {
        match &self.source {
            Source::System => tokio::time::Instant::now().into_std(),
            Source::Manual(moment) => moment.borrow().now,
        }
    }

    /// Wall-clock time. A clock set before 1970 reads as 1970.
    #[must_use]
    pub fn unix_millis(&self) -> UnixMillis {
        match &self.source {
            Source::System => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
            }
            Source::Manual(moment) => moment.borrow().wall,
        }
    }

    /// Returns when [`now`](Self::now) has reached `deadline`; at once when it has passed.
    pub async fn sleep_until(&self, deadline: Instant) {
        match &self.source {
            Source::System => tokio::time::sleep_until(deadline.into()).await,
            Source::Manual(moment) => {
                if moment
                    .clone()
                    .wait_for(|moment| moment.now >= deadline)
                    .await
                    .is_err()
                {
                    // Its owner is gone, so this clock stands still for ever.
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Returns after `wait`, counted from this call and not from the first poll; never, when the
    /// monotonic clock cannot express its end.
    pub fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send + use<'_> {
        let deadline = self.now().checked_add(wait);
        async move {
            match deadline {
                Some(deadline) => self.sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        }
    }
}

/// Moves a clock made by [`Clock::manual`].
#[derive(Debug)]
pub struct ManualClock {
    moment: watch::Sender<Moment>,
}

impl ManualClock {
    /// Lets `step` pass on both clocks, and wakes the sleepers whose time has come.
    pub fn advance(&self, step: Duration) {
        self.moment.send_modify(|moment| {
            moment.now = moment.now.checked_add(step).unwrap_or(moment.now);
            moment.wall = moment.wall.plus(step);
        });
    }

    /// Sets the wall clock alone, as an operator or NTP does, in either direction.
    pub fn set_wall(&self, wall: UnixMillis) {
        self.moment.send_modify(|moment| moment.wall = wall);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_system_clock_follows_paused_time() {
        let clock = Clock::system();
        let before = clock.now();
        clock.sleep_until(before + Duration::from_secs(3600)).await;
        assert_eq!(clock.now() - before, Duration::from_secs(3600));
        assert!(
            clock.unix_millis() > UnixMillis(1_700_000_000_000),
            "the wall clock is real"
        );
        clock.sleep_until(before).await;
    }

    #[tokio::test]
    async fn a_manual_clock_moves_only_by_hand() {
        let (clock, hand) = Clock::manual(UnixMillis(1000));
        let start = clock.now();
        let sleeper = clock.sleep(Duration::from_secs(2));
        tokio::pin!(sleeper);
        for expected in [false, true] {
            hand.advance(Duration::from_secs(1));
            let woken = futures_util::poll!(&mut sleeper).is_ready();
            assert_eq!(woken, expected);
        }
        hand.set_wall(UnixMillis(5));
        assert_eq!(clock.unix_millis(), UnixMillis(5));
        assert_eq!(
            clock.now() - start,
            Duration::from_secs(2),
            "the wall does not move deadlines"
        );
    }
}
