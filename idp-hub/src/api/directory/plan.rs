//! What a merge would do, and doing it.

mod documents;
mod withheld;

use axum::extract::State;
use serde::Deserialize;
use shared::audit::Act;
use shared::model::ObjectKind;
use utoipa::{IntoParams, ToSchema};

use documents::Once;
pub use documents::{CountDocument, LinksDocument, MergedDocument, PlanDocument, StepDocument};
pub use withheld::{LinkEndDocument, WithheldDocument};

use super::access::Administrator;
use super::local_administrators::documents as documents_of;
use crate::api::audit::{by, refused};
use crate::api::extract::{Json, PageQuery, Path, Query, cursor};
use crate::api::problem::{Kind, Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::Source;
use crate::directory::{Action, PlanDigest};
use crate::store::directory::{Confirmation, ShownPlan};

/// Which steps.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct StepsQuery {
    /// How many steps, 1 to 1000; 100 unless given.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before; the first page without it.
    #[serde(default)]
    after: Option<String>,
    /// Those of one kind: `department`, `project`, `user`, `group` or `role`.
    #[serde(default)]
    kind: Option<String>,
    /// Those of one action: `found`, `adopt`, `recognize`, `create`, `withhold`, `block`
    /// or `skip`.
    #[serde(default)]
    action: Option<String>,
}

/// What a merge of a region would do. Nothing is changed by looking.
#[utoipa::path(get, path = "/regions/{region}/organization/plan", tag = "directory",
    params(("region" = String, Path, description = "The region's name"), StepsQuery), responses(
    (status = 200, description = "The plan", body = PlanDocument),
    (status = 400, description = "A wrong limit, cursor or filter", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
    (status = 409, description = "Its organization is not read yet, or the plan is another one \
        than the page before was of", body = ProblemDocument),
    (status = 503, description = "Too many plans are being made; Retry-After says when to ask \
        again", body = ProblemDocument),
))]
pub(in crate::api) async fn plan(
    State(state): State<ApiState>,
    _: Administrator,
    Path(region): Path<String>,
    Query(asked): Query<StepsQuery>,
) -> Result<axum::Json<PlanDocument>, Problem> {
    let page = PageQuery::new(asked.limit, asked.after);
    let (limit, after) = (page.limit()? as usize, page.after()?);
    let kind = known(asked.kind, "kind", &ObjectKind::ALL.map(ObjectKind::name))?;
    let action = known(asked.action, "action", &Action::NAMES)?;
    let shown = state.store.shown_plan(&region).await?;
    let from = place(&after, shown.digest)?;
    let mut steps = (shown.plan.steps.iter().enumerate().skip(from)).filter(|(_, step)| {
        let is_kind = kind.as_deref().is_none_or(|it| it == step.kind.name());
        is_kind && action.as_deref().is_none_or(|it| it == step.action.name())
    });
    let items = steps.by_ref().take(limit);
    let items: Vec<_> = items.map(|(_, it)| StepDocument::new(&shown, it)).collect();
    let next = steps.next().map(|(place, _)| {
        let mut bytes = shown.digest.to_bytes().to_vec();
        bytes.extend((place as u64).to_le_bytes());
        cursor(&bytes)
    });
    let exposures = shown.plan.exposed.some.iter().map(Into::into);
    let once = match after.is_empty() {
        true => Once {
            exposures: exposures.collect(),
            withheld: withheld::of(&shown),
            local_administrators: documents_of(&shown.local_administrators),
        },
        false => Once::default(),
    };
    let document = PlanDocument::new(region, &shown, once, items, next);
    Ok(axum::Json(document))
}

/// An administrator's yes to a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct MergeRequest {
    /// The digest of the plan that he saw.
    digest: String,
    /// This federation takes over a region that bears another one's markers.
    #[serde(default)]
    take_over: bool,
    /// The region's cloud is a copy of another region's, and not that one.
    #[serde(default)]
    copied: bool,
}

/// Merge a region's organization into the directory, as the plan says: all of it, or nothing.
#[utoipa::path(post, path = "/regions/{region}/organization/merge", tag = "directory",
    params(("region" = String, Path, description = "The region's name")),
    request_body = MergeRequest, responses(
    (status = 200, description = "Merged", body = MergedDocument),
    (status = 400, description = "Not a plan's digest", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
    (status = 409, description = "The plan is another one by now, the organization is not read \
        yet, something changed each time that the plan was made, or its cloud is another \
        federation's or another region's", body = ProblemDocument),
    (status = 503, description = "Too many plans are being made; Retry-After says when to ask \
        again", body = ProblemDocument),
))]
pub(in crate::api) async fn merge(
    State(state): State<ApiState>,
    who: Administrator,
    source: Source,
    Path(region): Path<String>,
    Json(asked): Json<MergeRequest>,
) -> Result<axum::Json<MergedDocument>, Problem> {
    let digest = asked.digest.parse().map_err(|error| {
        Problem::new(Kind::InvalidRequest, format!("digest: {error}."))
            .next_step("Look at the plan, and give its digest.")
    })?;
    let confirmation = Confirmation {
        plan: digest,
        take_over: asked.take_over,
        copied: asked.copied,
        by: by(&who.0, source),
    };
    let (take_over, copied) = (asked.take_over, asked.copied);
    let attempt = Act::new(confirmation.by.clone(), "merge").on("region", "", region.as_str());
    let merged = state.store.merge(&region, confirmation).await;
    let merged = merged
        .map_err(Problem::from)
        .inspect_err(|problem| refused(&state, attempt, problem.kind().slug()))?;
    let (by, plan, written) = (who.name(), digest.to_string(), merged.written);
    tracing::info!(
        target: "audit", action = "merge", region, by, %source, plan, take_over, copied,
        written,
        "asked for"
    );
    Ok(axum::Json(MergedDocument {
        region,
        digest: plan,
        written,
        adopted: count(&merged.shown),
        read_only: merged.shown.read_only,
    }))
}

/// How many things of the region were taken in.
fn count(shown: &ShownPlan) -> u64 {
    let steps = shown.plan.steps.iter();
    let taken = steps.filter(|it| matches!(it.action, Action::Adopt { .. }));
    taken.count() as u64
}

/// A filter's word, if it is one.
fn known(word: Option<String>, what: &str, all: &[&str]) -> Result<Option<String>, Problem> {
    match word {
        Some(word) if !all.contains(&word.as_str()) => {
            let detail = format!("There is no {what} {word:?}.");
            let next = format!("Give one of {}.", all.join(", "));
            Err(Problem::new(Kind::InvalidRequest, detail).next_step(next))
        }
        word => Ok(word),
    }
}

/// Where a page begins.
fn place(after: &[u8], now: PlanDigest) -> Result<usize, Problem> {
    if after.is_empty() {
        return Ok(0);
    }
    let (of, place) = after.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    let place = <[u8; 8]>::try_from(place).ok().map(u64::from_le_bytes);
    let place = place.and_then(|it| usize::try_from(it).ok());
    let place = place.ok_or_else(|| {
        Problem::new(
            Kind::InvalidRequest,
            "The cursor in `after` is not one of ours.",
        )
        .next_step("Give the `next` of the page before, or begin without `after`.")
    })?;
    if PlanDigest::from_bytes(*of) != now {
        let detail = "The plan is another one than the page before was of.";
        return Err(Problem::new(Kind::PlanChanged, detail).next_step("Begin without `after`."));
    }
    Ok(place)
}
