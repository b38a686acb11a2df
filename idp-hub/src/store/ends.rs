//! Regions that tell of something which ended: a hub that was restored from an older backup has
//! forgotten it, and looks at once; and which of them had their say.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::audit::By;
use tokio::sync::Notify;

use super::regions::RegionNo;
use super::{Store, StoreError};

/// Regions at whose words nobody has looked yet: at most all. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct EndsTold(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    said: Mutex<Said>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Said {
    regions: BTreeSet<RegionNo>,
    /// Which had their say since the hub began.
    heard: BTreeSet<RegionNo>,
    /// Whether users wait for that; `None` before anybody looked.
    is_held: Option<bool>,
}

impl Store {
    /// Whether users of the directory do not sign in, as the hub was restored. The database is
    /// asked once: where they may, they may for as long as this hub lives, and where they wait,
    /// whoever tries again and again costs it nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn is_sign_in_held(&self) -> Result<bool, StoreError> {
        let known = self.ends.said().is_held;
        if let Some(is_held) = known {
            return Ok(is_held);
        }
        let since = self.read(|it| it.sign_in_held()).await?;
        // Somebody may have let them in meanwhile.
        let mut said = self.ends.said();
        Ok(*said.is_held.get_or_insert(since.is_some()))
    }

    /// Users of the directory sign in again. `false` where they did.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_sign_in(&self, by: By, why: String) -> Result<bool, StoreError> {
        let ends = self.ends.clone();
        let open = self.change_then(
            move |it| it.open_sign_in(by, &why),
            move |_| ends.said().is_held = Some(false),
        );
        open.await
    }
}

impl EndsTold {
    /// What a region told is durable.
    pub(in crate::store) fn tell(&self, no: RegionNo) {
        self.said().regions.insert(no);
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
        self.said().heard = regions;
    }

    /// Which had their say since the hub began, as far as it waits for that.
    pub fn heard(&self) -> BTreeSet<RegionNo> {
        self.said().heard.clone()
    }

    fn take(&self) -> BTreeSet<RegionNo> {
        std::mem::take(&mut self.said().regions)
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
