//! A region's projects and quotas as its agent told them last, and the limits that were set here.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::ObjectId;
use shared::model::{
    CloudId, Custody, Entry, Holder, Limit, Limits, Node, Project, Quota, QuotaResource,
    ServiceKind, StoragePool, UnixMillis,
};

use super::{Raise, RaiseKey, Whereabouts};

/// What may be used of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Nobody told.
    Unknown,
    /// So much.
    Limited(u64),
    /// As much as there is.
    Unlimited,
}

/// A project of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionProject {
    /// What it is called there.
    pub name: String,
    /// Who decides over it.
    pub custody: Custody,
    /// Which of the directory's it is, or was, as far as anything says so.
    pub object: Option<ObjectId>,
}

/// What the directory has of a project that a region has, or is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InDirectory {
    /// It is live.
    Live {
        /// Its name.
        name: String,
    },
    /// It was retired.
    Retired {
        /// What it was called last.
        name: String,
    },
}

/// What a region has of the resources that add up: in the units of their quotas. `None` is not
/// known, or not of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capacities {
    /// Virtual CPUs, of all nodes: by Placement's allocation ratio, where the agent is told it.
    pub cores: Option<u64>,
    /// Memory of all nodes, MiB: likewise.
    pub ram: Option<u64>,
    /// Space of all storage pools, GiB.
    pub gigabytes: Option<u64>,
}

impl Capacities {
    /// Of a resource; `None` where that is not known, or the resource is none that adds up.
    pub fn of(self, service: ServiceKind, resource: &str) -> Option<u64> {
        match (service, resource) {
            (ServiceKind::Compute, "cores") => self.cores,
            (ServiceKind::Compute, "ram") => self.ram,
            (ServiceKind::Volume, "gigabytes") => self.gigabytes,
            _ => None,
        }
    }

    /// Whether regions can tell what they have of a resource.
    pub fn have(service: ServiceKind, resource: &str) -> bool {
        let all = Self {
            cores: Some(0),
            ram: Some(0),
            gigabytes: Some(0),
        };
        all.of(service, resource).is_some()
    }
}

/// A quota as it was told, and when that came here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) quota: Quota,
    pub(super) changed: UnixMillis,
}

/// What a project uses and may use of a resource, by the region's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    /// `None` is unlimited.
    pub(super) limit: Option<u64>,
    pub(super) used: u64,
    pub(super) reserved: u64,
}

impl Figures {
    /// Of what nobody uses, and has no limit.
    const OPEN: Self = Self {
        limit: None,
        used: 0,
        reserved: 0,
    };

    /// Used and reserved.
    pub(super) const fn need(self) -> u64 {
        self.used.saturating_add(self.reserved)
    }
}

impl From<&QuotaResource> for Figures {
    fn from(it: &QuotaResource) -> Self {
        let (limit, used, reserved) = (it.limit, it.used, it.reserved);
        Self {
            limit,
            used,
            reserved,
        }
    }
}

/// What is known of the quotas of one region.
#[derive(Debug, Clone)]
pub struct Census {
    pub(super) region: String,
    /// When it is looked at, by the hub's clock.
    pub(super) now: UnixMillis,
    pub(super) projects: BTreeMap<CloudId, RegionProject>,
    pub(super) quotas: BTreeMap<(CloudId, ServiceKind), Told>,
    pub(super) wanted: BTreeMap<(Holder, ServiceKind), Limits>,
    /// What waits until others have less.
    pub(super) raises: BTreeMap<RaiseKey, Raise>,
    /// What totals promise their projects here.
    pub(super) promises: BTreeMap<RaiseKey, u64>,
    pub(super) capacities: Capacities,
    pub(super) directory: BTreeMap<ObjectId, InDirectory>,
    /// Where each of the directory's is.
    pub(super) here: Whereabouts,
    /// Pools whose space nobody told: then nobody knows what all have.
    pools_unknown: u64,
}

