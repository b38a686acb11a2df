//! How much of the store a region may have.

use std::fmt;

/// What a record may have on average, bytes: seven times what a server takes.
const RECORD_BYTES: u64 = 2 << 10;

/// A number of records, and the bytes of their ids and values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Records.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Size {
    /// What a region of at most so many records may have.
    pub fn limit(records: u32) -> Self {
        let records = u64::from(records);
        Self {
            records,
            bytes: records * RECORD_BYTES,
        }
    }

    /// Of one record.
    pub(in crate::store) const fn of(id: &[u8], value: &[u8]) -> Self {
        Self {
            records: 1,
            bytes: (id.len() + value.len()) as u64,
        }
    }

    pub(in crate::store) const fn add(&mut self, other: Self) {
        self.records = self.records.saturating_add(other.records);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    pub(in crate::store) const fn subtract(&mut self, other: Self) {
        self.records = self.records.saturating_sub(other.records);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }

    /// Whether it is more than `limit` allows.
    pub(in crate::store) const fn exceeds(self, limit: Self) -> bool {
        self.records > limit.records || self.bytes > limit.bytes
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records of {} KiB", self.records, self.bytes >> 10)
    }
}
