//! Departments, projects, users, groups, roles: listed, made, changed, ended.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};
use shared::ids::ObjectId;
use shared::model::{Department, Group, Object, ObjectKind, Project, Role, User};
use shared::runtime::errors::chain;
use utoipa::{IntoParams, ToSchema};

use super::documents::ObjectDocument;
use crate::api::audit::{by, refused};
use crate::api::extract::{Json, Page, PageQuery, Path, Query, cursor};
use crate::api::problem::{Kind, Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::{Source, Who};
use crate::directory::rights::Action;
use crate::directory::{Edit, Patch};
use crate::store::audit::attempted;
use crate::store::{Changing, StoreError};

/// Which of a kind.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ListQuery {
    /// How many items, 1 to 1000; 100 unless given.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before; the first page without it.
    #[serde(default)]
    after: Option<String>,
    /// Those with just this name.
    #[serde(default)]
    name: Option<String>,
}

/// What is to be made. Ids are the directory's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ObjectRequest {
    /// Its name.
    name: String,
    /// The department that it is to belong to; without it a role is a global one.
    #[serde(default)]
    department: Option<String>,
    /// The project that it is to be nested in: of projects.
    #[serde(default)]
    parent: Option<String>,
    /// What its administrator writes.
    #[serde(default)]
    description: Option<String>,
    /// Whether it may be used; so it may unless said otherwise. Of departments, projects and users.
    #[serde(default)]
    enabled: Option<bool>,
    /// A user's address.
    #[serde(default)]
    email: Option<String>,
    /// A user's default project.
    #[serde(default)]
    default_project: Option<String>,
}

/// What of it is to be another; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ObjectChange {
    /// The new name.
    #[serde(default)]
    name: Option<String>,
    /// The new description; `null` for none, which differs from an empty one.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// Whether it may be used: of departments, projects and users.
    #[serde(default)]
    enabled: Option<bool>,
    /// A user's new address; likewise.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    /// The id of a user's new default project; an empty one for none.
    #[serde(default)]
    default_project: Option<String>,
}

/// What the directory has of a kind, in the order of their ids.
#[utoipa::path(get, path = "/directory/{kind}", tag = "directory",
    params(("kind" = String, Path,
        description = "`departments`, `projects`, `users`, `groups` or `roles`"), ListQuery),
    responses(
    (status = 200, description = "Some of them", body = Page<ObjectDocument>),
    (status = 400, description = "A wrong limit or cursor", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such kind", body = ProblemDocument),
))]
pub(in crate::api) async fn list(
    State(state): State<ApiState>,
    who: Who,
    Path(kind): Path<String>,
    Query(asked): Query<ListQuery>,
) -> Result<axum::Json<Page<ObjectDocument>>, Problem> {
    let kind = kind_of(&kind)?;
    let ListQuery { limit, after, name } = asked;
    let page = PageQuery::new(limit, after);
    let (limit, after) = (page.limit()?, page.after()?);
    let page = state.read_as(who.asker(), move |it, sight| {
        let page = it.objects_seen(kind, (&after, limit), |id, object| {
            let is_wanted = name.as_deref().is_none_or(|name| object.name() == name);
            is_wanted && sight.sees_object(id, object)
        })?;
        let items = page.items.iter().map(|one| ObjectDocument::new(it, one));
        Ok(Page {
            items: items.collect::<Result<_, _>>()?,
            next: page.next.map(|id| cursor(&id)),
        })
    });
    Ok(axum::Json(page.await?))
}

