//! What somebody sees of the directory.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::ObjectId;
use shared::model::{Actor, Assignment, Link, Object, Organization, Scope};

use super::powers::Roles;
use super::{Rights, Share};

/// What he sees besides what he administers.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// His own department, and those of the projects in which he is.
    departments: BTreeSet<ObjectId>,
    /// The projects in which he has a role.
    projects: BTreeSet<ObjectId>,
    /// The groups that he is in.
    groups: BTreeSet<ObjectId>,
    /// The roles that he has anywhere.
    roles: Roles,
    /// Users and groups that have a role in a project that he administers.
    people: BTreeSet<ObjectId>,
}

impl View {
    pub(super) fn new(
        live: &Organization<ObjectId>,
        own: ObjectId,
        (administered, groups, roles): (
            &BTreeSet<ObjectId>,
            &BTreeSet<ObjectId>,
            &BTreeMap<Scope<ObjectId>, Roles>,
        ),
    ) -> Self {
        let mut view = Self {
            groups: groups.clone(),
            roles: roles.values().flatten().copied().collect(),
            ..Self::default()
        };
        for scope in roles.keys() {
            match scope {
                Scope::Department(id) => drop(view.departments.insert(*id)),
                Scope::Project(id) => drop(view.projects.insert(*id)),
            }
        }
        view.projects.extend(administered);
        let places = view.projects.iter().filter_map(|it| live.projects.get(it));
        view.departments.extend(places.map(|it| it.department));
        view.departments.insert(own);
        view.people = people(live, administered);
        view
    }
}

/// Who has a role in one of these projects, and who is in a group that has.
fn people(live: &Organization<ObjectId>, projects: &BTreeSet<ObjectId>) -> BTreeSet<ObjectId> {
    if projects.is_empty() {
        return BTreeSet::new();
    }
    let is_here = |it: &&Assignment<ObjectId>| match it.scope {
        Scope::Project(id) => projects.contains(&id),
        Scope::Department(_) => false,
    };
    let assignments = live.assignments.iter().filter(is_here);
    let mut people: BTreeSet<ObjectId> = assignments
        .map(|it| match it.actor {
            Actor::User(id) | Actor::Group(id) => id,
        })
        .collect();
    let members = live.memberships.iter();
    let members = members.filter(|it| people.contains(&it.group));
    let members: Vec<ObjectId> = members.map(|it| it.user).collect();
    people.extend(members);
    people
}

impl Rights {
    /// Whether he may see a thing.
    pub fn sees_object(&self, id: ObjectId, object: &Object<ObjectId>) -> bool {
        match self {
            Self::All | Self::Administrator(_) => true,
            Self::Share(share) => share.sees_object(id, object),
        }
    }

    /// Whether he may see a link.
    pub fn sees_link(&self, live: &Organization<ObjectId>, link: &Link<ObjectId>) -> bool {
        match self {
            Self::All | Self::Administrator(_) => true,
            Self::Share(share) => share.sees_link(live, link),
        }
    }
}

impl Share {
    pub(super) fn sees_object(&self, id: ObjectId, object: &Object<ObjectId>) -> bool {
        let view = &self.view;
        if self.is_in(object.department()) {
            return true;
        }
        match object {
            Object::Department(_) => view.departments.contains(&id) || self.is_in(Some(&id)),
            Object::Project(_) => view.projects.contains(&id),
            Object::User(_) => id == self.user || view.people.contains(&id),
            Object::Group(_) => view.groups.contains(&id) || view.people.contains(&id),
            // Whoever gives roles sees which there are.
            Object::Role(role) => {
                let is_global = role.department.is_none();
                view.roles.contains(&id) || is_global && self.is_administrator()
            }
        }
    }

    fn sees_link(&self, live: &Organization<ObjectId>, link: &Link<ObjectId>) -> bool {
        let view = &self.view;
        match link {
            Link::Membership(it) => {
                let group = live.groups.get(&it.group);
                let is_his = it.user == self.user || view.people.contains(&it.group);
                is_his || self.is_in(group.map(|it| &it.department))
            }
            Link::Implication(it) => [it.prior, it.implied].into_iter().all(|id| {
                let role = live.roles.get(&id).cloned().map(Object::Role);
                role.is_some_and(|it| self.sees_object(id, &it))
            }),
            Link::Assignment(it) => {
                let is_his = match it.actor {
                    Actor::User(id) => id == self.user,
                    Actor::Group(id) => view.groups.contains(&id),
                };
                let is_here = match it.scope {
                    Scope::Department(id) => self.is_in(Some(&id)),
                    Scope::Project(id) => self.has_project(live, id),
                };
                is_his || is_here
            }
        }
    }
}
