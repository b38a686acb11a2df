//! What was retired: listed with what is left of it in each region, and purged on command.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::audit::Act;
use shared::ids::ObjectId;
use shared::model::{End, ObjectKind};
use utoipa::{IntoParams, ToSchema};

use super::access::Administrator;
use super::documents::NamedDocument;
use super::objects::id_of;
use crate::api::audit::{by, refused};
use crate::api::documents::Time;
use crate::api::extract::{Page, PageQuery, Path, Query, cursor};
use crate::api::problem::{Kind, Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::Source;
use crate::directory::{Left, Purging, Retired};
use crate::store::StoreError;
use crate::store::directory::{Heard, RetiredQuery};

/// Which of what was retired.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct RetiredList {
    /// How many are looked at, 1 to 1000; 100 unless given. A page may have fewer items, and go on
    /// all the same.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before; the first page without it.
    #[serde(default)]
    after: Option<String>,
    /// `project` or `department`; both without it.
    #[serde(default)]
    kind: Option<String>,
    /// Those with just this name.
    #[serde(default)]
    name: Option<String>,
}

/// A project or department that was retired, or was purged and is in a region all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetiredDocument {
    /// Its id.
    pub id: String,
    /// `project` or `department`.
    pub kind: String,
    /// What it is called in the regions.
    pub name: String,
    /// The department that a project belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<NamedDocument>,
    /// `retired`; `purging`, while regions delete it; `purged`, where it came up in a region again.
    pub state: String,
    /// When it was retired, or purged.
    pub since: Time,
    /// By whom.
    pub by: String,
    /// The federation's users, groups and roles that are deleted with a department.
    pub goes_along: InsideDocument,
    /// What is left of it, by region.
    pub regions: Vec<LeftDocument>,
    /// Why it can't be purged; absent where it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// What to do next.
    pub next_step: String,
}

/// What is left of it in a region, as its agent told. Heat's, Octavia's and other services' things
/// are not among it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftDocument {
    /// The region.
    pub region: String,
    /// When the region was last heard: the figures are as of then at the latest.
    pub heard: Time,
    /// Whether the region was heard since it was retired.
    pub is_fresh: bool,
    /// Whether the region has it.
    pub is_here: bool,
    /// Whether it is switched on there.
    pub is_on: bool,
    /// Servers in it.
    pub servers: u64,
    /// Volumes in it.
    pub volumes: u64,
    /// Networks in it.
    pub networks: u64,
    /// Floating IPs in it.
    pub floating_ips: u64,
    /// What of the region's organization is in it.
    pub inside: InsideDocument,
    /// Why the figures may not be all, or not be so any more; nothing is purged then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// `waiting`; `refused`; `ready`, where nothing was found in it, and it waits for the other
    /// regions; `purged`; or `lapsed`, where nobody did it while the word was good, or the hub was
    /// restored since. Absent where it was not told to purge it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purge: Option<String>,
    /// Until when the word to purge it is good. Absent where it lapsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub good_until: Option<Time>,
    /// What its agent says, if it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What of an organization is in a department.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InsideDocument {
    /// Projects.
    pub projects: u64,
    /// Users.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Roles.
    pub roles: u64,
}

/// What was retired, with what is left of it in each region, in the order of their ids.
#[utoipa::path(get, path = "/directory/retired", tag = "directory", params(RetiredList),
    responses(
    (status = 200, description = "Some of it", body = Page<RetiredDocument>),
    (status = 400, description = "A wrong limit, cursor or kind", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
))]
pub(in crate::api) async fn retired(
    State(state): State<ApiState>,
    _: Administrator,
    Query(asked): Query<RetiredList>,
) -> Result<axum::Json<Page<RetiredDocument>>, Problem> {
    let page = PageQuery::new(asked.limit, asked.after);
    let kind = match asked.kind.as_deref() {
        None => None,
        Some("project") => Some(ObjectKind::Project),
        Some("department") => Some(ObjectKind::Department),
        Some(other) => {
            let detail = format!("Nothing of the kind {other:?} is retired.");
            return Err(Problem::new(Kind::InvalidRequest, detail)
                .next_step("Ask for `project` or `department`."));
        }
    };
    let query = RetiredQuery {
        kind,
        name: asked.name,
        after: page.after()?,
        now: state.clock.unix_millis(),
        limit: page.limit()?,
    };
    let heard = heard(&state);
    let (counts, _turn) = state.counts().await;
    let found = state
        .store
        .read(move |it| it.retired(&query, &heard, &counts))
        .await?;
    Ok(axum::Json(Page {
        items: found.items.iter().map(RetiredDocument::from).collect(),
        next: found.next.map(|it| cursor(&it)),
    }))
}

/// One of it.
#[utoipa::path(get, path = "/directory/retired/{id}", tag = "directory",
    params(("id" = String, Path, description = "Its id")), responses(
    (status = 200, description = "It", body = RetiredDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "Nothing like it was retired", body = ProblemDocument),
))]
pub(in crate::api) async fn show_retired(
    State(state): State<ApiState>,
    _: Administrator,
    Path(id): Path<String>,
) -> Result<axum::Json<RetiredDocument>, Problem> {
    let found = one(&state, id_of("id", &id)?).await?;
    Ok(axum::Json((&found).into()))
}

