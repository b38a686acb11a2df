//! Where log lines go: to the journal with structured fields under systemd, to stderr as readable
//! lines otherwise.
//!
//! The code speaks `tracing`. A [`RecordLayer`] turns each event, with the fields of the spans
//! around it, into a `log::Record` with key-values, which both outlets understand; records of
//! libraries that speak `log` join there. What a peer can cause to be logged, over and over, goes
//! through a [`LogLimiter`] first.

use std::io::{self, IsTerminal};
use std::sync::{Arc, OnceLock};

use systemd_journal_logger::{JournalLog, connected_to_journal};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::runtime::clock::Clock;

mod fields;
mod journal;
mod layer;
mod libraries;
mod limiter;
mod lines;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use layer::RecordLayer;
pub use limiter::LogLimiter;
pub use lines::Lines;

use journal::Journal;
use libraries::Limited;

/// The environment variable that overrides the configured filter.
pub const FILTER_VARIABLE: &str = "REGROUP_LOG";

/// What is logged when nobody says otherwise.
pub const FILTER_DEFAULT: &str = "info";

/// A filter is a few directives; a longer one is a mistake, and parsing it would take its time.
const FILTER_BYTES_MAX: usize = 4096;

/// The filter of this process, once logging has begun.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// A directive cannot be understood.
    #[error("the log filter {filter:?} (from {origin}) is wrong; write info,shared::link=debug")]
    Filter {
        /// As given.
        filter: String,
        /// The environment variable, or the configuration.
        origin: &'static str,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The environment variable's value is not text.
    #[error("the environment variable {FILTER_VARIABLE} is not UTF-8 text")]
    NotText,
    /// The journal's socket cannot be made.
    #[error("cannot log to the journal")]
    Journal(#[source] io::Error),
    /// Logging was begun before in this process.
    #[error("logging has begun already")]
    Twice,
}

/// Where the lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlet {
    /// The systemd journal.
    Journal,
    /// Lines on stderr.
    Stderr,
}

/// Begins logging for the whole process. `configured` is the filter from the configuration file;
/// `REGROUP_LOG` overrides it, and without both it is `info`. Call once, before anything logs.
///
/// # Errors
///
/// A filter with a wrong directive is refused, rather than half obeyed.
pub fn init(configured: Option<&str>) -> Result<Outlet, LogError> {
    let filter = check_filter(variable()?.as_deref(), configured)?;
    let clock = Clock::system();
    let (outlet, sink): (Outlet, Arc<dyn log::Log>) = if connected_to_journal() {
        let journal = Journal::new(JournalLog::new().map_err(LogError::Journal)?);
        (Outlet::Journal, Arc::new(Limited::new(journal, clock)))
    } else {
        let terminal = io::stderr().is_terminal();
        let colours = colours(terminal, std::env::var_os("NO_COLOR").as_deref());
        let lines = Lines::new(io::stderr(), clock.clone(), colours);
        (Outlet::Stderr, Arc::new(Limited::new(lines, clock)))
    };
    let (filter, handle) = reload::Layer::new(filter);
    tracing_subscriber::registry()
        .with(filter)
        .with(RecordLayer::new(Arc::clone(&sink)))
        .try_init()
        .map_err(|_| LogError::Twice)?;
    // There is none yet, or the line before would have failed.
    let _ = FILTER.set(handle);
    log::set_boxed_logger(Box::new(sink)).map_err(|_| LogError::Twice)?;
    // Few libraries speak `log`, and what they say below a warning is for their own developers.
    log::set_max_level(log::LevelFilter::Warn);
    Ok(outlet)
}

/// Takes another configured filter for a process that logs already. `REGROUP_LOG` still overrides
/// it. Before [`init`] it does nothing but check.
///
/// # Errors
/// As [`init`]; the filter before then stays.
pub fn change_filter(configured: Option<&str>) -> Result<(), LogError> {
    let filter = check_filter(variable()?.as_deref(), configured)?;
    if let Some(handle) = FILTER.get() {
        // It fails only where the subscriber is gone, and with it everybody who could hear.
        let _ = handle.reload(filter);
    }
    Ok(())
}

fn variable() -> Result<Option<String>, LogError> {
    match std::env::var(FILTER_VARIABLE) {
        Ok(filter) => Ok(Some(filter)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(LogError::NotText),
    }
}

/// Checks a filter as [`init`] would, for a configuration that is checked whole before it is used:
/// `variable` before `configured` before the default.
///
/// # Errors
///
/// [`LogError::Filter`], with what is wrong and where it came from.
pub fn check_filter(
    variable: Option<&str>,
    configured: Option<&str>,
) -> Result<EnvFilter, LogError> {
    let (filter, origin) = match (variable.filter(|filter| !filter.is_empty()), configured) {
        (Some(filter), _) => (filter, FILTER_VARIABLE),
        (None, Some(filter)) => (filter, "the configuration"),
        (None, None) => (FILTER_DEFAULT, "the default"),
    };
    let wrong = |source| {
        let end = filter.floor_char_boundary(FILTER_BYTES_MAX);
        let filter = filter.get(..end).unwrap_or_default().to_owned();
        LogError::Filter {
            filter,
            origin,
            source,
        }
    };
    if filter.len() > FILTER_BYTES_MAX {
        return Err(wrong(
            format!("longer than {FILTER_BYTES_MAX} bytes").into(),
        ));
    }
    if let Some(word) = filter.split(',').map(str::trim).find(|it| is_typo(it)) {
        let what = format!("{word:?} is no level: off, error, warn, info, debug or trace");
        return Err(wrong(what.into()));
    }
    EnvFilter::builder()
        .parse(filter)
        .map_err(|error| wrong(error.into()))
}

/// A word alone is a level. The library would take another for a part of the program, of which it
/// then logs everything, and nothing of all others: a slip of the pen would silence a daemon.
fn is_typo(directive: &str) -> bool {
    let is_word = !directive.contains(['=', '[', ']', '{', '}']);
    is_word && !directive.is_empty() && directive.parse::<LevelFilter>().is_err()
}

/// Colours are for people who have not said that they do without: <https://no-color.org>.
fn colours(terminal: bool, no_color: Option<&std::ffi::OsStr>) -> bool {
    terminal && no_color.is_none_or(|value| value.is_empty())
}
