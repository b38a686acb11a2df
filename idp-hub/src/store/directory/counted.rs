//! What of retired things is in each region, counted once for all of them: that decodes the whole
//! inventory, and is kept for as long as the region tells nothing new.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::params;
use shared::ids::ObjectId;
use shared::model::{CloudId, Feed, ObjectKind, UnixMillis};
use shared::wire::frame::feed_code;

use super::retired::Wanted;
use crate::directory::Here;
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::{RegionNo, RegionRow};

/// Later pages of a list are of its first one's counts for so long: who reads on takes seconds for
/// a page, and each page would count a busy region anew.
const PAGES_AGE_MAX: Duration = Duration::from_secs(60);

/// The counts of each merged region. Bounded by what was retired in each. Whoever uses them takes
/// turns: one count at a time.
#[derive(Debug, Default)]
pub struct Counts(Mutex<HashMap<RegionNo, Arc<Counted>>>);

/// What of all that was retired is in one region.
#[derive(Debug)]
pub(super) struct Counted {
    as_of: AsOf,
    at: UnixMillis,
    /// Which of the region's things they are.
    pub(super) places: BTreeMap<(ObjectKind, CloudId), ObjectId>,
    /// What is there of them.
    pub(super) here: HashMap<ObjectId, Here>,
}

/// What was counted.
#[derive(Debug, PartialEq, Eq)]
struct AsOf {
    /// How far the directory went.
    head: [u8; 8],
    /// How far each feed that was looked at went: its id, sequence number and snapshot.
    feeds: Vec<(Vec<u8>, u64, u32)>,
}

/// How new counts have to be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fresh {
    /// Of all that the region told.
    Now(UnixMillis),
    /// As on the page before, if that is not long ago.
    OnePageOn(UnixMillis),
}

impl Counts {
    pub(super) fn of(
        &self,
        reading: &Reading<'_>,
        no: RegionNo,
        all: &Wanted<'_>,
        fresh: Fresh,
    ) -> Result<Arc<Counted>, StoreError> {
        // First, so that what comes meanwhile makes it old.
        let as_of = reading.as_of(no)?;
        let (Fresh::Now(now) | Fresh::OnePageOn(now)) = fresh;
        if let Some(known) = self.known().get(&no) {
            let age = Duration::from_millis(now.0.saturating_sub(known.at.0));
            let is_on = matches!(fresh, Fresh::OnePageOn(_)) && age <= PAGES_AGE_MAX;
            if known.as_of == as_of || is_on && known.as_of.head == as_of.head {
                return Ok(Arc::clone(known));
            }
        }
        let places = reading.places_of(no, all)?;
        let here = reading.here(no, &places)?;
        let counted = Arc::new(Counted {
            as_of,
            at: now,
            places,
            here,
        });
        self.known().insert(no, Arc::clone(&counted));
        Ok(counted)
    }

    /// Regions that are merged no more are not counted.
    pub(super) fn keep(&self, merged: &[RegionRow]) {
        let merged: BTreeSet<RegionNo> = merged.iter().map(|it| it.no).collect();
        self.known().retain(|no, _| merged.contains(no));
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<RegionNo, Arc<Counted>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading<'_> {
    fn as_of(&self, no: RegionNo) -> Result<AsOf, StoreError> {
        let doing = "find how far a region told";
        let sql = "SELECT id, seq, generation FROM feeds
                   WHERE region = ?1 AND feed IN (?2, ?3) ORDER BY feed";
        let mut statement = self.prepared(sql)?;
        let feeds = [Feed::Organization, Feed::Inventory].map(feed_code);
        let rows = statement.query_map(params![no.0, feeds[0], feeds[1]], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        });
        let feeds = rows.and_then(Iterator::collect).doing(doing)?;
        let head = self.required("directory_head")?;
        Ok(AsOf { head, feeds })
    }
}
