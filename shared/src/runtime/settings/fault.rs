//! What is wrong in a settings file, and what to write instead.

use std::fmt;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line and column, both from 1; `None` for what a default is wrong about, or what is missing
    /// without a section that it should stand in.
    pub at: Option<(usize, usize)>,
    /// The setting with its section, such as `link.listen`; empty where the text is no TOML.
    pub setting: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it, as a command.
    pub instead: String,
    pub(super) kind: Kind,
}

/// What a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The text is no TOML there.
    Syntax,
    /// A setting that is there.
    Value,
    /// A setting that is not there.
    Missing,
}

impl Fault {
    pub(super) fn line(&self) -> usize {
        self.at.map_or(0, |(line, _)| line)
    }
}

/// `link.listen: … ; …`, without the place.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.setting.is_empty() {
            write!(f, "{}: ", self.setting)?;
        }
        write!(f, "{}; {}", self.what, self.instead)
    }
}

/// Every fault of one file, a line each, as compilers tell them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// The file, as it was named.
    pub file: String,
    /// The faults, in the order of the file; at least one.
    pub faults: Vec<Fault>,
}

impl Faults {
    pub(super) const fn new(file: String, faults: Vec<Fault>) -> Self {
        Self { file, faults }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.len();
        let noun = if count == 1 { "fault" } else { "faults" };
        write!(f, "{} has {count} {noun}:", self.file)?;
        for fault in &self.faults {
            write!(f, "\n{}:", self.file)?;
            if let Some((line, column)) = fault.at {
                write!(f, "{line}:{column}:")?;
            }
            write!(f, " {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
