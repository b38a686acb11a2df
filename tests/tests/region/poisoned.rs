//! Users whose changes fail, or hang, whenever they are tried, keep no other one waiting.

use std::time::Duration;

use tests::keystone::{Fault, SimulatedKeystone};
use tests::lab::{Lab, succeeded, until, until_so};

use super::{has, is_in_place, progress, users};

/// So many of each.
const EACH: usize = 10;

/// Nobody new waits longer, once it is known who fails: he is told within a second, and looked for
/// by a test that shares its machine.
const SOON: Duration = Duration::from_secs(8);

fn make(lab: &Lab, name: &str, department: &str) {
    succeeded(lab.ask(&["org", "create", "user", name, "--in", department]));
}

fn describe(lab: &Lab, name: &str, text: &str) {
    let words = ["org", "set", "user", name, "--in", "research"];
    succeeded(lab.ask(&[&words[..], &["--description", text]].concat()));
}

/// The call that changes a user.
fn change_of(keystone: &SimulatedKeystone, name: &str) -> String {
    let (id, _) = users(keystone, name).remove(0);
    format!("PATCH /users/{id}")
}

#[test]
fn users_that_fail_and_hang_whenever_they_are_touched_keep_no_other_one_waiting() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (north, _) = SimulatedKeystone::pair(&runtime);
    let lab = Lab::found();
    let _agent = lab.join_keystone("north", &north);
    lab.merge("north");
    for department in ["research", "elsewhere"] {
        succeeded(lab.ask(&["org", "create", "department", department]));
    }
    let failing: Vec<String> = (0..EACH).map(|it| format!("fails{it}")).collect();
    let hanging: Vec<String> = (0..EACH).map(|it| format!("hangs{it}")).collect();
    let both = || failing.iter().chain(&hanging);
    both().for_each(|it| make(&lab, it, "research"));
    until_so("all are there", || both().all(|it| has(&north, it)));
    let fail = |names: &[String], fault| -> Vec<(String, Fault)> {
        let calls = names.iter().map(|it| (change_of(&north, it), fault));
        calls.collect()
    };
    let poisoned = fail(&failing, Fault::FailedBefore);
    let hung = fail(&hanging, Fault::HungBefore);
    north.fail_each([poisoned, hung].concat());
    both().for_each(|it| describe(&lab, it, "another"));

    // The first one may wait for each of the twenty to be tried once.
    make(&lab, "first", "elsewhere");
    until("the first one is there", || {
        has(&north, "first").then_some(())
    });
    for number in 0..20 {
        let name = format!("new{number}");
        make(&lab, &name, "elsewhere");
        let begun = Lab::now();
        until("he is there", || has(&north, &name).then_some(()));
        let took = begun.elapsed();
        assert!(took < SOON, "{name} took {took:?}");
        std::thread::sleep(Duration::from_secs(1));
    }
    until_so("all twenty are told", || {
        progress(&lab, "north")["failed"].as_u64() == Some(2 * EACH as u64)
    });
    north.fail_each([]);
    // As one tells of it.
    both().for_each(|it| describe(&lab, it, "yet another"));
    until_so("all are as they should be", || is_in_place(&lab, "north"));
}
