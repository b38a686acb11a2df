//! Endings and their policies, the order of the stop, and what happens to those who do not obey.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::runtime::logs::testing::{Captured, capture};

const SECOND: Duration = Duration::from_secs(1);
const TIMES: StopTimes = StopTimes {
    drain: Duration::from_secs(10),
    close: Duration::from_secs(5),
};

fn broken(what: &str) -> Result<(), io::Error> {
    Err(io::Error::other(what.to_owned()))
}

/// Every unasked-for ending, as text.
fn observed() -> (Tasks, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let observer = Arc::clone(&seen);
    let note = move |task: &Task, ending: &Ending| {
        observer.lock().unwrap().push(format!("{task}: {ending}"));
    };
    (Tasks::observed(Clock::system(), Box::new(note)), seen)
}

fn panicking() -> Result<(), io::Error> {
    panic!("a bug in {}", "the writer")
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_vital_task_stops_the_daemon_and_is_logged_once() {
    install_panic_hook();
    let (logs, _guard) = capture();
    let (tasks, seen) = observed();
    let task = Task::worker("writer").label("eu-1");
    tasks.spawn(task, OnExit::StopDaemon, async { panicking() });
    tasks.shutdown().draining().await;
    assert_eq!(tasks.failed().as_deref(), Some("writer(eu-1)"));
    let [line] = logs.lines_with("a bug in").try_into().unwrap();
    assert!(
        line.starts_with("ERROR task failed, the daemon stops task=writer label=eu-1 "),
        "{line}"
    );
    assert!(
        line.contains("panicked at shared/src/runtime/tasks/tests.rs:"),
        "{line}"
    );
    assert_eq!(seen.lock().unwrap().len(), 1);
    assert_eq!(
        tasks.stop(TIMES, &CancellationToken::new()).await,
        Stopped::Clean
    );
}

#[tokio::test(start_paused = true)]
async fn a_vital_task_that_just_ends_stops_the_daemon_too() {
    let (tasks, seen) = observed();
    tasks.spawn(Task::store("store"), OnExit::StopDaemon, async {
        Ok::<_, io::Error>(())
    });
    tasks.shutdown().draining().await;
    assert_eq!(tasks.failed().as_deref(), Some("store"));
    assert_eq!(
        *seen.lock().unwrap(),
        ["store: it ended without having been asked to"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_close_is_a_failure_of_the_daemon() {
    let (tasks, _) = observed();
    let shutdown = tasks.shutdown();
    tasks.spawn(Task::store("store"), OnExit::StopDaemon, async move {
        shutdown.closed().await;
        broken("disk full")
    });
    assert_eq!(
        tasks.stop(TIMES, &CancellationToken::new()).await,
        Stopped::Clean
    );
    assert_eq!(tasks.failed().as_deref(), Some("store"));
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_stops_nothing() {
    let (logs, _guard) = capture();
    let (tasks, seen) = observed();
    tasks.spawn(Task::worker("probe"), OnExit::Ignore, async {
        broken("no answer")
    });
    tasks.spawn(Task::worker("probe"), OnExit::Ignore, async {
        Ok::<_, io::Error>(())
    });
    tokio::time::sleep(SECOND).await;
    assert_eq!(tasks.shutdown().stage(), Stage::Accepting);
    assert_eq!(tasks.failed(), None);
    assert_eq!(tasks.running(), Vec::<String>::new());
    assert_eq!(
        logs.lines_with("failed"),
        ["WARN task failed task=probe error=no answer"]
    );
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_restarted_task_backs_off_to_the_ceiling_and_is_forgiven_when_it_runs_well() {
    install_panic_hook();
    let (tasks, seen) = observed();
    let restart = Restart {
        base: SECOND,
        ceiling: SECOND * 8,
    };
    let (starts, mut started) = mpsc::channel(100);
    let clock = Clock::system();
    let mut run = 0;
    tasks.spawn_restarting(Task::worker("console"), restart, move |shutdown| {
        run += 1;
        let (this_run, clock, starts) = (run, clock.clone(), starts.clone());
        starts.try_send(clock.now()).unwrap();
        async move {
            match this_run {
                1..30 if this_run % 2 == 0 => panicking(),
                1..30 => broken("address in use"),
                30 => {
                    clock.sleep(restart.settled()).await;
                    broken("after a good run")
                }
                _ => {
                    shutdown.draining().await;
                    Ok(())
                }
            }
        }
    });
    let mut times = Vec::new();
    for _ in 0..31 {
        times.push(started.recv().await.unwrap());
    }
    let waits: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits[0] <= SECOND, "{waits:?}");
    assert!(
        waits[..29].iter().all(|wait| *wait <= SECOND * 8),
        "{waits:?}"
    );
    let mean = waits[4..29].iter().sum::<Duration>() / 25;
    assert!(
        mean > SECOND && mean < SECOND * 7,
        "no hot loop, no herd: {waits:?}"
    );
    assert!(
        waits[29] - restart.settled() <= SECOND,
        "its failures were forgotten: {waits:?}"
    );
    assert_eq!(
        tasks.stop(TIMES, &CancellationToken::new()).await,
        Stopped::Clean
    );
    assert_eq!(seen.lock().unwrap().len(), 30);
    assert!(seen.lock().unwrap()[1].contains("panicked at"), "{seen:?}");
    assert_eq!(tasks.failed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_restart() {
    let (tasks, _) = observed();
    let hour = Restart {
        base: SECOND * 3600,
        ceiling: SECOND * 3600,
    };
    tasks.spawn_restarting(Task::worker("console"), hour, |_| async {
        broken("always")
    });
    tokio::task::yield_now().await;
    let clock = Clock::system();
    let before = clock.now();
    assert_eq!(
        tasks.stop(TIMES, &CancellationToken::new()).await,
        Stopped::Clean
    );
    assert!(clock.now() - before < SECOND);
}

#[tokio::test(start_paused = true)]
async fn workers_finish_before_stores_are_asked_to_close() {
    let (tasks, _) = observed();
    let (tell, mut told) = mpsc::channel(10);
    let (shutdown, to) = (tasks.shutdown(), tell.clone());
    tasks.spawn(Task::store("store"), OnExit::StopDaemon, async move {
        shutdown.draining().await;
        to.send("store hears of the stop").await.unwrap();
        shutdown.closed().await;
        to.send("store closes").await
    });
    let (shutdown, to) = (tasks.shutdown(), tell.clone());
    tasks.spawn(Task::worker("listener"), OnExit::StopDaemon, async move {
        shutdown.draining().await;
        tokio::time::sleep(SECOND * 2).await;
        to.send("listener is done").await
    });
    let connections = tasks.group("connections", 5);
    let shutdown = tasks.shutdown();
    connections.reserve().unwrap().spawn("peer", async move {
        shutdown.draining().await;
        tokio::time::sleep(SECOND * 4).await;
        tell.send("connection is done").await.unwrap();
    });
    assert_eq!(tasks.running(), ["listener", "store"]);
    assert_eq!(
        tasks.stop(TIMES, &CancellationToken::new()).await,
        Stopped::Clean
    );
    let mut order = Vec::new();
    while let Some(step) = told.recv().await {
        order.push(step);
    }
    let expected = [
        "store hears of the stop",
        "listener is done",
        "connection is done",
        "store closes",
    ];
    assert_eq!(order, expected);
    assert_eq!(tasks.failed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_worker_is_cut_at_the_deadline_and_the_store_still_closes() {
    let (logs, _guard) = capture();
    let (tasks, _) = observed();
    let closed = Arc::new(AtomicU32::new(0));
    let forever = async { std::future::pending::<Result<(), io::Error>>().await };
    tasks.spawn(
        Task::worker("stuck").label("eu-1"),
        OnExit::StopDaemon,
        forever,
    );
    let (shutdown, count) = (tasks.shutdown(), Arc::clone(&closed));
    tasks.spawn(Task::store("store"), OnExit::StopDaemon, async move {
        shutdown.closed().await;
        count.fetch_add(1, Ordering::Relaxed);
        Ok::<_, io::Error>(())
    });
    let clock = Clock::system();
    let before = clock.now();
    assert_eq!(
        tasks.stop(TIMES, &CancellationToken::new()).await,
        Stopped::Aborted
    );
    let took = clock.now() - before;
    assert!(
        took >= TIMES.drain && took < TIMES.drain + SECOND,
        "{took:?}"
    );
    assert_eq!(closed.load(Ordering::Relaxed), 1);
    let expected = "WARN aborting workers that did not end in time count=1 tasks=stuck(eu-1)";
    assert_eq!(logs.lines_with("aborting"), [expected]);
    assert_eq!(tasks.running(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn who_has_no_patience_does_not_wait() {
    let (tasks, _) = observed();
    for task in [Task::worker("worker"), Task::store("store")] {
        let forever = async { std::future::pending::<Result<(), io::Error>>().await };
        tasks.spawn(task, OnExit::StopDaemon, forever);
    }
    let clock = Clock::system();
    let before = clock.now();
    let at_once = CancellationToken::new();
    let (stopped, ()) = tokio::join!(tasks.stop(TIMES, &at_once), async {
        tokio::time::sleep(SECOND).await;
        at_once.cancel();
    });
    assert_eq!(stopped, Stopped::Aborted);
    assert!(clock.now() - before < SECOND * 2);
    let nothing_left = tasks.stop(TIMES, &at_once).await;
    assert_eq!(
        nothing_left,
        Stopped::Clean,
        "an empty daemon needs no patience"
    );
}

#[tokio::test(start_paused = true)]
async fn a_group_is_bounded_and_survives_its_members_panics() {
    install_panic_hook();
    let (logs, _guard) = capture();
    let tasks = Tasks::new(Clock::system());
    let group = tasks.group("connections", 2);
    let first = group.reserve().unwrap();
    let second = group.reserve().unwrap();
    assert!(group.reserve().is_none());
    drop(second);
    assert_eq!(group.len(), 1);
    first.spawn("192.0.2.7:4433", async { panic!("frame") });
    tokio::time::sleep(SECOND).await;
    assert!(group.is_empty(), "the place was given back");
    let [line] = logs.lines_with("frame").try_into().unwrap();
    assert!(
        line.starts_with("ERROR task failed task=connections label=192.0.2.7:4433"),
        "{line}"
    );
    assert_eq!(tasks.shutdown().stage(), Stage::Accepting);
}

#[tokio::test]
async fn tens_of_thousands_come_and_go() {
    let tasks = Tasks::new(Clock::system());
    let group = tasks.group("connections", 20_000);
    for _ in 0..3 {
        for number in 0..20_000 {
            let shutdown = tasks.shutdown();
            group.reserve().unwrap().spawn(number, async move {
                if number % 2 == 0 {
                    tokio::task::yield_now().await;
                }
                drop(shutdown);
            });
        }
        while !group.is_empty() {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(
        tasks.stop(TIMES, &CancellationToken::new()).await,
        Stopped::Clean
    );
    let (_, left) = tasks.inner.workers.abort();
    assert_eq!(left, 0, "no entry outlives its task");
}

#[tokio::test(start_paused = true)]
async fn what_starts_after_the_abort_does_not_run() {
    let (tasks, _) = observed();
    let forever = || async { std::future::pending::<Result<(), io::Error>>().await };
    tasks.spawn(Task::worker("stuck"), OnExit::Ignore, forever());
    let group = tasks.group("connections", 1);
    let late = group.reserve().unwrap();
    assert_eq!(
        tasks.stop(TIMES, &CancellationToken::new()).await,
        Stopped::Aborted
    );
    late.spawn("late", async { std::future::pending().await });
    tokio::time::sleep(SECOND).await;
    assert!(group.is_empty(), "the late one is gone");
}

#[test]
fn a_task_for_a_runtime_that_is_gone_is_dropped_and_blocks_nobody() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    drop(runtime);
    let _entered = handle.enter();
    let (tasks, _) = observed();
    let held = Arc::new(());
    let holder = Arc::clone(&held);
    tasks.spawn(Task::worker("late"), OnExit::StopDaemon, async move {
        drop(holder);
        Ok::<_, io::Error>(())
    });
    assert_eq!(tasks.running(), Vec::<String>::new());
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_panic_outside_of_tasks_is_logged_by_the_hook() {
    install_panic_hook();
    let (logs, _guard) = capture();
    let payload = std::panic::catch_unwind(|| panic!("loose")).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"loose"));
    let captured: &Captured = &logs;
    let [line] = captured.lines_with("loose").try_into().unwrap();
    assert!(line.starts_with("ERROR thread failed thread="), "{line}");
    assert!(
        line.contains("error=panicked at shared/src/runtime/tasks/tests.rs:"),
        "{line}"
    );
}