/// Purge it: each merged region's agent asks its cloud once more what is in it, and once every one
/// says that nothing is, all delete it; a department's users, groups and roles of the federation go
/// then, too, and a project's application credentials, EC2 credentials and trusts. What is refused
/// is refused with numbers and regions. The word is good for seven days. Nothing brings it back.
#[utoipa::path(post, path = "/directory/retired/{id}/purge", tag = "directory",
    params(("id" = String, Path, description = "Its id")), responses(
    (status = 202, description = "Each region is told", body = RetiredDocument),
    (status = 400, description = "It is not empty, a region was not heard since it was retired, or \
        something has to be purged before it", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "Nothing like it was retired", body = ProblemDocument),
    (status = 409, description = "Too much is being purged", body = ProblemDocument),
))]
pub(in crate::api) async fn purge(
    State(state): State<ApiState>,
    who: Administrator,
    source: Source,
    Path(id): Path<String>,
) -> Result<(StatusCode, axum::Json<RetiredDocument>), Problem> {
    let id = id_of("id", &id)?;
    let seen = one(&state, id).await?;
    let by = by(&who.0, source);
    let (kind, name) = (seen.kind.name(), seen.name.clone());
    let attempt = Act::new(by.clone(), "purge").on(kind, id, name.as_str());
    let told = state.store.change(move |it| it.purge(&seen, &by)).await;
    told.map_err(Problem::from)
        .inspect_err(|problem| refused(&state, attempt, problem.kind().slug()))?;
    let by = who.name();
    tracing::info!(target: "audit", action = "purge", kind, %id, name, by, %source, "asked for");
    let now = one(&state, id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json((&now).into())))
}

/// Take back the word to purge it, where that is not done: it stays retired. What was deleted
/// already, once every region had agreed, stays deleted.
#[utoipa::path(delete, path = "/directory/retired/{id}/purge", tag = "directory",
    params(("id" = String, Path, description = "Its id")), responses(
    (status = 200, description = "Each region is told", body = RetiredDocument),
    (status = 400, description = "It is not being purged", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "Nothing like it was retired", body = ProblemDocument),
))]
pub(in crate::api) async fn cancel_purge(
    State(state): State<ApiState>,
    who: Administrator,
    source: Source,
    Path(id): Path<String>,
) -> Result<axum::Json<RetiredDocument>, Problem> {
    let id = id_of("id", &id)?;
    let seen = one(&state, id).await?;
    let by = by(&who.0, source);
    let kind = seen.kind;
    let attempt = Act::new(by.clone(), "cancel-purge").on(kind.name(), id, seen.name.as_str());
    let told = state
        .store
        .change(move |it| it.cancel_purge(kind, id, &by))
        .await;
    told.map_err(Problem::from)
        .inspect_err(|problem| refused(&state, attempt, problem.kind().slug()))?;
    let (action, kind, by) = ("cancel-purge", kind.name(), who.name());
    tracing::info!(target: "audit", action, kind, %id, by, %source, "asked for");
    Ok(axum::Json((&one(&state, id).await?).into()))
}

async fn one(state: &ApiState, id: ObjectId) -> Result<Retired, Problem> {
    let heard = heard(state);
    let (counts, _turn) = state.counts().await;
    let found = state
        .store
        .read(move |it| it.retired_one(id, &heard, &counts))
        .await?;
    found.ok_or_else(|| {
        let (what, name) = ("retired project or department", id.to_string());
        Problem::from(StoreError::Missing { what, name })
    })
}

/// When each region was last heard: one that is heard now, now.
fn heard(state: &ApiState) -> Heard {
    let all = state.board.regions("", usize::MAX);
    let now = state.clock.unix_millis();
    let heard = all.iter().map(|it| {
        let view = &it.view;
        let at = match view.online {
            true => now,
            false => view.facts.seen,
        };
        (view.no, at)
    });
    heard.collect()
}

impl From<&Retired> for RetiredDocument {
    fn from(it: &Retired) -> Self {
        let is_going = |it: &Left| !matches!(it.purge, Purging::NotTold | Purging::Lapsed);
        let is_purging = it.left.iter().any(is_going);
        let state = match (is_purging, it.how) {
            (true, _) => "purging",
            (false, End::Retired) => "retired",
            (false, End::Deleted) => "purged",
        };
        let department = it.department.as_ref().map(|(id, name)| NamedDocument {
            id: id.to_string(),
            name: name.clone(),
        });
        Self {
            id: it.id.to_string(),
            kind: it.kind.name().to_owned(),
            name: it.name.clone(),
            department,
            state: state.to_owned(),
            since: it.stamp.at.into(),
            by: it.stamp.author.clone(),
            goes_along: (&it.goes_along).into(),
            regions: it
                .left
                .iter()
                .map(|left| LeftDocument::new(it, left))
                .collect(),
            why_not: it.may_be_purged().err().map(|it| it.to_string()),
            next_step: it.next_step(),
        }
    }
}

impl LeftDocument {
    fn new(of: &Retired, it: &Left) -> Self {
        let here = it.here.unwrap_or_default();
        let (purge, why) = match &it.purge {
            Purging::NotTold => (None, None),
            Purging::Waiting => (Some("waiting"), None),
            Purging::Refused(why) => (Some("refused"), Some(why.clone())),
            Purging::Ready => (Some("ready"), None),
            Purging::Lapsed => (Some("lapsed"), None),
            Purging::Done => (Some("purged"), None),
        };
        Self {
            region: it.region.clone(),
            heard: it.heard.into(),
            is_fresh: it.heard > of.stamp.at,
            is_here: it.here.is_some(),
            is_on: here.is_on,
            servers: here.contents.servers,
            volumes: here.contents.volumes,
            networks: here.contents.networks,
            floating_ips: here.contents.floating_ips,
            inside: (&here.inside).into(),
            unread: it.unread.clone(),
            purge: purge.map(str::to_owned),
            good_until: it.good_until.map(Time::from),
            why,
        }
    }
}

impl From<&crate::directory::Inside> for InsideDocument {
    fn from(it: &crate::directory::Inside) -> Self {
        Self {
            projects: it.projects,
            users: it.users,
            groups: it.groups,
            roles: it.roles,
        }
    }
}
