//! Catches what a test logs.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use log::kv::{Error, Key, Value, VisitSource};
use log::{Log, Metadata, Record};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

use super::RecordLayer;

/// Lines of the form `LEVEL message key=value`.
#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<String>>>);

/// Catches everything that this thread logs while the guard lives.
pub(crate) fn capture() -> (Captured, DefaultGuard) {
    let captured = Captured::default();
    let layer = RecordLayer::new(Arc::new(captured.clone()));
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    (captured, guard)
}

impl Captured {
    pub(crate) fn lines_with(&self, text: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        lines
            .iter()
            .filter(|line| line.contains(text))
            .cloned()
            .collect()
    }
}

impl Log for Captured {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut line = format!("{} {}", record.level(), record.args());
        record.key_values().visit(&mut Pairs(&mut line)).unwrap();
        self.0.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

struct Pairs<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        write!(self.0, " {key}={value}").unwrap();
        Ok(())
    }
}
