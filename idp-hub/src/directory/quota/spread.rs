//! One total of a resource for a project, spread over the regions. Pure.
//!
//! ```text
//! what regions have, use, were told ─▶ goals ─▶ plan ─▶ new shares, told as limits of each
//!              └──────── their quota records confirm ◀─────────┘
//! ```
//!
//! A region enforces its share alone, so that the spread goes on while hub or region is away. The
//! price is that room may be given only once: what a region was told counts until the region's own
//! record shows that something else is in force there, so that a share is lowered first, and
//! another one is raised later, by what came back. Regions may never use more than the total
//! together, but where they did already as it was set.

mod demand;
mod goals;
mod resources;
mod shown;
mod tellings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use shared::ids::RegionId;
use shared::model::QuotaResource;

pub use demand::{Demand, HALF_LIFE};
pub use resources::{resource, spreadable};
pub use shown::{Account, ShareState, account};
pub use tellings::{TELLINGS_MAX, Tellings, UNLIMITED};

/// A region whose share is in no hurry is given more only where that is this part of its room, so
/// that shares stay as they are while use moves a little.
const STEP_PARTS: u64 = 8;

/// What is known of one region's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it was told, as far as that may be in force.
    pub tellings: Tellings,
    /// What its own record says; `None` where it has none of this project.
    pub found: Option<Found>,
    /// It has the project, and nobody knows what that may use there: it may be anything.
    pub is_unread: bool,
    /// How the use went.
    pub demand: Demand,
    /// Whether it is connected. What is away keeps what it has, and works on.
    pub is_present: bool,
}

/// What a region's own record says of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The limit that was in force; [`UNLIMITED`] is none.
    pub limit: u64,
    /// Used and reserved.
    pub need: u64,
}

impl From<&QuotaResource> for Found {
    fn from(it: &QuotaResource) -> Self {
        Self {
            limit: it.limit.unwrap_or(UNLIMITED),
            need: it.used.saturating_add(it.reserved),
        }
    }
}

impl Standing {
    /// Used and reserved, as far as is known.
    pub fn need(&self) -> u64 {
        self.found.map_or(0, |it| it.need)
    }

    /// The most that may be in use there at any moment until more is known: what may be in force,
    /// and what is used.
    pub fn held(&self) -> u64 {
        if self.is_unread {
            return UNLIMITED;
        }
        let found = self.found.map_or(0, |it| it.limit.max(it.need));
        self.tellings.ceiling().max(found)
    }

    /// What it holds when others' goals are reckoned. Nobody else goes without for a region that
    /// is not limited yet, or not read: it counts what it was told or uses, and nothing is raised
    /// before more is known.
    fn kept(&self) -> u64 {
        match (self.held(), self.tellings.newest()) {
            (UNLIMITED, None | Some(UNLIMITED)) => self.need(),
            (UNLIMITED, Some(share)) => share.max(self.need()),
            (held, _) => held,
        }
    }

    /// Whether it was told less than it uses, as its use was told late. Most clouds take no limit
    /// below what is used: until less is used, what was in force stays so.
    fn is_refused(&self) -> bool {
        let is_less = |it: &Found| {
            let newest = self.tellings.newest();
            newest.is_some_and(|newest| newest < it.need && it.need <= it.limit)
        };
        self.found.as_ref().is_some_and(is_less)
    }

    /// The share that it was told last; before the first one, and where that is refused, what may
    /// be in force.
    fn share(&self) -> u64 {
        let in_force = || self.found.map_or(0, |it| it.limit);
        match self.is_refused() {
            true => self.held(),
            false => self.tellings.newest().unwrap_or_else(in_force),
        }
    }

    /// What it will hold once all is confirmed.
    fn promised(&self) -> u64 {
        match self.is_refused() {
            true => self.kept(),
            false => self.share().max(self.need()),
        }
    }

    /// Whether it may be told another share: it is there, and so is what it uses. One that was told
    /// its share and has no record of the project keeps that until it has one.
    fn is_open(&self) -> bool {
        let is_known = self.found.is_some() || self.tellings.newest().is_none();
        self.is_present && !self.is_unread && is_known
    }

    /// Whether its share leaves it less than half of the room that it should have.
    fn is_tight(&self, goal: u64) -> bool {
        let (share, need) = (self.share(), self.need());
        let room = share.saturating_sub(need);
        share < need || share < goal && room.saturating_mul(2) < goal.saturating_sub(need)
    }

    /// Whether it may wait for more until that is worth a change.
    fn is_near(&self, goal: u64) -> bool {
        let lacks = goal.saturating_sub(self.share());
        lacks.saturating_mul(STEP_PARTS) < goal.saturating_sub(self.need())
    }
}

