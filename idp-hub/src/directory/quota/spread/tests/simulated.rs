//! Regions as they are, beside what the hub knows of them.

use std::collections::VecDeque;

use shared::model::UnixMillis;

use super::*;

/// A region's cloud and agent, and the link to it.
#[derive(Debug, Clone)]
pub(super) struct Region {
    pub(super) limit: u64,
    pub(super) used: u64,
    /// Whether its cloud takes no limit below what is used, as most do.
    pub(super) refuses: bool,
    /// Shares that it was told and has not applied.
    told: VecDeque<u64>,
    /// What was read there and is not at the hub.
    read: VecDeque<Found>,
    /// What the hub keeps.
    pub(super) standing: Standing,
}

impl Region {
    pub(super) fn new(limit: u64, used: u64) -> Self {
        Self {
            limit,
            used,
            refuses: false,
            told: VecDeque::new(),
            read: VecDeque::new(),
            standing: found(limit, used),
        }
    }

    fn is_there(&self) -> bool {
        self.standing.is_present
    }

    /// Somebody there asks for more, and the cloud lets him have what its limit leaves.
    pub(super) fn uses(&mut self, more: u64) {
        self.used += more.min(self.limit.saturating_sub(self.used));
    }

    pub(super) fn frees(&mut self, less: u64) {
        self.used = self.used.saturating_sub(less);
    }

    /// Its agent applies what it was told first, or only what it was told last. What is refused is
    /// tried again later, unless something else was told since.
    pub(super) fn applies(&mut self, only_newest: bool) {
        let share = match only_newest {
            true => self.told.drain(..).next_back(),
            false => self.told.pop_front(),
        };
        let Some(share) = share else {
            return;
        };
        let is_refused = self.refuses && share < self.used;
        if !is_refused {
            self.limit = share;
        } else if self.told.is_empty() {
            self.told.push_back(share);
        }
    }

    pub(super) fn reads(&mut self) {
        self.read.push_back(Found {
            limit: self.limit,
            need: self.used,
        });
    }

    /// Its records come to the hub, all or only the newest one of those that were read.
    pub(super) fn tells(&mut self, only_newest: bool, now: UnixMillis) {
        let is_there = self.is_there();
        let read = match only_newest {
            true => self.read.drain(..).next_back(),
            false => self.read.pop_front(),
        };
        let Some(found) = read.filter(|_| is_there) else {
            return;
        };
        self.standing.found = Some(found);
        self.standing.tellings.confirm(found.limit);
        self.standing.demand = self.standing.demand.seen(found.need, now);
    }

    fn is_told(&mut self, share: u64) {
        let limit = self.standing.found.map(|it| it.limit);
        self.standing.tellings.tell(share, limit);
        self.told.push_back(share);
    }

    /// The most that may ever be in use there by what was told until now.
    fn most(&self) -> u64 {
        let told = self.told.iter().copied().max().unwrap_or(0);
        self.limit.max(self.used).max(told)
    }
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) total: u64,
    pub(super) regions: Vec<Region>,
    pub(super) now: UnixMillis,
    /// How many shares were told.
    pub(super) tellings: usize,
}

impl World {
    pub(super) fn new(total: u64, regions: &[(u64, u64)]) -> Self {
        let region = |(limit, used): &(u64, u64)| Region::new(*limit, *used);
        Self {
            total,
            regions: regions.iter().map(region).collect(),
            now: UnixMillis(0),
            tellings: 0,
        }
    }

    pub(super) fn standings(&self) -> BTreeMap<RegionId, Standing> {
        let of = |(no, it): (u64, &Region)| (region(no), it.standing.clone());
        (0..).zip(&self.regions).map(of).collect()
    }

    /// The hub looks at what it knows. Returns how many regions were told another share.
    pub(super) fn looks(&mut self) -> usize {
        let plan = plan(self.total, &self.standings());
        for (no, it) in (0..).zip(&mut self.regions) {
            if let Some(share) = plan.get(&region(no)) {
                assert!(it.is_there(), "nobody tells one that is away");
                assert!(*share >= it.standing.need(), "it uses more");
                it.is_told(*share);
            }
        }
        self.tellings += plan.len();
        plan.len()
    }

    /// What the hub takes for the most that may be in use, where it is to tell a region what that
    /// uses instead of less, which most clouds do not take: as far as it knows that is less than
    /// that region has.
    pub(super) fn held_where_less_was_told(&self) -> u64 {
        let is_told_less = |it: &Region| {
            let newest = it.standing.tellings.newest();
            newest.is_some_and(|newest| newest < it.standing.need())
        };
        match self.regions.iter().any(is_told_less) {
            true => self.regions.iter().map(|it| it.standing.held()).sum(),
            false => 0,
        }
    }

    /// The most that may ever be in use by what was told until now.
    pub(super) fn most(&self) -> u64 {
        self.regions.iter().map(Region::most).sum()
    }

    /// All is told, applied, read and told back until nothing more is told; in so many looks.
    pub(super) fn settles(&mut self) -> usize {
        for looks in 1..100 {
            let told = self.looks();
            for it in &mut self.regions {
                if it.is_there() {
                    it.applies(true);
                }
                it.reads();
                it.tells(true, self.now);
            }
            if told == 0 && looks > 1 {
                return looks;
            }
        }
        panic!("it never settles: {self:#?}")
    }
}
