//! The store's housekeeping of samples: a little at a time, between the feeds' commits.

use std::time::Duration;

use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use crate::store::{RegionNo, Store, StoreError};

/// Windows averaged in one transaction: some 10 ms of the writer's time.
const WINDOWS_MAX: u32 = 256;

/// Rows removed in one transaction: likewise.
const ROWS_MAX: usize = 4096;

/// How often closed windows are looked for.
const AVERAGE_EVERY: Duration = Duration::from_secs(20);

/// How often expired rows are looked for: in so long 10,000 regions bring 100,000.
const EXPIRE_EVERY: Duration = Duration::from_secs(600);

impl Store {
    /// Computes means and removes what has expired, until the hub stops. A task of its own.
    ///
    /// It waits first: a hub that starts has its fleet to take back, and the writer no time to
    /// spare. A failure is logged and tried again: the marks of what is left to do are in the
    /// database.
    pub async fn tend_samples(self, clock: Clock, shutdown: Shutdown) {
        let mut expired_at = None;
        while shutdown
            .until_draining(clock.sleep(AVERAGE_EVERY))
            .await
            .is_some()
        {
            let now = clock.now();
            let work = async {
                self.average_closed().await?;
                let due =
                    expired_at.is_none_or(|at| now.saturating_duration_since(at) >= EXPIRE_EVERY);
                if due {
                    self.expire_samples().await?;
                    expired_at = Some(now);
                }
                Ok::<(), StoreError>(())
            };
            match shutdown.until_draining(work).await {
                None => return,
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    let error = chain(&error);
                    tracing::warn!(%error, "cannot tend the health samples; trying again soon");
                }
            }
        }
    }

    /// Computes the means of all windows that are closed now.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn average_closed(&self) -> Result<(), StoreError> {
        while self.change(|it| it.average(WINDOWS_MAX)).await? == WINDOWS_MAX {}
        Ok(())
    }

    /// Removes every sample and mean that has expired.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn expire_samples(&self) -> Result<(), StoreError> {
        let mut after = Some(RegionNo(0));
        while let Some(no) = after {
            after = self.change(move |it| it.expire(no, ROWS_MAX)).await?;
        }
        Ok(())
    }
}
