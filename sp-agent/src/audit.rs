//! The agent's own audit trail: what was done to this region's membership, policy and cloud.
//!
//! ```text
//! apply, join, leave, settings ─ Act ─▶ Trail ─ one transaction ─▶ audit.sqlite ◀─ sp-agent audit
//! ```
//!
//! The chain is that of [`shared::audit`], as at the hub. The file has no write-ahead log: then a
//! command of the administrator's, run as root, leaves nothing beside it that the daemon could not
//! open. Its place is read with each entry, so that daemon and commands may write in turn.

mod rows;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags};
use shared::audit::{Act, Broken, By, Entry, Head, Verified, Wanted};
use shared::model::UnixMillis;

use crate::database::{damage, move_aside, settle};

/// The trail, within the data directory.
pub const FILE: &str = "audit.sqlite";

/// Why the trail can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// The directory can't be looked at.
    #[error("cannot use the data directory {}; is it there?", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Whoever asks may not look at it.
    #[error(
        "you may not look at {}; run this as root, or as the agent's user: sudo -u sp-agent \
         sp-agent audit …",
        path.display()
    )]
    NotAllowed {
        /// Which.
        path: PathBuf,
    },
    /// The file can't be read or written.
    #[error(
        "cannot use the audit trail {}; check its owner, and that the disk has room",
        path.display()
    )]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A damaged file can't be moved out of the way.
    #[error("{} is damaged and cannot be moved aside; move it by hand", path.display())]
    MoveAside {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A newer release wrote it.
    #[error("{} was written by a newer sp-agent; run that release", path.display())]
    Newer {
        /// Which.
        path: PathBuf,
    },
    /// There is none.
    #[error("there is no audit trail {} yet; it begins when the agent runs", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The task that used it ended with the daemon.
    #[error("the audit trail is closed")]
    Closed,
}

/// A handle on the trail; cheap to clone.
#[derive(Debug, Clone)]
pub struct Trail(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    connection: Mutex<Connection>,
    epoch: AtomicU64,
}

impl Trail {
    /// Opens the trail in `data_dir`, or begins it. A damaged one is moved aside, and the new one
    /// says so. Blocks on the disk.
    ///
    /// # Errors
    /// If the file can't be used, or a newer release wrote it.
    pub fn open(data_dir: &Path, now: UnixMillis) -> Result<Self, TrailError> {
        let path = path(data_dir)?;
        let flags = OpenFlags::SQLITE_OPEN_CREATE;
        match connect(&path, flags) {
            Err(TrailError::File { source, .. }) if is_damage(&source) => {
                let what = source.to_string();
                let aside = move_aside(&path, now);
                let aside = aside.map_err(|source| TrailError::MoveAside {
                    path: path.clone(),
                    source,
                })?;
                let (path, aside) = (path, aside.display().to_string());
                tracing::error!(
                    moved_to = aside,
                    "{} is damaged ({what}) and begins anew; check this disk",
                    path.display()
                );
                let trail = Self::new(path.clone(), connect(&path, flags)?);
                let act = Act::new(By::new("sp-agent", "this machine"), "begin anew");
                let act = act.on("audit trail", "", aside).with_outcome(what);
                trail.write(now, vec![act])?;
                Ok(trail)
            }
            connected => Ok(Self::new(path, connected?)),
        }
    }

    /// Opens the trail that is there.
    ///
    /// # Errors
    /// If there is none, or it can't be used.
    pub fn existing(data_dir: &Path) -> Result<Self, TrailError> {
        let path = path(data_dir)?;
        std::fs::metadata(&path).map_err(|source| absent(&path, source))?;
        let connection = connect(&path, OpenFlags::empty())?;
        Ok(Self::new(path, connection))
    }

    fn new(path: PathBuf, connection: Connection) -> Self {
        let (connection, epoch) = (Mutex::new(connection), AtomicU64::new(0));
        Self(Arc::new(Inner {
            path,
            connection,
            epoch,
        }))
    }

    /// From here on entries are of this epoch of the federation; 0 where none is followed.
    pub fn follow(&self, epoch: u64) {
        self.0.epoch.store(epoch, Ordering::Relaxed);
    }

