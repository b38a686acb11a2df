//! Whether what projects may use together fits into what the region has.

use std::collections::BTreeMap;

use shared::ids::ObjectId;
use shared::model::{Holder, ServiceKind};

use super::census::Figures;
use super::check::Wish;
use super::{Allowed, Census, Differs, QuotaRefusal, RaiseKey, Settled};

/// What all projects of a region may use together.
#[derive(Debug, Clone, Copy, Default)]
struct Together {
    /// All limits, and what those use that have none.
    limited: u64,
    /// What of that is promised by totals, and was not told yet.
    promised: u64,
    /// Projects without a limit, of which the sum has what they use by now.
    unlimited: u32,
    /// Projects whose quota was not told, which are not in it either.
    unknown: u32,
}

/// What a region has of a resource, and who may use it, as far as their quotas were read.
#[derive(Debug)]
pub struct Counted {
    capacity: u64,
    all: u128,
    of: BTreeMap<ObjectId, u128>,
}

impl Counted {
    /// What is left for a project of the directory: what all others may not use.
    pub fn left_for(&self, project: ObjectId) -> u64 {
        let own = self.of.get(&project).copied().unwrap_or_default();
        let others = self.all.saturating_sub(own);
        let left = u128::from(self.capacity).saturating_sub(others);
        u64::try_from(left).unwrap_or(u64::MAX)
    }
}

impl Census {
    /// Nothing is raised beyond what the region has. What was beyond it before may be lowered, and
    /// shifted from one project to another. What these wishes settle counts no more.
    pub(super) fn fits(&self, wishes: &[Wish], settled: &Settled) -> Result<(), QuotaRefusal> {
        for wish in wishes {
            let Some(capacity) = self.capacity(wish.service, &wish.resource) else {
                continue;
            };
            if !self.is_raised(wish, settled) || !self.is_more((wishes, settled), wish) {
                continue;
            }
            let all = self.together((wishes, settled), wish.service, &wish.resource);
            if wish.limit.is_none() || all.unknown > 0 || all.limited > capacity {
                return Err(QuotaRefusal::OverCapacity {
                    region: self.region.clone(),
                    project: self.name(&wish.holder),
                    resource: wish.resource.clone(),
                    limit: Allowed::of(wish.limit),
                    sum: all.limited,
                    promised: all.promised,
                    capacity,
                    unlimited: all.unlimited,
                    unknown: all.unknown,
                });
            }
        }
        Ok(())
    }

    /// What a region has left of a resource for a project of the directory: what it has, less what
    /// all others may use, as far as their quotas were read. `None` where nobody knows what it has.
    pub fn left_for(&self, project: ObjectId, service: ServiceKind, resource: &str) -> Option<u64> {
        let counted = self.counted_together(service, resource)?;
        Some(counted.left_for(project))
    }

    /// What all may use of a resource: reads each holder's quota once, for any number of projects.
    /// `None` where nobody knows what the region has.
    pub fn counted_together(&self, service: ServiceKind, resource: &str) -> Option<Counted> {
        let capacity = self.capacity(service, resource)?;
        let (mut all, mut of) = (0_u128, BTreeMap::new());
        let settled = Settled::new();
        for holder in self.holders() {
            let counted = self.counted(&holder, (service, resource), &settled);
            let count = u128::from(self.count(&holder, (service, resource), counted));
            all = all.saturating_add(count);
            if let Some(project) = holder.project() {
                let own: &mut u128 = of.entry(project).or_default();
                *own = own.saturating_add(count);
            }
        }
        Some(Counted { capacity, all, of })
    }

    /// What a project of the directory counts for by now of what a region has.
    pub fn counts_for(&self, project: ObjectId, service: ServiceKind, resource: &str) -> u64 {
        let holder = Holder::Project(project);
        let counted = self.counted(&holder, (service, resource), &Settled::new());
        self.count(&holder, (service, resource), counted)
    }

    /// What counts of what a project may use: where it has no limit, at least what it uses; where
    /// that is not known, nothing.
    fn count(
        &self,
        holder: &Holder,
        (service, resource): (ServiceKind, &str),
        allowed: Allowed,
    ) -> u64 {
        match allowed {
            Allowed::Limited(limit) => limit,
            Allowed::Unlimited => {
                let here = self.here(holder);
                let told = here.and_then(|it| self.told(&it, service, resource));
                told.map_or(0, Figures::need)
            }
            Allowed::Unknown => 0,
        }
    }

    fn is_raised(&self, wish: &Wish, settled: &Settled) -> bool {
        let before = self.counted(&wish.holder, (wish.service, &wish.resource), settled);
        match (before, wish.limit) {
            (Allowed::Unlimited, _) => false,
            (_, None) => true,
            (Allowed::Unknown, Some(limit)) => limit > 0,
            (Allowed::Limited(before), Some(limit)) => limit > before,
        }
    }

