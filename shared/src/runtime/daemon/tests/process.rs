//! A whole life as a real process, with a real socket to the service manager and real signals.

use std::io::{self, BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};

use super::*;

/// Says that this process is the daemon, and how it ends.
const CHILD_VARIABLE: &str = "REGROUP_TEST_DAEMON";

/// A daemon that this test is when it is started by itself as a child.
fn child(ending: &str) -> ExitCode {
    crate::runtime::logs::init(None).unwrap();
    let stop = StopTimes {
        drain: SECOND * 60,
        close: SECOND,
    };
    let options = Options {
        stop,
        threads: Some(2),
        ..Options::new("child")
    };
    run(options, async |daemon: Daemon| {
        let ending = ending.to_owned();
        let shutdown = daemon.shutdown.clone();
        daemon
            .tasks
            .spawn(Task::worker("worker"), OnExit::StopDaemon, async move {
                match ending.as_str() {
                    "panic" => panic!("by order"),
                    "deaf" => std::future::pending().await,
                    _ => shutdown.draining().await,
                }
                Ok::<_, io::Error>(())
            });
        Ok(())
    })
}

/// Starts this very test as a child process.
fn daemon_process(ending: &str, socket: &std::path::Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "runtime::daemon::tests::process::a_real_process",
            "--nocapture",
        ])
        .env(CHILD_VARIABLE, ending)
        .env("NOTIFY_SOCKET", socket)
        .env("WATCHDOG_USEC", "200000")
        .env_remove("JOURNAL_STREAM")
        .env_remove(crate::runtime::logs::FILTER_VARIABLE)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn kill(child: &Child, signal: &str) {
    let command = format!("kill -{signal} {}", child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &command])
            .status()
            .unwrap()
            .success()
    );
}

/// Waits until the service manager is told `state`.
fn await_state(socket: &UnixDatagram, state: &str) {
    let mut buffer = [0; 512];
    for _ in 0..100 {
        let length = socket.recv(&mut buffer).unwrap();
        if std::str::from_utf8(&buffer[..length])
            .unwrap()
            .starts_with(state)
        {
            return;
        }
    }
    panic!("{state} was not told");
}

#[test]
fn a_real_process() {
    if let Ok(ending) = std::env::var(CHILD_VARIABLE) {
        let code = child(&ending);
        std::process::exit(if code == ExitCode::SUCCESS { 0 } else { 1 });
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(SECOND * 30)).unwrap();
    let lines = |child: &mut Child| -> Vec<String> {
        BufReader::new(child.stderr.take().unwrap())
            .lines()
            .map(Result::unwrap)
            .collect()
    };

    let mut obedient = daemon_process("obedient", &path);
    await_state(&socket, "READY=1");
    await_state(&socket, "WATCHDOG=1");
    await_state(&socket, "WATCHDOG=1");
    kill(&obedient, "HUP");
    await_state(&socket, "RELOADING=1\nMONOTONIC_USEC=");
    await_state(&socket, "READY=1");
    kill(&obedient, "TERM");
    await_state(&socket, "STOPPING=1");
    assert_eq!(obedient.wait().unwrap().code(), Some(0));
    let said = lines(&mut obedient);
    assert!(
        said.iter()
            .any(|line| line.ends_with("daemon: stopping signal=SIGTERM")),
        "{said:?}"
    );

    let mut deaf = daemon_process("deaf", &path);
    await_state(&socket, "READY=1");
    kill(&deaf, "TERM");
    await_state(&socket, "STOPPING=1");
    kill(&deaf, "INT");
    assert_eq!(deaf.wait().unwrap().code(), Some(1));
    assert!(
        lines(&mut deaf)
            .iter()
            .any(|line| line.contains("stopping at once signal=SIGINT"))
    );

    let mut panicking = daemon_process("panic", &path);
    assert_eq!(panicking.wait().unwrap().code(), Some(1));
    let said = lines(&mut panicking);
    let told = said.iter().filter(|line| line.contains("by order")).count();
    assert_eq!(told, 1, "{said:?}");
}
