//! Quota: what a project may use, uses, and has reserved, per service; and what it is to be
//! allowed.

use std::fmt;

use super::{CloudId, ServiceKind};
use crate::ids::ObjectId;

/// The largest limit that every service keeps: Nova's, Cinder's and Neutron's columns are signed
/// integers of 32 bits (`MAX_INT` in their API schemas).
pub const LIMIT_MAX: u64 = 0x7FFF_FFFF;

/// One project's quota in one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// The project's id in its cloud.
    pub project: CloudId,
    /// The project's name, for reading.
    pub project_name: String,
    /// Compute, volume or network.
    pub service: ServiceKind,
    /// One entry a resource, ordered by name.
    pub resources: Vec<QuotaResource>,
}

/// Limit and use of one resource, in the cloud's own name and unit (`cores`, `ram` in MiB,
/// `gigabytes`, `floatingip`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaResource {
    /// The cloud's name of it.
    pub name: String,
    /// The most that may be used; `None` is unlimited (−1 in OpenStack).
    pub limit: Option<u64>,
    /// In use.
    pub used: u64,
    /// Held for work in progress.
    pub reserved: u64,
}

/// Which project of a region limits are for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A project of the directory.
    Project(ObjectId),
    /// A project that the directory has not, or not any more, by what the region's cloud calls it.
    Own(CloudId),
}

/// The limits that a project is to have in one service of one region. Goes from the hub to that
/// region alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Whose.
    pub holder: Holder,
    /// Compute, volume or network.
    pub service: ServiceKind,
    /// One entry a resource, ordered by name. What is not named is the region's own business.
    pub resources: Vec<Limit>,
}

/// The limit that one resource is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The cloud's name of the resource.
    pub name: String,
    /// The most that may be used, [`LIMIT_MAX`] at most, in the cloud's own unit; `None` is
    /// unlimited.
    pub limit: Option<u64>,
    /// When it was set, unix milliseconds by the hub's clock: of two of the same resource the later
    /// counts, and each is applied once.
    pub version: u64,
    /// Whether it was said that it may be below what is in use.
    pub force: bool,
}

impl Holder {
    /// The project of the directory, if it is one.
    pub const fn project(&self) -> Option<ObjectId> {
        match self {
            Self::Project(id) => Some(*id),
            Self::Own(_) => None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(id) => write!(f, "project {id}"),
            Self::Own(here) => write!(f, "the region's project {here}"),
        }
    }
}

impl Limits {
    /// The id of its record, which follows from whose they are and of which service.
    pub fn id(&self) -> CloudId {
        Self::id_of(&self.holder, self.service)
    }

    /// The id of a holder's record for a service.
    pub fn id_of(holder: &Holder, service: ServiceKind) -> CloudId {
        let service = service.name();
        CloudId::derived(&match holder {
            Holder::Project(id) => format!("limits/{id}/{service}"),
            Holder::Own(here) => format!("own-limits/{here}/{service}"),
        })
    }

    /// When the newest of them was set.
    pub fn version(&self) -> u64 {
        let versions = self.resources.iter().map(|it| it.version);
        versions.max().unwrap_or_default()
    }
}

impl Quota {
    /// The identity of this record within its region: project and service.
    pub fn id(&self) -> CloudId {
        Self::id_of(&self.project, self.service)
    }

    /// The identity of a project's record for a service.
    pub fn id_of(project: &CloudId, service: ServiceKind) -> CloudId {
        project.joined(service.name())
    }
}
