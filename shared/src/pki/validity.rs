//! When a certificate counts, and when to get the next one. Pure: time and jitter are arguments.

use std::time::Duration;

/// How far a certificate's beginning is put back, in seconds.
///
/// Sites without a good time source drift by minutes between visits; five of them is what Kerberos
/// clouds already live with. A certificate that a peer holds to be not valid yet would be refused.
pub const CLOCK_SKEW_SECS: u64 = 300;

/// The share of a certificate's half-life by which renewals are spread to either side.
///
/// With 24 h it spreads a fleet that joined in one minute over 2.4 h at its first renewal.
const RENEWAL_SPREAD: f64 = 0.1;

/// A span of time in which a certificate counts, in seconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Validity {
    /// The first second in which it counts.
    pub not_before: u64,
    /// The last second in which it counts (RFC 5280 §4.1.2.5: inclusive).
    pub not_after: u64,
}

impl Validity {
    /// From `now` for `lifetime`, saturating at the end of time.
    pub const fn starting(now_secs: u64, lifetime: Duration) -> Self {
        Self {
            not_before: now_secs,
            not_after: now_secs.saturating_add(lifetime.as_secs()),
        }
    }

    /// Whether it counts at `now`.
    pub const fn contains(&self, now_secs: u64) -> bool {
        self.not_before <= now_secs && now_secs <= self.not_after
    }

    /// Whether it is over at `now`.
    pub const fn is_over(&self, now_secs: u64) -> bool {
        self.not_after < now_secs
    }

    /// When to renew a certificate with this validity; see [`renew_at`].
    pub fn renew_at(&self, jitter: f64) -> u64 {
        renew_at(self.not_before, self.not_after, jitter)
    }
}

/// When to renew a certificate of this federation's CA, in seconds since 1970.
///
/// The middle of its life, moved by up to a tenth of the half: between 45 % and 55 %. The life
/// begins when it was issued, so the [backdating](CLOCK_SKEW_SECS) is taken off first; otherwise a
/// certificate of a few minutes would be due at its birth, and renewed in a tight circle.
///
/// `jitter` is the caller's draw, 0 to 1; what lies outside counts as the nearer end, and what is
/// no number as the middle. The result is never before `not_before`, and never after `not_after`
/// unless that lies before `not_before`: then it is `not_before`, which is to say now.
pub fn renew_at(not_before: u64, not_after: u64, jitter: f64) -> u64 {
    let issued = not_before.saturating_add(CLOCK_SKEW_SECS);
    let start = if issued < not_after {
        issued
    } else {
        not_before
    };
    let half = not_after.saturating_sub(start) / 2;
    let jitter = if jitter.is_nan() {
        0.5
    } else {
        jitter.clamp(0.0, 1.0)
    };
    let factor = 1.0 - RENEWAL_SPREAD + 2.0 * RENEWAL_SPREAD * jitter;
    // Casts from f64 saturate; the loss of precision beyond 2^53 seconds harms nobody.
    let wait = (half as f64 * factor) as u64;
    start.saturating_add(wait)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 24 * 3600;

    #[test]
    fn a_day_is_renewed_around_its_middle() {
        let issued = 1_800_000_000;
        let at = |jitter| renew_at(issued - CLOCK_SKEW_SECS, issued + DAY, jitter) - issued;
        assert_eq!(at(0.0), DAY * 45 / 100);
        assert_eq!(at(0.5), DAY / 2);
        assert_eq!(at(1.0), DAY * 55 / 100);
        assert_eq!(at(f64::NAN), at(0.5));
        assert_eq!(at(-7.0), at(0.0));
        assert_eq!(at(f64::INFINITY), at(1.0));
    }

    #[test]
    fn a_minute_is_not_due_at_its_birth() {
        let issued = 1_800_000_000;
        assert_eq!(
            renew_at(issued - CLOCK_SKEW_SECS, issued + 60, 0.5),
            issued + 30
        );
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_due_at_once() {
        assert_eq!(renew_at(1000, 10, 0.3), 1000);
        assert!(
            !Validity {
                not_before: 1000,
                not_after: 10
            }
            .contains(500)
        );
    }

    #[test]
    fn both_ends_of_a_validity_count() {
        let validity = Validity::starting(100, Duration::from_secs(50));
        let counts = [99, 100, 150, 151].map(|now| validity.contains(now));
        assert_eq!(counts, [false, true, true, false]);
        assert!(validity.is_over(151) && !validity.is_over(150) && !validity.is_over(0));
        let endless = Validity::starting(u64::MAX, Duration::from_secs(50));
        assert_eq!(endless.not_after, u64::MAX);
    }

    proptest! {
        #[test]
        fn any_clock_gives_a_time_within_the_span(nb: u64, na: u64, jitter: f64) {
            let at = renew_at(nb, na, jitter);
            prop_assert!(at >= nb);
            // One part in 2^52 is what the arithmetic in f64 may be off by.
            prop_assert!(at <= nb.max(na));
        }
    }
}
