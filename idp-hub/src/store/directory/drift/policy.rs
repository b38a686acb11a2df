//! What each region's policy says about its drift, and what is to be done by it.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};
use shared::audit::{Act, By};
use shared::model::{Record, RecordKind, Remark, UnixMillis};

use super::{Remarked, Seen, is_told, not_merged, remarked};
use crate::directory::{DriftPolicy, may_adopt_unasked, may_put_back_unasked};
use crate::store::error::{Doing, StoreError};
use crate::store::records::PAGE_MAX;
use crate::store::regions::{RegionNo, RegionRow};
use crate::store::{Changing, Reading};

/// A drift that was told to be put back and is there still is told again after this: its agent may
/// have been killed just then. No agent takes as long for one thing.
pub const CURE_AGAIN: Duration = Duration::from_secs(300);

/// What of a region's drift is to be cured now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftDue {
    /// What is due of those that were looked at.
    pub due: Vec<Remarked>,
    /// Where to go on; `None` at the end.
    pub next: Option<Vec<u8>>,
}

impl Reading<'_> {
    /// What is done about drift in a region.
    ///
    /// # Errors
    /// If the database fails.
    pub fn drift_policy(&self, no: RegionNo) -> Result<DriftPolicy, StoreError> {
        let sql = "SELECT drift FROM region_organization WHERE region = ?1";
        let word: Option<String> = self
            .prepared(sql)?
            .query_row([no.0], |row| row.get(0))
            .optional()
            .doing("find what is done about drift")?;
        let word = word.as_deref();
        let mut all = DriftPolicy::ALL.into_iter();
        Ok(all.find(|it| word == Some(it.name())).unwrap_or_default())
    }

    /// The regions in which drift is cured without asking, and how.
    ///
    /// # Errors
    /// If the database fails.
    pub fn drift_policies(&self) -> Result<Vec<(RegionRow, DriftPolicy)>, StoreError> {
        let mut all = Vec::new();
        for row in self.regions_of(None)? {
            let policy = self.drift_policy(row.no)?;
            if policy != DriftPolicy::Ask {
                all.push((row, policy));
            }
        }
        Ok(all)
    }

    /// Drift of a region that its policy cures, and that was not told within [`CURE_AGAIN`]: of the
    /// [`PAGE_MAX`] remarks behind `after`. A row that can't be read is left out.
    ///
    /// # Errors
    /// If the database fails.
    pub fn drift_due(
        &self,
        region: &RegionRow,
        policy: DriftPolicy,
        after: &[u8],
        now: UnixMillis,
    ) -> Result<DriftDue, StoreError> {
        let told = self.put_backs(region.no)?;
        let found = self.records(region.no, RecordKind::Remark, after, PAGE_MAX)?;
        let due = found.records.into_iter().filter_map(|it| {
            let Record::Remark(remark) = it.record else {
                return None;
            };
            let is_due = matches!(self.decides(policy, &remark), Ok(true));
            let it = is_due.then(|| remarked(region, remark, it.changed).ok())??;
            let is_told = policy == DriftPolicy::PutBack && is_told(&told, &it, now, CURE_AGAIN);
            (!is_told).then_some(it)
        });
        Ok(DriftDue {
            due: due.collect(),
            next: found.next,
        })
    }

    /// Whether a policy decides about a drift, without asking.
    fn decides(&self, policy: DriftPolicy, remark: &Remark) -> Result<bool, StoreError> {
        Ok(match policy {
            DriftPolicy::Ask => false,
            DriftPolicy::PutBack => may_put_back_unasked(remark),
            DriftPolicy::Adopt => {
                may_adopt_unasked(remark) && !self.is_of_administrators(&remark.subject)?
            }
        })
    }
}

impl Changing<'_> {
    /// Cures a drift that was due by a region's policy, if the policy is still that one and still
    /// decides: since then somebody may have said another, or made whom it is about a cloud
    /// administrator. Returns whether anything was changed or told.
    ///
    /// # Errors
    /// As [`put_back`](Self::put_back) and [`adopt_drift`](Self::adopt_drift).
    pub fn cure_drift(
        &mut self,
        no: RegionNo,
        seen: &Seen,
        policy: DriftPolicy,
    ) -> Result<bool, StoreError> {
        let Some(region) = self.region_numbered(no)? else {
            return Ok(false);
        };
        let reading = self.reading();
        if reading.drift_policy(no)? != policy
            || !reading.decides(policy, &reading.seen(&region, seen)?.remark)?
        {
            return Ok(false);
        }
        let by = By::new(
            format!("policy of region {}", region.facts.name),
            "this hub",
        );
        match policy {
            DriftPolicy::Ask => Ok(false),
            DriftPolicy::PutBack => self.put_back(&region, seen, &by, CURE_AGAIN),
            DriftPolicy::Adopt => {
                let delta = self.adopt_drift(&region, seen, false, &by)?;
                Ok(!delta.is_empty())
            }
        }
    }

    /// Says what is done about drift in a region from now on.
    ///
    /// # Errors
    /// If the region's organization is not merged, or the database fails.
    pub fn set_drift_policy(
        &mut self,
        region: &RegionRow,
        policy: DriftPolicy,
        by: &By,
    ) -> Result<(), StoreError> {
        let before = self.reading().drift_policy(region.no)?;
        let sql = "UPDATE region_organization SET drift = ?2
                   WHERE region = ?1 AND merged_ms IS NOT NULL";
        let changed = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut it| it.execute(params![region.no.0, policy.name()]))
            .doing("say what is done about drift")?;
        match changed {
            0 => Err(not_merged(region)),
            _ if before == policy => Ok(()),
            _ => {
                let name = region.facts.name.as_str();
                let act = Act::new(by.clone(), "drift-policy").on("region", region.facts.id, name);
                self.audit(act.changing(before.name(), policy.name()))
                    .map(drop)
            }
        }
    }
}
