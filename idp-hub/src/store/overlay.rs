//! The records of the open transaction, before they are written.
//!
//! A key that changes many times between two commits is read once and written once: only its newest
//! value can ever be seen. Under load that is most of the work saved.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use shared::model::{Feed, Totals, UnixMillis};
use shared::wire::Digest;
use shared::wire::record::{self, kinds_of_feed};

use super::error::{Doing, StoreError};
use super::regions::RegionNo;
use super::rows::Rows;
use super::size::Size;

/// Which record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::store) struct RowKey {
    pub(in crate::store) region: RegionNo,
    pub(in crate::store) kind: u16,
    pub(in crate::store) id: Bytes,
}

/// What a record adds to digest, totals and size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::store) struct Share {
    pub(in crate::store) digest: Digest,
    pub(in crate::store) totals: Totals,
    pub(in crate::store) size: Size,
}

impl Share {
    /// Of a stored value. One that an older release stored and this one can't read counts nothing.
    pub(in crate::store) fn of(kind: u16, id: &[u8], value: &[u8]) -> Self {
        Self {
            digest: Digest::of(kind, id, value),
            totals: record::weigh(kind, id, value)
                .ok()
                .flatten()
                .unwrap_or_default(),
            size: Size::of(id, value),
        }
    }
}

struct Slot {
    row: Option<i64>,
    generation: u32,
    value: Option<Bytes>,
    share: Share,
}

/// The records that the open transaction will write.
#[derive(Default)]
pub(in crate::store) struct Overlay {
    slots: HashMap<RowKey, Slot>,
    /// What the database holds of records that changed lately.
    rows: Rows,
}

impl Overlay {
    /// How many records will be written.
    pub(in crate::store) fn len(&self) -> usize {
        self.slots.len()
    }

    /// What a record adds now.
    pub(in crate::store) fn share(
        &self,
        connection: &Connection,
        key: &RowKey,
    ) -> Result<Share, StoreError> {
        Ok(match (self.slots.get(key), self.rows.recall(key)) {
            (Some(slot), _) => slot.share,
            (None, Some((_, share))) => share,
            (None, None) => stored(connection, key)?.1,
        })
    }

    /// Sets a record, and returns what it added until now.
    pub(in crate::store) fn put(
        &mut self,
        connection: &Connection,
        key: RowKey,
        generation: u32,
        value: Option<Bytes>,
        share: Share,
    ) -> Result<Share, StoreError> {
        match self.slots.entry(key) {
            Entry::Occupied(mut entry) => {
                let slot = entry.get_mut();
                slot.generation = generation;
                slot.value = value;
                Ok(std::mem::replace(&mut slot.share, share))
            }
            Entry::Vacant(entry) => {
                let (row, before) = match self.rows.recall(entry.key()) {
                    Some((row, share)) => (Some(row), share),
                    None => stored(connection, entry.key())?,
                };
                entry.insert(Slot {
                    row,
                    generation,
                    value,
                    share,
                });
                Ok(before)
            }
        }
    }

    /// Writes everything into the open transaction.
    pub(in crate::store) fn flush(
        &mut self,
        connection: &Connection,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let prepare = |sql| connection.prepare_cached(sql).doing("write records");
        let mut insert = prepare(
            "INSERT INTO records (region, kind, id, generation, changed_ms, value)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut update = prepare(
            "UPDATE records SET generation = ?2, changed_ms = ?3, value = ?4 WHERE rowid = ?1",
        )?;
        let mut delete = prepare("DELETE FROM records WHERE rowid = ?1")?;
        let run = |statement: &mut CachedStatement<'_>, row: &[&dyn rusqlite::ToSql]| {
            statement.execute(row).doing("write records").map(drop)
        };
        // In the order of the table, so that each page is looked up and changed once.
        let mut slots: Vec<(RowKey, Slot)> = self.slots.drain().collect();
        slots.sort_unstable_by(|(a_key, a), (b_key, b)| (a.row, a_key).cmp(&(b.row, b_key)));
        for (key, slot) in slots {
            match (slot.row, &slot.value) {
                (Some(row), Some(value)) => {
                    run(
                        &mut update,
                        params![row, slot.generation, now.0, &value[..]],
                    )?;
                    self.rows.remember(&key, row, slot.share);
                }
                (None, Some(value)) => {
                    let (no, id) = (key.region.0, &key.id[..]);
                    run(
                        &mut insert,
                        params![no, key.kind, id, slot.generation, now.0, &value[..]],
                    )?;
                    let row = connection.last_insert_rowid();
                    self.rows.remember(&key, row, slot.share);
                }
                (Some(row), None) => {
                    run(&mut delete, params![row])?;
                    self.rows.forget(&key);
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// Removes the records of a feed that a snapshot did not bring again, and returns what each
    /// added. The overlay must be flushed.
    pub(in crate::store) fn sweep(
        &mut self,
        connection: &Connection,
        region: RegionNo,
        feed: Feed,
        generation: u32,
        mut swept: impl FnMut(u16, &[u8], Share),
    ) -> Result<(), StoreError> {
        debug_assert!(self.slots.is_empty(), "a sweep looks at written rows");
        let (lowest, highest) = kinds_of_feed(feed);
        let which = "region = ?1 AND kind BETWEEN ?2 AND ?3 AND generation <> ?4";
        let select = format!("SELECT kind, id, value FROM records WHERE {which}");
        let key = params![region.0, lowest, highest, generation];
        let mut statement = connection.prepare_cached(&select).doing("sweep records")?;
        let mut rows = statement.query(key).doing("sweep records")?;
        while let Some(row) = rows.next().doing("sweep records")? {
            let kind: u16 = row.get(0).doing("sweep records")?;
            let id = row
                .get_ref(1)
                .and_then(|id| Ok(id.as_blob()?))
                .doing("sweep records")?;
            let value = row
                .get_ref(2)
                .and_then(|it| Ok(it.as_blob()?))
                .doing("sweep records")?;
            swept(kind, id, Share::of(kind, id, value));
        }
        drop(rows);
        let removed = connection
            .execute(&format!("DELETE FROM records WHERE {which}"), key)
            .doing("sweep records")?;
        if removed > 0 {
            self.rows.forget_region(region);
        }
        Ok(())
    }

    /// Forgets everything, after a failed transaction.
    pub(in crate::store) fn clear(&mut self) {
        self.slots.clear();
        self.rows = Rows::default();
    }
}

/// The row of a record and what it adds.
fn stored(connection: &Connection, key: &RowKey) -> Result<(Option<i64>, Share), StoreError> {
    let sql = "SELECT rowid, value FROM records WHERE region = ?1 AND kind = ?2 AND id = ?3";
    let found = connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            let row = |row: &rusqlite::Row<'_>| {
                let value = row.get_ref(1)?.as_blob()?;
                Ok((row.get(0)?, Share::of(key.kind, &key.id, value)))
            };
            statement
                .query_row(params![key.region.0, key.kind, &key.id[..]], row)
                .optional()
        })
        .doing("read a record")?;
    Ok(found.map_or_else(Default::default, |(row, share)| (Some(row), share)))
}
