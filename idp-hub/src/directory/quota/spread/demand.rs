//! How the use of a resource goes in a region.

use std::time::Duration;

use shared::model::UnixMillis;

/// Growth counts half after this long: an hour later it is a quarter, and a day later nothing.
pub const HALF_LIFE: Duration = Duration::from_secs(30 * 60);

/// Use as it was, forgotten by halves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Demand {
    /// What use comes from: at most the use, and nearer to it with each [`HALF_LIFE`].
    pub past: u64,
    /// As of when, by the hub's clock; `None` where use did not grow lately.
    pub since: Option<UnixMillis>,
}

impl Demand {
    /// Of a region that was not looked at before: what it uses did not grow lately.
    pub const fn new(need: u64) -> Self {
        Self {
            past: need,
            since: None,
        }
    }

    /// As of now, with what is used now. A clock that went back stands still. Where nothing is
    /// forgotten and use is the same, it is the same.
    #[must_use]
    pub fn seen(self, need: u64, now: UnixMillis) -> Self {
        let Some(grown) = need.checked_sub(self.past).filter(|it| *it > 0) else {
            return Self::new(need);
        };
        let Some(since) = self.since else {
            return Self {
                past: self.past,
                since: Some(now),
            };
        };
        let half = HALF_LIFE.as_millis() as u64;
        let halves = now.0.saturating_sub(since.0) / half;
        let left = u32::try_from(halves)
            .ok()
            .and_then(|it| grown.checked_shr(it));
        match left.unwrap_or(0) {
            0 => Self::new(need),
            left => Self {
                past: need - left,
                since: Some(UnixMillis(
                    since.0.saturating_add(halves.saturating_mul(half)),
                )),
            },
        }
    }

    /// How much of what is used came lately.
    pub const fn growth(self, need: u64) -> u64 {
        need.saturating_sub(self.past)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: u64 = HALF_LIFE.as_millis() as u64;

    #[test]
    fn growth_is_forgotten_by_halves() {
        let mut demand = Demand::new(10).seen(50, UnixMillis(7));
        assert_eq!(demand.growth(50), 40);
        demand = demand.seen(50, UnixMillis(HALF + 6));
        assert_eq!(demand.growth(50), 40);
        // Looking often changes nothing.
        for at in HALF + 7..HALF + 50 {
            demand = demand.seen(50, UnixMillis(at));
        }
        assert_eq!(demand.growth(50), 20);
        assert_eq!(
            demand.seen(50, UnixMillis(0)),
            demand,
            "the clock went back"
        );
        demand = demand.seen(50, UnixMillis(100 * HALF));
        assert_eq!(demand, Demand::new(50));
        assert_eq!(demand.seen(40, UnixMillis(100 * HALF)), Demand::new(40));
    }

    #[test]
    fn what_comes_and_goes_adds_up_to_no_more_than_is_used() {
        let mut demand = Demand::default();
        for turn in 0..100 {
            let need = if turn % 2 == 0 { 30 } else { 20 };
            demand = demand.seen(need, UnixMillis(turn));
            assert!(demand.growth(need) <= need);
        }
        let far = demand
            .seen(u64::MAX, UnixMillis(0))
            .seen(u64::MAX, UnixMillis(u64::MAX));
        assert_eq!(far.growth(u64::MAX), 0);
    }
}
