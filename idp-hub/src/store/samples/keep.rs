//! Takes samples, and of one region no more than it may have.
//!
//! An honest agent is never held off: what goes beyond is passed over, acknowledged all the same,
//! and told to the session, as a region has nothing to win by sending it again.

use rusqlite::{Connection, OptionalExtension, params};
use shared::model::UnixMillis;

use super::{Duration, WINDOW, millis, window_ms};
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;

/// The oldest sample that is taken. Agents keep eight hours; and a window is computed from all of
/// its samples only while none of them has expired.
pub(super) const LATE_MAX: Duration = Duration::from_secs(12 * 3600);

/// How far an agent's clock may be ahead, as for certificates. A sample from the far future would
/// never expire.
pub(super) const AHEAD_MAX: Duration = Duration::from_secs(5 * 60);

/// A region has at most one sample in so long. Agents take one in ten seconds, and none can be told
/// to take them closer than eight seconds apart.
pub(super) const SPACING: Duration = Duration::from_secs(5);

/// A sample of up to so many bytes always has its place: a machine of 256 cores, with all its file
/// systems and interfaces, is told in that; a usual one in 300 bytes.
pub(super) const ORDINARY_BYTES_MAX: usize = 2 << 10;

/// What the larger samples of one window may take together: as much as the ordinary ones of a whole
/// window, which is a sample of 4 KiB each ten seconds. So a region has at most 68 MiB of a day,
/// where a usual one has 3.
pub(super) const LARGE_BYTES_MAX: usize =
    ORDINARY_BYTES_MAX * (WINDOW.as_secs() / SPACING.as_secs()) as usize;

/// Why a sample is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Passed {
    /// It is older than agents keep them.
    Late,
    /// It is of the future.
    Ahead,
    /// There is another one within [`SPACING`].
    Close,
    /// It is large, and its window has no room for more of them.
    Large,
}

impl Passed {
    /// Every reason.
    pub(in crate::store) const ALL: [Self; 4] = [Self::Late, Self::Ahead, Self::Close, Self::Large];

    /// The word in metrics.
    pub(in crate::store) const fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Ahead => "ahead",
            Self::Close => "close",
            Self::Large => "large",
        }
    }

    /// Whether only a region that sends more than any agent does meets it. Of clocks that are
    /// wrong, and of a sample that the spool kept too long, nobody is to be accused.
    pub(in crate::store) const fn is_excess(self) -> bool {
        matches!(self, Self::Close | Self::Large)
    }
}

/// Keeps one sample, encoded as it came, or tells why not. One that came again is kept once.
pub(in crate::store) fn keep(
    connection: &Connection,
    no: RegionNo,
    now: UnixMillis,
    at: UnixMillis,
    value: &[u8],
) -> Result<Option<Passed>, StoreError> {
    if now.since(at) > LATE_MAX {
        return Ok(Some(Passed::Late));
    }
    if at.since(now) > AHEAD_MAX {
        return Ok(Some(Passed::Ahead));
    }
    if let Some(held) = held(connection, no, at)? {
        return Ok((held != value).then_some(Passed::Close));
    }
    let window = at.0 - at.0 % window_ms();
    if value.len() > ORDINARY_BYTES_MAX
        && large_bytes(connection, no, window)? + value.len() > LARGE_BYTES_MAX
    {
        return Ok(Some(Passed::Large));
    }
    connection
        .prepare_cached("INSERT INTO samples (region, at_ms, value) VALUES (?, ?, ?)")
        .and_then(|mut it| it.execute(params![no.0, at.0, value]))
        .doing("store a sample")?;
    connection
        .prepare_cached("INSERT OR IGNORE INTO windows (at_ms, region) VALUES (?, ?)")
        .and_then(|mut it| it.execute(params![window, no.0]))
        .doing("mark a sample's window")?;
    Ok(None)
}

/// The sample that has this one's place already.
fn held(
    connection: &Connection,
    no: RegionNo,
    at: UnixMillis,
) -> Result<Option<Vec<u8>>, StoreError> {
    let place = at.0 - at.0 % millis(SPACING);
    let sql = "SELECT value FROM samples WHERE region = ? AND at_ms >= ? AND at_ms < ? LIMIT 1";
    let row = params![no.0, place, place + millis(SPACING)];
    connection
        .prepare_cached(sql)
        .and_then(|mut it| it.query_row(row, |row| row.get(0)).optional())
        .doing("look for a sample")
}

/// What a window's large samples take. They are so few that no sum of them is stored.
fn large_bytes(connection: &Connection, no: RegionNo, window: u64) -> Result<usize, StoreError> {
    let sql = "SELECT coalesce(sum(length(value)), 0) FROM samples
               WHERE region = ?1 AND at_ms >= ?2 AND at_ms < ?3 AND length(value) > ?4";
    let row = params![
        no.0,
        window,
        window + window_ms(),
        ORDINARY_BYTES_MAX as u64
    ];
    connection
        .prepare_cached(sql)
        .and_then(|mut it| it.query_row(row, |row| row.get(0)))
        .doing("add up a window's samples")
}
