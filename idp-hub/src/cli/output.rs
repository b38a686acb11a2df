//! Results on stdout: tables that fit the terminal, or JSON.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use serde::Serialize;

use super::arguments::Format;
use super::error::CliError;

/// Columns where there is no terminal: what every terminal, mail and log has.
const WIDTH_DEFAULT: u16 = 80;

/// Columns beyond which lines are hard to follow.
const WIDTH_MAX: u16 = 140;

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    format: Format,
    colours: bool,
}

impl Screen {
    /// Colours are for people who have not said that they do without: <https://no-color.org>.
    pub(super) fn new(format: Format) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
        Self {
            format,
            colours: io::stdout().is_terminal() && !no_color,
        }
    }

    /// Writes the text, or the document, as asked.
    pub(super) fn line(self, text: &str, document: &impl Serialize) -> Result<(), CliError> {
        self.write(|| text.to_owned(), document)
    }

    /// Writes what `text` makes, or the document, as asked.
    pub(super) fn write(
        self,
        text: impl FnOnce() -> String,
        document: &impl Serialize,
    ) -> Result<(), CliError> {
        let text = match self.format {
            Format::Table => text(),
            Format::Json => serde_json::to_string_pretty(document).map_err(CliError::Answer)?,
        };
        put(&text).map(drop)
    }

    /// As [`write`](Self::write), of what goes on: each document is a line. Returns whether anybody
    /// reads on.
    pub(super) fn append(
        self,
        text: impl FnOnce() -> String,
        document: &impl Serialize,
    ) -> Result<bool, CliError> {
        let text = match self.format {
            Format::Table => text(),
            Format::Json => serde_json::to_string(document).map_err(CliError::Answer)?,
        };
        put(&text)
    }

    /// An empty table that fits the terminal.
    pub(super) fn table(self) -> Table {
        let mut table = Table::new();
        let width = table.width().unwrap_or(WIDTH_DEFAULT).clamp(40, WIDTH_MAX);
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
        if self.colours {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table
    }

    /// A table of names and values.
    pub(super) fn pairs<'a>(self, pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
        let mut table = self.table();
        for (name, value) in pairs {
            table.add_row([
                Cell::new(name).add_attribute(Attribute::Bold),
                Cell::new(value),
            ]);
        }
        table.trim_fmt()
    }
}

/// Writes a text, and says whether anybody reads on.
fn put(text: &str) -> Result<bool, CliError> {
    match writeln!(io::stdout().lock(), "{}", text.trim_end()) {
        // Whoever read has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).map_err(CliError::Output),
    }
}

/// Headers of a table.
pub(super) fn headers<const N: usize>(names: [&str; N]) -> [Cell; N] {
    names.map(|name| Cell::new(name).add_attribute(Attribute::Bold))
}

/// A state's cell: the word, and for those who see it a colour.
pub(super) fn state(state: &str) -> Cell {
    let colour = match state {
        "healthy" => Color::Green,
        "degraded" => Color::Yellow,
        "unreachable" => Color::Red,
        _ => Color::Cyan,
    };
    Cell::new(state).fg(colour)
}
