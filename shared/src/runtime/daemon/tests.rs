//! A whole life, with the service manager and the signals in the test's hands.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;

use super::*;
use crate::runtime::logs::testing::capture;

mod process;

const SECOND: Duration = Duration::from_secs(1);

/// What the service manager was told, message by message.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn manager(&self, watchdog: Option<Duration>) -> Manager {
        let told = self.clone();
        let send = move |states: &[sd_notify::NotifyState<'_>]| {
            let states: Vec<String> = states.iter().map(ToString::to_string).collect();
            // The time of a reload differs from run to run.
            let first = states[0].clone();
            told.0.lock().unwrap().push(first);
            Ok(())
        };
        Manager::new(send, watchdog)
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn meals(&self) -> usize {
        self.all()
            .iter()
            .filter(|state| *state == "WATCHDOG=1")
            .count()
    }
}

/// A daemon under test.
struct Rig {
    told: Told,
    signals: mpsc::Sender<Signal>,
    exit: JoinHandle<Exit>,
}

impl Rig {
    fn start<F>(
        watchdog: Option<Duration>,
        start: impl FnOnce(Daemon) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), StartError>> + Send + 'static,
    {
        let told = Told::default();
        let (signals, received) = mpsc::channel(4);
        let manager = told.manager(watchdog);
        let mut runtime = Options::new("test");
        runtime.stop = StopTimes {
            drain: SECOND * 10,
            close: SECOND * 5,
        };
        #[allow(
            clippy::disallowed_methods,
            reason = "the test's own task, which it joins"
        )]
        let exit = tokio::spawn(supervise(
            runtime,
            Clock::system(),
            manager,
            received,
            start,
        ));
        Self {
            told,
            signals,
            exit,
        }
    }

    /// Lets the daemon do what it is about to, sends the signal, and lets the daemon hear it.
    async fn signal(&self, signal: Signal) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.signals.send(signal).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

const TERM: Signal = Signal::Stop("SIGTERM");

fn worker(daemon: &Daemon) {
    let shutdown = daemon.shutdown.clone();
    daemon
        .tasks
        .spawn(Task::worker("worker"), OnExit::StopDaemon, async move {
            shutdown.draining().await;
            Ok::<_, io::Error>(())
        });
}

/// Never ends by itself.
fn deaf(daemon: &Daemon) {
    daemon
        .tasks
        .spawn(Task::worker("deaf"), OnExit::StopDaemon, async {
            std::future::pending::<io::Result<()>>().await
        });
}

