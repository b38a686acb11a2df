//! What is absent differs from what is empty: what a Keystone shows of a description and an address
//! after the agent wrote the one or the other.

use serde_json::{Value, json};
use shared::model::{CloudId, Department, Group, Object, ObjectKind, Project, Role, User};
use sp_agent::cloud::{Cloud, Order};
use tests::openstack::Admin;

use super::Keystone;
use super::orders::{LONG, agent, marker};

type Text = Option<&'static str>;

fn object(kind: ObjectKind, department: &CloudId, text: Text) -> Object<CloudId> {
    let (department, description) = (department.clone(), text.map(str::to_owned));
    let name = format!("text {}", kind.name());
    match kind {
        ObjectKind::Department => Object::Department(Department {
            name,
            description,
            enabled: true,
        }),
        ObjectKind::Project => Object::Project(Project {
            department,
            parent: None,
            name,
            description,
            enabled: true,
        }),
        ObjectKind::User => Object::User(User {
            department,
            name,
            email: description.clone(),
            description,
            enabled: true,
            default_project: None,
        }),
        ObjectKind::Group => Object::Group(Group {
            department,
            name,
            description,
        }),
        ObjectKind::Role => Object::Role(Role {
            department: None,
            name,
            description,
        }),
    }
}

/// What Keystone shows of one: a text, or `null` where it shows none, or says so.
fn shown(admin: &Admin, kind: ObjectKind, id: &CloudId) -> Value {
    let word = match kind {
        ObjectKind::Department => "domain",
        other => other.name(),
    };
    let (status, body) = admin.ask("GET", &format!("/{word}s/{id}"), &Value::Null);
    assert_eq!(status, 200, "{body}");
    let thing = &body[word];
    if kind == ObjectKind::User {
        assert_eq!(thing["email"], thing["description"], "{thing}");
    }
    thing["description"].clone()
}

/// Makes one of each kind without a description and with an empty one, and changes it from each to
/// each. All are held as they were written, but for a role's: Keystone takes none away.
pub(super) fn are_held(keystone: &Keystone) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let admin = Admin::new(&keystone.auth_url, &keystone.password);
    let agent = runtime.block_on(async { agent(keystone, LONG) });
    let home = CloudId::new("default");
    for kind in ObjectKind::ALL {
        for first in [None, Some("")] {
            let mut before = object(kind, &home, first);
            let create = Order::Create {
                object: before.clone(),
                marker: marker(21),
            };
            let id = runtime.block_on(agent.perform(&create)).unwrap().unwrap();
            assert_eq!(shown(&admin, kind, &id), json!(first), "{kind:?} made");
            for text in [Some(""), None, Some("x"), None, Some("")] {
                let after = object(kind, &home, text);
                let update = Order::Update {
                    id: id.clone(),
                    from: before,
                    to: after.clone(),
                    marker: None,
                };
                let done = runtime.block_on(agent.perform(&update));
                assert_eq!(done.unwrap(), None, "{kind:?} {text:?}");
                let is_kept = kind == ObjectKind::Role && text.is_none();
                let expected = if is_kept { Some("") } else { text };
                assert_eq!(shown(&admin, kind, &id), json!(expected), "{kind:?}");
                before = after;
            }
            clear(&admin, kind, &id);
        }
    }
}

/// Its name is free again.
fn clear(admin: &Admin, kind: ObjectKind, id: &CloudId) {
    let word = match kind {
        ObjectKind::Department => "domain",
        other => other.name(),
    };
    if kind == ObjectKind::Department {
        let off = json!({"domain": {"enabled": false}});
        admin.ask("PATCH", &format!("/domains/{id}"), &off);
    }
    let (status, body) = admin.ask("DELETE", &format!("/{word}s/{id}"), &Value::Null);
    assert_eq!(status, 204, "{body}");
}
