//! What somebody changes in a region's Keystone is shown at the hub, and adopted or put back there,
//! with real daemons.

#[path = "drift/kinds.rs"]
mod kinds;

use std::time::Duration;

use serde_json::{Value, json};
use shared::model::CloudId;
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, succeeded, until, until_so};

fn ask(keystone: &SimulatedKeystone, method: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = keystone.ask(method, path, body);
    assert!(status < 300, "{method} {path}: {status} {answer}");
    answer
}

fn user(keystone: &SimulatedKeystone, name: &str) -> Option<CloudId> {
    let users = keystone.organization().users;
    let mut found = users.into_iter().filter(|(_, it)| it.name == name);
    found.next().map(|(id, _)| id)
}

fn group(keystone: &SimulatedKeystone, name: &str) -> Option<CloudId> {
    let groups = keystone.organization().groups;
    let mut found = groups.into_iter().filter(|(_, it)| it.name == name);
    found.next().map(|(id, _)| id)
}

fn rename(keystone: &SimulatedKeystone, from: &str, to: &str) {
    let id = user(keystone, from).unwrap();
    let body = json!({ "user": { "name": to } });
    ask(keystone, "PATCH", &format!("/users/{id}"), &body);
}

fn drift(lab: &Lab) -> Vec<Value> {
    let output = succeeded(lab.ask(&["org", "drift", "--output", "json"]));
    let drift: Value = serde_json::from_slice(&output.stdout).unwrap();
    drift["drift"].as_array().unwrap().clone()
}

/// Waits for the one drift of this kind; its id.
fn differs(lab: &Lab, what: &str) -> String {
    let found = until(&format!("{what} is shown"), || {
        let mut all = drift(lab).into_iter();
        all.find(|it| it["differences"][0]["what"] == what)
    });
    assert_eq!(found["region"], "south", "{found}");
    found["id"].as_str().unwrap().to_owned()
}

fn nothing_differs(lab: &Lab) {
    until_so("nothing differs", || drift(lab).is_empty());
}

fn cure(lab: &Lab, how: &str, id: &str) {
    succeeded(lab.ask(&["org", "drift", how, "south", id, "--yes"]));
}

fn refused(lab: &Lab, words: &[&str], why: &str) {
    let output = lab.ask(words);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(why), "{said}");
}

/// Both regions have all of the directory.
fn all_is_in_place(lab: &Lab) {
    until_so("all is in place", || {
        let output = succeeded(lab.ask(&["org", "status", "--output", "json"]));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let regions = told["regions"].as_array().unwrap();
        let is_done = regions.iter().all(|it| {
            let it = &it["progress"];
            it["desired"].as_u64() > Some(0) && it["in_place"] == it["desired"]
        });
        is_done && regions.len() == 2
    });
}

/// Following ends by itself, and its last word is that all is there.
fn followed_to_its_end(lab: &Lab) {
    let output = succeeded(lab.ask(&["org", "status", "south", "--follow"]));
    let told = String::from_utf8(output.stdout).unwrap();
    let last = told.lines().last().unwrap();
    assert!(
        last.starts_with("south: ") && last.ends_with("100 %, left: nothing"),
        "{told}"
    );
    let output = succeeded(lab.ask(&["org", "status", "--follow", "--output", "json"]));
    let told = String::from_utf8(output.stdout).unwrap();
    for line in told.lines() {
        let document: Value = serde_json::from_str(line).unwrap();
        assert_eq!(document["regions"].as_array().unwrap().len(), 2, "{line}");
    }
    let merged = succeeded(lab.ask(&["org", "status"]));
    assert!(String::from_utf8_lossy(&merged.stdout).contains("100 %"));
}

fn furnish(keystone: &SimulatedKeystone) {
    let domain = keystone.made("/domains", &json!({ "domain": { "name": "research" } }));
    for name in ["ann", "bob"] {
        let body = json!({ "user": { "name": name, "domain_id": domain } });
        keystone.made("/users", &body);
    }
    let body = json!({ "group": { "name": "operators", "domain_id": domain } });
    keystone.made("/groups", &body);
}

