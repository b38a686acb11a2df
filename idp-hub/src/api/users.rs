//! Passwords and sign-in of the directory's users.
//!
//! ```text
//! set: administrator or himself ─▶ argon2id here, and sealed to each region's agent: one change
//! sign-in ─▶ the hub's own hash, or for who came with a region: ─▶ that region's cloud ─▶ as above
//! ```
//!
//! A region that was not told a password (its agent had told no key yet, it joined later, or it
//! gave the password and has the user no more as he was then) is told at the user's next sign-in:
//! the hub keeps none that it could tell by itself.

mod administrators;
mod admit;
mod asked;
mod asking;
mod lockout;
mod places;
mod recall;
mod refusals;
mod refused;
mod regions;
mod sign_in;
mod spread;
mod standing;
mod unlock;

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};
use shared::audit::Act;
use shared::ids::ObjectId;
use utoipa::ToSchema;

pub use administrators::{AdministratorDocument, AdministratorsDocument};
pub use admit::SignInHoldDocument;
pub(super) use asking::Asking;
pub(super) use lockout::Lockout;
pub(super) use recall::keep_place;
pub use refusals::RefusalDocument;
pub(super) use refusals::Refusals;
pub use refused::REFUSED_AFTER;
pub(super) use refused::SignIns;
pub use regions::Regions;
pub(super) use sign_in::{Given, check};
pub use standing::{BeyondDocument, PasswordStandingDocument};

// Whole, because the list of routes needs what stands beside each handler as well.
pub(super) use administrators::*;
pub(super) use admit::*;
pub(super) use standing::*;
pub(super) use unlock::*;

use self::spread::{Chosen, How, set};
use super::audit;
use super::directory::id_of;
use super::documents::Time;
use super::extract::{Json, Path};
use super::passwords;
use super::problem::{Kind, Problem, ProblemDocument};
use super::session::Zeroized;
use super::state::ApiState;
use super::who::{self, Source, Who};
use crate::directory::rights::Action;
use crate::store::users::UserRow;

/// A user's new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserPassword {
    /// 12 characters at least, and 72 bytes at most, of which none is a control character: Keystone
    /// looks at no more of it.
    #[schema(format = Password)]
    new: Zeroized,
}

/// One's own new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnPassword {
    /// The one until now.
    #[schema(format = Password)]
    current: Zeroized,
    /// 12 characters at least, and 72 bytes at most, of which none is a control character.
    #[schema(format = Password)]
    new: Zeroized,
}

/// What came of a user's new password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasswordDocument {
    /// The user's id.
    pub user: String,
    /// When it was set.
    pub set: Time,
    /// To how many regions it is told: at once, or as soon as they are back.
    pub regions: u64,
    /// How many lack it: their agents have told no key yet. They are told it at the user's next
    /// sign-in, or when it is set again.
    pub regions_lacking: u64,
    /// The first 100 of these, by name.
    pub lacking: Vec<String>,
    /// In how many it is not set, as their agents take no changes by their policies: each keeps it
    /// for when they do.
    #[serde(default)]
    pub regions_read_only: u64,
    /// The first 100 of these, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_only: Vec<String>,
}

/// Set the password of a user of the directory, here and in every region. Ends his sessions, and
/// whoever was locked after wrong ones may sign in by it at once.
#[utoipa::path(put, path = "/directory/users/{id}/password", tag = "directory",
    params(("id" = String, Path, description = "The user's id")),
    request_body = UserPassword, responses(
    (status = 200, description = "Set", body = PasswordDocument),
    (status = 400, description = "Not a password", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not of a department that he administers, or of an account with \
        more power", body = ProblemDocument),
    (status = 404, description = "No such user", body = ProblemDocument),
    (status = 409, description = "Another one was set at the same moment", body = ProblemDocument),
    (status = 503, description = "Too many passwords at once", body = ProblemDocument),
))]
pub(super) async fn set_user_password(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(id): Path<String>,
    Json(asked): Json<UserPassword>,
) -> Result<axum::Json<PasswordDocument>, Problem> {
    let id = id_of("id", &id)?;
    let act = Act::new(audit::by(&who, source), "set-password").on("user", id, "");
    let tell = |problem: &Problem| audit::refused(&state, act.clone(), problem.kind().slug());
    // First, so that nothing is hashed and sealed for who may not; and again as it is set.
    let row = in_whose_power(&state, &who, id).await.inspect_err(tell)?;
    let chosen = Chosen {
        row: &row,
        password: asked.new.take(),
        act: act.clone().on("user", id, row.title()),
        how: How::By(who.asker()),
    };
    let document = set(&state, chosen).await.inspect_err(tell)?;
    unlock::unlock(&state, &row);
    let (user, by, regions) = (row.title(), who.name(), document.regions);
    tracing::info!(target: "audit", action = "set-password", user, by, %source, regions);
    Ok(axum::Json(document))
}

