//! Health samples: as they came for a day, and as means of five minutes for a month.
//!
//! ```text
//! feed ── keep ──▶ samples, and the window is marked
//!                  windows ── average ──▶ means         a few at a time, by Store::tend
//!                  samples, means ── expire ──▶ gone    likewise
//! ```
//!
//! Agents send what they took while the hub was away, hours later. A window is therefore marked
//! whenever a sample of it comes, and its mean is computed from all that is there: once, or again.
//! The marks are stored with the samples, so that a restart forgets none.

mod keep;
pub mod mean;
mod tend;

use std::time::Duration;

use rusqlite::params;
use shared::model::{HostSample, Record, UnixMillis};
use shared::wire::record;

use super::error::{Doing, StoreError};
use super::regions::RegionNo;
use super::{Changing, Reading};
pub(in crate::store) use keep::{Passed, keep};
pub use mean::Mean;

/// A mean's window.
pub const WINDOW: Duration = Duration::from_secs(5 * 60);

/// Samples as they came are kept so long before a region's newest one.
pub const SAMPLES_KEPT: Duration = Duration::from_secs(24 * 3600);

/// Means are kept so long before a region's newest one.
pub const MEANS_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// A window is closed so long after its end: most samples of it have come by then.
const SETTLE: Duration = Duration::from_secs(30);

/// The most samples or means of one page: a week of means.
pub const SAMPLE_PAGE_MAX: u32 = 2016;

/// Regions looked at in one step of expiry.
const EXPIRE_REGIONS_MAX: u32 = 256;

/// Some samples in the order of time, and where the next ones go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamplePage<T> {
    /// Samples or means.
    pub samples: Vec<T>,
    /// The `from` of the next page; `None` at the end.
    pub next: Option<UnixMillis>,
}

impl Changing<'_> {
    /// Computes the means of at most `windows_max` closed windows, the oldest first, and returns of
    /// how many.
    ///
    /// # Errors
    /// If the database fails.
    pub fn average(&mut self, windows_max: u32) -> Result<u32, StoreError> {
        let closed_ms = self.now.0.saturating_sub(millis(WINDOW + SETTLE));
        let sql = "SELECT at_ms, region FROM windows WHERE at_ms <= ?1
                   ORDER BY at_ms, region LIMIT ?2";
        let windows: Vec<(u64, u32)> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut it| {
                it.query_map(params![closed_ms, windows_max], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect()
            })
            .doing("list closed windows")?;
        for (at_ms, region) in &windows {
            self.average_one(RegionNo(*region), UnixMillis(*at_ms))?;
        }
        Ok(windows.len() as u32)
    }

    fn average_one(&self, no: RegionNo, at: UnixMillis) -> Result<(), StoreError> {
        let end = at.plus(WINDOW);
        // The spacing bounds how many there are.
        let samples = self.reading().samples(no, at, end, u32::MAX)?.samples;
        if let Some(mean) = mean::mean(at, &samples) {
            self.store_mean(no, &mean)?;
        }
        self.execute(
            "DELETE FROM windows WHERE at_ms = ?1 AND region = ?2",
            &[&at.0, &no.0],
            "unmark a window",
        )
    }

    fn store_mean(&self, no: RegionNo, mean: &Mean) -> Result<(), StoreError> {
        let at = mean.sample.at;
        let encoded = record::encode(&Record::HostSample(mean.sample.clone()));
        let value = encoded.map_err(|_| StoreError::Row { what: "mean" })?.value;
        let sql = "INSERT OR REPLACE INTO means (region, at_ms, count, value, failures)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let failures = mean.failures_text();
        self.execute(
            sql,
            &[&no.0, &at.0, &mean.count, &value, &failures],
            "store a mean",
        )
    }

    /// Removes at most `rows_max` expired samples and means of the regions after `after`, and
    /// returns after which region to go on; `None` when all were looked at.
    ///
    /// Age counts from a region's newest: what a lost region last told is not lost with it, and a
    /// clock of the hub's that runs years ahead for a moment costs no history.
    ///
    /// # Errors
    /// If the database fails.
    pub fn expire(
        &mut self,
        after: RegionNo,
        rows_max: usize,
    ) -> Result<Option<RegionNo>, StoreError> {
        let sql = "SELECT no FROM regions WHERE no > ?1 AND standing <> 3 ORDER BY no LIMIT ?2";
        let regions: Vec<u32> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut it| {
                it.query_map(params![after.0, EXPIRE_REGIONS_MAX], |row| row.get(0))?
                    .collect()
            })
            .doing("list regions")?;
        let mut left = rows_max;
        for no in &regions {
            for (table, kept) in [("samples", SAMPLES_KEPT), ("means", MEANS_KEPT)] {
                left = left.saturating_sub(self.expire_one(table, RegionNo(*no), kept, left)?);
            }
            if left == 0 {
                return Ok(Some(RegionNo(no - 1)));
            }
        }
        let all = regions.len() < EXPIRE_REGIONS_MAX as usize;
        Ok(regions.last().filter(|_| !all).map(|no| RegionNo(*no)))
    }

    fn expire_one(
        &self,
        table: &'static str,
        no: RegionNo,
        kept: Duration,
        rows_max: usize,
    ) -> Result<usize, StoreError> {
        if !self.has_expired(table, no, kept)? {
            return Ok(0);
        }
        let sql = format!(
            "DELETE FROM {table} WHERE region = ?1 AND at_ms IN (
                 SELECT at_ms FROM {table} WHERE region = ?1 AND at_ms <
                     (SELECT max(at_ms) FROM {table} WHERE region = ?1) - ?2
                 ORDER BY at_ms LIMIT ?3)"
        );
        let row = params![no.0, millis(kept), rows_max as u64];
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut it| it.execute(row))
            .doing("expire samples")
    }

    /// Asked first, as the removal makes a table of its own each time, also where nothing is old.
    fn has_expired(
        &self,
        table: &'static str,
        no: RegionNo,
        kept: Duration,
    ) -> Result<bool, StoreError> {
        let found: Option<bool> = self
            .connection
            .prepare_cached(&expired_sql(table))
            .and_then(|mut it| it.query_row(params![no.0, millis(kept)], |row| row.get(0)))
            .doing("look for expired samples")?;
        // Of no samples at all nothing is known.
        Ok(found.unwrap_or(false))
    }
}

