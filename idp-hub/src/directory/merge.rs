//! Decides what becomes of a region's organization (DESIGN, "Directory and its merge").
//!
//! What the region has is recognized by the id map, by the marker that the federation left on it,
//! or, within a department that is known and for global roles, by its name. What is not recognized
//! is taken in; where a department's name is taken, the region's gives way. Nothing of the
//! directory is changed by a merge, only added to.

mod administrator;
mod changes;
mod claims;
mod contents;
mod departments;
mod identities;
mod links;
mod order;
mod powers;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use shared::ids::{FederationId, ObjectId, RegionId};
use shared::model::{CloudId, Marker, Object, ObjectKind, Organization};

use self::identities::Identities;
use super::Directory;
use super::names::{Folded, Taken};
use super::plan::{Action, Plan, Reason, Rename, Step};

/// What a thing was recognized by, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The map that was kept of an earlier merge.
    Map,
    /// The directory has it from this region: a merge that was not finished, or of which the map
    /// was lost.
    Origin,
    /// The federation's marker on it.
    Marker,
    /// Its name.
    Name,
}

/// Somebody who administers a cloud, and the project that he works in, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Administrator {
    /// The account.
    pub user: Option<CloudId>,
    /// Its project.
    pub project: Option<CloudId>,
}

/// A region's organization, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Which region.
    pub region: RegionId,
    /// What its cloud holds, the departments that stay its own included.
    pub organization: &'a Organization<CloudId>,
    /// Which of its things are which of the directory's, from an earlier merge.
    pub map: &'a BTreeMap<(ObjectKind, CloudId), ObjectId>,
    /// Which of its things bear a marker.
    pub markers: &'a BTreeMap<(ObjectKind, CloudId), Marker>,
    /// What stays its own: Default and the departments of services with all that they hold, and
    /// whatever else its policy protects.
    pub reserved: &'a BTreeSet<(ObjectKind, CloudId)>,
    /// Its administrator, whose names the federation's takes; `None` for the home region.
    pub administrator: Option<&'a Administrator>,
    /// The names of the federation's administrator and of his project.
    pub names: (&'a str, &'a str),
}

impl Arrival<'_> {
    /// Whether it is the home region, whose administrators are the federation's.
    const fn is_home(&self) -> bool {
        self.administrator.is_none()
    }
}

/// Decides what a merge will do. The same input gives the same plan.
pub fn plan(directory: &Directory, arrival: &Arrival<'_>) -> Plan {
    let mut merger = Merger {
        directory,
        arrival,
        reserved: reserved_names(arrival),
        reserved_inside: HashSet::new(),
        identities: Identities::default(),
        steps: Vec::new(),
        foreign: None,
    };
    merger.departments();
    merger.roles();
    merger.projects();
    merger.groups();
    merger.users();
    merger.administrator();
    let links = merger.links();
    Plan {
        region: arrival.region,
        foreign: merger.foreign,
        steps: merger.steps,
        links,
    }
}

/// A plan in the making.
struct Merger<'a> {
    directory: &'a Directory,
    arrival: &'a Arrival<'a>,
    /// Names of departments that stay the region's own.
    reserved: Taken,
    /// Names of what stays the region's own within departments that do not.
    reserved_inside: HashSet<(ObjectKind, Option<ObjectId>, Folded)>,
    identities: Identities<'a>,
    steps: Vec<Step>,
    foreign: Option<FederationId>,
}

impl<'a> Merger<'a> {
    fn step(&mut self, kind: ObjectKind, action: Action) {
        self.steps.push(Step { kind, action });
    }

    fn skip(&mut self, kind: ObjectKind, here: &'a CloudId, name: &str, why: Reason) {
        self.identities.is_out(kind, here);
        let action = Action::Skip {
            here: here.clone(),
            name: name.to_owned(),
            why,
        };
        self.step(kind, action);
    }

    fn withhold(&mut self, kind: ObjectKind, here: &'a CloudId, id: ObjectId) {
        self.identities.is_out(kind, here);
        let here = here.clone();
        self.step(kind, Action::Withhold { id, here });
    }

    /// The region's takes the directory's name.
    fn recognize(
        &mut self,
        kind: ObjectKind,
        here: &'a CloudId,
        (id, by): (ObjectId, Evidence),
        name: &str,
    ) {
        self.identities.is_known(kind, here, id);
        if by != Evidence::Map {
            self.look_for_others(kind, here);
        }
        let known = self.place(kind, id);
        let rename = known.and_then(|(_, known)| rename(name, known));
        let changes = self.changes(kind, here, id);
        let here = here.clone();
        let action = Action::Recognize {
            id,
            here,
            by,
            rename,
            changes,
        };
        self.step(kind, action);
    }

    /// The region's is new; its id in the directory.
    fn adopt(&mut self, here: &'a CloudId, object: Object<ObjectId>, name: &str) -> ObjectId {
        let kind = object.kind();
        let id = self.origin(kind, here);
        self.identities.is_new(kind, here, id);
        self.look_for_others(kind, here);
        let action = Action::Adopt {
            id,
            here: here.clone(),
            rename: rename(name, object.name()),
            object,
        };
        self.step(kind, action);
        id
    }

    /// The id that a thing of the region gets if the directory takes it in: the same at each try.
    fn origin(&self, kind: ObjectKind, here: &CloudId) -> ObjectId {
        ObjectId::of_region(self.arrival.region, kind.name(), &here.to_string())
    }

    /// Whether another federation has its marker on a thing that is taken in for the first time.
    fn look_for_others(&mut self, kind: ObjectKind, here: &CloudId) {
        // Most regions have no markers at all.
        if self.foreign.is_some() || self.arrival.markers.is_empty() {
            return;
        }
        let marker = self.arrival.markers.get(&(kind, here.clone()));
        let whose = marker.map(|it| it.federation);
        self.foreign = whose.filter(|it| *it != self.directory.federation());
    }

    fn is_reserved(&self, kind: ObjectKind, here: &CloudId) -> bool {
        self.arrival.reserved.contains(&(kind, here.clone()))
    }

    /// What is known of a thing but for its name.
    fn evidence(&self, kind: ObjectKind, here: &CloudId) -> Option<(ObjectId, Evidence)> {
        let key = (kind, here.clone());
        if let Some(id) = self.arrival.map.get(&key) {
            return Some((*id, Evidence::Map));
        }
        let id = self.origin(kind, here);
        if self.directory.stamps.contains_key(&id) {
            return Some((id, Evidence::Origin));
        }
        let marker = self.arrival.markers.get(&key)?;
        let is_ours = marker.federation == self.directory.federation();
        is_ours.then_some((marker.object, Evidence::Marker))
    }
}

fn rename(from: &str, to: &str) -> Option<Rename> {
    (from != to).then(|| Rename {
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

fn reserved_names(arrival: &Arrival<'_>) -> Taken {
    let departments = arrival.organization.departments.iter();
    let reserved = departments.filter(|(here, _)| {
        let key = (ObjectKind::Department, (*here).clone());
        arrival.reserved.contains(&key)
    });
    let mut names = Taken::default();
    reserved.for_each(|(_, it)| names.take(&it.name));
    names
}

/// Whether Keystone allows a name of this length.
fn is_usable(kind: ObjectKind, name: &str) -> bool {
    !name.is_empty() && name.chars().nth(kind.name_chars_max()).is_none()
}
