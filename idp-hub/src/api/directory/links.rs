//! Memberships, implications, assignments: listed, made, taken away.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::ids::ObjectId;
use shared::model::{Actor, Assignment, CloudId, Implication, Link, Membership, RecordKind, Scope};
use shared::wire::record;
use utoipa::ToSchema;

use super::documents::LinkDocument;
use super::objects::{edit, id_of};
use crate::api::extract::{Json, Page, PageQuery, Path, Query, cursor};
use crate::api::problem::{Kind, Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::{Source, Who};
use crate::directory::Edit;

/// Who is to be in which group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct MembershipRequest {
    /// The group's id.
    group: String,
    /// The user's id.
    user: String,
    /// Also where somebody who has the role `admin` comes to be in the power of whoever administers
    /// his department, in the regions' own Keystones: for cloud administrators.
    #[serde(default)]
    entrust: bool,
}

/// Which role is to come with which.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ImplicationRequest {
    /// The id of the role that brings the other along.
    role: String,
    /// The id of the role that comes along.
    implied: String,
    /// Also where somebody who has the role `admin` comes to be in the power of whoever administers
    /// his department, in the regions' own Keystones: for cloud administrators.
    #[serde(default)]
    entrust: bool,
}

/// Who is to have which role where: one of user and group, and one of department and project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct AssignmentRequest {
    /// The user's id.
    #[serde(default)]
    user: Option<String>,
    /// The group's id.
    #[serde(default)]
    group: Option<String>,
    /// The role's id.
    role: String,
    /// The id of the department in which it counts.
    #[serde(default)]
    department: Option<String>,
    /// The id of the project in which it counts.
    #[serde(default)]
    project: Option<String>,
    /// It counts in the projects below instead (Keystone: OS-INHERIT).
    #[serde(default)]
    inherited: bool,
    /// Also where somebody who has the role `admin` comes to be in the power of whoever administers
    /// his department, in the regions' own Keystones: for cloud administrators.
    #[serde(default)]
    entrust: bool,
}

/// What is asked for, as an edit.
trait Asked {
    fn edit(&self) -> Result<Edit, Problem>;
}

fn given(link: Link<ObjectId>, entrust: bool) -> Edit {
    match entrust {
        true => Edit::Entrust(link),
        false => Edit::Link(link),
    }
}

impl Asked for MembershipRequest {
    fn edit(&self) -> Result<Edit, Problem> {
        let link = Link::Membership(Membership {
            group: id_of("group", &self.group)?,
            user: id_of("user", &self.user)?,
        });
        Ok(given(link, self.entrust))
    }
}

impl Asked for ImplicationRequest {
    fn edit(&self) -> Result<Edit, Problem> {
        let link = Link::Implication(Implication {
            prior: id_of("role", &self.role)?,
            implied: id_of("implied", &self.implied)?,
        });
        Ok(given(link, self.entrust))
    }
}

impl Asked for AssignmentRequest {
    fn edit(&self) -> Result<Edit, Problem> {
        let actor = match (&self.user, &self.group) {
            (Some(user), None) => Actor::User(id_of("user", user)?),
            (None, Some(group)) => Actor::Group(id_of("group", group)?),
            _ => return Err(one_of("user", "group")),
        };
        let scope = match (&self.department, &self.project) {
            (Some(it), None) => Scope::Department(id_of("department", it)?),
            (None, Some(it)) => Scope::Project(id_of("project", it)?),
            _ => return Err(one_of("department", "project")),
        };
        let link = Link::Assignment(Assignment {
            actor,
            scope,
            role: id_of("role", &self.role)?,
            inherited: self.inherited,
        });
        Ok(given(link, self.entrust))
    }
}

fn one_of(one: &str, other: &str) -> Problem {
    let detail = format!("An assignment has one of `{one}` and `{other}`.");
    Problem::new(Kind::InvalidRequest, detail).next_step("Give just one of them.")
}

async fn page(
    state: &ApiState,
    who: &Who,
    kind: RecordKind,
    asked: &PageQuery,
) -> Result<axum::Json<Page<LinkDocument>>, Problem> {
    let (limit, after) = (asked.limit()?, asked.after()?);
    let page = state.read_as(who.asker(), move |it, sight| {
        let page = it.links_seen(kind, (&after, limit), |link| sight.sees_link(link))?;
        let items = page.items.iter().map(|one| LinkDocument::new(it, one));
        Ok(Page {
            items: items.collect::<Result<_, _>>()?,
            next: page.next.map(|id| cursor(&id)),
        })
    });
    Ok(axum::Json(page.await?))
}

