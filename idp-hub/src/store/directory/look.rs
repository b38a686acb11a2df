//! A plan as it is shown: with the names of what it is about.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};
use shared::ids::{FeedId, ObjectId};
use shared::model::{End, Feed};
use shared::wire::Digest;
use shared::wire::frame::{Phase, Standing, feed_code};

use super::RegionOrganization;
use super::departments::{Departments, Within};
use super::load::Made;
use crate::directory::{Action, Directory, LocalAdministrator, Plan, PlanDigest, Step};
use crate::store::error::{Doing, StoreError};
use crate::store::regions::{RegionNo, RegionRow};
use crate::store::{Changing, Reading};

/// What a plan follows from. While it is the same, so is the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlanVersion {
    head: u64,
    feed: Option<FeedVersion>,
    region: RegionNo,
    is_accepted: bool,
    /// Whether a home region was merged: a merge may settle it and write nothing else.
    admin_project: Option<String>,
    twin: Option<String>,
    /// How many regions were removed.
    removed: u32,
}

/// How far a region has told its organization, and what that is together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FeedVersion {
    id: FeedId,
    seq: u64,
    is_live: bool,
    digest: Digest,
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
    pub(super) departments: Departments,
    /// How those ended that are withheld.
    pub ended: HashMap<ObjectId, End>,
    /// Another region of the same cloud.
    pub twin: Option<String>,
    /// A region that was removed, by which something of this one is known.
    pub former: Option<String>,
    /// Who has the role `admin` there, and not by the directory, and is not among what is withheld.
    pub local_administrators: Vec<LocalAdministrator>,
    /// Whether the region's agent takes no changes: then nothing of it is done there.
    pub read_only: bool,
    /// How the region was taken in before.
    pub before: Option<RegionOrganization>,
    /// What the project of the federation's cloud administrators began as.
    pub(super) admin_project: String,
}

impl ShownPlan {
    /// Where the thing is that a step is about.
    pub fn department_of(&self, step: &Step) -> Option<Within> {
        self.departments.of_step(step)
    }

    /// Where something of the directory is.
    pub fn department_of_id(&self, id: &ObjectId) -> Option<Within> {
        self.departments.within(id)
    }
}

impl Reading<'_> {
    /// What a region's plan follows from now.
    pub(super) fn plan_version(&self, region: &RegionRow) -> Result<PlanVersion, StoreError> {
        let sql = "SELECT id, seq, live, digest FROM feeds WHERE region = ?1 AND feed = ?2";
        let row = params![region.no.0, feed_code(Feed::Organization)];
        let feed = self
            .prepared(sql)?
            .query_row(row, |row| {
                Ok(FeedVersion {
                    id: FeedId::from_bytes(row.get(0)?),
                    seq: row.get(1)?,
                    is_live: row.get(2)?,
                    digest: Digest::from_bytes(row.get(3)?),
                })
            })
            .optional()
            .doing("find a feed")?;
        Ok(PlanVersion {
            head: u64::from_le_bytes(self.required("directory_head")?),
            feed,
            region: region.no,
            is_accepted: region.facts.standing == Standing::Accepted,
            admin_project: self.admin_project()?,
            twin: self.twin(region.no)?,
            removed: self.removed_count()?,
        })
    }

    /// What a merge of a region would do now, as it is shown; an error, if its organization is not
    /// all here.
    pub(super) fn plan_shown(
        &self,
        region: &RegionRow,
        directory: &Directory,
    ) -> Result<ShownPlan, StoreError> {
        self.is_read(region)?;
        let Made {
            plan,
            former,
            local_administrators,
            departments,
            admin_project,
        } = self.plan_in(directory, region)?;
        Ok(ShownPlan {
            digest: plan.digest(),
            names: names_in(directory, &plan),
            departments,
            ended: ended_in(directory, &plan),
            twin: self.twin(region.no)?,
            former,
            local_administrators,
            read_only: self.is_read_only(region.no)?,
            before: self.region_organization(region.no)?,
            admin_project,
            plan,
        })
    }
}

impl Changing<'_> {
    /// As [`plan_version`](Reading::plan_version), with what the open transaction took in.
    pub(super) fn plan_version(&mut self, region: &RegionRow) -> Result<PlanVersion, StoreError> {
        let mut version = self.reading().plan_version(region)?;
        // A feed's row is written just before the commit, and is behind until then.
        if let Some(told) = self.hot.region(self.connection, region.no)? {
            let feed = told.feed(Feed::Organization);
            let position = feed.inbox.position();
            version.feed = Some(FeedVersion {
                id: position.id,
                seq: position.seq,
                is_live: position.phase == Phase::Live,
                digest: feed.digest,
            });
        }
        Ok(version)
    }
}

fn ended_in(directory: &Directory, plan: &Plan) -> HashMap<ObjectId, End> {
    let ended = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Withhold { id, .. } => Some((*id, directory.ended(*id)?.how)),
        _ => None,
    });
    ended.collect()
}

fn names_in(directory: &Directory, plan: &Plan) -> HashMap<ObjectId, String> {
    let named = plan.steps.iter().filter_map(|step| {
        let id = match &step.action {
            Action::Recognize { id, .. }
            | Action::Create { id }
            | Action::Block { id, .. }
            | Action::Withhold { id, .. } => *id,
            Action::Found { .. } | Action::Adopt { .. } | Action::Skip { .. } => return None,
        };
        let name = match directory.live().object(step.kind, &id) {
            Some(object) => object.name().to_owned(),
            None => directory.ended(id)?.object.name().to_owned(),
        };
        Some((id, name))
    });
    let founded = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Found { id, object } => Some((*id, object.name().to_owned())),
        _ => None,
    });
    named.chain(founded).collect()
}
