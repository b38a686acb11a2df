//! A hub that is lost without a backup: its regions are merged under a new one as they were, with
//! real daemons.

use std::collections::BTreeSet;

use serde_json::json;
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, Region, succeeded, until};

/// A department `research` with a user and a project of the region's own.
fn furnished(keystone: &SimulatedKeystone, user: &str, project: &str) {
    let department = keystone.made("/domains", &json!({ "domain": { "name": "research" } }));
    let inside = |name: &str| json!({ "name": name, "domain_id": department });
    keystone.made("/users", &json!({ "user": inside(user) }));
    keystone.made("/projects", &json!({ "project": inside(project) }));
}

fn both(lab: &Lab, [north, south]: [&SimulatedKeystone; 2]) -> [Region; 2] {
    [
        lab.join_keystone("north", north),
        lab.join_keystone("south", south),
    ]
}

/// What a Keystone has by its own word, each with its department, but for what a federation has
/// for its administrators.
fn names(keystone: &SimulatedKeystone) -> BTreeSet<(&'static str, String, String)> {
    let all = keystone.organization();
    let department = |id| all.departments[id].name.clone();
    let departments = all.departments.values();
    let departments = departments.map(|it| ("department", String::new(), it.name.clone()));
    let users = all.users.values();
    let users = users.map(|it| ("user", department(&it.department), it.name.clone()));
    let projects = all.projects.values();
    let projects = projects.map(|it| ("project", department(&it.department), it.name.clone()));
    let mut names: BTreeSet<_> = departments.chain(users).chain(projects).collect();
    let is_own = |of: &str| of.starts_with("federation");
    names.retain(|(_, department, name)| !is_own(department) && !is_own(name));
    names
}

fn in_both(
    what: &str,
    keystones: [&SimulatedKeystone; 2],
) -> BTreeSet<(&'static str, String, String)> {
    until(what, || {
        let [north, south] = keystones.map(names);
        let is_whole = ["ann", "bob"].iter().all(|user| {
            let mut all = north.iter();
            all.any(|(kind, _, name)| *kind == "user" && name == user)
        });
        (is_whole && north == south).then_some(north)
    })
}

#[test]
fn regions_whose_hub_is_lost_are_merged_under_a_new_one_as_they_were() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    furnished(&north, "ann", "web");
    furnished(&south, "bob", "lab");
    let before = {
        let lab = Lab::found();
        let _agents = both(&lab, [&north, &south]);
        lab.merge("north");
        lab.merge("south");
        in_both("each has the other's", [&north, &south])
    };

    // Another hub, that knows nothing of them, and agents that know nothing either.
    let lab = Lab::found();
    let _agents = both(&lab, [&north, &south]);
    // The other region first: whose names they are is no matter of who came first.
    let first = lab.merge_with("south", &["--take-over"]);
    assert_eq!(first["renamed"], 0, "{first}");
    let shown = until("the plan is there", || {
        let shown = lab.ask(&["org", "plan", "north"]);
        shown.status.success().then_some(shown.stdout)
    });
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("--take-over"), "{shown}");
    let refused = lab.ask(&["org", "merge", "north", "--digest", &"0".repeat(32)]);
    assert!(!refused.status.success());
    let second = lab.merge_with("north", &["--take-over"]);
    assert_eq!(second["renamed"], 0, "{second}");
    let adopted = second["counts"].as_array().unwrap().iter();
    let adopted: Vec<_> = adopted.filter(|it| it["action"] == "adopt").collect();
    assert!(adopted.is_empty(), "{second}");
    succeeded(lab.ask(&["org", "create", "user", "eve", "--in", "research"]));
    until("both follow the new hub", || {
        let all = [&north, &south].map(|it| it.organization().users);
        let mut all = all.iter();
        all.all(|users| users.values().any(|it| it.name == "eve"))
            .then_some(())
    });
    let mut after = in_both("both are as they were", [&north, &south]);
    after.retain(|(_, _, name)| name != "eve");
    assert_eq!(after, before);
}