async fn remove(
    state: &ApiState,
    who: &Who,
    source: Source,
    (kind, text): (RecordKind, String),
) -> Result<StatusCode, Problem> {
    let none = || {
        let detail = format!("The directory has no {} {text:?}.", kind.name());
        let word = kind.name();
        let next =
            format!("List them: `idp-hub org list {word}s`, or GET /api/v1/directory/{word}s.");
        Problem::new(Kind::NotFound, detail).next_step(next)
    };
    let id = record::encode_id(&CloudId::new(&text)).map_err(|_| none())?;
    let found = state.store.read(move |it| it.link(kind, &id)).await?;
    let link = found.ok_or_else(none)?;
    edit(state, who, source, Edit::Unlink(link)).await?;
    Ok(StatusCode::NO_CONTENT)
}

macro_rules! links {
    ($($kind:ident at $path:literal, $one:literal:
        $(#[$list_doc:meta])* $list:ident;
        $(#[$make_doc:meta])* $make:ident($request:ident);
        $(#[$remove_doc:meta])* $remove:ident.)*) => {
        $(
            $(#[$list_doc])*
            #[utoipa::path(get, path = $path, tag = "directory", params(PageQuery), responses(
                (status = 200, description = "Some of them", body = Page<LinkDocument>),
                (status = 400, description = "A wrong limit or cursor", body = ProblemDocument),
                (status = 401, description = "Nobody is signed in", body = ProblemDocument),
            ))]
            pub(in crate::api) async fn $list(
                State(state): State<ApiState>,
                who: Who,
                Query(asked): Query<PageQuery>,
            ) -> Result<axum::Json<Page<LinkDocument>>, Problem> {
                page(&state, &who, RecordKind::$kind, &asked).await
            }

            $(#[$make_doc])*
            #[utoipa::path(post, path = $path, tag = "directory", request_body = $request,
                responses(
                (status = 204, description = "It is so, now or before"),
                (status = 400, description = "No Keystone would take it; or somebody who has the \
                    role `admin` would be in another one's power by it", body = ProblemDocument),
                (status = 401, description = "Nobody is signed in", body = ProblemDocument),
                (status = 403, description = "Not in what he administers, or more than he has",
                    body = ProblemDocument),
                (status = 404, description = "An end of it is not there", body = ProblemDocument),
                (status = 409, description = "An end of it has ended", body = ProblemDocument),
            ))]
            pub(in crate::api) async fn $make(
                State(state): State<ApiState>,
                who: Who,
                source: Source,
                Json(asked): Json<$request>,
            ) -> Result<StatusCode, Problem> {
                edit(&state, &who, source, asked.edit()?).await?;
                Ok(StatusCode::NO_CONTENT)
            }

            $(#[$remove_doc])*
            #[utoipa::path(delete, path = $one, tag = "directory",
                params(("id" = String, Path, description = "Its id, as in the list")), responses(
                (status = 204, description = "Taken away"),
                (status = 401, description = "Nobody is signed in", body = ProblemDocument),
                (status = 403, description = "Not in what he administers", body = ProblemDocument),
                (status = 404, description = "There is none", body = ProblemDocument),
            ))]
            pub(in crate::api) async fn $remove(
                State(state): State<ApiState>,
                who: Who,
                source: Source,
                Path(id): Path<String>,
            ) -> Result<StatusCode, Problem> {
                remove(&state, &who, source, (RecordKind::$kind, id)).await
            }
        )*
    };
}

links! {
    Membership at "/directory/memberships", "/directory/memberships/{id}":
        /// Who is in which group.
        memberships;
        /// Put a user into a group.
        add_member(MembershipRequest);
        /// Take a user out of a group.
        remove_member.
    Implication at "/directory/implications", "/directory/implications/{id}":
        /// Which role comes with which.
        implications;
        /// Have a role bring another one along.
        imply(ImplicationRequest);
        /// Have a role bring another one along no more.
        remove_implication.
    Assignment at "/directory/assignments", "/directory/assignments/{id}":
        /// Who has which role where.
        assignments;
        /// Give somebody a role somewhere.
        assign(AssignmentRequest);
        /// Take a role away.
        remove_assignment.
}
