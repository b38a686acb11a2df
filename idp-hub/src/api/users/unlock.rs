//! Opens an account again at whose password somebody guessed, before its time.

use axum::extract::State;
use axum::http::StatusCode;
use shared::audit::Act;

use super::in_whose_power;
use super::sign_in::pair_of;
use crate::api::audit;
use crate::api::directory::id_of;
use crate::api::extract::Path;
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::{Source, Who};
use crate::store::users::UserRow;

/// Let a user of the directory sign in at the hub again, who was locked after too many wrong
/// passwords. Who was not locked stays as he is.
#[utoipa::path(delete, path = "/directory/users/{id}/lock", tag = "directory",
    params(("id" = String, Path, description = "The user's id")), responses(
    (status = 204, description = "He may try again"),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not of a department that he administers, or of an account with \
        more power", body = ProblemDocument),
    (status = 404, description = "No such user", body = ProblemDocument),
))]
pub(in crate::api) async fn unlock_user(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = id_of("id", &id)?;
    let act = Act::new(audit::by(&who, source), "unlock").on("user", id, "");
    let tell = |problem: &Problem| audit::refused(&state, act.clone(), problem.kind().slug());
    // Whoever may give him another password may let him try the one that he has.
    let row = in_whose_power(&state, &who, id).await.inspect_err(tell)?;
    let (user, by) = (row.title(), who.name());
    let told = act.clone().on("user", id, user.as_str());
    state.store.change(move |it| it.audit(told)).await?;
    unlock(&state, &row);
    tracing::info!(target: "audit", action = "unlock", user, by, %source);
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets who guessed at his password, and from where, as far as he was called as he is.
pub(super) fn unlock(state: &ApiState, row: &UserRow) {
    state.lockout(|it| it.open(state.clock.now(), row.id));
    let department = row.user.department.to_string();
    for department in [&department, &row.department.name] {
        let pair = pair_of(department, &row.user.name);
        state.limiter(|it| it.forgive(&pair));
    }
}
