//! The stop: workers first, stores last, each with its time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Tasks;
use super::layer::Layer;

/// How long an aborted task gets to be dropped. It needs one poll; if a thread is stuck in it,
/// waiting does not help.
const ABORT_TIME: Duration = Duration::from_millis(500);

/// How long each stage of the stop may take. Together they stay well below systemd's
/// `TimeoutStopSec` (90 s).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopTimes {
    /// For workers to finish what they have begun.
    pub drain: Duration,
    /// For stores to make durable what they hold.
    pub close: Duration,
}

impl Default for StopTimes {
    fn default() -> Self {
        Self {
            drain: Duration::from_secs(10),
            close: Duration::from_secs(20),
        }
    }
}

/// How the stop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every task ended by itself.
    Clean,
    /// Some had to be aborted, for want of time or of patience.
    Aborted,
}

impl Tasks {
    /// Stops all tasks in stages, and returns when none is left, after at most both times and a
    /// second. `at_once`, when cancelled, takes away the time that is left: whoever asked has lost
    /// patience, and what was acknowledged is durable anyway.
    pub async fn stop(&self, times: StopTimes, at_once: &CancellationToken) -> Stopped {
        let inner = &self.inner;
        inner.shutdown.begin();
        let workers = finish(&inner.workers, "workers", times.drain, at_once).await;
        inner.shutdown.close();
        let stores = finish(&inner.stores, "stores", times.close, at_once).await;
        if workers && stores {
            Stopped::Clean
        } else {
            Stopped::Aborted
        }
    }
}

/// Whether the layer emptied by itself.
async fn finish(layer: &Layer, name: &str, time: Duration, at_once: &CancellationToken) -> bool {
    let emptied = tokio::time::timeout(time, layer.emptied());
    if let Some(Ok(())) = at_once.run_until_cancelled(emptied).await {
        return true;
    }
    let (tasks, count) = layer.abort();
    if count == 0 {
        return true;
    }
    tracing::warn!(
        count,
        tasks = tasks.join(", "),
        "aborting {name} that did not end in time"
    );
    if tokio::time::timeout(ABORT_TIME, layer.emptied())
        .await
        .is_err()
    {
        tracing::error!("some {name} do not even stop when aborted: a thread is stuck");
    }
    false
}
