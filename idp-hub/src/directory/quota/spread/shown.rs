//! How a spread stands, as it is shown.

use std::collections::BTreeMap;

use shared::ids::RegionId;

use super::{Standing, UNLIMITED, sum};

/// How it is with a region's share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareState {
    /// Its own record shows the share that it was told.
    Confirmed,
    /// It was told, and its record does not show it yet.
    Waiting,
    /// It is not connected: it keeps what it has, and works on with that.
    Away,
    /// It has no record of the project yet: it does not know it, or its quota was not read.
    Unknown,
    /// Its record shows another limit than the one share that it was told: somebody set it there.
    Differs,
}

impl ShareState {
    /// The word in REST. Never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Waiting => "waiting",
            Self::Away => "away",
            Self::Unknown => "unknown",
            Self::Differs => "differs",
        }
    }
}

/// What of a total is where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// What may be in use at any moment until more is confirmed: never more than the total, but
    /// where it was more already. [`UNLIMITED`] while a region has no limit.
    pub given: u64,
    /// Used and reserved, as the regions told last.
    pub used: u64,
    /// Given to nobody.
    pub free: u64,
    /// By how much more is used than the total.
    pub over: u64,
}

/// What of a total is where.
pub fn account(total: u64, regions: &BTreeMap<RegionId, Standing>) -> Account {
    let given = sum(regions.values().map(Standing::held));
    let used = sum(regions.values().map(Standing::need));
    Account {
        given,
        used,
        free: total.saturating_sub(given),
        over: used.saturating_sub(total),
    }
}

impl Standing {
    /// How it is with its share.
    pub fn state(&self) -> ShareState {
        if !self.is_present {
            return ShareState::Away;
        }
        let Some(found) = self.found else {
            return ShareState::Unknown;
        };
        match self.tellings.newest() {
            None => ShareState::Waiting,
            Some(share) if share == found.limit => ShareState::Confirmed,
            Some(_) if self.tellings.is_settled() => ShareState::Differs,
            Some(_) => ShareState::Waiting,
        }
    }

    /// By how much the share that it was told is more than its region has left for it: a region
    /// enforces limits, and does not keep room for them.
    pub fn beyond(&self, room: u64) -> u64 {
        let share = self.tellings.newest().filter(|it| *it != UNLIMITED);
        share.map_or(0, |it| it.saturating_sub(room))
    }

    /// The limit that its record shows; `None` is none, or no record.
    pub fn limit(&self) -> Option<u64> {
        self.found.map(|it| it.limit).filter(|it| *it != UNLIMITED)
    }
}
