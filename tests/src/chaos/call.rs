//! The call by which an order is carried out, as the agent's OpenStack cloud makes it.

use serde_json::{Map, Value, json};
use shared::model::{Actor, CloudId, Link, Marker, Object, ObjectKind, Scope};
use sp_agent::cloud::Order;

/// The attribute in which a marker stands.
pub(super) const MARKER: &str = "regroup";

/// Method, path and body; `None` where nothing differs.
pub(super) fn of(order: &Order) -> Option<(&'static str, String, Value)> {
    Some(match order {
        Order::Create { object, marker } => {
            let kind = object.kind();
            let mut fields = fields(object);
            fields.retain(|_, value| !value.is_null());
            fields.insert(MARKER.to_owned(), json!(written(marker)));
            ("POST", format!("/{}", collection(kind)), body(kind, fields))
        }
        Order::Update {
            id,
            from,
            to,
            marker,
        } => {
            let kind = to.kind();
            let fields = changed(id, from, to, marker.as_ref());
            if fields.is_empty() {
                return None;
            }
            let path = format!("/{}/{id}", collection(kind));
            ("PATCH", path, body(kind, fields))
        }
        Order::Remove { kind, id } => {
            let path = format!("/{}/{id}", collection(*kind));
            ("DELETE", path, Value::Null)
        }
        Order::Link(link) => ("PUT", path(link), Value::Null),
        Order::Unlink(link) => ("DELETE", path(link), Value::Null),
        Order::Password(..) | Order::Look { .. } | Order::Purge { .. } | Order::Quota(_) => {
            panic!("no passwords, purges and quotas are told here")
        }
    })
}

fn written(marker: &Marker) -> String {
    format!("{}/{}", marker.federation, marker.object)
}

pub(super) const fn member(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Department => "domain",
        ObjectKind::Project => "project",
        ObjectKind::User => "user",
        ObjectKind::Group => "group",
        ObjectKind::Role => "role",
    }
}

pub(super) fn collection(kind: ObjectKind) -> String {
    format!("{}s", member(kind))
}

pub(super) fn body(kind: ObjectKind, fields: Map<String, Value>) -> Value {
    Value::Object(Map::from_iter([(
        member(kind).to_owned(),
        Value::Object(fields),
    )]))
}

/// What differs; of a project that stays off, that as well, as Keystone takes silence for on.
fn changed(
    id: &CloudId,
    from: &Object<CloudId>,
    to: &Object<CloudId>,
    marker: Option<&Marker>,
) -> Map<String, Value> {
    let before = fields(from);
    let mut fields = fields(to);
    fields.retain(|name, value| before.get(name) != Some(value));
    if let Some(marker) = marker {
        fields.insert(MARKER.to_owned(), json!(written(marker)));
    }
    if let Object::Project(it) = to
        && !fields.is_empty()
    {
        if fields.contains_key("name") {
            fields.insert("id".to_owned(), json!(id.to_string()));
        }
        if !it.enabled {
            fields.insert("enabled".to_owned(), json!(false));
        }
    }
    fields
}

fn fields(object: &Object<CloudId>) -> Map<String, Value> {
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
    let id = |it: &Option<CloudId>| it.as_ref().map(ToString::to_string);
    put("name", json!(object.name()));
    if object.kind() != ObjectKind::Department {
        put("domain_id", json!(id(&object.department().cloned())));
    }
    let description = match object {
        Object::Department(it) => {
            put("enabled", json!(it.enabled));
            &it.description
        }
        Object::Project(it) => {
            put("enabled", json!(it.enabled));
            let parent = it.parent.as_ref().unwrap_or(&it.department);
            put("parent_id", json!(parent.to_string()));
            &it.description
        }
        Object::User(it) => {
            put("enabled", json!(it.enabled));
            put("email", json!(it.email));
            put("default_project_id", json!(id(&it.default_project)));
            &it.description
        }
        Object::Group(it) => &it.description,
        Object::Role(it) => &it.description,
    };
    put("description", json!(description));
    all
}

/// Where a link is made and taken away.
pub(super) fn path(link: &Link<CloudId>) -> String {
    match link {
        Link::Membership(it) => format!("/groups/{}/users/{}", it.group, it.user),
        Link::Implication(it) => format!("/roles/{}/implies/{}", it.prior, it.implied),
        Link::Assignment(it) => {
            let (places, place) = match &it.scope {
                Scope::Department(id) => ("domains", id),
                Scope::Project(id) => ("projects", id),
            };
            let (actors, actor) = match &it.actor {
                Actor::User(id) => ("users", id),
                Actor::Group(id) => ("groups", id),
            };
            let path = format!("/{places}/{place}/{actors}/{actor}/roles/{}", it.role);
            match it.inherited {
                true => format!("/OS-INHERIT{path}/inherited_to_projects"),
                false => path,
            }
        }
    }
}
