//! What the simulated Keystone has, as plain values.

use serde_json::Value;
use shared::model::{
    Actor, Assignment, CloudId, Department, Group, Implication, Link, Membership, Object,
    ObjectKind, Organization, Project, Role, Scope, User,
};

use super::show;
use super::world::{Thing, World, text_of};

impl World {
    pub(super) fn organization(&self) -> Organization<CloudId> {
        let mut all = Organization::default();
        for kind in ObjectKind::ALL {
            let things = self.all(kind).iter();
            for (id, thing) in things.filter(|it| kind != ObjectKind::Role || self.is_listed(it.1))
            {
                all.insert(CloudId::new(id), object(kind, thing));
            }
        }
        for (group, user) in &self.members {
            all.link(Link::Membership(Membership {
                group: CloudId::new(group),
                user: CloudId::new(user),
            }));
        }
        for (prior, implied) in &self.implied {
            all.link(Link::Implication(Implication {
                prior: CloudId::new(prior),
                implied: CloudId::new(implied),
            }));
        }
        for it in &self.grants {
            let (actor, scope) = (CloudId::new(&it.actor), CloudId::new(&it.scope));
            all.link(Link::Assignment(Assignment {
                actor: match it.of_group {
                    true => Actor::Group(actor),
                    false => Actor::User(actor),
                },
                scope: match it.of_project {
                    true => Scope::Project(scope),
                    false => Scope::Department(scope),
                },
                role: CloudId::new(&it.role),
                inherited: it.inherited,
            }));
        }
        all
    }

    /// Keystone makes a role in a domain that is not there as well, and lists it to nobody.
    fn is_listed(&self, role: &Thing) -> bool {
        let domain = role.get("domain_id").and_then(Value::as_str);
        domain.is_none_or(|it| self.all(ObjectKind::Department).contains_key(it))
    }

    pub(super) fn attribute(&self, id: &str, name: &str) -> Option<String> {
        let all = ObjectKind::ALL.iter();
        let thing = all.filter_map(|kind| self.all(*kind).get(id)).next()?;
        let value = show::extra(thing).get(name)?.as_str()?.to_owned();
        Some(value)
    }
}

fn object(kind: ObjectKind, thing: &Thing) -> Object<CloudId> {
    let text = |field: &str| thing.get(field).and_then(Value::as_str);
    let id = |field: &str| text(field).map(CloudId::new);
    let name = text_of(thing, "name");
    let description = text("description").map(str::to_owned);
    let enabled = thing
        .get("enabled")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let department = CloudId::new(text("domain_id").unwrap_or_default());
    match kind {
        ObjectKind::Department => Object::Department(Department {
            name,
            description,
            enabled,
        }),
        ObjectKind::Project => Object::Project(Project {
            parent: id("parent_id").filter(|it| *it != department),
            department,
            name,
            description,
            enabled,
        }),
        ObjectKind::User => Object::User(User {
            department,
            name,
            description,
            email: text("email").map(str::to_owned),
            enabled,
            default_project: id("default_project_id"),
        }),
        ObjectKind::Group => Object::Group(Group {
            department,
            name,
            description,
        }),
        ObjectKind::Role => Object::Role(Role {
            department: id("domain_id"),
            name,
            description,
        }),
    }
}