/// Make a department, project, user, group or role: in every region, as soon as it is heard.
#[utoipa::path(post, path = "/directory/{kind}", tag = "directory",
    params(("kind" = String, Path,
        description = "`departments`, `projects`, `users`, `groups` or `roles`")),
    request_body = ObjectRequest, responses(
    (status = 201, description = "Made", body = ObjectDocument),
    (status = 400, description = "No Keystone would take it", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not in what he administers", body = ProblemDocument),
    (status = 404, description = "No such kind, or nothing that it refers to",
        body = ProblemDocument),
    (status = 409, description = "The name is taken", body = ProblemDocument),
))]
pub(in crate::api) async fn create(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(kind): Path<String>,
    Json(asked): Json<ObjectRequest>,
) -> Result<(StatusCode, axum::Json<ObjectDocument>), Problem> {
    let kind = kind_of(&kind)?;
    let object = asked.object(kind)?;
    let id = ObjectId::from_random(rand::random());
    let create = Edit::Create { id, object };
    let before = edit_and(&state, &who, source, create, move |it| {
        it.administrators_of_new((kind, id))
    });
    let before = before.await?;
    let mut made = found(&state, &who, kind, id).await?;
    if !before.is_empty() {
        let unvouched = state.store.read(move |it| it.no_more_vouched(before));
        match unvouched.await {
            Ok(all) => made.need_passwords = all.iter().map(Into::into).collect(),
            // It is made, whatever comes of the look.
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::warn!(
                    error,
                    "whose passwords no region says any more is not looked at"
                );
            }
        }
    }
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// One of them.
#[utoipa::path(get, path = "/directory/{kind}/{id}", tag = "directory",
    params(("kind" = String, Path, description = "As in the list"),
        ("id" = String, Path, description = "Its id")), responses(
    (status = 200, description = "The thing", body = ObjectDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such thing", body = ProblemDocument),
))]
pub(in crate::api) async fn show(
    State(state): State<ApiState>,
    who: Who,
    Path((kind, id)): Path<(String, String)>,
) -> Result<axum::Json<ObjectDocument>, Problem> {
    let (kind, id) = (kind_of(&kind)?, id_of("id", &id)?);
    found(&state, &who, kind, id).await.map(axum::Json)
}

/// Change one of them. Its department and its outer project stay: no Keystone moves anything.
#[utoipa::path(patch, path = "/directory/{kind}/{id}", tag = "directory",
    params(("kind" = String, Path, description = "As in the list"),
        ("id" = String, Path, description = "Its id")),
    request_body = ObjectChange, responses(
    (status = 200, description = "As it is now", body = ObjectDocument),
    (status = 400, description = "No Keystone would take it", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not in what he administers", body = ProblemDocument),
    (status = 404, description = "No such thing", body = ProblemDocument),
    (status = 409, description = "The name is taken, or it has ended", body = ProblemDocument),
))]
pub(in crate::api) async fn update(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path((kind, id)): Path<(String, String)>,
    Json(asked): Json<ObjectChange>,
) -> Result<axum::Json<ObjectDocument>, Problem> {
    let (kind, id) = (kind_of(&kind)?, id_of("id", &id)?);
    let default_project = match asked.default_project.as_deref() {
        None => None,
        Some("") => Some(None),
        Some(text) => Some(Some(id_of("default_project", text)?)),
    };
    let patch = Patch {
        name: asked.name,
        description: asked.description,
        enabled: asked.enabled,
        email: asked.email,
        default_project,
    };
    edit(&state, &who, source, Edit::Update { kind, id, patch }).await?;
    found(&state, &who, kind, id).await.map(axum::Json)
}

