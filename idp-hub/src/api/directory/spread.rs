//! Totals of resources that are spread over the regions.

mod documents;

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::audit::{Act, By};
use shared::ids::ObjectId;
use shared::model::{LIMIT_MAX, ObjectKind, ServiceKind, UnixMillis};
use utoipa::{IntoParams, ToSchema};

pub use documents::{SpreadDocument, SpreadShareDocument};

use super::access::Administrator;
use crate::api::audit::{by, refused};
use crate::api::extract::{Json, Page, PageQuery, Path, Query, cursor};
use crate::api::problem::{Kind, Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::{Source, Who};
use crate::directory::quota::spread::{resource, spreadable};
use crate::store::directory::{Left, Places, Rooms, Spread, SpreadKey};
use crate::store::{Reading, RegionNo, StoreError};

/// Totals that one request may set: more than can be spread.
const TOTALS_MAX: usize = 100;

/// Which totals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct SpreadsQuery {
    /// How many are looked at for one page, 1 to 1000; 100 unless given. A page may have fewer
    /// items, and go on all the same.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before; the first page without it.
    #[serde(default)]
    after: Option<String>,
    /// Those of the project with this id.
    #[serde(default)]
    project: Option<String>,
}

/// Totals of a project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct TotalsRequest {
    /// By the clouds' own names of resources, and in their units: `cores`, `ram` (MiB),
    /// `gigabytes`, `floatingip`. From 0 to 2147483647. What is not named stays as it is.
    totals: BTreeMap<String, u64>,
    /// Also beyond what the merged regions have left together: their vCPUs (with Placement's
    /// ratio), memory or GiB of pools, less what other projects may use, and what other totals
    /// promise of which no region was told yet. Without it a total is
    /// checked once each of them has told what it has; one that is lowered never is.
    #[serde(default)]
    overcommit: bool,
}

/// The totals that are spread over the regions: what each region has of them, and what of them is
/// given, used and free. Of projects that whoever asks may see.
#[utoipa::path(get, path = "/directory/spreads", tag = "directory", params(SpreadsQuery),
    responses(
    (status = 200, description = "Some totals", body = Page<SpreadDocument>),
    (status = 400, description = "A wrong limit, cursor or id", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
))]
pub(in crate::api) async fn spreads(
    State(state): State<ApiState>,
    who: Who,
    Query(asked): Query<SpreadsQuery>,
) -> Result<axum::Json<Page<SpreadDocument>>, Problem> {
    let page = PageQuery::new(asked.limit, asked.after);
    let (limit, after) = (page.limit()?, page.after()?);
    let after = key_of(&after)?;
    let project = asked.project.as_deref().map(project_of).transpose()?;
    let (board, now) = (state.board.clone(), state.clock.unix_millis());
    let page = state.read_as(who.asker(), move |it, sight| {
        let found = it.spreads(project, after.as_ref(), limit)?;
        let is_last = found.len() < limit as usize;
        let next = found.last().filter(|_| !is_last);
        let next = next.map(|it| cursor(&cursor_of(&it.key)));
        let mut shown = Vec::new();
        for spread in found {
            if let Some(object) = it.object(ObjectKind::Project, spread.key.project)?
                && sight.sees_object(spread.key.project, &object)
            {
                shown.push((spread, object.name().to_owned()));
            }
        }
        let is_online = |no| board.is_online(no);
        let items = documents(it, &shown, (&is_online, sight.sees_everything()), now)?;
        Ok(Page { items, next })
    });
    Ok(axum::Json(page.await?))
}

/// What a region has left is told to whoever may see what others have there.
fn documents(
    it: &Reading<'_>,
    shown: &[(Spread, String)],
    (is_online, with_rooms): (&dyn Fn(RegionNo) -> bool, bool),
    now: UnixMillis,
) -> Result<Vec<SpreadDocument>, StoreError> {
    let wanted = shown.iter().map(|(it, _)| it.key.project).collect();
    let places: Places = it.places(&wanted)?;
    let online: BTreeSet<RegionNo> = places.regions().filter(|it| is_online(*it)).collect();
    let rooms = match with_rooms {
        true => {
            let keys: Vec<&SpreadKey> = shown.iter().map(|(it, _)| &it.key).collect();
            it.rooms(&keys, &places)?
        }
        false => Rooms::new(),
    };
    let document = |(spread, name): &(Spread, String)| {
        let shares = it.shares(&spread.key, &places, &online, now)?;
        SpreadDocument::new(it, (spread, name), (&shares, &rooms))
    };
    shown.iter().map(document).collect()
}

