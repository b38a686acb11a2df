//! Warnings of libraries, which a peer can cause: at most one per place and window.
//!
//! rustls and quinn warn of every malformed handshake and packet, and whoever can reach the port
//! can send those without end. Our own modules decide for themselves, with a [`LogLimiter`] and a
//! key that tells the peers apart; libraries know no such key, so the place in their code is the
//! key.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use log::{Level, Log, Metadata, Record};

use super::limiter::LogLimiter;
use crate::runtime::clock::Clock;

/// Crates that limit themselves.
pub(super) const OWN_CRATES: [&str; 3] = ["shared", "sp_agent", "idp_hub"];

/// Often enough to see that it goes on, seldom enough not to fill a disk.
const WINDOW: Duration = Duration::from_secs(60);

/// All libraries together have fewer places that warn.
const PLACES_MAX: usize = 256;

/// Passes records on to `sink`, except for libraries' warnings and errors that are repeated.
pub(super) struct Limited<L> {
    sink: L,
    clock: Clock,
    places: Mutex<LogLimiter<(Option<&'static str>, Option<u32>)>>,
}

impl<L: Log> Limited<L> {
    pub(super) fn new(sink: L, clock: Clock) -> Self {
        Self {
            sink,
            clock,
            places: Mutex::new(LogLimiter::new(WINDOW, PLACES_MAX)),
        }
    }
}

impl<L: Log> Log for Limited<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.sink.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        // Who asks for a library's debug lines wants them all.
        if record.level() > Level::Warn || is_own(record.target()) {
            return self.sink.log(record);
        }
        let place = (record.module_path_static(), record.line());
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = places.admit(self.clock.now(), place);
        drop(places);
        match admitted {
            None => {}
            Some(0) => self.sink.log(record),
            Some(count) => self.sink.log(
                &record
                    .to_builder()
                    .args(format_args!(
                        "{} (and {count} more since the last)",
                        record.args()
                    ))
                    .build(),
            ),
        }
    }

    fn flush(&self) {
        self.sink.flush();
    }
}

fn is_own(target: &str) -> bool {
    let own = target.split("::").next().unwrap_or(target);
    OWN_CRATES.contains(&own)
}
