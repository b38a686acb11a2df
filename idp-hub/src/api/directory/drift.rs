//! What differs in the regions, what failed there, and what is done about it.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::audit::{Act, By};
use shared::model::{CloudId, RemarkState};
use shared::wire::Digest;
use utoipa::{IntoParams, ToSchema};

use super::access::Administrator;
use super::remarks::RemarkDocument;
use crate::api::audit::{by, refused};
use crate::api::extract::{Json, Page, PageQuery, Path, Query, cursor};
use crate::api::problem::{Kind, Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::Source;
use crate::directory::DriftPolicy;
use crate::store::StoreError;
use crate::store::directory::Seen;

/// Of which regions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct RemarksQuery {
    /// How many are looked at for one page, 1 to 1000; 100 unless given. A page may have fewer
    /// items, and go on all the same.
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

/// What differs in the regions from the directory, and stays so until somebody decides.
#[utoipa::path(get, path = "/directory/drift", tag = "directory", params(RemarksQuery), responses(
    (status = 200, description = "Some of it", body = Page<RemarkDocument>),
    (status = 400, description = "A wrong limit or cursor", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
))]
pub(in crate::api) async fn drift(
    State(state): State<ApiState>,
    _: Administrator,
    Query(asked): Query<RemarksQuery>,
) -> Result<axum::Json<Page<RemarkDocument>>, Problem> {
    page(&state, asked, |it| matches!(it, RemarkState::Drift { .. })).await
}

/// What could not be applied in the regions: it failed and is tried again, or something else has to
/// be done first.
#[utoipa::path(get, path = "/directory/failures", tag = "directory", params(RemarksQuery),
    responses(
    (status = 200, description = "Some of it", body = Page<RemarkDocument>),
    (status = 400, description = "A wrong limit or cursor", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
))]
pub(in crate::api) async fn failures(
    State(state): State<ApiState>,
    _: Administrator,
    Query(asked): Query<RemarksQuery>,
) -> Result<axum::Json<Page<RemarkDocument>>, Problem> {
    page(&state, asked, RemarkState::is_failure).await
}

async fn page(
    state: &ApiState,
    asked: RemarksQuery,
    is_wanted: fn(&RemarkState) -> bool,
) -> Result<axum::Json<Page<RemarkDocument>>, Problem> {
    let page = PageQuery::new(asked.limit, asked.after);
    let (limit, after) = (page.limit()?, page.after()?);
    let page = state.store.read(move |it| {
        let page = it.remarks(asked.region.as_deref(), is_wanted, &after, limit)?;
        let items = page.items.iter().map(|one| RemarkDocument::new(it, one));
        Ok(Page {
            items: items.collect::<Result<_, _>>()?,
            next: page.next.map(|it| cursor(&it)),
        })
    });
    Ok(axum::Json(page.await?))
}

/// Which drift is meant: the one that was seen, and no other of the same thing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct PutBackRequest {
    /// The `seen` that it was shown with.
    seen: String,
}

/// Which drift is meant, and how far that may go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct AdoptDriftRequest {
    /// The `seen` that it was shown with.
    seen: String,
    /// Also where something was deleted in the region: it ends in the directory, and so in every
    /// region.
    #[serde(default)]
    end: bool,
}

/// What came of an answer to drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CuredDocument {
    /// The region.
    pub region: String,
    /// The remark's id.
    pub id: String,
    /// Whether that is new: its agent is told now, or the directory was another.
    pub changed: bool,
}

/// Put the directory's value back in that region, if the drift is still the one that was seen.
/// Asked again, its agent is told again.
#[utoipa::path(post, path = "/regions/{region}/drift/{id}/put-back", tag = "directory",
    params(("region" = String, Path, description = "The region's name"),
        ("id" = String, Path, description = "The drift's id, as in the list")),
    request_body = PutBackRequest, responses(
    (status = 200, description = "Its agent is told", body = CuredDocument),
    (status = 400, description = "Not a digest", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region, or no such drift", body = ProblemDocument),
    (status = 409, description = "It can't be put back, or is another drift by now",
        body = ProblemDocument),
))]
pub(in crate::api) async fn put_back(
    State(state): State<ApiState>,
    who: Administrator,
    source: Source,
    Path((region, id)): Path<(String, String)>,
    Json(asked): Json<PutBackRequest>,
) -> Result<axum::Json<CuredDocument>, Problem> {
    let (seen, by, name) = (seen(&id, &asked.seen)?, by(&who.0, source), region.clone());
    let attempt = attempted(&by, "put-back", &region, &id);
    let told = state.store.change(move |it| {
        let region = it.region_named(&name)?;
        it.put_back(&region, &seen, &by, Duration::ZERO)
    });
    let changed = or_refused(&state, attempt, told.await)?;
    let by = who.name();
    tracing::info!(
        target: "audit", action = "put-back", region, id, by, %source, changed, "asked for"
    );
    Ok(axum::Json(CuredDocument {
        region,
        id,
        changed,
    }))
}

