//! Quotas across regions: what each project has, what it is to have, and what of a region is given
//! to whom.

mod documents;
mod lines;

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Deserialize;
use shared::audit::{Act, By};
use shared::model::{CloudId, Holder};
use utoipa::{IntoParams, ToSchema};

use super::audit::{by, refused};
use super::directory::{Administrator, id_of};
use super::extract::{Json, Page, PageQuery, Path, Query};
use super::problem::{Kind, Problem, ProblemDocument};
use super::state::ApiState;
use super::who::{Source, Who};
use crate::directory::quota::{Check, EDITS_MAX, Force, Pools, QuotaEdit};
use crate::directory::rights::{Asker, Denied};
use crate::store::StoreError;
use crate::store::directory::LimitsSet;
pub use documents::{
    AllocationDocument, HoldingsDocument, LeftoverDocument, LimitsSetDocument, LimitsSetList,
    LimitsWaitingDocument, ProjectQuotaDocument, ResourceAllocationDocument, ResourceQuotaDocument,
    ShareDocument, SumDocument,
};

/// Of which regions and projects.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct QuotasQuery {
    /// How many projects, 1 to 1000; 100 unless given. A page may have fewer items, and go on all
    /// the same.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before; the first page without it.
    #[serde(default)]
    after: Option<String>,
    /// Of this region alone.
    #[serde(default)]
    region: Option<String>,
    /// Of this project alone: its id in the directory, its id in the region's cloud, or its name.
    #[serde(default)]
    project: Option<String>,
}

/// What each project may use in each region, what it uses, and what it is to be allowed where that
/// differs. A user of the directory sees his projects'.
#[utoipa::path(get, path = "/directory/quotas", tag = "directory", params(QuotasQuery), responses(
    (status = 200, description = "Some of them", body = Page<ProjectQuotaDocument>),
    (status = 400, description = "A wrong limit or cursor", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
))]
pub(super) async fn quotas(
    State(state): State<ApiState>,
    who: Who,
    Query(asked): Query<QuotasQuery>,
) -> Result<axum::Json<Page<ProjectQuotaDocument>>, Problem> {
    let page = PageQuery::new(asked.limit, asked.after);
    let wanted = lines::Wanted {
        region: asked.region,
        project: asked.project,
        limit: page.limit()?,
        after: page.after()?,
        now: state.clock.unix_millis(),
    };
    let page = state.read_as(who.asker(), move |it, sight| {
        lines::page(it, sight, &wanted)
    });
    Ok(axum::Json(page.await?))
}

/// The limits of one project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectLimits {
    /// The project's id in the directory.
    #[serde(default)]
    project: Option<String>,
    /// Instead of that, what the region's cloud calls a project that the directory has not.
    #[serde(default)]
    own: Option<String>,
    /// By the cloud's name of each resource, with `compute:`, `volume:` or `network:` before it
    /// where several have one of that name. -1 is unlimited.
    resources: BTreeMap<String, i64>,
}

/// Limits that are to be set, all of them or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsRequest {
    /// Of each project.
    #[schema(max_items = 100)]
    limits: Vec<ProjectLimits>,
    /// Also below what is used, where the service takes that. For cloud administrators.
    #[serde(default)]
    force: bool,
    /// Also beyond what the region has. For cloud administrators.
    #[serde(default)]
    overcommit: bool,
}

/// Set limits of projects in a region: its agent is told at once. Whoever administers a department
/// shifts between its projects, and whoever administers a project between that and those nested in
/// it, as long as they may use no more than before in sum: what is lower is told at once, and what
/// is higher as soon as the region has confirmed that.
#[utoipa::path(put, path = "/regions/{region}/limits", tag = "directory",
    params(("region" = String, Path, description = "The region's name")),
    request_body = LimitsRequest, responses(
    (status = 200, description = "What of it is new", body = LimitsSetList),
    (status = 400, description = "No such resource, or no limit", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not his to set, or more than he has to shift",
        body = ProblemDocument),
    (status = 404, description = "No such region, or no such project", body = ProblemDocument),
    (status = 409, description = "Less than is used, more than the region has, or the region is \
        not merged", body = ProblemDocument),
))]
pub(super) async fn set_limits(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(region): Path<String>,
    Json(asked): Json<LimitsRequest>,
) -> Result<axum::Json<LimitsSetList>, Problem> {
    let force = Force {
        below_use: asked.force,
        over_capacity: asked.overcommit,
    };
    let edits = edits_of(asked.limits)?;
    let (asker, by, name) = (who.asker(), by(&who, source), region.clone());
    let attempt = attempted(
        &by,
        "set-quota",
        &region,
        edits.first().map(|it| &it.holder),
    );
    let found = looked_at(&state, asker, (&name, &edits, force), &by).await;
    let set = match found.transpose() {
        Some(found) => found,
        None => {
            let set = state.store.change(move |it| {
                let pools = it.shifts(asker, &holders(&edits))?;
                let check = permitted(pools, force)?;
                let region = it.region_named(&name)?;
                it.set_limits(&region, &edits, check, &by)
            });
            set.await
        }
    };
    let set = set.map_err(Problem::from);
    let set = set.inspect_err(|problem| refused(&state, attempt, problem.kind().slug()))?;
    let (by, changed) = (who.name(), set.changes.len() + set.waits.len());
    tracing::info!(
        target: "audit", action = "set-quota", region, by, %source, changed, "asked for"
    );
    Ok(answer(&state, region, &set).await)
}

