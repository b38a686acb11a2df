//! Cloud administrators: users of the directory who may everything, here and in every region.
//!
//! Whoever is made one gets another password with it: the one until now may be known to whoever
//! administers his department, or be one that a region's cloud alone called his.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::audit::Act;
use shared::ids::ObjectId;
use utoipa::{IntoParams, ToSchema};

use super::spread::{Chosen, How, set};
use super::{PasswordDocument, UserPassword, no_user};
use crate::api::audit::{self, by};
use crate::api::directory::{NamedDocument, edit, id_of};
use crate::api::extract::{Json, Path, Query};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::{Source, Who};
use crate::directory::Edit;
use crate::store::users::UserRow;

/// Those of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdministratorsDocument {
    /// All of them: 100 at most.
    pub items: Vec<AdministratorDocument>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdministratorDocument {
    /// The user's id.
    pub user: String,
    /// His name.
    pub name: String,
    /// His department.
    pub department: NamedDocument,
    /// Whether he and his department may be used: else he is none until they may.
    pub enabled: bool,
}

impl From<UserRow> for AdministratorDocument {
    fn from(row: UserRow) -> Self {
        Self {
            user: row.id.to_string(),
            enabled: row.may_sign_in(),
            department: NamedDocument {
                id: row.user.department.to_string(),
                name: row.department.name,
            },
            name: row.user.name,
        }
    }
}

/// Who of the directory's users is a cloud administrator.
#[utoipa::path(get, path = "/directory/administrators", tag = "directory", responses(
    (status = 200, description = "All of them", body = AdministratorsDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not a cloud administrator", body = ProblemDocument),
))]
pub(in crate::api) async fn administrators(
    State(state): State<ApiState>,
) -> Result<axum::Json<AdministratorsDocument>, Problem> {
    let all = state.store.read(|it| it.administrators()).await?;
    let items = all.into_iter().map(Into::into).collect();
    Ok(axum::Json(AdministratorsDocument { items }))
}

/// Make a user a cloud administrator: here, and in every region by the role `admin` in the
/// federation's own project. He gets a new password with it, and his sessions end.
#[utoipa::path(put, path = "/directory/administrators/{id}", tag = "directory",
    params(("id" = String, Path, description = "The user's id")),
    request_body = UserPassword, responses(
    (status = 200, description = "He is one, with that password", body = PasswordDocument),
    (status = 400, description = "Not a password; the directory has no role `admin` yet; or \
        somebody else administers his department", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not a cloud administrator, or he himself",
        body = ProblemDocument),
    (status = 404, description = "No such user", body = ProblemDocument),
    (status = 409, description = "Another password was set at the same moment",
        body = ProblemDocument),
    (status = 503, description = "Too many passwords at once", body = ProblemDocument),
))]
pub(in crate::api) async fn appoint(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(id): Path<String>,
    Json(asked): Json<UserPassword>,
) -> Result<axum::Json<PasswordDocument>, Problem> {
    let id: ObjectId = id_of("id", &id)?;
    let act = Act::new(by(&who, source), "set-password").on("user", id, "");
    let tell = |problem: &Problem| audit::refused(&state, act.clone(), problem.kind().slug());
    let found = state.store.read(move |it| it.user_row(id)).await?;
    let row = found.ok_or_else(|| no_user(id)).inspect_err(tell)?;
    let chosen = Chosen {
        row: &row,
        password: asked.new.take(),
        act: act.clone().on("user", id, row.title()),
        how: How::Appointing(who.asker()),
    };
    let document = set(&state, chosen).await.inspect_err(tell)?;
    let (user, by, regions) = (row.title(), who.name(), document.regions);
    tracing::info!(target: "audit", action = "appoint", user, by, %source, regions);
    Ok(axum::Json(document))
}

/// Whether also the last one.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct DismissQuery {
    /// Also where no other user of the directory is one who may sign in; then the hub's own
    /// accounts alone are cloud administrators. Not unless given.
    #[serde(default)]
    last: bool,
}

/// Make a user no cloud administrator any more: here at once, with his sessions, and in every
/// region as soon as it is heard. He keeps his password, and what else he has.
#[utoipa::path(delete, path = "/directory/administrators/{id}", tag = "directory",
    params(("id" = String, Path, description = "The user's id"), DismissQuery), responses(
    (status = 204, description = "He is none any more"),
    (status = 400, description = "He is none, or the last one", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not a cloud administrator", body = ProblemDocument),
    (status = 404, description = "No such user", body = ProblemDocument),
))]
pub(in crate::api) async fn dismiss(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(id): Path<String>,
    Query(asked): Query<DismissQuery>,
) -> Result<StatusCode, Problem> {
    let dismissal = Edit::Dismiss {
        user: id_of("id", &id)?,
        even_the_last: asked.last,
    };
    edit(&state, &who, source, dismissal).await?;
    Ok(StatusCode::NO_CONTENT)
}
