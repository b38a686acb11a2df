//! How far the directory is applied in each region, as the agents say.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use shared::ids::FeedId;
use shared::model::{Applying, Record, RecordKind, UnixMillis};

use super::{EVERYWHERE, UNTOLD_MAX};
use crate::directory::DriftPolicy;
use crate::store::Reading;
use crate::store::error::StoreError;
use crate::store::regions::{RegionNo, RegionRow};

/// How far one region is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionApplying {
    /// The region's number.
    pub no: RegionNo,
    /// The region's name.
    pub region: String,
    /// Its agent's word; `None` where that has said nothing.
    pub applying: Option<(Applying, UnixMillis)>,
    /// When its session last ended, or began.
    pub seen: UnixMillis,
    /// What is done about drift there.
    pub policy: DriftPolicy,
    /// Whether its organization is merged.
    pub is_merged: bool,
    /// How many changes of the directory its agent has not acknowledged, so that its word is older
    /// than they are: two of the same thing are one. `None` where that is not known.
    pub untold: Option<u64>,
    /// Up to which change its agent acknowledged them; `None` likewise.
    pub held: Option<u64>,
}

/// How much of the directory stands how, in all regions together, as their agents said last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApplyingSums {
    /// Things and links that are as they should be.
    pub in_place: u64,
    /// That are to be done now, or are being done.
    pub under_way: u64,
    /// That wait for something else.
    pub waiting: u64,
    /// That a policy keeps for a later batch.
    pub held: u64,
    /// That failed, or can't be done.
    pub failed: u64,
    /// That differ, and stay so.
    pub drift: u64,
}

impl ApplyingSums {
    /// Each, with the word for it.
    pub const fn states(&self) -> [(&'static str, u64); 6] {
        [
            ("in-place", self.in_place),
            ("under-way", self.under_way),
            ("waiting", self.waiting),
            ("held", self.held),
            ("failed", self.failed),
            ("drift", self.drift),
        ]
    }

    const fn add(&mut self, region: &Applying) {
        self.in_place = self.in_place.saturating_add(region.in_place);
        self.under_way = self.under_way.saturating_add(region.under_way);
        self.waiting = self.waiting.saturating_add(region.waiting);
        self.held = self.held.saturating_add(region.removals_held);
        self.failed = self.failed.saturating_add(region.failed);
        self.drift = self.drift.saturating_add(region.drift);
    }
}

impl Reading<'_> {
    /// How far each region is, or one, in the order of their numbers: so many of those after one.
    /// `held` says up to which change those hold the directory that have a session; of others the
    /// store knows it.
    ///
    /// # Errors
    /// If there is no such region, or the database fails.
    pub fn applying(
        &self,
        region: Option<&str>,
        (after, limit): (u32, usize),
        held: &HashMap<RegionNo, u64>,
    ) -> Result<Vec<RegionApplying>, StoreError> {
        // Most regions hold as much as others.
        let mut everywhere: HashMap<u64, u64> = HashMap::new();
        let of = |row: RegionRow| {
            let applying = self.applying_of(row.no)?;
            let organization = self.region_organization(row.no)?;
            let is_merged = organization.is_some_and(|it| it.merged.is_some());
            let held = match held.get(&row.no) {
                Some(held) => Some(*held),
                None => self.directory_held(row.no)?,
            };
            let held = held.filter(|_| is_merged);
            let untold = match held {
                Some(held) => {
                    let common = match everywhere.entry(held) {
                        Entry::Occupied(it) => *it.get(),
                        Entry::Vacant(it) => *it.insert(self.untold(EVERYWHERE, held)?),
                    };
                    Some((common + self.untold(row.no.0, held)?).min(UNTOLD_MAX))
                }
                None => None,
            };
            Ok(RegionApplying {
                policy: self.drift_policy(row.no)?,
                no: row.no,
                seen: row.facts.seen,
                region: row.facts.name,
                applying,
                is_merged,
                untold,
                held,
            })
        };
        let rows = self.regions_of(region)?.into_iter();
        let rows = rows.filter(|it| it.no.0 > after).take(limit);
        rows.map(of).collect()
    }

    /// What all regions' agents say together.
    ///
    /// # Errors
    /// If the database fails.
    pub fn applying_sums(&self) -> Result<ApplyingSums, StoreError> {
        let mut sums = ApplyingSums::default();
        for row in self.regions()? {
            if let Some((applying, _)) = self.applying_of(row.no)? {
                sums.add(&applying);
            }
        }
        Ok(sums)
    }

    /// In which life of the directory's feed a region's agent said last that it had told whatever
    /// it knows and this hub may have forgotten; `None` of an agent that says no such thing.
    ///
    /// # Errors
    /// If the database fails.
    pub fn recalled(&self, no: RegionNo) -> Result<Option<FeedId>, StoreError> {
        let found = self.records(no, RecordKind::Recall, &[], 1)?;
        let found = found.records.into_iter().next();
        Ok(found.and_then(|it| match it.record {
            Record::Recall(it) => Some(it.feed),
            _ => None,
        }))
    }

    /// Whether a region's agent says that its policy takes no changes: nothing of the directory is
    /// written to its cloud.
    ///
    /// # Errors
    /// If the database fails.
    pub fn is_read_only(&self, no: RegionNo) -> Result<bool, StoreError> {
        let applying = self.applying_of(no)?;
        Ok(applying.is_some_and(|(it, _)| it.read_only))
    }

    fn applying_of(&self, no: RegionNo) -> Result<Option<(Applying, UnixMillis)>, StoreError> {
        let found = self.records(no, RecordKind::Applying, &[], 1)?;
        let found = found.records.into_iter().next();
        Ok(found.and_then(|it| match it.record {
            Record::Applying(applying) => Some((applying, it.changed)),
            _ => None,
        }))
    }
}
