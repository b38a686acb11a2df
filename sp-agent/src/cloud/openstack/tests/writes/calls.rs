//! Each order's call: method, path and body.

use super::*;

/// The one write that an order becomes.
async fn heard(order: Order) -> Option<(String, String, Value)> {
    let reply = r#"{"domain": {"id": "x"}, "project": {"id": "x"}, "user": {"id": "x"},
                    "group": {"id": "x"}, "role": {"id": "x"}}"#;
    let (sender, mut receiver) = mpsc::channel(4);
    let fake = Fake::start(move |seen| {
        is_write(seen).then(|| {
            sender.try_send(seen.clone()).unwrap();
            Reply::status(200, reply)
        })
    })
    .await;
    client(&fake).perform(&order).await.unwrap();
    let seen = receiver.try_recv().ok()?;
    assert!(receiver.try_recv().is_err(), "one call");
    assert_eq!(seen.token, "token-1");
    let path = seen.path.strip_prefix("/identity/v3").unwrap().to_owned();
    Some((seen.method, path, seen.body))
}

async fn check(order: Order, method: &str, path: &str, body: Value) {
    let expected = (method.to_owned(), path.to_owned(), body);
    assert_eq!(heard(order).await, Some(expected));
}

fn regroup() -> String {
    "01010101-0101-0101-0101-010101010101/02020202-0202-0202-0202-020202020202".to_owned()
}

fn department(enabled: bool) -> Object<CloudId> {
    Object::Department(Department {
        name: "Chemie é".to_owned(),
        description: None,
        enabled,
    })
}

fn project(parent: Option<&str>) -> Object<CloudId> {
    Object::Project(Project {
        department: id("d"),
        parent: parent.map(id),
        name: "lab".to_owned(),
        description: Some(String::new()),
        enabled: true,
    })
}

fn user(email: Option<&str>, default_project: Option<&str>) -> Object<CloudId> {
    Object::User(User {
        department: id("d"),
        name: "eva".to_owned(),
        description: None,
        email: email.map(str::to_owned),
        enabled: true,
        default_project: default_project.map(id),
    })
}

fn role(department: Option<&str>) -> Object<CloudId> {
    Object::Role(Role {
        department: department.map(id),
        name: "auditor".to_owned(),
        description: None,
    })
}

async fn creates(object: Object<CloudId>, path: &str, body: Value) {
    let marker = marker();
    check(Order::Create { object, marker }, "POST", path, body).await;
}

#[tokio::test]
async fn a_new_thing_is_written_whole_with_its_marker() {
    let body = json!({"domain": {
        "name": "Chemie é", "description": null, "enabled": true, "regroup": regroup()}});
    creates(department(true), "/domains", body).await;
    for (parent, parent_id) in [(None, "d"), (Some("p"), "p")] {
        let body = json!({"project": {
            "name": "lab", "domain_id": "d", "parent_id": parent_id, "description": "",
            "enabled": true, "regroup": regroup()}});
        creates(project(parent), "/projects", body).await;
    }
    let body = json!({"user": {
        "name": "eva", "domain_id": "d", "enabled": true, "regroup": regroup()}});
    creates(user(None, None), "/users", body).await;
    let body = json!({"user": {
        "name": "eva", "domain_id": "d", "enabled": true, "email": "e@x", "regroup": regroup(),
        "default_project_id": "p"}});
    creates(user(Some("e@x"), Some("p")), "/users", body).await;
    let body = json!({"group": {
        "name": "chemists", "domain_id": "d", "description": "x", "regroup": regroup()}});
    creates(group(Some("x")), "/groups", body).await;
    let body = json!({"group": {
        "name": "chemists", "domain_id": "d", "description": null, "regroup": regroup()}});
    creates(group(None), "/groups", body).await;
    let body = json!({"role": {"name": "auditor", "regroup": regroup()}});
    creates(role(None), "/roles", body).await;
    let body = json!({"role": {"name": "auditor", "domain_id": "d", "regroup": regroup()}});
    creates(role(Some("d")), "/roles", body).await;
}

fn update(from: Object<CloudId>, to: Object<CloudId>, marker: Option<Marker>) -> Order {
    Order::Update {
        id: id("x"),
        from,
        to,
        marker,
    }
}

#[tokio::test]
async fn only_what_differs_is_written() {
    let order = update(department(true), department(false), None);
    check(
        order,
        "PATCH",
        "/domains/x",
        json!({"domain": {"enabled": false}}),
    )
    .await;
    let order = update(project(None), project(Some("p")), None);
    check(
        order,
        "PATCH",
        "/projects/x",
        json!({"project": {"parent_id": "p"}}),
    )
    .await;
    let order = update(group(None), group(Some("")), Some(marker()));
    let body = json!({"group": {"description": "", "regroup": regroup()}});
    check(order, "PATCH", "/groups/x", body).await;
    let order = update(role(None), role(None), Some(marker()));
    check(
        order,
        "PATCH",
        "/roles/x",
        json!({"role": {"regroup": regroup()}}),
    )
    .await;
}

