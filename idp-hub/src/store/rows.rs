//! What the database holds of the records that changed lately: a record that changes again is found
//! and weighed without reading it.
//!
//! Only the overlay knows it, and only of rows that it wrote itself. A removed region's rows stay
//! here until others take their place: its number is never given again, and nothing asks for them.

use std::collections::HashMap;

use bytes::Bytes;

use super::overlay::{RowKey, Share};
use super::regions::RegionNo;

/// Rows of each of the two ages: some 300 bytes each, so 20 MB in all.
const AGE_MAX: usize = 32_768;

/// Rows in two ages. When the young are many, the old are dropped and the young become the old.
#[derive(Default)]
pub(in crate::store) struct Rows {
    young: HashMap<RowKey, (i64, Share)>,
    old: HashMap<RowKey, (i64, Share)>,
}

impl Rows {
    /// The row of a record and what it adds, if that is remembered.
    pub(in crate::store) fn recall(&self, key: &RowKey) -> Option<(i64, Share)> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    /// A row was written.
    pub(in crate::store) fn remember(&mut self, key: &RowKey, row: i64, share: Share) {
        if let Some(known) = self.young.get_mut(key) {
            *known = (row, share);
            return;
        }
        // Of two ages only one may know a key, or the older word would outlive the newer.
        self.old.remove(key);
        if self.young.len() >= AGE_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        // A copy: the id is a slice of a whole frame, which must not live on for it.
        let id = Bytes::copy_from_slice(&key.id);
        self.young.insert(RowKey { id, ..*key }, (row, share));
    }

    /// A row was deleted.
    pub(in crate::store) fn forget(&mut self, key: &RowKey) {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// Rows of a region were deleted.
    pub(in crate::store) fn forget_region(&mut self, region: RegionNo) {
        self.young.retain(|key, _| key.region != region);
        self.old.retain(|key, _| key.region != region);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> RowKey {
        let id = Bytes::from(number.to_le_bytes().to_vec());
        let (region, kind) = (RegionNo(number as u32 % 2), 1);
        RowKey { region, kind, id }
    }

    #[test]
    fn the_newest_word_counts_and_old_rows_make_room() {
        let mut rows = Rows::default();
        for number in 0..=AGE_MAX {
            rows.remember(&key(number), 1, Share::default());
        }
        assert!(rows.recall(&key(0)).is_some(), "old, and not yet dropped");
        rows.remember(&key(0), 2, Share::default());
        for number in 1..=2 * AGE_MAX {
            rows.remember(&key(number), 1, Share::default());
        }
        assert_eq!(rows.recall(&key(0)), None);
        assert!(rows.young.len() + rows.old.len() <= 2 * AGE_MAX);
    }

    #[test]
    fn a_deleted_row_is_forgotten_and_so_are_a_regions() {
        let mut rows = Rows::default();
        for number in 0..4 {
            rows.remember(&key(number), 1, Share::default());
        }
        rows.forget(&key(0));
        rows.forget_region(RegionNo(1));
        let left: Vec<bool> = (0..4).map(|it| rows.recall(&key(it)).is_some()).collect();
        assert_eq!(left, [false, false, true, false]);
    }
}
