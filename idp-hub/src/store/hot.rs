//! What the writer keeps in memory of each region: cursors, digests, running totals.
//!
//! All of it stands in the database too, written in the transaction of the records that it is
//! about, so that memory is only a faster copy. After a failed commit it is read anew.

mod directory;
mod lacking;
mod overview;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::Connection;
use shared::link::inbox::{Inbox, Position};
use shared::model::{Feed, Service, ServiceKind, ServiceState, Totals, UnixMillis};
use shared::wire::Digest;
use shared::wire::frame::Phase;

pub(in crate::store) use self::directory::{DirectoryHot, Untold};
pub use self::lacking::{Figures, Lacking};
pub use self::overview::{Overview, RegionOverview, Sums};
use self::stored::{load_feed, load_services, save_feed};
use super::error::{Doing, StoreError};
use super::regions::{KeyTurns, RegionNo};
use super::size::Size;
use super::totals::{load_totals, save_totals};

/// All regions.
pub(in crate::store) struct Hot {
    regions: HashMap<RegionNo, RegionHot>,
    /// What each region may have.
    pub(in crate::store) region_max: Size,
    /// What the open transaction changed: must be written, and shown, with its commit.
    touched: HashSet<RegionNo>,
    /// The regions that the change being made added, or removed as they were.
    undo: Vec<(RegionNo, Option<RegionHot>)>,
    /// The sessions of regions that the open transaction removed.
    removed: HashMap<RegionNo, u64>,
    /// What is here of these was never committed, and the database could not be read since: they
    /// are read before anything else is done with them.
    stale: HashSet<RegionNo>,
    /// The directory, once it was used.
    pub(in crate::store) directory: DirectoryHot,
}

/// One region.
pub(in crate::store) struct RegionHot {
    /// The newest session. Frames of an older one are late, and are not taken.
    pub(in crate::store) session: u64,
    /// How often its agent told another key to seal to. Nothing of it is in the database.
    pub(in crate::store) keys: KeyTurns,
    feeds: [FeedHot; Feed::ALL.len()],
    pub(in crate::store) totals: Totals,
    pub(in crate::store) size: Size,
    /// Services that its agent has all from that it asks of them.
    available: BTreeSet<ServiceKind>,
    /// The other ones that it has told of.
    troubles: BTreeMap<ServiceKind, Service>,
}

/// One feed of a region.
pub(in crate::store) struct FeedHot {
    pub(in crate::store) inbox: Inbox,
    pub(in crate::store) digest: Digest,
    pub(in crate::store) fresh: UnixMillis,
    pub(in crate::store) dirty: bool,
    /// Its latest batch was more than the region may have.
    pub(in crate::store) full: bool,
    /// All that its sender had is here, as of the session that is open or was last: its latest
    /// batch came with the digest of all there is. Of a log, or before a session has resumed the
    /// feed, it is not: what stands in the database says nothing of what its sender has by now.
    pub(in crate::store) caught_up: bool,
}

impl FeedHot {
    fn empty(feed: Feed) -> Self {
        Self {
            inbox: Inbox::new(Position::NONE, feed.is_log()),
            digest: Digest::default(),
            fresh: UnixMillis::default(),
            dirty: false,
            full: false,
            caught_up: false,
        }
    }

    /// A new session of its sender begins, which says where it goes on.
    pub(in crate::store) const fn session_began(&mut self) {
        self.inbox.session_began();
        self.caught_up = false;
    }
}

impl RegionHot {
    /// A feed's state.
    pub(in crate::store) fn feed(&mut self, feed: Feed) -> &mut FeedHot {
        // As in `Feed::ALL`.
        let [health, inventory, quota, organization, samples] = &mut self.feeds;
        match feed {
            Feed::Health => health,
            Feed::Inventory => inventory,
            Feed::Quota => quota,
            Feed::Organization => organization,
            Feed::Samples => samples,
        }
    }

    /// A service's record came, or went.
    pub(in crate::store) fn service(&mut self, kind: ServiceKind, service: Option<Service>) {
        self.available.remove(&kind);
        self.troubles.remove(&kind);
        match service {
            Some(service) if service.state == ServiceState::Available => {
                self.available.insert(kind);
            }
            Some(service) => drop(self.troubles.insert(kind, service)),
            None => {}
        }
    }

    /// What its agent last told of a service, if it told of it at all.
    fn told(&self, kind: ServiceKind) -> Option<&ServiceState> {
        match self.available.contains(&kind) {
            true => Some(&ServiceState::Available),
            false => self.troubles.get(&kind).map(|it| &it.state),
        }
    }

    fn shown(&mut self, region_max: Size) -> RegionOverview {
        let live = self.feed(Feed::Inventory).inbox.position().phase == Phase::Live
            && self.feed(Feed::Health).inbox.position().phase == Phase::Live;
        let full = self.feeds.iter().any(|feed| feed.full);
        RegionOverview {
            full: full.then(|| format!("{} are here, and at most {region_max} may be", self.size)),
            totals: self.totals,
            lacking: Lacking::of(&self.totals, live, |kind| self.told(kind)),
            live,
            fresh: Feed::ALL
                .into_iter()
                .map(|feed| self.feed(feed).fresh)
                .max()
                .unwrap_or_default(),
            troubles: self.troubles.values().cloned().collect(),
            organization_told: self.feed(Feed::Organization).caught_up,
        }
    }
}

