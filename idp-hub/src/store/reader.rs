//! Connections that only read, kept for reuse.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Reading;
use super::error::{Doing, StoreError};
use super::schema::settle;

/// Questions at once, each on a connection and a thread of its own. Further ones wait: a few cores
/// don't answer more any faster. They are short, pages of at most a thousand records; a backup,
/// which is not, has no turn.
const READERS_MAX: usize = 8;

/// Pages held in memory by each, KiB.
const CACHE_KIB: i32 = 2 << 10;

pub(in crate::store) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
}

/// The right to ask one question.
pub(in crate::store) type Turn = Option<OwnedSemaphorePermit>;

impl Readers {
    pub(in crate::store) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::new(Vec::new()),
            turns: Arc::new(Semaphore::new(READERS_MAX)),
        }
    }

    /// Waits until another question may be asked. Cancel-safe.
    pub(in crate::store) async fn turn(&self) -> Turn {
        // It is never closed.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Answers a question from one transaction's view.
    pub(in crate::store) fn read<T>(
        &self,
        question: impl FnOnce(&Reading<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = idle.map_or_else(|| self.open(), Ok)?;
        connection.execute_batch("BEGIN").doing("begin reading")?;
        let answer = question(&Reading {
            connection: &connection,
        });
        connection.execute_batch("COMMIT").doing("end reading")?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(connection);
        answer
    }

    fn open(&self) -> Result<Connection, StoreError> {
        let failed = |source| StoreError::Open {
            path: self.path.clone(),
            source,
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(failed)?;
        settle(&connection).map_err(failed)?;
        connection
            .pragma_update(None, "cache_size", -CACHE_KIB)
            .map_err(failed)?;
        Ok(connection)
    }
}

impl Reading<'_> {
    /// See [`Store::back_up`](super::Store::back_up).
    pub(in crate::store) fn back_up(&self, path: &Path) -> Result<(), StoreError> {
        if path.exists() {
            let file = path.display();
            return Err(StoreError::Refused(format!(
                "{file} exists; name a new file"
            )));
        }
        let mut copy = Connection::open(path).map_err(|source| StoreError::Open {
            path: path.to_owned(),
            source,
        })?;
        let backup =
            rusqlite::backup::Backup::new(self.connection, &mut copy).doing("begin a backup")?;
        // A thousand pages at a time with a pause in between: the writer is not in the way in WAL.
        backup
            .run_to_completion(1000, Duration::from_millis(1), None)
            .doing("copy for a backup")
    }
}
