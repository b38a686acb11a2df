//! Bodies as Keystone 30 wrote them, and bodies that nobody should write.

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::ids::{FederationId, ObjectId};

use super::*;
use crate::cloud::openstack::testing::any_json;

fn raw(value: Value) -> Raw {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_project_directly_below_its_domain_has_no_parent_and_a_nested_one_has() {
    let project = |parent: Value| {
        let raw = raw(json!({
            "id": "p", "name": "web", "domain_id": "d", "description": "", "enabled": true,
            "parent_id": parent, "is_domain": false, "tags": [], "options": {},
            "links": {"self": "http://k/v3/projects/p"}}));
        match raw.into_project(Custody::Common) {
            Some(Record::Project(it)) => it.what,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(project(json!("d")).parent, None);
    assert_eq!(project(Value::Null).parent, None);
    assert_eq!(project(json!("q")).parent, Some(CloudId::new("q")));
    assert_eq!(project(json!("d")).description.as_deref(), Some(""));
}

#[test]
fn absent_differs_from_empty() {
    let user = |extra: Value| {
        let mut body = json!({"id": "u", "name": "anna", "domain_id": "d"});
        let map = body.as_object_mut().unwrap();
        map.extend(extra.as_object().unwrap().clone());
        match raw(body).into_user(Custody::Common) {
            Some(Record::User(it)) => it.what,
            other => panic!("{other:?}"),
        }
    };
    let bare = user(json!({}));
    assert_eq!((&bare.description, &bare.email), (&None, &None));
    assert!(bare.enabled && bare.default_project.is_none());
    let nulls = json!({"description": null, "email": null, "default_project_id": null});
    assert_eq!(user(nulls), bare);
    let empty = user(json!({"description": "", "email": "", "enabled": false}));
    assert_eq!(empty.description.as_deref(), Some(""));
    assert_eq!((empty.email.as_deref(), empty.enabled), (Some(""), false));
}

#[test]
fn a_long_description_is_cut_at_a_character() {
    for letter in ["a", "é", "研", "🦀"] {
        let text = letter.repeat(DESCRIPTION_BYTES_MAX);
        let raw = raw(json!({"id": "r", "name": "n", "description": text}));
        let Some(Record::Role(role)) = raw.into_role(Custody::Common) else {
            panic!("no role");
        };
        let cut = role.what.description.unwrap();
        assert_eq!(cut.len(), DESCRIPTION_BYTES_MAX, "{letter}");
        assert!(text.starts_with(&cut));
    }
}

#[test]
fn the_marker_is_read_where_it_is_one() {
    let right = Marker {
        federation: FederationId::from_random(1),
        object: ObjectId::from_bytes([7; 16]),
    };
    for (value, expected) in [
        (json!(marker::write(&right)), Some(right)),
        (json!("somebody else's"), None),
        (json!(["a"]), None),
        (Value::Null, None),
    ] {
        let mut body = json!({"id": "g", "name": "n", "domain_id": "d"});
        body[marker::ATTRIBUTE] = value;
        let Some(Record::Group(group)) = raw(body).into_group(Custody::Reserved) else {
            panic!("no group");
        };
        assert_eq!((group.marker, group.custody), (expected, Custody::Reserved));
    }
}

#[test]
fn what_has_no_id_or_no_department_is_refused() {
    assert!(
        raw(json!({"name": "n"}))
            .into_department(Custody::Common)
            .is_none()
    );
    assert!(raw(json!({"id": ""})).into_role(Custody::Common).is_none());
    for body in [json!({"id": "x"}), json!({"domain_id": "d"})] {
        assert!(raw(body.clone()).into_project(Custody::Common).is_none());
        assert!(raw(body.clone()).into_user(Custody::Common).is_none());
        assert!(raw(body).into_group(Custody::Common).is_none());
    }
}

#[test]
fn a_list_that_was_cut_is_told_from_one_that_goes_on() {
    for (body, cut) in [
        (json!({"users": [], "links": {"next": null}}), false),
        (json!({"users": [], "truncated": true}), true),
        (
            json!({"users": [], "links": {"next": "http://k/users?marker=a"}, "truncated": true}),
            false,
        ),
    ] {
        let list: UserList = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(list.is_cut(), cut, "{body}");
    }
}

fn read_all<L: Listing<Item = Raw>>(text: &str) {
    let Ok(list) = serde_json::from_str::<L>(text) else {
        return;
    };
    let _ = list.is_cut();
    for raw in list.into_parts().0 {
        let custody = Custody::Common;
        let id = raw.id().is_some();
        let department = raw.department().is_some();
        assert_eq!(raw.clone().into_department(custody).is_some(), id);
        assert_eq!(raw.clone().into_role(custody).is_some(), id);
        assert_eq!(
            raw.clone().into_project(custody).is_some(),
            id && department
        );
        assert_eq!(raw.clone().into_user(custody).is_some(), id && department);
        assert_eq!(raw.into_group(custody).is_some(), id && department);
    }
}

const NAMES: &[&str] = &[
    "domains",
    "projects",
    "users",
    "groups",
    "roles",
    "id",
    "name",
    "description",
    "enabled",
    "domain_id",
    "parent_id",
    "is_domain",
    "email",
    "default_project_id",
    "regroup",
    "links",
    "next",
    "truncated",
];

proptest! {
    #[test]
    fn any_json_is_read_or_refused(json in any_json(NAMES)) {
        for collection in ["domains", "projects", "users", "groups", "roles"] {
            for text in [json.clone(), format!("{{\"{collection}\":[{json}]}}")] {
                read_all::<DomainList>(&text);
                read_all::<ProjectList>(&text);
                read_all::<UserList>(&text);
                read_all::<GroupList>(&text);
                read_all::<RoleList>(&text);
            }
        }
    }
}
