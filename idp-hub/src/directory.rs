//! The federation's directory: the union of the organizations of all regions, under its own ids.
//!
//! ```text
//! region's organization ─▶ plan ─▶ shown, confirmed ─▶ Directory::merge ─▶ every region
//! ```
//!
//! Pure. A merge is a [`Plan`] first: a value that says of each thing what becomes of it, at the
//! hub and in the region, before anything is written. Making it changes nothing, and merging it
//! twice is merging it once, so that whoever was interrupted begins anew.

mod ended;
mod merge;
mod names;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use shared::ids::{FederationId, ObjectId};
use shared::model::{End, ObjectKind, Organization, UnixMillis};

pub use ended::Ended;
pub use merge::{Administrator, Arrival, Evidence, plan};
pub use names::Folded;
pub use plan::{Action, Links, Obstacle, Plan, Reason, Rename, Step};

/// Who changed something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The account that did it.
    pub author: String,
    /// By the hub's clock.
    pub at: UnixMillis,
    /// The federation's epoch then.
    pub epoch: u64,
}

/// The organization of a federation.
#[derive(Debug, Clone)]
pub struct Directory {
    federation: FederationId,
    live: Organization<ObjectId>,
    /// What is not live any more, and must not come back as something new.
    ended: BTreeMap<ObjectId, Ended>,
    /// The last change of each object, live or not.
    stamps: BTreeMap<ObjectId, Stamp>,
}

impl Directory {
    /// A directory without anything in it.
    pub fn new(federation: FederationId) -> Self {
        Self {
            federation,
            live: Organization::default(),
            ended: BTreeMap::new(),
            stamps: BTreeMap::new(),
        }
    }

    /// Whose directory it is.
    pub const fn federation(&self) -> FederationId {
        self.federation
    }

    /// What it holds.
    pub const fn live(&self) -> &Organization<ObjectId> {
        &self.live
    }

    /// What became of an object that is not live any more.
    pub fn ended(&self, id: ObjectId) -> Option<&Ended> {
        self.ended.get(&id)
    }

    /// Who changed an object last.
    pub fn stamp(&self, id: ObjectId) -> Option<&Stamp> {
        self.stamps.get(&id)
    }

    /// Whether a live object of this kind has this id.
    pub fn has(&self, kind: ObjectKind, id: ObjectId) -> bool {
        self.live.has(kind, &id)
    }

    /// Takes in what a plan adopts. What is here already, or has ended since the plan was made,
    /// stays as it is: so the same plan again changes nothing.
    pub fn merge(&mut self, plan: &Plan, stamp: &Stamp) {
        for (id, object) in plan.adopted() {
            if self.stamps.contains_key(&id) {
                continue;
            }
            self.live.insert(id, object.clone());
            self.stamps.insert(id, stamp.clone());
        }
        let Links {
            memberships,
            implications,
            assignments,
            ..
        } = &plan.links;
        self.live.memberships.extend(memberships.iter().cloned());
        self.live.implications.extend(implications.iter().cloned());
        self.live.assignments.extend(assignments.iter().cloned());
        self.drop_loose_ends();
    }

    /// Ends an object: it is not live any more, with all that hangs on it alone, and no region
    /// brings it back. An unknown id changes nothing.
    pub fn end(&mut self, kind: ObjectKind, id: ObjectId, how: End, stamp: &Stamp) {
        let Some(object) = self.live.take(kind, &id) else {
            return;
        };
        self.ended.insert(id, Ended { object, how });
        self.stamps.insert(id, stamp.clone());
        for (kind, id) in ended::below(&self.live, kind, id) {
            self.end(kind, id, how, stamp);
        }
        self.drop_loose_ends();
    }

    /// Links whose ends are not both here.
    fn drop_loose_ends(&mut self) {
        let here = |kind, id: &ObjectId| self.has(kind, *id).then_some(*id);
        let memberships = self.live.memberships.iter();
        let memberships = memberships.filter_map(|it| it.translated(here)).collect();
        let implications = self.live.implications.iter();
        let implications = implications.filter_map(|it| it.translated(here)).collect();
        let assignments = self.live.assignments.iter();
        let assignments = assignments.filter_map(|it| it.translated(here)).collect();
        self.live.memberships = memberships;
        self.live.implications = implications;
        self.live.assignments = assignments;
    }
}
