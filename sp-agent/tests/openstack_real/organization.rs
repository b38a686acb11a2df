//! The organization, compared with what Keystone itself tells of it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use shared::model::{
    Actor, Assignment, CloudId, Custody, Implication, Membership, Record, RecordKind, Scope,
};
use sp_agent::cloud::Part;
use sp_agent::cloud::openstack::OpenStack;

use crate::cloud::{Hand, administrator, client, unique};
use crate::told::{Told, audit, id};

/// What this test makes: a department that is switched off, and one of each kind in it.
struct Made {
    department: String,
    outer: String,
    inner: String,
    user: String,
    group: String,
    role: String,
    implied: String,
    /// In the next one.
    governor: String,
    /// It has a role in the system as a whole.
    governors: String,
}

/// A name of so many characters that needs more than one byte for most of them.
fn long(kind: &str, chars: usize) -> String {
    let name = format!("{}-", unique(kind));
    let rest = chars - name.chars().count();
    name + &"研é🦀字".chars().cycle().take(rest).collect::<String>()
}

async fn make(hand: &Hand, kind: &str, body: Value) -> String {
    let mut whole = json!({});
    whole[kind] = body;
    let made = hand.post("identity", &format!("/{kind}s"), whole).await;
    id(&made[kind])
}

async fn organization(hand: &Hand) -> Made {
    let name = long("部门", 64);
    let body = json!({"name": name, "description": ""});
    let department = make(hand, "domain", body).await;
    let body = json!({"name": long("外", 64), "domain_id": department, "description": "è"});
    let outer = make(hand, "project", body).await;
    let body = json!({"name": "nested", "domain_id": department, "parent_id": outer,
                      "enabled": false});
    let inner = make(hand, "project", body).await;
    let body = json!({"name": long("用户", 255), "domain_id": department, "email": "é@例.cn",
                      "default_project_id": outer});
    let user = make(hand, "user", body).await;
    let body = json!({"name": long("组", 64), "domain_id": department, "description": ""});
    let group = make(hand, "group", body).await;
    let body = json!({"name": long("角色", 255), "domain_id": department});
    let role = make(hand, "role", body).await;
    let implied = make(hand, "role", json!({"name": unique("implied")})).await;
    let body = json!({"name": unique("governor"), "domain_id": department});
    let governor = make(hand, "user", body).await;
    let body = json!({"name": unique("governors"), "domain_id": department});
    let governors = make(hand, "group", body).await;
    for path in [
        format!("/groups/{governors}/users/{governor}"),
        format!("/system/groups/{governors}/roles/{implied}"),
        format!("/groups/{group}/users/{user}"),
        format!("/roles/{role}/implies/{implied}"),
        format!("/projects/{outer}/users/{user}/roles/{implied}"),
        format!(
            "/OS-INHERIT/domains/{department}/groups/{group}/roles/{implied}/inherited_to_projects"
        ),
    ] {
        hand.send(Method::PUT, "identity", &path, Value::Null).await;
    }
    // Keystone makes nothing in a domain that is switched off.
    let off = json!({"domain": {"enabled": false}});
    let path = format!("/domains/{department}");
    hand.send(Method::PATCH, "identity", &path, off).await;
    Made {
        department,
        outer,
        inner,
        user,
        group,
        role,
        implied,
        governor,
        governors,
    }
}

/// What Keystone says of a thing.
async fn said(hand: &Hand, kind: &str, id: &str) -> Value {
    hand.get("identity", &format!("/{kind}s/{id}")).await[kind].clone()
}

fn assert_named(told: &Value, name: &str, description: Option<&str>) {
    assert_eq!(told["name"].as_str(), Some(name));
    assert_eq!(told["description"].as_str(), description);
}

fn cloud_id(value: &Value) -> Option<CloudId> {
    value.as_str().map(CloudId::new)
}

fn record(told: &Told, kind: RecordKind, id: &str) -> Record {
    told.get(kind, id)
        .cloned()
        .unwrap_or_else(|| panic!("no {kind:?} {id}"))
}

