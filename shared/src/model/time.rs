//! Wall-clock time as a value.

use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// For showing and for storing; deadlines use a monotonic clock, because this one jumps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// The last moment that a record may tell, 9999-12-30T22:00:00Z: a calendar with four-digit
    /// years can write it in every zone. It is a whole second, so that it is kept by what counts in
    /// seconds.
    pub const LATEST: Self = Self(253_402_207_200_000);

    /// From whole seconds, as most clouds tell time.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// How long after `earlier` this is; zero when the clock went backwards.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// This moment and `duration` more, at most the end of time.
    pub const fn plus(self, duration: Duration) -> Self {
        let millis = duration.as_millis();
        let millis = if millis > u64::MAX as u128 {
            u64::MAX
        } else {
            millis as u64
        };
        Self(self.0.saturating_add(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_back_gives_no_negative_age() {
        assert_eq!(UnixMillis(5).since(UnixMillis(9)), Duration::ZERO);
        assert_eq!(UnixMillis(9).since(UnixMillis(5)), Duration::from_millis(4));
        assert_eq!(
            UnixMillis(u64::MAX).plus(Duration::from_secs(1)),
            UnixMillis(u64::MAX)
        );
    }
}
