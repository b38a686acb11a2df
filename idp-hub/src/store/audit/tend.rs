//! Tells the log how far the trail is, so that a tail that is cut off is missed elsewhere.

use std::time::Duration;

use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use crate::store::Store;

/// How often. Journals are mostly shipped off the machine, and kept for weeks.
const TOLD_EVERY: Duration = Duration::from_secs(24 * 3600);

impl Store {
    /// Tells the log the newest entry of the audit trail, now and each day, until the hub stops.
    pub async fn tell_audit(self, clock: Clock, shutdown: Shutdown) {
        loop {
            match self.read(|it| it.audit_head()).await {
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
                return;
            }
        }
    }
}
