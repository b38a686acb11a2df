//! Regions that tell of something which ended: a hub that was restored from an older backup has
//! forgotten it, and looks at once; and which of them had their say.

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
    /// Which had their say since the hub began.
    heard: Mutex<BTreeSet<RegionNo>>,
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

    /// These had their say since the hub began.
    pub fn hear(&self, regions: BTreeSet<RegionNo>) {
        *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner) = regions;
    }

    /// Which had their say since the hub began, as far as it waits for that.
    pub fn heard(&self) -> BTreeSet<RegionNo> {
        let heard = self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.clone()
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
