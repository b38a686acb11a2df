//! Regions: list, look, accept, rename, remove.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::pki::Fingerprint;
use utoipa::ToSchema;

use super::audit::by;
use super::documents::{OverviewDocument, RegionDocument, Time};
use super::extract::{Json, Page, PageQuery, Path, Query, cursor};
use super::problem::{Kind, Problem, ProblemDocument};
use super::state::ApiState;
use super::who::{Source, Who};
use crate::authority::AuthorityError;
use crate::overview::ShownRegion;
use crate::store::Figures;

/// Regions in the overview's short list. The rest is at `/regions`.
const SHORT_LIST_MAX: usize = 200;

/// How often, and how many times, the board is looked at for a region that the store has.
const ON_THE_BOARD_EVERY: Duration = Duration::from_millis(50);
const ON_THE_BOARD_LOOKS: usize = 60;

/// The federation with its regions in short.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OverviewAnswer {
    /// The federation as a whole.
    #[serde(flatten)]
    pub overview: OverviewDocument,
    /// The first 200 regions by name.
    pub list: Vec<ShortRegion>,
    /// There are more; `/regions` has them all.
    pub more: bool,
}

/// One region in short.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ShortRegion {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Time,
    /// Servers in all; null where nothing is known of them.
    pub servers: Option<u64>,
    /// Of which figures not all is known, as at `/regions`.
    pub lacking: Vec<String>,
}

impl From<&ShownRegion> for ShortRegion {
    fn from(region: &ShownRegion) -> Self {
        let condition = &region.view.condition;
        let (totals, lacking) = (&region.totals, region.lacking);
        Self {
            name: region.view.facts.name.clone(),
            state: condition.state.code().to_owned(),
            reason: condition.reason.code().to_owned(),
            since: condition.since.into(),
            servers: (!lacking.is_unknown(Figures::Servers, totals)).then_some(totals.servers),
            lacking: lacking.all().map(|it| it.name().to_owned()).collect(),
        }
    }
}

/// The federation as a whole: regions by state, and sums of all figures.
#[utoipa::path(get, path = "/overview", tag = "regions", responses(
    (status = 200, description = "The overview", body = OverviewAnswer),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
))]
pub(super) async fn overview(State(state): State<ApiState>, _: Who) -> axum::Json<OverviewAnswer> {
    let shown = state.board.shown();
    let mut regions = state.board.regions("", SHORT_LIST_MAX + 1);
    let more = regions.len() > SHORT_LIST_MAX;
    regions.truncate(SHORT_LIST_MAX);
    axum::Json(OverviewAnswer {
        overview: OverviewDocument::new(&shown, state.clock.unix_millis()),
        list: regions.iter().map(Into::into).collect(),
        more,
    })
}

/// Regions, by name.
#[utoipa::path(get, path = "/regions", tag = "regions", params(PageQuery), responses(
    (status = 200, description = "Some regions", body = Page<RegionDocument>),
    (status = 400, description = "A wrong limit or cursor", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
))]
pub(super) async fn list(
    State(state): State<ApiState>,
    _: Who,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<RegionDocument>>, Problem> {
    let (limit, after) = (page.limit()? as usize, page.after()?);
    let after = String::from_utf8(after).map_err(|_| {
        Problem::new(
            Kind::InvalidRequest,
            "The cursor in `after` is not one of this list.",
        )
    })?;
    let regions = state.board.regions(&after, limit);
    let last = regions.last().filter(|_| regions.len() == limit);
    let next = last.map(|it| cursor(it.view.facts.name.as_bytes()));
    Ok(axum::Json(Page {
        items: regions.iter().map(|it| state.document(it)).collect(),
        next,
    }))
}

/// One region.
#[utoipa::path(get, path = "/regions/{region}", tag = "regions",
    params(("region" = String, Path, description = "Its name")), responses(
    (status = 200, description = "The region", body = RegionDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
))]
pub(super) async fn show(
    State(state): State<ApiState>,
    _: Who,
    Path(name): Path<String>,
) -> Result<axum::Json<RegionDocument>, Problem> {
    let region = match state.board.region(&name) {
        Some(region) => region,
        None => just_joined(&state, name).await?,
    };
    let no = region.view.no;
    let sealing = state.store.read(move |it| it.sealing_since(no)).await?;
    let (key, since) = sealing.unzip();
    Ok(axum::Json(RegionDocument {
        sealing_key_fingerprint: key.map(|it| it.fingerprint().to_string()),
        sealing_key_since: since.flatten().map(Time::from),
        ..state.document(&region)
    }))
}

