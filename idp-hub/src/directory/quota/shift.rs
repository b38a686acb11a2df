//! Shifting between the projects of a department, or between one and those nested in it: what one
//! may use more, others may use less.
//!
//! ```text
//! shift ─┬─▶ lowered limits: told at once
//!        └─▶ Raise ─ its region's own records show all of these ─▶ told
//! ```
//!
//! Whoever may only shift gives nothing to one project before another one has really less: a
//! region can refuse what is lower (its project uses more by now), or be away. A raise waits for
//! what one shift promised: whatever is set for one of those who give by anything but another
//! shift, which keeps the sum, ends it.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::ObjectId;
use shared::model::{CloudId, Holder, ServiceKind};

use super::check::Wish;
use super::{Allowed, Census, QuotaRefusal};

/// What limits are shifted within.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pool {
    /// The projects of a department.
    Department(ObjectId),
    /// A project, and those nested in it.
    Project(ObjectId),
}

/// Within what the limits of each of some projects are shifted.
pub type Pools = BTreeMap<ObjectId, Pool>;

/// Which resource of which project a raise is of, in a region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RaiseKey {
    /// The project of the directory.
    pub project: ObjectId,
    /// Whose resource.
    pub service: ServiceKind,
    /// The cloud's name of it.
    pub resource: String,
}

impl RaiseKey {
    /// The same resource of another project.
    pub fn of(&self, project: ObjectId) -> Self {
        Self {
            project,
            ..self.clone()
        }
    }
}

/// A limit that is told once others have less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    /// Of what.
    pub key: RaiseKey,
    /// The limit that it is to have then.
    pub limit: u64,
    /// Who is to have less first.
    pub givers: BTreeSet<Giver>,
}

/// Raises that something else settles that is set, each with the project whose limit that is.
pub type Settled = BTreeMap<RaiseKey, ObjectId>;

impl Raise {
    /// Whether it waits no more once this limit is set: its own, or what it is to be given of.
    pub fn is_settled_by(&self, set: &RaiseKey) -> bool {
        let is_of = (self.key.service, &self.key.resource) == (set.service, &set.resource);
        let mut givers = self.givers.iter();
        is_of && (self.key.project == set.project || givers.any(|it| it.project == set.project))
    }
}

/// A project that gives something away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Giver {
    /// The project of the directory.
    pub project: ObjectId,
    /// What the region's cloud calls it.
    pub here: CloudId,
}

impl Giver {
    /// Whether its region has lowered it: by the limit that the region tells, and the one that was
    /// set here, where there is one of each. The inner `None` is unlimited, which gives nothing.
    pub const fn is_lower(told: Option<Option<u64>>, wanted: Option<Option<u64>>) -> bool {
        match (told, wanted) {
            (Some(Some(told)), Some(Some(wanted))) => told <= wanted,
            (Some(None), Some(Some(_))) | (_, Some(None)) | (None, _) | (_, None) => false,
        }
    }
}

/// A raise that waits, as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// What waits.
    pub raise: Raise,
    /// What its project is called.
    pub name: String,
    /// And those that are to have less first.
    pub givers: Vec<String>,
}

/// A project that is named in a shift.
#[derive(Debug, Clone)]
struct Side {
    giver: Giver,
    pool: Pool,
    /// What counts as its own by now; `None` is unlimited.
    before: Option<u64>,
    /// What its region says.
    told: Option<u64>,
    /// The most that it may be told before anybody has less.
    at_once: u64,
}

/// The projects named that are shifted within one pool, of one resource.
#[derive(Debug, Clone, Default)]
struct Group {
    before: u64,
    after: u64,
    /// Those whose region does not say yet that they have as little as they are to have.
    givers: BTreeSet<Giver>,
}

impl Census {
    /// A raise that waits already.
    pub fn wait(&mut self, raise: Raise) {
        self.raises.insert(raise.key.clone(), raise);
    }

    /// Whether just this waits already.
    pub fn waits_so(&self, raise: &Raise) -> bool {
        self.raises.get(&raise.key) == Some(raise)
    }

    /// What waits no more once these limits are set.
    pub(super) fn settled_by(&self, set: &[RaiseKey]) -> Settled {
        let mut all = Settled::new();
        for it in set {
            let settled = self.raises.values().filter(|raise| raise.is_settled_by(it));
            all.extend(settled.map(|raise| (raise.key.clone(), it.project)));
        }
        all
    }

    /// A raise as people know it.
    pub fn waits(&self, raise: Raise) -> Waits {
        let name = |id| self.name(&Holder::Project(id));
        Waits {
            name: name(raise.key.project),
            givers: raise.givers.iter().map(|it| name(it.project)).collect(),
            raise,
        }
    }

