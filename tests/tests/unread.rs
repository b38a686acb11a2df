//! What a region's Keystone can't list is told at the hub, with what it keeps waiting, and with real
//! daemons.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::model::{CloudId, Membership};
use tests::keystone::{Fault, SimulatedKeystone};
use tests::lab::{Lab, Region, succeeded};
use tokio::runtime::Runtime;

const USERS: &str = "GET /users";

const SECRET: &str = "correct-horse-battery";

fn status(lab: &Lab) -> String {
    let output = succeeded(lab.ask(&["org", "status"]));
    String::from_utf8(output.stdout).unwrap()
}

fn has(keystone: &SimulatedKeystone, name: &str) -> usize {
    let users = keystone.organization().users;
    users.values().filter(|it| it.name == name).count()
}

/// The id of what is called so, and is there once.
fn only<T>(all: &BTreeMap<CloudId, T>, is_it: impl Fn(&T) -> bool) -> Option<CloudId> {
    let mut found = all.iter().filter(|(_, it)| is_it(it));
    let (id, _) = found.next()?;
    assert!(found.next().is_none(), "it is there twice");
    Some(id.clone())
}

fn user(keystone: &SimulatedKeystone, name: &str) -> Option<CloudId> {
    only(&keystone.organization().users, |it| it.name == name)
}

/// Whether a user is in a group.
fn is_in(keystone: &SimulatedKeystone, name: &str, group: &str) -> bool {
    let user = user(keystone, name);
    let group = only(&keystone.organization().groups, |it| it.name == group);
    let link = group.zip(user);
    let link = link.map(|(group, user)| Membership { group, user });
    link.is_some_and(|it| keystone.organization().memberships.contains(&it))
}

fn has_password(keystone: &SimulatedKeystone, name: &str) -> bool {
    let user = user(keystone, name).unwrap_or_else(|| CloudId::new(""));
    let passwords = keystone.passwords();
    passwords.get(&user.to_string()).map(String::as_str) == Some(SECRET)
}

fn told(lab: &Lab) -> Vec<Value> {
    let all = lab.items("/directory/failures").into_iter();
    all.filter(|it| it["kind"] == "reading").collect()
}

/// Two regions with one organization.
fn merged(north: &SimulatedKeystone, south: &SimulatedKeystone) -> (Lab, Region, Region) {
    let lab = Lab::found();
    let agents = (
        lab.join_keystone("north", north),
        lab.join_keystone("south", south),
    );
    lab.merge("north");
    lab.merge("south");
    (lab, agents.0, agents.1)
}

#[test]
fn what_cannot_be_listed_is_told_with_what_waits_for_it() {
    let runtime = Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    let (lab, _north, mut region) = merged(&north, &south);
    succeeded(lab.ask(&["org", "create", "department", "sales"]));
    lab.until_shown(&false, || status(&lab).contains("Not applied"));

    region.daemon.kill();
    south.refuse(&[USERS]);
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

    south.refuse(&[]);
    lab.until_shown(&1, || has(&south, "ann"));
    lab.until_shown(&0, || told(&lab).len());
    assert!(!status(&lab).contains("wait until all"), "{}", status(&lab));
}

/// A new user, in a new group, with a password.
fn furnish(lab: &Lab, department: &str, name: &str, group: &str) {
    succeeded(lab.ask(&["org", "create", "user", name, "--in", department]));
    succeeded(lab.ask(&["org", "create", "group", group, "--in", department]));
    succeeded(lab.ask(&[
        "org",
        "link",
        "membership",
        "--user",
        name,
        "--group",
        group,
    ]));
    let password = ["org", "password", department, name, "--stdin"];
    succeeded(lab.ask_with(&password, SECRET));
}

fn is_furnished(keystone: &SimulatedKeystone, name: &str, group: &str) -> bool {
    is_in(keystone, name, group) && has_password(keystone, name)
}

