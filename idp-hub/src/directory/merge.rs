//! Decides what becomes of a region's organization (DESIGN, "Directory and its merge").
//!
//! What the region has is recognized by the id map, also by that of its cloud's region which was
//! removed, by the marker that the federation left on it, by that of an earlier federation which
//! came with another region, or, within a department that is known and for global roles, by its
//! name. What is not recognized is taken in; where a
//! department's name is taken, the region's gives way. Nothing of the directory is changed by a
//! merge, only added to: of what is there, no more than a default project to whoever has none.
//!
//! A marker of the federation that says an id of which the directory knows nothing is of a thing
//! that was made since the backup that the hub was restored from. It is taken in under that id: so
//! regions that have it come together in whatever order, and agents that applied it go on.

mod changes;
mod claims;
mod contents;
mod default_projects;
mod departments;
mod homes;
mod identities;
mod links;
mod order;
mod powers;
mod projects;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use shared::ids::{FederationId, ObjectId, RegionId};
use shared::model::{
    Administration, CloudId, End, Folded, Marker, Object, ObjectKind, Organization,
};

use self::identities::Identities;
use super::Directory;
use super::arrival::Earlier;
use super::fit::{self, NameFault};
use super::names::Taken;
use super::plan::{Action, EXPOSED_MAX, Field, Plan, Reason, Rename, Step};
use super::rights::Exposed;

/// What a thing was recognized by, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The map that was kept of an earlier merge.
    Map,
    /// The directory has it from this region: a merge that was not finished, or of which the map
    /// was lost.
    Origin,
    /// The map of a region that was removed, whose cloud comes again.
    Former,
    /// The federation's marker on it.
    Marker,
    /// An earlier federation's marker, as what was taken over with another region had it.
    Earlier,
    /// Its name.
    Name,
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
    /// The same, of a region that was removed, whose cloud this is.
    pub former: &'a BTreeMap<(ObjectKind, CloudId), ObjectId>,
    /// Which of its own map were withheld then, as they had ended.
    pub withheld: &'a BTreeSet<(ObjectKind, CloudId)>,
    /// Which of its things bear a marker.
    pub markers: &'a BTreeMap<(ObjectKind, CloudId), Marker>,
    /// What earlier federations' markers are the directory's things by, since these came with
    /// another region.
    pub earlier: &'a Earlier,
    /// What its agent tells to be no thing of the directory's here, whatever was decided about it.
    pub own: &'a BTreeSet<(ObjectKind, CloudId)>,
    /// What stays its own: Default and the departments of services with all that they hold, and
    /// whatever else its policy protects.
    pub reserved: &'a BTreeSet<(ObjectKind, CloudId)>,
    /// Whether it is the first merge of all, that of the home region, whose administrators are the
    /// federation's from then on. Not so who becomes one there later.
    pub is_first: bool,
    /// What the project of the federation's cloud administrators is called if it is made now.
    pub admin_project: &'a str,
}

/// Decides what a merge will do. The same input gives the same plan.
///
/// The first one also founds the place of the federation's cloud administrators, whose project is
/// called as the home region's is.
pub fn plan(directory: &Directory, arrival: &Arrival<'_>) -> Plan {
    let departments = arrival.organization.departments.values();
    let others = departments.map(|it| it.name.as_str());
    let founded = directory.unfounded(arrival.admin_project, others);
    if founded.is_empty() {
        return planned(directory, arrival);
    }
    // Before the first merge the directory is mostly empty, and a copy of it costs nothing.
    let mut whole = directory.clone();
    for (id, object) in &founded {
        whole.live.insert(*id, object.clone());
        let stamp = super::Stamp {
            author: String::new(),
            at: shared::model::UnixMillis(0),
            epoch: 0,
        };
        whole.stamps.insert(*id, stamp);
    }
    let mut plan = planned(&whole, arrival);
    let founded = founded.into_iter().map(|(id, object)| Step {
        kind: object.kind(),
        action: Action::Found { id, object },
    });
    plan.steps.splice(0..0, founded);
    plan
}

/// The same, where the place of the cloud administrators is there, or is none of its business.
pub(super) fn planned(directory: &Directory, arrival: &Arrival<'_>) -> Plan {
    let mut merger = Merger {
        administration: directory.administration(),
        directory,
        arrival,
        reserved: reserved_names(arrival),
        reserved_inside: HashSet::new(),
        identities: Identities::default(),
        depths: HashMap::new(),
        off: HashSet::new(),
        steps: Vec::new(),
        default_projects: Vec::new(),
        foreign: BTreeSet::new(),
        taken_over: Vec::new(),
    };
    merger.departments();
    merger.roles();
    merger.projects();
    merger.groups();
    merger.users();
    let links = merger.links();
    let taken_over = merger.taken_over();
    let mut plan = Plan {
        region: arrival.region,
        foreign: merger.foreign,
        steps: merger.steps,
        links,
        default_projects: merger.default_projects,
        exposed: Exposed::default(),
        taken_over,
    };
    plan.exposed = directory.exposed_by(&plan, EXPOSED_MAX);
    plan
}

