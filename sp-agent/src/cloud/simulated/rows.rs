//! Owns the rows of one kind: numbered as they come, changed, removed, and never reused.
//!
//! A row's number never moves, so that a reader who goes from page to page misses no row that
//! lived all the while. What changed since a moment is found by each row's own time, and what is
//! gone in a bounded log; whoever asks about an earlier time is told that it can't be told.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use shared::model::UnixMillis;

/// Removals remembered: a quarter of an hour of the liveliest cloud, in 256 KiB.
const REMOVED_MAX: usize = 16_384;
/// How often a row that fits is looked for by chance. A state that one row in eight is in is missed
/// in one of eight tries; the life just goes on with its next event.
const PICKS_MAX: u32 = 16;
/// Below this, gaps are not worth closing.
const GAPS_MIN: usize = 64;

/// A row's number, for its whole life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Serial(NonZeroU32);

impl Serial {
    pub(super) const fn get(self) -> u32 {
        self.0.get()
    }

    pub(super) fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }
}

#[derive(Debug, Clone)]
struct Row<T> {
    changed: UnixMillis,
    serial: Serial,
    /// `None` once it is removed, until the gaps are closed.
    value: Option<T>,
}

#[derive(Debug, Clone)]
pub(super) struct Rows<T> {
    /// By rising serial.
    rows: Vec<Row<T>>,
    gaps: usize,
    last: u32,
    removed: VecDeque<(UnixMillis, Serial)>,
    /// What was removed up to then is not all remembered.
    horizon: UnixMillis,
}

