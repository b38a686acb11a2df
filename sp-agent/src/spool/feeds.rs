//! What is kept about each feed: which life, how far, and the digest of what is live.

use rusqlite::{Connection, OptionalExtension, Row, params};
use shared::ids::FeedId;
use shared::link::outbox::Extent;
use shared::model::Feed;
use shared::wire::Digest;
use shared::wire::frame::feed_code;

use super::error::Fault;

/// Records that one feed holds at most. Five times the largest OpenStack cell in the field
/// (some 200,000 servers with their ports and volumes), and 300 MB of disk.
pub(super) const LIVE_MAX: u64 = 1_000_000;

/// One value for each feed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PerFeed<T> {
    inventory: T,
    quota: T,
    organization: T,
    health: T,
    samples: T,
}

impl<T> PerFeed<T> {
    pub(super) fn of(mut make: impl FnMut(Feed) -> T) -> Self {
        Self {
            inventory: make(Feed::Inventory),
            quota: make(Feed::Quota),
            organization: make(Feed::Organization),
            health: make(Feed::Health),
            samples: make(Feed::Samples),
        }
    }

    pub(super) fn try_of<E>(mut make: impl FnMut(Feed) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            inventory: make(Feed::Inventory)?,
            quota: make(Feed::Quota)?,
            organization: make(Feed::Organization)?,
            health: make(Feed::Health)?,
            samples: make(Feed::Samples)?,
        })
    }

    pub(super) const fn get(&self, feed: Feed) -> &T {
        match feed {
            Feed::Inventory => &self.inventory,
            Feed::Quota => &self.quota,
            Feed::Organization => &self.organization,
            Feed::Health => &self.health,
            Feed::Samples => &self.samples,
        }
    }

    pub(super) const fn get_mut(&mut self, feed: Feed) -> &mut T {
        match feed {
            Feed::Inventory => &mut self.inventory,
            Feed::Quota => &mut self.quota,
            Feed::Organization => &mut self.organization,
            Feed::Health => &mut self.health,
            Feed::Samples => &mut self.samples,
        }
    }

    pub(super) fn map<U>(&self, mut f: impl FnMut(&T) -> U) -> PerFeed<U> {
        PerFeed {
            inventory: f(&self.inventory),
            quota: f(&self.quota),
            organization: f(&self.organization),
            health: f(&self.health),
            samples: f(&self.samples),
        }
    }
}

/// One feed's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FeedState {
    pub(super) id: FeedId,
    pub(super) head: u64,
    pub(super) horizon: u64,
    /// Of a log it stays that of the empty set.
    pub(super) digest: Digest,
    pub(super) live: u64,
    pub(super) tombstones: u64,
}

impl FeedState {
    const fn new(id: FeedId) -> Self {
        Self {
            id,
            head: 0,
            horizon: 0,
            digest: Digest::from_bytes([0; 16]),
            live: 0,
            tombstones: 0,
        }
    }

    pub(super) const fn extent(&self, whole: bool) -> Extent {
        Extent {
            id: self.id,
            head: self.head,
            horizon: self.horizon,
            whole,
        }
    }
}

/// Every feed, begun where it is missing.
pub(super) fn load_or_begin(
    store: &Connection,
    mut chance: impl FnMut() -> u128,
) -> Result<PerFeed<FeedState>, Fault> {
    PerFeed::try_of(|feed| match load(store, feed)? {
        Some(state) => Ok(state),
        None => {
            let state = FeedState::new(FeedId::from_random(chance()));
            save(store, feed, &state)?;
            Ok(state)
        }
    })
}

/// One feed's row, if it has begun.
pub(super) fn load(store: &Connection, feed: Feed) -> rusqlite::Result<Option<FeedState>> {
    store
        .prepare_cached(
            "SELECT id, head, horizon, digest, live, tombstones FROM feed WHERE feed = ?1",
        )?
        .query_row([feed_code(feed)], |row| {
            Ok(FeedState {
                id: FeedId::from_bytes(row.get(0)?),
                head: unsigned(row, 1)?,
                horizon: unsigned(row, 2)?,
                digest: Digest::from_bytes(row.get(3)?),
                live: unsigned(row, 4)?,
                tombstones: unsigned(row, 5)?,
            })
        })
        .optional()
}

/// Writes one feed's row.
pub(super) fn save(store: &Connection, feed: Feed, state: &FeedState) -> rusqlite::Result<()> {
    store
        .prepare_cached(
            "INSERT OR REPLACE INTO feed (feed, id, head, horizon, digest, live, tombstones)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            feed_code(feed),
            state.id.to_bytes(),
            signed(state.head),
            signed(state.horizon),
            state.digest.to_bytes(),
            signed(state.live),
            signed(state.tombstones),
        ])
        .map(|_| ())
}

/// Compares what is kept about a feed with its records. Where they differ, a hub that is told this
/// digest could never agree.
pub(super) fn verify(store: &Connection, feed: Feed, state: &FeedState) -> Result<(), Fault> {
    let mut found = FeedState {
        digest: Digest::default(),
        live: 0,
        tombstones: 0,
        ..*state
    };
    let mut statement =
        store.prepare("SELECT kind, id, value, seq FROM record WHERE feed = ?1 ORDER BY place")?;
    let mut rows = statement.query([feed_code(feed)])?;
    while let Some(row) = rows.next()? {
        let id = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let value = row
            .get_ref(2)?
            .as_blob_or_null()
            .map_err(rusqlite::Error::from)?;
        match value {
            Some(value) if !feed.is_log() => {
                found.live += 1;
                found.digest.add(Digest::of(row.get(0)?, id, value));
            }
            Some(_) => found.live += 1,
            None => found.tombstones += 1,
        }
        found.head = found.head.max(unsigned(row, 3)?);
    }
    if found == *state {
        Ok(())
    } else {
        let name = feed.name();
        Err(Fault::Damaged(format!(
            "the {name} feed's digest or count is not that of its records"
        )))
    }
}

/// A column that the schema keeps from being negative.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// `SQLite` counts to 2⁶³ − 1, which at a million changes a second takes 292,000 years.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