#[tokio::test(start_paused = true)]
async fn an_ordinary_life() {
    let rig = Rig::start(None, async |daemon: Daemon| {
        worker(&daemon);
        daemon.status.set("3 regions\nWATCHDOG=trigger");
        Ok(())
    });
    tokio::time::sleep(SECOND).await;
    rig.signal(TERM).await;
    assert_eq!(rig.exit.await.unwrap(), Exit::Success);
    let expected = ["STATUS=3 regions WATCHDOG=trigger", "READY=1", "STOPPING=1"];
    assert_eq!(rig.told.all(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_tells_why_by_its_code() {
    let (logs, _guard) = capture();
    let rig = Rig::start(None, async |_| {
        Err(StartError::usage("listen: not an address"))
    });
    assert_eq!(rig.exit.await.unwrap().code(), 64);
    assert_eq!(rig.told.all(), ["STOPPING=1"], "it was never ready");
    let rig = Rig::start(None, async |daemon: Daemon| {
        worker(&daemon);
        Err(io::Error::other("address in use"))?
    });
    assert_eq!(rig.exit.await.unwrap().code(), 1);
    let expected = [
        "ERROR cannot start error=listen: not an address",
        "ERROR cannot start error=address in use",
    ];
    assert_eq!(logs.lines_with("cannot start"), expected);
}

#[tokio::test(start_paused = true)]
async fn a_signal_during_the_start_stops_it() {
    let rig = Rig::start(None, async |_| {
        std::future::pending::<()>().await;
        Ok(())
    });
    rig.signal(Signal::Reload).await;
    rig.signal(TERM).await;
    assert_eq!(rig.exit.await.unwrap(), Exit::Success);
    assert_eq!(rig.told.all(), ["STOPPING=1"]);
}

#[tokio::test(start_paused = true)]
async fn a_vital_task_that_fails_ends_the_daemon_with_a_failure() {
    let (logs, _guard) = capture();
    let rig = Rig::start(None, async |daemon: Daemon| {
        worker(&daemon);
        daemon
            .tasks
            .spawn(Task::store("store"), OnExit::StopDaemon, async {
                Err(io::Error::other("disk full"))
            });
        Ok(())
    });
    assert_eq!(rig.exit.await.unwrap(), Exit::Failure);
    assert_eq!(logs.lines_with("disk full").len(), 1);
    let last = ["ERROR stopped, because a task failed failed=store"];
    assert_eq!(logs.lines_with("stopped"), last);
}

#[tokio::test(start_paused = true)]
async fn a_task_may_end_the_daemon_well() {
    let rig = Rig::start(None, async |daemon: Daemon| {
        worker(&daemon);
        daemon.shutdown.begin();
        Ok(())
    });
    assert_eq!(rig.exit.await.unwrap(), Exit::Success);
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_stops_at_once() {
    let clock = Clock::system();
    let rig = Rig::start(None, async |daemon: Daemon| {
        deaf(&daemon);
        Ok(())
    });
    let before = clock.now();
    rig.signal(TERM).await;
    rig.signal(Signal::Reload).await;
    tokio::time::sleep(SECOND).await;
    assert!(
        !rig.exit.is_finished(),
        "it drains, and a reload means nothing now"
    );
    rig.signal(Signal::Stop("SIGINT")).await;
    assert_eq!(rig.exit.await.unwrap(), Exit::Failure);
    assert!(clock.now() - before < SECOND * 2);
}

#[tokio::test(start_paused = true)]
async fn the_drain_has_a_deadline() {
    let clock = Clock::system();
    let rig = Rig::start(None, async |daemon: Daemon| {
        deaf(&daemon);
        Ok(())
    });
    let before = clock.now();
    rig.signal(TERM).await;
    assert_eq!(rig.exit.await.unwrap(), Exit::Failure);
    let took = clock.now() - before;
    assert!(took >= SECOND * 10 && took < SECOND * 11, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reload_is_over_when_every_listener_is_done() {
    let rig = Rig::start(None, async |daemon: Daemon| {
        for seconds in [1, 3] {
            let (mut reload, clock) = (daemon.reload.clone(), daemon.clock.clone());
            let shutdown = daemon.shutdown.clone();
            daemon
                .tasks
                .spawn(Task::worker("config"), OnExit::StopDaemon, async move {
                    while shutdown.until_draining(reload.requested()).await.is_some() {
                        clock.sleep(SECOND * seconds).await;
                    }
                    Ok::<_, io::Error>(())
                });
        }
        Ok(())
    });
    tokio::time::sleep(SECOND).await;
    rig.signal(Signal::Reload).await;
    tokio::time::sleep(SECOND * 2).await;
    assert_eq!(
        rig.told.all(),
        ["READY=1", "RELOADING=1"],
        "one listener is not done"
    );
    tokio::time::sleep(SECOND * 2).await;
    assert_eq!(rig.told.all(), ["READY=1", "RELOADING=1", "READY=1"]);
    rig.signal(TERM).await;
    assert_eq!(rig.exit.await.unwrap(), Exit::Success);
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_hangs_does_not_hang_the_service_manager() {
    let rig = Rig::start(None, async |daemon: Daemon| {
        let mut reload = daemon.reload.clone();
        daemon
            .tasks
            .spawn(Task::worker("config"), OnExit::StopDaemon, async move {
                reload.requested().await;
                std::future::pending::<io::Result<()>>().await
            });
        Ok(())
    });
    tokio::time::sleep(SECOND).await;
    rig.signal(Signal::Reload).await;
    tokio::time::sleep(RELOAD_TIME + SECOND).await;
    assert_eq!(rig.told.all(), ["READY=1", "RELOADING=1", "READY=1"]);
    rig.signal(TERM).await;
    rig.signal(TERM).await;
    assert_eq!(rig.exit.await.unwrap(), Exit::Failure);
}

#[tokio::test(start_paused = true)]
async fn the_watchdog_is_fed_only_while_every_beat_moves() {
    let (logs, _guard) = capture();
    let stall = Arc::new(tokio::sync::Semaphore::new(1));
    let writer_may_move = Arc::clone(&stall);
    let rig = Rig::start(Some(SECOND * 10), async move |daemon: Daemon| {
        let (beat, clock) = (
            daemon.liveness.beat("writer", SECOND * 4),
            daemon.clock.clone(),
        );
        let shutdown = daemon.shutdown.clone();
        daemon
            .tasks
            .spawn(Task::store("writer"), OnExit::StopDaemon, async move {
                loop {
                    drop(writer_may_move.acquire().await);
                    beat.tick();
                    tokio::select! {
                        () = clock.sleep(SECOND) => {}
                        () = shutdown.closed() => return Ok::<_, io::Error>(()),
                    }
                }
            });
        Ok(())
    });
    tokio::time::sleep(SECOND * 61).await;
    let fed = rig.told.meals();
    assert!((12..=13).contains(&fed), "twice per interval: {fed}");

    let held = stall.acquire().await.unwrap();
    tokio::time::sleep(SECOND * 60).await;
    assert!(rig.told.meals() <= fed + 1, "a stalled writer is not alive");
    let expected = "ERROR not alive: the watchdog is not fed task=watchdog stalled=writer";
    assert_eq!(logs.lines_with("not alive"), [expected]);

    drop(held);
    tokio::time::sleep(SECOND * 60).await;
    assert!(rig.told.meals() >= fed + 11);
    rig.signal(TERM).await;
    assert_eq!(rig.exit.await.unwrap(), Exit::Success);
}

#[tokio::test(start_paused = true)]
async fn a_beat_that_is_gone_is_not_missed() {
    let liveness = Liveness::new(Clock::system());
    let short = liveness.beat("short", SECOND);
    let long = liveness.beat("long", SECOND * 60);
    tokio::time::sleep(SECOND * 2).await;
    assert_eq!(liveness.stalled(), ["short"]);
    short.tick();
    assert_eq!(liveness.stalled(), Vec::<&str>::new());
    tokio::time::sleep(SECOND * 100).await;
    drop(short);
    assert_eq!(liveness.stalled(), ["long"]);
    drop(long);
    assert_eq!(liveness.stalled(), Vec::<&str>::new());
}
