//! What can go wrong with a spool, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;
use shared::model::{Feed, RecordKind};
use shared::runtime::files::FileError;
use shared::wire::EncodeError;
use shared::wire::frame::GatherError;

use super::feeds::LIVE_MAX;
use crate::cloud::Part;

/// Why the spool did not do what was asked. Cheap to clone, as one failed commit answers many.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The directory can't be made, or is not the agent's own.
    #[error("cannot use {} for the spool", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        source: Arc<FileError>,
    },
    /// The lock file can't be made or taken.
    #[error("cannot lock {}; it must belong to the agent's user", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The operating system's reason.
        source: Arc<io::Error>,
    },
    /// Another process has the spool open.
    #[error("{} is in use by another sp-agent; stop that one first", path.display())]
    InUse {
        /// The spool's file.
        path: PathBuf,
    },
    /// The file can't be opened.
    #[error("cannot open the spool {}; it must belong to the agent's user", path.display())]
    Open {
        /// The spool's file.
        path: PathBuf,
        /// `SQLite`'s reason.
        source: Arc<rusqlite::Error>,
    },
    /// The file was written by a newer release.
    #[error(
        "the spool {} is of a newer release (schema {found}, this one knows {known}); install that \
         release again, or move the file away: all but its samples is then collected again",
        path.display()
    )]
    Newer {
        /// The spool's file.
        path: PathBuf,
        /// The schema that it has.
        found: i64,
        /// The newest that this release knows.
        known: i64,
    },
    /// A damaged file can't be moved out of the way.
    #[error("cannot move the damaged spool {} aside; move it away by hand", path.display())]
    MoveAside {
        /// The spool's file.
        path: PathBuf,
        /// The operating system's reason.
        source: Arc<io::Error>,
    },
    /// No thread could be started.
    #[error("cannot start the spool's writer; the machine is short of memory or threads")]
    Thread {
        /// The operating system's reason.
        source: Arc<io::Error>,
    },
    /// The file system has no room left.
    #[error(
        "no room left to write the spool {}; free some on that file system (the spool itself takes \
         4 GiB at most): until then nothing new is kept, afterwards the agent goes on by itself",
        path.display()
    )]
    Full {
        /// The spool's file.
        path: PathBuf,
        /// `SQLite`'s reason.
        source: Arc<rusqlite::Error>,
    },
    /// The file can't be read or written.
    #[error(
        "cannot read or write the spool {}; check its disk and the kernel's log: the agent keeps \
         trying",
        path.display()
    )]
    Io {
        /// The spool's file.
        path: PathBuf,
        /// `SQLite`'s reason.
        source: Arc<rusqlite::Error>,
    },
    /// The file does not hold what was written to it.
    #[error(
        "the spool {} is damaged ({what}); the agent moves it aside and collects again, but check \
         its disk",
        path.display()
    )]
    Damaged {
        /// The spool's file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A record can't be encoded: a fault of this program.
    #[error("a record can't be encoded; report this as a fault of sp-agent")]
    Encode {
        /// What the codec says.
        source: Arc<EncodeError>,
    },
    /// A page holds a record of another part: a fault of this program.
    #[error(
        "a page of {} holds a {}; report this as a fault of sp-agent",
        part.name(), kind.name()
    )]
    Misplaced {
        /// The page's part.
        part: Part,
        /// The record's kind.
        kind: RecordKind,
    },
    /// A feed holds as many records as it may.
    #[error(
        "the {} feed holds {LIVE_MAX} records, the most that one agent carries; split this cloud \
         between several agents",
        feed.name()
    )]
    TooMany {
        /// The feed.
        feed: Feed,
    },
    /// An audit lost a page, or a newer one of the same part began.
    #[error("this audit of {} is void; read the part again", part.name())]
    Void {
        /// The audit's part.
        part: Part,
    },
    /// The file is closed, or not yet open again after a fault.
    #[error("the spool {} is not open; if it failed, the agent opens it again", path.display())]
    NotOpen {
        /// The spool's file.
        path: PathBuf,
    },
    /// The spool was closed.
    #[error("the spool is closed")]
    Closed,
}

impl SpoolError {
    /// What a failure of `SQLite` means for whoever is to cure it.
    pub(super) fn of(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        let damaged = match &error {
            rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DiskFull => {
                    let source = Arc::new(error);
                    return Self::Full { path, source };
                }
                // No job can violate a constraint, unless an index lies.
                code => matches!(
                    code,
                    ErrorCode::DatabaseCorrupt
                        | ErrorCode::NotADatabase
                        | ErrorCode::ConstraintViolation
                ),
            },
            // The schema forbids such values.
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::QueryReturnedNoRows => true,
            _ => false,
        };
        if damaged {
            let what = error.to_string();
            Self::Damaged { path, what }
        } else {
            let source = Arc::new(error);
            Self::Io { path, source }
        }
    }
}

/// Why a job is not done, seen from inside a transaction.
#[derive(Debug)]
pub(super) enum Fault {
    /// `SQLite` fails: so will the transaction.
    Store(rusqlite::Error),
    /// A row is not what was written.
    Damaged(String),
    /// The job is refused, the others are not.
    Refused(SpoolError),
}

impl Fault {
    pub(super) fn at(self, path: &Path) -> SpoolError {
        match self {
            Self::Store(error) => SpoolError::of(path, error),
            Self::Damaged(what) => SpoolError::Damaged {
                path: path.to_path_buf(),
                what,
            },
            Self::Refused(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error)
    }
}

impl From<GatherError> for Fault {
    fn from(error: GatherError) -> Self {
        match error {
            GatherError::TooLong { .. } => Self::Damaged(error.to_string()),
            GatherError::Encode(source) => source.into(),
        }
    }
}

impl From<EncodeError> for Fault {
    fn from(source: EncodeError) -> Self {
        Self::Refused(SpoolError::Encode {
            source: Arc::new(source),
        })
    }
}
