//! Reading: batches for the link, and the little that the collector goes on from.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use shared::ids::FeedId;
use shared::model::{Feed, Key, Record, RecordKind, Service};
use shared::wire::DecodeError;
use shared::wire::frame::{Gathered, Row, feed_code};
use shared::wire::record::{Decoded, decode, decode_id, encode_key, kind_code, kind_of};

use super::error::{Fault, SpoolError};
use super::feeds::{self, signed, unsigned};
use super::whole::is_whole;

/// Some records of a feed in the order of their change, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// A whole [`FeedFrame::Batch`], header included.
    pub frame: Vec<u8>,
    /// The sequence number that its receiver is at afterwards.
    pub last: u64,
    /// How many records it carries.
    pub records: usize,
    /// Whether it has the digest of all that its receiver then holds.
    pub has_digest: bool,
}

/// The reading connection, which the writer replaces when it opens the file again.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    path: Arc<Path>,
    store: Arc<Mutex<Option<Connection>>>,
}

impl Reader {
    pub(super) fn new(path: Arc<Path>, store: Connection) -> Self {
        Self {
            path,
            store: Arc::new(Mutex::new(Some(store))),
        }
    }

    /// Waits for a reading that goes on.
    pub(super) fn replace(&self, store: Option<Connection>) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = store;
    }

    /// Reads on a thread that may block. All in one transaction: one moment's view.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let (path, store) = (Arc::clone(&self.path), Arc::clone(&self.store));
        let reading = tokio::task::spawn_blocking(move || {
            let store = store.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(store) = store.as_ref() else {
                let path = path.to_path_buf();
                return Err(SpoolError::NotOpen { path });
            };
            let outcome = store.unchecked_transaction().map_err(Fault::from);
            let outcome = outcome.and_then(|moment| read(&moment));
            outcome.map_err(|fault| fault.at(&path))
        });
        reading.await.map_err(|_| SpoolError::Closed)?
    }
}

/// The batch after `after`. If the feed never was so far (an older copy of the file came back), it
/// ends before it begins, and the receiver says where it is.
pub(super) fn batch(
    store: &Connection,
    feed: Feed,
    id: FeedId,
    after: u64,
) -> Result<Option<Batch>, Fault> {
    let Some(state) = feeds::load(store, feed)? else {
        return Ok(None);
    };
    if state.id != id {
        return Ok(None);
    }
    let (rows, is_all) = rows_after(store, feed, after)?;
    let last = match rows.last() {
        Some(seq) if !is_all => seq,
        _ => state.head,
    };
    let is_all = last == state.head && !feed.is_log() && is_whole(store, feed)?;
    let digest = is_all.then_some(state.digest);
    let frame = rows.frame(after, last, digest)?;
    Ok(Some(Batch {
        frame,
        last,
        records: rows.len(),
        has_digest: is_all,
    }))
}

/// As many rows as a batch takes, and whether there are no more.
fn rows_after(store: &Connection, feed: Feed, after: u64) -> Result<(Gathered, bool), Fault> {
    let mut select = store.prepare_cached(
        "SELECT seq, kind, id, value FROM record WHERE feed = ?1 AND seq > ?2 ORDER BY seq",
    )?;
    let mut found = select.query(params![feed_code(feed), signed(after)])?;
    let mut rows = Gathered::default();
    while let Some(row) = found.next()? {
        let is_added = rows.add(Row {
            seq: unsigned(row, 0)?,
            kind: row.get(1)?,
            id: row.get(2)?,
            value: row.get(3)?,
        });
        if !is_added {
            return Ok((rows, false));
        }
    }
    Ok((rows, true))
}

/// Changes of a feed, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// What is so now; `Err` is gone. What only a later release understands is left out.
    pub changes: Vec<Result<Record, Key>>,
    /// The number to go on after.
    pub last: u64,
    /// Whether there are no more now.
    pub is_all: bool,
}

/// The changes after `after`, as many as a batch takes; `None` in another life of the feed, and
/// where removals after `after` were forgotten already: then the reader must begin anew.
pub(super) fn records(
    store: &Connection,
    feed: Feed,
    id: FeedId,
    after: u64,
) -> Result<Option<Changes>, Fault> {
    let Some(state) = feeds::load(store, feed)?.filter(|it| it.id == id) else {
        return Ok(None);
    };
    if after > 0 && after < state.horizon {
        return Ok(None);
    }
    let (rows, is_all) = rows_after(store, feed, after)?;
    let last = match rows.last() {
        Some(seq) if !is_all => seq,
        _ => state.head,
    };
    let mut changes = Vec::with_capacity(rows.len());
    for row in rows.into_rows() {
        let Some(kind) = kind_of(row.kind) else {
            continue;
        };
        match row.value {
            Some(value) => {
                if let Decoded::Known(record) =
                    decode(row.kind, &row.id, &value).map_err(undecodable)?
                {
                    changes.push(Ok(*record));
                }
            }
            None => changes.push(Err(Key {
                kind,
                id: decode_id(&row.id).map_err(undecodable)?,
            })),
        }
    }
    Ok(Some(Changes {
        changes,
        last,
        is_all,
    }))
}

/// One record as last put; `None` where there is none, or only a later release understands it.
pub(super) fn record(store: &Connection, key: &Key) -> Result<Option<Record>, Fault> {
    let (kind, id) = encode_key(key)?;
    let sql = "SELECT value FROM record WHERE kind = ?1 AND id = ?2 AND value IS NOT NULL";
    let mut select = store.prepare_cached(sql)?;
    let found = select.query_row(params![kind, id], |row| row.get::<_, Vec<u8>>(0));
    let Some(value) = found.optional()? else {
        return Ok(None);
    };
    match decode(kind, &id, &value).map_err(undecodable)? {
        Decoded::Known(record) => Ok(Some(*record)),
        Decoded::Unknown => Ok(None),
    }
}

/// The services as last put.
pub(super) fn services(store: &Connection) -> Result<Vec<Service>, Fault> {
    let kind = kind_code(RecordKind::Service);
    let mut select = store
        .prepare_cached("SELECT id, value FROM record WHERE kind = ?1 AND value IS NOT NULL")?;
    let mut rows = select.query([kind])?;
    let mut services = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, value): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        // One of a later release is left to it: this one's probes will say what they find.
        if let Decoded::Known(record) = decode(kind, &id, &value).map_err(undecodable)?
            && let Record::Service(service) = *record
        {
            services.push(service);
        }
    }
    services.sort_by_key(|service| service.kind);
    Ok(services)
}

fn undecodable(error: DecodeError) -> Fault {
    Fault::Damaged(error.to_string())
}
