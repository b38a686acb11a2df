//! From an order to the one call that performs it. Pure.

use std::mem::discriminant;

use reqwest::Method;
use serde_json::{Map, Value};
use shared::model::{
    Actor, Assignment, CloudId, Implication, Link, Membership, Object, ObjectKind, Scope,
    ServiceKind,
};

use super::fields::{Fields, of_new, of_update};
use crate::cloud::openstack::client::Change;
use crate::cloud::{CloudError, Order};

/// The call that performs an order; `None` where nothing differs.
///
/// # Errors
/// [`CloudError::Refused`] if no call does it, or none that may be made.
pub(super) fn of(order: &Order) -> Result<Option<Change>, CloudError> {
    Ok(Some(match order {
        Order::Create { object, marker } => {
            let kind = object.kind();
            let path = vec![collection(kind).to_owned()];
            with_body(Method::POST, path, kind, &of_new(object, marker))?
        }
        Order::Update {
            id,
            from,
            to,
            marker,
        } => {
            if discriminant(from) != discriminant(to) {
                return Err(not_a_change(from, to));
            }
            let fields = of_update(from, to, marker.as_ref());
            if fields == Fields::default() {
                return Ok(None);
            }
            let kind = to.kind();
            let id = segment(id)?;
            let fields = match kind {
                ObjectKind::Project => fields.of_project_named(id.clone()),
                _ => fields,
            };
            let path = vec![collection(kind).to_owned(), id];
            with_body(Method::PATCH, path, kind, &fields)?
        }
        Order::Remove { kind, id } => match kind {
            ObjectKind::Department | ObjectKind::Project => return Err(not_removed(*kind)),
            ObjectKind::User | ObjectKind::Group | ObjectKind::Role => {
                let path = vec![collection(*kind).to_owned(), segment(id)?];
                change(Method::DELETE, path, None)
            }
        },
        // The other services are asked first.
        Order::Look { kind, .. } | Order::Purge { kind, .. } => return Err(not_removed(*kind)),
        Order::Link(link) => change(Method::PUT, of_link(link)?, None),
        Order::Unlink(link) => change(Method::DELETE, of_link(link)?, None),
        // Who carries orders opens it first.
        Order::Password(..) => return Err(sealed()),
        Order::Quota(_) => return Err(not_of_keystone()),
    }))
}

/// Keystone's word for one thing of a kind: the one key of a body that holds it.
pub(super) const fn member(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Department => "domain",
        ObjectKind::Project => "project",
        ObjectKind::User => "user",
        ObjectKind::Group => "group",
        ObjectKind::Role => "role",
    }
}

/// Keystone's word for all things of a kind: the first segment of their path.
const fn collection(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Department => "domains",
        ObjectKind::Project => "projects",
        ObjectKind::User => "users",
        ObjectKind::Group => "groups",
        ObjectKind::Role => "roles",
    }
}

fn change(method: Method, path: Vec<String>, body: Option<Value>) -> Change {
    Change {
        service: ServiceKind::Identity,
        method,
        path,
        body,
    }
}

fn with_body(
    method: Method,
    path: Vec<String>,
    kind: ObjectKind,
    fields: &Fields<'_>,
) -> Result<Change, CloudError> {
    let fields = serde_json::to_value(fields).map_err(|error| CloudError::Refused {
        what: format!("write a {} so", kind.name()),
        reason: format!("it can't be written as JSON ({error}); report this as a fault"),
    })?;
    let body = Map::from_iter([(member(kind).to_owned(), fields)]);
    Ok(change(method, path, Some(body.into())))
}

/// Where a link is made and taken away.
fn of_link(link: &Link<CloudId>) -> Result<Vec<String>, CloudError> {
    let (words, ids): (&[&str], _) = match link {
        Link::Membership(Membership { group, user }) => (&["groups", "users"], vec![group, user]),
        Link::Implication(Implication { prior, implied }) => {
            (&["roles", "implies"], vec![prior, implied])
        }
        Link::Assignment(it) => return of_assignment(it),
    };
    pairs(words, &ids)
}

fn of_assignment(assignment: &Assignment<CloudId>) -> Result<Vec<String>, CloudError> {
    let Assignment {
        actor,
        scope,
        role,
        inherited,
    } = assignment;
    let (places, place) = match scope {
        Scope::Department(id) => ("domains", id),
        Scope::Project(id) => ("projects", id),
    };
    let (actors, actor) = match actor {
        Actor::User(id) => ("users", id),
        Actor::Group(id) => ("groups", id),
    };
    let path = pairs(&[places, actors, "roles"], &[place, actor, role])?;
    Ok(match inherited {
        false => path,
        true => {
            let first = std::iter::once("OS-INHERIT".to_owned());
            let last = std::iter::once("inherited_to_projects".to_owned());
            first.chain(path).chain(last).collect()
        }
    })
}

fn pairs(words: &[&str], ids: &[&CloudId]) -> Result<Vec<String>, CloudError> {
    let mut path = Vec::new();
    for (word, id) in words.iter().zip(ids) {
        path.extend([(*word).to_owned(), segment(id)?]);
    }
    Ok(path)
}

/// An id as a segment of a path. One that would lead elsewhere, also once a proxy has unescaped and
/// tidied it, is refused: no Keystone gives such an id to anything, and a path that lost its last
/// segment is another call.
pub(in crate::cloud::openstack) fn segment(id: &CloudId) -> Result<String, CloudError> {
    let text = id.to_string();
    let is_strange = |c: char| c.is_control() || r"/\%?#;".contains(c);
    match text.as_str() {
        "" | "." | ".." => Err(strange(&text)),
        _ if text.contains(is_strange) => Err(strange(&text)),
        _ => Ok(text),
    }
}

fn strange(id: &str) -> CloudError {
    CloudError::Refused {
        what: format!("ask for what has the id {id:?}"),
        reason: "it can be no part of an address; see what this thing is in the cloud".to_owned(),
    }
}

fn not_removed(kind: ObjectKind) -> CloudError {
    CloudError::Refused {
        what: format!("delete a {}", kind.name()),
        reason: "what tenants made would go with it; switch it off, and delete it by hand when it \
                 is empty"
            .to_owned(),
    }
}

fn sealed() -> CloudError {
    CloudError::Refused {
        what: "set a sealed password".to_owned(),
        reason: "it must be opened first".to_owned(),
    }
}

fn not_of_keystone() -> CloudError {
    CloudError::Refused {
        what: "set a quota in Keystone".to_owned(),
        reason: "the service that it is of has it; report this as a fault".to_owned(),
    }
}

fn not_a_change(from: &Object<CloudId>, to: &Object<CloudId>) -> CloudError {
    let (from, to) = (from.kind().name(), to.kind().name());
    CloudError::Refused {
        what: format!("make a {to} of a {from}"),
        reason: "Keystone has no such call; make a new one".to_owned(),
    }
}