impl Hot {
    /// Reads every region, as of one moment: a transaction for each of its questions would take
    /// longer than they do.
    pub(in crate::store) fn load(
        connection: &Connection,
        region_max: Size,
    ) -> Result<Self, StoreError> {
        let moment = connection.unchecked_transaction().doing("list regions")?;
        let mut statement = moment
            .prepare("SELECT no FROM regions WHERE standing <> 3")
            .doing("list regions")?;
        let numbers: Vec<u32> = statement
            .query_map((), |row| row.get(0))
            .and_then(Iterator::collect)
            .doing("list regions")?;
        let mut hot = Self {
            regions: HashMap::new(),
            region_max,
            touched: HashSet::new(),
            undo: Vec::new(),
            removed: HashMap::new(),
            stale: HashSet::new(),
            directory: DirectoryHot::default(),
        };
        for no in numbers {
            hot.reload(&moment, RegionNo(no))?;
        }
        Ok(hot)
    }

    /// Reads one region as the database has it. Its session goes on, and its feeds' senders will be
    /// told where.
    pub(in crate::store) fn reload(
        &mut self,
        connection: &Connection,
        no: RegionNo,
    ) -> Result<(), StoreError> {
        let before = self.regions.get(&no);
        let keys = before.map(|it| it.keys).unwrap_or_default();
        let session = match before {
            Some(region) => region.session,
            None => self.removed.get(&no).copied().unwrap_or_default(),
        };
        let (totals, size) = load_totals(connection, no)?;
        let mut region = RegionHot {
            session,
            keys,
            feeds: Feed::ALL.map(FeedHot::empty),
            totals,
            size,
            available: BTreeSet::new(),
            troubles: BTreeMap::new(),
        };
        for service in load_services(connection, no)? {
            region.service(service.kind, Some(service));
        }
        for feed in Feed::ALL {
            if let Some(loaded) = load_feed(connection, no, feed)? {
                *region.feed(feed) = loaded;
            }
            region.feed(feed).inbox.rolled_back();
        }
        self.regions.insert(no, region);
        self.touched.insert(no);
        Ok(())
    }

    /// A change begins.
    pub(in crate::store) fn change_begins(&mut self) {
        self.directory.change_begins();
        self.undo.clear();
    }

    /// The change failed and its statements are taken back: so is what it did here.
    pub(in crate::store) fn change_failed(&mut self) {
        self.directory.change_failed();
        for (no, before) in std::mem::take(&mut self.undo).into_iter().rev() {
            match before {
                Some(region) => {
                    self.removed.remove(&no);
                    self.regions.insert(no, region);
                }
                None => drop(self.regions.remove(&no)),
            }
        }
    }

    /// A region was added.
    pub(in crate::store) fn add(
        &mut self,
        connection: &Connection,
        no: RegionNo,
    ) -> Result<(), StoreError> {
        self.undo.push((no, None));
        self.reload(connection, no)
    }

    /// A region was removed.
    pub(in crate::store) fn forget(&mut self, no: RegionNo) {
        if let Some(region) = self.regions.remove(&no) {
            self.removed.insert(no, region.session);
            self.undo.push((no, Some(region)));
            self.touched.insert(no);
        }
    }

    /// The transaction failed: what it touched is read anew.
    ///
    /// # Errors
    /// If something can't be read: it is stale then, and nothing is done with it before it was.
    pub(in crate::store) fn roll_back(
        &mut self,
        connection: &Connection,
    ) -> Result<(), StoreError> {
        self.directory.roll_back();
        self.undo.clear();
        self.stale.extend(self.touched.drain());
        let stale: Vec<RegionNo> = self.stale.iter().copied().collect();
        let outcome = stale
            .into_iter()
            .try_for_each(|no| self.refresh(connection, no));
        self.removed.retain(|no, _| self.stale.contains(no));
        outcome
    }

    /// Reads a region anew that is stale.
    fn refresh(&mut self, connection: &Connection, no: RegionNo) -> Result<(), StoreError> {
        if !self.stale.contains(&no) {
            return Ok(());
        }
        let exists = "SELECT EXISTS (SELECT 1 FROM regions WHERE no = ?1 AND standing <> 3)";
        match connection
            .query_row(exists, [no.0], |row| row.get(0))
            .doing("find a region")?
        {
            true => self.reload(connection, no)?,
            false => drop(self.regions.remove(&no)),
        }
        self.touched.insert(no);
        self.removed.remove(&no);
        self.stale.remove(&no);
        Ok(())
    }

    /// A region, if it is there, to be changed.
    ///
    /// # Errors
    /// If it is stale, and still can't be read.
    pub(in crate::store) fn region(
        &mut self,
        connection: &Connection,
        no: RegionNo,
    ) -> Result<Option<&mut RegionHot>, StoreError> {
        self.refresh(connection, no)?;
        let Some(region) = self.regions.get_mut(&no) else {
            return Ok(None);
        };
        self.touched.insert(no);
        Ok(Some(region))
    }

    /// Writes what changed. Called just before the commit.
    pub(in crate::store) fn save(&mut self, connection: &Connection) -> Result<(), StoreError> {
        for no in &self.touched {
            let Some(region) = self.regions.get_mut(no) else {
                continue;
            };
            save_totals(connection, *no, &region.totals, region.size)?;
            for feed in Feed::ALL {
                let state = region.feed(feed);
                if std::mem::take(&mut state.dirty) {
                    save_feed(connection, *no, feed, state)?;
                }
            }
        }
        Ok(())
    }

    /// Shows what was committed.
    pub(in crate::store) fn publish(&mut self, overview: &Overview) {
        let regions = &mut self.regions;
        let region_max = self.region_max;
        self.removed.retain(|no, _| self.stale.contains(no));
        let shown = |no| (no, regions.get_mut(&no).map(|it| it.shown(region_max)));
        overview.update(self.touched.drain().map(shown).collect());
    }
}