    /// Whether those who are named may use more of the resource together than before.
    fn is_more(&self, (wishes, settled): (&[Wish], &Settled), of: &Wish) -> bool {
        let (mut before, mut after) = (0u64, 0u64);
        for it in wishes
            .iter()
            .filter(|it| it.is_of(of.service, &of.resource))
        {
            let Some(limit) = it.limit else {
                return true;
            };
            match self.counted(&it.holder, (it.service, &it.resource), settled) {
                // It is no part of the sum, and gives nothing away by getting a limit.
                Allowed::Unlimited => continue,
                Allowed::Unknown => {}
                Allowed::Limited(limit) => before = before.saturating_add(limit),
            }
            after = after.saturating_add(limit);
        }
        after > before
    }

    /// What a project counts for until its region says that it has what is wanted: the larger of
    /// what it has and what it is to have. Where it was to have no limit and somebody gave it one
    /// there since, that. What waits counts already, as it is told without another look at this:
    /// beside what others have until then, as they may keep it.
    fn counted(
        &self,
        holder: &Holder,
        (service, resource): (ServiceKind, &str),
        settled: &Settled,
    ) -> Allowed {
        let waits = self.raise(holder, service, resource);
        let waits = waits.filter(|it| !settled.contains_key(&it.key));
        match (self.by_now(holder, service, resource), waits) {
            (Allowed::Limited(limit), Some(raise)) => Allowed::Limited(limit.max(raise.limit)),
            (it, _) => it,
        }
    }

    /// The same, and at least what a total promises the project: where the region limits it, or has
    /// not made it yet.
    fn promised(
        &self,
        holder: &Holder,
        (service, resource): (ServiceKind, &str),
        counted: Allowed,
    ) -> Allowed {
        let promise = holder.project().and_then(|project| {
            let resource = resource.to_owned();
            let key = RaiseKey {
                project,
                service,
                resource,
            };
            self.promises.get(&key).copied()
        });
        match (counted, promise) {
            (Allowed::Limited(limit), Some(share)) => Allowed::Limited(limit.max(share)),
            (Allowed::Unknown, Some(share)) if self.here(holder).is_none() => {
                Allowed::Limited(share)
            }
            (counted, _) => counted,
        }
    }

    fn by_now(&self, holder: &Holder, service: ServiceKind, resource: &str) -> Allowed {
        let here = self.here(holder);
        let told = here.as_ref();
        let told = told.and_then(|it| self.told(it, service, resource));
        let told = told.map(|it| it.limit);
        let wanted = self.wanted(holder, service, resource);
        let differs = wanted.and_then(|it| self.differs((&here, service), it, told));
        match (told, wanted.map(|it| it.limit)) {
            (None, None) => Allowed::Unknown,
            (Some(it), None) | (None, Some(it)) => Allowed::of(it),
            (Some(Some(told)), Some(Some(wanted))) => Allowed::Limited(told.max(wanted)),
            (Some(Some(told)), Some(None)) if differs == Some(Differs::Otherwise) => {
                Allowed::Limited(told)
            }
            (Some(_), Some(_)) => Allowed::Unlimited,
        }
    }

    /// What all projects may use together once these wishes are granted.
    fn together(
        &self,
        (wishes, settled): (&[Wish], &Settled),
        service: ServiceKind,
        resource: &str,
    ) -> Together {
        let of_resource = wishes.iter().filter(|it| it.is_of(service, resource));
        let wished: BTreeMap<&Holder, Option<u64>> =
            of_resource.map(|it| (&it.holder, it.limit)).collect();
        let mut all = Together::default();
        // Also those whose project the region has not made yet.
        let mut holders = self.holders();
        holders.extend(wished.keys().copied().cloned());
        let promised = self.promises.keys();
        let promised = promised.filter(|it| it.service == service && it.resource == resource);
        holders.extend(promised.map(|it| Holder::Project(it.project)));
        for holder in holders {
            let counted = self.counted(&holder, (service, resource), settled);
            let before = self.promised(&holder, (service, resource), counted);
            all.promised = all.promised.saturating_add(before.beyond(counted));
            let after = match (before, wished.get(&holder)) {
                (before, None) => before,
                // Until it is lower there it counts as it was.
                (Allowed::Limited(before), Some(Some(limit))) => {
                    Allowed::Limited(before.max(*limit))
                }
                (Allowed::Unlimited, Some(_)) => Allowed::Unlimited,
                (_, Some(limit)) => Allowed::of(*limit),
            };
            let count = self.count(&holder, (service, resource), after);
            all.limited = all.limited.saturating_add(count);
            match after {
                Allowed::Limited(_) => {}
                Allowed::Unlimited => all.unlimited = all.unlimited.saturating_add(1),
                Allowed::Unknown => all.unknown = all.unknown.saturating_add(1),
            }
        }
        all
    }
}

impl Allowed {
    /// How much more it is than another.
    const fn beyond(self, other: Self) -> u64 {
        match (self, other) {
            (Self::Limited(it), Self::Limited(other)) => it.saturating_sub(other),
            (Self::Limited(it), Self::Unknown) => it,
            _ => 0,
        }
    }
}

impl Wish {
    fn is_of(&self, service: ServiceKind, resource: &str) -> bool {
        self.service == service && self.resource == resource
    }
}
