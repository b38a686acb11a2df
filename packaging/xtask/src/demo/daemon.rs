//! The daemons of a demonstration: started, watched, stopped in good order.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::run::{self, RunError};

/// The time for a daemon to stop; its own stages take less.
const STOP_WITHIN: Duration = Duration::from_secs(35);

const LOOK_EVERY: Duration = Duration::from_millis(50);

struct Daemon {
    name: String,
    child: Child,
    log: PathBuf,
}

/// The daemons, in the order of their start. Dropped, they are killed.
#[derive(Default)]
pub(super) struct Daemons(Vec<Daemon>);

impl Daemons {
    /// Starts one. It is in a process group of its own, so that Ctrl-C reaches it only through us:
    /// a second signal would stop it at once.
    pub(super) fn start(
        &mut self,
        name: &str,
        command: &mut Command,
        log: &Path,
    ) -> Result<(), RunError> {
        let child = run::spawn_logged(command.process_group(0), log)?;
        self.0.push(Daemon {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        });
        Ok(())
    }

    /// Looks whether all still run.
    pub(super) fn check(&mut self) -> Result<(), DaemonError> {
        for daemon in &mut self.0 {
            if let Ok(Some(status)) = daemon.child.try_wait() {
                let (name, tail) = (daemon.name.clone(), run::tail(&daemon.log));
                return Err(DaemonError { name, status, tail });
            }
        }
        Ok(())
    }

    /// Stops all, the last started first.
    pub(super) fn stop(&mut self) {
        for daemon in self.0.iter().rev() {
            terminate(&daemon.child);
        }
        let deadline = clock::now() + STOP_WITHIN;
        while clock::now() < deadline
            && self
                .0
                .iter_mut()
                .any(|daemon| matches!(daemon.child.try_wait(), Ok(None)))
        {
            thread::sleep(LOOK_EVERY);
        }
        self.kill();
    }

    fn kill(&mut self) {
        for daemon in &mut self.0 {
            // One that has ended can't be killed, which is what is wanted.
            let _ = daemon.child.kill();
            let _ = daemon.child.wait();
        }
        self.0.clear();
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        self.kill();
    }
}

/// SIGTERM by the shell's `kill`, because std can only send SIGKILL.
fn terminate(child: &Child) {
    let mut kill = Command::new("sh");
    kill.args([
        "-c",
        "kill -s TERM \"$1\" 2>/dev/null",
        "sh",
        &child.id().to_string(),
    ]);
    // Whoever can't be asked is killed when the time is over.
    let _ = kill.status();
}

/// A daemon ended that should run.
#[derive(Debug, thiserror::Error)]
#[error("{name} ended ({status}); the end of its log:{tail}")]
pub(crate) struct DaemonError {
    name: String,
    status: ExitStatus,
    tail: String,
}