/// What has joined is in the store first, and on the board a moment later: whoever accepts it as
/// soon as its agent says that it has joined must not hear that there is none.
async fn just_joined(state: &ApiState, name: String) -> Result<ShownRegion, Problem> {
    let (called, clock) = (name.clone(), state.clock.clone());
    state.store.read(move |it| it.region_named(&called)).await?;
    for _ in 0..ON_THE_BOARD_LOOKS {
        clock.sleep(ON_THE_BOARD_EVERY).await;
        if let Some(region) = state.board.region(&name) {
            return Ok(region);
        }
    }
    Err(Problem::no_region(&name))
}

/// The second yes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acceptance {
    /// The fingerprint that the administrator compared, 64 hexadecimal digits. With it, a region
    /// that meanwhile has another key is not accepted.
    key_fingerprint: String,
}

/// Accept a region that has joined: from now on it reports.
#[utoipa::path(post, path = "/regions/{region}/accept", tag = "regions",
    params(("region" = String, Path, description = "Its name")),
    request_body = Acceptance, responses(
    (status = 204, description = "Accepted, now or before"),
    (status = 400, description = "Not a fingerprint", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
    (status = 409, description = "It has another key", body = ProblemDocument),
))]
pub(super) async fn accept(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(name): Path<String>,
    Json(asked): Json<Acceptance>,
) -> Result<StatusCode, Problem> {
    let key: Fingerprint = asked.key_fingerprint.parse().map_err(|error| {
        Problem::new(Kind::InvalidRequest, format!("key_fingerprint: {error}."))
    })?;
    let authority = state.authority.by(by(&who, source));
    authority.accept_key(&name, key).await?;
    audit("accept", &name, &who, source);
    Ok(StatusCode::NO_CONTENT)
}

/// What is to be another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionChange {
    /// The new name.
    name: String,
}

/// Give a region another name. Its id, data and connection stay.
#[utoipa::path(patch, path = "/regions/{region}", tag = "regions",
    params(("region" = String, Path, description = "Its name until now")),
    request_body = RegionChange, responses(
    (status = 204, description = "Renamed"),
    (status = 400, description = "Not a name for a region", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
    (status = 409, description = "The name is taken", body = ProblemDocument),
))]
pub(super) async fn rename(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(name): Path<String>,
    Json(change): Json<RegionChange>,
) -> Result<StatusCode, Problem> {
    let authority = state.authority.by(by(&who, source));
    authority.rename(&name, &change.name).await?;
    audit("rename", &change.name, &who, source);
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a region: its key is dead at once, its connection is closed, its name is free, and its
/// records here are dropped. Nothing is touched in the region itself.
#[utoipa::path(delete, path = "/regions/{region}", tag = "regions",
    params(("region" = String, Path, description = "Its name")), responses(
    (status = 204, description = "Removed"),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
))]
pub(super) async fn remove(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    state.authority.by(by(&who, source)).remove(&name).await?;
    audit("remove", &name, &who, source);
    Ok(StatusCode::NO_CONTENT)
}

/// Who asked for it; what was done is the authority's line, and its entry in the audit trail.
pub(super) fn audit(action: &str, region: &str, who: &Who, source: Source) {
    tracing::info!(target: "audit", action, region, by = who.name(), %source, "asked for");
}

impl From<AuthorityError> for Problem {
    fn from(error: AuthorityError) -> Self {
        let kind = match error {
            AuthorityError::Store(error) => return error.into(),
            AuthorityError::Name(_) | AuthorityError::Lifetime { .. } => Kind::InvalidRequest,
            AuthorityError::TooManyInvitations
            | AuthorityError::TooManyRegions { .. }
            | AuthorityError::OtherKey { .. } => Kind::Refused,
            AuthorityError::Stopping => Kind::Unavailable,
            _ => return Self::internal(&error),
        };
        let problem = Self::new(kind, format!("{error}."));
        match kind {
            Kind::InvalidRequest => problem.next_step("Choose another value."),
            _ => problem,
        }
    }
}
