//! Plans are made by readers, and the writer only looks whether they still hold.
//!
//! ```text
//! a moment's view ─▶ plan, confirmed ─▶ writer: has anything moved since? ─▶ applied
//!        ▲                                          │ yes
//!        └──────────────────────────────────────────┘
//! ```
//!
//! A plan for 100,000 users takes seconds, in which no region's batches would be acknowledged if
//! the writer made it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::look::{PlanVersion, ShownPlan};
use super::merge::{Confirmation, Merged};
use crate::directory::{Directory, MergeRefusal};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::regions::RegionRow;

/// Plans that are made at once. Each may be a hundred megabytes beside as much that it is made of,
/// and fills a core for seconds.
const PLANS_MAX: usize = 2;

/// Whoever wants one waits so long for a turn: two of the largest take less, and a command's
/// patience with a look is ten seconds.
const TURN_WAIT: Duration = Duration::from_secs(5);

/// A plan is made so many times for one merge, where something moves meanwhile each time. A region
/// tells what changed there every few minutes at most, so that a third time is for administrators
/// who work at once.
const ATTEMPTS_MAX: usize = 3;

/// The right to make a plan, for as long as it is held.
type Turn = OwnedSemaphorePermit;

/// Who makes plans, and the plan that was made last: its pages are not each planned for, nor is
/// its merge. One: whoever merges looks at one region after the other.
pub(in crate::store) struct Planners {
    turns: Arc<Semaphore>,
    wait: Duration,
    last: Mutex<Option<(PlanVersion, Arc<ShownPlan>)>>,
}

impl Planners {
    pub(in crate::store) fn new() -> Self {
        Self::waiting(TURN_WAIT)
    }

    fn waiting(wait: Duration) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(PLANS_MAX)),
            wait,
            last: Mutex::new(None),
        }
    }

    async fn turn(&self) -> Result<Turn, StoreError> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        match timeout(self.wait, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) => Err(StoreError::Closed),
            Err(_) => Err(StoreError::Busy {
                what: "plans of other regions are being made",
                retry: TURN_WAIT,
            }),
        }
    }

    fn at(&self, version: &PlanVersion) -> Option<Arc<ShownPlan>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, shown) = last.as_ref()?;
        (of == version).then(|| Arc::clone(shown))
    }

    fn keep(&self, version: PlanVersion, shown: &Arc<ShownPlan>) {
        let kept = Some((version, Arc::clone(shown)));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // The one before is freed behind the lock, as that takes a while.
        let before = std::mem::replace(&mut *last, kept);
        drop(last);
        drop(before);
    }
}

/// A plan for the writer, and what it follows from.
pub(super) struct Planned {
    pub(super) region: RegionRow,
    pub(super) version: PlanVersion,
    pub(super) shown: Arc<ShownPlan>,
    /// As of that version, for a writer that does not hold it.
    pub(super) directory: Box<Directory>,
    _turn: Turn,
}

impl Store {
    /// What a merge of the region of this name would do now, as it is shown.
    ///
    /// # Errors
    /// If there is no such region or its organization is not all here, too many plans are being
    /// made, or the database fails.
    pub async fn shown_plan(&self, region: &str) -> Result<Arc<ShownPlan>, StoreError> {
        let name = region.to_owned();
        let planners = Arc::clone(&self.planners);
        let known = self.read(move |it| {
            let version = it.plan_version(&it.region_named(&name)?)?;
            Ok(planners.at(&version))
        });
        if let Some(shown) = known.await? {
            return Ok(shown);
        }
        let turn = self.planners.turn().await?;
        let (name, planners) = (region.to_owned(), Arc::clone(&self.planners));
        let made = self.read(move |it| {
            let _turn = turn;
            let region = it.region_named(&name)?;
            let version = it.plan_version(&region)?;
            // Whoever had the turn before may have made it.
            if let Some(shown) = planners.at(&version) {
                return Ok(shown);
            }
            let shown = Arc::new(it.plan_shown(&region, &it.directory()?)?);
            planners.keep(version, &shown);
            Ok(shown)
        });
        made.await
    }

    /// Takes the organization of the region of this name into the directory, as it was confirmed,
    /// together with what each of its things is from then on: all of it, or nothing. Merging again
    /// is nothing.
    ///
    /// # Errors
    /// If there is no such region or its organization is not all here, the plan is another one by
    /// now, its cloud is another federation's or another region's and nobody said to take over,
    /// something moves each time that the plan is made, or too many are being made; or if the
    /// database fails.
    pub async fn merge(&self, region: &str, confirmed: Confirmation) -> Result<Merged, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let planned = self.planned(region, confirmed.clone()).await?;
            let confirmed = confirmed.clone();
            let merged = self.change(move |it| it.merge(planned, &confirmed));
            if let Some(merged) = merged.await? {
                return Ok(merged);
            }
        }
        let region = region.to_owned();
        Err(MergeRefusal::Restless { region }.into())
    }

    pub(super) async fn planned(
        &self,
        region: &str,
        confirmed: Confirmation,
    ) -> Result<Planned, StoreError> {
        let turn = self.planners.turn().await?;
        let (name, planners) = (region.to_owned(), Arc::clone(&self.planners));
        let planned = self.read(move |it| {
            let region = it.region_named(&name)?;
            it.is_read(&region)?;
            let version = it.plan_version(&region)?;
            let directory = Box::new(it.directory()?);
            let shown = match planners.at(&version) {
                Some(shown) => shown,
                None => Arc::new(it.plan_shown(&region, &directory)?),
            };
            is_confirmed(&shown, &region, &confirmed)?;
            Ok(Planned {
                region,
                version,
                shown,
                directory,
                _turn: turn,
            })
        });
        planned.await
    }
}

fn is_confirmed(
    shown: &ShownPlan,
    region: &RegionRow,
    confirmed: &Confirmation,
) -> Result<(), MergeRefusal> {
    let name = || region.facts.name.clone();
    if shown.digest != confirmed.plan {
        return Err(MergeRefusal::Changed {
            region: name(),
            confirmed: confirmed.plan,
            now: shown.digest,
        });
    }
    // A word of its own, as the one to take over from a lost federation is said of many regions.
    if let Some(other) = shown.twin.clone().filter(|_| !confirmed.copied) {
        return Err(MergeRefusal::Twin {
            region: name(),
            other,
        });
    }
    if confirmed.take_over || shown.plan.foreign.is_empty() {
        return Ok(());
    }
    let others = shown.plan.foreign.iter();
    let others: Vec<String> = others.map(ToString::to_string).collect();
    Err(MergeRefusal::Foreign {
        region: name(),
        federation: others.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_finds_all_at_work_is_told_when_to_come_again() {
        let planners = Planners::waiting(Duration::from_millis(20));
        let first = planners.turn().await.unwrap();
        let _second = planners.turn().await.unwrap();
        let refused = planners.turn().await;
        assert!(matches!(refused, Err(StoreError::Busy { retry, .. }) if retry == TURN_WAIT));
        drop(first);
        assert!(planners.turn().await.is_ok());
    }
}
