//! How Keystone shows things.

use serde_json::{Map, Value, json};
use shared::model::ObjectKind;

use super::world::Thing;

/// What is a thing's own field, and no attribute of somebody else's.
const FIELDS: [&str; 9] = [
    "id",
    "name",
    "domain_id",
    "description",
    "enabled",
    "parent_id",
    "default_project_id",
    "tags",
    "options",
];

/// Keystone's word for one thing of a kind.
pub(super) const fn member(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Department => "domain",
        ObjectKind::Project => "project",
        ObjectKind::User => "user",
        ObjectKind::Group => "group",
        ObjectKind::Role => "role",
    }
}

/// Keystone's word for all things of a kind.
pub(super) const fn collection(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Department => "domains",
        ObjectKind::Project => "projects",
        ObjectKind::User => "users",
        ObjectKind::Group => "groups",
        ObjectKind::Role => "roles",
    }
}

/// A thing as it is shown.
pub(super) fn thing(kind: ObjectKind, thing: &Thing, url: &str) -> Map<String, Value> {
    let mut shown = thing.clone();
    let id = thing.get("id").and_then(Value::as_str).unwrap_or_default();
    shown.insert(
        "links".to_owned(),
        json!({"self": format!("{url}/{}/{id}", collection(kind))}),
    );
    let mut usually = |name: &str, value: Value| {
        shown.entry(name).or_insert(value);
    };
    match kind {
        ObjectKind::Department => {
            usually("tags", json!([]));
            usually("options", json!({}));
        }
        ObjectKind::Project => {
            usually("tags", json!([]));
            usually("options", json!({}));
            usually("is_domain", json!(false));
        }
        ObjectKind::User => {
            usually("options", json!({}));
            usually("password_expires_at", Value::Null);
            if shown.get("default_project_id") == Some(&Value::Null) {
                shown.remove("default_project_id");
            }
        }
        ObjectKind::Group => {}
        ObjectKind::Role => usually("options", json!({})),
    }
    shown
}

/// A thing as it is shown to whoever changed it: some kinds repeat what is not theirs.
pub(super) fn changed(kind: ObjectKind, it: &Thing, url: &str) -> Map<String, Value> {
    let mut shown = thing(kind, it, url);
    if matches!(kind, ObjectKind::Project | ObjectKind::User) {
        let mut others = extra(it);
        if kind == ObjectKind::User
            && let Some(description) = it.get("description")
        {
            others.insert("description".to_owned(), description.clone());
        }
        shown.insert("extra".to_owned(), Value::Object(others));
    }
    shown
}

/// The attributes that the API does not know.
pub(super) fn extra(thing: &Thing) -> Map<String, Value> {
    let all = thing.iter();
    let others = all.filter(|(name, _)| !FIELDS.contains(&name.as_str()));
    others
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A domain, as the project that it also is.
pub(super) fn domain_as_project(it: &Thing, url: &str) -> Map<String, Value> {
    let mut shown = thing(ObjectKind::Project, it, url);
    shown.insert("is_domain".to_owned(), json!(true));
    shown.insert("domain_id".to_owned(), Value::Null);
    shown.insert("parent_id".to_owned(), Value::Null);
    shown
}
