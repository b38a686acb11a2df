//! The fields of an event and of the spans around it, within bounds.

use std::fmt::{self, Write};

use log::kv::{Error, Key, Source, Value, VisitSource};
use tracing::field::{Field, Visit};

/// A value longer than this is cut: it may come from a peer, and a line is to be read.
const VALUE_BYTES_MAX: usize = 2048;

/// More fields than this are dropped, oldest kept: no event of ours has near as many.
const FIELDS_MAX: usize = 32;

/// Set after a cut.
const CUT: &str = "…";

/// Names that the journal's own fields have, and what a field of ours is called instead: otherwise
/// it would be a second one of that name, which contradicts the first.
const RESERVED: [(&str, &str); 7] = [
    ("priority", "field_priority"),
    ("target", "field_target"),
    ("syslog_pid", "field_syslog_pid"),
    ("syslog_identifier", "field_syslog_identifier"),
    ("code_file", "field_code_file"),
    ("code_module", "field_code_module"),
    ("code_line", "field_code_line"),
];

/// Fields in order of their first mention; a later mention, which is the inner one, gives the
/// value.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    /// What the event says, if it says something.
    pub(super) message: String,
    pairs: Vec<(&'static str, String)>,
}

impl Fields {
    /// Adds those of an inner span or event.
    pub(super) fn extend(&mut self, inner: &Self) {
        for (name, value) in &inner.pairs {
            self.set(name, value.clone());
        }
    }

    fn record(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let mut text = Bounded::default();
        // Fails when the bound is reached, and then the text is what fitted.
        let _ = text.write_fmt(value);
        if field.name() == "message" {
            self.message = text.0;
        } else {
            self.set(field.name(), text.0);
        }
    }

    fn set(&mut self, name: &'static str, value: String) {
        if let Some((_, known)) = self.pairs.iter_mut().find(|(known, _)| *known == name) {
            *known = value;
        } else if self.pairs.len() < FIELDS_MAX {
            self.pairs.push((name, value));
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record(field, format_args!("{value:?}"));
    }
}

impl Source for Fields {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), Error> {
        for (name, value) in &self.pairs {
            let reserved = RESERVED
                .iter()
                .find(|(reserved, _)| reserved.eq_ignore_ascii_case(name));
            let name = reserved.map_or(*name, |(_, instead)| *instead);
            visitor.visit_pair(Key::from_str(name), Value::from(value.as_str()))?;
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.pairs.len()
    }
}

/// Text up to [`VALUE_BYTES_MAX`].
#[derive(Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = VALUE_BYTES_MAX.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = text.floor_char_boundary(room);
        self.0.push_str(text.get(..end).unwrap_or_default());
        self.0.push_str(CUT);
        Err(fmt::Error)
    }
}
