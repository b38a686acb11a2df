//! Connections that only read, kept for reuse.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// `None` once the store is closed.
    idle: Mutex<Option<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

/// The right to ask one question.
pub(in crate::store) type Turn = Option<OwnedSemaphorePermit>;

impl Readers {
    pub(in crate::store) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::new(Some(Vec::new())),
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
        let idle = self.idle().as_mut().ok_or(StoreError::Closed)?.pop();
        let connection = idle.map_or_else(|| self.open(), Ok)?;
        connection.execute_batch("BEGIN").doing("begin reading")?;
        let answer = question(&Reading {
            connection: &connection,
        });
        connection.execute_batch("COMMIT").doing("end reading")?;
        if let Some(idle) = self.idle().as_mut() {
            idle.push(connection);
        }
        answer
    }

    /// Ends every connection that answers nothing now, and the others when they have answered. As
    /// long as one is open, the writer's last act can't fold the log into the database and remove
    /// it.
    pub(in crate::store) fn close(&self) {
        drop(self.idle().take());
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use shared::runtime::clock::Clock;
    use tempfile::TempDir;

    use super::*;
    use crate::store::{Store, WriterThread};

    fn files(directory: &Path) -> Vec<String> {
        let entries = directory.read_dir().unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A store that has something in its log.
    async fn written() -> (TempDir, Store, WriterThread) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hub.db");
        let (store, writer) = Store::open(&path, Clock::system()).unwrap();
        store
            .change(|it| it.set_password("admin", "hash"))
            .await
            .unwrap();
        (directory, store, writer)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_that_is_closed_leaves_one_file_though_others_still_hold_it() {
        let (directory, store, writer) = written().await;
        store.read(|it| it.regions()).await.unwrap();
        store.close().await;
        tokio::task::spawn_blocking(|| writer.join()).await.unwrap();
        assert_eq!(files(directory.path()), ["hub.db"]);
        let late = store.read(|it| it.regions()).await;
        assert!(matches!(late, Err(StoreError::Closed)), "{late:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_question_that_is_being_answered_is_waited_for() {
        let (directory, store, writer) = written().await;
        let (begun, has_begun) = mpsc::channel();
        let (end, may_end) = mpsc::channel();
        let question = store.read(move |it| {
            let account = it.account("admin")?;
            begun.send(()).unwrap();
            may_end.recv().unwrap();
            Ok(account)
        });
        let closing = async {
            tokio::task::spawn_blocking(move || has_begun.recv().unwrap())
                .await
                .unwrap();
            store.close().await;
            let ended = tokio::task::spawn_blocking(|| writer.join());
            tokio::time::sleep(Duration::from_millis(100)).await;
            end.send(()).unwrap();
            ended.await.unwrap();
        };
        let (answer, ()) = tokio::join!(question, closing);
        assert!(answer.unwrap().is_some());
        let log = directory.path().join("hub.db-wal");
        assert_eq!(log.metadata().map_or(0, |found| found.len()), 0);
    }
}
