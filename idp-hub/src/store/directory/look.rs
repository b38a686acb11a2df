//! A plan as it is shown: with the names of what it is about.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};
use shared::ids::ObjectId;
use shared::model::Feed;
use shared::wire::frame::{Standing, feed_code};

use super::RegionOrganization;
use crate::directory::{Action, Directory, Plan, PlanDigest};
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::{RegionNo, RegionRow};

/// What a plan follows from. While it is the same, so is the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanVersion {
    head: u64,
    feed: Option<(Vec<u8>, u64, bool, Vec<u8>)>,
    region: RegionNo,
    is_accepted: bool,
}

/// A plan, and what its steps are called in the directory.
#[derive(Debug, Clone)]
pub struct ShownPlan {
    /// The plan.
    pub plan: Plan,
    /// What it is confirmed by.
    pub digest: PlanDigest,
    /// What the directory's are called that it names, live or not.
    pub names: HashMap<ObjectId, String>,
    /// How the region was taken in before.
    pub before: Option<RegionOrganization>,
}

impl Reading<'_> {
    /// What a region's plan follows from now.
    ///
    /// # Errors
    /// If the database fails.
    pub fn plan_version(&self, region: &RegionRow) -> Result<PlanVersion, StoreError> {
        let sql = "SELECT id, seq, live, digest FROM feeds WHERE region = ?1 AND feed = ?2";
        let row = params![region.no.0, feed_code(Feed::Organization)];
        let feed = self
            .prepared(sql)?
            .query_row(row, |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()
            .doing("find a feed")?;
        Ok(PlanVersion {
            head: u64::from_le_bytes(self.required("directory_head")?),
            feed,
            region: region.no,
            is_accepted: region.facts.standing == Standing::Accepted,
        })
    }

    /// What a merge of a region would do now, as it is shown.
    ///
    /// # Errors
    /// If its organization is not all here, or the database fails.
    pub fn shown_plan(&self, region: &RegionRow) -> Result<ShownPlan, StoreError> {
        self.is_read(region)?;
        let directory = self.directory()?;
        let (plan, _) = self.plan_in(&directory, region)?;
        Ok(ShownPlan {
            digest: plan.digest(),
            names: names(&directory, &plan),
            before: self.region_organization(region.no)?,
            plan,
        })
    }
}

fn names(directory: &Directory, plan: &Plan) -> HashMap<ObjectId, String> {
    let named = plan.steps.iter().filter_map(|step| {
        let id = match &step.action {
            Action::Recognize { id, .. }
            | Action::Create { id }
            | Action::Block { id, .. }
            | Action::Withhold { id, .. } => *id,
            Action::Adopt { .. } | Action::GiveWay { .. } | Action::Skip { .. } => return None,
        };
        let name = match directory.live().object(step.kind, &id) {
            Some(object) => object.name().to_owned(),
            None => directory.ended(id)?.object.name().to_owned(),
        };
        Some((id, name))
    });
    named.collect()
}
