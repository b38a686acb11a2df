//! The directory as it goes to the regions: one feed each, of what holds everywhere and of what was
//! decided about that region's own things.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use shared::ids::FeedId;
use shared::link::outbox::Extent;
use shared::wire::Digest;
use shared::wire::frame::{Gathered, Row};
use tokio::sync::watch;

use super::EVERYWHERE;
use crate::store::error::{Doing, StoreError};
use crate::store::hot::Untold;
use crate::store::regions::RegionNo;
use crate::store::{Changing, Reading, Store};

/// What a region was not told yet is counted so far: whoever looks wants to know whether it is
/// much, and regions may be many.
pub const UNTOLD_MAX: u64 = 1_000;

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
        let doing = "list the regions that are merged";
        let sql = "SELECT region FROM region_organization WHERE merged_ms IS NOT NULL";
        let mut statement = connection.prepare_cached(sql).doing(doing)?;
        let regions = statement.query_map((), |row| row.get(0).map(RegionNo));
        let regions = regions.and_then(Iterator::collect).doing(doing)?;
        let mut heads = Self {
            id: FeedId::from_bytes(Reading { connection }.required("directory_feed_id")?),
            everywhere: 0,
            regions: Arc::default(),
        };
        heads.follow(connection, &Untold(regions))?;
        Ok(heads)
    }

    /// Takes over what was committed.
    pub(in crate::store) fn follow(
        &mut self,
        connection: &Connection,
        untold: &Untold,
    ) -> Result<(), StoreError> {
        self.everywhere = head_of(connection, EVERYWHERE)?;
        for no in &untold.0 {
            let head = head_of(connection, no.0)?;
            Arc::make_mut(&mut self.regions).insert(*no, head);
        }
        Ok(())
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

/// The newest change of what holds everywhere, or of a region's own.
fn head_of(connection: &Connection, region: u32) -> Result<u64, StoreError> {
    let head: Option<u64> = connection
        .prepare_cached("SELECT max(seq) FROM directory WHERE region = ?1")
        .and_then(|mut it| it.query_row([region], |row| row.get(0)))
        .doing("read how far the directory goes")?;
    Ok(head.unwrap_or(0))
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
        if !self.is_merged(no)? {
            return Ok(None);
        }
        let own = head_of(self.connection, no.0)?;
        let head = head_of(self.connection, EVERYWHERE)?.max(own);
        let (rows, is_all) = rows_after(self.connection, no, after)?;
        let last = match rows.last() {
            Some(seq) if !is_all => seq,
            // Of a feed that never was so far the receiver says where it is.
            _ => head,
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

    /// The newest change of what holds everywhere: while it is the same, so is the directory.
    ///
    /// # Errors
    /// If the database fails.
    pub fn directory_head(&self) -> Result<u64, StoreError> {
        head_of(self.connection, EVERYWHERE)
    }

    /// How many things and bindings a region that holds the directory up to a change was not told
    /// yet as they are now, counted up to [`UNTOLD_MAX`].
    pub(super) fn untold(&self, region: u32, held: u64) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM (
                       SELECT 1 FROM directory WHERE region = ?1 AND seq > ?2 LIMIT ?3)";
        let held = i64::try_from(held).unwrap_or(i64::MAX);
        self.prepared(sql)?
            .query_row(params![region, held, UNTOLD_MAX as i64], |row| row.get(0))
            .doing("count what a region was not told")
    }

    /// Up to which change a region's agent held the directory when its session ended.
    pub(super) fn directory_held(&self, no: RegionNo) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT held_seq FROM region_organization WHERE region = ?1";
        let found = self.prepared(sql)?.query_row([no.0], |row| row.get(0));
        let found = found.optional().doing("read what a region was told")?;
        Ok(found.flatten())
    }

    pub(super) fn is_merged(&self, no: RegionNo) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM region_organization WHERE region = ?1 AND merged_ms IS NOT NULL";
        let mut statement = self.prepared(sql)?;
        statement
            .exists([no.0])
            .doing("find a region's organization")
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

impl Changing<'_> {
    /// A region's agent holds the directory up to this change.
    pub(in crate::store) fn holds_directory(
        &self,
        no: RegionNo,
        held: u64,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE region_organization SET held_seq = ?2 WHERE region = ?1";
        self.execute(sql, &[&no.0, &held], "note what a region was told")
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
