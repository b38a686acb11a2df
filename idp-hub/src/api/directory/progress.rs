//! How far the directory is applied in each region.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::model::UnixMillis;
use utoipa::{IntoParams, ToSchema};

use super::access::Administrator;
use crate::api::documents::Time;
use crate::api::extract::{Page, PageQuery, Query, cursor};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::store::directory::RegionApplying;

/// Of which regions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ProgressQuery {
    /// How many regions, 1 to 1000; 100 unless given.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before; the first page without it.
    #[serde(default)]
    after: Option<String>,
    /// Of this region alone.
    #[serde(default)]
    region: Option<String>,
}

/// How far the directory is applied in a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressDocument {
    /// The region.
    pub region: String,
    /// Whether its organization is merged: before that nothing is applied there.
    pub merged: bool,
    /// What is done about drift there: `ask`, `put-back` or `adopt`.
    pub policy: String,
    /// When its agent was last heard, where that is away: its counts are as old. Absent while it is
    /// connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub away_since: Option<Time>,
    /// How many changes of the directory its agent has not acknowledged yet, two of the same thing
    /// being one, counted up to 1000: its counts know nothing of them. Absent before the merge, and
    /// where its agent never said how far it is, or not since the hub was restored. Of one that
    /// went while the hub was killed it may be more than there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untold: Option<u64>,
    /// Up to which change of the directory its agent acknowledged them: it rises while there is
    /// much to be told, as in a first merge, and no count changes yet. Absent likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<u64>,
    /// The agent's counts; absent where it has said nothing yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<CountsDocument>,
}

/// How many things and links of the directory stand how in a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountsDocument {
    /// That are wanted in this cloud, or wanted switched off or removed.
    pub desired: u64,
    /// Of these, as they should be.
    pub in_place: u64,
    /// Of these, to be done now, or being done.
    pub under_way: u64,
    /// Of these, waiting for something else.
    pub waiting: u64,
    /// Of these, to be removed, taken away or switched off in a later batch, because the agent's
    /// policy allows so many at once.
    pub removals_held: u64,
    /// That failed, or can't be done: see `/directory/failures`.
    pub failed: u64,
    /// That differ, and stay so: see `/directory/drift`.
    pub drift: u64,
    /// How long the rest takes, in seconds, at the rate of the last minute, and what is held back
    /// by its batches; absent where nobody can say, as while the region is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_s: Option<u64>,
    /// Why nothing is given to the cloud just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// Whether the agent's policy takes no changes.
    pub read_only: bool,
    /// When the agent's word came here: while its region is not connected, it is as old as that.
    pub told: Time,
}

/// How far the directory is applied in each region.
#[utoipa::path(get, path = "/directory/progress", tag = "directory", params(ProgressQuery),
    responses(
    (status = 200, description = "Some regions", body = Page<ProgressDocument>),
    (status = 400, description = "A wrong limit or cursor", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
))]
pub(in crate::api) async fn progress(
    State(state): State<ApiState>,
    _: Administrator,
    Query(asked): Query<ProgressQuery>,
) -> Result<axum::Json<Page<ProgressDocument>>, Problem> {
    let page = PageQuery::new(asked.limit, asked.after);
    let (limit, after) = (page.limit()? as usize, page.after()?);
    let after = <[u8; 4]>::try_from(after)
        .ok()
        .map_or(0, u32::from_be_bytes);
    let (region, held) = (asked.region, state.registry.held());
    // One more tells whether there are more.
    let from = (after, limit.saturating_add(1));
    let found = state
        .store
        .read(move |it| it.applying(region.as_deref(), from, &held));
    let found = found.await?;
    let some = found.iter().take(limit);
    let last = some.clone().next_back().filter(|_| found.len() > limit);
    Ok(axum::Json(Page {
        next: last.map(|it| cursor(&it.no.0.to_be_bytes())),
        items: some
            .map(|it| document(it, away_since(&state, it)))
            .collect(),
    }))
}

/// When a region was last heard that is not there.
fn away_since(state: &ApiState, it: &RegionApplying) -> Option<UnixMillis> {
    let is_away = !state.board.is_online(it.no);
    // A hub that just began shows nothing yet.
    let seen = state.board.seen(it.no).unwrap_or(it.seen);
    is_away.then(|| seen.max(it.seen))
}

/// A region that was last heard at `away`, unless it is there.
fn document(it: &RegionApplying, away: Option<UnixMillis>) -> ProgressDocument {
    // Before it is merged an agent says what its policy is, and nothing else.
    let applying = it.applying.as_ref().filter(|_| it.is_merged);
    let progress = applying.map(|(counts, told)| CountsDocument {
        desired: counts.desired,
        in_place: counts.in_place,
        under_way: counts.under_way,
        waiting: counts.waiting,
        removals_held: counts.removals_held,
        failed: counts.failed,
        drift: counts.drift,
        // What was left when it was last heard is no time from now on.
        left_s: counts
            .left
            .filter(|_| away.is_none())
            .map(|it| it.as_secs()),
        paused: counts.paused.clone(),
        read_only: counts.read_only,
        told: (*told).into(),
    });
    ProgressDocument {
        region: it.region.clone(),
        merged: it.is_merged,
        policy: it.policy.name().to_owned(),
        away_since: away.map(Time::from),
        untold: it.untold,
        acknowledged: it.held,
        progress,
    }
}
