//! Quotas as JSON.

use serde::{Deserialize, Serialize};
use shared::model::{ObjectKind, QuotaResource, RemarkState};
use utoipa::ToSchema;

use crate::api::directory::DepartmentDocument;
use crate::directory::quota::{
    Allocation, Allowed, Differs, Holdings, Leftover, ProjectLine, ResourceAllocation,
    ResourceLine, Share, Sum, Waits,
};
use crate::store::directory::{LimitsSet, Within};
use crate::store::regions::RegionRow;
use crate::store::{Reading, StoreError};

/// What unlimited is as a figure, as with every OpenStack service.
const UNLIMITED: i64 = -1;

/// A project's quota in a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectQuotaDocument {
    /// The region.
    pub region: String,
    /// The project's name: the directory's, where it is the directory's.
    pub name: String,
    /// The department that it is in: the directory's, or of a leftover, the region's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentDocument>,
    /// Its id in the directory; absent for a leftover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// What the region's cloud calls it; absent for one that is not there yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own: Option<String>,
    /// Each resource, by service and name.
    pub resources: Vec<ResourceQuotaDocument>,
}

/// One resource, in the cloud's own name and unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceQuotaDocument {
    /// `compute`, `volume` or `network`.
    pub service: String,
    /// The cloud's name of it: `cores`, `ram` (MiB), `gigabytes`, `floatingip` and others.
    pub name: String,
    /// The most that may be used, by the region's word; -1 is unlimited, absent is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// In use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// Held for work in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved: Option<u64>,
    /// The limit that was set here, where the region has another one; -1 is unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<i64>,
    /// Why that differs, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Limits that were set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitsSetList {
    /// The region.
    pub region: String,
    /// Whether its agent takes no changes, by its policy: then none of it is set there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// What is new, by project and service: nothing where all was wanted so before.
    pub changed: Vec<LimitsSetDocument>,
    /// What is set once the region has confirmed that others are lower.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<LimitsWaitingDocument>,
    /// What waited until others are lower, and waits no more by this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<LimitsWaitingDocument>,
}

/// A limit that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitsWaitingDocument {
    /// The project's name.
    pub name: String,
    /// `compute`, `volume` or `network`.
    pub service: String,
    /// What it is to have: `cores=10`.
    pub after: String,
    /// The names of the projects that are to have less first.
    pub until_lower: Vec<String>,
}

/// Limits that were set for a project in a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitsSetDocument {
    /// The project's name.
    pub name: String,
    /// `compute`, `volume` or `network`.
    pub service: String,
    /// What was wanted before, or else what the region had: `cores=10 ram=unlimited`.
    pub before: String,
    /// What is wanted now.
    pub after: String,
}

/// What of a region is given to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AllocationDocument {
    /// The region.
    pub region: String,
    /// Each resource: what there is, and to whom it is given.
    pub resources: Vec<ResourceAllocationDocument>,
    /// The projects that are not the directory's.
    pub leftovers: Vec<LeftoverDocument>,
}

/// What of one resource is given to whom: `allocated` is `directory` and `leftovers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceAllocationDocument {
    /// `compute`, `volume` or `network`.
    pub service: String,
    /// The cloud's name of it.
    pub name: String,
    /// What the region has of it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u64>,
    /// All projects of the region.
    pub allocated: SumDocument,
    /// Of these, the directory's.
    pub directory: SumDocument,
    /// Of these, the others.
    pub leftovers: SumDocument,
}

/// What several projects may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SumDocument {
    /// All limits together.
    pub limit: u64,
    /// Projects that have a limit.
    pub projects: u64,
    /// Projects without a limit: no part of the sum.
    pub unlimited: u64,
    /// Projects whose quota the region has not told: no part of the sum.
    pub unknown: u64,
    /// In use and reserved.
    pub used: u64,
}

/// A project of a region that is not the directory's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftoverDocument {
    /// What the region's cloud calls it.
    pub own: String,
    /// Its name.
    pub name: String,
    /// The department that it is in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentDocument>,
    /// `administrator`, `retired`, `services`, `reserved`, `made-there`, `doubled` or `unknown`.
    pub why: String,
    /// The same for people.
    pub reason: String,
    /// What it may use of each resource that it has a quota of.
    pub shares: Vec<ShareDocument>,
    /// What it still has.
    pub holds: HoldingsDocument,
    /// What to do about it, step by step.
    pub cure: Vec<String>,
}

/// What a leftover may use of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShareDocument {
    /// `compute`, `volume` or `network`.
    pub service: String,
    /// The cloud's name of it.
    pub name: String,
    /// The most that may be used; -1 is unlimited.
    pub limit: i64,
    /// In use and reserved.
    pub used: u64,
    /// What part it is of all limits together, in thousandths; absent for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permille: Option<u64>,
}

/// What a project still has, by count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldingsDocument {
    /// Servers.
    pub servers: u64,
    /// Volumes.
    pub volumes: u64,
    /// Networks.
    pub networks: u64,
    /// Floating IPs.
    pub floating_ips: u64,
}

impl ProjectQuotaDocument {
    pub(super) fn new(
        reading: &Reading<'_>,
        region: &RegionRow,
        line: &ProjectLine,
    ) -> Result<Self, StoreError> {
        let resources = line.resources.iter();
        let resources = resources.map(|it| {
            let why = match (&it.waits, it.differs) {
                (Some(waits), _) => Some(format!(
                    "it waits until the region has lowered that of {}, and is set then",
                    waits.givers.join(", ")
                )),
                (None, None) => None,
                (None, Some(differs)) => {
                    let remark = reading.quota_remark(region.no, &line.holder, it.service)?;
                    Some(why(differs, remark))
                }
            };
            Ok(ResourceQuotaDocument::new(it, why))
        });
        Ok(Self {
            region: region.facts.name.clone(),
            name: line.name.clone(),
            department: department(reading, region, line)?.map(Into::into),
            project: line.object().map(|it| it.to_string()),
            own: line.here.as_ref().map(ToString::to_string),
            resources: resources.collect::<Result<_, StoreError>>()?,
        })
    }
}

