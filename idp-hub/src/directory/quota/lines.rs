//! Each project's quota in a region: what it has there, and what it is to have.

use std::collections::BTreeMap;
use std::time::Duration;

use shared::ids::ObjectId;
use shared::model::{CloudId, Holder, Limit, QuotaResource, ServiceKind, UnixMillis};

use super::{Census, Raise, RaiseKey, Waits};

/// Later than now by more than this is what a clock noted that was ahead and was put back: what is
/// set twice within a millisecond has the next one's number, and clocks are corrected a little.
const AHEAD: Duration = Duration::from_secs(60);

/// Whether a time, unix milliseconds, was noted by a clock that was ahead.
pub const fn is_ahead(at: u64, now: UnixMillis) -> bool {
    at > now.plus(AHEAD).0
}

/// One project of a region, and its quota there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectLine {
    /// By what its limits are set.
    pub holder: Holder,
    /// What the region's cloud calls it; `None` for one of the directory's that is not there yet.
    pub here: Option<CloudId>,
    /// Its name: the directory's, where it is the directory's.
    pub name: String,
    /// Each resource, by service and name.
    pub resources: Vec<ResourceLine>,
}

/// One resource of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceLine {
    /// Whose resource.
    pub service: ServiceKind,
    /// The cloud's name of it.
    pub name: String,
    /// The region's word; `None` where it has told none.
    pub told: Option<QuotaResource>,
    /// The limit that was set here last, if one was.
    pub wanted: Option<Limit>,
    /// Why the region has another limit than was set here, as far as the hub sees it.
    pub differs: Option<Differs>,
    /// What it is to have once others have less.
    pub waits: Option<Waits>,
}

/// Why a region has another limit than was set here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differs {
    /// The region has said nothing since it was set.
    OnItsWay,
    /// The region has said another one since: somebody changed it there, or it is on its way still.
    Otherwise,
    /// Nobody knows which of that: the hub's clock was ahead as one of both came.
    Unordered,
}

impl ProjectLine {
    /// The project of the directory, if it is one.
    pub const fn object(&self) -> Option<ObjectId> {
        self.holder.project()
    }
}

impl Census {
    /// Every project of the region, and those of the directory that are to have limits there.
    pub fn lines(&self) -> Vec<ProjectLine> {
        let holders = self.holders().into_iter();
        holders.map(|it| self.line(it)).collect()
    }

    fn line(&self, holder: Holder) -> ProjectLine {
        let here = self.here(&holder);
        let mut names: BTreeMap<(ServiceKind, String), Option<QuotaResource>> = BTreeMap::new();
        for service in ServiceKind::ALL {
            let told = here.as_ref();
            let told = told.and_then(|it| self.quotas.get(&(it.clone(), service)));
            let told = told.into_iter().flat_map(|it| &it.quota.resources);
            names.extend(told.map(|it| ((service, it.name.clone()), Some(it.clone()))));
            let wanted = self.wanted.get(&(holder.clone(), service));
            for limit in wanted.into_iter().flat_map(|it| &it.resources) {
                let told = here.as_ref();
                let told = told.and_then(|it| self.told(it, service, &limit.name));
                let told = told.map(|it| QuotaResource {
                    name: limit.name.clone(),
                    limit: it.limit,
                    used: it.used,
                    reserved: it.reserved,
                });
                names.entry((service, limit.name.clone())).or_insert(told);
            }
        }
        let resources = names.into_iter().map(|((service, name), told)| {
            let wanted = self.wanted(&holder, service, &name).cloned();
            let differs = wanted.as_ref();
            let limit = told.as_ref().map(|it| it.limit);
            let differs = differs.and_then(|it| self.differs((&here, service), it, limit));
            let raise = self.raise(&holder, service, &name);
            let waits = raise.map(|it| self.waits(it.clone()));
            ResourceLine {
                service,
                name,
                told,
                wanted,
                differs,
                waits,
            }
        });
        ProjectLine {
            resources: resources.collect(),
            name: self.name(&holder),
            here,
            holder,
        }
    }

    /// What waits of a project's resource.
    pub(super) fn raise(
        &self,
        holder: &Holder,
        service: ServiceKind,
        resource: &str,
    ) -> Option<&Raise> {
        let key = RaiseKey {
            project: holder.project()?,
            service,
            resource: resource.to_owned(),
        };
        self.raises.get(&key)
    }

    /// Why the region has another limit than is wanted; `None` where it has that.
    pub(super) fn differs(
        &self,
        (here, service): (&Option<CloudId>, ServiceKind),
        wanted: &Limit,
        told: Option<Option<u64>>,
    ) -> Option<Differs> {
        if told == Some(wanted.limit) {
            return None;
        }
        let told = here.as_ref();
        let told = told.and_then(|it| self.quotas.get(&(it.clone(), service)));
        let changed = told.map_or(0, |it| it.changed.0);
        let is_unordered = is_ahead(changed.max(wanted.version), self.now);
        Some(if told.is_some() && is_unordered {
            Differs::Unordered
        } else if changed > wanted.version {
            Differs::Otherwise
        } else {
            Differs::OnItsWay
        })
    }
}