    /// No pool may use more than before of anything, counted over the projects named. Returns what
    /// has to wait until others have less.
    ///
    /// A project gives away what was set for it here alone, and no more than its region says: what
    /// a cloud gives to every new project is nobody's to give. What waits counts as given already.
    pub(super) fn shifts(
        &self,
        wishes: &[Wish],
        pools: &Pools,
    ) -> Result<Vec<Raise>, QuotaRefusal> {
        let mut groups: BTreeMap<(Pool, ServiceKind, &str), Group> = BTreeMap::new();
        let mut sides = Vec::with_capacity(wishes.len());
        let grows = |wish, (before, after)| Err(self.grows((wishes, pools), wish, before, after));
        for wish in wishes {
            let Some(side) = self.side(wish, pools) else {
                return grows(wish, (Allowed::Unknown, Allowed::of(wish.limit)));
            };
            let key = (side.pool, wish.service, wish.resource.as_str());
            let group = groups.entry(key).or_default();
            let is_less = |limit: u64| side.told.is_none_or(|told| told > limit);
            if wish.limit.is_some_and(is_less) {
                group.givers.insert(side.giver.clone());
            }
            if let Some(waits) = wish.key().and_then(|it| self.raises.get(&it)) {
                group.givers.extend(waits.givers.iter().cloned());
            }
            match (side.before, wish.limit) {
                (Some(before), Some(after)) => {
                    group.before = group.before.saturating_add(before);
                    group.after = group.after.saturating_add(after);
                }
                // What has no limit gives nothing away by getting one.
                (None, _) => {}
                (Some(before), None) => {
                    return grows(wish, (Allowed::Limited(before), Allowed::Unlimited));
                }
            }
            sides.push((wish, side));
        }
        let mut raises = Vec::new();
        for (wish, side) in sides {
            let key = (side.pool, wish.service, wish.resource.as_str());
            let Some(group) = groups.get(&key) else {
                continue;
            };
            if group.after > group.before {
                let (before, after) = (group.before, group.after);
                return grows(wish, (Allowed::Limited(before), Allowed::Limited(after)));
            }
            raises.extend(raise(wish, &side, group));
        }
        Ok(raises)
    }

    /// How it is with a wish's project; `None` where nobody knows.
    fn side(&self, wish: &Wish, pools: &Pools) -> Option<Side> {
        let project = wish.holder.project().filter(|it| self.is_live(*it))?;
        let here = self.here(&wish.holder)?;
        let told = self.told(&here, wish.service, &wish.resource)?.limit;
        let wanted = self.wanted(&wish.holder, wish.service, &wish.resource);
        let wanted = wanted.map(|it| it.limit);
        let waits = self.raises.get(&wish.key()?);
        let in_force = match (told, wanted) {
            (Some(told), Some(Some(wanted))) => Some(told.min(wanted)),
            (Some(limit), None | Some(None)) | (None, Some(Some(limit))) => Some(limit),
            (None, None | Some(None)) => None,
        };
        let before = match (waits, wanted) {
            (Some(raise), _) => Some(raise.limit),
            (None, Some(_)) => in_force,
            (None, None) => Some(0),
        };
        Some(Side {
            giver: Giver { project, here },
            pool: *pools.get(&project)?,
            before,
            told,
            at_once: in_force.unwrap_or(u64::MAX),
        })
    }

    fn grows(
        &self,
        (wishes, pools): (&[Wish], &Pools),
        wish: &Wish,
        before: Allowed,
        after: Allowed,
    ) -> QuotaRefusal {
        let pool = wish.holder.project().and_then(|it| pools.get(&it));
        let within = match pool {
            Some(Pool::Department(id)) => format!("the projects of the department {id}"),
            Some(Pool::Project(id)) => {
                let name = self.name(&Holder::Project(*id));
                format!("the project {name} with those nested in it")
            }
            None => self.name(&wish.holder),
        };
        let same = wishes.iter().filter(|it| {
            (it.service, &it.resource) == (wish.service, &wish.resource)
                && self.wanted(&it.holder, it.service, &it.resource).is_none()
        });
        QuotaRefusal::Grows {
            region: self.region.clone(),
            within: within.into(),
            resource: wish.resource.clone(),
            before,
            after,
            unset: same.map(|it| self.name(&it.holder)).collect(),
        }
    }
}

/// What of a wish has to wait.
fn raise(wish: &Wish, side: &Side, group: &Group) -> Option<Raise> {
    let limit = wish.limit.filter(|it| *it > side.at_once)?;
    let givers = group.givers.iter();
    let givers: BTreeSet<Giver> = givers.filter(|it| **it != side.giver).cloned().collect();
    let key = wish.key()?;
    (!givers.is_empty()).then_some(Raise { key, limit, givers })
}
