//! Organizations as Keystones can have them, made of small numbers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use shared::model::{Folded, Role};

use super::*;

/// Names that meet each other, to one database or the other.
pub(in crate::directory::tests) const NAMES: [&str; 6] = [
    "ops",
    "Ops",
    "caf\u{e9}",
    "cafe",
    "\u{7814}\u{53d1}",
    "research",
];

/// Those of global roles: powers of a cloud and of a place, and others that may lead to them.
const ROLES: [&str; 6] = ["admin", "Admin", "manager", "member", "ops", "caf\u{e9}"];

/// What may stand in a field. The last one is no address, and Keystone takes it for one.
const TEXTS: [Option<&str>; 4] = [None, Some(""), Some("ann@example.org"), Some("a\u{7}")];

/// One thing of a cloud, or what is said of one, by small numbers that are taken modulo what there
/// is.
#[derive(Debug, Clone)]
pub(in crate::directory::tests) enum Thing {
    Department(usize),
    Project {
        of: usize,
        name: usize,
        nested: bool,
    },
    User {
        of: usize,
        name: usize,
    },
    Group {
        of: usize,
        name: usize,
    },
    Role(usize),
    /// One of a department.
    OwnRole {
        of: usize,
        name: usize,
    },
    Member {
        group: usize,
        user: usize,
    },
    Assigned {
        to_group: bool,
        actor: usize,
        in_department: bool,
        place: usize,
        role: usize,
        inherited: bool,
    },
    Implied {
        prior: usize,
        implied: usize,
    },
    /// It is switched off: a department, project or user.
    Off {
        kind: usize,
        which: usize,
    },
    Described {
        kind: usize,
        which: usize,
        text: usize,
    },
    Address {
        user: usize,
        text: usize,
    },
    /// Where a user's sign-in goes: one past the last project that there is is one that is gone.
    Home {
        user: usize,
        project: usize,
    },
}

fn thing() -> impl Strategy<Value = Thing> {
    let small = 0..6_usize;
    let two = || (small.clone(), small.clone());
    let three = || (small.clone(), small.clone(), small.clone());
    prop_oneof![
        3 => small.clone().prop_map(Thing::Department),
        4 => (two(), any::<bool>())
            .prop_map(|((of, name), nested)| Thing::Project { of, name, nested }),
        4 => two().prop_map(|(of, name)| Thing::User { of, name }),
        2 => two().prop_map(|(of, name)| Thing::Group { of, name }),
        2 => small.clone().prop_map(Thing::Role),
        2 => two().prop_map(|(of, name)| Thing::OwnRole { of, name }),
        2 => two().prop_map(|(group, user)| Thing::Member { group, user }),
        6 => (three(), any::<[bool; 3]>()).prop_map(|((actor, place, role), switches)| {
            let [to_group, in_department, inherited] = switches;
            Thing::Assigned { to_group, actor, in_department, place, role, inherited }
        }),
        2 => two().prop_map(|(prior, implied)| Thing::Implied { prior, implied }),
        1 => two().prop_map(|(kind, which)| Thing::Off { kind, which }),
        2 => three().prop_map(|(kind, which, text)| Thing::Described { kind, which, text }),
        1 => two().prop_map(|(user, text)| Thing::Address { user, text }),
        1 => two().prop_map(|(user, project)| Thing::Home { user, project }),
    ]
}

pub(in crate::directory::tests) fn clouds() -> impl Strategy<Value = Vec<Vec<Thing>>> {
    proptest::collection::vec(proptest::collection::vec(thing(), 0..32), 1..4)
}

pub(in crate::directory::tests) fn made(things: &[Vec<Thing>]) -> Vec<Cloud> {
    let numbered = (1..).zip(things);
    numbered
        .map(|(number, things)| cloud(number, things))
        .collect()
}

fn cloud(number: u64, things: &[Thing]) -> Cloud {
    let mut cloud = Cloud::new(number);
    cloud.administrator();
    add_all(&mut cloud, things);
    cloud
}

pub(in crate::directory::tests) fn add_all(cloud: &mut Cloud, things: &[Thing]) {
    for thing in things {
        add(cloud, thing);
    }
}

/// Of two global roles that some database takes for the same, the one that is written as the
/// directory's is that: and how it is written there, the first region says.
pub(super) fn without_twin_roles(mut things: Vec<Thing>) -> Vec<Thing> {
    let mut seen = BTreeSet::new();
    things.retain(|it| match it {
        Thing::Role(number) => seen.insert(Folded::new(role(*number))),
        _ => true,
    });
    things
}

fn name(number: usize) -> &'static str {
    NAMES[number % NAMES.len()]
}

fn role(number: usize) -> &'static str {
    ROLES[number % ROLES.len()]
}

fn text(number: usize) -> Option<String> {
    TEXTS[number % TEXTS.len()].map(str::to_owned)
}

fn nth<K: Clone, V>(of: &BTreeMap<K, V>, number: usize) -> Option<K> {
    of.keys().nth(number.checked_rem(of.len())?).cloned()
}