impl Census {
    /// Of a region of which nothing is known yet but what was decided about its projects.
    pub const fn new(region: String, decided: Whereabouts) -> Self {
        Self {
            region,
            now: UnixMillis(u64::MAX),
            projects: BTreeMap::new(),
            quotas: BTreeMap::new(),
            wanted: BTreeMap::new(),
            raises: BTreeMap::new(),
            promises: BTreeMap::new(),
            capacities: Capacities {
                cores: None,
                ram: None,
                gigabytes: None,
            },
            directory: BTreeMap::new(),
            here: decided,
            pools_unknown: 0,
        }
    }

    /// As of when it is looked at. What is later than that was noted by a clock that was ahead, and
    /// says nothing of what came first. Without it, every time counts.
    pub const fn as_of(&mut self, now: UnixMillis) {
        self.now = now;
    }

    /// A project of the region. Which of two it is that say they are the same, follows from all
    /// that is put: see [`Whereabouts`].
    pub fn project(&mut self, it: Entry<Project<CloudId>>) {
        let object = self.here.see(&it);
        let project = RegionProject {
            name: it.what.name,
            custody: it.custody,
            object,
        };
        self.projects.insert(it.id, project);
    }

    /// Which of the directory's a project of the region is, as far as anything says so.
    pub fn object_of(&self, it: &Entry<Project<CloudId>>) -> Option<ObjectId> {
        self.here.claimed(it)
    }

    /// A quota of the region, and when it came here as it is.
    pub fn quota(&mut self, quota: Quota, changed: UnixMillis) {
        let key = (quota.project.clone(), quota.service);
        self.quotas.insert(key, Told { quota, changed });
    }

    /// A node of the region.
    pub fn node(&mut self, it: &Node) {
        add(&mut self.capacities.cores, it.vcpus.total);
        add(&mut self.capacities.ram, it.memory_mib.total);
    }

    /// A storage pool of the region.
    pub fn pool(&mut self, it: &StoragePool) {
        match it.space_gib {
            Some(space) => add(&mut self.capacities.gigabytes, space.total),
            None => self.pools_unknown = self.pools_unknown.saturating_add(1),
        }
    }

    /// Limits that were set here.
    pub fn want(&mut self, limits: Limits) {
        let key = (limits.holder.clone(), limits.service);
        self.wanted.insert(key, limits);
    }

    /// What a total of a project of the directory, which is live, comes to here once the region was
    /// told all of its share.
    pub fn promise(&mut self, key: RaiseKey, share: u64) {
        self.promises.insert(key, share);
    }

    /// What the directory has of one of [`Self::objects`].
    pub fn know(&mut self, id: ObjectId, it: InDirectory) {
        let (InDirectory::Live { name } | InDirectory::Retired { name }) = &it;
        self.here.named(id, name);
        self.directory.insert(id, it);
    }

    /// Where the directory's departments are in the region. To be put before
    /// [`belongs`](Self::belongs).
    pub fn departments(&mut self, all: &Whereabouts) {
        self.here.departments(all);
    }

    /// In which department of the region one of these belongs; `None` where nobody knows which
    /// that is.
    pub fn belongs(&mut self, id: ObjectId, home: Option<CloudId>) {
        self.here.belongs(id, home);
    }

    /// Which of the directory's projects the region, or a limit, names.
    pub fn objects(&self) -> BTreeSet<ObjectId> {
        let held = self.wanted.keys().filter_map(|(it, _)| it.project());
        let givers = self.raises.values().flat_map(|it| &it.givers);
        let waits = givers.map(|it| it.project);
        let waits = waits.chain(self.raises.keys().map(|it| it.project));
        self.here
            .all()
            .into_iter()
            .chain(held)
            .chain(waits)
            .collect()
    }

    /// What the region has.
    pub fn capacities(&self) -> Capacities {
        let gigabytes = self
            .capacities
            .gigabytes
            .filter(|_| self.pools_unknown == 0);
        Capacities {
            gigabytes,
            ..self.capacities
        }
    }

    /// What the region has of a resource; `None` where that is not known, or the resource is none
    /// that adds up.
    pub fn capacity(&self, service: ServiceKind, resource: &str) -> Option<u64> {
        self.capacities().of(service, resource)
    }

