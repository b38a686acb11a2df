//! Reads a daemon's settings file (TOML), and finds every fault in it at once.
//!
//! A daemon asks a [`Table`] for each of its settings, by name and type. What is wrong with one
//! becomes a [`Fault`] with its line and column, and the reading goes on with the next; so do the
//! daemon's own checks over several settings. Keys that nobody asked for are faults too, for a
//! misspelt setting is one that silently does not hold. At the end [`Document::finish`] gives
//! nothing, or all that has to be mended:
//!
//! ```
//! # use shared::runtime::settings::Document;
//! let text = "[link]\nlisten = \"7443\"\nadress = \"hub\"";
//! let document = Document::parse("hub.toml", text);
//! let mut root = document.root();
//! let mut link = root.section("link");
//! let _listen = link.address("listen", "[::]:7443").or(([0, 0, 0, 0], 7443).into());
//! let _address = link.text("address", "hub.example.org:7443");
//! drop((link, root));
//! assert_eq!(
//!     document.finish().unwrap_err().to_string(),
//!     "hub.toml has 2 faults:\n\
//!      hub.toml:2:10: link.listen: \"7443\" is no IP address with a port; write \"[::]:7443\"\n\
//!      hub.toml:3:1: link.adress: there is no such setting; write \"address\""
//! );
//! ```

use std::cell::RefCell;
use std::error::Error;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::files::{self, FileError};

mod fault;
mod nearest;
mod setting;
mod table;
#[cfg(test)]
mod tests;
mod words;

use fault::Kind;
pub use fault::{Fault, Faults};
pub use setting::Setting;
pub use table::Table;

/// The largest file read, in bytes: a hundred times what a fully commented one takes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Faults told of one file; with more, it is not a settings file at all.
const FAULTS_MAX: usize = 100;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("cannot read the configuration; {}", advice(.0))]
    Read(#[source] FileError),
    /// The file has faults.
    #[error(transparent)]
    Faults(#[from] Faults),
}

/// What to do about a file that can't be read.
fn advice(error: &FileError) -> &'static str {
    let source = error.source().and_then(|it| it.downcast_ref::<io::Error>());
    match source.map(io::Error::kind) {
        Some(io::ErrorKind::PermissionDenied) => {
            "run this as root, or as the user that the daemon runs as"
        }
        _ => "name another file with --config",
    }
}

/// Reads the text of a settings file, for [`Document::parse`].
///
/// # Errors
/// If it can't be read, is no text, or is longer than a settings file ever is.
pub fn read(path: &Path) -> Result<String, FileError> {
    files::read_text(path, FILE_BYTES_MAX)
}

/// The files that a settings file names, under keys that end in `_file`, also where it has faults:
/// what they hold belongs to the settings.
pub fn named_files(text: &str) -> Vec<PathBuf> {
    let (root, _) = DeTable::parse_recoverable(text);
    let (mut files, mut tables) = (Vec::new(), vec![root.get_ref()]);
    while let Some(table) = tables.pop() {
        for (key, value) in table {
            match value.get_ref() {
                DeValue::Table(inner) => tables.push(inner),
                DeValue::String(path) if key.get_ref().ends_with("_file") => {
                    files.push(PathBuf::from(&**path));
                }
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// A settings file that is being read.
#[derive(Debug)]
pub struct Document<'t> {
    file: String,
    text: &'t str,
    root: Spanned<DeTable<'t>>,
    faults: RefCell<Vec<Fault>>,
}

impl<'t> Document<'t> {
    /// Takes the text of a file, and the name that faults call the file by.
    pub fn parse(file: &str, text: &'t str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let document = Self {
            file: file.to_owned(),
            text,
            root,
            faults: RefCell::default(),
        };
        for error in &errors {
            let offset = error.span().map(|span| span.start);
            let instead = "see https://toml.io for how to write it";
            document.add(offset, "", error.message(), &instead, Kind::Syntax);
        }
        document
    }

    /// The settings that stand in no section.
    pub fn root(&self) -> Table<'_> {
        Table::new(self, String::new(), None, Some(self.root.get_ref()))
    }

    /// All is read and checked.
    ///
    /// # Errors
    /// The faults, in the order of the file.
    pub fn finish(self) -> Result<(), Faults> {
        let mut faults = self.faults.into_inner();
        if faults.is_empty() {
            return Ok(());
        }
        let syntax = |it: &&Fault| it.kind == Kind::Syntax;
        let unreadable: Vec<_> = faults
            .iter()
            .filter(syntax)
            .filter_map(|it| it.at)
            .collect();
        // What could not be read was guessed at, and what is missing may stand there.
        faults.retain(|fault| match fault.kind {
            Kind::Syntax => true,
            Kind::Missing => unreadable.is_empty(),
            Kind::Value => unreadable.iter().all(|at| fault.line() != at.0),
        });
        faults.sort_by_key(|it| (it.at.is_none(), it.at));
        Err(Faults::new(self.file, faults))
    }

    fn add(
        &self,
        offset: Option<usize>,
        name: &str,
        what: impl Display,
        instead: &dyn Display,
        kind: Kind,
    ) {
        let mut faults = self.faults.borrow_mut();
        if faults.len() < FAULTS_MAX {
            faults.push(Fault {
                at: offset.map(|offset| self.line_and_column(offset)),
                setting: name.to_owned(),
                what: what.to_string(),
                instead: instead.to_string(),
                kind,
            });
        }
    }

    /// Both from 1; the column counts characters, as editors do.
    fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        (line, column)
    }
}