/// The shares that are to be told now. Told each time that something changed, or once in a while,
/// it comes to an end as soon as use stands still: then no region is told anything.
///
/// Whoever is away is told nothing, and nothing that it may use is given to others. `total` is what
/// a cloud takes as a limit, [`LIMIT_MAX`](shared::model::LIMIT_MAX) at most.
pub fn plan(total: u64, regions: &BTreeMap<RegionId, Standing>) -> BTreeMap<RegionId, u64> {
    let goals = goals::goals(total, regions);
    let mut plan = BTreeMap::new();
    let part = |(id, goal): (&RegionId, &u64)| Some((*id, regions.get(id)?, *goal));
    let parts: Vec<_> = goals.iter().filter_map(part).collect();
    if must_lower(total, regions, &goals) {
        for (id, it, goal) in &parts {
            let is_lower = |share: &u64| *share < it.share();
            if it.share() > *goal
                && let Some(share) = it.within(*goal, it.share()).filter(is_lower)
            {
                plan.insert(*id, share);
            }
        }
    }
    let held = sum(regions.values().map(Standing::held));
    let is_over = held > total;
    let mut free = total.saturating_sub(held);
    let (tight, others): (Vec<_>, Vec<_>) = parts.iter().partition(|(_, it, goal)| {
        // Whoever was never told anything has its share first of all.
        it.tellings.newest().is_none() || it.is_tight(*goal)
    });
    for (is_tight, (id, it, goal)) in with(true, tight).chain(with(false, others)) {
        let is_well = !is_tight && (it.share() >= goal || it.is_near(goal));
        if plan.contains_key(&id) || is_well && !it.is_refused() {
            continue;
        }
        // Where all regions may use more than the total, what may still be in force or in use in
        // one of them may as well be lower by now, and is not given to it anew.
        let most = if is_over { it.share() } else { it.held() };
        let Some(share) = it.raised(goal, (most, free), is_tight) else {
            continue;
        };
        free = free.saturating_sub(share.saturating_sub(it.held()));
        plan.insert(id, share);
    }
    plan
}

fn with<T: Copy>(is_tight: bool, of: Vec<&T>) -> impl Iterator<Item = (bool, T)> {
    of.into_iter().map(move |it| (is_tight, *it))
}

/// Whether shares are to be lowered: they come to more than the total, or a region needs more than
/// is free, or is on its way back already.
fn must_lower(
    total: u64,
    regions: &BTreeMap<RegionId, Standing>,
    goals: &BTreeMap<RegionId, u64>,
) -> bool {
    let (mut promised, mut lacking) = (0_u64, 0_u64);
    for (id, it) in regions {
        let Some(goal) = goals.get(id) else {
            promised = promised.saturating_add(it.kept());
            continue;
        };
        promised = promised.saturating_add(it.promised());
        if it.is_tight(*goal) {
            let lacks = goal.saturating_sub(it.promised());
            lacking = lacking.saturating_add(lacks);
        }
    }
    promised > total || lacking > total.saturating_sub(promised)
}

impl Standing {
    /// The share nearest to `goal` that costs nobody anything, as it is not above what the region
    /// may use already, and that can be told from all that it was told lately.
    fn within(&self, goal: u64, most: u64) -> Option<u64> {
        if self.is_full() {
            return None;
        }
        let found = self.found.map(|it| it.limit);
        let distinct = self.tellings.distinct(goal, (self.need(), most), found);
        distinct.or_else(|| self.again(goal, most))
    }

    /// One of those that it was told lately, once more, where there is no other one to tell and
    /// none is on its way. A record that shows it is taken for one of the first time, so that what
    /// was told in between counts on until the region has confirmed something else.
    fn again(&self, goal: u64, most: u64) -> Option<u64> {
        let has_room = self.tellings.limits().len() <= TELLINGS_MAX;
        let may = self.is_idle() && has_room && self.need() <= most;
        may.then(|| goal.clamp(self.need(), most))
    }

    /// Whether no share is on its way to it that it can be expected to confirm.
    fn is_idle(&self) -> bool {
        self.is_refused() || self.tellings.newest() == self.found.map(|it| it.limit)
    }

    /// Whether it is told no more before some of it is confirmed.
    fn is_full(&self) -> bool {
        let most = match self.is_idle() {
            true => 2 * TELLINGS_MAX,
            false => TELLINGS_MAX,
        };
        self.tellings.limits().len() > most
    }

    /// A higher share, up to `goal`, out of the `most` that the region has and of what is free; or
    /// any that its cloud takes, where the last one was refused.
    fn raised(&self, goal: u64, (most, free): (u64, u64), is_tight: bool) -> Option<u64> {
        if self.is_full() {
            return None;
        }
        let is_refused = self.is_refused();
        let share = goal.min(most.saturating_add(free));
        let share = match share > self.held() {
            // More than all that it was told, and so not one of them.
            true => share,
            false if is_tight || is_refused => self.within(share, most)?,
            false => return None,
        };
        let is_first = self.tellings.newest().is_none();
        (is_first || is_refused || share > self.share()).then_some(share)
    }
}

fn sum(of: impl Iterator<Item = u64>) -> u64 {
    of.fold(0, u64::saturating_add)
}
