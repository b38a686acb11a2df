//! Whom users wait for at a hub that was restored; and lets them sign in without the word of a
//! region that is away.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::audit;
use crate::api::documents::Time;
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::{Source, Who};

/// Whether users of the directory wait at a hub that was restored from a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInHoldDocument {
    /// When the hub was restored. Absent where they may sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// The merged regions that have not said yet who was deleted since the backup. Those that are
    /// away are waited for at most a quarter of an hour after the hub's start, if another one has.
    pub regions: Vec<String>,
}

/// Since when users of the directory wait at a hub that was restored from a backup, and for which
/// regions.
#[utoipa::path(get, path = "/directory/sign-in-hold", tag = "directory", responses(
    (status = 200, description = "Whether they wait", body = SignInHoldDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
))]
pub(in crate::api) async fn sign_in_hold(
    State(state): State<ApiState>,
) -> Result<axum::Json<SignInHoldDocument>, Problem> {
    let held = state.store.read(|it| match it.sign_in_held()? {
        Some(since) => Ok(Some((since, it.recipients()?))),
        None => Ok(None),
    });
    let (since, merged) = held.await?.unzip();
    let heard = state.store.ends_told().heard();
    let regions = merged.unwrap_or_default().into_iter();
    let regions = regions.filter(|it| !heard.contains(&it.no));
    Ok(axum::Json(SignInHoldDocument {
        since: since.map(Time::from),
        regions: regions.map(|it| it.name).collect(),
    }))
}

/// Let users of the directory sign in again at a hub that was restored from a backup, before every
/// merged region has said who was deleted since: whoever was, and of whom only a region knows that
/// is away, has his old password until that is back. Where they may sign in, nothing is done.
#[utoipa::path(delete, path = "/directory/sign-in-hold", tag = "directory", responses(
    (status = 204, description = "They may sign in"),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
))]
pub(in crate::api) async fn admit_users(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
) -> Result<StatusCode, Problem> {
    let by = audit::by(&who, source);
    let why = "an administrator's word".to_owned();
    if state.store.open_sign_in(by, why).await? {
        let by = who.name();
        tracing::info!(target: "audit", action = "open-sign-in", by, %source);
    }
    Ok(StatusCode::NO_CONTENT)
}
