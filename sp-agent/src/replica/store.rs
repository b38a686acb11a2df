//! The replica on the disk: what the hub told, and what was applied of it.
//!
//! A batch and the cursor that it leads to are one transaction, and acknowledged after it. What the
//! hub told can be told again; what was applied last ([`Base`]) is known again by bindings and
//! markers, so that a damaged file is moved aside and begins anew.

mod feed;
mod links;
mod schema;
mod spent;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use shared::ids::{FederationId, FeedId, ObjectId};
use shared::link::inbox::Inbox;
use shared::model::{CloudId, ObjectKind, UnixMillis};
use shared::wire::Digest;
use shared::wire::frame::{Cursor, DIRECTORY_FEED};
use tokio::sync::watch;

pub use self::feed::Taken;
use super::{Applied, Base, Change, Note, Replica, SetLimits, SetPassword, Was};
use crate::database::move_aside;

const FILE: &str = "replica.sqlite";

/// Why the replica can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The file can't be read or written.
    #[error(
        "cannot use {}; check that its directory is there and the disk has room",
        path.display()
    )]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A damaged file can't be moved out of the way.
    #[error("{} is damaged and cannot be moved aside; move it by hand", path.display())]
    MoveAside {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A newer release wrote it.
    #[error(
        "{} was written by a newer sp-agent (schema {found}, known is {known}); run that release",
        path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// This release's.
        known: i64,
    },
    /// The hub sent what no hub sends.
    #[error("the hub's directory can't be read: {0}")]
    Told(String),
    /// The task that used it ended with the daemon.
    #[error("the replica is closed")]
    Closed,
}

/// A handle on the replica; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    state: Mutex<State>,
    /// Rises with each change that is ready to be applied.
    version: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    connection: Connection,
    inbox: Inbox,
    digest: Digest,
    /// Whether what is held is all that the hub has, as of its last word.
    complete: bool,
    /// Whether it was so since the file was opened.
    was_complete: bool,
    /// In which life of the feed it was so last.
    told_in: Option<FeedId>,
    /// What the hub told, as of when all of it was held.
    replica: Arc<Replica>,
    /// What was told since, each key once.
    changes: BTreeMap<(u16, Vec<u8>), Change>,
}

