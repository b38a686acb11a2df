//! What can go wrong in the store.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::directory::quota::QuotaRefusal;
use crate::directory::rights::Denied;
use crate::directory::{DriftRefusal, MergeRefusal, Refusal};

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be opened or made.
    #[error(
        "cannot open the database {}; check the directory's owner and the disk",
        path.display()
    )]
    Open {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// It is damaged.
    #[error(
        "the database {} is damaged ({finding}); restore a backup, with `idp-hub restore FILE`: \
         agents bring everything since then up again", path.display()
    )]
    Damaged {
        /// Its file.
        path: PathBuf,
        /// What the integrity check says.
        finding: String,
    },
    /// A file is no backup that the hub can go on with.
    #[error("cannot restore {}: {why}", path.display())]
    NotRestorable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// It was written by a later release.
    #[error("the database has schema {found}, and this release knows up to {known}; upgrade it")]
    Newer {
        /// The database's schema.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// A migration failed; the database is as it was.
    #[error("cannot bring the database to schema {to}")]
    Migrate {
        /// The schema that it should have.
        to: u32,
        /// Why.
        source: rusqlite::Error,
    },
    /// A statement failed.
    #[error("cannot {what} in the database")]
    Statement {
        /// What was to be done.
        what: &'static str,
        /// Why: a full disk and I/O errors come here.
        source: rusqlite::Error,
    },
    /// The group's commit failed; nothing of it is stored.
    #[error("cannot commit to the database: {reason}; free disk space or mend the disk")]
    Commit {
        /// What SQLite says.
        reason: String,
    },
    /// A row does not say what it should.
    #[error("the database holds a {what} that can't be read")]
    Row {
        /// Which.
        what: &'static str,
    },
    /// The thread can't be started.
    #[error("cannot start the store's thread")]
    Thread(#[source] io::Error),
    /// The store has ended.
    #[error("the store is closed because the hub stops")]
    Closed,
    /// A name is taken.
    #[error("the name {name:?} is taken; choose another, or remove the region that has it")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// There is no such thing.
    #[error("there is no {what} {name:?}")]
    Missing {
        /// What kind of thing.
        what: &'static str,
        /// Which.
        name: String,
    },
    /// A change of the directory is not right.
    #[error(transparent)]
    Edit(#[from] Refusal),
    /// A region's organization can't be planned for, or not merged so.
    #[error(transparent)]
    Merge(#[from] MergeRefusal),
    /// Limits are not set so.
    #[error(transparent)]
    Quota(#[from] QuotaRefusal),
    /// A drift is not cured so.
    #[error(transparent)]
    Drift(#[from] DriftRefusal),
    /// Too many do the same.
    #[error("{what}, and this one's turn has not come; try again in {} seconds", retry.as_secs())]
    Busy {
        /// What goes on.
        what: &'static str,
        /// When to come again.
        retry: Duration,
    },
    /// Whoever asks may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The caller's change decided against itself.
    #[error("{0}")]
    Refused(String),
}

/// Names what a statement was to do.
pub(in crate::store) trait Doing<T> {
    fn doing(self, what: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, rusqlite::Error> {
    fn doing(self, what: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Statement { what, source })
    }
}
