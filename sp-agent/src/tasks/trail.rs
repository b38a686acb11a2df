//! Tells the log how far the audit trail is, so that a tail that is cut off is missed elsewhere.

use std::convert::Infallible;
use std::time::Duration;

use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use crate::audit::{Trail, TrailError};

/// How often. Journals are mostly shipped off the machine, and kept for weeks.
const TOLD_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Tells the newest entry now and each day, until the daemon stops.
pub(super) async fn tell(trail: Trail, clock: Clock, shutdown: Shutdown) -> Result<(), Infallible> {
    loop {
        let looked = trail.clone();
        let head = tokio::task::spawn_blocking(move || looked.head()).await;
        match head.unwrap_or(Err(TrailError::Closed)) {
            Ok(head) => {
                let (number, link) = (head.number, head.link);
                tracing::info!(
                    target: "audit", action = "head", number, %link,
                    "the newest entry of the audit trail"
                );
            }
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::error!(error, "the audit trail can't be read");
            }
        }
        if shutdown
            .until_draining(clock.sleep(TOLD_EVERY))
            .await
            .is_none()
        {
            return Ok(());
        }
    }
}
