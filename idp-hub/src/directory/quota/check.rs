//! What an administrator wants, checked.

use std::collections::{BTreeMap, BTreeSet};

use shared::model::{CloudId, Holder, LIMIT_MAX, Limit, Limits, ServiceKind};

use super::census::is_of_a_type;
use super::{Allowed, Census, Differs, Pools, QuotaRefusal, Raise, RaiseKey, Settled};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Against what is used, and against what the region has.
    Whole,
    /// Against what is used; and nothing that limits are shifted within may use more than before in
    /// sum, at any moment. For whoever administers departments or projects and no clouds.
    Shift(Pools),
    /// Against what nobody said that it shall be so all the same.
    Forced(Force),
}

/// What somebody said that it shall be so all the same. Each is a danger of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Force {
    /// Less than is used, where the service allows that: it is told so.
    pub below_use: bool,
    /// More than the region has.
    pub over_capacity: bool,
}

impl Check {
    const fn force(&self) -> Force {
        match self {
            Self::Forced(force) => *force,
            Self::Whole | Self::Shift(_) => Force {
                below_use: false,
                over_capacity: false,
            },
        }
    }

    /// Whether all that projects may use is to fit into what the region has.
    pub const fn is_bounded(&self) -> bool {
        match self {
            Self::Whole => true,
            Self::Shift(_) => false,
            Self::Forced(force) => !force.over_capacity,
        }
    }
}

/// What follows from what an administrator wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// What the region is told now.
    pub changes: Vec<LimitsChange>,
    /// What it is told once it has confirmed what of that is lower.
    pub raises: Vec<Raise>,
    /// Raises that waited until now, and are settled by this.
    pub settled: Settled,
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

impl Wish {
    /// Which raise it would be, of a project of the directory.
    pub(super) fn key(&self) -> Option<RaiseKey> {
        Some(RaiseKey {
            project: self.holder.project()?,
            service: self.service,
            resource: self.resource.clone(),
        })
    }
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
        check: &Check,
        now: u64,
    ) -> Result<Decision, QuotaRefusal> {
        let wishes = self.wishes(edits)?;
        let force = check.force();
        for wish in &wishes {
            self.is_enough(wish, force)?;
        }
        let raises = match check {
            // It makes no sum grow, and so fits as well as what was before.
            Check::Shift(pools) => self.shifts(&wishes, pools)?,
            Check::Whole | Check::Forced(_) => Vec::new(),
        };
        let settled = self.settled(&wishes, check);
        if check.is_bounded() {
            self.fits(&wishes, &settled)?;
        }
        let waits = |it: &Wish| {
            it.key()
                .is_some_and(|key| raises.iter().any(|it| it.key == key))
        };
        let wishes: Vec<Wish> = wishes.into_iter().filter(|it| !waits(it)).collect();
        Ok(Decision {
            changes: self.changes(&wishes, force.below_use, now)?,
            raises,
            settled,
        })
    }

    /// What waits no more. Who shifts gives nothing that was given already, and so what waits for
    /// others is still theirs.
    fn settled(&self, wishes: &[Wish], check: &Check) -> Settled {
        let set: Vec<RaiseKey> = wishes.iter().filter_map(Wish::key).collect();
        let mut settled = self.settled_by(&set);
        if matches!(check, Check::Shift(_)) {
            settled.retain(|key, _| set.contains(key));
        }
        settled
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
            let holder = self.holder_of(&edit.holder)?;
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
    pub(super) fn holder_of(&self, asked: &Holder) -> Result<Holder, QuotaRefusal> {
        let here = match asked {
            Holder::Project(id) if self.is_live(*id) => return Ok(asked.clone()),
            Holder::Project(id) => self.here.of(*id),
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
    pub(super) fn known(&self) -> BTreeSet<(ServiceKind, &str)> {
        let quotas = self.quotas.values();
        let all = quotas.flat_map(|told| {
            let resources = told.quota.resources.iter();
            resources.map(|it| (told.quota.service, it.name.as_str()))
        });
        all.collect()
    }

    /// Whether the region has a quota of this.
    pub fn has_resource(&self, service: ServiceKind, resource: &str) -> bool {
        self.known().contains(&(service, resource))
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
        let of_a_type = word.strip_prefix("volume:").unwrap_or(word);
        match found.as_slice() {
            [(service, name)] => Ok((*service, (*name).to_owned())),
            // Nobody has a limit of it yet, and what has none is not told.
            [] if is_of_a_type(of_a_type) && known.iter().any(|it| it.0 == ServiceKind::Volume) => {
                Ok((ServiceKind::Volume, of_a_type.to_owned()))
            }
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
    /// Cinder takes none below, whatever is said.
    fn is_enough(&self, wish: &Wish, force: Force) -> Result<(), QuotaRefusal> {
        let can_force = wish.service != ServiceKind::Volume;
        let (Some(limit), Some(here)) = (wish.limit, self.here(&wish.holder)) else {
            return Ok(());
        };
        if force.below_use && can_force {
            return Ok(());
        }
        let (region, project) = (self.region.clone(), self.name(&wish.holder));
        let resource = wish.resource.clone();
        match self.told(&here, wish.service, &wish.resource) {
            None if force.below_use => Ok(()),
            None => Err(QuotaRefusal::NotRead {
                region,
                project,
                resource,
            }),
            Some(told) if told.need() > limit => Err(QuotaRefusal::BelowUse {
                region,
                project,
                resource,
                limit,
                used: told.used,
                reserved: told.reserved,
                can_force,
            }),
            Some(_) => Ok(()),
        }
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
            let forced = if force { " (forced)" } else { "" };
            is.push(format!("{name}={}{forced}", Allowed::of(wish.limit)));
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
        let told = told.map(|it| it.limit);
        let is_there = told == Some(wish.limit);
        match wanted {
            None => is_there,
            Some(wanted) if wanted.limit != wish.limit => false,
            Some(wanted) => match self.differs((&here, wish.service), wanted, told) {
                None => true,
                Some(Differs::OnItsWay) => wanted.force || !force,
                Some(Differs::Otherwise | Differs::Unordered) => false,
            },
        }
    }
}
