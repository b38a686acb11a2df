//! What an administrator wants, checked.

use std::collections::{BTreeMap, BTreeSet};

use shared::model::{CloudId, Holder, LIMIT_MAX, Limit, Limits, ServiceKind};

use super::{Allowed, Census, Differs, QuotaRefusal};

/// Projects that one request may name: those of a large department.
pub const EDITS_MAX: usize = 100;

/// Resources that a service's limits may name, as many as a quota has on the wire.
const RESOURCES_MAX: usize = 256;

/// The limits that somebody wants for one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaEdit {
    /// Whose.
    pub holder: Holder,
    /// By the cloud's name of each resource, with the service's word and a colon before it where
    /// several have one of that name. −1 is unlimited.
    pub limits: BTreeMap<String, i64>,
}

/// How far limits are checked. What no cloud would take is always refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Against what is used, and against what the region has.
    Whole,
    /// Likewise; and no department may use more than before in sum. For whoever administers
    /// departments and no clouds.
    Shift,
    /// Not at all: somebody said that it shall be so.
    Forced,
}

/// Limits as they are to be told, and what changes by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsChange {
    /// All that the project is to have in a service, also from before.
    pub limits: Limits,
    /// What the project is called.
    pub name: String,
    /// What was wanted before, or else what the region had: `cores=10`.
    pub before: String,
    /// What is wanted now.
    pub after: String,
}

/// One resource of one project, as it is to be.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) holder: Holder,
    pub(super) service: ServiceKind,
    pub(super) resource: String,
    pub(super) limit: Option<u64>,
}

impl Census {
    /// What the region is to be told, so that all of this is so; nothing where it was wanted just
    /// so before. `now` is the version of what is set, unless what was set before has a later one.
    ///
    /// # Errors
    /// If one of them is not right; then none is.
    pub fn check(
        &self,
        edits: &[QuotaEdit],
        check: Check,
        now: u64,
    ) -> Result<Vec<LimitsChange>, QuotaRefusal> {
        let wishes = self.wishes(edits)?;
        if check != Check::Forced {
            wishes.iter().try_for_each(|it| self.is_enough(it))?;
            self.fits(&wishes)?;
        }
        if check == Check::Shift {
            self.shifts(&wishes)?;
        }
        self.changes(&wishes, check == Check::Forced, now)
    }

    fn wishes(&self, edits: &[QuotaEdit]) -> Result<Vec<Wish>, QuotaRefusal> {
        let wrong = |what: String, next| QuotaRefusal::Wrong { what, next };
        if edits.is_empty() || edits.iter().any(|it| it.limits.is_empty()) {
            let what = "nothing is to be changed".to_owned();
            return Err(wrong(what, "name a resource and its limit, as in cores=20"));
        }
        if edits.len() > EDITS_MAX {
            let what = format!("{} projects are too many at once", edits.len());
            return Err(wrong(what, "name 100 at most"));
        }
        let known = self.known();
        let mut wishes: BTreeMap<_, Wish> = BTreeMap::new();
        for edit in edits {
            let holder = self.settled(&edit.holder)?;
            for (word, value) in &edit.limits {
                let wish = self.wish(&known, &holder, (word, *value))?;
                let key = (holder.clone(), wish.service, wish.resource.clone());
                if wishes.insert(key, wish).is_some() {
                    let what = format!("{word:?} of {} is named twice", self.name(&holder));
                    return Err(wrong(what, "name it once"));
                }
            }
        }
        Ok(wishes.into_values().collect())
    }

    fn wish(
        &self,
        known: &BTreeSet<(ServiceKind, &str)>,
        holder: &Holder,
        (word, value): (&str, i64),
    ) -> Result<Wish, QuotaRefusal> {
        let (service, resource) = self.resource(known, word)?;
        let limit = match value {
            -1 => Some(None),
            value => u64::try_from(value).ok().map(Some),
        };
        let limit = limit.filter(|it| it.is_none_or(|it| it <= LIMIT_MAX));
        Ok(Wish {
            holder: holder.clone(),
            service,
            limit: limit.ok_or_else(|| QuotaRefusal::NoLimit {
                resource: resource.clone(),
                value,
            })?,
            resource,
        })
    }

    /// By what the limits of a project are told: as one of the directory's while it is that, else
    /// by what the cloud calls it.
    fn settled(&self, asked: &Holder) -> Result<Holder, QuotaRefusal> {
        let here = match asked {
            Holder::Project(id) if self.is_live(*id) => return Ok(asked.clone()),
            Holder::Project(id) => self.here.get(id),
            Holder::Own(here) => Some(here),
        };
        match here.filter(|it| self.projects.contains_key(*it)) {
            Some(here) => Ok(self.holder(here)),
            None => Err(self.no_project(asked)),
        }
    }

