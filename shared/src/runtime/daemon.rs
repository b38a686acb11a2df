//! A daemon's life: start, ready, reload, stop in stages, exit code.
//!
//! [`run`] owns the Tokio runtime and the process's signals, and tells the service manager. The
//! daemon's own `start` gets a [`Daemon`], begins its tasks and returns; from then on it lives in
//! those tasks. The stop begins with SIGTERM or SIGINT, or when a task ends that the daemon cannot
//! do without. A second signal stops at once. SIGHUP asks for a reload.

use std::convert::Infallible;
use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::runtime::clock::Clock;
use crate::runtime::errors::chain;
use crate::runtime::shutdown::{Shutdown, Stage};
use crate::runtime::tasks::{
    Observer, OnExit, StopTimes, Stopped, Task, Tasks, install_panic_hook,
};

mod exit;
mod liveness;
mod manager;
mod reload;
pub mod reread;
mod signals;
#[cfg(test)]
mod tests;

pub use exit::{Exit, StartError};
pub use liveness::{Beat, Liveness};
pub use manager::{Manager, Status};
pub use reload::ReloadListener;
pub use signals::Signal;

use reload::Reload;

/// How long blocking work (a disk that does not answer) may hold up the exit after the stop.
const BLOCKING_TIME: Duration = Duration::from_secs(2);

/// How long a reload may take before the service manager is told that the daemon is ready again all
/// the same.
const RELOAD_TIME: Duration = Duration::from_secs(30);

/// What [`run`] needs to know.
pub struct Options {
    /// The daemon's name: of its threads.
    pub name: &'static str,
    /// Threads of the runtime; as many as processors when `None`.
    pub threads: Option<usize>,
    /// How long the stop may take.
    pub stop: StopTimes,
    /// Told of every unasked-for ending of a task, to count it.
    pub observer: Observer,
}

impl Options {
    /// The ordinary case.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            threads: None,
            stop: StopTimes::default(),
            observer: Box::new(|_, _| {}),
        }
    }
}

/// What a daemon's `start` gets to work with.
#[derive(Debug)]
pub struct Daemon {
    /// The clock.
    pub clock: Clock,
    /// Begins tasks.
    pub tasks: Tasks,
    /// The stop.
    pub shutdown: Shutdown,
    /// Hears of SIGHUP. Clone it for each task that has something to reload.
    pub reload: ReloadListener,
    /// What must keep moving for the daemon to count as alive.
    pub liveness: Liveness,
    /// What `systemctl status` shows.
    pub status: Status,
}

/// Runs a daemon until it stops, and returns the process's exit code: 0 when it was asked to stop,
/// 64 when `start` found its configuration or flags wrong, 1 otherwise. Logs must have been set up
/// before. `start` ends when everything is bound and begun; it is dropped halfway when the stop
/// begins first.
pub fn run<S, F>(options: Options, start: S) -> ExitCode
where
    S: FnOnce(Daemon) -> F,
    F: Future<Output = Result<(), StartError>>,
{
    install_panic_hook();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name(options.name);
    if let Some(threads) = options.threads {
        builder.worker_threads(threads.max(1));
    }
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(error = %chain(&error), "cannot start the runtime's threads");
            return Exit::Failure.into();
        }
    };
    let exit = runtime.block_on(async {
        match signals::listen() {
            Ok((signals, _pump)) => {
                let manager = Manager::from_environment();
                supervise(options, Clock::system(), manager, signals, start).await
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "cannot listen for signals");
                Exit::Failure
            }
        }
    });
    runtime.shutdown_timeout(BLOCKING_TIME);
    exit.into()
}

/// [`run`] without the process: signals, service manager and clock are given.
pub async fn supervise<S, F>(
    options: Options,
    clock: Clock,
    manager: Manager,
    mut signals: mpsc::Receiver<Signal>,
    start: S,
) -> Exit
where
    S: FnOnce(Daemon) -> F,
    F: Future<Output = Result<(), StartError>>,
{
    let tasks = Tasks::observed(clock.clone(), options.observer);
    let shutdown = tasks.shutdown();
    let liveness = Liveness::new(clock.clone());
    let reload = Reload::default();
    let daemon = Daemon {
        clock,
        tasks: tasks.clone(),
        shutdown: shutdown.clone(),
        reload: reload.listener(),
        liveness: liveness.clone(),
        status: manager.status(),
    };
    let started = tokio::select! {
        started = start(daemon) => started,
        () = stop_asked(&shutdown, &mut signals, || {}) => Ok(()),
    };
    let exit = match started {
        Ok(()) => {
            watch(&tasks, &manager, liveness);
            let reload = || begin_reload(&tasks, &manager, &reload);
            if shutdown.stage() == Stage::Accepting {
                manager.ready();
                tracing::info!("ready");
            }
            stop_asked(&shutdown, &mut signals, reload).await;
            Exit::Success
        }
        Err(error) => error.report(),
    };
    exit.or(stop(&tasks, &manager, options.stop, signals).await)
}

/// Returns when the daemon must stop: by a signal, or because a task asked for it. Signals to
/// reload are passed on.
async fn stop_asked(shutdown: &Shutdown, signals: &mut mpsc::Receiver<Signal>, reload: impl Fn()) {
    loop {
        match shutdown.until_draining(signals.recv()).await {
            Some(Some(Signal::Reload)) => reload(),
            Some(Some(Signal::Stop(name))) => {
                tracing::info!(signal = name, "stopping");
                shutdown.begin();
                return;
            }
            // Without signals only a task can stop the daemon.
            Some(None) => return shutdown.draining().await,
            None => return,
        }
    }
}

fn begin_reload(tasks: &Tasks, manager: &Manager, reload: &Reload) {
    tracing::info!("reloading");
    manager.reloading();
    let (manager, applied) = (manager.clone(), reload.request());
    tasks.spawn(Task::worker("reload"), OnExit::Ignore, async move {
        if tokio::time::timeout(RELOAD_TIME, applied).await.is_err() {
            tracing::warn!("the reload is taking long; ready with what has been reloaded");
        }
        manager.ready();
        Ok::<(), Infallible>(())
    });
}

/// Feeds the service manager's watchdog for as long as everything that must move does.
fn watch(tasks: &Tasks, manager: &Manager, liveness: Liveness) {
    let Some(interval) = manager.watchdog() else {
        return;
    };
    let (manager, shutdown) = (manager.clone(), tasks.shutdown());
    tasks.spawn(Task::store("watchdog"), OnExit::Ignore, async move {
        liveness.feed(&manager, interval, &shutdown).await;
        Ok::<(), Infallible>(())
    });
}

async fn stop(
    tasks: &Tasks,
    manager: &Manager,
    times: StopTimes,
    mut signals: mpsc::Receiver<Signal>,
) -> Exit {
    manager.stopping();
    let at_once = CancellationToken::new();
    let second_signal = async {
        while let Some(signal) = signals.recv().await {
            if let Signal::Stop(name) = signal {
                tracing::warn!(signal = name, "stopping at once");
                at_once.cancel();
            }
        }
        std::future::pending::<()>().await;
    };
    let stopped = tokio::select! {
        stopped = tasks.stop(times, &at_once) => stopped,
        () = second_signal => Stopped::Aborted,
    };
    match tasks.failed() {
        Some(task) => {
            tracing::error!(failed = task, "stopped, because a task failed");
            Exit::Failure
        }
        None if stopped == Stopped::Aborted => Exit::Failure,
        None => {
            tracing::info!("stopped");
            Exit::Success
        }
    }
}
