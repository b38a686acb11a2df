//! The directory's things as JSON. Words are Keystone's, with "department" for its domain.

use serde::{Deserialize, Serialize};
use shared::ids::ObjectId;
use shared::model::{Actor, Link, Object, ObjectKind, Scope};
use utoipa::ToSchema;

use crate::api::documents::Time;
use crate::store::directory::{Known, Listed, Within};
use crate::store::users::UserRow;
use crate::store::{Reading, StoreError};

/// Something that is referred to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedDocument {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// As it is called.
impl AsRef<str> for NamedDocument {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

/// The department that something is in: within one alone a name is that of one thing of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DepartmentDocument {
    /// Its name.
    pub name: String,
    /// Its id in the directory; absent for one of a region alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// As it is called.
impl AsRef<str> for DepartmentDocument {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

/// Something that is referred to, with where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlacedDocument {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The department that it is in; absent for global roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentDocument>,
}

/// A department, project, user, group or role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectDocument {
    /// Its id, the federation's own: the same in every region, and under every hub.
    pub id: String,
    /// `department`, `project`, `user`, `group` or `role`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The department that it belongs to; absent for departments and global roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<NamedDocument>,
    /// The project that it is nested in: of projects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<NamedDocument>,
    /// What its administrator wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it may be used: of departments, projects and users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// A user's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A user's default project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_project: Option<PlacedDocument>,
    /// When it was last changed.
    pub changed: Time,
    /// By whom.
    pub changed_by: String,
    /// In the answer to making it: who administers it and has no password at this hub yet, and
    /// could have signed in with that of the region that he came with until it was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need_passwords: Vec<NeedsPasswordDocument>,
}

/// A user whom no region vouches for any more, as he administers what did not come with his.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NeedsPasswordDocument {
    /// His id.
    pub user: String,
    /// His name.
    pub name: String,
    /// His department.
    pub department: NamedDocument,
    /// The region that he came with.
    pub region: String,
}

impl From<&(UserRow, String)> for NeedsPasswordDocument {
    fn from((row, region): &(UserRow, String)) -> Self {
        Self {
            user: row.id.to_string(),
            name: row.user.name.clone(),
            department: NamedDocument {
                id: row.user.department.to_string(),
                name: row.department.name.clone(),
            },
            region: region.clone(),
        }
    }
}

/// A membership, an implication or an assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkDocument {
    /// Its id, which follows from what it links.
    pub id: String,
    /// `membership`, `implication` or `assignment`.
    pub kind: String,
    /// The user: of memberships, and of assignments to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<PlacedDocument>,
    /// The group: of memberships, and of assignments to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<PlacedDocument>,
    /// The role: of assignments, and of implications the one that brings the other along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<PlacedDocument>,
    /// The role that comes along: of implications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implied: Option<PlacedDocument>,
    /// The department in which it counts: of assignments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<NamedDocument>,
    /// The project in which it counts: of assignments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<PlacedDocument>,
    /// Whether it counts in the projects below instead: of assignments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited: Option<bool>,
    /// When it was made.
    pub changed: Time,
    /// By whom.
    pub changed_by: String,
}

/// What an id refers to, with its name.
fn named(
    reading: &Reading<'_>,
    kind: ObjectKind,
    id: ObjectId,
) -> Result<Option<NamedDocument>, StoreError> {
    // The directory has nothing that refers to what is not there.
    let object = reading.object(kind, id)?;
    Ok(Some(NamedDocument {
        id: id.to_string(),
        name: object.map_or_else(String::new, |it| it.name().to_owned()),
    }))
}

/// The same, with where it is.
fn placed(
    reading: &Reading<'_>,
    kind: ObjectKind,
    id: ObjectId,
) -> Result<Option<PlacedDocument>, StoreError> {
    let object = reading.object(kind, id)?;
    let department = reading.department_of(kind, id)?;
    Ok(Some(PlacedDocument {
        id: id.to_string(),
        name: object.map_or_else(String::new, |it| it.name().to_owned()),
        department: department.map(Into::into),
    }))
}

impl From<Within> for DepartmentDocument {
    fn from(it: Within) -> Self {
        Self {
            name: it.name,
            id: it.id.map(|it| it.to_string()),
        }
    }
}

impl ObjectDocument {
    pub(super) fn new(reading: &Reading<'_>, listed: &Listed<Known>) -> Result<Self, StoreError> {
        let (id, object) = &listed.what;
        let mut document = Self {
            id: id.to_string(),
            kind: object.kind().name().to_owned(),
            name: object.name().to_owned(),
            department: None,
            parent: None,
            description: None,
            enabled: None,
            email: None,
            default_project: None,
            changed: listed.stamp.at.into(),
            changed_by: listed.stamp.author.clone(),
            need_passwords: Vec::new(),
        };
        if let Some(department) = object.department() {
            document.department = named(reading, ObjectKind::Department, *department)?;
        }
        match object {
            Object::Department(it) => {
                document.description.clone_from(&it.description);
                document.enabled = Some(it.enabled);
            }
            Object::Project(it) => {
                document.description.clone_from(&it.description);
                document.enabled = Some(it.enabled);
                if let Some(outer) = it.parent {
                    document.parent = named(reading, ObjectKind::Project, outer)?;
                }
            }
            Object::User(it) => {
                document.description.clone_from(&it.description);
                document.enabled = Some(it.enabled);
                document.email.clone_from(&it.email);
                if let Some(home) = it.default_project {
                    document.default_project = placed(reading, ObjectKind::Project, home)?;
                }
            }
            Object::Group(it) => document.description.clone_from(&it.description),
            Object::Role(it) => document.description.clone_from(&it.description),
        }
        Ok(document)
    }
}

impl LinkDocument {
    pub(super) fn new(
        reading: &Reading<'_>,
        listed: &Listed<Link<ObjectId>>,
    ) -> Result<Self, StoreError> {
        let mut document = Self {
            id: listed.what.id().to_string(),
            kind: String::new(),
            user: None,
            group: None,
            role: None,
            implied: None,
            department: None,
            project: None,
            inherited: None,
            changed: listed.stamp.at.into(),
            changed_by: listed.stamp.author.clone(),
        };
        let placed = |kind, id| placed(reading, kind, id);
        match &listed.what {
            Link::Membership(it) => {
                "membership".clone_into(&mut document.kind);
                document.group = placed(ObjectKind::Group, it.group)?;
                document.user = placed(ObjectKind::User, it.user)?;
            }
            Link::Implication(it) => {
                "implication".clone_into(&mut document.kind);
                document.role = placed(ObjectKind::Role, it.prior)?;
                document.implied = placed(ObjectKind::Role, it.implied)?;
            }
            Link::Assignment(it) => {
                "assignment".clone_into(&mut document.kind);
                document.role = placed(ObjectKind::Role, it.role)?;
                document.inherited = Some(it.inherited);
                match it.actor {
                    Actor::User(id) => document.user = placed(ObjectKind::User, id)?,
                    Actor::Group(id) => document.group = placed(ObjectKind::Group, id)?,
                }
                match it.scope {
                    Scope::Department(id) => {
                        document.department = named(reading, ObjectKind::Department, id)?;
                    }
                    Scope::Project(id) => document.project = placed(ObjectKind::Project, id)?,
                }
            }
        }
        Ok(document)
    }
}
