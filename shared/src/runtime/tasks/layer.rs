//! The tasks that stop together, and the means to wait for them and to abort them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

use super::policy::Task;

/// How many of the tasks that had to be aborted are named in the log.
const NAMED_MAX: usize = 8;

/// Tasks of one layer. An entry is there exactly as long as its task runs.
#[derive(Debug, Default)]
pub(super) struct Layer {
    tracker: TaskTracker,
    live: Mutex<Live>,
}

#[derive(Debug, Default)]
struct Live {
    next_id: u64,
    tasks: HashMap<u64, LiveTask>,
}

#[derive(Debug)]
struct LiveTask {
    name: Name,
    abort: AbortHandle,
}

#[derive(Debug)]
enum Name {
    Own(Task),
    Group(&'static str),
}

impl Layer {
    /// Starts a task. With a `group`, its own name is not kept: there may be tens of thousands.
    pub(super) fn spawn<M, F>(self: Arc<Self>, task: Task, group: Option<&'static str>, make: M)
    where
        M: FnOnce(Task) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let name = group.map_or_else(|| Name::Own(task.clone()), Name::Group);
        let future = make(task);
        // Held over the spawn, so that a task which ends at once does not leave before it has
        // entered.
        let mut live = self.live();
        let id = live.next_id;
        live.next_id += 1;
        let leave = Leave {
            layer: Arc::clone(&self),
            id,
        };
        let running = self.tracker.spawn(async move {
            let _leave = leave;
            future.await;
        });
        live.tasks.insert(
            id,
            LiveTask {
                name,
                abort: running.abort_handle(),
            },
        );
    }

    /// Returns when no task is left.
    pub(super) async fn emptied(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Drops every task at its next await, and returns the names of some of them with the number of
    /// all.
    pub(super) fn abort(&self) -> (Vec<String>, usize) {
        let live = self.live();
        live.tasks.values().for_each(|task| task.abort.abort());
        let mut names: Vec<String> = live
            .tasks
            .values()
            .map(|task| task.name.to_string())
            .collect();
        names.sort();
        names.dedup();
        names.truncate(NAMED_MAX);
        (names, live.tasks.len())
    }

    /// Names of the tasks that have their own.
    pub(super) fn names(&self) -> Vec<String> {
        let own = |task: &LiveTask| match &task.name {
            Name::Own(task) => Some(task.to_string()),
            Name::Group(_) => None,
        };
        self.live().tasks.values().filter_map(own).collect()
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Own(task) => task.fmt(f),
            Self::Group(name) => f.write_str(name),
        }
    }
}

/// Takes the task out of its layer when it ends, is aborted, or is dropped with the runtime.
struct Leave {
    layer: Arc<Layer>,
    id: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.layer.live().tasks.remove(&self.id);
    }
}
