//! Turns to ask regions about passwords: few for all of them, and fewer for each, so that one whose
//! cloud hangs keeps nobody of another one's out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::RegionNo;

/// Passwords about which regions are asked at once. Each waits for seconds at worst, and holds some
/// kilobytes; a morning's users come one after the other.
const ASKING_MAX: usize = 64;

/// And of one region: a Keystone that is well answers as many in a second or two.
const OF_REGION_MAX: usize = 16;

/// How many sign-ins wait for which region. Who waits for none is not in it.
#[derive(Debug, Default)]
pub(in crate::api) struct Asking(Mutex<HashMap<RegionNo, usize>>);

/// The right to ask a region about one password. Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    asking: &'a Asking,
    region: RegionNo,
}

impl Asking {
    /// A turn to ask a region, if there is one now.
    pub(super) fn turn(&self, region: RegionNo) -> Option<Turn<'_>> {
        let mut waiting = self.waiting();
        let of_all: usize = waiting.values().sum();
        let of_region = waiting.get(&region).copied().unwrap_or_default();
        if of_all >= ASKING_MAX || of_region >= OF_REGION_MAX {
            return None;
        }
        waiting.insert(region, of_region + 1);
        Some(Turn {
            asking: self,
            region,
        })
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<RegionNo, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut waiting = self.asking.waiting();
        match waiting.get_mut(&self.region) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(waiting.remove(&self.region)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_takes_no_more_than_its_part_and_all_no_more_than_there_are() {
        let asking = Asking::default();
        let mut turns = Vec::new();
        let mut take = |region: u32| {
            let turn = asking.turn(RegionNo(region));
            let is_given = turn.is_some();
            turns.extend(turn);
            is_given
        };
        for region in 0..4 {
            for _ in 0..OF_REGION_MAX {
                assert!(take(region));
            }
            assert!(!take(region), "its part is taken");
        }
        assert!(!take(9), "all are taken");
        turns.pop();
        let turn = asking.turn(RegionNo(9));
        assert!(turn.is_some());
        assert!(asking.turn(RegionNo(3)).is_none());
        drop((turns, turn));
        assert!(asking.waiting().is_empty(), "nothing is remembered");
    }
}