impl<T> Rows<T> {
    /// None yet; nothing is known of what was before `born`.
    pub(super) fn new(capacity: u32, born: UnixMillis) -> Self {
        Self {
            rows: Vec::with_capacity(capacity as usize),
            gaps: 0,
            last: 0,
            removed: VecDeque::new(),
            horizon: born,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.rows.len() - self.gaps
    }

    /// Adds a row; `None` when all 2³² − 1 numbers are used up.
    pub(super) fn add(&mut self, value: T, now: UnixMillis) -> Option<Serial> {
        let serial = Serial::new(self.last.checked_add(1)?)?;
        if self.rows.len() == self.rows.capacity() {
            // By an eighth, as doubling would cost more memory than the rows themselves.
            self.rows.reserve_exact(self.rows.len() / 8 + GAPS_MIN);
        }
        self.last = serial.get();
        self.rows.push(Row {
            changed: now,
            serial,
            value: Some(value),
        });
        Some(serial)
    }

    pub(super) fn get(&self, serial: Serial) -> Option<&T> {
        self.rows.get(self.position(serial)?)?.value.as_ref()
    }

    /// A row to change in a way that its record shows.
    pub(super) fn change(&mut self, serial: Serial, now: UnixMillis) -> Option<&mut T> {
        let position = self.position(serial)?;
        let row = self.rows.get_mut(position)?;
        let value = row.value.as_mut()?;
        row.changed = now;
        Some(value)
    }

    /// A row to note something in that no record shows.
    pub(super) fn note(&mut self, serial: Serial) -> Option<&mut T> {
        let position = self.position(serial)?;
        self.rows.get_mut(position)?.value.as_mut()
    }

    pub(super) fn remove(&mut self, serial: Serial, now: UnixMillis) -> Option<T> {
        let position = self.position(serial)?;
        let value = self.rows.get_mut(position)?.value.take()?;
        self.gaps += 1;
        self.removed.push_back((now, serial));
        if self.removed.len() > REMOVED_MAX
            && let Some((at, _)) = self.removed.pop_front()
        {
            self.horizon = at;
        }
        self.close_gaps();
        Some(value)
    }

    /// Any row that fits, drawn with `roll` (a number below its argument).
    pub(super) fn pick(
        &self,
        mut roll: impl FnMut(u32) -> u32,
        fits: impl Fn(&T) -> bool,
    ) -> Option<Serial> {
        let count = u32::try_from(self.rows.len()).ok()?;
        if self.len() == 0 {
            return None;
        }
        (0..PICKS_MAX).find_map(|_| {
            let row = self.rows.get(roll(count) as usize)?;
            row.value.as_ref().filter(|it| fits(it)).map(|_| row.serial)
        })
    }

    /// The rows after a serial (0: from the beginning), by rising serial, with when they changed.
    pub(super) fn after(&self, serial: u32) -> impl Iterator<Item = (Serial, UnixMillis, &T)> {
        let start = self.rows.partition_point(|row| row.serial.get() <= serial);
        let rows = self.rows.get(start..).unwrap_or_default();
        rows.iter()
            .filter_map(|row| Some((row.serial, row.changed, row.value.as_ref()?)))
    }

    /// What was removed after `since`; `None` if that is not all remembered.
    pub(super) fn removed_after(&self, since: UnixMillis) -> Option<Vec<Serial>> {
        if since < self.horizon {
            return None;
        }
        let recent = self.removed.iter().rev();
        let recent = recent.take_while(|(at, _)| *at > since);
        Some(recent.map(|(_, serial)| *serial).collect())
    }

    fn position(&self, serial: Serial) -> Option<usize> {
        self.rows
            .binary_search_by_key(&serial, |row| row.serial)
            .ok()
    }

    /// Keeps the share of gaps below a quarter, so that picking and reading stay cheap.
    fn close_gaps(&mut self) {
        if self.gaps > GAPS_MIN && self.gaps * 4 > self.rows.len() {
            self.rows.retain(|row| row.value.is_some());
            self.gaps = 0;
            if self.rows.capacity() > 2 * self.rows.len() {
                self.rows.shrink_to(self.rows.len() + GAPS_MIN);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row<T>>()
            + self.removed.capacity() * size_of::<(UnixMillis, Serial)>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> UnixMillis {
        UnixMillis(millis)
    }

    #[test]
    fn what_is_too_long_ago_can_not_be_told() {
        let mut rows = Rows::new(0, at(10));
        assert_eq!(rows.removed_after(at(9)), None);
        for moment in 0..REMOVED_MAX as u64 + 2 {
            let serial = rows.add((), at(11)).unwrap();
            rows.remove(serial, at(11 + moment));
        }
        assert_eq!(rows.removed_after(at(11)), None);
        let remembered = rows.removed_after(at(12)).unwrap();
        assert_eq!(remembered.len(), REMOVED_MAX);
    }

    #[test]
    fn memory_follows_the_rows_that_are_left() {
        let mut rows = Rows::new(0, at(0));
        let serials: Vec<Serial> = (0..10_000)
            .map(|_| rows.add(0_u64, at(1)).unwrap())
            .collect();
        for serial in &serials[..9_900] {
            rows.remove(*serial, at(2));
        }
        assert_eq!(rows.len(), 100);
        assert!(rows.rows.capacity() <= 400, "{}", rows.rows.capacity());
        assert!(serials[9_900..].iter().all(|it| rows.get(*it).is_some()));
    }

    proptest! {
        /// Against the plainest thing that could hold rows.
        #[test]
        fn rows_are_a_map(steps in prop::collection::vec((0_u8..4, any::<u32>()), 0..800)) {
            let mut rows = Rows::new(4, at(0));
            let mut map: BTreeMap<u32, (u64, u32)> = BTreeMap::new();
            for (now, (step, value)) in (1_u64..).zip(steps) {
                let chosen = map.keys().nth(value as usize % map.len().max(1)).copied();
                let serial = chosen.and_then(Serial::new);
                match (step, serial) {
                    (0 | 1, _) => {
                        let serial = rows.add(value, at(now)).unwrap();
                        map.insert(serial.get(), (now, value));
                    }
                    (2, Some(serial)) => {
                        *rows.change(serial, at(now)).unwrap() = value;
                        map.insert(serial.get(), (now, value));
                    }
                    (_, Some(serial)) => {
                        let expected = map.remove(&serial.get()).map(|(_, value)| value);
                        prop_assert_eq!(rows.remove(serial, at(now)), expected);
                        prop_assert_eq!(rows.remove(serial, at(now)), None);
                    }
                    (_, None) => {}
                }
            }
            prop_assert_eq!(rows.len(), map.len());
            let held: BTreeMap<u32, (u64, u32)> = rows
                .after(0)
                .map(|(serial, changed, value)| (serial.get(), (changed.0, *value)))
                .collect();
            prop_assert_eq!(held, map);
        }
    }
}
