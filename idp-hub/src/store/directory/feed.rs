//! The directory as it goes to the regions: one feed each, of what holds everywhere and of what was
//! decided about that region's own things.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, params};
use shared::ids::FeedId;
use shared::link::outbox::Extent;
use shared::wire::Digest;
use shared::wire::frame::{Gathered, Row};
use tokio::sync::watch;

use super::EVERYWHERE;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;
use crate::store::{Reading, Store};

/// How far the feed of each region goes, as of the newest commit. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads {
    id: FeedId,
    everywhere: u64,
    /// Of those whose organization was merged.
    regions: Arc<HashMap<RegionNo, u64>>,
}

/// Some records of a region's feed, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryBatch {
    /// A whole frame, header included.
    pub frame: Vec<u8>,
    /// The number that its receiver is at afterwards.
    pub last: u64,
    /// Whether it has the digest of all that its receiver then holds.
    pub has_digest: bool,
}

impl Heads {
    pub(in crate::store) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let doing = "read how far the directory goes";
        let reading = Reading { connection };
        let sql = "SELECT region, (SELECT max(seq) FROM directory d WHERE d.region = o.region)
                   FROM region_organization o WHERE merged_ms IS NOT NULL";
        let mut statement = connection.prepare_cached(sql).doing(doing)?;
        let rows = statement.query_map((), |row| {
            let head: Option<u64> = row.get(1)?;
            Ok((RegionNo(row.get(0)?), head.unwrap_or(0)))
        });
        let regions = rows.and_then(Iterator::collect).doing(doing)?;
        let everywhere: Option<u64> = connection
            .prepare_cached("SELECT max(seq) FROM directory WHERE region = ?1")
            .and_then(|mut it| it.query_row([EVERYWHERE], |row| row.get(0)))
            .doing(doing)?;
        Ok(Self {
            id: FeedId::from_bytes(reading.required("directory_feed_id")?),
            everywhere: everywhere.unwrap_or(0),
            regions: Arc::new(regions),
        })
    }

    /// What a region is told; `None` before its organization is merged.
    pub fn extent(&self, no: RegionNo) -> Option<Extent> {
        let own = self.regions.get(&no)?;
        Some(Extent {
            id: self.id,
            head: self.everywhere.max(*own),
            horizon: 0,
            whole: true,
        })
    }
}

impl Store {
    /// Tells how far the directory goes. Several changes may come as one.
    pub fn directory_heads(&self) -> watch::Receiver<Heads> {
        self.heads.subscribe()
    }
}

impl Reading<'_> {
    /// The batch of a region's feed after `after`; `None` if its organization is not merged.
    ///
    /// # Errors
    /// If the database fails.
    pub fn directory_batch(
        &self,
        no: RegionNo,
        after: u64,
    ) -> Result<Option<DirectoryBatch>, StoreError> {
        let Some(extent) = Heads::read(self.connection)?.extent(no) else {
            return Ok(None);
        };
        let (rows, is_all) = rows_after(self.connection, no, after)?;
        let last = match rows.last() {
            Some(seq) if !is_all => seq,
            // Of a feed that never was so far the receiver says where it is.
            _ => extent.head,
        };
        let digest = is_all.then(|| self.directory_digest(no)).transpose()?;
        let untold = StoreError::Row {
            what: "thing of the directory",
        };
        let frame = rows.frame(after, last, digest).map_err(|_| untold)?;
        Ok(Some(DirectoryBatch {
            frame,
            last,
            has_digest: is_all,
        }))
    }

    /// The digest of all that a region is told.
    fn directory_digest(&self, no: RegionNo) -> Result<Digest, StoreError> {
        let mut digest = Digest::from_bytes(self.required("directory_digest")?);
        let sql = "SELECT digest FROM region_organization WHERE region = ?1";
        let own: [u8; 16] = self
            .prepared(sql)?
            .query_row([no.0], |row| row.get(0))
            .doing("read the digest of a region's bindings")?;
        digest.add(Digest::from_bytes(own));
        Ok(digest)
    }
}

/// As many rows as a batch takes, and whether there are no more. Each half goes by its own index.
fn rows_after(
    connection: &Connection,
    no: RegionNo,
    after: u64,
) -> Result<(Gathered, bool), StoreError> {
    let doing = "read the directory";
    let sql = "SELECT seq, kind, id, value FROM directory WHERE region = ?1 AND seq > ?3
               UNION ALL
               SELECT seq, kind, id, value FROM directory WHERE region = ?2 AND seq > ?3
               ORDER BY seq";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut found = statement
        .query(params![EVERYWHERE, no.0, after])
        .doing(doing)?;
    let mut rows = Gathered::default();
    while let Some(row) = found.next().doing(doing)? {
        let row = Row {
            seq: row.get(0).doing(doing)?,
            kind: row.get(1).doing(doing)?,
            id: row.get(2).doing(doing)?,
            value: row.get(3).doing(doing)?,
        };
        if !rows.add(row) {
            return Ok((rows, false));
        }
    }
    Ok((rows, true))
}
