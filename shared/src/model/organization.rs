//! An organization: departments, projects, users, groups, roles, and who has which role where.
//!
//! One set of types serves a region's organization, whose ids are its cloud's own
//! ([`CloudId`](super::CloudId)), and the federation's directory, whose ids are the federation's
//! ([`ObjectId`](crate::ids::ObjectId)): `I` is either. Words and limits are Keystone's (Identity
//! API v3), with "department" for its domain. What is absent is `None`, which differs from empty.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::CloudId;

/// A department (Keystone: domain): holds projects, users, groups, and roles of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Unique among departments; 1 to 64 characters.
    pub name: String,
    /// What its administrator wrote.
    pub description: Option<String>,
    /// Whether its users may sign in.
    pub enabled: bool,
}

/// A project (Keystone: project that is no domain).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project<I> {
    /// The department that it belongs to, also where it is nested.
    pub department: I,
    /// The project that it is nested in; `None` directly below its department.
    pub parent: Option<I>,
    /// Unique in its department; 1 to 64 characters.
    pub name: String,
    /// What its administrator wrote.
    pub description: Option<String>,
    /// Whether it may be used.
    pub enabled: bool,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User<I> {
    /// The department that the user belongs to.
    pub department: I,
    /// Unique among its department's users; 1 to 255 characters.
    pub name: String,
    /// What its administrator wrote.
    pub description: Option<String>,
    /// Where the user is told of things.
    pub email: Option<String>,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Where a sign-in without a scope goes.
    pub default_project: Option<I>,
}

/// A group of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<I> {
    /// The department that it belongs to.
    pub department: I,
    /// Unique among its department's groups; 1 to 64 characters.
    pub name: String,
    /// What its administrator wrote.
    pub description: Option<String>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role<I> {
    /// The department whose own it is; `None` for a global one.
    pub department: Option<I>,
    /// Unique among its department's roles, or among the global ones; 1 to 255 characters.
    pub name: String,
    /// What its administrator wrote.
    pub description: Option<String>,
}

/// A user is in a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Membership<I> {
    /// The group.
    pub group: I,
    /// Who is in it.
    pub user: I,
}

/// Whoever has one role has another one too (Keystone: role inference rule).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Implication<I> {
    /// The role that is given.
    pub prior: I,
    /// The role that comes with it.
    pub implied: I,
}

/// Somebody has a role somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Assignment<I> {
    /// Who has it.
    pub actor: Actor<I>,
    /// Where.
    pub scope: Scope<I>,
    /// Which role.
    pub role: I,
    /// Whether it counts in the projects below the scope, and not in the scope itself (Keystone:
    /// OS-INHERIT).
    pub inherited: bool,
}

/// Who has a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor<I> {
    /// One user.
    User(I),
    /// Everybody in a group.
    Group(I),
}

/// Where a role counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope<I> {
    /// In a department.
    Department(I),
    /// In a project.
    Project(I),
}

/// What kinds of things an organization has that have names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A [`Department`].
    Department,
    /// A [`Project`].
    Project,
    /// A [`User`].
    User,
    /// A [`Group`].
    Group,
    /// A [`Role`].
    Role,
}

impl ObjectKind {
    /// Every kind, each behind those that it refers to.
    pub const ALL: [Self; 5] = [
        Self::Department,
        Self::Role,
        Self::Project,
        Self::Group,
        Self::User,
    ];

    /// Its word in documents and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Department => "department",
            Self::Project => "project",
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    /// The most characters of a name (Keystone's columns).
    pub const fn name_chars_max(self) -> usize {
        match self {
            Self::Department | Self::Project | Self::Group => 64,
            Self::User | Self::Role => 255,
        }
    }

    /// Whether a cloud that shows `found` as a description has `wanted`. What is absent differs
    /// from what is empty, but for a role that is to have none: an older Keystone (2024.1) takes no
    /// role's description away again (HTTP 400), and an empty one is all that can be written there.
    pub fn is_description(self, wanted: Option<&str>, found: Option<&str>) -> bool {
        let is_as_near_as_can_be =
            matches!(self, Self::Role) && wanted.is_none() && found == Some("");
        wanted == found || is_as_near_as_can_be
    }
}

