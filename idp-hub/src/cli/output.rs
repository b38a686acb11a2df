//! Results on stdout: tables that fit the terminal, or JSON.

mod table;

use std::io::{self, IsTerminal, Write};

use comfy_table::{Attribute, Cell, CellAlignment, Color};
use serde::Serialize;

use super::arguments::Format;
use super::error::CliError;

/// Columns of a terminal that says no width, as some consoles do: what every one has.
const WIDTH_DEFAULT: u16 = 80;

/// Columns within which text is wrapped: fewer are no text any more, and more are hard to follow.
const WIDTHS: (u16, u16) = (40, 140);

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    format: Format,
    colours: bool,
    /// The terminal's columns. `None` is a file or another program, for which nothing is wrapped.
    width: Option<u16>,
}

impl Screen {
    /// Colours are for people who have not said that they do without: <https://no-color.org>.
    pub(super) fn new(format: Format) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
        let is_terminal = io::stdout().is_terminal();
        Self {
            format,
            colours: is_terminal && !no_color,
            width: is_terminal.then(|| usable(table::terminal_width())),
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

    /// A table: a line for each row, but where a terminal is too narrow for it.
    pub(super) fn listed<R>(
        self,
        names: impl IntoIterator<Item = impl ToString>,
        rows: impl IntoIterator<Item = R>,
    ) -> String
    where
        R: IntoIterator<Item: Into<Cell>>,
    {
        let mut table = table::empty(self.colours);
        let bold = |it: &dyn ToString| Cell::new(it.to_string()).add_attribute(Attribute::Bold);
        table.set_header(names.into_iter().map(|it| bold(&it)).collect::<Vec<_>>());
        for row in rows {
            table.add_row(row);
        }
        table::fitted(table, self.width)
    }

    /// A table of names and values.
    pub(super) fn pairs<'a>(self, pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
        let mut table = table::empty(self.colours);
        for (name, value) in pairs {
            table.add_row([
                Cell::new(name).add_attribute(Attribute::Bold),
                Cell::new(value),
            ]);
        }
        table::fitted(table, self.width)
    }

    /// Several things in one cell: one below the other for people, and for programs in one line.
    pub(super) fn several(self, all: &[String]) -> String {
        match self.width {
            Some(_) => all.join("\n"),
            None => all.join("; "),
        }
    }
}

#[cfg(test)]
impl Screen {
    /// A terminal of so many columns.
    pub(super) const fn wide(columns: u16) -> Self {
        Self {
            format: Format::Table,
            colours: false,
            width: Some(columns),
        }
    }

    /// A file, or another program.
    pub(super) const fn piped() -> Self {
        Self {
            format: Format::Table,
            colours: false,
            width: None,
        }
    }
}

/// The columns to use of a terminal that says to have so many.
fn usable(width: Option<u16>) -> u16 {
    let width = width.filter(|it| *it > 0).unwrap_or(WIDTH_DEFAULT);
    width.clamp(WIDTHS.0, WIDTHS.1)
}

/// Writes a text, and says whether anybody reads on.
fn put(text: &str) -> Result<bool, CliError> {
    match writeln!(io::stdout().lock(), "{}", text.trim_end()) {
        // Whoever read has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).map_err(CliError::Output),
    }
}

/// A figure's cell.
pub(super) fn figure(figure: impl ToString) -> Cell {
    Cell::new(figure.to_string()).set_alignment(CellAlignment::Right)
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

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

    fn listed(screen: Screen) -> String {
        let words = "so many words that no terminal shows them in one line with all of the rest";
        screen.listed(["NAME", "ID", "WHY"], [["inner", ID, words]])
    }

    #[test]
    fn nothing_is_wrapped_for_a_file_or_another_program() {
        let text = listed(Screen::piped());
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.ends_with(" with all of the rest"), "{text}");
        let several = ["a".to_owned(), "b".to_owned()];
        assert_eq!(Screen::piped().several(&several), "a; b");
        assert_eq!(Screen::wide(80).several(&several), "a\nb");
    }

    #[test]
    fn a_terminal_breaks_lines_between_words_alone() {
        let wide = listed(Screen::wide(80));
        assert!(wide.lines().count() > 2 && wide.contains(ID), "{wide}");
        assert!(wide.lines().all(|it| it.len() <= 80), "{wide}");
        // What has no room goes beyond the edge in one piece, and is copied so.
        let narrow = listed(Screen::wide(40));
        assert!(narrow.contains(ID), "{narrow}");
        for word in ["terminal", "shows", "words"] {
            assert!(narrow.contains(word), "{word}: {narrow}");
        }
    }

    #[test]
    fn what_words_leave_goes_to_the_columns_that_lack_it() {
        let long =
            "a text of some length that wants more of the room than there is in the line of it";
        let text = Screen::wide(80).listed(["A", "B"], [["x", long]]);
        let widest = text.lines().map(str::len).max().unwrap();
        assert!((70..=80).contains(&widest), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
    }

    #[test]
    fn a_terminal_without_a_width_counts_as_one_of_eighty_columns() {
        let told = [None, Some(0), Some(10), Some(100), Some(500)].map(usable);
        assert_eq!(told, [80, 80, 40, 100, 140]);
    }
}
