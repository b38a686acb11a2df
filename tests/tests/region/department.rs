//! A department that was retired is purged on command with the users, groups and roles that the
//! federation has in it, once no region has anything of its own in it.

use serde_json::{Value, json};
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, succeeded, until, until_so};

use super::{has, join};

const PURGE: [&str; 5] = ["org", "purge", "department", "research", "--yes"];

/// The id of `research`, and whether it is switched on.
fn research(keystone: &SimulatedKeystone) -> Option<(String, bool)> {
    let all = keystone.organization().departments;
    let mut found = all.into_iter().filter(|(_, it)| it.name == "research");
    found.next().map(|(id, it)| (id.to_string(), it.enabled))
}

/// What the hub says of it while it is retired.
fn retired(lab: &Lab) -> Option<Value> {
    let output = succeeded(lab.ask(&["org", "retired", "--output", "json"]));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut all = told["retired"].as_array().unwrap().clone().into_iter();
    all.find(|it| it["kind"] == "department" && it["name"] == "research")
}

fn left(lab: &Lab, region: &str) -> Value {
    let told = retired(lab).expect("it is retired");
    let mut all = told["regions"].as_array().unwrap().iter();
    all.find(|it| it["region"] == region)
        .cloned()
        .unwrap_or_default()
}

#[test]
fn a_retired_department_is_purged_with_all_of_the_federation_in_it_and_nothing_else() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    let both = [&north, &south];
    let domain = north.made("/domains", &json!({ "domain": { "name": "research" } }));
    let inside = |name: &str| json!({ "name": name, "domain_id": domain });
    north.made("/users", &json!({ "user": inside("ann") }));
    north.made("/groups", &json!({ "group": inside("chemists") }));
    north.made("/roles", &json!({ "role": inside("titrator") }));
    let lab = Lab::found();
    let _north = join(&lab, "north", &north, "purge_rest = \"1s\"");
    let _south = join(&lab, "south", &south, "purge_rest = \"1s\"");
    lab.merge("north");
    lab.merge("south");
    succeeded(lab.ask(&["org", "create", "user", "bob", "--in", "research"]));
    for name in ["ann", "bob"] {
        until("they are in both", || {
            both.iter().all(|it| has(it, name)).then_some(())
        });
    }
    let roles = |it: &SimulatedKeystone| {
        let all = it.organization().roles;
        all.values().any(|it| it.name == "titrator")
    };
    until("so is the role", || roles(&south).then_some(()));

    // What the region makes in it is the region's own.
    let (there, _) = research(&south).unwrap();
    let body = json!({ "user": { "name": "local", "domain_id": there } });
    let local = south.made("/users", &body);
    succeeded(lab.ask(&["org", "retire", "department", "research", "--yes"]));
    for keystone in both {
        until("it is switched off", || {
            research(keystone).filter(|(_, is_on)| !is_on)
        });
        assert!(
            has(keystone, "ann") && has(keystone, "bob"),
            "nothing is deleted"
        );
    }
    until_so("both regions are heard of it", || {
        ["north", "south"].iter().all(|region| {
            let it = left(&lab, region);
            it["is_fresh"] == true && it["is_here"] == true && it["is_on"] == false
        })
    });
    until_so(
        "what the region made is no secret, or holds the purge",
        || lab.ask(&PURGE).status.success() || left(&lab, "south")["inside"]["users"] == 1,
    );
    std::thread::sleep(std::time::Duration::from_secs(15));
    for keystone in both {
        assert!(
            research(keystone).is_some(),
            "the region's own keeps it everywhere"
        );
        assert!(has(keystone, "ann") && has(keystone, "bob"));
    }
    assert!(has(&south, "local"));

    let (status, answer) = south.ask("DELETE", &format!("/users/{local}"), &Value::Null);
    assert_eq!(status, 204, "{answer}");
    until_so("it is purged", || {
        let _ = lab.ask(&PURGE);
        retired(&lab).is_none()
    });
    for keystone in both {
        assert_eq!(research(keystone), None);
        assert!(!has(keystone, "ann") && !has(keystone, "bob") && !roles(keystone));
        let groups = keystone.organization().groups;
        assert!(groups.values().all(|it| it.name != "chemists"));
    }
    succeeded(lab.ask(&["org", "create", "department", "research"]));
    for keystone in both {
        until("the name is free", || {
            research(keystone).filter(|(_, is_on)| *is_on)
        });
    }
}