/// Each end of the primary key is one step into it.
fn expired_sql(table: &str) -> String {
    format!(
        "SELECT (SELECT min(at_ms) FROM {table} WHERE region = ?1)
              < (SELECT max(at_ms) FROM {table} WHERE region = ?1) - ?2"
    )
}

impl Reading<'_> {
    /// The samples of a region from `from` to before `to`, at most `limit` of them. Those that only
    /// a later release can read are left out.
    ///
    /// # Errors
    /// If the database fails.
    pub fn samples(
        &self,
        no: RegionNo,
        from: UnixMillis,
        to: UnixMillis,
        limit: u32,
    ) -> Result<SamplePage<HostSample>, StoreError> {
        let sql = "SELECT at_ms, value FROM samples
                   WHERE region = ?1 AND at_ms >= ?2 AND at_ms < ?3 ORDER BY at_ms LIMIT ?4";
        self.page(sql, (no, from, to, limit), |row| {
            let value = row.get_ref(1)?.as_blob()?;
            Ok(record::decode_sample(value).ok().flatten())
        })
    }

    /// The means of a region whose windows begin from `from` to before `to`, at most `limit`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn means(
        &self,
        no: RegionNo,
        from: UnixMillis,
        to: UnixMillis,
        limit: u32,
    ) -> Result<SamplePage<Mean>, StoreError> {
        let sql = "SELECT at_ms, value, count, failures FROM means
                   WHERE region = ?1 AND at_ms >= ?2 AND at_ms < ?3 ORDER BY at_ms LIMIT ?4";
        self.page(sql, (no, from, to, limit), |row| {
            let value = row.get_ref(1)?.as_blob()?;
            let Ok(Some(sample)) = record::decode_sample(value) else {
                return Ok(None);
            };
            Ok(Some(Mean {
                sample,
                count: row.get(2)?,
                failures: mean::failures_of(row.get_ref(3)?.as_str()?),
            }))
        })
    }

    fn page<T>(
        &self,
        sql: &str,
        (no, from, to, limit): (RegionNo, UnixMillis, UnixMillis, u32),
        read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<Option<T>>,
    ) -> Result<SamplePage<T>, StoreError> {
        // Signed columns: later than these is never.
        let (from, to) = (from.0.min(i64::MAX as u64), to.0.min(i64::MAX as u64));
        let mut statement = self.connection.prepare_cached(sql).doing("read samples")?;
        let mut rows = statement
            .query(params![no.0, from, to, limit])
            .doing("read samples")?;
        let mut page = SamplePage {
            samples: Vec::new(),
            next: None,
        };
        let mut count = 0;
        while let Some(row) = rows.next().doing("read samples")? {
            let at_ms: u64 = row.get(0).doing("read samples")?;
            page.samples.extend(read(row).doing("read samples")?);
            count += 1;
            page.next = (count == limit).then(|| UnixMillis(at_ms + 1));
        }
        Ok(page)
    }
}

fn window_ms() -> u64 {
    millis(WINDOW)
}

const fn millis(span: Duration) -> u64 {
    span.as_secs() * 1000
}

#[cfg(test)]
mod tests;
