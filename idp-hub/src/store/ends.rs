//! Regions that tell of something which ended: a hub that was restored from an older backup has
//! forgotten it, and looks at once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::regions::RegionNo;

/// Regions at whose words nobody has looked yet: at most all. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct EndsTold(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    regions: Mutex<BTreeSet<RegionNo>>,
    news: Notify,
}

impl EndsTold {
    /// What a region told is durable.
    pub(in crate::store) fn tell(&self, no: RegionNo) {
        let mut regions = self
            .0
            .regions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        regions.insert(no);
        self.0.news.notify_one();
    }

    /// Waits until a region tells of something that ended, and takes all that did. For one reader;
    /// cancel-safe.
    pub async fn next(&self) -> BTreeSet<RegionNo> {
        loop {
            let taken = self.take();
            if !taken.is_empty() {
                return taken;
            }
            self.0.news.notified().await;
        }
    }

    fn take(&self) -> BTreeSet<RegionNo> {
        let mut regions = self
            .0
            .regions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut regions)
    }
}