/// End one of them. A user, group or role is deleted in every region; a department or project is
/// retired with what is in it: of no new use, and its resources stay where they are.
#[utoipa::path(delete, path = "/directory/{kind}/{id}", tag = "directory",
    params(("kind" = String, Path, description = "As in the list"),
        ("id" = String, Path, description = "Its id")), responses(
    (status = 204, description = "Ended"),
    (status = 400, description = "Nothing would work without it", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not in what he administers", body = ProblemDocument),
    (status = 404, description = "No such thing", body = ProblemDocument),
    (status = 409, description = "It has ended before", body = ProblemDocument),
))]
pub(in crate::api) async fn end(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path((kind, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (kind, id) = (kind_of(&kind)?, id_of("id", &id)?);
    edit(&state, &who, source, Edit::End { kind, id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl ObjectRequest {
    fn object(self, kind: ObjectKind) -> Result<Object<ObjectId>, Problem> {
        self.is_of(kind)?;
        let id = |what, text: Option<&String>| text.map(|it| id_of(what, it)).transpose();
        let department = id("department", self.department.as_ref())?;
        let parent = id("parent", self.parent.as_ref())?;
        let default_project = id("default_project", self.default_project.as_ref())?;
        let (name, description) = (self.name, self.description);
        let enabled = self.enabled.unwrap_or(true);
        let of = |department: Option<ObjectId>| {
            department.ok_or_else(|| {
                let detail = format!("A {} belongs to a department.", kind.name());
                Problem::new(Kind::InvalidRequest, detail).next_step("Give its id as `department`.")
            })
        };
        Ok(match kind {
            ObjectKind::Department => Object::Department(Department {
                name,
                description,
                enabled,
            }),
            ObjectKind::Project => Object::Project(Project {
                department: of(department)?,
                parent,
                name,
                description,
                enabled,
            }),
            ObjectKind::User => Object::User(User {
                department: of(department)?,
                name,
                description,
                email: self.email,
                enabled,
                default_project,
            }),
            ObjectKind::Group => Object::Group(Group {
                department: of(department)?,
                name,
                description,
            }),
            ObjectKind::Role => Object::Role(Role {
                department,
                name,
                description,
            }),
        })
    }

    /// A field that the kind does not have was meant for something.
    fn is_of(&self, kind: ObjectKind) -> Result<(), Problem> {
        use ObjectKind::{Department, Group, Project, Role, User};
        let given = [
            (
                "department",
                self.department.is_some(),
                &[Project, User, Group, Role][..],
            ),
            ("parent", self.parent.is_some(), &[Project]),
            (
                "enabled",
                self.enabled.is_some(),
                &[Department, Project, User],
            ),
            ("email", self.email.is_some(), &[User]),
            ("default_project", self.default_project.is_some(), &[User]),
        ];
        let mut stray = given
            .iter()
            .filter(|(_, is_given, of)| *is_given && !of.contains(&kind));
        match stray.next() {
            None => Ok(()),
            Some((field, ..)) => {
                let detail = format!("A {} has no `{field}`.", kind.name());
                Err(Problem::new(Kind::InvalidRequest, detail).next_step("Leave it out."))
            }
        }
    }
}

/// What he may not see is not there.
async fn found(
    state: &ApiState,
    who: &Who,
    kind: ObjectKind,
    id: ObjectId,
) -> Result<ObjectDocument, Problem> {
    let found = state.read_as(who.asker(), move |it, sight| {
        let listed = it.listed_object(kind, id)?;
        let listed = listed.filter(|it| sight.sees_object(it.what.0, &it.what.1));
        listed.map(|one| ObjectDocument::new(it, &one)).transpose()
    });
    found.await?.ok_or_else(|| {
        let detail = format!("The directory has no {} {id}.", kind.name());
        let word = kind.name();
        let next =
            format!("List them: `idp-hub org list {word}s`, or GET /api/v1/directory/{word}s.");
        Problem::new(Kind::NotFound, detail).next_step(next)
    })
}

/// Makes a change, if he may, and tells the audit of it.
pub(in crate::api) async fn edit(
    state: &ApiState,
    who: &Who,
    source: Source,
    edit: Edit,
) -> Result<(), Problem> {
    edit_and(state, who, source, edit, |_| Ok(())).await
}

/// The same, and what is asked of the directory as it is then.
async fn edit_and<T: Send + 'static>(
    state: &ApiState,
    who: &Who,
    source: Source,
    edit: Edit,
    question: impl FnOnce(&mut Changing<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    let (by, asker) = (by(who, source), who.asker());
    let attempt = attempted(&edit, by.clone());
    let (action, about) = (attempt.action.clone(), attempt.subject.clone());
    let made = state.store.change(move |it| {
        it.permit(asker, Action::Edit(&edit))?;
        let delta = it.edit_by(edit, &by)?;
        Ok((delta, question(it)?))
    });
    let made = made
        .await
        .map_err(Problem::from)
        .inspect_err(|problem| refused(state, attempt, problem.kind().slug()));
    let (delta, answer) = made?;
    let changed = !delta.is_empty();
    let (by, kind, id, name) = (who.name(), about.kind, about.id, about.name);
    tracing::info!(target: "audit", action, kind, id, name, by, %source, changed, "asked for");
    Ok(answer)
}

/// A field that is there: `Some(None)` where it is `null`.
fn given<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(field).map(Some)
}

fn kind_of(word: &str) -> Result<ObjectKind, Problem> {
    let mut all = ObjectKind::ALL.into_iter();
    let found = all.find(|it| word.strip_suffix('s') == Some(it.name()));
    found.ok_or_else(|| {
        let detail = format!("The directory has no {word:?}.");
        Problem::new(Kind::NotFound, detail)
            .next_step("Ask for departments, projects, users, groups or roles.")
    })
}

pub(in crate::api) fn id_of(what: &str, text: &str) -> Result<ObjectId, Problem> {
    text.parse().map_err(|error| {
        Problem::new(Kind::InvalidRequest, format!("{what}: {error}."))
            .next_step("Give the id that the directory's lists show.")
    })
}
