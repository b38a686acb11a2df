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
use crate::api::visits::{Comer, tell_visit, visit};
use crate::api::who::{Source, Who};
use crate::store::users::UserRow;

/// Let a user of the directory sign in at the hub again, who was locked after too many wrong
/// passwords. Who was not locked stays as he is, and the audit trail is not told.
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
    if is_held_up(&state, &row) {
        let (user, by) = (row.title(), who.name());
        let told = act.clone().on("user", id, user.as_str());
        let told = visit(&state, Comer::Opener, by, told);
        state.store.change(move |it| tell_visit(it, told)).await?;
        tracing::info!(target: "audit", action = "unlock", user, by, %source);
    }
    unlock(&state, &row);
    Ok(StatusCode::NO_CONTENT)
}

/// Whether he has to wait, or whoever guesses at his password.
fn is_held_up(state: &ApiState, row: &UserRow) -> bool {
    let now = state.clock.now();
    let waits = |pair: String| state.limiter(|it| it.holds_up(now, &pair));
    state.lockout(|it| it.locked_for(now, row.id).is_some()) || pairs_of(row).into_iter().any(waits)
}

/// Forgets who guessed at his password, and from where, as far as he was called as he is.
pub(super) fn unlock(state: &ApiState, row: &UserRow) {
    state.lockout(|it| it.open(row.id));
    for pair in pairs_of(row) {
        state.limiter(|it| it.forgive(&pair));
    }
}

/// By what attempts at his account are counted: his department has a name, and an id.
fn pairs_of(row: &UserRow) -> [String; 2] {
    let department = row.user.department.to_string();
    [&department, &row.department.name].map(|it| pair_of(it, &row.user.name))
}