#[tokio::test]
async fn a_change_of_a_project_that_is_off_says_that_it_stays_so() {
    let off = || {
        let mut object = project(None);
        if let Object::Project(it) = &mut object {
            it.enabled = false;
        }
        object
    };
    let order = update(off(), off(), Some(marker()));
    let body = json!({"project": {"enabled": false, "regroup": regroup()}});
    check(order, "PATCH", "/projects/x", body).await;
    assert_eq!(heard(update(off(), off(), None)).await, None);
}

#[tokio::test]
async fn a_project_that_is_renamed_is_named_by_its_id_too() {
    let mut renamed = project(None);
    if let Object::Project(it) = &mut renamed {
        it.name = "lab 2".to_owned();
    }
    let body = json!({"project": {"name": "lab 2", "id": "x"}});
    check(
        update(project(None), renamed, None),
        "PATCH",
        "/projects/x",
        body,
    )
    .await;
}

#[tokio::test]
async fn what_is_to_be_absent_is_written_as_null() {
    let order = update(user(Some("e@x"), Some("p")), user(None, None), None);
    let body = json!({"user": {"email": null, "default_project_id": null}});
    check(order, "PATCH", "/users/x", body).await;
    let order = update(group(Some("")), group(None), None);
    check(
        order,
        "PATCH",
        "/groups/x",
        json!({"group": {"description": null}}),
    )
    .await;
}

#[tokio::test]
async fn where_nothing_differs_nobody_is_asked() {
    assert_eq!(heard(update(group(None), group(None), None)).await, None);
}

#[tokio::test]
async fn users_groups_and_roles_are_removed() {
    for (kind, path) in [
        (ObjectKind::User, "/users/x"),
        (ObjectKind::Group, "/groups/x"),
        (ObjectKind::Role, "/roles/x"),
    ] {
        check(
            Order::Remove { kind, id: id("x") },
            "DELETE",
            path,
            Value::Null,
        )
        .await;
    }
}

fn assignment(actor: Actor<CloudId>, scope: Scope<CloudId>, inherited: bool) -> Link<CloudId> {
    Link::Assignment(Assignment {
        actor,
        scope,
        role: id("r"),
        inherited,
    })
}

#[tokio::test]
async fn links_are_made_and_taken_away_where_they_belong() {
    let (user, group) = (Actor::User(id("u")), Actor::Group(id("g")));
    let (department, project) = (Scope::Department(id("d")), Scope::Project(id("p")));
    for (link, path) in [
        (membership(), "/groups/g/users/u"),
        (implication(), "/roles/r1/implies/r2"),
        (
            assignment(user.clone(), project.clone(), false),
            "/projects/p/users/u/roles/r",
        ),
        (
            assignment(group.clone(), department.clone(), false),
            "/domains/d/groups/g/roles/r",
        ),
        (
            assignment(group, project, true),
            "/OS-INHERIT/projects/p/groups/g/roles/r/inherited_to_projects",
        ),
        (
            assignment(user, department, true),
            "/OS-INHERIT/domains/d/users/u/roles/r/inherited_to_projects",
        ),
    ] {
        check(Order::Link(link.clone()), "PUT", path, Value::Null).await;
        check(Order::Unlink(link), "DELETE", path, Value::Null).await;
    }
}

#[tokio::test]
async fn what_no_call_does_is_refused_and_nobody_asked() {
    let fake = answering(made()).await;
    let cloud = client(&fake);
    let remove = |kind| Order::Remove { kind, id: id("x") };
    let mut orders = vec![
        remove(ObjectKind::Department),
        remove(ObjectKind::Project),
        update(group(None), role(None), None),
    ];
    for strange in ["", ".", "..", "../domains/d", "a%2e", "a?b", "a\nb", "a\\b"] {
        let kind = ObjectKind::User;
        orders.push(Order::Remove {
            kind,
            id: id(strange),
        });
        orders.push(Order::Unlink(Link::Membership(Membership {
            group: id("g"),
            user: id(strange),
        })));
    }
    for order in orders {
        let error = cloud.perform(&order).await.unwrap_err();
        assert!(
            matches!(error, CloudError::Refused { .. }),
            "{order:?}: {error}"
        );
    }
    assert_eq!(fake.sign_ins(), 0);
}
