//! Turns to ask regions about passwords: few for all of them, and fewer for each, so that one whose
//! cloud hangs keeps nobody of another one's out. Who finds none waits in line for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::RegionNo;

/// Passwords about which regions are asked at once. Each waits for seconds at worst, and holds some
/// kilobytes; a morning's users come one after the other.
const ASKING_MAX: usize = 64;

/// And of one region: a Keystone that is well answers as many in a second or two.
const OF_REGION_MAX: usize = 16;

/// Those who ask, or wait for a turn: of one region as many as a good Keystone gets through while
/// they may wait, and of all together as many as two of these.
const HERE_MAX: usize = 256;
const OF_REGION_HERE_MAX: usize = 128;

/// Who asks, and who waits for his turn. A region of which nobody does is not in it.
#[derive(Debug)]
pub(in crate::api) struct Asking {
    turns: Arc<Semaphore>,
    regions: Mutex<HashMap<RegionNo, Line>>,
}

/// Those of one region.
#[derive(Debug)]
struct Line {
    turns: Arc<Semaphore>,
    here: usize,
}

/// The right to ask one region about one password. Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    _of_region: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
    /// Last, as the line ends with the last of them.
    _place: Place<'a>,
}

/// A place in the line.
#[derive(Debug)]
struct Place<'a> {
    asking: &'a Asking,
    region: RegionNo,
    turns: Arc<Semaphore>,
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(ASKING_MAX)),
            regions: Mutex::default(),
        }
    }
}

impl Asking {
    /// A turn to ask a region: at once, or in the order in which they came, if there is one before
    /// it is too late.
    pub(super) async fn turn(
        &self,
        region: RegionNo,
        late: impl Future<Output = ()>,
    ) -> Option<Turn<'_>> {
        let place = self.place(region)?;
        let turns = async {
            // The region's first, so that who waits for it takes none of the others'.
            let of_region = Arc::clone(&place.turns).acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.turns).acquire_owned().await.ok()?;
            Some((of_region, of_all))
        };
        // A turn that is there is taken, also by a task that did much in one go.
        let turns = tokio::task::unconstrained(turns);
        let (of_region, of_all) = tokio::select! {
            biased;
            turns = turns => turns?,
            () = late => return None,
        };
        Some(Turn {
            _of_region: of_region,
            _of_all: of_all,
            _place: place,
        })
    }

    fn place(&self, region: RegionNo) -> Option<Place<'_>> {
        let mut regions = self.regions();
        let here: usize = regions.values().map(|it| it.here).sum();
        if here >= HERE_MAX {
            return None;
        }
        let line = regions.entry(region).or_insert_with(|| Line {
            turns: Arc::new(Semaphore::new(OF_REGION_MAX)),
            here: 0,
        });
        if line.here >= OF_REGION_HERE_MAX {
            return None;
        }
        line.here += 1;
        let turns = Arc::clone(&line.turns);
        Some(Place {
            asking: self,
            region,
            turns,
        })
    }

    fn regions(&self) -> MutexGuard<'_, HashMap<RegionNo, Line>> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut regions = self.asking.regions();
        match regions.get_mut(&self.region) {
            Some(line) if line.here > 1 => line.here -= 1,
            _ => drop(regions.remove(&self.region)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt;

    use super::*;

    /// A turn that is there now.
    fn now(asking: &Asking, region: u32) -> Option<Turn<'_>> {
        let turn = asking.turn(RegionNo(region), ready(()));
        turn.now_or_never().flatten()
    }

    #[test]
    fn a_region_takes_no_more_than_its_part_and_all_no_more_than_there_are() {
        let asking = Asking::default();
        let mut turns = Vec::new();
        for region in 0..4 {
            for _ in 0..OF_REGION_MAX {
                turns.push(now(&asking, region).unwrap());
            }
            assert!(now(&asking, region).is_none(), "its part is taken");
        }
        assert!(now(&asking, 9).is_none(), "all are taken");
        turns.pop();
        let turn = now(&asking, 9);
        assert!(turn.is_some());
        assert!(now(&asking, 3).is_none());
        drop((turns, turn));
        assert!(asking.regions().is_empty(), "nothing is remembered");
    }

    #[tokio::test]
    async fn turns_are_given_in_the_order_in_which_they_were_asked_for() {
        let asking = Asking::default();
        let mut turns: Vec<_> = (0..OF_REGION_MAX).map(|_| now(&asking, 1)).collect();
        let mut waiting: Vec<_> = (0..3)
            .map(|_| Box::pin(asking.turn(RegionNo(1), pending())))
            .collect();
        for it in &mut waiting {
            assert!(it.now_or_never().is_none());
        }
        turns.pop();
        assert!(now(&asking, 1).is_none(), "no newcomer is before them");
        let given: Vec<_> = waiting.iter_mut().map(FutureExt::now_or_never).collect();
        let has_one = given.iter().map(|it| matches!(it, Some(Some(_))));
        assert_eq!(has_one.collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn those_who_wait_are_so_many() {
        let asking = Asking::default();
        let (mut turns, mut waiting) = (Vec::new(), Vec::new());
        let mut here = |region| {
            let mut turn = Box::pin(asking.turn(RegionNo(region), pending()));
            match (&mut turn).now_or_never() {
                Some(Some(given)) => turns.push(given),
                // Who has no place is told so at once.
                Some(None) => return false,
                None => waiting.push(turn),
            }
            true
        };
        let first = (0..1000).filter(|_| here(1)).count();
        assert_eq!(first, OF_REGION_HERE_MAX);
        let others = (2..1000).filter(|region| here(*region)).count();
        assert_eq!(first + others, HERE_MAX);
    }
}