/// What came of it, and whether the region's agent will follow.
async fn answer(state: &ApiState, region: String, set: &LimitsSet) -> axum::Json<LimitsSetList> {
    let name = region.clone();
    let read_only = state.store.read(move |it| {
        let region = it.region_named(&name)?;
        it.is_read_only(region.no)
    });
    // It is set, whatever becomes of the region since.
    let read_only = read_only.await.unwrap_or_default();
    axum::Json(LimitsSetList::new(region, (set, read_only)))
}

/// What is asked for, if it is something: anybody may ask, and what follows reads all that a region
/// has.
fn edits_of(limits: Vec<ProjectLimits>) -> Result<Vec<QuotaEdit>, Problem> {
    let is_nothing = limits.is_empty() || limits.iter().any(|it| it.resources.is_empty());
    if is_nothing || limits.len() > EDITS_MAX {
        let detail = match is_nothing {
            true => "There is nothing to be changed.".to_owned(),
            false => format!("Limits of {EDITS_MAX} projects at most are set at once."),
        };
        let next = "Name each project with a resource and its limit, as in cores: 20.";
        return Err(Problem::new(Kind::InvalidRequest, detail).next_step(next));
    }
    let edits = limits.into_iter().map(|it| {
        Ok(QuotaEdit {
            holder: holder(it.project.as_deref(), it.own.as_deref())?,
            limits: it.resources,
        })
    });
    edits.collect()
}

/// Looked at twice: who may not set something, sets it where it is too much, or where it is so
/// already, stops nothing that is written meanwhile. Returns what was found where nothing is to be
/// written.
async fn looked_at(
    state: &ApiState,
    asker: Asker,
    (region, edits, force): (&str, &[QuotaEdit], Force),
    by: &By,
) -> Result<Option<LimitsSet>, StoreError> {
    // What administrators of clouds set is for the writer alone to check.
    if matches!(asker, Asker::Cloud) {
        return Ok(None);
    }
    let asked = edits.to_vec();
    let check = state.read_as(asker, move |_, sight| {
        permitted(sight.shifts(&holders(&asked))?, force)
    });
    if !matches!(check.await?, Check::Shift(_)) {
        return Ok(None);
    }
    let turn = state.shifting().await;
    let (region, edits, who) = (region.to_owned(), edits.to_vec(), by.who.clone());
    let now = state.clock.unix_millis();
    let found = state.read_as(asker, move |it, sight| {
        let _turn = turn;
        match permitted(sight.shifts(&holders(&edits))?, force)? {
            check @ Check::Shift(_) => {
                let region = it.region_named(&region)?;
                it.is_set(&region, (&edits, &check, now), &who)
            }
            Check::Whole | Check::Forced(_) => Ok(None),
        }
    });
    found.await
}

fn holders(edits: &[QuotaEdit]) -> Vec<&Holder> {
    edits.iter().map(|it| &it.holder).collect()
}

/// How far what somebody asks for is checked, if he may ask for it at all.
fn permitted(pools: Option<Pools>, force: Force) -> Result<Check, StoreError> {
    match (pools, force != Force::default()) {
        (None, true) => Ok(Check::Forced(force)),
        (None, false) => Ok(Check::Whole),
        (Some(pools), false) => Ok(Check::Shift(pools)),
        (Some(_), true) => Err(Denied::UNCHECKED.into()),
    }
}

/// Which leftover.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ZeroRequest {
    /// The id that a retired project had in the directory.
    #[serde(default)]
    project: Option<String>,
    /// Instead of that, what the region's cloud calls it.
    #[serde(default)]
    own: Option<String>,
    /// Also where services of the cloud have their accounts in it.
    #[serde(default)]
    force: bool,
}

