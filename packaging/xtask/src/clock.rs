//! The only clock of xtask.

use std::time::Instant;

/// The current monotonic time.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
