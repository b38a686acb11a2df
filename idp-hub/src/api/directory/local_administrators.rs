//! Who has the role `admin` in a region's cloud, and not by the directory, as JSON.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Administrator;
use crate::api::extract::Path;
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::directory::LocalAdministrator;

/// Those that one answer names at most: a region may tell of any number.
const NAMED_MAX: usize = 1000;

/// Who has the role `admin` in a region's cloud, and not by the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocalAdministratorsDocument {
    /// The region.
    pub region: String,
    /// How many there are, the region's own accounts among them.
    pub count: u64,
    /// The first 1000, the region's own accounts behind the others.
    pub items: Vec<LocalAdministratorDocument>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocalAdministratorDocument {
    /// What the region's cloud calls him.
    pub here: String,
    /// His name there.
    pub name: String,
    /// His department's name there.
    pub department: String,
    /// His id in the directory; absent for whom that does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Whether he is the region's own, as accounts of its services are, and its own administrator.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// Where he has it: `project` or `department`. There may be more such places.
    pub scope_kind: String,
    /// What that is called there.
    pub scope: String,
    /// The group by which he has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl From<&LocalAdministrator> for LocalAdministratorDocument {
    fn from(it: &LocalAdministrator) -> Self {
        let (kind, scope) = &it.place;
        Self {
            here: it.here.to_string(),
            name: it.name.clone(),
            department: it.department.clone(),
            object: it.object.map(|it| it.to_string()),
            own: it.is_own,
            scope_kind: kind.name().to_owned(),
            scope: scope.clone(),
            group: it.group.clone(),
        }
    }
}

/// The first of them.
pub(super) fn documents(all: &[LocalAdministrator]) -> Vec<LocalAdministratorDocument> {
    all.iter().take(NAMED_MAX).map(Into::into).collect()
}

/// Who has the role `admin` in a region's cloud, and not by the directory: whoever is given it
/// there alone has power over that whole cloud, also where no drift is told of him, as he is none
/// of the directory's users.
#[utoipa::path(get, path = "/regions/{region}/organization/administrators", tag = "directory",
    params(("region" = String, Path, description = "The region's name")), responses(
    (status = 200, description = "Who has it", body = LocalAdministratorsDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
    (status = 409, description = "Its organization is not merged", body = ProblemDocument),
))]
pub(in crate::api) async fn local_administrators(
    State(state): State<ApiState>,
    _: Administrator,
    Path(region): Path<String>,
) -> Result<axum::Json<LocalAdministratorsDocument>, Problem> {
    let found = state.read_whole(move |it, directory| {
        let region = it.region_of_name(&region)?;
        it.must_be_merged(&region)?;
        let all = directory.local_administrators(&it.told(region.no)?);
        Ok(LocalAdministratorsDocument {
            region: region.facts.name,
            count: all.len() as u64,
            items: documents(&all),
        })
    });
    Ok(axum::Json(found.await?))
}
