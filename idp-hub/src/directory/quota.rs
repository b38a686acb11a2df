//! Quotas: what each project may use in each region, edited here and checked against what it uses
//! there and against what the region has.
//!
//! ```text
//! records of a region, limits set here ─▶ Census ─┬─ check ─▶ limits to tell the region, now or
//!                                                 │           once it has lowered others
//!                                                 ├─ lines ─▶ limit, used, reserved, wanted
//!                                                 └─ allocation ─▶ directory's + leftovers'
//! ```
//!
//! A region's own word counts: what a project may use there is what its cloud says, and a limit
//! that was set here is only wanted until the region's quota says the same.

mod allocation;
mod capacity;
mod census;
mod check;
mod leftover;
mod lines;
mod refusal;
mod shift;
pub mod spread;
#[cfg(test)]
mod tests;
mod unset;
mod whereabouts;

pub use allocation::{Allocation, ResourceAllocation, Sum};
pub use census::{Allowed, Capacities, Census, InDirectory, RegionProject};
pub use check::{Check, Decision, EDITS_MAX, Force, LimitsChange, QuotaEdit};
pub use leftover::{Holdings, Leftover, LeftoverWhy, Share};
pub use lines::{Differs, ProjectLine, ResourceLine, is_ahead};
pub use refusal::QuotaRefusal;
pub use shift::{Giver, Pool, Pools, Raise, RaiseKey, Settled, Waits};
pub use unset::Unset;
pub use whereabouts::Whereabouts;
