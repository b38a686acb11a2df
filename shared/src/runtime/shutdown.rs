//! The stages in which a daemon stops, as its tasks see them.
//!
//! `Accepting → Draining → Closed`, never back. Any task may begin the draining; only the daemon
//! decides that it is over.

use tokio_util::sync::CancellationToken;

/// How far the stop has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Everyday work.
    Accepting,
    /// Nothing new is taken in; what has begun is finished.
    Draining,
    /// Nobody writes any more: the stores make durable what they hold, and end.
    Closed,
}

/// A handle on the stop; cheap to clone. It lives in every task.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    draining: CancellationToken,
    closed: CancellationToken,
}

impl Shutdown {
    /// A daemon that is not stopping.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The present stage.
    #[must_use]
    pub fn stage(&self) -> Stage {
        if self.closed.is_cancelled() {
            Stage::Closed
        } else if self.draining.is_cancelled() {
            Stage::Draining
        } else {
            Stage::Accepting
        }
    }

    /// Asks the daemon to stop. Asking again changes nothing.
    pub fn begin(&self) {
        self.draining.cancel();
    }

    /// Returns when the draining has begun. For whoever takes work in: stop taking, finish, return.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// Returns when the stores may close. For stores: commit, close, return.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Runs `future` until it is done or the draining begins, whichever is first; then it is
    /// dropped, and the result is `None`.
    pub async fn until_draining<F: Future>(&self, future: F) -> Option<F::Output> {
        self.draining.run_until_cancelled(future).await
    }

    /// Returns when `stage` is reached.
    pub async fn reached(&self, stage: Stage) {
        match stage {
            Stage::Accepting => {}
            Stage::Draining => self.draining().await,
            Stage::Closed => self.closed().await,
        }
    }

    /// Everything that writes has ended.
    pub(super) fn close(&self) {
        self.draining.cancel();
        self.closed.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_stages_only_rise() {
        let shutdown = Shutdown::new();
        let seen_by_task = shutdown.clone();
        assert_eq!(seen_by_task.stage(), Stage::Accepting);
        assert_eq!(seen_by_task.until_draining(async { 5 }).await, Some(5));
        shutdown.begin();
        assert_eq!(seen_by_task.stage(), Stage::Draining);
        assert_eq!(
            seen_by_task
                .until_draining(std::future::pending::<()>())
                .await,
            None
        );
        shutdown.close();
        shutdown.begin();
        assert_eq!(seen_by_task.stage(), Stage::Closed);
        seen_by_task.reached(Stage::Closed).await;
    }
}
