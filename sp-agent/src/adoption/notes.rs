//! What the log hears of visitors: what counts, always; the rest once for each of them and a time.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::runtime::logs::LogLimiter;
use shared::wire::frame::Denial;

/// Strangers come again and again; the log hears of one thing once in this time.
const WINDOW: Duration = Duration::from_secs(600);

/// Things that are told apart: more than a door's visitors do in a window.
const THINGS_MAX: usize = 256;

/// What a visitor did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Thing {
    /// Asked who the agent is.
    Looked,
    /// Did not get what it asked for.
    Denied(Denial),
}

/// Which things the log has heard of.
#[derive(Debug)]
pub(super) struct Notes(Mutex<LogLimiter<(IpAddr, Thing)>>);

impl Default for Notes {
    fn default() -> Self {
        Self(Mutex::new(LogLimiter::new(WINDOW, THINGS_MAX)))
    }
}

impl Notes {
    /// How many were left out since the last one, if this one may be logged.
    pub(super) fn admit(&self, now: Instant, source: IpAddr, thing: Thing) -> Option<u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .admit(now, (source, thing))
    }
}
