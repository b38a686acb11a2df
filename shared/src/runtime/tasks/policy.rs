//! What a task is called, when it stops, and what its end means.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use crate::runtime::shutdown::Stage;

/// A task's name and its place in the stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    name: &'static str,
    label: Option<Arc<str>>,
    stops_at: Stage,
}

impl Task {
    /// A worker: it stops when the draining begins.
    #[must_use]
    pub fn worker(name: &'static str) -> Self {
        Self {
            name,
            label: None,
            stops_at: Stage::Draining,
        }
    }

    /// A store: it goes on until all workers have ended, and stops when they have.
    #[must_use]
    pub fn store(name: &'static str) -> Self {
        Self {
            name,
            label: None,
            stops_at: Stage::Closed,
        }
    }

    /// Tells tasks of one name apart, for example by region.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The name without the label.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn stops_at(&self) -> Stage {
        self.stops_at
    }

    /// Around everything that the task does, so that each of its log lines says whose it is. Of the
    /// error level, since a span below the filter would take its fields with it.
    pub(super) fn span(&self) -> Span {
        tracing::error_span!("task", task = self.name, label = self.label.as_deref())
    }
}

/// `name` or `name(label)`.
impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            Some(label) => write!(f, "{}({label})", self.name),
            None => f.write_str(self.name),
        }
    }
}

/// What the end of a task that runs once means, when it was not asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExit {
    /// The daemon can do nothing without it: it stops in stages, and exits with a failure.
    StopDaemon,
    /// Its work was its own.
    Ignore,
}

/// How a task is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The first wait is below this; it doubles with each failure.
    pub base: Duration,
    /// No wait is longer.
    pub ceiling: Duration,
}

impl Restart {
    /// A task that has run for this long is well again, and its next failure is its first.
    pub(super) fn settled(&self) -> Duration {
        self.ceiling.saturating_mul(2)
    }
}

/// Soon enough that nobody misses the task, and a minute at most, so that a task which always fails
/// costs a log line a minute.
impl Default for Restart {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            ceiling: Duration::from_secs(60),
        }
    }
}
