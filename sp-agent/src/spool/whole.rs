//! Whether a feed holds all that it tells of.
//!
//! A new spool, or one that begins anew after damage, is empty, and its cloud is not. A hub that
//! was told the digest of so little would remove everything else. So none is told before each part
//! of the feed came to the end of an audit in this life, or turned out not to exist in this cloud.
//! An audit that was told of a record which it could not read, and which is not held, does not
//! count, nor does one that was told nothing of a whole department, or of who is in a group: the
//! hub may hold it. So where Keystone's rules keep one group from the agent's account, no feed of
//! the organization is whole until they are others. Of a back end that is off nobody knows whether
//! it has pools, and some are never switched on again, so those are not waited for; nor is the rest
//! of a list that is cut.

use rusqlite::{Connection, OptionalExtension, params};
use shared::model::{Feed, UnixMillis};
use shared::wire::frame::feed_code;

use super::feeds::PerFeed;
use crate::cloud::{Mark, Part};

/// Whether each feed is whole.
pub(super) fn all(store: &Connection) -> rusqlite::Result<PerFeed<bool>> {
    PerFeed::try_of(|feed| is_whole(store, feed))
}

/// Whether a feed is whole.
pub(super) fn is_whole(store: &Connection, feed: Feed) -> rusqlite::Result<bool> {
    match feed {
        // All services are put at once.
        Feed::Health => store
            .prepare_cached("SELECT 1 FROM feed WHERE feed = ?1 AND head > 0")?
            .exists([feed_code(feed)]),
        Feed::Samples => Ok(true),
        Feed::Inventory | Feed::Quota | Feed::Organization => {
            for part in Part::ALL.into_iter().filter(|it| it.kind().feed() == feed) {
                if !is_settled(store, part)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}

/// The mark of a part's last whole audit.
pub(super) fn mark(store: &Connection, part: Part) -> rusqlite::Result<Option<Mark>> {
    let value: Option<[u8; 8]> = store
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([mark_key(part)], |row| row.get(0))
        .optional()?;
    Ok(value.map(|bytes| Mark(UnixMillis(u64::from_le_bytes(bytes)))))
}

/// An audit came to its end.
pub(super) fn save_mark(store: &Connection, part: Part, mark: Mark) -> rusqlite::Result<()> {
    save(store, &mark_key(part), &mark.0.0.to_le_bytes())
}

/// This cloud has no such part. Not written again where that is known, or the part was read.
pub(super) fn save_absent(store: &Connection, part: Part) -> rusqlite::Result<()> {
    match is_settled(store, part)? {
        true => Ok(()),
        false => save(store, &absent_key(part), &[]),
    }
}

/// Whether a part came to the end of an audit in this life, or is not there.
pub(super) fn is_settled(store: &Connection, part: Part) -> rusqlite::Result<bool> {
    store
        .prepare_cached("SELECT 1 FROM meta WHERE key IN (?1, ?2)")?
        .exists([mark_key(part), absent_key(part)])
}

fn save(store: &Connection, key: &str, value: &[u8]) -> rusqlite::Result<()> {
    store
        .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value])
        .map(drop)
}

fn mark_key(part: Part) -> String {
    format!("mark/{}", part.name())
}

fn absent_key(part: Part) -> String {
    format!("absent/{}", part.name())
}
