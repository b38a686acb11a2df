//! Short-lived tasks by the thousand, with a bound on their number.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ending::{Caught, Ending};
use super::layer::Layer;
use super::policy::Task;

/// A bounded group of tasks of one name; cheap to clone.
#[derive(Clone, Debug)]
pub struct TaskGroup {
    name: &'static str,
    tasks_max: usize,
    slots: Arc<Semaphore>,
    layer: Arc<Layer>,
}

impl TaskGroup {
    pub(super) fn new(name: &'static str, tasks_max: usize, layer: Arc<Layer>) -> Self {
        let tasks_max = tasks_max.min(Semaphore::MAX_PERMITS);
        Self {
            name,
            tasks_max,
            slots: Arc::new(Semaphore::new(tasks_max)),
            layer,
        }
    }

    /// Takes a place for one task, or `None` when all are taken. Taken before the work begins, so
    /// that a peer can be refused before it has cost anything.
    #[must_use]
    pub fn reserve(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        Some(Slot {
            name: self.name,
            layer: Arc::clone(&self.layer),
            permit,
        })
    }

    /// Places taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks_max
            .saturating_sub(self.slots.available_permits())
    }

    /// Whether no place is taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A place in a [`TaskGroup`], given back when it is dropped or when its task has ended.
#[derive(Debug)]
pub struct Slot {
    name: &'static str,
    layer: Arc<Layer>,
    permit: OwnedSemaphorePermit,
}

impl Slot {
    /// Starts the task. It handles its own errors; a panic is logged with `label`, for example the
    /// peer's address.
    pub fn spawn<L, F>(self, label: L, future: F)
    where
        L: Display + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let Self {
            name,
            layer,
            permit,
        } = self;
        // Mapped, and boxed before the task is made: an async block keeps room for what it is given
        // beside what it awaits.
        let caught = Caught::new(future.map(Ok::<(), Infallible>));
        layer.spawn(Task::worker(name), Some(name), move |_| async move {
            let _permit = permit;
            if let Ending::Panicked(panic) = caught.await {
                tracing::error!(task = name, label = %label, error = %panic, "task failed");
            }
        });
    }
}
