//! One thing of an organization that has a name, and one link between two, whatever their kind.

use std::fmt::Display;

use super::{
    Actor, Assignment, CloudId, Department, Group, Implication, Membership, ObjectKind,
    Organization, Project, RecordKind, Role, Scope, User,
};

/// A department, project, user, group or role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object<I> {
    /// A department.
    Department(Department),
    /// A project.
    Project(Project<I>),
    /// A user.
    User(User<I>),
    /// A group.
    Group(Group<I>),
    /// A role.
    Role(Role<I>),
}

/// A link between things of an organization.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link<I> {
    /// A user is in a group.
    Membership(Membership<I>),
    /// A role comes with another one.
    Implication(Implication<I>),
    /// Somebody has a role somewhere.
    Assignment(Assignment<I>),
}

/// How a thing of the directory ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// Deleted: a user, group or role, gone from every region.
    Deleted,
    /// Retired: a department or project, of no new use; its resources stay where they are.
    Retired,
}

impl<I> Object<I> {
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

    /// The department that it belongs to, if it belongs to one.
    pub const fn department(&self) -> Option<&I> {
        match self {
            Self::Department(_) => None,
            Self::Project(it) => Some(&it.department),
            Self::User(it) => Some(&it.department),
            Self::Group(it) => Some(&it.department),
            Self::Role(it) => it.department.as_ref(),
        }
    }
}

impl<I: Display> Link<I> {
    /// The id of its record, which follows from what it links.
    pub fn id(&self) -> CloudId {
        match self {
            Self::Membership(it) => it.id(),
            Self::Implication(it) => it.id(),
            Self::Assignment(it) => it.id(),
        }
    }
}

impl<I> Link<I> {
    /// The kind of its record.
    pub const fn kind(&self) -> RecordKind {
        match self {
            Self::Membership(_) => RecordKind::Membership,
            Self::Implication(_) => RecordKind::Implication,
            Self::Assignment(_) => RecordKind::Assignment,
        }
    }

    /// Both ends, or the three of an assignment, each with its kind: group and user; the role that
    /// implies and the implied one; actor, scope and role.
    pub fn ends(&self) -> impl Iterator<Item = (ObjectKind, &I)> {
        let (ends, third) = match self {
            Self::Membership(it) => (
                [(ObjectKind::Group, &it.group), (ObjectKind::User, &it.user)],
                None,
            ),
            Self::Implication(it) => (
                [
                    (ObjectKind::Role, &it.prior),
                    (ObjectKind::Role, &it.implied),
                ],
                None,
            ),
            Self::Assignment(it) => {
                let actor = match &it.actor {
                    Actor::User(id) => (ObjectKind::User, id),
                    Actor::Group(id) => (ObjectKind::Group, id),
                };
                let scope = match &it.scope {
                    Scope::Department(id) => (ObjectKind::Department, id),
                    Scope::Project(id) => (ObjectKind::Project, id),
                };
                ([actor, scope], Some((ObjectKind::Role, &it.role)))
            }
        };
        ends.into_iter().chain(third)
    }

    /// The same by other ids; `None` where an end has none.
    pub fn translated<J>(&self, id: impl Fn(ObjectKind, &I) -> Option<J>) -> Option<Link<J>> {
        Some(match self {
            Self::Membership(it) => Link::Membership(it.translated(id)?),
            Self::Implication(it) => Link::Implication(it.translated(id)?),
            Self::Assignment(it) => Link::Assignment(it.translated(id)?),
        })
    }
}

impl<I: Ord + Clone> Organization<I> {
    /// Puts a thing in, in place of what has its id.
    pub fn insert(&mut self, id: I, object: Object<I>) {
        match object {
            Object::Department(it) => drop(self.departments.insert(id, it)),
            Object::Project(it) => drop(self.projects.insert(id, it)),
            Object::User(it) => drop(self.users.insert(id, it)),
            Object::Group(it) => drop(self.groups.insert(id, it)),
            Object::Role(it) => drop(self.roles.insert(id, it)),
        }
    }

