//! Quota: what a project may use, uses, and has reserved, per service.

use super::{CloudId, ServiceKind};

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