    /// Whose limits those of one of the region's projects are: the directory's, while it is live
    /// and this is the one here that is believed to be it.
    pub fn holder(&self, here: &CloudId) -> Holder {
        let object = self.projects.get(here).and_then(|it| it.object);
        match object.filter(|id| self.is_live(*id) && self.here.of(*id) == Some(here)) {
            Some(id) => Holder::Project(id),
            None => Holder::Own(here.clone()),
        }
    }

    /// What the region's cloud calls a holder; `None` for a project of the directory that it has
    /// not, or not yet.
    pub fn here(&self, holder: &Holder) -> Option<CloudId> {
        match holder {
            Holder::Project(id) => self.here.of(*id).cloned(),
            Holder::Own(here) => Some(here.clone()),
        }
    }

    /// A holder as people know it.
    pub fn name(&self, holder: &Holder) -> String {
        let there = match holder {
            Holder::Project(id) => self.directory.get(id),
            Holder::Own(_) => None,
        };
        let here = self.here(holder);
        let here = here.and_then(|it| self.projects.get(&it));
        match (there, here) {
            (Some(InDirectory::Live { name } | InDirectory::Retired { name }), _) => name.clone(),
            (None, Some(here)) => here.name.clone(),
            (None, None) => match holder {
                Holder::Project(id) => id.to_string(),
                Holder::Own(here) => here.to_string(),
            },
        }
    }

    /// Limits that nobody goes by any more, by the ids of their records: of projects that the
    /// region has no more, and of leftovers that became the directory's. To be asked once all of
    /// its projects were put.
    pub fn gone(&self) -> Vec<CloudId> {
        let is_gone = |it: &&Limits| match &it.holder {
            Holder::Own(here) => {
                !self.projects.contains_key(here) || self.holder(here) != it.holder
            }
            Holder::Project(_) => false,
        };
        let gone = self.wanted.values().filter(is_gone);
        gone.map(Limits::id).collect()
    }

    pub(super) fn is_live(&self, id: ObjectId) -> bool {
        matches!(self.directory.get(&id), Some(InDirectory::Live { .. }))
    }

    /// What a project uses and may use of a resource, by the region's word. Of what Cinder has for
    /// each volume type, the region tells only what is limited or used: of the rest nothing is.
    pub(super) fn told(
        &self,
        here: &CloudId,
        service: ServiceKind,
        resource: &str,
    ) -> Option<Figures> {
        let told = self.quotas.get(&(here.clone(), service))?;
        let found = told.quota.resources.iter().find(|it| it.name == resource);
        match found {
            Some(found) => Some(found.into()),
            None => {
                let is_open = service == ServiceKind::Volume && is_of_a_type(resource);
                is_open.then_some(Figures::OPEN)
            }
        }
    }

    /// The limit that was set here for a project. What a leftover was left counts no more once it
    /// is the directory's: its agent does not go by it.
    pub(super) fn wanted(
        &self,
        holder: &Holder,
        service: ServiceKind,
        resource: &str,
    ) -> Option<&Limit> {
        let limits = self.wanted.get(&(holder.clone(), service))?;
        limits.resources.iter().find(|it| it.name == resource)
    }
}

/// Whether Cinder has a resource of this name for some volume type (Block Storage API v3, "Quota
/// sets": `volumes_`, `gigabytes_` and `snapshots_` with the type's name).
pub(super) fn is_of_a_type(resource: &str) -> bool {
    let mut all = ["volumes_", "gigabytes_", "snapshots_"].into_iter();
    all.any(|it| resource.strip_prefix(it).is_some_and(is_type))
}

/// A type's name is 1 to 255 characters, each 4 bytes at most.
fn is_type(name: &str) -> bool {
    (1..=255).contains(&name.chars().count())
}

impl Allowed {
    /// A limit as the model has it.
    pub const fn of(limit: Option<u64>) -> Self {
        match limit {
            Some(limit) => Self::Limited(limit),
            None => Self::Unlimited,
        }
    }
}

impl std::fmt::Display for Allowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Limited(limit) => limit.fmt(f),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

/// Adds to what is known.
fn add(to: &mut Option<u64>, more: u64) {
    *to = Some(to.unwrap_or_default().saturating_add(more));
}
