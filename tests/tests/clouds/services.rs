//! What a cloud's own services sign in as, and what they have, is as it was before the cloud was
//! merged: the accounts, their roles, their projects and what these may use.

use serde_json::{Value, json};
use tests::openstack::Admin;

use super::quota::limit_in;

/// Where installers put them.
const PROJECT: &str = "service";

/// All of Keystone's own department, in which services have their accounts, by its own word.
pub(super) fn told(cloud: &Admin) -> Value {
    let listed = |path: &str, list: &str| {
        let (status, told) = cloud.ask("GET", path, &Value::Null);
        assert_eq!(status, 200, "{told}");
        let mut all = told[list].as_array().unwrap().clone();
        all.sort_by_key(ToString::to_string);
        all
    };
    let projects = listed("/projects?domain_id=default", "projects");
    let users = listed("/users?domain_id=default", "users");
    let service = projects.iter().find(|it| it["name"] == PROJECT).unwrap();
    let id = service["id"].as_str().unwrap();
    let roles = users.iter().map(|it| {
        let id = it["id"].as_str().unwrap();
        listed(
            &format!("/role_assignments?user.id={id}"),
            "role_assignments",
        )
    });
    let limits = ["cores", "instances", "ram", "gigabytes", "network"];
    let limits = limits.map(|it| limit_in(cloud, id, it));
    let inside = format!("/role_assignments?scope.project.id={id}");
    let inside = listed(&inside, "role_assignments");
    assert!(!inside.is_empty(), "somebody works in it");
    json!({
        "department": cloud.ask("GET", "/domains/default", &Value::Null).1,
        "roles": roles.collect::<Vec<_>>(),
        "in the project": inside,
        "limits": limits,
        "groups": listed("/groups?domain_id=default", "groups"),
        "projects": projects,
        "users": users,
    })
}
