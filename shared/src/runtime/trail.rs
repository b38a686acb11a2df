//! Tells the log how far an audit trail is, so that a tail that is cut off is missed elsewhere.

use std::error::Error;
use std::time::Duration;

use super::clock::Clock;
use super::errors::chain;
use super::shutdown::Shutdown;
use crate::audit::Head;

/// How often. Journals are mostly shipped off the machine, and kept for weeks.
const TOLD_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Tells the newest entry, which `read` reads, now and each day until the daemon stops. What can't
/// be read is told as an error, and tried again the next day.
pub async fn tell_head<E, F>(mut read: impl FnMut() -> F, clock: Clock, shutdown: Shutdown)
where
    E: Error + 'static,
    F: Future<Output = Result<Head, E>>,
{
    loop {
        match read().await {
            Ok(Head { number, link }) => tracing::info!(
                target: "audit", action = "head", number, %link,
                "the newest entry of the audit trail"
            ),
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::error!(error, "the audit trail can't be read");
            }
        }
        let slept = shutdown.until_draining(clock.sleep(TOLD_EVERY)).await;
        if slept.is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_told_at_once_and_each_day_whatever_went_wrong_and_ends_with_the_daemon() {
        let (mut asked, shutdown) = (0, Shutdown::new());
        let ends = shutdown.clone();
        let read = || {
            asked += 1;
            if asked == 3 {
                ends.begin();
            }
            std::future::ready(match asked {
                1 => Err(io::Error::other("the disk is gone")),
                _ => Ok(Head::BEGIN),
            })
        };
        let clock = Clock::system();
        let began = clock.now();
        tell_head(read, clock.clone(), shutdown).await;
        assert_eq!((asked, clock.now() - began), (3, 2 * TOLD_EVERY));
    }
}
