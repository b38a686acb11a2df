//! Whether the daemon is alive, as opposed to merely there.
//!
//! Whoever must keep moving (a store's writer, the ingest loop) holds a [`Beat`] and ticks it each
//! time round. The watchdog is fed only while every beat has ticked within its allowance, so that a
//! deadlock ends in a restart by the service manager, and not in a daemon that looks well and does
//! nothing. The feeding itself is a task like others: when all threads of the runtime are stuck, it
//! does not run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::manager::Manager;
use crate::runtime::clock::Clock;
use crate::runtime::shutdown::Shutdown;

/// Whatever the service manager asks for, feeding it is not the daemon's main work.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// A handle on all beats; cheap to clone.
#[derive(Clone, Debug)]
pub struct Liveness {
    clock: Clock,
    start: Instant,
    pulses: Arc<Mutex<Vec<Weak<Pulse>>>>,
}

#[derive(Debug)]
struct Pulse {
    name: &'static str,
    allowance: Duration,
    /// Milliseconds from the start of the daemon.
    last_ms: AtomicU64,
}

impl Liveness {
    /// Nothing must move yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            start: clock.now(),
            clock,
            pulses: Arc::default(),
        }
    }

    /// Asks that the returned beat tick at least once in each `allowance`, from now until it is
    /// dropped.
    #[must_use]
    pub fn beat(&self, name: &'static str, allowance: Duration) -> Beat {
        let last_ms = AtomicU64::new(self.millis());
        let pulse = Arc::new(Pulse {
            name,
            allowance,
            last_ms,
        });
        let mut pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.retain(|pulse| pulse.strong_count() > 0);
        pulses.push(Arc::downgrade(&pulse));
        Beat {
            liveness: self.clone(),
            pulse,
        }
    }

    /// Names of the beats that are overdue.
    #[must_use]
    pub fn stalled(&self) -> Vec<&'static str> {
        let now_ms = self.millis();
        let pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        let overdue = |pulse: &Arc<Pulse>| {
            let silent_ms = now_ms.saturating_sub(pulse.last_ms.load(Ordering::Relaxed));
            Duration::from_millis(silent_ms) > pulse.allowance
        };
        pulses
            .iter()
            .filter_map(Weak::upgrade)
            .filter(overdue)
            .map(|pulse| pulse.name)
            .collect()
    }

    /// Feeds the watchdog twice in each `interval`, as sd_watchdog_enabled(3) advises, until the
    /// stores close.
    pub(super) async fn feed(&self, manager: &Manager, interval: Duration, shutdown: &Shutdown) {
        let mut stalled_before = false;
        loop {
            let stalled = self.stalled();
            if stalled.is_empty() {
                manager.feed();
            } else if !stalled_before {
                let names = stalled.join(", ");
                tracing::error!(stalled = names, "not alive: the watchdog is not fed");
            }
            stalled_before = !stalled.is_empty();
            tokio::select! {
                () = self.clock.sleep((interval / 2).max(PAUSE_MIN)) => {}
                () = shutdown.closed() => return,
            }
        }
    }

    fn millis(&self) -> u64 {
        let since = self.clock.now().saturating_duration_since(self.start);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A sign of life. Dropping it ends the obligation: what has ended is the task policy's concern.
#[derive(Debug)]
pub struct Beat {
    liveness: Liveness,
    pulse: Arc<Pulse>,
}

impl Beat {
    /// I am still moving.
    pub fn tick(&self) {
        self.pulse
            .last_ms
            .store(self.liveness.millis(), Ordering::Relaxed);
    }
}
