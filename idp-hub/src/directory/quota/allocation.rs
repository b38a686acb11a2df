//! What of a region is given to whom: all that projects may use is the directory's projects', or
//! that of leftovers.
//!
//! The sums are what the region's cloud says. What has no limit is no part of a sum, and counted
//! beside it; and so is a project whose quota nobody told.

use std::collections::{BTreeMap, BTreeSet};

use shared::model::{CloudId, Holder, ServiceKind};

use super::census::Figures;
use super::{Allowed, Census, Holdings, Leftover, LeftoverWhy};

/// What several projects may use of a resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// All limits together, in the cloud's own unit.
    pub limited: u64,
    /// Projects that have a limit.
    pub projects: u64,
    /// Projects without a limit.
    pub unlimited: u64,
    /// Projects whose quota was not told.
    pub unknown: u64,
    /// In use and reserved, by all of them whose quota was told.
    pub used: u64,
}

/// What of one resource is given to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceAllocation {
    /// Whose resource.
    pub service: ServiceKind,
    /// The cloud's name of it.
    pub name: String,
    /// What there is of it, where that is known.
    pub capacity: Option<u64>,
    /// All projects of the region.
    pub allocated: Sum,
    /// Of these, the directory's.
    pub directory: Sum,
    /// Of these, the others.
    pub leftovers: Sum,
}

/// What of a region is given to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// Each resource that a quota of the region names, by service and name.
    pub resources: Vec<ResourceAllocation>,
    /// The projects that are not the directory's, by the cloud's ids.
    pub leftovers: Vec<Leftover>,
}

impl Sum {
    /// Counts one project more.
    pub fn count(&mut self, allowed: Allowed, used: u64) {
        let one = |figure: &mut u64| *figure = figure.saturating_add(1);
        match allowed {
            Allowed::Unknown => one(&mut self.unknown),
            Allowed::Unlimited => one(&mut self.unlimited),
            Allowed::Limited(limit) => {
                one(&mut self.projects);
                self.limited = self.limited.saturating_add(limit);
            }
        }
        self.used = self.used.saturating_add(used);
    }
}

impl Census {
    /// What of the region is given to whom. `holdings` is what each project still has there.
    pub fn allocation(&self, holdings: &BTreeMap<CloudId, Holdings>) -> Allocation {
        let mut sums: BTreeMap<(ServiceKind, &str), ResourceAllocation> = BTreeMap::new();
        for told in self.quotas.values() {
            for it in &told.quota.resources {
                let (service, name) = (told.quota.service, it.name.as_str());
                sums.entry((service, name))
                    .or_insert_with(|| ResourceAllocation {
                        service,
                        name: name.to_owned(),
                        capacity: self.capacity(service, name),
                        allocated: Sum::default(),
                        directory: Sum::default(),
                        leftovers: Sum::default(),
                    });
            }
        }
        let all = self.all_here();
        for here in &all {
            let is_left = self.why_left(here).is_some();
            for ((service, name), sum) in &mut sums {
                let told = self.told(here, *service, name);
                let allowed = self.allowed(here, *service, name);
                let used = told.map_or(0, Figures::need);
                sum.allocated.count(allowed, used);
                match is_left {
                    true => sum.leftovers.count(allowed, used),
                    false => sum.directory.count(allowed, used),
                }
            }
        }
        let leftovers = all.iter().filter_map(|here| {
            let why = self.why_left(here)?;
            let holds = holdings.get(here).copied().unwrap_or_default();
            Some(self.leftover(here, why, holds, &sums))
        });
        Allocation {
            leftovers: leftovers.collect(),
            resources: sums.values().cloned().collect(),
        }
    }

    /// Every project that the region tells of, in whichever way.
    fn all_here(&self) -> BTreeSet<CloudId> {
        let of_quotas = self.quotas.keys().map(|(here, _)| here);
        self.projects.keys().chain(of_quotas).cloned().collect()
    }

    /// What the region says that a project may use.
    pub(super) fn allowed(&self, here: &CloudId, service: ServiceKind, name: &str) -> Allowed {
        let told = self.told(here, service, name);
        told.map_or(Allowed::Unknown, |it| Allowed::of(it.limit))
    }

    /// Why a project is not the directory's; `None` where it is.
    pub(super) fn why_left(&self, here: &CloudId) -> Option<LeftoverWhy> {
        match self.holder(here) {
            Holder::Project(_) => None,
            Holder::Own(_) => Some(self.leftover_why(here)),
        }
    }
}