#[test]
fn a_department_that_cannot_be_listed_keeps_no_other_waiting() {
    let runtime = Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    let (lab, _north, mut region) = merged(&north, &south);
    for department in ["sales", "ops"] {
        succeeded(lab.ask(&["org", "create", "department", department]));
    }
    furnish(&lab, "sales", "sue", "sellers");
    furnish(&lab, "sales", "sam", "buyers");
    let both = |name, group| {
        [&north, &south]
            .into_iter()
            .all(|it| is_furnished(it, name, group))
    };
    lab.until_shown(&true, || both("sue", "sellers") && both("sam", "buyers"));

    region.daemon.kill();
    let sales = only(&south.organization().departments, |it| it.name == "sales");
    let sales = sales.unwrap();
    let refused = ["users", "groups"].map(|it| format!("GET /{it}?domain_id={sales}"));
    south.refuse(&refused.each_ref().map(String::as_str));
    region.daemon.again();
    furnish(&lab, "sales", "eve", "agents");
    succeeded(lab.ask(&["org", "delete", "user", "sam", "--yes"]));
    furnish(&lab, "ops", "ann", "admins");
    lab.until_shown(&true, || both("ann", "admins"));
    lab.until_shown(&true, || {
        is_furnished(&north, "eve", "agents") && has(&north, "sam") == 0
    });
    lab.until_shown(&true, || {
        let text = status(&lab);
        text.contains("users of \"sales\" waits until") && text.contains("500")
    });
    assert_eq!(has(&south, "eve"), 0, "{:?}", south.written(9));
    assert_eq!(has(&south, "sam"), 1, "{:?}", south.written(9));
    assert!(is_in(&south, "sue", "sellers"));

    south.refuse(&[]);
    lab.until_shown(&true, || both("eve", "agents") && has(&south, "sam") == 0);
    lab.until_shown(&0, || told(&lab).len());
    assert!(both("sue", "sellers") && both("ann", "admins"));
    let text = status(&lab);
    assert!(!text.contains("waits until"), "{text}");
}

#[test]
fn a_department_whose_directory_server_hangs_keeps_no_other_waiting() {
    let runtime = Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    let (lab, _north, mut region) = merged(&north, &south);
    for department in ["sales", "ops"] {
        succeeded(lab.ask(&["org", "create", "department", department]));
    }
    furnish(&lab, "sales", "sue", "sellers");
    lab.until_shown(&true, || is_furnished(&south, "sue", "sellers"));

    for fault in [Fault::HungBefore, Fault::Busy] {
        region.daemon.kill();
        let sales = only(&south.organization().departments, |it| it.name == "sales");
        let sales = sales.unwrap();
        let of_sales = ["users", "groups"].map(|it| format!("GET /{it}?domain_id={sales}"));
        south.fail_always(fault, &of_sales.each_ref().map(String::as_str));
        region.daemon.again();
        let (name, group) = match fault {
            Fault::Busy => ("bob", "builders"),
            _ => ("ann", "admins"),
        };
        furnish(&lab, "ops", name, group);
        lab.until_shown(&true, || is_furnished(&south, name, group));
        lab.until_shown(&true, || {
            status(&lab).contains("users of \"sales\" waits until")
        });
    }
    south.refuse(&[]);
    lab.until_shown(&0, || told(&lab).len());
}

#[test]
fn a_group_of_whom_nobody_knows_who_is_in_it_keeps_passwords_of_administrators() {
    let runtime = Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    let (lab, _north, mut region) = merged(&north, &south);
    for department in ["sales", "ops"] {
        succeeded(lab.ask(&["org", "create", "department", department]));
    }
    furnish(&lab, "sales", "sue", "sellers");
    succeeded(lab.ask(&["org", "create", "user", "bob", "--in", "ops"]));
    lab.until_shown(&true, || {
        is_furnished(&south, "sue", "sellers") && has(&south, "bob") == 1
    });

    region.daemon.kill();
    // In the south alone bob becomes a cloud administrator, by a group of an LDAP directory that
    // comes back half-way.
    let all = south.organization();
    let sellers = only(&all.groups, |it| it.name == "sellers").unwrap();
    // The federation's own, and the region's: in either it counts.
    let mut projects = all.projects.iter().filter(|(_, it)| it.name == "admin");
    let (project, _) = projects.next().unwrap();
    let admin = only(&all.roles, |it| it.name == "admin").unwrap();
    let bob = user(&south, "bob").unwrap();
    let given = format!("/projects/{project}/groups/{sellers}/roles/{admin}");
    for path in [given, format!("/groups/{sellers}/users/{bob}")] {
        let (status, answer) = south.ask("PUT", &path, &Value::Null);
        assert_eq!(status, 204, "{answer}");
    }
    south.refuse(&[&format!("GET /groups/{sellers}/users")]);
    region.daemon.again();
    let password = ["org", "password", "ops", "bob", "--stdin"];
    succeeded(lab.ask_with(&password, SECRET));
    lab.until_shown(&true, || has_password(&north, "bob"));
    lab.until_shown(&true, || {
        status(&lab).contains("memberships of \"sales\" waits until")
    });
    // All else goes on.
    furnish(&lab, "ops", "ann", "admins");
    lab.until_shown(&true, || is_in(&south, "ann", "admins"));
    assert!(!has_password(&south, "bob"), "{:?}", south.written(9));

    south.refuse(&[]);
    lab.until_shown(&true, || has_password(&south, "ann"));
    assert!(!has_password(&south, "bob"), "{:?}", south.written(9));
}
