//! How a region's feeds and services stand in the database.

use rusqlite::{Connection, OptionalExtension, params};
use shared::ids::FeedId;
use shared::link::inbox::{Inbox, Position};
use shared::model::{Feed, Service, UnixMillis};
use shared::wire::Digest;
use shared::wire::frame::{Phase, feed_code};
use shared::wire::record::{self, Decoded};

use super::FeedHot;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;

pub(super) fn load_feed(
    connection: &Connection,
    no: RegionNo,
    feed: Feed,
) -> Result<Option<FeedHot>, StoreError> {
    let sql = "SELECT id, seq, live, generation, digest, fresh_ms FROM feeds
               WHERE region = ?1 AND feed = ?2";
    let found = connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            let row = |row: &rusqlite::Row<'_>| {
                let phase = if row.get(2)? {
                    Phase::Live
                } else {
                    Phase::Snapshot
                };
                let position = Position {
                    id: FeedId::from_bytes(row.get(0)?),
                    seq: row.get(1)?,
                    phase,
                    generation: row.get(3)?,
                };
                Ok(FeedHot {
                    inbox: Inbox::new(position, feed.is_log()),
                    digest: Digest::from_bytes(row.get(4)?),
                    fresh: UnixMillis(row.get(5)?),
                    dirty: false,
                    full: false,
                    caught_up: false,
                })
            };
            statement
                .query_row(params![no.0, feed_code(feed)], row)
                .optional()
        })
        .doing("read a feed's position")?;
    Ok(found)
}

pub(super) fn save_feed(
    connection: &Connection,
    no: RegionNo,
    feed: Feed,
    state: &FeedHot,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO feeds (region, feed, id, seq, live, generation, digest, fresh_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               ON CONFLICT (region, feed) DO UPDATE SET id = ?3, seq = ?4, live = ?5,
                   generation = ?6, digest = ?7, fresh_ms = ?8";
    let position = state.inbox.position();
    let row = params![
        no.0,
        feed_code(feed),
        position.id.to_bytes(),
        position.seq,
        position.phase == Phase::Live,
        position.generation,
        state.digest.to_bytes(),
        state.fresh.0,
    ];
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(row))
        .doing("store a feed's position")?;
    Ok(())
}

pub(super) fn load_services(
    connection: &Connection,
    no: RegionNo,
) -> Result<Vec<Service>, StoreError> {
    let (lowest, highest) = record::kinds_of_feed(Feed::Health);
    let sql = "SELECT kind, id, value FROM records WHERE region = ?1 AND kind BETWEEN ?2 AND ?3";
    let mut statement = connection.prepare_cached(sql).doing("read services")?;
    let rows = statement
        .query_map(params![no.0, lowest, highest], |row| {
            Ok((
                row.get::<_, u16>(0)?,
                row.get::<_, Vec<u8>>(1)?,
                row.get::<_, Vec<u8>>(2)?,
            ))
        })
        .doing("read services")?;
    let mut services = Vec::new();
    for row in rows {
        let (kind, id, value) = row.doing("read services")?;
        if let Ok(Decoded::Known(known)) = record::decode(kind, &id, &value)
            && let shared::model::Record::Service(service) = *known
        {
            services.push(service);
        }
    }
    Ok(services)
}
