//! Opening the file: locked, checked, brought to this release's schema; moved aside if damaged.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use shared::link::outbox::Extent;
use shared::model::{Feed, UnixMillis};
use shared::runtime::files::create_private_dir;
use tracing::error;

use super::error::{Fault, SpoolError};
use super::feeds::{self, FeedState, PerFeed};
use super::schema::{SCHEMA, migrate, schema_of};
use super::whole;
use crate::database::{damage, move_aside, settle};

const FILE: &str = "spool.sqlite";
const LOCK: &str = "spool.lock";

/// A predecessor that was told to stop, or a handle that was just dropped, commits its last group
/// within this: 250 tries of 20 ms.
const LOCK_TRIES: u32 = 250;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Page cache of the writer, KiB. An agent of 10,000 servers has 40 MiB for everything; its spool
/// is some 6 MB, of which a page of an audit touches a small part, and the system caches the rest.
const WRITER_CACHE_KIB: i64 = 2048;

/// Page cache of the reader, KiB: a batch and the index pages above it.
const READER_CACHE_KIB: i64 = 1024;

/// What stays of the write-ahead log after a checkpoint, bytes: what the default checkpoint, every
/// 1,000 pages of 4 KiB, lets it grow to.
const WAL_BYTES_KEPT: i64 = 4 << 20;

/// What the file may grow to: a million records at 600 bytes, with their indexes, several times.
const FILE_BYTES_MAX: i64 = 4 << 30;

/// `SQLite`'s own default, and the block size of most file systems.
const PAGE_BYTES: i64 = 4096;

/// The open file, from the writer's side.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) feeds: PerFeed<FeedState>,
    /// Whether each holds all that it tells of.
    pub(super) whole: PerFeed<bool>,
}

impl Store {
    /// What is held of a feed.
    pub(super) const fn extent(&self, feed: Feed) -> Extent {
        self.feeds.get(feed).extent(*self.whole.get(feed))
    }
}

/// Opens, and opens again after a fault, holding the lock all the time.
pub(super) struct Opener {
    path: PathBuf,
    /// Names what is moved aside. The caller's latest time: nothing here has a clock.
    pub(super) now: UnixMillis,
    pub(super) chance: Box<dyn FnMut() -> u128 + Send>,
    /// Pages of the file at most.
    pub(super) pages_max: i64,
    _lock: File,
}

impl Opener {
    pub(super) fn new(
        directory: &Path,
        now: UnixMillis,
        chance: Box<dyn FnMut() -> u128 + Send>,
    ) -> Result<Self, SpoolError> {
        create_private_dir(directory).map_err(|source| SpoolError::Directory {
            path: directory.to_path_buf(),
            source: Arc::new(source),
        })?;
        let path = directory.join(FILE);
        let lock = lock(&directory.join(LOCK), &path)?;
        Ok(Self {
            path,
            now,
            chance,
            pages_max: FILE_BYTES_MAX / PAGE_BYTES,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file, or a new one in place of a damaged one.
    pub(super) fn open(&mut self) -> Result<Store, SpoolError> {
        match self.open_as_it_is() {
            Err(SpoolError::Damaged { what, .. }) => {
                self.set_aside(&what)?;
                self.open_as_it_is()
            }
            opened => opened,
        }
    }

    /// Moves a damaged file out of the way, loudly. No connection may be open.
    pub(super) fn set_aside(&self, what: &str) -> Result<(), SpoolError> {
        let aside = move_aside(&self.path, self.now).map_err(|source| SpoolError::MoveAside {
            path: self.path.clone(),
            source: Arc::new(source),
        })?;
        error!(
            spool = %self.path.display(),
            moved_to = %aside.display(),
            "the spool is damaged ({what}) and begins anew: everything is collected again, samples \
             not yet sent are lost; check this disk"
        );
        Ok(())
    }

    /// A connection that only reads. The writer's must be open.
    pub(super) fn open_reader(&self) -> Result<Connection, SpoolError> {
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let store = Connection::open_with_flags(&self.path, flags)?;
            settle(&store)?;
            store.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
            Ok(store)
        };
        open().map_err(|error| SpoolError::of(&self.path, error))
    }

    fn open_as_it_is(&mut self) -> Result<Store, SpoolError> {
        let opened = self.connect().and_then(|mut connection| {
            check(&connection)?;
            migrate(&mut connection)?;
            let begin = connection.transaction()?;
            let feeds = feeds::load_or_begin(&begin, &mut self.chance)?;
            begin.commit()?;
            for feed in Feed::ALL {
                feeds::verify(&connection, feed, feeds.get(feed))?;
            }
            let whole = whole::all(&connection)?;
            Ok(Store {
                connection,
                feeds,
                whole,
            })
        });
        opened.map_err(|fault| fault.at(&self.path))
    }

    /// A file of a newer release is left exactly as it is.
    fn connect(&self) -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let path = self.path.clone();
        let connection = Connection::open_with_flags(&self.path, flags).map_err(|source| {
            Fault::Refused(SpoolError::Open {
                path,
                source: Arc::new(source),
            })
        })?;
        settle(&connection)?;
        let found = schema_of(&connection)?;
        if found > SCHEMA {
            return Err(Fault::Refused(SpoolError::Newer {
                path: self.path.clone(),
                found,
                known: SCHEMA,
            }));
        }
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "max_page_count", self.pages_max)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
        Ok(connection)
    }
}

/// The operating system gives the lock back with the process, however that ends.
fn lock(lock: &Path, spool: &Path) -> Result<File, SpoolError> {
    let failed = |source| SpoolError::Lock {
        path: lock.to_path_buf(),
        source: Arc::new(source),
    };
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(lock).map_err(failed)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    Err(SpoolError::InUse {
        path: spool.to_path_buf(),
    })
}

fn check(connection: &Connection) -> Result<(), Fault> {
    match damage(connection)? {
        None => Ok(()),
        Some(found) => Err(Fault::Damaged(found)),
    }
}
