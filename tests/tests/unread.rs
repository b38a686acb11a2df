//! What a region's Keystone can't list is told at the hub, with what it keeps waiting, and with real
//! daemons.

use serde_json::Value;
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, succeeded};
use tokio::runtime::Runtime;

const USERS: &str = "GET /users";

fn status(lab: &Lab) -> String {
    let output = succeeded(lab.ask(&["org", "status"]));
    String::from_utf8(output.stdout).unwrap()
}

fn has(keystone: &SimulatedKeystone, name: &str) -> usize {
    let users = keystone.organization().users;
    users.values().filter(|it| it.name == name).count()
}

fn told(lab: &Lab) -> Vec<Value> {
    let all = lab.items("/directory/failures").into_iter();
    all.filter(|it| it["kind"] == "reading").collect()
}

#[test]
fn what_cannot_be_listed_is_told_with_what_waits_for_it() {
    let runtime = Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    let lab = Lab::found();
    let _north = lab.join_keystone("north", &north);
    let mut region = lab.join_keystone("south", &south);
    lab.merge("north");
    lab.merge("south");
    succeeded(lab.ask(&["org", "create", "department", "sales"]));
    lab.until_shown(&false, || status(&lab).contains("Not applied"));

    region.daemon.kill();
    south.refuse(Some(USERS));
    region.daemon.again();
    succeeded(lab.ask(&["org", "create", "user", "ann", "--in", "sales"]));
    lab.until_shown(&1, || told(&lab).len());
    let text = status(&lab);
    assert!(
        text.contains("changes of users wait until all of them are read"),
        "{text}"
    );
    assert!(text.contains("500"), "{text}");
    lab.until_shown(&1, || has(&north, "ann"));
    assert_eq!(has(&south, "ann"), 0, "nobody knows who is there");

    south.refuse(None);
    lab.until_shown(&1, || has(&south, "ann"));
    lab.until_shown(&0, || told(&lab).len());
    assert!(!status(&lab).contains("wait until all"), "{}", status(&lab));
}
