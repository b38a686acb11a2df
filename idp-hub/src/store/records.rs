//! Records, page by page.

use rusqlite::params;
use shared::model::{Record, RecordKind, UnixMillis};
use shared::wire::record::{self, Decoded};

use super::Reading;
use super::error::{Doing, StoreError};
use super::regions::RegionNo;

/// The most records of one page: some 300 kB of JSON.
pub const PAGE_MAX: u32 = 1000;

/// A record and when it was last changed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The record.
    pub record: Record,
    /// When its newest value was committed.
    pub changed: UnixMillis,
}

/// Some records, and from where the next ones go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPage {
    /// The records, in the order of their encoded ids.
    pub records: Vec<StoredRecord>,
    /// The encoded id to go on after; `None` at the end.
    pub next: Option<Vec<u8>>,
}

impl Reading<'_> {
    /// The records of one kind of a region whose encoded ids follow `after`. Records that only a
    /// later release can read are left out.
    ///
    /// # Errors
    /// If the database fails.
    pub fn records(
        &self,
        region: RegionNo,
        kind: RecordKind,
        after: &[u8],
        limit: u32,
    ) -> Result<RecordPage, StoreError> {
        let kind = record::kind_code(kind);
        let limit = limit.clamp(1, PAGE_MAX);
        let sql = "SELECT id, value, changed_ms FROM records
                   WHERE region = ?1 AND kind = ?2 AND id > ?3 ORDER BY id LIMIT ?4";
        let mut statement = self.connection.prepare_cached(sql).doing("read records")?;
        let mut rows = statement
            .query(params![region.0, kind, after, limit])
            .doing("read records")?;
        let mut page = RecordPage {
            records: Vec::new(),
            next: None,
        };
        let mut read = 0;
        while let Some(row) = rows.next().doing("read records")? {
            let id: Vec<u8> = row.get(0).doing("read records")?;
            let value: Vec<u8> = row.get(1).doing("read records")?;
            let changed = UnixMillis(row.get(2).doing("read records")?);
            if let Ok(Decoded::Known(record)) = record::decode(kind, &id, &value) {
                page.records.push(StoredRecord {
                    record: *record,
                    changed,
                });
            }
            read += 1;
            page.next = (read == limit).then_some(id);
        }
        Ok(page)
    }
}
