//! The records of the open transaction, before they are written.
//!
//! A key that changes many times between two commits is read once and written once: only its newest
//! value can ever be seen. Under load that is most of the work saved.

use bytes::Bytes;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use shared::model::{Feed, UnixMillis, Weight};
use shared::wire::Digest;
use shared::wire::record::{self, kinds_of_feed};

use super::error::{Doing, StoreError};
use super::regions::RegionNo;
use super::rows::{Key, Place, Row, Rows};
use super::size::Size;

/// Which record, as its region, kind and id.
type RecordKey<'a> = (RegionNo, u16, &'a [u8]);

/// What a record adds to digest, totals and size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::store) struct Share {
    pub(in crate::store) digest: Digest,
    pub(in crate::store) weight: Weight,
    pub(in crate::store) size: Size,
}

impl Share {
    /// Of a stored value. One that an older release stored and this one can't read counts nothing.
    pub(in crate::store) fn of(kind: u16, id: &[u8], value: &[u8]) -> Self {
        Self {
            digest: Digest::of(kind, id, value),
            weight: record::weigh(kind, id, value)
                .ok()
                .flatten()
                .unwrap_or_default(),
            size: Size::of(id, value),
        }
    }
}

/// A record that the open transaction will write.
struct Write {
    row: Option<i64>,
    /// Of a record that has no row yet; else empty.
    key: Box<Key>,
    place: Place,
    generation: u32,
    value: Option<Bytes>,
}

/// The records that the open transaction will write.
#[derive(Default)]
pub(in crate::store) struct Overlay {
    writes: Vec<Write>,
    rows: Rows,
    looks: usize,
}

impl Overlay {
    /// How many records will be written, or were looked at for it: what a transaction's work is.
    pub(in crate::store) fn len(&self) -> usize {
        self.writes.len().max(self.looks)
    }

    /// The size of what is held of a record now.
    pub(in crate::store) fn size(
        &mut self,
        connection: &Connection,
        key: RecordKey<'_>,
    ) -> Result<Size, StoreError> {
        self.looks += 1;
        let place = self.rows.find(key, || stored(connection, key))?;
        let row = self.rows.at(place);
        Ok(row.map(|row| row.share.size).unwrap_or_default())
    }

    /// Sets a record, and returns what it added until now.
    pub(in crate::store) fn put(
        &mut self,
        connection: &Connection,
        key: RecordKey<'_>,
        generation: u32,
        value: Option<Bytes>,
        share: Share,
    ) -> Result<Share, StoreError> {
        let place = self.rows.find(key, || stored(connection, key))?;
        let Some(row) = self.rows.at(place) else {
            return Err(StoreError::Row { what: "a record" });
        };
        let before = std::mem::replace(&mut row.share, share);
        if let Some(write) = row.write.and_then(|it| self.writes.get_mut(it)) {
            (write.generation, write.value) = (generation, value);
            return Ok(before);
        }
        row.write = Some(self.writes.len());
        let row = row.id;
        let key = match row {
            Some(_) => Box::default(),
            None => self.rows.key().into(),
        };
        self.writes.push(Write {
            row,
            key,
            place,
            generation,
            value,
        });
        Ok(before)
    }

    /// Writes everything into the open transaction.
    pub(in crate::store) fn flush(
        &mut self,
        connection: &Connection,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        self.looks = 0;
        if self.writes.is_empty() {
            // What was only looked at takes room too.
            self.rows.grow_old();
            return Ok(());
        }
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
        self.writes
            .sort_unstable_by(|a, b| (a.row, &a.key).cmp(&(b.row, &b.key)));
        for write in self.writes.drain(..) {
            let generation = write.generation;
            let row = match (write.row, &write.value) {
                (Some(row), Some(value)) => {
                    run(&mut update, params![row, generation, now.0, &value[..]])?;
                    Some(row)
                }
                (None, Some(value)) => {
                    let (no, kind, id) = parts(&write.key)?;
                    run(
                        &mut insert,
                        params![no, kind, id, generation, now.0, &value[..]],
                    )?;
                    Some(connection.last_insert_rowid())
                }
                (Some(row), None) => {
                    run(&mut delete, params![row])?;
                    None
                }
                (None, None) => None,
            };
            if let Some(known) = self.rows.at(write.place) {
                (known.id, known.write) = (row, None);
            }
        }
        self.rows.grow_old();
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
        debug_assert!(self.writes.is_empty(), "a sweep looks at written rows");
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
        *self = Self::default();
    }
}

/// A key's region, kind and id, as [`Rows::find`] put them together.
fn parts(key: &Key) -> Result<(u32, u16, &[u8]), StoreError> {
    let no = key.split_first_chunk();
    let parts = no.and_then(|(no, rest)| rest.split_first_chunk().map(|it| (no, it)));
    let (no, (kind, id)) = parts.ok_or(StoreError::Row { what: "a record" })?;
    Ok((u32::from_be_bytes(*no), u16::from_be_bytes(*kind), id))
}

/// What the database holds of a record.
fn stored(connection: &Connection, (no, kind, id): RecordKey<'_>) -> Result<Row, StoreError> {
    let sql = "SELECT rowid, value FROM records WHERE region = ?1 AND kind = ?2 AND id = ?3";
    let found = connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            let row = |row: &rusqlite::Row<'_>| {
                let value = row.get_ref(1)?.as_blob()?;
                Ok(Row {
                    id: row.get(0)?,
                    share: Share::of(kind, id, value),
                    write: None,
                })
            };
            statement.query_row(params![no.0, kind, id], row).optional()
        })
        .doing("read a record")?;
    Ok(found.unwrap_or_default())
}
