//! A department that was retired is purged on command with the users, groups and roles that the
//! federation has in it, once no region has anything of its own in it.

use std::time::Duration;

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

/// `research` with somebody and something of each kind, as the first region has it.
fn furnish(keystone: &SimulatedKeystone) {
    let domain = keystone.made("/domains", &json!({ "domain": { "name": "research" } }));
    let inside = |name: &str| json!({ "name": name, "domain_id": domain });
    keystone.made("/users", &json!({ "user": inside("ann") }));
    keystone.made("/groups", &json!({ "group": inside("chemists") }));
    keystone.made("/roles", &json!({ "role": inside("titrator") }));
}

/// How many of the federation's four it has.
fn count(keystone: &SimulatedKeystone) -> usize {
    let all = keystone.organization();
    let users = all.users.values().map(|it| &it.name);
    let groups = all.groups.values().map(|it| &it.name);
    let roles = all.roles.values().map(|it| &it.name);
    let names = users.chain(groups).chain(roles);
    let ours = ["ann", "bob", "chemists", "titrator"];
    names.filter(|it| ours.contains(&it.as_str())).count()
}

fn retire(lab: &Lab, both: [&SimulatedKeystone; 2]) {
    succeeded(lab.ask(&["org", "retire", "department", "research", "--yes"]));
    for keystone in both {
        let off = || research(keystone).filter(|(_, is_on)| !is_on);
        until("it is switched off", off);
        assert_eq!(count(keystone), 4, "nothing is deleted");
    }
    until_so("both regions are heard of it", || {
        ["north", "south"].iter().all(|region| {
            let it = left(lab, region);
            it["is_fresh"] == true && it["is_here"] == true && it["is_on"] == false
        })
    });
}

#[test]
fn a_retired_department_is_purged_with_all_of_the_federation_in_it_and_nothing_else() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    let both = [&north, &south];
    furnish(&north);
    let lab = Lab::found();
    let _north = join(&lab, "north", &north, "purge_rest = \"1s\"");
    let _south = join(&lab, "south", &south, "purge_rest = \"1s\"");
    lab.merge("north");
    lab.merge("south");
    succeeded(lab.ask(&["org", "create", "user", "bob", "--in", "research"]));
    until_so("both have all", || both.iter().all(|it| count(it) == 4));

    // What the region makes in it is the region's own, and keeps it everywhere.
    let (there, _) = research(&south).unwrap();
    let body = json!({ "user": { "name": "local", "domain_id": there } });
    let local = south.made("/users", &body);
    retire(&lab, both);
    until_so("the word is given", || lab.ask(&PURGE).status.success());
    until_so("one region found nothing of its own in it", || {
        left(&lab, "north")["purge"] == "ready"
    });
    let held = until("the other one says what holds it", || {
        let told = left(&lab, "south");
        told.to_string().contains("1 user").then_some(told)
    });
    assert_ne!(held["purge"], "ready", "{held}");
    std::thread::sleep(Duration::from_secs(12));
    let is_whole = |it: &&SimulatedKeystone| research(it).is_some() && count(it) == 4;
    assert!(both.iter().all(is_whole) && has(&south, "local"));

    let (status, answer) = south.ask("DELETE", &format!("/users/{local}"), &Value::Null);
    assert_eq!(status, 204, "{answer}");
    until_so("it is purged", || retired(&lab).is_none());
    for keystone in both {
        assert_eq!((research(keystone), count(keystone)), (None, 0));
    }
    succeeded(lab.ask(&["org", "create", "department", "research"]));
    for keystone in both {
        let on = || research(keystone).filter(|(_, is_on)| *is_on);
        until("the name is free", on);
    }
}
