//! What is shown of the regions' figures: each region's, and their sums, kept as they change.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use shared::model::{Service, Totals, UnixMillis};
use tokio::sync::Notify;

use super::lacking::{Figures, Lacking};
use crate::store::regions::RegionNo;

/// What is known of one region, as of the newest commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionOverview {
    /// Its running totals.
    pub totals: Totals,
    /// Of which of them not all is known.
    pub lacking: Lacking,
    /// Health and inventory are complete: no first snapshot is on its way.
    pub live: bool,
    /// When a batch of any feed was last committed.
    pub fresh: UnixMillis,
    /// The services that don't answer or are missing.
    pub troubles: Vec<Service>,
    /// It has more to report than it may have here: how much that is.
    pub full: Option<String>,
    /// Its agent resumed its organization in this hub's life, and all that it had to tell of it is
    /// here: no snapshot, and no part of what changed meanwhile, is on its way.
    pub organization_told: bool,
}

/// The running totals of all regions, as of the newest commit. Cheap to clone.
#[derive(Clone, Default)]
pub struct Overview(Arc<OverviewState>);

#[derive(Default)]
struct OverviewState {
    regions: RwLock<Shown>,
    touched: std::sync::Mutex<HashSet<RegionNo>>,
    news: Notify,
}

/// Sums over all regions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// The running totals.
    pub totals: Totals,
    /// Regions that are in them.
    pub regions: u32,
    lacking: [u32; Figures::ALL.len()],
}

impl Sums {
    /// Regions of whose figures not all is known, so that the sums are too small by those.
    pub fn lacking(&self, figures: Figures) -> u32 {
        // A group's place is its number.
        self.lacking.get(figures as usize).copied().unwrap_or(0)
    }

    fn add(&mut self, region: &RegionOverview) {
        self.totals.add(&region.totals);
        self.regions = self.regions.saturating_add(1);
        self.count(region.lacking, |it| it.saturating_add(1));
    }

    fn subtract(&mut self, region: &RegionOverview) {
        self.totals.subtract(&region.totals);
        self.regions = self.regions.saturating_sub(1);
        self.count(region.lacking, |it| it.saturating_sub(1));
    }

    fn count(&mut self, lacking: Lacking, changed: impl Fn(u32) -> u32) {
        for (figures, count) in Figures::ALL.into_iter().zip(&mut self.lacking) {
            if lacking.has(figures) {
                *count = changed(*count);
            }
        }
    }
}

#[derive(Default)]
struct Shown {
    all: Sums,
    regions: HashMap<RegionNo, Arc<RegionOverview>>,
}

impl Overview {
    /// The sums over all regions.
    pub fn all(&self) -> Sums {
        self.0
            .regions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .all
    }

    /// One region.
    pub fn region(&self, no: RegionNo) -> Option<Arc<RegionOverview>> {
        self.0
            .regions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .regions
            .get(&no)
            .cloned()
    }

    /// Waits until regions changed, and returns which. For one reader.
    pub async fn changed(&self) -> Vec<RegionNo> {
        loop {
            self.0.news.notified().await;
            let mut touched = self
                .0
                .touched
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if !touched.is_empty() {
                return touched.drain().collect();
            }
        }
    }

    pub(super) fn update(&self, changed: Vec<(RegionNo, Option<RegionOverview>)>) {
        if changed.is_empty() {
            return;
        }
        let mut touched = self
            .0
            .touched
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut shown = self
            .0
            .regions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for (no, region) in changed {
            let before = match region {
                Some(region) => {
                    shown.all.add(&region);
                    shown.regions.insert(no, Arc::new(region))
                }
                None => shown.regions.remove(&no),
            };
            if let Some(before) = before {
                shown.all.subtract(&before);
            }
            touched.insert(no);
        }
        drop(shown);
        drop(touched);
        self.0.news.notify_one();
    }
}
