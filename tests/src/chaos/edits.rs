//! What administrators do at the hub.

use idp_hub::directory::{Edit, Patch};
use rand::{Rng, RngExt};
use shared::ids::ObjectId;
use shared::model::{
    Actor, Assignment, Department, Group, Implication, Link, Membership, Object, ObjectKind,
    Organization, Project, Role, Scope, User,
};

use super::pick;
use super::site::objects;

type Id = ObjectId;
type All = Organization<Id>;

/// So few that they are taken, given away, and taken again.
const NAMES: u32 = 14;

/// Things of the directory at most: more are ended than made then.
const THINGS_MAX: usize = 110;

/// Roles that every Keystone has, and does not let anybody change.
pub(super) const BOOTSTRAP: [&str; 5] = ["admin", "manager", "member", "reader", "service"];

/// A name that others want too, whatever the case.
pub(super) fn name(chance: &mut impl Rng, kind: ObjectKind) -> String {
    let number = chance.random_range(0..NAMES);
    match chance.random_range(0..12) {
        0 => format!("{}{number}", kind.name().to_uppercase()),
        _ => format!("{}{number}", kind.name()),
    }
}

/// One operation: an edit, or some that belong together.
pub(super) fn draw(chance: &mut impl Rng, all: &All, next: &mut u128) -> Vec<Edit> {
    let is_full = objects(all).len() > THINGS_MAX;
    let edits = match chance.random_range(0..20) {
        0..6 if !is_full => create(chance, all, next),
        0..6 => end(chance, all),
        6..9 => rename(chance, all),
        9 => swap(chance, all),
        10 => switch(chance, all),
        11 => describe(chance, all),
        12 => end(chance, all),
        13..17 => link(chance, all),
        _ => unlink(chance, all),
    };
    edits.unwrap_or_default()
}

fn create(chance: &mut impl Rng, all: &All, next: &mut u128) -> Option<Vec<Edit>> {
    *next += 1;
    let id = Id::from_random(0x0c4a_0500_0000 + *next);
    let department = pick(chance, all.departments.keys().copied());
    let (description, enabled) = (None, chance.random_bool(0.9));
    let object = match chance.random_range(0..12) {
        0 => Object::Department(Department {
            name: name(chance, ObjectKind::Department),
            description,
            enabled,
        }),
        1 => Object::Role(Role {
            department: department.filter(|_| chance.random_bool(0.3)),
            name: name(chance, ObjectKind::Role),
            description,
        }),
        2..5 => {
            let outer = pick(chance, &all.projects).filter(|_| chance.random());
            let department = outer.map_or(department?, |(_, it)| it.department);
            Object::Project(Project {
                department,
                parent: outer.map(|(id, _)| *id),
                name: name(chance, ObjectKind::Project),
                description,
                enabled,
            })
        }
        5..7 => Object::Group(Group {
            department: department?,
            name: name(chance, ObjectKind::Group),
            description,
        }),
        _ => Object::User(User {
            department: department?,
            name: name(chance, ObjectKind::User),
            description,
            email: None,
            enabled,
            default_project: pick(chance, all.projects.keys().copied()),
        }),
    };
    Some(vec![Edit::Create { id, object }])
}

/// Anything but the roles that no Keystone lets be changed.
fn any(chance: &mut impl Rng, all: &All) -> Option<(ObjectKind, Id, Object<Id>)> {
    let all = objects(all).into_iter();
    pick(chance, all.filter(|(_, _, it)| !is_bootstrap(it)))
}

fn is_bootstrap(it: &Object<Id>) -> bool {
    matches!(it, Object::Role(it) if BOOTSTRAP.contains(&it.name.to_lowercase().as_str()))
}

fn named((kind, id): (ObjectKind, Id), name: String) -> Edit {
    let patch = Patch {
        name: Some(name),
        ..Patch::default()
    };
    Edit::Update { kind, id, patch }
}

fn rename(chance: &mut impl Rng, all: &All) -> Option<Vec<Edit>> {
    let (kind, id, _) = any(chance, all)?;
    Some(vec![named((kind, id), name(chance, kind))])
}