/// A plan in the making.
struct Merger<'a> {
    /// Where nothing of a region comes in.
    administration: Administration,
    directory: &'a Directory,
    arrival: &'a Arrival<'a>,
    /// Names of departments that stay the region's own.
    reserved: Taken,
    /// Names of what stays the region's own within departments that do not.
    reserved_inside: HashSet<(ObjectKind, Option<ObjectId>, Folded)>,
    identities: Identities<'a>,
    /// How deep projects that are taken in are nested: those in no other one are 1 deep.
    depths: HashMap<ObjectId, usize>,
    /// Projects that are taken in switched off.
    off: HashSet<ObjectId>,
    steps: Vec<Step>,
    /// Those that users whom the directory has come to have.
    default_projects: Vec<(ObjectId, ObjectId)>,
    foreign: BTreeSet<FederationId>,
    /// What bears another federation's marker, and what it is from now on.
    taken_over: Vec<(Marker, ObjectId)>,
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
        if self.is_followed(kind, here, id) {
            return;
        }
        let here = here.clone();
        self.step(kind, Action::Withhold { id, here });
    }

    /// Whether a region that was merged before has it as the federation's: its agent hears by its
    /// feed that it ended, and removes it or switches it off. Withheld now, what was deleted would
    /// stay, in this region alone and for ever. What was purged is brought along again by somebody,
    /// and waits for a word of its own.
    fn is_followed(&self, kind: ObjectKind, here: &CloudId, id: ObjectId) -> bool {
        let ended = self.directory.ended.get(&id).map(|it| it.how);
        let is_kept = matches!(kind, ObjectKind::Department | ObjectKind::Project);
        let is_purged = is_kept && ended == Some(End::Deleted);
        let is_withheld = self.arrival.withheld.contains(&(kind, here.clone()));
        !is_purged && !is_withheld && !self.arrival.map.is_empty()
    }

    /// The region's takes the directory's name, unless it was merged before: then its agent knows
    /// whether it has had that name, and somebody changed it there.
    fn recognize(
        &mut self,
        kind: ObjectKind,
        here: &'a CloudId,
        (id, by): (ObjectId, Evidence),
        name: &str,
    ) {
        self.identities.is_known(kind, here, id);
        if by != Evidence::Map {
            self.look_for_others(kind, here, id);
        }
        let known = self.place(kind, id);
        let mut rename = known.and_then(|(_, known)| rename(name, known));
        let mut changes = self.changes(kind, here, id);
        let mut differs = Vec::new();
        if by == Evidence::Map {
            differs.extend(rename.take().map(|_| Field::Name));
            differs.append(&mut changes);
        } else if let Some(project) = self.brought_default_project(kind, here, id) {
            changes.retain(|it| *it != Field::DefaultProject);
            self.default_projects.push((id, project));
        }
        let here = here.clone();
        let action = Action::Recognize {
            id,
            here,
            by,
            rename,
            changes,
            differs,
        };
        self.step(kind, action);
    }

    /// The region's is new; its id in the directory.
    fn adopt(&mut self, here: &'a CloudId, object: Object<ObjectId>, name: &str) -> ObjectId {
        let kind = object.kind();
        let id = self.new_id(kind, here);
        self.identities.is_new(kind, here, id);
        self.look_for_others(kind, here, id);
        let action = Action::Adopt {
            id,
            here: here.clone(),
            rename: rename(name, object.name()),
            is_switched_off: self.is_switched_off(here, &object),
            object,
        };
        self.step(kind, action);
        id
    }

    /// The id that a thing of the region gets as the directory takes it in: the same at each try,
    /// and never one that something had before, whatever became of that and whatever kind it was.
    ///
    /// Whoever writes a marker can choose an id, then, but none to come: those are random, or made
    /// of a region's random id, which no other region is told.
    fn new_id(&self, kind: ObjectKind, here: &CloudId) -> ObjectId {
        let origin = self.origin(kind, here);
        let numbered = |number| format!("{here}#{number}");
        let others = (2_u64..).map(numbered);
        let others = others.map(|it| ObjectId::of_region(self.arrival.region, kind.name(), &it));
        let marked = self.marked(kind, here).into_iter();
        // As many candidates as there are ids, and two more, can't all be in use.
        let most = self.directory.stamps.len() + self.steps.len() + 2;
        let mut candidates = marked
            .chain([origin])
            .chain(others)
            .take(most.saturating_add(1));
        candidates.find(|it| self.is_unused(*it)).unwrap_or(origin)
    }

    fn is_unused(&self, id: ObjectId) -> bool {
        !self.directory.stamps.contains_key(&id) && !self.identities.is_claimed(id)
    }

    /// What the federation's marker on a thing says, if the directory knows nothing of that id.
    fn marked(&self, kind: ObjectKind, here: &CloudId) -> Option<ObjectId> {
        let id = self.marker(kind, here)?;
        (!self.directory.stamps.contains_key(&id)).then_some(id)
    }

    /// Whether a thing that the directory does not know had its name in a federation, this one or
    /// another, before whatever else of the region that has the same.
    fn had_its_name(&self, kind: ObjectKind, here: &CloudId) -> bool {
        self.foreign_marker(kind, here).is_some() || self.marked(kind, here).is_some()
    }

    /// The marker that a thing bears, if it bears one.
    fn borne(&self, kind: ObjectKind, here: &CloudId) -> Option<Marker> {
        // Most regions have no markers at all.
        if self.arrival.markers.is_empty() {
            return None;
        }
        self.arrival.markers.get(&(kind, here.clone())).copied()
    }

    /// What the federation's marker on a thing says. Of another one's see
    /// [`earlier`](Self::earlier).
    fn marker(&self, kind: ObjectKind, here: &CloudId) -> Option<ObjectId> {
        let ours = self.directory.federation();
        let marker = self.borne(kind, here);
        marker
            .filter(|it| it.federation == ours)
            .map(|it| it.object)
    }

    fn foreign_marker(&self, kind: ObjectKind, here: &CloudId) -> Option<Marker> {
        let ours = self.directory.federation();
        self.borne(kind, here).filter(|it| it.federation != ours)
    }

    /// What an earlier federation's marker on a thing says: which of the directory's it is, where
    /// that came with another region under the same marker. So regions of a federation whose hub
    /// was lost come together again. Of markers that nobody took over nothing follows: who wrote
    /// them could bring his own people into what is not his.
    fn earlier(&self, kind: ObjectKind, here: &CloudId) -> Option<ObjectId> {
        let marker = self.foreign_marker(kind, here)?;
        self.arrival.earlier.get(&marker).copied()
    }

    /// What the region's own name for a thing makes, in the directory's way of ids.
    fn origin(&self, kind: ObjectKind, here: &CloudId) -> ObjectId {
        ObjectId::of_region(self.arrival.region, kind.name(), &here.to_string())
    }

    /// Whether another federation has its marker on a thing that is taken in for the first time.
    fn look_for_others(&mut self, kind: ObjectKind, here: &CloudId, id: ObjectId) {
        if let Some(marker) = self.foreign_marker(kind, here) {
            self.foreign.insert(marker.federation);
            self.taken_over.push((marker, id));
        }
    }

    /// What bears another federation's marker alone in its region. Of one that was copied nobody
    /// knows which thing it is of.
    fn taken_over(&mut self) -> Vec<(Marker, ObjectId)> {
        let mut all = std::mem::take(&mut self.taken_over);
        if all.is_empty() {
            return all;
        }
        let mut borne = HashMap::<_, usize>::new();
        for marker in self.arrival.markers.values() {
            *borne.entry(*marker).or_default() += 1;
        }
        all.retain(|(marker, _)| borne.get(marker) == Some(&1));
        all
    }

    fn is_reserved(&self, kind: ObjectKind, here: &CloudId) -> bool {
        self.arrival.reserved.contains(&(kind, here.clone()))
    }

    /// Whether the region's agent tells that it is no thing of the directory's.
    fn is_own(&self, kind: ObjectKind, here: &CloudId) -> bool {
        // Most regions have few such things.
        !self.arrival.own.is_empty() && self.arrival.own.contains(&(kind, here.clone()))
    }

    /// What is known of a thing but for its name.
    fn evidence(&self, kind: ObjectKind, here: &CloudId) -> Option<(ObjectId, Evidence)> {
        let is_known = |id: &ObjectId| self.directory.knows(kind, *id);
        let map = self.arrival.map.get(&(kind, here.clone())).copied();
        if let Some(id) = map.filter(is_known) {
            return Some((id, Evidence::Map));
        }
        let origin = Some(self.origin(kind, here));
        if let Some(id) = origin.filter(is_known) {
            return Some((id, Evidence::Origin));
        }
        let former = self.arrival.former.get(&(kind, here.clone())).copied();
        if let Some(id) = former.filter(is_known) {
            return Some((id, Evidence::Former));
        }
        let marker = self.marker(kind, here).filter(is_known);
        if let Some(id) = marker {
            return Some((id, Evidence::Marker));
        }
        let earlier = self.earlier(kind, here).filter(is_known);
        earlier.map(|id| (id, Evidence::Earlier))
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

/// Why a thing of this name stays the region's own, if it does.
fn unfit(kind: ObjectKind, name: &str) -> Option<Reason> {
    fit::name_fault(kind, name).map(|fault| match fault {
        NameFault::Empty | NameFault::Long => Reason::Unusable,
        NameFault::OuterSpace | NameFault::Control => Reason::NameUnfit,
    })
}
