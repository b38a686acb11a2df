//! Lets users sign in at a hub that was restored, without the word of a region that is away.

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::audit;
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::{Source, Who};

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
    let why = "an administrator's word";
    let opened = state.store.change(move |it| it.open_sign_in(by, why));
    if opened.await? {
        let by = who.name();
        tracing::info!(target: "audit", action = "open-sign-in", by, %source);
    }
    Ok(StatusCode::NO_CONTENT)
}