    /// Takes out what has this id.
    pub fn take(&mut self, kind: ObjectKind, id: &I) -> Option<Object<I>> {
        Some(match kind {
            ObjectKind::Department => Object::Department(self.departments.remove(id)?),
            ObjectKind::Project => Object::Project(self.projects.remove(id)?),
            ObjectKind::User => Object::User(self.users.remove(id)?),
            ObjectKind::Group => Object::Group(self.groups.remove(id)?),
            ObjectKind::Role => Object::Role(self.roles.remove(id)?),
        })
    }

    /// A copy of what has this id.
    pub fn object(&self, kind: ObjectKind, id: &I) -> Option<Object<I>> {
        Some(match kind {
            ObjectKind::Department => Object::Department(self.departments.get(id)?.clone()),
            ObjectKind::Project => Object::Project(self.projects.get(id)?.clone()),
            ObjectKind::User => Object::User(self.users.get(id)?.clone()),
            ObjectKind::Group => Object::Group(self.groups.get(id)?.clone()),
            ObjectKind::Role => Object::Role(self.roles.get(id)?.clone()),
        })
    }

    /// Whether something of this kind has this id.
    pub fn has(&self, kind: ObjectKind, id: &I) -> bool {
        match kind {
            ObjectKind::Department => self.departments.contains_key(id),
            ObjectKind::Project => self.projects.contains_key(id),
            ObjectKind::User => self.users.contains_key(id),
            ObjectKind::Group => self.groups.contains_key(id),
            ObjectKind::Role => self.roles.contains_key(id),
        }
    }

    /// Puts a link in.
    pub fn link(&mut self, link: Link<I>) {
        match link {
            Link::Membership(it) => drop(self.memberships.insert(it)),
            Link::Implication(it) => drop(self.implications.insert(it)),
            Link::Assignment(it) => drop(self.assignments.insert(it)),
        }
    }

    /// Takes a link out.
    pub fn unlink(&mut self, link: &Link<I>) {
        match link {
            Link::Membership(it) => drop(self.memberships.remove(it)),
            Link::Implication(it) => drop(self.implications.remove(it)),
            Link::Assignment(it) => drop(self.assignments.remove(it)),
        }
    }

    /// Whether a link is there.
    pub fn has_link(&self, link: &Link<I>) -> bool {
        match link {
            Link::Membership(it) => self.memberships.contains(it),
            Link::Implication(it) => self.implications.contains(it),
            Link::Assignment(it) => self.assignments.contains(it),
        }
    }

    /// A copy of each link.
    pub fn links(&self) -> impl Iterator<Item = Link<I>> {
        let memberships = self.memberships.iter().cloned().map(Link::Membership);
        let implications = self.implications.iter().cloned().map(Link::Implication);
        let assignments = self.assignments.iter().cloned().map(Link::Assignment);
        memberships.chain(implications).chain(assignments)
    }
}

impl<I> Object<I> {
    /// The same by other ids: `None` where the department or the outer project has none. A default
    /// project that has none is left out, as nothing depends on it.
    pub fn translated<J>(&self, id: impl Fn(ObjectKind, &I) -> Option<J>) -> Option<Object<J>> {
        Some(match self {
            Self::Department(it) => Object::Department(it.clone()),
            Self::Project(it) => Object::Project(Project {
                department: id(ObjectKind::Department, &it.department)?,
                parent: match &it.parent {
                    Some(outer) => Some(id(ObjectKind::Project, outer)?),
                    None => None,
                },
                name: it.name.clone(),
                description: it.description.clone(),
                enabled: it.enabled,
            }),
            Self::User(it) => Object::User(User {
                department: id(ObjectKind::Department, &it.department)?,
                name: it.name.clone(),
                description: it.description.clone(),
                email: it.email.clone(),
                enabled: it.enabled,
                default_project: it
                    .default_project
                    .as_ref()
                    .and_then(|it| id(ObjectKind::Project, it)),
            }),
            Self::Group(it) => Object::Group(Group {
                department: id(ObjectKind::Department, &it.department)?,
                name: it.name.clone(),
                description: it.description.clone(),
            }),
            Self::Role(it) => Object::Role(Role {
                department: match &it.department {
                    Some(department) => Some(id(ObjectKind::Department, department)?),
                    None => None,
                },
                name: it.name.clone(),
                description: it.description.clone(),
            }),
        })
    }
}
