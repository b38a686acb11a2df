//! What is known of the records that changed lately: which row each is, and what it adds. A record
//! that changes again is found and weighed without reading it.
//!
//! Only the overlay knows it, and only of rows that it wrote itself. A removed region's rows stay
//! here until others take their place: its number is never given again, and nothing asks for them.

use std::collections::HashMap;

use super::overlay::Share;
use super::regions::RegionNo;

/// Rows of each of the two ages: some 200 bytes each, so 13 MB in all.
const AGE_MAX: usize = 32_768;

/// A record's key as bytes, in the order of the table's index.
pub(in crate::store) type Key = [u8];

/// Where a row is in [`Rows`], until [`Rows::grow_old`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Place(usize);

/// One record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::store) struct Row {
    /// Its row in the table, if it has one.
    pub(in crate::store) id: Option<i64>,
    /// What its newest value adds.
    pub(in crate::store) share: Share,
    /// Which of the open transaction's writes it is.
    pub(in crate::store) write: Option<usize>,
}

/// Rows in two ages. When the young are many, the old are dropped and the young become the old.
#[derive(Default)]
pub(in crate::store) struct Rows {
    /// The key under which something is looked for: kept, for its room.
    key: Vec<u8>,
    young: Age,
    old: Age,
}

#[derive(Default)]
struct Age {
    places: HashMap<Box<Key>, usize>,
    rows: Vec<Row>,
}

impl Rows {
    /// Finds a record's row, or else what `stored` says of it.
    pub(in crate::store) fn find<E>(
        &mut self,
        (region, kind, id): (RegionNo, u16, &[u8]),
        stored: impl FnOnce() -> Result<Row, E>,
    ) -> Result<Place, E> {
        self.key.clear();
        self.key.extend_from_slice(&region.0.to_be_bytes());
        self.key.extend_from_slice(&kind.to_be_bytes());
        self.key.extend_from_slice(id);
        if let Some(place) = self.young.places.get(self.key.as_slice()) {
            return Ok(Place(*place));
        }
        // The old one stays as it is, and is not looked at again: the young are asked first.
        let row = match self.old.get(&self.key) {
            Some(row) => row.clone(),
            None => stored()?,
        };
        let place = self.young.rows.len();
        self.young.rows.push(row);
        self.young.places.insert(self.key.as_slice().into(), place);
        Ok(Place(place))
    }

    /// The key that was looked for last.
    pub(in crate::store) fn key(&self) -> &Key {
        &self.key
    }

    /// What is known of a row. There is one in each place that was given out.
    pub(in crate::store) fn at(&mut self, place: Place) -> Option<&mut Row> {
        self.young.rows.get_mut(place.0)
    }

    /// Makes room, where it must be. Every place that was given out is void.
    pub(in crate::store) fn grow_old(&mut self) {
        if self.young.rows.len() >= AGE_MAX {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// Rows of a region were deleted.
    pub(in crate::store) fn forget_region(&mut self, region: RegionNo) {
        let region = region.0.to_be_bytes();
        for age in [&mut self.young, &mut self.old] {
            age.places.retain(|key, _| !key.starts_with(&region));
        }
    }
}

impl Age {
    fn get(&self, key: &Key) -> Option<&Row> {
        self.rows.get(*self.places.get(key)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Rows {
        fn put(&mut self, number: usize, id: i64) {
            let place = self.find(key(number).key(), || Ok::<_, ()>(Row::default()));
            self.at(place.unwrap()).unwrap().id = Some(id);
        }

        fn recall(&mut self, number: usize) -> Option<i64> {
            let place = self.find(key(number).key(), || Err(())).ok()?;
            self.at(place)?.id
        }
    }

    struct Wanted(RegionNo, [u8; 8]);

    impl Wanted {
        fn key(&self) -> (RegionNo, u16, &[u8]) {
            (self.0, 1, &self.1)
        }
    }

    fn key(number: usize) -> Wanted {
        Wanted(RegionNo(number as u32 % 2), number.to_le_bytes())
    }

    #[test]
    fn the_newest_word_counts_and_old_rows_make_room() {
        let mut rows = Rows::default();
        (0..AGE_MAX).for_each(|number| rows.put(number, 1));
        rows.grow_old();
        assert_eq!(rows.recall(0), Some(1), "old, and not yet dropped");
        rows.put(0, 2);
        (1..AGE_MAX).for_each(|number| rows.put(number, 1));
        rows.grow_old();
        assert_eq!(rows.recall(0), Some(2));
        assert!(rows.young.rows.len() + rows.old.rows.len() <= 2 * AGE_MAX);
        (1..=AGE_MAX).for_each(|number| rows.put(AGE_MAX + number, 1));
        rows.grow_old();
        assert_eq!(rows.recall(1), None);
    }

    #[test]
    fn a_regions_deleted_rows_are_forgotten_in_both_ages() {
        let mut rows = Rows::default();
        (0..AGE_MAX).for_each(|number| rows.put(number, 1));
        rows.grow_old();
        (0..2).for_each(|number| rows.put(number, 2));
        rows.forget_region(RegionNo(1));
        let left: Vec<bool> = (0..4).map(|it| rows.recall(it).is_some()).collect();
        assert_eq!(left, [true, false, true, false]);
    }
}
