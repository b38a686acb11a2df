//! The federation's directory: the union of the organizations of all regions, under its own ids.
//!
//! ```text
//! region's organization ─▶ plan ─▶ shown, confirmed ─▶ Directory::merge ─▶ every region
//! ```
//!
//! Pure. A merge is a [`Plan`] first: a value that says of each thing what becomes of it, at the
//! hub and in the region, before anything is written. Making it changes nothing, and merging it
//! twice is merging it once, so that whoever was interrupted begins anew.

mod administration;
mod arrival;
mod change;
mod delta;
mod drift;
mod ended;
mod fit;
mod local_administrators;
mod merge;
mod names;
mod plan;
mod proof;
mod purging;
pub mod quota;
mod refusal;
mod retired;
pub mod rights;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use shared::ids::{FederationId, ObjectId};
use shared::model::{End, Link, ObjectKind, Organization, UnixMillis};

pub use arrival::{Earlier, Told};
pub use change::{Edit, Patch};
pub use delta::Delta;
pub use drift::{
    DriftPolicy, DriftRefusal, Known, adoption, is_unsaid_link, may_adopt_unasked, may_put_back,
    may_put_back_unasked, unsaid_answers,
};
pub use ended::Ended;
pub use local_administrators::LocalAdministrator;
pub use merge::{Arrival, Evidence, plan};
pub use plan::{
    Action, EXPOSED_MAX, Field, Links, Obstacle, Plan, PlanDigest, Reason, Rename, Step,
};
pub use proof::{is_lapse_proof, lapse_proof};
pub use purging::{Next, Told as ToldToPurge, next as next_of_purge};
pub use refusal::{MergeRefusal, Refusal};
pub use retired::{Contents, Here, Inside, Left, Purging, Retired};
pub(crate) use shared::model::directory::{link_of, outward, record_kind};
pub use shared::model::directory::{link_record, object_of, object_record};

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

    /// A directory as it was stored: what is live, what is not any more, and the last change of
    /// each.
    pub const fn stored(
        federation: FederationId,
        live: Organization<ObjectId>,
        ended: BTreeMap<ObjectId, Ended>,
        stamps: BTreeMap<ObjectId, Stamp>,
    ) -> Self {
        Self {
            federation,
            live,
            ended,
            stamps,
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

    /// Whether a live object of this kind has this id, and is in this department; departments and
    /// global roles are in none.
    fn is_in(&self, kind: ObjectKind, id: ObjectId, department: Option<ObjectId>) -> bool {
        let object = self.live.object(kind, &id);
        object.is_some_and(|it| it.department().copied() == department)
    }

    /// Whether an object of this kind has this id, or had it until it ended.
    fn knows(&self, kind: ObjectKind, id: ObjectId) -> bool {
        // Most that is asked for has no stamp, and so is neither.
        self.stamps.contains_key(&id)
            && match self.ended.get(&id) {
                Some(ended) => ended.object.kind() == kind,
                None => self.has(kind, id),
            }
    }

    /// Takes in what a plan adopts. What is here already, or has ended since the plan was made,
    /// stays as it is: so the same plan again changes nothing.
    pub fn merge(&mut self, plan: &Plan, stamp: &Stamp) -> Delta {
        let mut delta = Delta::default();
        for (id, object) in plan.adopted() {
            if self.stamps.contains_key(&id) {
                continue;
            }
            self.live.insert(id, object.clone());
            self.stamps.insert(id, stamp.clone());
            delta.put.push((object.kind(), id));
        }
        for link in plan.links.taken() {
            if self.holds(&link) && !self.live.has_link(&link) {
                self.live.link(link.clone());
                delta.linked.push(link);
            }
        }
        delta.put.extend(self.give_default_projects(plan, stamp));
        delta
    }

    /// Users who have none by now get those that a plan says.
    fn give_default_projects(&mut self, plan: &Plan, stamp: &Stamp) -> Vec<(ObjectKind, ObjectId)> {
        let mut changed = Vec::new();
        for (id, project) in &plan.default_projects {
            let is_here = self.live.projects.contains_key(project);
            let user = self.live.users.get_mut(id);
            let user = user.filter(|it| is_here && it.default_project.is_none());
            if let Some(user) = user {
                user.default_project = Some(*project);
                self.stamps.insert(*id, stamp.clone());
                changed.push((ObjectKind::User, *id));
            }
        }
        changed
    }

    /// Ends an object: it is not live any more, with all that hangs on it alone, and no region
    /// brings it back. An unknown id changes nothing.
    pub fn end(&mut self, kind: ObjectKind, id: ObjectId, how: End, stamp: &Stamp) -> Delta {
        let mut delta = Delta::default();
        for (kind, id) in ended::with_below(&self.live, kind, id) {
            let Some(object) = self.live.take(kind, &id) else {
                continue;
            };
            self.ended.insert(id, Ended { object, how });
            self.stamps.insert(id, stamp.clone());
            delta.ended.push((kind, id));
        }
        if !delta.ended.is_empty() {
            delta.unlinked = self.drop_loose_ends();
            delta.put = self.forget_default_projects(stamp);
        }
        delta
    }

    /// Whether both ends of a link are here.
    fn holds(&self, link: &Link<ObjectId>) -> bool {
        let here = |kind, id: &ObjectId| self.has(kind, *id).then_some(*id);
        link.translated(here).is_some()
    }

    /// Links whose ends are not both here.
    fn drop_loose_ends(&mut self) -> Vec<Link<ObjectId>> {
        let loose = self.live.links().filter(|link| !self.holds(link));
        let loose: Vec<_> = loose.collect();
        loose.iter().for_each(|link| self.live.unlink(link));
        loose
    }

    /// Users whose default project is not here any more have none.
    fn forget_default_projects(&mut self, stamp: &Stamp) -> Vec<(ObjectKind, ObjectId)> {
        let projects = &self.live.projects;
        let mut changed = Vec::new();
        for (id, user) in &mut self.live.users {
            let home = user.default_project;
            if home.is_some_and(|it| !projects.contains_key(&it)) {
                user.default_project = None;
                self.stamps.insert(*id, stamp.clone());
                changed.push((ObjectKind::User, *id));
            }
        }
        changed
    }
}
