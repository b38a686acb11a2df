//! What the service manager is told: sd_notify(3).

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;

/// A status line longer than this is cut: it is a line for `systemctl status`.
const STATUS_BYTES_MAX: usize = 256;

/// Sends a message to the service manager.
type Tell = dyn Fn(&[NotifyState<'_>]) -> io::Result<()> + Send + Sync;

/// A handle on the service manager; cheap to clone. Without one, telling it does nothing.
#[derive(Clone)]
pub struct Manager {
    inner: Arc<Inner>,
}

struct Inner {
    send: Box<Tell>,
    watchdog: Option<Duration>,
    complained: AtomicBool,
}

impl Manager {
    /// The one that started this process, if one did: `NOTIFY_SOCKET`, `WATCHDOG_USEC`,
    /// `WATCHDOG_PID`.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::new(sd_notify::notify, sd_notify::watchdog_enabled())
    }

    /// One that is told through `send`, and wants to be fed within every `watchdog`.
    pub fn new<S>(send: S, watchdog: Option<Duration>) -> Self
    where
        S: Fn(&[NotifyState<'_>]) -> io::Result<()> + Send + Sync + 'static,
    {
        let watchdog = watchdog.filter(|interval| !interval.is_zero());
        let inner = Inner {
            send: Box::new(send),
            watchdog,
            complained: AtomicBool::new(false),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A handle for status lines alone.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            manager: self.clone(),
        }
    }

    pub(super) fn watchdog(&self) -> Option<Duration> {
        self.inner.watchdog
    }

    pub(super) fn ready(&self) {
        self.tell(&[NotifyState::Ready]);
    }

    /// With the time of the request, without which `Type=notify-reload` does not count it.
    pub(super) fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.tell(&[NotifyState::Reloading, now]),
            Err(_) => self.tell(&[NotifyState::Reloading]),
        }
    }

    pub(super) fn stopping(&self) {
        self.tell(&[NotifyState::Stopping]);
    }

    pub(super) fn feed(&self) {
        self.tell(&[NotifyState::Watchdog]);
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        if let Err(error) = (self.inner.send)(states)
            && !self.inner.complained.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(error = %error, "cannot tell the service manager; not said again");
        }
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("watchdog", &self.inner.watchdog)
            .finish_non_exhaustive()
    }
}

/// The line that `systemctl status` shows; cheap to clone.
#[derive(Clone, Debug)]
pub struct Status {
    manager: Manager,
}

impl Status {
    /// Shows `line` from now on. Line breaks become spaces: to the service manager, another line
    /// would be another message.
    pub fn set(&self, line: &str) {
        let end = line.floor_char_boundary(STATUS_BYTES_MAX);
        let line = line.get(..end).unwrap_or_default();
        let line = line.replace(|c: char| c.is_control(), " ");
        self.manager.tell(&[NotifyState::Status(&line)]);
    }
}