#[test]
fn what_was_changed_in_a_region_is_shown_and_put_back_or_adopted() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    furnish(&north);
    let lab = Lab::found();
    let _north = lab.join_keystone("north", &north);
    let mut agent = lab.join_keystone("south", &south);
    lab.merge("north");
    lab.merge("south");
    followed_to_its_end(&lab);
    all_is_in_place(&lab);
    assert_eq!(drift(&lab), [] as [Value; 0]);

    rename(&south, "ann", "anna");
    let id = differs(&lab, "name");
    let metrics = (lab.metrics(), agent.metrics());
    let is_told =
        |of: &str, daemon| of.contains(&format!("{daemon}_directory_items{{state=\"drift\"}} 1"));
    assert!(is_told(&metrics.0, "idp_hub"), "{}", metrics.0);
    assert!(is_told(&metrics.1, "sp_agent"), "{}", metrics.1);
    let shown = succeeded(lab.ask(&["org", "drift", "--region", "south"]));
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let short = &id[..12];
    let next = format!("org drift adopt south {short}");
    assert!(shown.contains(&next), "{shown}");
    cure(&lab, "put-back", short);
    until("it is put back", || user(&south, "ann"));
    nothing_differs(&lab);

    // Again the same: nobody said anything about that, nor is it forgotten by a restart.
    rename(&south, "ann", "anna");
    assert_eq!(differs(&lab, "name"), id);
    agent.daemon.kill();
    agent.daemon.again();
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(differs(&lab, "name"), id);
    assert!(user(&north, "anna").is_none() && user(&south, "anna").is_some());
    cure(&lab, "adopt", &id);
    until("the other region has it", || user(&north, "anna"));
    nothing_differs(&lab);

    deletions_and_links(&lab, &north, &south);
    what_is_made_in_a_region(&lab, &north, &south);
    a_policy(&lab, &south);
    all_is_in_place(&lab);
}

/// Nothing ends by the way, and what was given is given everywhere.
fn deletions_and_links(lab: &Lab, north: &SimulatedKeystone, south: &SimulatedKeystone) {
    let (anna, operators) = (user(south, "anna").unwrap(), group(south, "operators"));
    let path = format!("/groups/{}/users/{anna}", operators.as_ref().unwrap());
    ask(south, "PUT", &path, &Value::Null);
    let given = differs(lab, "link-given");
    cure(lab, "adopt", &given);
    until_so("she is a member there too", || {
        let members = north.organization().memberships;
        members.len() == 1
    });
    nothing_differs(lab);

    let path = format!("/groups/{}", operators.unwrap());
    ask(south, "DELETE", &path, &Value::Null);
    let deleted = differs(lab, "deleted");
    let adopt = ["org", "drift", "adopt", "south", &deleted, "--yes"];
    refused(lab, &adopt, "--end");
    succeeded(lab.ask(&["org", "drift", "put-back", "south", "--all", "--yes"]));
    until("it is made again", || group(south, "operators"));
    nothing_differs(lab);
    assert!(group(north, "operators").is_some());
}

/// What a region made is taken in by merging it again, and never deleted.
fn what_is_made_in_a_region(lab: &Lab, north: &SimulatedKeystone, south: &SimulatedKeystone) {
    let body = json!({ "domain": { "name": "local" } });
    south.made("/domains", &body);
    let id = differs(lab, "created-here");
    for how in ["adopt", "put-back"] {
        let words = ["org", "drift", how, "south", &id, "--yes"];
        refused(lab, &words, "org plan");
    }
    lab.merge("south");
    until_so("the other region has it", || {
        let departments = north.organization().departments;
        departments.values().any(|it| it.name == "local")
    });
    nothing_differs(lab);
}

/// By a policy nobody need be there.
fn a_policy(lab: &Lab, south: &SimulatedKeystone) {
    succeeded(lab.ask(&["org", "policy", "south", "put-back"]));
    for _ in 0..2 {
        rename(south, "bob", "bobby");
        until("the policy puts it back", || user(south, "bob"));
        nothing_differs(lab);
    }
}
