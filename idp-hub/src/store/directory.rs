//! The directory in the database: read whole for whoever decides, written row by row, and each row
//! a part of the feed that goes to the regions.
//!
//! ```text
//! records of a region ─▶ Told ─┐
//!                              ├─▶ Plan ─ confirmed ─▶ Directory::merge ─▶ Delta ─▶ rows
//! rows ─▶ Directory ───────────┘
//!      by a reader                                by the writer
//! ```

mod administrators;
mod applying;
mod census;
mod counted;
mod departments;
mod drift;
mod feed;
mod former;
mod limits;
mod list;
mod load;
mod look;
mod merge;
mod planning;
mod purge;
mod raises;
mod retired;
mod secrets;
mod spread;
mod taken_over;
mod told;
mod twin;
mod vouching;
mod write;

use shared::model::UnixMillis;

use crate::directory::PlanDigest;

pub use applying::{ApplyingSums, RegionApplying};
pub use counted::Counts;
pub use departments::Within;
pub use drift::{CURE_AGAIN, DriftDue, RemarkPage, Remarked, Seen};
pub use feed::{DirectoryBatch, Heads, UNTOLD_MAX};
pub use limits::LimitsSet;
pub use list::{Known, Listed, ListedPage};
pub use look::ShownPlan;
pub use merge::{Confirmation, Merged};
pub(in crate::store) use planning::Planners;
pub use purge::{Going, Revived};
pub use retired::{Heard, RetiredPage, RetiredQuery};
pub(in crate::store) use secrets::forget_passwords;
pub use spread::{
    Left, Places, RESOURCE_BYTES_MAX, Rooms, SPREADS_MAX, ShareRow, Spread, SpreadKey,
};
pub use vouching::Vouching;

/// The region whose number stands for all regions: numbers of real ones begin with 1.
pub(in crate::store) const EVERYWHERE: u32 = 0;

/// How a region's organization was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionOrganization {
    /// When it was merged last.
    pub merged: Option<UnixMillis>,
    /// By whom.
    pub author: Option<String>,
    /// The plan that was confirmed.
    pub plan: Option<PlanDigest>,
    /// Whether it is the home region, with which the directory began.
    pub is_home: bool,
}

#[cfg(test)]
mod tests;