    fn no_project(&self, asked: &Holder) -> QuotaRefusal {
        QuotaRefusal::NoProject {
            region: self.region.clone(),
            project: match asked {
                Holder::Project(id) => id.to_string(),
                Holder::Own(here) => here.to_string(),
            },
        }
    }

    /// Every resource that a quota of the region has.
    fn known(&self) -> BTreeSet<(ServiceKind, &str)> {
        let quotas = self.quotas.values();
        let all = quotas.flat_map(|told| {
            let resources = told.quota.resources.iter();
            resources.map(|it| (told.quota.service, it.name.as_str()))
        });
        all.collect()
    }

    fn resource(
        &self,
        known: &BTreeSet<(ServiceKind, &str)>,
        word: &str,
    ) -> Result<(ServiceKind, String), QuotaRefusal> {
        let named = |(service, name): &&(ServiceKind, &str)| {
            let of_service = word.strip_prefix(service.name());
            let of_service = of_service.and_then(|it| it.strip_prefix(':'));
            *name == word || of_service == Some(*name)
        };
        let found: Vec<_> = known.iter().filter(named).collect();
        let (region, resource) = (self.region.clone(), word.to_owned());
        let full = |(service, name): &(ServiceKind, &str)| format!("{}:{name}", service.name());
        match found.as_slice() {
            [(service, name)] => Ok((*service, (*name).to_owned())),
            [] => Err(QuotaRefusal::NoResource {
                region,
                resource,
                known: known.iter().map(full).collect(),
            }),
            several => Err(QuotaRefusal::Several {
                region,
                resource,
                which: several.iter().map(|it| full(it)).collect(),
            }),
        }
    }

    /// A limit is not below what is used. A project that the region has not uses nothing there.
    fn is_enough(&self, wish: &Wish) -> Result<(), QuotaRefusal> {
        let (Some(limit), Some(here)) = (wish.limit, self.here(&wish.holder)) else {
            return Ok(());
        };
        let (region, project) = (self.region.clone(), self.name(&wish.holder));
        let resource = wish.resource.clone();
        match self.told(&here, wish.service, &wish.resource) {
            None => Err(QuotaRefusal::NotRead {
                region,
                project,
                resource,
            }),
            Some(told) if told.used.saturating_add(told.reserved) > limit => {
                Err(QuotaRefusal::BelowUse {
                    region,
                    project,
                    resource,
                    limit,
                    used: told.used,
                    reserved: told.reserved,
                })
            }
            Some(_) => Ok(()),
        }
    }

    /// Nothing is raised beyond what the region has. What was beyond it before may be lowered.
    fn fits(&self, wishes: &[Wish]) -> Result<(), QuotaRefusal> {
        for wish in wishes {
            let Some(capacity) = self.capacity(wish.service, &wish.resource) else {
                continue;
            };
            let before = self.counted(&wish.holder, wish.service, &wish.resource);
            let is_raised = match (before, wish.limit) {
                (Allowed::Unlimited, _) => false,
                (_, None) => true,
                (Allowed::Unknown, Some(limit)) => limit > 0,
                (Allowed::Limited(before), Some(limit)) => limit > before,
            };
            let (sum, unlimited) = self.together(wishes, wish.service, &wish.resource);
            if is_raised && (wish.limit.is_none() || sum > capacity) {
                return Err(QuotaRefusal::OverCapacity {
                    region: self.region.clone(),
                    project: self.name(&wish.holder),
                    resource: wish.resource.clone(),
                    limit: Allowed::of(wish.limit),
                    sum,
                    capacity,
                    unlimited,
                });
            }
        }
        Ok(())
    }

    /// What a project counts for until its region says that it has what is wanted: the larger of
    /// what it has and what it is to have.
    fn counted(&self, holder: &Holder, service: ServiceKind, resource: &str) -> Allowed {
        let here = self.here(holder);
        let told = here.and_then(|it| self.told(&it, service, resource));
        let told = told.map(|it| it.limit);
        let wanted = self.wanted(holder, service, resource).map(|it| it.limit);
        match (told, wanted) {
            (None, None) => Allowed::Unknown,
            (Some(it), None) | (None, Some(it)) => Allowed::of(it),
            (Some(Some(told)), Some(Some(wanted))) => Allowed::Limited(told.max(wanted)),
            (Some(_), Some(_)) => Allowed::Unlimited,
        }
    }