impl Store {
    /// Opens the replica in `directory`, and empties it if it is another federation's. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// If the file can't be used, or a newer release wrote it.
    pub fn open(
        directory: &Path,
        federation: FederationId,
        now: UnixMillis,
    ) -> Result<Self, ReplicaError> {
        let path = directory.join(FILE);
        let state = match load(&path, federation) {
            Err(ReplicaError::File { source, .. }) if is_damage(&source) => {
                let what = source.to_string();
                set_aside(&path, now, &what)?;
                load(&path, federation)?
            }
            loaded => loaded?,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                path,
                version: watch::Sender::new(u64::from(state.complete)),
                state: Mutex::new(state),
            }),
        })
    }

    /// How far the hub has told.
    pub fn cursor(&self) -> Cursor {
        self.state().inbox.position().cursor(DIRECTORY_FEED)
    }

    /// The same, for the hub to be told: what comes until it begins anew is of before.
    pub fn asks(&self) -> Cursor {
        self.state().inbox.told();
        self.cursor()
    }

    /// A new session with a hub begins.
    pub fn session_began(&self) {
        self.state().inbox.session_began();
    }

    /// Tells when there are changes that are ready to be applied.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.inner.version.subscribe()
    }

    /// What the hub told. Until all that it has is held once more, that is what it told before;
    /// `None` if it never was.
    pub fn replica(&self) -> Option<Arc<Replica>> {
        let mut state = self.state();
        if state.complete {
            let changes = std::mem::take(&mut state.changes);
            if !changes.is_empty() {
                let replica = Arc::make_mut(&mut state.replica);
                changes.into_values().for_each(|it| replica.take(it));
            }
            if state.replica.feed != state.told_in {
                Arc::make_mut(&mut state.replica).feed = state.told_in;
            }
            state.was_complete = true;
        }
        state.was_complete.then(|| Arc::clone(&state.replica))
    }

    /// What was applied last.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn base(&self, now: UnixMillis) -> Result<Base, ReplicaError> {
        self.run(move |state| base(&state.connection, now)).await
    }

    /// Keeps what was applied. All of it or nothing.
    ///
    /// # Errors
    /// If the file can't be written.
    pub async fn keep(&self, notes: Vec<Note>, now: UnixMillis) -> Result<(), ReplicaError> {
        self.run(move |state| {
            let transaction = state.connection.unchecked_transaction()?;
            let mut notes = notes.iter();
            notes.try_for_each(|it| note(&transaction, it, now))?;
            transaction.commit()
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.inner.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReplicaError> {
        let store = self.clone();
        let work = move || {
            let outcome = work(&mut store.state());
            let path = &store.inner.path;
            outcome.map_err(|source| file(path, source))
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| ReplicaError::Closed)?
    }
}

fn file(path: &Path, source: rusqlite::Error) -> ReplicaError {
    let path = path.to_path_buf();
    ReplicaError::File { path, source }
}

fn set_aside(path: &Path, now: UnixMillis, what: &str) -> Result<(), ReplicaError> {
    let aside = move_aside(path, now).map_err(|source| ReplicaError::MoveAside {
        path: path.to_path_buf(),
        source,
    })?;
    tracing::error!(
        moved_to = %aside.display(),
        "{} is damaged ({what}) and begins anew: the hub tells all of it again; check this disk",
        path.display()
    );
    Ok(())
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{ConstraintViolation, DatabaseCorrupt, NotADatabase};
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => matches!(
            failure.code,
            DatabaseCorrupt | NotADatabase | ConstraintViolation
        ),
        // The schema forbids such values.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::QueryReturnedNoRows => true,
        _ => false,
    }
}

fn load(path: &Path, federation: FederationId) -> Result<State, ReplicaError> {
    let mut connection = Connection::open(path).map_err(|source| file(path, source))?;
    schema::prepare(&mut connection, path)?;
    let loaded = || {
        let held: Option<[u8; 16]> = connection
            .query_row("SELECT federation FROM position", (), |row| row.get(0))
            .optional()?;
        if held != Some(federation.to_bytes()) {
            schema::begin(&connection, federation)?;
        }
        feed::load(&connection)
    };
    let (position, digest, complete, changes) = loaded().map_err(|source| file(path, source))?;
    Ok(State {
        connection,
        inbox: Inbox::new(position, false),
        digest,
        complete,
        was_complete: false,
        told_in: complete.then_some(position.id),
        replica: Arc::default(),
        changes,
    })
}

fn base(connection: &Connection, now: UnixMillis) -> rusqlite::Result<Base> {
    let mut base = Base {
        spent: spent::load(connection, now)?,
        ..Base::default()
    };
    let mut objects = connection.prepare_cached("SELECT kind, id, here, was FROM applied")?;
    let mut rows = objects.query(())?;
    while let Some(row) = rows.next()? {
        let (kind, here): (String, String) = (row.get(0)?, row.get(2)?);
        let Some(kind) = ObjectKind::ALL.into_iter().find(|it| it.name() == kind) else {
            continue;
        };
        let id = ObjectId::from_bytes(row.get(1)?);
        let here = CloudId::new(&here);
        let was = Was::from_bytes(row.get(3)?);
        base.objects.insert((kind, id), Applied { here, was });
    }
    links::load(connection, &mut base)?;
    let mut put_backs = connection.prepare_cached("SELECT id, at_ms FROM put_back")?;
    let mut rows = put_backs.query(())?;
    while let Some(row) = rows.next()? {
        let (id, at): (String, u64) = (row.get(0)?, row.get(1)?);
        base.put_backs.insert(CloudId::new(&id), UnixMillis(at));
    }
    let sql = "SELECT user, here, version FROM applied_password";
    let mut passwords = connection.prepare_cached(sql)?;
    let mut rows = passwords.query(())?;
    while let Some(row) = rows.next()? {
        let (here, version): (String, i64) = (row.get(1)?, row.get(2)?);
        let set = SetPassword {
            here: CloudId::new(&here),
            version: u64::try_from(version).unwrap_or(0),
        };
        let user = ObjectId::from_bytes(row.get(0)?);
        base.passwords.insert(user, set);
    }
    let mut unanswered = connection.prepare_cached("SELECT user FROM unanswered_password")?;
    let mut rows = unanswered.query(())?;
    while let Some(row) = rows.next()? {
        base.unanswered.insert(ObjectId::from_bytes(row.get(0)?));
    }
    let sql = "SELECT id, here, resource, version FROM applied_limits";
    let mut limits = connection.prepare_cached(sql)?;
    let mut rows = limits.query(())?;
    while let Some(row) = rows.next()? {
        let (id, here): (String, String) = (row.get(0)?, row.get(1)?);
        let version: i64 = row.get(3)?;
        let version = u64::try_from(version).unwrap_or(0);
        let set = SetLimits {
            here: CloudId::new(&here),
            versions: [(row.get(2)?, version)].into(),
        };
        base.note(Note::Limits(CloudId::new(&id), set));
    }
    Ok(base)
}

fn note(connection: &Connection, note: &Note, now: UnixMillis) -> rusqlite::Result<()> {
    match note {
        Note::Object(kind, id, Some(Applied { here, was })) => connection
            .prepare_cached(
                "INSERT OR REPLACE INTO applied (kind, id, here, was) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                kind.name(),
                id.to_bytes(),
                here.to_string(),
                was.to_bytes()
            ]),
        Note::Object(kind, id, None) => connection
            .prepare_cached("DELETE FROM applied WHERE kind = ?1 AND id = ?2")?
            .execute(params![kind.name(), id.to_bytes()]),
        Note::Link(id, tied) => return links::keep(connection, id, *tied),
        Note::PutBack(id, Some(at)) => connection
            .prepare_cached("INSERT OR REPLACE INTO put_back (id, at_ms) VALUES (?1, ?2)")?
            .execute(params![id.to_string(), at.0]),
        Note::PutBack(id, None) => connection
            .prepare_cached("DELETE FROM put_back WHERE id = ?1")?
            .execute([id.to_string()]),
        Note::Password(user, SetPassword { here, version }) => connection
            .prepare_cached(
                "INSERT OR REPLACE INTO applied_password (user, here, version) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                user.to_bytes(),
                here.to_string(),
                i64::try_from(*version).unwrap_or(i64::MAX)
            ]),
        Note::Unanswered(user, true) => connection
            .prepare_cached("INSERT OR REPLACE INTO unanswered_password (user) VALUES (?1)")?
            .execute([user.to_bytes()]),
        Note::Unanswered(user, false) => connection
            .prepare_cached("DELETE FROM unanswered_password WHERE user = ?1")?
            .execute([user.to_bytes()]),
        Note::Limits(id, set) => return note_limits(connection, id, set),
        Note::Spent(bound, it) => return spent::keep(connection, *bound, it, now),
    }
    .map(drop)
}

fn note_limits(connection: &Connection, id: &CloudId, set: &SetLimits) -> rusqlite::Result<()> {
    let (id, here) = (id.to_string(), set.here.to_string());
    connection
        .prepare_cached("DELETE FROM applied_limits WHERE id = ?1 AND here <> ?2")?
        .execute([&id, &here])?;
    let mut keep = connection.prepare_cached(
        "INSERT OR REPLACE INTO applied_limits (id, here, resource, version)
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (resource, version) in &set.versions {
        let version = i64::try_from(*version).unwrap_or(i64::MAX);
        keep.execute(params![id, here, resource, version])?;
    }
    Ok(())
}
