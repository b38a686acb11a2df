//! How long tombstones and samples stay.
//!
//! A receiver behind what was dropped gets a snapshot (of samples: what is left), so dropping
//! early costs bytes and never truth.

use rusqlite::{Connection, OptionalExtension, params};
use shared::model::Feed;
use shared::wire::frame::feed_code;

use super::feeds::{FeedState, PerFeed, signed, unsigned};

/// Samples that stay, sent or not: eight hours at one in ten seconds are 2,880, and 4,096 are more
/// than eleven, at some 300 bytes each little more than 1 MB.
const SAMPLES_MAX: u64 = 4096;

/// Tombstones that stay of a feed although a hub has them: for a hub restored from a backup. At
/// 1,000 removals an hour that is a night; a snapshot costs little more than so many changes.
const TOMBSTONES_KEPT: u64 = 10_000;

/// Tombstones that stay of a feed while no hub has them: 10 MB. Beyond it a snapshot is cheaper
/// for both sides.
const TOMBSTONES_MAX: u64 = 100_000;

/// Tombstones go in lots, so that not every removal moves the horizon.
const TOMBSTONES_LOT: u64 = 1_000;

/// Drops what is too old. `acked` tells how far hubs have got.
pub(super) fn retain(
    store: &Connection,
    feeds: &mut PerFeed<FeedState>,
    acked: &PerFeed<u64>,
) -> rusqlite::Result<()> {
    for feed in Feed::ALL {
        let state = feeds.get_mut(feed);
        if feed.is_log() {
            drop_samples(store, feed, state)?;
        } else {
            drop_tombstones(store, feed, state, *acked.get(feed))?;
        }
    }
    Ok(())
}

/// Each sample has one number, so the newest ones are counted by it.
fn drop_samples(store: &Connection, feed: Feed, state: &mut FeedState) -> rusqlite::Result<()> {
    let horizon = state.head.saturating_sub(SAMPLES_MAX);
    if horizon <= state.horizon {
        return Ok(());
    }
    let dropped = store
        .prepare_cached("DELETE FROM record WHERE feed = ?1 AND seq <= ?2")?
        .execute(params![feed_code(feed), signed(horizon)])?;
    state.live = state.live.saturating_sub(dropped as u64);
    state.horizon = horizon;
    Ok(())
}

fn drop_tombstones(
    store: &Connection,
    feed: Feed,
    state: &mut FeedState,
    acked: u64,
) -> rusqlite::Result<()> {
    let surplus = |kept: u64| match state.tombstones.saturating_sub(kept) {
        some if some >= TOMBSTONES_LOT => some,
        _ => 0,
    };
    let by_number = nth_oldest(store, feed, surplus(TOMBSTONES_MAX))?;
    let held_by_hubs = match surplus(TOMBSTONES_KEPT) {
        0 => 0,
        _ if nth_oldest(store, feed, 1)? > acked => 0,
        some => nth_oldest(store, feed, some)?.min(acked),
    };
    let horizon = held_by_hubs.max(by_number);
    if horizon <= state.horizon {
        return Ok(());
    }
    let dropped = store
        .prepare_cached("DELETE FROM record WHERE feed = ?1 AND value IS NULL AND seq <= ?2")?
        .execute(params![feed_code(feed), signed(horizon)])?;
    state.tombstones = state.tombstones.saturating_sub(dropped as u64);
    state.horizon = horizon;
    Ok(())
}

/// The sequence number of the nth oldest tombstone; 0 if `nth` is 0 or there are fewer.
fn nth_oldest(store: &Connection, feed: Feed, nth: u64) -> rusqlite::Result<u64> {
    if nth == 0 {
        return Ok(0);
    }
    let seq = store
        .prepare_cached(
            "SELECT seq FROM record WHERE feed = ?1 AND value IS NULL
             ORDER BY seq LIMIT 1 OFFSET ?2",
        )?
        .query_row(params![feed_code(feed), signed(nth - 1)], |row| {
            unsigned(row, 0)
        });
    Ok(seq.optional()?.unwrap_or(0))
}
