//! Readable lines: `2026-11-21T17:05:03.123Z INFO  link::session: greeted region=eu-1 epoch=4`.
//!
//! Whatever a value holds, it stays on its line and says nothing to the terminal: control
//! characters are escaped, and values with spaces are quoted.

use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use log::kv::{Error, Key, Value, VisitSource};
use log::{Level, Log, Metadata, Record};

use super::libraries::OWN_CRATES;
use crate::foreign::is_deceptive;
use crate::model::UnixMillis;
use crate::runtime::clock::Clock;

/// Writes one line per record.
pub struct Lines<W> {
    out: Mutex<W>,
    clock: Clock,
    colours: bool,
}

impl<W: Write + Send> Lines<W> {
    /// Writes to `out`, with times from `clock`.
    pub fn new(out: W, clock: Clock, colours: bool) -> Self {
        Self {
            out: Mutex::new(out),
            clock,
            colours,
        }
    }
}

impl<W: Write + Send> Log for Lines<W> {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = line(record, self.clock.unix_millis(), self.colours);
        // In one write, so that lines of two processes on one terminal do not mix. When stderr is
        // gone, there is nobody left to tell.
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(line.as_bytes());
    }

    fn flush(&self) {
        let _ = self
            .out
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush();
    }
}

fn line(record: &Record<'_>, at: UnixMillis, colours: bool) -> String {
    let (colour, dim, plain) = if colours {
        (colour(record.level()), "\x1b[2m", "\x1b[0m")
    } else {
        ("", "", "")
    };
    let mut line = String::with_capacity(160);
    let level = record.level().as_str();
    let (at, target) = (time(at), short(record.target()));
    let _ = write!(
        line,
        "{dim}{at}{plain} {colour}{level:<5}{plain} {target}: "
    );
    line.push_str(&message(record, dim, plain));
    line.push('\n');
    line
}

/// What the record says, with its fields: `greeted region=eu-1 epoch=4`. Around each name stand
/// `dim` and `plain`.
pub(super) fn message(record: &Record<'_>, dim: &'static str, plain: &'static str) -> String {
    let mut text = String::with_capacity(80);
    escape(&mut text, format_args!("{}", record.args()), false);
    // The visitor never fails.
    let _ = record.key_values().visit(&mut Pairs {
        line: &mut text,
        dim,
        plain,
    });
    text
}

/// RFC 3339 in UTC, with milliseconds always.
fn time(at: UnixMillis) -> String {
    let timestamp = i64::try_from(at.0)
        .ok()
        .and_then(|at| Timestamp::from_millisecond(at).ok());
    format!("{:.3}", timestamp.unwrap_or(Timestamp::MAX))
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::Error => "\x1b[1;31m",
        Level::Warn => "\x1b[33m",
        Level::Info => "\x1b[32m",
        Level::Debug => "\x1b[34m",
        Level::Trace => "\x1b[35m",
    }
}

/// The names of our own crates say nothing to an operator; the module after them does.
fn short(target: &str) -> &str {
    match target.split_once("::") {
        Some((own, module)) if OWN_CRATES.contains(&own) => module,
        _ => target,
    }
}

struct Pairs<'a> {
    line: &'a mut String,
    dim: &'static str,
    plain: &'static str,
}

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let _ = write!(self.line, " {}{key}={}", self.dim, self.plain);
        let text = value.to_string();
        let quoted = text.is_empty() || text.contains([' ', '"', '=']);
        if quoted {
            self.line.push('"');
        }
        escape(self.line, format_args!("{text}"), quoted);
        if quoted {
            self.line.push('"');
        }
        Ok(())
    }
}

/// Appends `text` with its control characters, and what only looks like none, made visible.
fn escape(line: &mut String, text: fmt::Arguments<'_>, quoted: bool) {
    for character in text.to_string().chars() {
        match character {
            '"' | '\\' if quoted => line.extend(['\\', character]),
            _ if character.is_control() || is_deceptive(character) => {
                line.extend(character.escape_default());
            }
            _ => line.push(character),
        }
    }
}

impl<W> fmt::Debug for Lines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("colours", &self.colours)
            .finish_non_exhaustive()
    }
}
