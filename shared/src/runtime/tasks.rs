//! Every task of a daemon: its name, and what its end means.
//!
//! A task that nobody watches can die and leave a daemon that looks alive. Here each has a name and
//! a policy, a panic is an ending like any other, and the stop waits for all of them in two layers:
//! first the **workers**, which take in, then the **stores**, which the workers write to. What does
//! not end in its time is aborted, and named.
//!
//! Endings are logged here, once, with their causes; a task returns its error and logs nothing
//! about it.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Instrument;

use crate::backoff::Backoff;
use crate::runtime::clock::Clock;
use crate::runtime::errors::{BoxError, chain};
use crate::runtime::shutdown::{Shutdown, Stage};

mod ending;
mod group;
mod layer;
mod policy;
mod stop;
#[cfg(test)]
mod tests;

pub use ending::{Ending, Panic, install_panic_hook};
pub use group::{Slot, TaskGroup};
pub use policy::{OnExit, Restart, Task};
pub use stop::{StopTimes, Stopped};

use ending::Caught;
use layer::Layer;

/// Told of every ending that was not asked for, to count it: the task, and how it ended.
pub type Observer = Box<dyn Fn(&Task, &Ending) + Send + Sync>;

/// A handle on all tasks of the daemon; cheap to clone.
#[derive(Clone)]
pub struct Tasks {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    shutdown: Shutdown,
    workers: Arc<Layer>,
    stores: Arc<Layer>,
    failed: Mutex<Option<String>>,
    observer: Observer,
}

impl Tasks {
    /// No tasks yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self::observed(clock, Box::new(|_, _| {}))
    }

    /// No tasks yet, with someone who counts their unasked-for endings.
    #[must_use]
    pub fn observed(clock: Clock, observer: Observer) -> Self {
        let inner = Inner {
            clock,
            shutdown: Shutdown::new(),
            workers: Arc::default(),
            stores: Arc::default(),
            failed: Mutex::default(),
            observer,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The stop that these tasks obey, and may ask for.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.inner.shutdown.clone()
    }

    /// Starts a task that runs once. Its policy also holds when it ends without an error before it
    /// was asked to.
    pub fn spawn<F, E>(&self, task: Task, on_exit: OnExit, future: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let span = task.span();
        let caught = Caught::new(future);
        inner.layer(&task).clone().spawn(task, None, move |task| {
            async move {
                let ending = caught.await;
                inner.ended(&task, ending, on_exit);
            }
            .instrument(span)
        });
    }

    /// Starts a task that is made anew by `factory` whenever it ends before it was asked to, after
    /// a jittered wait.
    pub fn spawn_restarting<M, F, E>(&self, task: Task, restart: Restart, factory: M)
    where
        M: FnMut(Shutdown) -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let span = task.span();
        inner.layer(&task).clone().spawn(task, None, move |task| {
            async move { inner.keep_running(&task, restart, factory).await }.instrument(span)
        });
    }

    /// A bounded group for short-lived tasks that come and go by the thousand, such as one per
    /// connection. They are workers: the stop waits for them.
    #[must_use]
    pub fn group(&self, name: &'static str, tasks_max: usize) -> TaskGroup {
        TaskGroup::new(name, tasks_max, Arc::clone(&self.inner.workers))
    }

    /// Names of the tasks that run now, without those of groups; sorted.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        let mut names = self.inner.workers.names();
        names.extend(self.inner.stores.names());
        names.sort();
        names
    }

    /// The task whose end stopped the daemon, if one did.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        self.inner
            .failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Inner {
    fn layer(&self, task: &Task) -> &Arc<Layer> {
        match task.stops_at() {
            Stage::Closed => &self.stores,
            _ => &self.workers,
        }
    }

    /// The end of a task that runs once.
    fn ended(&self, task: &Task, ending: Ending, on_exit: OnExit) {
        let asked = self.shutdown.stage() >= task.stops_at();
        if asked && matches!(ending, Ending::Finished) {
            return;
        }
        (self.observer)(task, &ending);
        match (on_exit, &ending) {
            (OnExit::StopDaemon, _) => self.stop_for(task, &ending),
            (OnExit::Ignore, Ending::Finished) => tracing::debug!("task finished"),
            (OnExit::Ignore, _) => tracing::warn!(error = %chain(&ending), "task failed"),
        }
    }

    fn stop_for(&self, task: &Task, ending: &Ending) {
        tracing::error!(error = %chain(ending), "task failed, the daemon stops");
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get_or_insert_with(|| task.to_string());
        drop(failed);
        self.shutdown.begin();
    }

    async fn keep_running<M, F, E>(&self, task: &Task, restart: Restart, mut factory: M)
    where
        M: FnMut(Shutdown) -> F,
        F: Future<Output = Result<(), E>> + Send,
        E: Into<BoxError> + 'static,
    {
        let mut backoff = Backoff::new(restart.base, restart.ceiling);
        loop {
            let started = self.clock.now();
            // The factory runs inside, so that its panics are caught as well.
            let ending = Caught::new(async { factory(self.shutdown.clone()).await }).await;
            let asked = self.shutdown.stage() >= task.stops_at();
            if asked && matches!(ending, Ending::Finished) {
                return;
            }
            (self.observer)(task, &ending);
            if asked {
                tracing::warn!(error = %chain(&ending), "task failed while it stopped");
                return;
            }
            if self.clock.now().saturating_duration_since(started) >= restart.settled() {
                backoff.reset();
            }
            let wait = backoff.next(rand::random());
            tracing::warn!(
                error = %chain(&ending),
                attempt = backoff.attempts(),
                wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                "task failed, restarting it"
            );
            tokio::select! {
                () = self.clock.sleep(wait) => {}
                () = self.shutdown.reached(task.stops_at()) => return,
            }
        }
    }
}

impl std::fmt::Debug for Tasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tasks")
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}