/// Leave a leftover of a region what it uses, and nothing more.
#[utoipa::path(post, path = "/regions/{region}/limits/zero", tag = "directory",
    params(("region" = String, Path, description = "The region's name")),
    request_body = ZeroRequest, responses(
    (status = 200, description = "What of it is new", body = LimitsSetList),
    (status = 400, description = "Not one project", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region, or no such project", body = ProblemDocument),
    (status = 409, description = "It is no leftover, or the region is not merged",
        body = ProblemDocument),
))]
pub(super) async fn zero(
    State(state): State<ApiState>,
    who: Administrator,
    source: Source,
    Path(region): Path<String>,
    Json(asked): Json<ZeroRequest>,
) -> Result<axum::Json<LimitsSetList>, Problem> {
    let project = holder(asked.project.as_deref(), asked.own.as_deref())?;
    let (by, name, force) = (by(&who.0, source), region.clone(), asked.force);
    let attempt = attempted(&by, "zero-quota", &region, Some(&project));
    let set = state.store.change(move |it| {
        let region = it.region_named(&name)?;
        let changes = it.zero_quota(&region, &project, force, &by)?;
        Ok(LimitsSet {
            changes,
            ..LimitsSet::default()
        })
    });
    let set = set.await.map_err(Problem::from);
    let set = set.inspect_err(|problem| refused(&state, attempt, problem.kind().slug()))?;
    Ok(answer(&state, region, &set).await)
}

/// Limits that are to be set no more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnsetRequest {
    /// The project's id in the directory.
    #[serde(default)]
    project: Option<String>,
    /// Instead of that, what the region's cloud calls a project that the directory has not.
    #[serde(default)]
    own: Option<String>,
    /// The cloud's name of each resource, with `compute:`, `volume:` or `network:` before it where
    /// several have one of that name.
    #[schema(max_items = 256)]
    resources: Vec<String>,
}

/// Set limits of a project no more: its agent is told none, and what the region's cloud has stays.
/// What waits until others have less is forgotten likewise.
#[utoipa::path(post, path = "/regions/{region}/limits/unset", tag = "directory",
    params(("region" = String, Path, description = "The region's name")),
    request_body = UnsetRequest, responses(
    (status = 200, description = "What was set before", body = LimitsSetList),
    (status = 400, description = "Not one project, or no resource", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region or project, or no such limit is set",
        body = ProblemDocument),
    (status = 409, description = "It is a share of a total, or the region is not merged",
        body = ProblemDocument),
))]
pub(super) async fn unset(
    State(state): State<ApiState>,
    who: Administrator,
    source: Source,
    Path(region): Path<String>,
    Json(asked): Json<UnsetRequest>,
) -> Result<axum::Json<LimitsSetList>, Problem> {
    let project = holder(asked.project.as_deref(), asked.own.as_deref())?;
    let (by, name) = (by(&who.0, source), region.clone());
    let attempt = attempted(&by, "unset-quota", &region, Some(&project));
    let set = state.store.change(move |it| {
        let region = it.region_named(&name)?;
        it.unset_limits(&region, &project, &asked.resources, &by)
    });
    let set = set.await.map_err(Problem::from);
    let set = set.inspect_err(|problem| refused(&state, attempt, problem.kind().slug()))?;
    Ok(answer(&state, region, &set).await)
}

/// What of a region is given to whom: to projects of the directory, and to leftovers, each with why
/// it is one and what to do about it.
#[utoipa::path(get, path = "/regions/{region}/allocation", tag = "directory",
    params(("region" = String, Path, description = "The region's name")), responses(
    (status = 200, description = "What is given to whom", body = AllocationDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
    (status = 409, description = "Its organization is not merged", body = ProblemDocument),
))]
pub(super) async fn allocation(
    State(state): State<ApiState>,
    _: Administrator,
    Path(region): Path<String>,
) -> Result<axum::Json<AllocationDocument>, Problem> {
    let found = state.store.read(move |it| {
        let region = it.region_of_name(&region)?;
        it.must_be_merged(&region)?;
        let allocation = it
            .census(&region, &[])?
            .allocation(&it.holdings(region.no)?);
        AllocationDocument::new(it, &region, allocation)
    });
    Ok(axum::Json(found.await?))
}

/// The one project that is named.
fn holder(project: Option<&str>, own: Option<&str>) -> Result<Holder, Problem> {
    match (project, own) {
        (Some(id), None) => id_of("project", id).map(Holder::Project),
        (None, Some(own)) => Ok(Holder::Own(CloudId::new(own))),
        _ => Err(Problem::new(
            Kind::InvalidRequest,
            "A project is named by `project` or by `own`, and not by both.",
        )
        .next_step("Give its id in the directory, or what the region's cloud calls it.")),
    }
}

/// What was asked for that was refused. Its values are left out: nobody has checked them.
fn attempted(by: &By, action: &str, region: &str, project: Option<&Holder>) -> Act {
    let id = match project {
        Some(Holder::Project(id)) => id.to_string(),
        Some(Holder::Own(here)) => here.to_string(),
        None => String::new(),
    };
    Act::new(by.clone(), action).on("project", id, format!("in region {region:?}"))
}