    /// What all projects may use together once these wishes are granted, and how many have no
    /// limit.
    fn together(&self, wishes: &[Wish], service: ServiceKind, resource: &str) -> (u64, u64) {
        let of_resource = wishes.iter();
        let of_resource = of_resource.filter(|it| it.service == service && it.resource == resource);
        let wished: BTreeMap<&Holder, Option<u64>> =
            of_resource.map(|it| (&it.holder, it.limit)).collect();
        let (mut sum, mut unlimited) = (0u64, 0u64);
        for holder in self.holders() {
            let before = self.counted(&holder, service, resource);
            let after = match (before, wished.get(&holder)) {
                (before, None) => before,
                // Until it is lower there it counts as it was.
                (Allowed::Limited(before), Some(Some(limit))) => {
                    Allowed::Limited(before.max(*limit))
                }
                (Allowed::Unlimited, Some(_)) => Allowed::Unlimited,
                (_, Some(limit)) => Allowed::of(*limit),
            };
            match after {
                Allowed::Limited(limit) => sum = sum.saturating_add(limit),
                Allowed::Unlimited => unlimited = unlimited.saturating_add(1),
                Allowed::Unknown => {}
            }
        }
        (sum, unlimited)
    }

    /// Everybody who may use something of the region, or is to.
    pub(super) fn holders(&self) -> BTreeSet<Holder> {
        let of_quotas = self.quotas.keys().map(|(here, _)| here);
        let here: BTreeSet<&CloudId> = self.projects.keys().chain(of_quotas).collect();
        let there = self.wanted.keys().map(|(it, _)| it);
        let there = there.filter(|it| it.project().is_some_and(|id| self.is_live(id)));
        let here = here.into_iter().map(|it| self.holder(it));
        here.chain(there.cloned()).collect()
    }

    fn changes(
        &self,
        wishes: &[Wish],
        force: bool,
        now: u64,
    ) -> Result<Vec<LimitsChange>, QuotaRefusal> {
        let mut of_services: BTreeMap<(&Holder, ServiceKind), Vec<&Wish>> = BTreeMap::new();
        for wish in wishes {
            let key = (&wish.holder, wish.service);
            of_services.entry(key).or_default().push(wish);
        }
        let all = of_services.into_iter();
        let all = all
            .map(|((holder, service), wishes)| self.change((holder, service), &wishes, force, now));
        all.filter_map(Result::transpose).collect()
    }

    /// What a project is to have in a service; `None` where it is wanted just so.
    fn change(
        &self,
        (holder, service): (&Holder, ServiceKind),
        wishes: &[&Wish],
        force: bool,
        now: u64,
    ) -> Result<Option<LimitsChange>, QuotaRefusal> {
        let before = self.wanted.get(&(holder.clone(), service));
        let before = before.map(|it| it.resources.as_slice()).unwrap_or_default();
        let newest = before.iter().map(|it| it.version).max().unwrap_or_default();
        let version = now.max(newest.saturating_add(1));
        let mut all: BTreeMap<String, Limit> = before
            .iter()
            .map(|it| (it.name.clone(), it.clone()))
            .collect();
        let (mut was, mut is) = (Vec::new(), Vec::new());
        for wish in wishes {
            let name = &wish.resource;
            if self.is_so(wish, force) {
                continue;
            }
            let old = self.wanted(holder, service, name).map(|it| it.limit);
            let old = old.or_else(|| {
                let here = self.here(holder)?;
                self.told(&here, service, name).map(|it| it.limit)
            });
            let old = old.map_or(Allowed::Unknown, Allowed::of);
            was.push(format!("{name}={old}"));
            is.push(format!("{name}={}", Allowed::of(wish.limit)));
            let limit = Limit {
                name: name.clone(),
                limit: wish.limit,
                version,
                force,
            };
            all.insert(name.clone(), limit);
        }
        if is.is_empty() {
            return Ok(None);
        }
        if all.len() > RESOURCES_MAX {
            return Err(QuotaRefusal::Wrong {
                what: format!(
                    "{} has too many limits in {}",
                    self.name(holder),
                    service.name()
                ),
                next: "256 resources of a service can have one",
            });
        }
        Ok(Some(LimitsChange {
            limits: Limits {
                holder: holder.clone(),
                service,
                resources: all.into_values().collect(),
            },
            name: self.name(holder),
            before: was.join(" "),
            after: is.join(" "),
        }))
    }

    /// Whether it is wanted so, and the region has it so, or has said nothing since. What it has
    /// otherwise is told again: somebody may have changed it there.
    fn is_so(&self, wish: &Wish, force: bool) -> bool {
        let wanted = self.wanted(&wish.holder, wish.service, &wish.resource);
        let here = self.here(&wish.holder);
        let told = here.as_ref();
        let told = told.and_then(|it| self.told(it, wish.service, &wish.resource));
        let is_there = told.is_some_and(|it| it.limit == wish.limit);
        match wanted {
            None => is_there,
            Some(wanted) if wanted.limit != wish.limit => false,
            Some(wanted) => match self.differs((&here, wish.service), wanted, told) {
                None => true,
                Some(Differs::OnItsWay) => wanted.force || !force,
                Some(Differs::Otherwise) => false,
            },
        }
    }
}
