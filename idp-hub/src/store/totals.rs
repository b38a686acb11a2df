//! A region's running totals and size as they are stored.

use rusqlite::{Connection, OptionalExtension, params};
use shared::model::Totals;

use super::error::{Doing, StoreError};
use super::regions::RegionNo;
use super::size::Size;

/// A region's totals and size; nothing where it has none yet.
pub(in crate::store) fn load_totals(
    connection: &Connection,
    no: RegionNo,
) -> Result<(Totals, Size), StoreError> {
    let row = |row: &rusqlite::Row<'_>| {
        let (records, bytes) = (row.get(1)?, row.get(2)?);
        Ok((row.get::<_, Vec<u8>>(0)?, Size { records, bytes }))
    };
    let found = connection
        .prepare_cached("SELECT figures, records, bytes FROM totals WHERE region = ?1")
        .and_then(|mut statement| statement.query_row([no.0], row).optional())
        .doing("read totals")?;
    let (blob, size) = found.unwrap_or_default();
    let mut figures = [0; Totals::COUNT];
    for (figure, bytes) in figures.iter_mut().zip(blob.chunks_exact(8)) {
        *figure = bytes.try_into().map_or(0, u64::from_le_bytes);
    }
    Ok((Totals::from_array(figures), size))
}

/// Stores them in the open transaction.
pub(in crate::store) fn save_totals(
    connection: &Connection,
    no: RegionNo,
    totals: &Totals,
    size: Size,
) -> Result<(), StoreError> {
    let figures = totals.to_array().map(u64::to_le_bytes).concat();
    let sql = "INSERT OR REPLACE INTO totals (region, figures, records, bytes)
               VALUES (?1, ?2, ?3, ?4)";
    connection
        .prepare_cached(sql)
        .and_then(|mut it| it.execute(params![no.0, figures, size.records, size.bytes]))
        .doing("store totals")?;
    Ok(())
}