/// Two or three names go round; it may be taken back, also when it is half done in the regions.
fn swap(chance: &mut impl Rng, all: &All) -> Option<Vec<Edit>> {
    let (kind, first, object) = any(chance, all)?;
    let like = |it: &(ObjectKind, Id, Object<Id>)| {
        it.0 == kind && it.1 != first && it.2.department() == object.department()
    };
    let mut others: Vec<_> = objects(all).into_iter().filter(like).collect();
    others.retain(|(_, _, it)| !is_bootstrap(it));
    let (_, second, other) = pick(chance, others.clone())?;
    let spare = format!("between {}", chance.random_range(0..1_000_000));
    let mut edits = vec![named((kind, first), spare)];
    let third = pick(chance, others.into_iter().filter(|it| it.1 != second));
    let last = match third.filter(|_| chance.random()) {
        Some((_, third, it)) => {
            edits.push(named((kind, third), object.name().to_owned()));
            edits.push(named((kind, second), it.name().to_owned()));
            other.name()
        }
        None => {
            edits.push(named((kind, second), object.name().to_owned()));
            other.name()
        }
    };
    edits.push(named((kind, first), last.to_owned()));
    Some(edits)
}

fn switch(chance: &mut impl Rng, all: &All) -> Option<Vec<Edit>> {
    let switchable = [
        ObjectKind::Department,
        ObjectKind::Project,
        ObjectKind::User,
    ];
    let things = objects(all).into_iter();
    let (kind, id, _) = pick(chance, things.filter(|it| switchable.contains(&it.0)))?;
    let patch = Patch {
        enabled: Some(chance.random_bool(0.7)),
        ..Patch::default()
    };
    Some(vec![Edit::Update { kind, id, patch }])
}

fn describe(chance: &mut impl Rng, all: &All) -> Option<Vec<Edit>> {
    let (kind, id, _) = any(chance, all)?;
    let mut patch = Patch {
        description: Some(Some(format!("of the hub {}", chance.random_range(0..9)))),
        ..Patch::default()
    };
    if kind == ObjectKind::User && chance.random() {
        patch = Patch {
            email: Some(Some(format!(
                "hub{}@example.org",
                chance.random_range(0..9)
            ))),
            default_project: Some(pick(chance, all.projects.keys().copied())),
            ..Patch::default()
        };
    }
    Some(vec![Edit::Update { kind, id, patch }])
}

fn end(chance: &mut impl Rng, all: &All) -> Option<Vec<Edit>> {
    let (kind, id, _) = any(chance, all)?;
    // With a department all goes that is in it.
    if kind == ObjectKind::Department && !chance.random_bool(0.2) {
        return None;
    }
    Some(vec![Edit::End { kind, id }])
}

fn link(chance: &mut impl Rng, all: &All) -> Option<Vec<Edit>> {
    let user = pick(chance, all.users.keys().copied());
    let group = pick(chance, all.groups.keys().copied());
    let roles = all.roles.iter().filter(|(_, it)| it.name != "admin");
    let role = pick(chance, roles.map(|(id, _)| *id));
    let link = match chance.random_range(0..5) {
        0..2 => Link::Membership(Membership {
            group: group?,
            user: user?,
        }),
        2 if chance.random_bool(0.3) => Link::Implication(Implication {
            prior: pick(chance, all.roles.keys().copied())?,
            implied: role?,
        }),
        _ => {
            let project = pick(chance, all.projects.keys().copied());
            let department = pick(chance, all.departments.keys().copied());
            let scope = match chance.random_bool(0.8) {
                true => Scope::Project(project?),
                false => Scope::Department(department?),
            };
            let actor = match chance.random_bool(0.7) {
                true => Actor::User(user?),
                false => Actor::Group(group?),
            };
            Link::Assignment(Assignment {
                actor,
                scope,
                role: role?,
                inherited: chance.random_bool(0.2),
            })
        }
    };
    Some(vec![Edit::Link(link)])
}

fn unlink(chance: &mut impl Rng, all: &All) -> Option<Vec<Edit>> {
    Some(vec![Edit::Unlink(pick(chance, all.links())?)])
}