/// Adopt the region's value into the directory, and so into every region, if the drift is still the
/// one that was seen.
#[utoipa::path(post, path = "/regions/{region}/drift/{id}/adopt", tag = "directory",
    params(("region" = String, Path, description = "The region's name"),
        ("id" = String, Path, description = "The drift's id, as in the list")),
    request_body = AdoptDriftRequest, responses(
    (status = 200, description = "The directory has it so", body = CuredDocument),
    (status = 400, description = "Not a digest, or no Keystone would take it",
        body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region, or no such drift", body = ProblemDocument),
    (status = 409, description = "It can't be adopted, or is another drift by now",
        body = ProblemDocument),
))]
pub(in crate::api) async fn adopt_drift(
    State(state): State<ApiState>,
    who: Administrator,
    source: Source,
    Path((region, id)): Path<(String, String)>,
    Json(asked): Json<AdoptDriftRequest>,
) -> Result<axum::Json<CuredDocument>, Problem> {
    let (seen, by, name) = (seen(&id, &asked.seen)?, by(&who.0, source), region.clone());
    let attempt = attempted(&by, "adopt-drift", &region, &id);
    let end = asked.end;
    let delta = state.store.change(move |it| {
        let region = it.region_named(&name)?;
        it.adopt_drift(&region, &seen, end, &by)
    });
    let delta = or_refused(&state, attempt, delta.await)?;
    let by = who.name();
    let (changed, what) = (!delta.is_empty(), format!("{delta:?}"));
    tracing::info!(
        target: "audit", action = "adopt-drift", region, id, by, %source, what, end, changed,
        "asked for"
    );
    Ok(axum::Json(CuredDocument {
        region,
        id,
        changed,
    }))
}

/// What is done about drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftPolicyDocument {
    /// `ask`: it is shown, and an administrator decides. `put-back`: the directory's value is put
    /// back, where that can be. `adopt`: the region's is adopted, where nothing ends by it and
    /// nobody may do more by it: what is given or switched on there waits for an administrator.
    pub drift: String,
}

/// Say what is done about drift in a region from now on.
#[utoipa::path(put, path = "/regions/{region}/organization/policy", tag = "directory",
    params(("region" = String, Path, description = "The region's name")),
    request_body = DriftPolicyDocument, responses(
    (status = 204, description = "It is so, now or before"),
    (status = 400, description = "No such policy", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
    (status = 409, description = "Its organization is not merged", body = ProblemDocument),
))]
pub(in crate::api) async fn set_drift_policy(
    State(state): State<ApiState>,
    who: Administrator,
    source: Source,
    Path(region): Path<String>,
    Json(asked): Json<DriftPolicyDocument>,
) -> Result<StatusCode, Problem> {
    let mut all = DriftPolicy::ALL.into_iter();
    let policy = all.find(|it| it.name() == asked.drift).ok_or_else(|| {
        let detail = format!("There is no policy {:?} about drift.", asked.drift);
        Problem::new(Kind::InvalidRequest, detail).next_step("Give ask, put-back or adopt.")
    })?;
    let (by, name) = (by(&who.0, source), region.clone());
    let attempt = Act::new(by.clone(), "drift-policy").on("region", "", region.as_str());
    let set = state.store.change(move |it| {
        let region = it.region_named(&name)?;
        it.set_drift_policy(&region, policy, &by)
    });
    or_refused(&state, attempt, set.await)?;
    let (by, drift) = (who.name(), policy.name());
    tracing::info!(target: "audit", action = "drift-policy", region, drift, by, %source, "set");
    Ok(StatusCode::NO_CONTENT)
}

/// What an answer that was refused was about.
fn attempted(by: &By, action: &str, region: &str, id: &str) -> Act {
    Act::new(by.clone(), action).on("drift", id, format!("in region {region:?}"))
}

fn or_refused<T>(
    state: &ApiState,
    attempt: Act,
    result: Result<T, StoreError>,
) -> Result<T, Problem> {
    result
        .map_err(Problem::from)
        .inspect_err(|problem| refused(state, attempt, problem.kind().slug()))
}

fn seen(id: &str, text: &str) -> Result<Seen, Problem> {
    let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
    let bytes = bytes.and_then(|it| <[u8; 16]>::try_from(it).ok());
    let bytes = bytes.ok_or_else(|| {
        Problem::new(Kind::InvalidRequest, "`seen` is not 32 hexadecimal digits.")
            .next_step("Look at the drift, and give the `seen` that it is shown with.")
    })?;
    Ok(Seen {
        id: CloudId::new(id),
        digest: Digest::from_bytes(bytes),
    })
}
