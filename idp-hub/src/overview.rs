//! What is shown of the whole federation, kept ready for whoever asks.
//!
//! ```text
//! tasks ── fleet's views, counts ──▶ FleetBoard ──▶ api: lists, one region, what changed since
//! store ── running totals ─────────▶
//! ```
//!
//! Nothing here is computed by looking at all regions: an update costs what changed, and a reader
//! that follows changes gets each region once, as it is now, however often it changed meanwhile.

mod board;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use shared::model::{Totals, UnixMillis};
use tokio::sync::watch;

use crate::fleet::{Counts, RegionNo, RegionView};
use crate::store::{Lacking, Overview, RegionOverview, Sums};
use board::Board;
pub use board::Entry;

/// What the fleet's driver tells after a step.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// Regions whose views changed, as they are now. One in the state `removed` is shown no more.
    pub views: Vec<RegionView>,
    /// Regions whose figures changed in the store.
    pub figures: Vec<RegionNo>,
    /// Regions that are gone altogether.
    pub gone: Vec<RegionNo>,
    /// Regions by state and reason, if they changed.
    pub counts: Option<Counts>,
}

/// One region with its figures.
#[derive(Debug, Clone)]
pub struct ShownRegion {
    /// Its state and what the registry knows.
    pub view: Arc<RegionView>,
    /// Its running totals, as of the newest commit.
    pub totals: Totals,
    /// Of which of them not all is known.
    pub lacking: Lacking,
    /// When a batch of it was last committed; 0 for never.
    pub fresh: UnixMillis,
}

/// The federation as a whole.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Rises with each update.
    pub version: u64,
    /// Regions by state and reason.
    pub counts: Counts,
    /// Running totals over all regions.
    pub sums: Sums,
}

/// What changed after a version.
#[derive(Debug, Clone)]
pub struct Changes {
    /// Regions as they are now, the longest unchanged first.
    pub regions: Vec<ShownRegion>,
    /// Regions that were removed.
    pub gone: Vec<Arc<RegionView>>,
    /// The version to go on after.
    pub last: u64,
    /// There are no more at this moment.
    pub complete: bool,
}

/// The shared board. Cheap to clone.
#[derive(Clone)]
pub struct FleetBoard(Arc<Shared>);

struct Shared {
    totals: Overview,
    board: RwLock<Board>,
    version: watch::Sender<u64>,
}

impl FleetBoard {
    /// An empty board beside these totals.
    pub fn new(totals: Overview) -> Self {
        Self(Arc::new(Shared {
            totals,
            board: RwLock::default(),
            version: watch::Sender::new(0),
        }))
    }

    /// Takes an update, and wakes whoever follows.
    pub fn publish(&self, update: Update) {
        let mut board = self.0.board.write().unwrap_or_else(PoisonError::into_inner);
        let before = board.version();
        for view in update.views {
            board.show(view);
        }
        for no in update.figures {
            board.touch(no);
        }
        for no in update.gone {
            board.remove(no);
        }
        if let Some(counts) = update.counts {
            board.count(counts);
        }
        let version = board.version();
        drop(board);
        if version != before {
            self.0.version.send_replace(version);
        }
    }

    /// The federation as a whole.
    pub fn shown(&self) -> Shown {
        let board = self.read();
        Shown {
            version: board.version(),
            counts: board.counts().clone(),
            sums: self.0.totals.all(),
        }
    }

    /// Regions whose names follow `after`, by name.
    pub fn regions(&self, after: &str, limit: usize) -> Vec<ShownRegion> {
        let board = self.read();
        board
            .after(after)
            .take(limit)
            .map(|entry| self.figures(entry))
            .collect()
    }

    /// The region of this name.
    pub fn region(&self, name: &str) -> Option<ShownRegion> {
        self.read().named(name).map(|entry| self.figures(entry))
    }

    /// Whether a region's session is open.
    pub fn is_online(&self, no: RegionNo) -> bool {
        self.read().is_online(no)
    }

    /// When a region was last heard, as far as is shown; `None` where it is not shown yet.
    pub fn seen(&self, no: RegionNo) -> Option<UnixMillis> {
        self.read().seen(no)
    }

    /// At most `limit` of what changed after a version; everything that is shown after version 0.
    /// `None` if that was so long ago that removals since are forgotten: start over at 0.
    pub fn changes(&self, after: u64, limit: usize) -> Option<Changes> {
        let board = self.read();
        let (entries, gone, last) = board.changes(after, limit)?;
        Some(Changes {
            regions: entries
                .into_iter()
                .map(|entry| self.figures(entry))
                .collect(),
            gone,
            last,
            complete: last == board.version(),
        })
    }

    /// Tells of each new version; the newest is enough.
    pub fn versions(&self) -> watch::Receiver<u64> {
        self.0.version.subscribe()
    }

    fn read(&self) -> RwLockReadGuard<'_, Board> {
        self.0.board.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn figures(&self, entry: &Entry) -> ShownRegion {
        let view = Arc::clone(&entry.view);
        let known = self.0.totals.region(view.no);
        let RegionOverview {
            totals,
            lacking,
            fresh,
            ..
        } = known.map(Arc::unwrap_or_clone).unwrap_or_default();
        ShownRegion {
            view,
            totals,
            lacking,
            fresh,
        }
    }
}
