//! Things of a directory and of a cloud, made in a line.

use shared::ids::ObjectId;
use shared::model::{
    Actor, Assignment, Department, Group, Implication, Link, Membership, Object, Project, Role,
    Scope, User,
};

pub(super) fn oid(number: u128) -> ObjectId {
    ObjectId::from_random(number)
}

pub(super) fn department<I>(name: &str) -> Object<I> {
    Object::Department(Department {
        name: name.to_owned(),
        description: None,
        enabled: true,
    })
}

pub(super) fn project<I>(department: I, parent: Option<I>, name: &str) -> Object<I> {
    Object::Project(Project {
        department,
        parent,
        name: name.to_owned(),
        description: None,
        enabled: true,
    })
}

pub(super) fn user<I>(department: I, name: &str) -> Object<I> {
    Object::User(User {
        department,
        name: name.to_owned(),
        description: None,
        email: Some(format!("{name}@example.org")),
        enabled: true,
        default_project: None,
    })
}

pub(super) fn group<I>(department: I, name: &str) -> Object<I> {
    Object::Group(Group {
        department,
        name: name.to_owned(),
        description: None,
    })
}

pub(super) fn role<I>(name: &str) -> Object<I> {
    Object::Role(Role {
        department: None,
        name: name.to_owned(),
        description: None,
    })
}

pub(super) fn member<I>(group: I, user: I) -> Link<I> {
    Link::Membership(Membership { group, user })
}

pub(super) fn assigned<I>(user: I, project: I, role: I) -> Link<I> {
    Link::Assignment(Assignment {
        actor: Actor::User(user),
        scope: Scope::Project(project),
        role,
        inherited: false,
    })
}

/// Of a whole group.
pub(super) fn assigned_to_all<I>(group: I, project: I, role: I) -> Link<I> {
    Link::Assignment(Assignment {
        actor: Actor::Group(group),
        scope: Scope::Project(project),
        role,
        inherited: false,
    })
}

/// One role with another.
pub(super) fn implied<I>(prior: I, implied: I) -> Link<I> {
    Link::Implication(Implication { prior, implied })
}