/// Set totals of a project: the most that it may use in all regions together. The hub gives each
/// region a share as the limit there, by use, and moves shares as use grows; a region that is away
/// keeps its own.
#[utoipa::path(put, path = "/directory/spreads/{project}", tag = "directory",
    params(("project" = String, Path, description = "The project's id in the directory")),
    request_body = TotalsRequest, responses(
    (status = 204, description = "They are so, now or before; regions are told in seconds"),
    (status = 400, description = "Not an id, no such resource, or no limit that a cloud takes",
        body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such project", body = ProblemDocument),
    (status = 409, description = "More than the regions have left, or too many totals are set",
        body = ProblemDocument),
))]
pub(in crate::api) async fn set_spread(
    State(state): State<ApiState>,
    who: Administrator,
    source: Source,
    Path(project): Path<String>,
    Json(asked): Json<TotalsRequest>,
) -> Result<StatusCode, Problem> {
    let id = project_of(&project)?;
    if asked.totals.is_empty() || asked.totals.len() > TOTALS_MAX {
        let detail = format!("Of totals, 1 to {TOTALS_MAX} are set at once.");
        return Err(Problem::new(Kind::InvalidRequest, detail));
    }
    let mut totals = Vec::new();
    for (word, total) in asked.totals {
        if total > LIMIT_MAX {
            let detail = format!("A total of {total} {word} is more than a cloud's limit may be.");
            let next = format!("Give {LIMIT_MAX} at most.");
            return Err(Problem::new(Kind::InvalidRequest, detail).next_step(next));
        }
        totals.push((key(id, &word)?, total));
    }
    let by = by(&who.0, source);
    let attempt = Act::new(by.clone(), "spread-quota").on("project", id, "");
    let changed = set_if_left(&state, totals, asked.overcommit, by)
        .await
        .inspect_err(|it| refused(&state, attempt, it.kind().slug()))?;
    let by = who.name();
    tracing::info!(target: "audit", action = "spread-quota", %project, changed, by, %source, "set");
    Ok(StatusCode::NO_CONTENT)
}

/// How often totals are looked at again where something was granted meanwhile.
const LOOKS_MAX: usize = 5;

/// Sets totals as far as they are left. Looked at beside the writer, which everybody waits for.
async fn set_if_left(
    state: &ApiState,
    totals: Vec<(SpreadKey, u64)>,
    overcommit: bool,
    by: By,
) -> Result<usize, Problem> {
    for _ in 0..LOOKS_MAX {
        let seen = are_left(state, &totals, overcommit).await?;
        let (totals, by) = (totals.clone(), by.clone());
        let set = state
            .store
            .change(move |it| it.set_spreads(&totals, seen.as_ref(), &by));
        if let Some(changed) = set.await? {
            return Ok(changed);
        }
    }
    let detail =
        "Other limits were set each time that it was looked at what the regions have left.";
    let next = "Try again, or set it whatever they have left: overcommit, or --overcommit.";
    Err(Problem::new(Kind::Refused, detail).next_step(next))
}

/// What is left, and as of when.
async fn are_left(
    state: &ApiState,
    totals: &[(SpreadKey, u64)],
    overcommit: bool,
) -> Result<Option<Left>, StoreError> {
    if overcommit {
        return Ok(None);
    }
    let totals = totals.to_vec();
    let left = state.store.read(move |it| it.are_left(&totals));
    left.await.map(Some)
}

/// Take a total back. Each region keeps the limit that it was told last.
#[utoipa::path(delete, path = "/directory/spreads/{project}/{resource}", tag = "directory",
    params(("project" = String, Path, description = "The project's id in the directory"),
        ("resource" = String, Path, description = "The cloud's own name of the resource")),
    responses(
    (status = 204, description = "It is spread no more"),
    (status = 400, description = "Not an id, or no such resource", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such total", body = ProblemDocument),
))]
pub(in crate::api) async fn remove_spread(
    State(state): State<ApiState>,
    who: Administrator,
    source: Source,
    Path((project, resource)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let key = key(project_of(&project)?, &resource)?;
    let by = by(&who.0, source);
    let removed = state.store.change(move |it| it.remove_spread(&key, &by));
    if !removed.await? {
        let detail = format!("No total of {resource} is spread for the project {project}.");
        return Err(Problem::new(Kind::NotFound, detail).next_step(
            "List them: `idp-hub org quota spread list`, or GET /api/v1/directory/spreads.",
        ));
    }
    let by = who.name();
    tracing::info!(
        target: "audit", action = "spread-quota", %project, resource, by, %source, "taken back"
    );
    Ok(StatusCode::NO_CONTENT)
}

fn project_of(id: &str) -> Result<ObjectId, Problem> {
    id.parse().map_err(|error: shared::ids::ParseIdError| {
        Problem::new(Kind::InvalidRequest, error.to_string())
            .next_step("List projects with their ids: GET /api/v1/directory/projects.")
    })
}

fn key(project: ObjectId, word: &str) -> Result<SpreadKey, Problem> {
    let Some((service, name)) = resource(word) else {
        let detail = format!("There is no resource {word:?} that can be spread over regions.");
        let next = format!("Give one of {}.", spreadable());
        return Err(Problem::new(Kind::InvalidRequest, detail).next_step(next));
    };
    Ok(SpreadKey {
        project,
        service,
        resource: name.to_owned(),
    })
}

/// A key as it stands in a cursor.
fn cursor_of(it: &SpreadKey) -> Vec<u8> {
    format!("{}/{}/{}", it.project, it.service.name(), it.resource).into_bytes()
}

fn key_of(cursor: &[u8]) -> Result<Option<SpreadKey>, Problem> {
    if cursor.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(cursor).unwrap_or_default();
    let mut parts = text.splitn(3, '/');
    let mut next = || parts.next().unwrap_or_default();
    let (project, service, resource) = (next().parse(), next(), next());
    let mut services = ServiceKind::ALL.into_iter();
    let service = services.find(|it| it.name() == service);
    match (project, service) {
        (Ok(project), Some(service)) => Ok(Some(SpreadKey {
            project,
            service,
            resource: resource.to_owned(),
        })),
        _ => Err(Problem::new(
            Kind::InvalidRequest,
            "The cursor in `after` is not one of ours.",
        )
        .next_step("Give the `next` of the page before, or begin without `after`.")),
    }
}