    /// Where it is kept.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Tells the trail of some acts, in their order: all or none, and durably. Blocks on the disk.
    ///
    /// # Errors
    /// If they can't be written.
    pub fn write(&self, at: UnixMillis, acts: Vec<Act>) -> Result<Head, TrailError> {
        let epoch = self.0.epoch.load(Ordering::Relaxed);
        let entry = |act| Entry { at, epoch, act };
        let entries: Vec<Entry> = acts.into_iter().map(entry).collect();
        self.with(|connection| rows::append(connection, &entries, rows::ENTRIES_MAX))
    }

    /// The same, off the async threads.
    ///
    /// # Errors
    /// If they can't be written. They may be given again.
    pub async fn tell(&self, at: UnixMillis, acts: Vec<Act>) -> Result<Head, TrailError> {
        let trail = self.clone();
        let written = tokio::task::spawn_blocking(move || trail.write(at, acts));
        written.await.map_err(|_| TrailError::Closed)?
    }

    /// The same, where what was done is done whether or not the trail can be told: then the log is.
    pub async fn note(&self, at: UnixMillis, act: Act) {
        let line = act.line();
        if let Err(error) = self.tell(at, vec![act]).await {
            let error = shared::runtime::errors::chain(&error).to_string();
            tracing::error!(error, line, "the audit trail could not be told");
        }
    }

    /// The newest entry's place. Blocks on the disk.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn head(&self) -> Result<Head, TrailError> {
        self.with(|connection| rows::place(connection).map(|it| it.head))
    }

    /// At most `limit` wanted entries with their numbers, the newest first; `None` for one that
    /// can't be read. Blocks on the disk.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn list(
        &self,
        limit: usize,
        wanted: &Wanted,
    ) -> Result<Vec<(u64, Option<Entry>)>, TrailError> {
        self.with(|connection| rows::list(connection, limit, wanted))
    }

    /// Checks the whole trail, also against an entry that somebody wrote down before: some half a
    /// second where it is full. Blocks on the disk.
    ///
    /// # Errors
    /// If the file can't be read. What it finds is no error.
    pub fn verify(&self, witness: Option<Head>) -> Result<Result<Verified, Broken>, TrailError> {
        self.with(|connection| rows::verify(connection, witness))
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, TrailError> {
        let connection = self.0.connection.lock();
        let mut connection: MutexGuard<'_, _> = connection.unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|source| file(&self.0.path, source))
    }
}

/// The file, with no link on the way to it: those above the data directory are the administrator's,
/// and what is a link in it is not.
fn path(data_dir: &Path) -> Result<PathBuf, TrailError> {
    let real = data_dir.canonicalize();
    let real = real.map_err(|source| match source.kind() {
        io::ErrorKind::PermissionDenied => absent(data_dir, source),
        _ => TrailError::Directory {
            path: data_dir.to_path_buf(),
            source,
        },
    })?;
    Ok(real.join(FILE))
}

/// Why something of it is not seen. Its directory is open to the agent's user alone: whoever else
/// asks is not told that there is none.
fn absent(path: &Path, source: io::Error) -> TrailError {
    let path = path.to_path_buf();
    match source.kind() {
        io::ErrorKind::NotFound => TrailError::Missing { path },
        io::ErrorKind::PermissionDenied => TrailError::NotAllowed { path },
        _ => TrailError::Directory { path, source },
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, TrailError> {
    let flags = flags
        | OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connected = || {
        let mut connection = Connection::open_with_flags(path, flags)?;
        settle(&connection)?;
        connection.pragma_update(None, "synchronous", "extra")?;
        if let Some(found) = damage(&connection)? {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(rusqlite::Error::SqliteFailure(code, Some(found)));
        }
        let is_known = rows::prepare(&mut connection)?;
        Ok((connection, is_known))
    };
    match connected().map_err(|source| file(path, source))? {
        (connection, true) => Ok(connection),
        (_, false) => Err(TrailError::Newer {
            path: path.to_path_buf(),
        }),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    let code = error.sqlite_error_code();
    matches!(code, Some(DatabaseCorrupt | NotADatabase))
}

fn file(path: &Path, source: rusqlite::Error) -> TrailError {
    let path = path.to_path_buf();
    TrailError::File { path, source }
}
