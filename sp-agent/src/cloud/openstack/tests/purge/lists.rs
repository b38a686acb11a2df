//! Lists that need more than a count, and what is passed over.

use super::*;

#[tokio::test]
async fn a_group_of_servers_or_a_rule_in_the_default_group_keeps_it() {
    let ssh = json!({ "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
        "port_range_min": 22, "port_range_max": 22, "remote_group_id": null });
    let done = purged(move |seen| match seen.path.as_str() {
        "/network/v2.0/security-groups" => default_group(std::slice::from_ref(&ssh)),
        "/compute/v2.1/os-server-groups" => server_groups(seen, &["another", "x"]),
        _ => None,
    });
    let told = told(done.await);
    for word in ["1 server group", "1 default security group rule"] {
        assert!(told.contains(word), "{told}");
    }
    // An administrator may have other rules in every default group, and a Neutron without an
    // extension has nothing of it.
    let own = |seen: &Seen| match seen.path.as_str() {
        "/network/v2.0/extensions" => answer(json!({ "extensions": [
            { "alias": "security-group" }, { "alias": "security-groups-default-rules" }] })),
        "/network/v2.0/default-security-group-rules" => {
            let rule = |used: bool, port: u16| {
                json!({ "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
                "port_range_min": port, "port_range_max": port, "used_in_default_sg": used })
            };
            answer(json!({ "default_security_group_rules": [rule(true, 22), rule(false, 23)] }))
        }
        "/network/v2.0/security-groups" => {
            let rule = json!({ "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
                "port_range_min": 22, "port_range_max": 22 });
            answer(json!({ "security_groups": [
                { "id": "s", "name": "default", "security_group_rules": [rule] }] }))
        }
        "/network/v2.0/trunks" | "/network/v2.0/routers" => Some(Reply::status(404, "{}")),
        _ => None,
    };
    assert_eq!(purged(own).await.1, 1);
}

#[tokio::test]
async fn a_look_deletes_nothing_and_passes_over_what_goes_along() {
    let inside = |seen: &Seen| match seen.path.as_str() {
        "/identity/v3/users" => answer(json!({ "users": [{ "id": "a" }, { "id": "b" }] })),
        "/identity/v3/projects" => answer(json!({ "projects": [] })),
        "/identity/v3/groups" => answer(json!({ "groups": [] })),
        "/identity/v3/roles" => answer(json!({ "roles": [] })),
        _ => usual(seen),
    };
    for (along, is_empty) in [(vec!["a", "b"], true), (vec!["a"], false)] {
        let fake = Fake::start(inside).await;
        let look = Order::Look {
            kind: ObjectKind::Department,
            id: CloudId::new("x"),
            name: "lab".to_owned(),
            told: Clock::system().unix_millis(),
            along: along.into_iter().map(CloudId::new).collect(),
        };
        let looked = client(&fake).perform(&look).await;
        match looked {
            Ok(None) => assert!(is_empty),
            Err(CloudError::Occupied { found, .. }) => {
                assert_eq!((found.as_str(), is_empty), ("1 user", false));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(deletions(&fake, "/identity/v3/domains/x"), 0);
    }
}
