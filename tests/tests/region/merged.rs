//! A hub that is killed while a merge is confirmed has done all of it or nothing, and the same merge
//! again is done once.

use std::time::Duration;

use serde_json::{Value, json};
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, Program, until, until_so};

use super::is_in_place;

const KILLS: u32 = 10;
const USERS: usize = 20;

/// A department that the region made, and so many users in it.
fn furnish(keystone: &SimulatedKeystone, department: &str) {
    let domain = keystone.made("/domains", &json!({ "domain": { "name": department } }));
    for number in 0..USERS {
        let name = format!("{department}-user{number}");
        let body = json!({ "user": { "name": name, "domain_id": domain } });
        keystone.made("/users", &body);
    }
}

/// The digest of the plan, once it takes all of a department in: what is in it may be read before
/// it is itself, and waits until then.
fn planned(lab: &Lab, department: &str) -> String {
    until("the plan takes it in", || {
        let shown = lab.ask(&["org", "plan", "north", "--full", "--output", "json"]);
        let plan: Value = serde_json::from_slice(&shown.stdout).ok()?;
        let steps = plan["items"].as_array().unwrap().iter();
        let adopted = steps.filter(|it| {
            let name = it["name"].as_str().unwrap();
            it["action"] == "adopt" && name.starts_with(department)
        });
        let is_whole = adopted.count() == USERS + 1;
        is_whole.then(|| plan["digest"].as_str().unwrap().to_owned())
    })
}

/// The names in the directory of departments, and of users, that begin so.
fn taken_in(lab: &Lab, department: &str) -> (Vec<String>, usize) {
    let names = |path: &str| -> Vec<String> {
        let all = lab.items(path).into_iter();
        let names = all.map(|it| it["name"].as_str().unwrap().to_owned());
        names.filter(|it| it.starts_with(department)).collect()
    };
    let users = names("/directory/users").len();
    (names("/directory/departments"), users)
}

/// How long a merge takes that nobody disturbs.
fn undisturbed(lab: &Lab, keystone: &SimulatedKeystone) -> Duration {
    furnish(keystone, "calm");
    // What the first merge had written there may be read just then, which is another plan.
    until("it is merged", || {
        let digest = planned(lab, "calm");
        let begun = Lab::now();
        let merged = lab.ask(&["org", "merge", "north", "--digest", &digest]);
        merged.status.success().then(|| begun.elapsed())
    })
}

#[test]
fn a_hub_that_is_killed_while_a_merge_is_confirmed_did_all_of_it_or_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (north, _) = SimulatedKeystone::pair(&runtime);
    furnish(&north, "first");
    let mut lab = Lab::found();
    let _agent = lab.join_keystone("north", &north);
    lab.merge("north");
    let takes = undisturbed(&lab, &north);
    let mut done = 0;
    for kill in 0..KILLS {
        let department = format!("d{kill}x");
        furnish(&north, &department);
        let digest = planned(&lab, &department);
        let mut command = Program::Hub.command(&lab.hub_config());
        command.args(["org", "merge", "north", "--digest", &digest]);
        let mut merge = command.spawn().unwrap();
        std::thread::sleep(takes * (kill + 1) / KILLS);
        lab.hub().kill();
        merge.wait().unwrap();
        lab.hub().again();
        until("the hub is back", || {
            let listed = lab.ask(&["region", "list"]);
            listed.status.success().then_some(())
        });
        let (departments, users) = taken_in(&lab, &department);
        match departments.len() {
            0 => assert_eq!(users, 0, "half of it"),
            _ => {
                assert_eq!((departments, users), (vec![department.clone()], USERS));
                done += 1;
            }
        }
        // Whoever lost the answer does it again.
        lab.merge("north");
        until("it is taken in once", || {
            let whole = (vec![department.clone()], USERS);
            (taken_in(&lab, &department) == whole).then_some(())
        });
    }
    eprintln!("{done} of {KILLS} were done before the hub was killed");
    until_so("all is in place", || is_in_place(&lab, "north"));
    std::thread::sleep(Duration::from_secs(12));
    let before = north.writes();
    lab.merge("north");
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(north.writes(), before, "{:?}", north.written(5));
    let domains = north.organization().departments;
    let known = domains.values().filter(|it| it.name.starts_with('d'));
    assert_eq!(known.count(), KILLS as usize);
}