fn add(cloud: &mut Cloud, thing: &Thing) -> Option<()> {
    match *thing {
        Thing::Department(number) => {
            let is_new = !cloud.departments().contains(&name(number));
            is_new.then(|| cloud.department(name(number)))?;
        }
        Thing::Role(number) => drop(cloud.role(role(number))),
        Thing::Project { of, .. }
        | Thing::User { of, .. }
        | Thing::Group { of, .. }
        | Thing::OwnRole { of, .. } => {
            let department = nth(&cloud.organization.departments, of)?;
            add_inside(cloud, thing, department)?;
        }
        Thing::Member { group, user } => {
            let group = nth(&cloud.organization.groups, group)?;
            let user = nth(&cloud.organization.users, user)?;
            cloud.join_group(&group, &user);
        }
        Thing::Assigned { .. } => assign(cloud, thing)?,
        Thing::Implied { prior, implied } => {
            let roles = &cloud.organization.roles;
            let (prior, implied) = (nth(roles, prior)?, nth(roles, implied)?);
            // No Keystone has a global role bring a department's along.
            let is_refused =
                roles[&prior].department.is_none() && roles[&implied].department.is_some();
            (prior != implied && !is_refused).then(|| cloud.implies(&prior, &implied))?;
        }
        Thing::Off { .. }
        | Thing::Described { .. }
        | Thing::Address { .. }
        | Thing::Home { .. } => say(cloud, thing)?,
    }
    Some(())
}

/// Where its name is free.
fn add_inside(cloud: &mut Cloud, thing: &Thing, department: CloudId) -> Option<()> {
    let all = &cloud.organization;
    match *thing {
        Thing::Project {
            name: number,
            nested,
            ..
        } => {
            let mut same = all.projects.values();
            let is_taken = same.any(|it| it.department == department && it.name == name(number));
            let mut others = all.projects.iter();
            let outer = others.find(|(_, it)| nested && it.department == department);
            let (outer, is_off) = outer.map(|(id, it)| (id.clone(), !it.enabled)).unzip();
            let id = (!is_taken).then(|| cloud.add_project(department, name(number), outer))?;
            if is_off == Some(true) {
                switch_off(cloud, &id);
            }
        }
        Thing::User { name: number, .. } => {
            let mut same = all.users.values();
            let is_taken = same.any(|it| it.department == department && it.name == name(number));
            (!is_taken).then(|| cloud.add_user(department, name(number)))?;
        }
        Thing::Group { name: number, .. } => {
            let mut same = all.groups.values();
            let is_taken = same.any(|it| it.department == department && it.name == name(number));
            (!is_taken).then(|| cloud.add_group(department, name(number)))?;
        }
        Thing::OwnRole { name: number, .. } => {
            let department = Some(department);
            let mut same = all.roles.values();
            let is_taken = same.any(|it| it.department == department && it.name == name(number));
            let role = Role {
                department,
                name: name(number).to_owned(),
                description: None,
            };
            (!is_taken).then(|| cloud.add_role(role))?;
        }
        _ => {}
    }
    Some(())
}

fn assign(cloud: &mut Cloud, thing: &Thing) -> Option<()> {
    let Thing::Assigned {
        to_group,
        actor,
        in_department,
        place,
        role,
        inherited,
    } = *thing
    else {
        return None;
    };
    let all = &mut cloud.organization;
    let actor = match to_group {
        true => Actor::Group(nth(&all.groups, actor)?),
        false => Actor::User(nth(&all.users, actor)?),
    };
    let scope = match in_department {
        true => Scope::Department(nth(&all.departments, place)?),
        false => Scope::Project(nth(&all.projects, place)?),
    };
    let role = nth(&all.roles, role)?;
    // In projects Keystone looks whether a department's role is of the same one; in departments it
    // does not.
    let of = all.roles[&role].department.as_ref();
    let is_refused = match &scope {
        Scope::Project(it) => of.is_some_and(|of| *of != all.projects[it].department),
        Scope::Department(_) => false,
    };
    (!is_refused).then(|| {
        all.assignments.insert(Assignment {
            actor,
            scope,
            role,
            inherited,
        })
    })?;
    Some(())
}

/// Something is said of a thing that is there.
fn say(cloud: &mut Cloud, thing: &Thing) -> Option<()> {
    let all = &mut cloud.organization;
    match *thing {
        Thing::Off { kind, which } => match kind % 3 {
            0 => {
                let id = nth(&all.departments, which)?;
                all.departments.get_mut(&id)?.enabled = false;
            }
            1 => switch_off(cloud, &nth(&cloud.organization.projects, which)?),
            _ => {
                let id = nth(&all.users, which)?;
                all.users.get_mut(&id)?.enabled = false;
            }
        },
        Thing::Described { kind, which, text } => describe(cloud, (kind, which), text)?,
        Thing::Address { user, text: number } => {
            let id = nth(&all.users, user)?;
            all.users.get_mut(&id)?.email = text(number);
        }
        Thing::Home { user, project } => {
            let home = match project == all.projects.len() {
                true => CloudId::new("gone"),
                false => nth(&all.projects, project)?,
            };
            let id = nth(&all.users, user)?;
            all.users.get_mut(&id)?.default_project = Some(home);
        }
        _ => {}
    }
    Some(())
}

fn describe(cloud: &mut Cloud, (kind, which): (usize, usize), number: usize) -> Option<()> {
    let all = &mut cloud.organization;
    let (departments, projects) = (&mut all.departments, &mut all.projects);
    let description = match kind % 5 {
        0 => &mut departments.get_mut(&nth(departments, which)?)?.description,
        1 => &mut projects.get_mut(&nth(projects, which)?)?.description,
        2 => &mut all.users.get_mut(&nth(&all.users, which)?)?.description,
        3 => &mut all.groups.get_mut(&nth(&all.groups, which)?)?.description,
        _ => &mut all.roles.get_mut(&nth(&all.roles, which)?)?.description,
    };
    *description = text(number);
    Some(())
}

/// With all that is nested in it, as Keystone wants it.
fn switch_off(cloud: &mut Cloud, project: &CloudId) {
    let mut open = vec![project.clone()];
    while let Some(at) = open.pop() {
        for (id, it) in &mut cloud.organization.projects {
            it.enabled &= *id != at;
            if it.parent.as_ref() == Some(&at) {
                open.push(id.clone());
            }
        }
    }
}