/// Users and groups, and which of them stay the region's own.
async fn told_people(hand: &Hand, cloud: &OpenStack, made: &Made) {
    let told = audit(cloud, Part::Users).await;
    let Record::User(it) = record(&told, RecordKind::User, &made.user) else {
        panic!("no user");
    };
    let keystone = said(hand, "user", &made.user).await;
    assert_named(&keystone, &it.what.name, it.what.description.as_deref());
    assert_eq!(keystone["email"].as_str(), it.what.email.as_deref());
    assert_eq!(
        cloud_id(&keystone["default_project_id"]),
        it.what.default_project
    );
    assert_eq!(it.custody, Custody::Common);
    let Record::User(it) = record(&told, RecordKind::User, &made.governor) else {
        panic!("no user");
    };
    assert_eq!(
        it.custody,
        Custody::Reserved,
        "its group has a role in the system"
    );
    let Record::User(it) = record(&told, RecordKind::User, &hand.user) else {
        panic!("no user");
    };
    assert_eq!(
        it.custody,
        Custody::Administrator,
        "the agent signs in by it"
    );

    let told = audit(cloud, Part::Groups).await;
    let Record::Group(it) = record(&told, RecordKind::Group, &made.group) else {
        panic!("no group");
    };
    let keystone = said(hand, "group", &made.group).await;
    assert_named(&keystone, &it.what.name, it.what.description.as_deref());
    assert_eq!(it.custody, Custody::Common);
    let Record::Group(it) = record(&told, RecordKind::Group, &made.governors) else {
        panic!("no group");
    };
    assert_eq!(it.custody, Custody::Reserved, "it has a role in the system");
}

#[tokio::test]
async fn an_organization_is_told_as_keystone_tells_it() {
    let hand = Hand::administrator().await;
    let made = organization(&hand).await;
    let cloud = client(&administrator());

    let told = audit(&cloud, Part::Departments).await;
    let Record::Department(it) = record(&told, RecordKind::Department, &made.department) else {
        panic!("no department");
    };
    let keystone = said(&hand, "domain", &made.department).await;
    assert_named(&keystone, &it.what.name, it.what.description.as_deref());
    assert_eq!((it.what.enabled, it.custody), (false, Custody::Common));
    let Record::Department(it) = record(&told, RecordKind::Department, "default") else {
        panic!("no department");
    };
    assert_eq!(it.custody, Custody::Reserved);

    let told = audit(&cloud, Part::Projects).await;
    let department = CloudId::new(&made.department);
    for (id, parent) in [(&made.outer, None), (&made.inner, Some(&made.outer))] {
        let Record::Project(it) = record(&told, RecordKind::Project, id) else {
            panic!("no project");
        };
        let keystone = said(&hand, "project", id).await;
        assert_named(&keystone, &it.what.name, it.what.description.as_deref());
        assert_eq!(keystone["enabled"], it.what.enabled);
        assert_eq!(it.what.parent, parent.map(|it| CloudId::new(it)));
        assert_eq!(it.what.department, department);
    }
    let Record::Project(it) = record(&told, RecordKind::Project, &hand.project) else {
        panic!("no project");
    };
    assert_eq!(
        it.custody,
        Custody::Administrator,
        "the agent signs in by it"
    );
    assert!(told.get(RecordKind::Project, &made.department).is_none());

    told_people(&hand, &cloud, &made).await;

    let told = audit(&cloud, Part::Roles).await;
    for (id, within) in [(&made.role, Some(&department)), (&made.implied, None)] {
        let Record::Role(it) = record(&told, RecordKind::Role, id) else {
            panic!("no role");
        };
        let keystone = said(&hand, "role", id).await;
        assert_named(&keystone, &it.what.name, it.what.description.as_deref());
        assert_eq!(it.what.department.as_ref(), within);
    }
}

#[tokio::test]
async fn links_are_told_as_they_were_made() {
    let hand = Hand::administrator().await;
    let made = organization(&hand).await;
    let cloud = client(&administrator());
    let told =
        async |part| -> BTreeSet<_> { audit(&cloud, part).await.records.into_keys().collect() };
    let id = |text: &str| CloudId::new(text);
    let expected = [
        Record::Membership(Membership {
            group: id(&made.group),
            user: id(&made.user),
        }),
        Record::Implication(Implication {
            prior: id(&made.role),
            implied: id(&made.implied),
        }),
        Record::Assignment(Assignment {
            actor: Actor::User(id(&made.user)),
            scope: Scope::Project(id(&made.outer)),
            role: id(&made.implied),
            inherited: false,
        }),
        Record::Assignment(Assignment {
            actor: Actor::Group(id(&made.group)),
            scope: Scope::Department(id(&made.department)),
            role: id(&made.implied),
            inherited: true,
        }),
    ];
    let mut all = BTreeSet::new();
    for part in [Part::Memberships, Part::Implications, Part::Assignments] {
        all.extend(told(part).await);
    }
    for record in expected {
        assert!(all.contains(&record.key()), "{record:?}");
    }
}
