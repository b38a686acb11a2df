//! One thing of the directory that has a name, whatever its kind.

use shared::ids::ObjectId;
use shared::model::{Department, Group, ObjectKind, Organization, Project, Role, User};

/// A department, project, user, group or role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A department.
    Department(Department),
    /// A project.
    Project(Project<ObjectId>),
    /// A user.
    User(User<ObjectId>),
    /// A group.
    Group(Group<ObjectId>),
    /// A role.
    Role(Role<ObjectId>),
}

impl Object {
    /// What it is.
    pub const fn kind(&self) -> ObjectKind {
        match self {
            Self::Department(_) => ObjectKind::Department,
            Self::Project(_) => ObjectKind::Project,
            Self::User(_) => ObjectKind::User,
            Self::Group(_) => ObjectKind::Group,
            Self::Role(_) => ObjectKind::Role,
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Department(it) => &it.name,
            Self::Project(it) => &it.name,
            Self::User(it) => &it.name,
            Self::Group(it) => &it.name,
            Self::Role(it) => &it.name,
        }
    }

    /// Puts it into an organization, in place of what has its id.
    pub(super) fn insert_into(self, into: &mut Organization<ObjectId>, id: ObjectId) {
        match self {
            Self::Department(it) => drop(into.departments.insert(id, it)),
            Self::Project(it) => drop(into.projects.insert(id, it)),
            Self::User(it) => drop(into.users.insert(id, it)),
            Self::Group(it) => drop(into.groups.insert(id, it)),
            Self::Role(it) => drop(into.roles.insert(id, it)),
        }
    }

    /// Takes what has this id out of an organization.
    pub(super) fn take_from(
        from: &mut Organization<ObjectId>,
        kind: ObjectKind,
        id: ObjectId,
    ) -> Option<Self> {
        Some(match kind {
            ObjectKind::Department => Self::Department(from.departments.remove(&id)?),
            ObjectKind::Project => Self::Project(from.projects.remove(&id)?),
            ObjectKind::User => Self::User(from.users.remove(&id)?),
            ObjectKind::Group => Self::Group(from.groups.remove(&id)?),
            ObjectKind::Role => Self::Role(from.roles.remove(&id)?),
        })
    }
}
