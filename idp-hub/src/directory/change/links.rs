//! What may be linked (Keystone: `prohibited_implied_role`, and the checks of its assignment
//! manager for roles of domains).

use std::collections::{HashMap, HashSet};

use shared::ids::ObjectId;
use shared::model::{Actor, Assignment, Implication, Link, Object, ObjectKind, Scope};

use super::{rules, wrong};
use crate::directory::Directory;
use crate::directory::refusal::Refusal;

/// Checks a link as it is to be.
pub(super) fn check(directory: &Directory, link: &Link<ObjectId>) -> Result<(), Refusal> {
    match link {
        Link::Membership(it) => {
            directory.required(ObjectKind::Group, it.group)?;
            directory.required(ObjectKind::User, it.user).map(drop)
        }
        Link::Implication(it) => implication(directory, it),
        Link::Assignment(it) => assignment(directory, it),
    }
}

fn implication(directory: &Directory, it: &Implication<ObjectId>) -> Result<(), Refusal> {
    let prior = directory.required(ObjectKind::Role, it.prior)?;
    let implied = directory.required(ObjectKind::Role, it.implied)?;
    if rules::is_admin_role(&implied) {
        let what = format!("no role brings the role {:?} along", implied.name());
        return Err(wrong(what, "give it to whoever should have it"));
    }
    if implied.department().is_some() && implied.department() != prior.department() {
        let what = format!(
            "the role {:?} is of a department, and counts in roles of that one alone",
            implied.name()
        );
        return Err(wrong(
            what,
            "name a global role, or one of the same department",
        ));
    }
    if leads_to(directory, it.implied, it.prior) {
        let what = format!(
            "the role {:?} brings {:?} along already, so that each would bring the other",
            implied.name(),
            prior.name()
        );
        return Err(wrong(what, "take that away first, or leave it"));
    }
    Ok(())
}

/// Whether whoever has one role has the other one, or they are the same.
fn leads_to(directory: &Directory, from: ObjectId, to: ObjectId) -> bool {
    let mut inner: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
    for it in &directory.live.implications {
        inner.entry(it.prior).or_default().push(it.implied);
    }
    let (mut seen, mut next) = (HashSet::new(), vec![from]);
    while let Some(role) = next.pop() {
        if role == to {
            return true;
        }
        if seen.insert(role) {
            next.extend(inner.get(&role).into_iter().flatten());
        }
    }
    false
}

fn assignment(directory: &Directory, it: &Assignment<ObjectId>) -> Result<(), Refusal> {
    match it.actor {
        Actor::User(id) => directory.required(ObjectKind::User, id)?,
        Actor::Group(id) => directory.required(ObjectKind::Group, id)?,
    };
    let within = match it.scope {
        Scope::Department(id) => {
            directory.required(ObjectKind::Department, id)?;
            id
        }
        Scope::Project(id) => match directory.required(ObjectKind::Project, id)? {
            Object::Project(project) => project.department,
            _ => {
                return Err(Refusal::Missing {
                    kind: ObjectKind::Project,
                    id,
                });
            }
        },
    };
    let role = directory.required(ObjectKind::Role, it.role)?;
    if let (Object::Role(role), Actor::User(_)) = (&role, &it.actor)
        && role.is_of_services()
    {
        let what = format!(
            "whoever has the role {:?} is an account of OpenStack's services, which each region \
             keeps as its own: he could be neither changed nor deleted from here any more",
            role.name
        );
        let next = "give him another role, or make a service's account in the region itself";
        return Err(wrong(what, next));
    }
    if role.department().is_some_and(|own| *own != within) {
        let what = format!(
            "the role {:?} is another department's own, and counts in that one alone",
            role.name()
        );
        return Err(wrong(
            what,
            "name a global role, or one of the same department",
        ));
    }
    Ok(())
}
