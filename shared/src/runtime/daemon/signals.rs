//! The process's signals, as messages.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A signal says the same however often it is repeated; a few wait while the daemon is busy
/// starting.
const WAITING_MAX: usize = 4;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT, by its name: stop; the second time, at once.
    Stop(&'static str),
    /// SIGHUP: read configuration and certificates again.
    Reload,
}

/// Takes over the three signals. They are passed on as long as the returned set lives; dropping it
/// does not give the signals back to the system's default, so it lives until the process ends.
pub(super) fn listen() -> io::Result<(mpsc::Receiver<Signal>, JoinSet<()>)> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let mut pump = JoinSet::new();
    pump.spawn(async move {
        loop {
            let (seen, signal) = tokio::select! {
                seen = term.recv() => (seen, Signal::Stop("SIGTERM")),
                seen = interrupt.recv() => (seen, Signal::Stop("SIGINT")),
                seen = hangup.recv() => (seen, Signal::Reload),
            };
            if seen.is_none() || sender.is_closed() {
                return;
            }
            // Full means that as many wait to be handled, and one more adds nothing.
            let _ = sender.try_send(signal);
        }
    });
    Ok((receiver, pump))
}
