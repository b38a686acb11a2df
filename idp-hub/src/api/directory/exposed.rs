//! Who has the role `admin` and is in somebody else's power in the regions' own Keystones.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::ids::ObjectId;
use utoipa::ToSchema;

use super::access::Administrator;
use super::documents::NamedDocument;
use crate::api::extract::{PageQuery, Query, cursor, key_in};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::directory::rights::{Exposure, Person};

/// Some of those who have the role `admin` and are of a department that somebody else administers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExposuresDocument {
    /// How many there are.
    pub count: u64,
    /// Some of them.
    pub items: Vec<ExposureDocument>,
    /// What to ask for the next page with, as `after`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExposureDocument {
    /// Who has the role `admin` somewhere.
    pub user: PersonDocument,
    /// Whether he is a cloud administrator of the federation's, in every region.
    pub cloud_administrator: bool,
    /// Who else administers his department, and so sets his password in a region's own Keystone:
    /// five at most.
    pub by: Vec<PersonDocument>,
    /// How many more do.
    pub more: u64,
}

/// A user and his department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonDocument {
    /// His id.
    pub id: String,
    /// His name.
    pub name: String,
    /// His department.
    pub department: NamedDocument,
}

impl From<&Exposure> for ExposureDocument {
    fn from(it: &Exposure) -> Self {
        Self {
            user: (&it.user).into(),
            cloud_administrator: it.is_appointed,
            by: it.by.iter().map(Into::into).collect(),
            more: it.more,
        }
    }
}

impl From<&Person> for PersonDocument {
    fn from(it: &Person) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            department: NamedDocument {
                id: it.department.to_string(),
                name: it.home.clone(),
            },
        }
    }
}

/// Who has the role `admin` and is of a department that somebody else administers. A region's own
/// Keystone lets that one set his password, so that he could be him there.
#[utoipa::path(get, path = "/directory/exposures", tag = "directory", params(PageQuery), responses(
    (status = 200, description = "Some of them", body = ExposuresDocument),
    (status = 400, description = "A wrong limit or cursor", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not a cloud administrator", body = ProblemDocument),
))]
pub(in crate::api) async fn exposures(
    State(state): State<ApiState>,
    _: Administrator,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<ExposuresDocument>, Problem> {
    let (limit, after) = (page.limit()? as usize, page.after()?);
    let after = behind(&after)?;
    // One more tells whether there are more.
    let found = state
        .read_whole(move |_, directory| Ok(directory.exposed(after, limit.saturating_add(1))))
        .await?;
    let items = found.some.iter().take(limit);
    let last = items.clone().next_back();
    let last = last.filter(|_| found.some.len() > limit);
    Ok(axum::Json(ExposuresDocument {
        count: found.count,
        next: last.map(|it| cursor(&it.user.id.to_bytes())),
        items: items.map(Into::into).collect(),
    }))
}

/// Behind whom a page begins; `None` is the first.
fn behind(after: &[u8]) -> Result<Option<ObjectId>, Problem> {
    Ok(key_in(after)?.map(ObjectId::from_bytes))
}
