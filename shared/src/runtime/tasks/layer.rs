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
    /// Set for good: what starts afterwards is aborted as well.
    aborted: bool,
    tasks: HashMap<u64, LiveTask>,
}

#[derive(Debug)]
struct LiveTask {
    name: Name,
    /// None for the moment between entering and running.
    abort: Option<AbortHandle>,
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
        let id = self.enter(name);
        let leave = Leave {
            layer: Arc::clone(&self),
            id,
        };
        let future = make(task);
        // Not under the lock: a runtime that is shutting down drops the task here, and its leaving
        // takes the lock.
        let running = self.tracker.spawn(async move {
            let _leave = leave;
            future.await;
        });
        let mut live = self.live();
        if live.aborted {
            drop(live);
            running.abort();
        } else if let Some(task) = live.tasks.get_mut(&id) {
            task.abort = Some(running.abort_handle());
        }
    }

    fn enter(&self, name: Name) -> u64 {
        let mut live = self.live();
        let id = live.next_id;
        live.next_id += 1;
        live.tasks.insert(id, LiveTask { name, abort: None });
        id
    }

    /// Returns when no task is left.
    pub(super) async fn emptied(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Drops every task at its next await, now and from now on, and returns the names of some of
    /// those that run, with the number of all.
    pub(super) fn abort(&self) -> (Vec<String>, usize) {
        let mut live = self.live();
        live.aborted = true;
        let count = live.tasks.len();
        let mut names: Vec<String> = live
            .tasks
            .values()
            .map(|task| task.name.to_string())
            .collect();
        let aborts: Vec<AbortHandle> = live
            .tasks
            .values()
            .filter_map(|task| task.abort.clone())
            .collect();
        drop(live);
        aborts.iter().for_each(AbortHandle::abort);
        names.sort();
        names.dedup();
        names.truncate(NAMED_MAX);
        (names, count)
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