/// A whole organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization<I: Ord> {
    /// Its departments.
    pub departments: BTreeMap<I, Department>,
    /// Its projects.
    pub projects: BTreeMap<I, Project<I>>,
    /// Its users.
    pub users: BTreeMap<I, User<I>>,
    /// Its groups.
    pub groups: BTreeMap<I, Group<I>>,
    /// Its roles.
    pub roles: BTreeMap<I, Role<I>>,
    /// Who is in which group.
    pub memberships: BTreeSet<Membership<I>>,
    /// Which roles come with which.
    pub implications: BTreeSet<Implication<I>>,
    /// Who has which role where.
    pub assignments: BTreeSet<Assignment<I>>,
}

impl<I: Ord> Default for Organization<I> {
    fn default() -> Self {
        Self {
            departments: BTreeMap::new(),
            projects: BTreeMap::new(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            roles: BTreeMap::new(),
            memberships: BTreeSet::new(),
            implications: BTreeSet::new(),
            assignments: BTreeSet::new(),
        }
    }
}

impl<I: Display> Membership<I> {
    /// The id of its record, which follows from what it links.
    pub fn id(&self) -> CloudId {
        CloudId::derived(&format!("{}/{}", self.group, self.user))
    }
}

impl<I: Display> Implication<I> {
    /// The id of its record, which follows from what it links.
    pub fn id(&self) -> CloudId {
        CloudId::derived(&format!("{}/{}", self.prior, self.implied))
    }
}

impl<I: Display> Assignment<I> {
    /// The id of its record, which follows from what it links.
    pub fn id(&self) -> CloudId {
        let (kind, actor) = match &self.actor {
            Actor::User(id) => (ObjectKind::User, id),
            Actor::Group(id) => (ObjectKind::Group, id),
        };
        let (place, scope) = match &self.scope {
            Scope::Department(id) => (ObjectKind::Department, id),
            Scope::Project(id) => (ObjectKind::Project, id),
        };
        let Self {
            role, inherited, ..
        } = self;
        let (kind, place) = (kind.name(), place.name());
        CloudId::derived(&format!(
            "{kind}/{actor}/{place}/{scope}/{role}/{inherited}"
        ))
    }
}

impl<I> Membership<I> {
    /// The same by other ids; `None` where either has none.
    pub fn translated<J>(&self, id: impl Fn(ObjectKind, &I) -> Option<J>) -> Option<Membership<J>> {
        Some(Membership {
            group: id(ObjectKind::Group, &self.group)?,
            user: id(ObjectKind::User, &self.user)?,
        })
    }
}

impl<I> Implication<I> {
    /// The same by other ids; `None` where either has none.
    pub fn translated<J>(
        &self,
        id: impl Fn(ObjectKind, &I) -> Option<J>,
    ) -> Option<Implication<J>> {
        Some(Implication {
            prior: id(ObjectKind::Role, &self.prior)?,
            implied: id(ObjectKind::Role, &self.implied)?,
        })
    }
}

impl<I> Assignment<I> {
    /// The same by other ids; `None` where actor, scope or role has none.
    pub fn translated<J>(&self, id: impl Fn(ObjectKind, &I) -> Option<J>) -> Option<Assignment<J>> {
        Some(Assignment {
            actor: match &self.actor {
                Actor::User(user) => Actor::User(id(ObjectKind::User, user)?),
                Actor::Group(group) => Actor::Group(id(ObjectKind::Group, group)?),
            },
            scope: match &self.scope {
                Scope::Department(it) => Scope::Department(id(ObjectKind::Department, it)?),
                Scope::Project(it) => Scope::Project(id(ObjectKind::Project, it)?),
            },
            role: id(ObjectKind::Role, &self.role)?,
            inherited: self.inherited,
        })
    }
}