/// Give oneself another password: as a user of the directory. Ends all one's sessions, this one
/// too.
#[utoipa::path(put, path = "/session/password", tag = "session",
    request_body = OwnPassword, responses(
    (status = 200, description = "Set", body = PasswordDocument),
    (status = 400, description = "Not a password", body = ProblemDocument),
    (status = 401, description = "The current one is wrong", body = ProblemDocument),
    (status = 409, description = "Not a user of the directory, or another one was set at the same \
        moment", body = ProblemDocument),
    (status = 429, description = "Too many attempts", body = ProblemDocument),
    (status = 503, description = "Too many passwords at once, or the hub was restored, as at a \
        sign-in; or the region that knows him can't be asked", body = ProblemDocument),
))]
pub(super) async fn set_own_password(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Json(asked): Json<OwnPassword>,
) -> Result<(HeaderMap, axum::Json<PasswordDocument>), Problem> {
    let act = audit::himself(&who, source, "set-password");
    let tell = |problem: &Problem| audit::refused(&state, act.clone(), problem.kind().slug());
    let Who::User(user) = &who else {
        let detail = "Only a user of the directory has a password here.";
        let next = "Use PUT /api/v1/accounts/NAME/password for an account of the hub.";
        return Err(Problem::new(Kind::Refused, detail).next_step(next));
    };
    let given = Given {
        department: user.department.id.clone(),
        name: user.user.clone(),
        password: asked.current.take(),
    };
    // First, so that nothing is counted for what is none.
    let password = asked.new.take();
    passwords::check_for_clouds(&password).map_err(Problem::from)?;
    let row = check(&state, source, given).await.map_err(|refused| {
        audit::refused(&state, act.clone(), refused.reason);
        refused.problem
    })?;
    let title = row.title();
    let admitted = state.admit_own_password(&title).map_err(too_often);
    admitted.inspect_err(tell)?;
    let chosen = Chosen {
        row: &row,
        password,
        act: act.clone(),
        how: How::Own(row.version()),
    };
    let document = set(&state, chosen).await.inspect_err(|problem| {
        state.give_back_own_password(&title);
        tell(problem);
    })?;
    let (user, regions) = (row.title(), document.regions);
    tracing::info!(target: "audit", action = "set-password", user, by = user, %source, regions);
    let mut headers = HeaderMap::new();
    headers.extend(who::clear_cookie().map(|it| (SET_COOKIE, it)));
    Ok((headers, axum::Json(document)))
}

fn too_often(wait: Duration) -> Problem {
    let detail = "So often nobody gives himself another password.";
    let next = "Try again then, or ask whoever administers your department for one.";
    let problem = Problem::new(Kind::TooManyAttempts, detail).next_step(next);
    problem.retry_after(wait)
}

/// The user, if who asks may give him a password.
async fn in_whose_power(state: &ApiState, who: &Who, id: ObjectId) -> Result<UserRow, Problem> {
    let found = state.read_as(who.asker(), move |it, sight| {
        let found = it.user_row(id)?;
        let found = found.filter(|row| sight.sees_object(id, &row.object()));
        if found.is_some() {
            sight.permits(Action::SetPassword(id))?;
        }
        Ok(found)
    });
    found.await?.ok_or_else(|| no_user(id))
}

fn no_user(id: ObjectId) -> Problem {
    Problem::new(Kind::NotFound, format!("The directory has no user {id}."))
        .next_step("List them: `idp-hub org list users`, or GET /api/v1/directory/users.")
}
