//! A project that was retired at the hub is purged on command, in every region or in none, with real
//! daemons.

use serde_json::{Value, json};
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, Region, succeeded, until, until_so};

const PURGE: [&str; 5] = ["org", "purge", "project", "web", "--yes"];

/// The id of the project `web`, and whether it is switched on.
fn web(keystone: &SimulatedKeystone) -> Option<(String, bool)> {
    let projects = keystone.organization().projects;
    let mut found = projects.into_iter().filter(|(_, it)| it.name == "web");
    found.next().map(|(id, it)| (id.to_string(), it.enabled))
}

/// A region whose Keystone's services remember no tokens.
fn join(lab: &Lab, name: &str, keystone: &SimulatedKeystone) -> Region {
    let password = lab.secret(&format!("{name}-secret"), SimulatedKeystone::PASSWORD);
    let settings = keystone.settings(password.to_str().unwrap());
    let cloud = format!("{settings}\n[policy]\npurge_rest = \"1s\"\n");
    lab.join(name, &cloud, lab.link())
}

/// What the hub says of the project that was retired, if it does.
fn retired(lab: &Lab) -> Option<Value> {
    let output = succeeded(lab.ask(&["org", "retired", "--output", "json"]));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut all = told["retired"].as_array().unwrap().clone().into_iter();
    all.find(|it| it["kind"] == "project" && it["name"] == "web")
}

/// What is left of it in a region.
fn left(lab: &Lab, region: &str) -> Value {
    let told = retired(lab).unwrap_or_else(|| panic!("{}", whole(lab)));
    let mut all = told["regions"].as_array().unwrap().iter();
    let found = all.find(|it| it["region"] == region);
    found.unwrap_or_else(|| panic!("{told}")).clone()
}

fn may_be_purged(lab: &Lab) {
    until_so("nothing stands against it", || {
        retired(lab).unwrap()["why_not"].is_null()
    });
}

/// The word is refused, with the region and the number.
fn refused(lab: &Lab, why: &[&str]) {
    let output = lab.ask(&PURGE);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let is_told = why.iter().all(|it| said.contains(it));
    assert!(!output.status.success() && is_told, "{said}");
}

/// Retires it, with what a region made in it: switched off in both, and still there.
fn retire(lab: &Lab, [north, south]: [&SimulatedKeystone; 2]) -> String {
    let (outer, _) = until("the other region has it", || web(south));
    let (_, domain) = south
        .organization()
        .departments
        .into_iter()
        .map(|(id, it)| (it.name, id.to_string()))
        .find(|(name, _)| name == "research")
        .unwrap();
    let body = json!({ "project": {
        "name": "inner", "domain_id": domain, "parent_id": outer, "enabled": false } });
    let inner = south.made("/projects", &body);
    succeeded(lab.ask(&["org", "retire", "project", "web", "--yes"]));
    for keystone in [north, south] {
        until("it is switched off", || {
            web(keystone).filter(|(_, is_on)| !is_on)
        });
    }
    inner
}

#[test]
fn a_retired_project_is_purged_on_command_in_every_region_or_in_none() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    let domain = json!({ "domain": { "name": "research" } });
    let domain = north.made("/domains", &domain);
    let body = json!({ "project": { "name": "web", "domain_id": domain } });
    north.made("/projects", &body);
    let lab = Lab::found();
    let _north = join(&lab, "north", &north);
    let mut agent = join(&lab, "south", &south);
    lab.merge("north");
    lab.merge("south");
    let inner = retire(&lab, [&north, &south]);

    // Kept, and counted; what is in it holds up all.
    until_so("what is in it is counted", || {
        left(&lab, "south")["inside"]["projects"] == 1
    });
    until_so("the other region is heard of it", || {
        let it = left(&lab, "north");
        it["is_fresh"] == true && it["is_here"] == true && it["is_on"] == false
    });
    refused(&lab, &["south", "1 project"]);
    let (status, answer) = south.ask("DELETE", &format!("/projects/{inner}"), &Value::Null);
    assert_eq!(status, 204, "{answer}");
    may_be_purged(&lab);

    // While one is away, nothing is deleted anywhere, and the word can be taken back.
    agent.daemon.kill();
    succeeded(lab.ask(&PURGE));
    until_so("the other one found nothing in it", || {
        left(&lab, "north")["purge"] == "ready"
    });
    assert_eq!(left(&lab, "south")["purge"], "waiting");
    assert!(web(&north).is_some() && web(&south).is_some());
    succeeded(lab.ask(&["org", "purge", "project", "web", "--cancel"]));
    until_so("nobody is told to any more", || {
        let is_told = |region| left(&lab, region)["purge"].is_string();
        !is_told("north") && !is_told("south")
    });

    // Said again, it waits for the one that is away, and is done when that is back.
    succeeded(lab.ask(&PURGE));
    agent.daemon.again();
    until_so("nothing is left of it", || retired(&lab).is_none());
    assert_eq!((web(&north), web(&south)), (None, None));
    succeeded(lab.ask(&["org", "create", "project", "web", "--in", "research"]));
    for keystone in [&north, &south] {
        until("the name is free", || {
            web(keystone).filter(|(_, is_on)| *is_on)
        });
    }
}

/// All that the hub says of what was retired.
fn whole(lab: &Lab) -> String {
    String::from_utf8_lossy(&lab.ask(&["org", "retired"]).stdout).into_owned()
}