/// Where a project is that a line is about.
fn department(
    reading: &Reading<'_>,
    region: &RegionRow,
    line: &ProjectLine,
) -> Result<Option<Within>, StoreError> {
    match (line.object(), &line.here) {
        (Some(id), _) => reading.department_of(ObjectKind::Project, id),
        (None, Some(here)) => reading.department_there(region.no, ObjectKind::Project, here),
        (None, None) => Ok(None),
    }
}

/// Why a region has another limit than was set here.
fn why(differs: Differs, remark: Option<RemarkState>) -> String {
    // Of a project that ended no quota is told.
    let remark = remark.filter(|it| {
        !matches!(
            it,
            RemarkState::Purgeable { .. } | RemarkState::Purged { .. } | RemarkState::Ended { .. }
        )
    });
    match (remark, differs) {
        (Some(RemarkState::Failed { error, .. }), _) => format!("it failed: {error}"),
        (Some(RemarkState::Blocked { reason }), _) => reason,
        (Some(RemarkState::Drift { why, .. }), _) => why.next_step().to_owned(),
        (_, Differs::OnItsWay) => "on its way; the region has not confirmed it yet".to_owned(),
        (_, Differs::Otherwise | Differs::Unordered) => {
            "the region has said another one since: somebody changed it there, or it is on its \
             way still; set it again to write over it"
                .to_owned()
        }
    }
}

impl ResourceQuotaDocument {
    fn new(it: &ResourceLine, why: Option<String>) -> Self {
        let told = |figure: fn(&QuotaResource) -> u64| it.told.as_ref().map(figure);
        let wanted = it.wanted.as_ref().filter(|_| it.differs.is_some());
        let wanted = match &it.waits {
            Some(waits) => Some(Some(waits.raise.limit)),
            None => wanted.map(|it| it.limit),
        };
        Self {
            service: it.service.name().to_owned(),
            name: it.name.clone(),
            limit: it.told.as_ref().map(|it| signed(it.limit)),
            used: told(|it| it.used),
            reserved: told(|it| it.reserved),
            wanted: wanted.map(signed),
            why,
        }
    }
}

impl LimitsSetList {
    pub(super) fn new(region: String, (set, read_only): (&LimitsSet, bool)) -> Self {
        let changed = set.changes.iter().map(|it| LimitsSetDocument {
            name: it.name.clone(),
            service: it.limits.service.name().to_owned(),
            before: it.before.clone(),
            after: it.after.clone(),
        });
        Self {
            region,
            read_only,
            changed: changed.collect(),
            waiting: set.waits.iter().map(Into::into).collect(),
            ended: set.ended.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Waits> for LimitsWaitingDocument {
    fn from(it: &Waits) -> Self {
        Self {
            name: it.name.clone(),
            service: it.raise.key.service.name().to_owned(),
            after: format!("{}={}", it.raise.key.resource, it.raise.limit),
            until_lower: it.givers.clone(),
        }
    }
}

impl AllocationDocument {
    pub(super) fn new(
        reading: &Reading<'_>,
        region: &RegionRow,
        it: Allocation,
    ) -> Result<Self, StoreError> {
        let leftovers = it.leftovers.into_iter().map(|it| {
            let there = reading.department_there(region.no, ObjectKind::Project, &it.here)?;
            let mut document = LeftoverDocument::from(it);
            document.department = there.map(Into::into);
            Ok(document)
        });
        Ok(Self {
            region: region.facts.name.clone(),
            leftovers: leftovers.collect::<Result<_, StoreError>>()?,
            resources: it.resources.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<ResourceAllocation> for ResourceAllocationDocument {
    fn from(it: ResourceAllocation) -> Self {
        Self {
            service: it.service.name().to_owned(),
            name: it.name,
            capacity: it.capacity,
            allocated: it.allocated.into(),
            directory: it.directory.into(),
            leftovers: it.leftovers.into(),
        }
    }
}

impl From<Sum> for SumDocument {
    fn from(it: Sum) -> Self {
        Self {
            limit: it.limited,
            projects: it.projects,
            unlimited: it.unlimited,
            unknown: it.unknown,
            used: it.used,
        }
    }
}

impl From<Leftover> for LeftoverDocument {
    fn from(it: Leftover) -> Self {
        Self {
            own: it.here.to_string(),
            name: it.name,
            department: None,
            why: it.why.name().to_owned(),
            reason: it.why.told().to_owned(),
            shares: it.shares.into_iter().filter_map(share).collect(),
            holds: it.holds.into(),
            cure: it.cure,
        }
    }
}

fn share(it: Share) -> Option<ShareDocument> {
    let limit = match it.allowed {
        Allowed::Unknown => return None,
        Allowed::Limited(limit) => signed(Some(limit)),
        Allowed::Unlimited => UNLIMITED,
    };
    Some(ShareDocument {
        service: it.service.name().to_owned(),
        name: it.name,
        limit,
        used: it.used,
        permille: it.permille,
    })
}

impl From<Holdings> for HoldingsDocument {
    fn from(it: Holdings) -> Self {
        Self {
            servers: it.servers,
            volumes: it.volumes,
            networks: it.networks,
            floating_ips: it.floating_ips,
        }
    }
}

/// A limit as every OpenStack service writes it.
fn signed(limit: Option<u64>) -> i64 {
    limit.map_or(UNLIMITED, |it| i64::try_from(it).unwrap_or(i64::MAX))
}
