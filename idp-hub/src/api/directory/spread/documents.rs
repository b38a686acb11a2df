//! A total over regions as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::foreign::word;
use shared::ids::RegionId;
use shared::model::{DriftWhy, Holder, ObjectKind, RemarkState};
use utoipa::ToSchema;

use crate::api::directory::PlacedDocument;
use crate::api::documents::Time;
use crate::directory::quota::spread::{UNLIMITED, account};
use crate::store::directory::{Rooms, ShareRow, Spread, SpreadKey};
use crate::store::{Reading, StoreError};

/// The most that a project may use of a resource in all regions together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpreadDocument {
    /// Whose.
    pub project: PlacedDocument,
    /// `compute`, `volume` or `network`.
    pub service: String,
    /// The clouds' own name of the resource, such as `cores`.
    pub resource: String,
    /// The most, in the clouds' own unit.
    pub total: u64,
    /// What may be in use at any moment until regions confirm less: never more than the total, but
    /// where it was more when that was set. Absent while a region has no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<u64>,
    /// Used and reserved in all regions, as they told last.
    pub used: u64,
    /// What of the total no region has.
    pub free: u64,
    /// By how much more is used than the total.
    pub over: u64,
    /// Each merged region's part, by name.
    pub regions: Vec<SpreadShareDocument>,
    /// When the total was set.
    pub set: Time,
    /// By whom.
    pub set_by: String,
}

/// One region's part of a total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpreadShareDocument {
    /// The region.
    pub region: String,
    /// `confirmed`: its own quota record shows the share. `waiting`: it was told, and its record
    /// does not show it yet. `away`: it keeps what it has, and works on with that. `unknown`: it
    /// has not told a quota of this project. `differs`: its record shows another limit than it was
    /// told.
    pub state: String,
    /// The share that it was told last; absent before the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<u64>,
    /// The limit that its own record shows; absent for none, or no record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Used and reserved there, as it told last.
    pub used: u64,
    /// What counts as given to it: the highest of what may be in force there, and of what it uses.
    /// Absent while it has no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<u64>,
    /// Why its agent has not set the limit, in its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What the region has left for the project: what it has, less what others may use there.
    /// Absent where nobody knows what it has, and for whoever is no cloud administrator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<u64>,
    /// By how much the share is more than that: what is made beyond it fails there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond: Option<u64>,
    /// What is to be done about it, where it is beyond that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
}

impl SpreadDocument {
    pub(super) fn new(
        reading: &Reading<'_>,
        (spread, project): (&Spread, &str),
        (shares, rooms): (&BTreeMap<RegionId, ShareRow>, &Rooms),
    ) -> Result<Self, StoreError> {
        let standings = shares.iter().map(|(id, it)| (*id, it.standing.clone()));
        let account = account(spread.total, &standings.collect());
        let mut regions = Vec::new();
        for share in shares.values() {
            let why = why(reading, &spread.key, share)?;
            let room = rooms.get(&(share.no, spread.key.clone()));
            regions.push(SpreadShareDocument::new(share, why, room.copied()));
        }
        regions.sort_by(|a, b| a.region.cmp(&b.region));
        let department = reading.department_of(ObjectKind::Project, spread.key.project)?;
        Ok(Self {
            project: PlacedDocument {
                id: spread.key.project.to_string(),
                name: project.to_owned(),
                department: department.map(Into::into),
            },
            service: spread.key.service.name().to_owned(),
            resource: spread.key.resource.clone(),
            total: spread.total,
            given: limited(account.given),
            used: account.used,
            free: account.free,
            over: account.over,
            regions,
            set: spread.stamp.at.into(),
            set_by: spread.stamp.author.clone(),
        })
    }
}

impl SpreadShareDocument {
    fn new(share: &ShareRow, why: Option<String>, room: Option<u64>) -> Self {
        let standing = &share.standing;
        let beyond = room.map(|it| standing.beyond(it)).filter(|it| *it > 0);
        Self {
            region: share.region.clone(),
            state: standing.state().code().to_owned(),
            share: standing.tellings.newest().and_then(limited),
            limit: standing.limit(),
            used: standing.need(),
            holds: limited(standing.held()),
            why,
            room,
            beyond,
            next_step: beyond.map(|_| next_step(&share.region)),
        }
    }
}

fn next_step(region: &str) -> String {
    let region = word(region);
    format!(
        "lower what others may use there (`idp-hub org quota allocated {region}` shows it), give \
         the region more nodes or pools, or set a lower total; the share itself moves with use \
         alone"
    )
}

/// What the region's agent says of it, if that is something that went wrong.
fn why(
    reading: &Reading<'_>,
    key: &SpreadKey,
    share: &ShareRow,
) -> Result<Option<String>, StoreError> {
    let holder = Holder::Project(key.project);
    let remark = reading.quota_remark(share.no, &holder, key.service)?;
    Ok(match remark {
        Some(RemarkState::Failed { error, .. }) => Some(error),
        Some(RemarkState::Blocked { reason }) => Some(reason),
        Some(RemarkState::Drift { why, .. }) if why != DriftWhy::Region => {
            Some(why.next_step().to_owned())
        }
        _ => None,
    })
}

fn limited(figure: u64) -> Option<u64> {
    (figure != UNLIMITED).then_some(figure)
}
