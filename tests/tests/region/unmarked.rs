//! What the directory made in a region, once the agent has lost all that it knew and somebody wiped
//! the markers off: nothing is taken for the federation's by its name alone, nothing is made twice,
//! and merging the region again knows all of it again.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, succeeded, until, until_so};
use tokio::runtime::Runtime;

use super::{has, is_in_place};

const MARKER: &str = "regroup";

/// What there is in a department: each thing's name and the region's own id.
fn inside(keystone: &SimulatedKeystone, department: &str) -> BTreeSet<(String, String)> {
    let all = keystone.organization();
    let own = |(id, it): (&_, &shared::model::Department)| {
        (it.name == department).then(|| ToString::to_string(id))
    };
    let ids: BTreeSet<String> = all.departments.iter().filter_map(own).collect();
    let users = all
        .users
        .iter()
        .map(|(id, it)| (&it.department, id, &it.name));
    let projects = all.projects.iter();
    let projects = projects.map(|(id, it)| (&it.department, id, &it.name));
    let groups = all
        .groups
        .iter()
        .map(|(id, it)| (&it.department, id, &it.name));
    let things = users.chain(projects).chain(groups);
    let things = things.filter(|(of, ..)| ids.contains(&of.to_string()));
    let things = things.map(|(_, id, name)| (name.clone(), id.to_string()));
    let departments = ids.iter().map(|id| (department.to_owned(), id.clone()));
    things.chain(departments).collect()
}

/// Takes the markers off, as somebody who clears attributes that he does not know.
fn wipe(keystone: &SimulatedKeystone) {
    let all = keystone.organization();
    let things = all.departments.keys().map(|it| ("domain", it));
    let things = things.chain(all.projects.keys().map(|it| ("project", it)));
    let things = things.chain(all.users.keys().map(|it| ("user", it)));
    let things = things.chain(all.groups.keys().map(|it| ("group", it)));
    let things = things.map(|(kind, it)| (kind, it.to_string()));
    for (kind, id) in things.filter(|(_, id)| keystone.attribute(id, MARKER).is_some()) {
        let body = json!({ kind: { MARKER: Value::Null } });
        let (status, answer) = keystone.ask("PATCH", &format!("/{kind}s/{id}"), &body);
        assert_eq!(status, 200, "{answer}");
        assert_eq!(keystone.attribute(&id, MARKER), None);
    }
}

fn word<'a>(it: &'a Value, name: &str) -> &'a str {
    it[name].as_str().unwrap()
}

/// What the operator is to do: the department gets its attribute back, by his own hand.
fn mark(keystone: &SimulatedKeystone, federation: &str, failure: &Value, department: &str) {
    let marker = format!("{federation}/{}", word(failure, "object"));
    let body = json!({ "domain": { MARKER: marker } });
    let path = format!("/domains/{department}");
    let (status, answer) = keystone.ask("PATCH", &path, &body);
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn what_lost_its_markers_with_its_agents_replica_is_made_no_second_time_and_known_again_by_a_merge()
{
    let runtime = Runtime::new().unwrap();
    let (north, _) = SimulatedKeystone::pair(&runtime);
    let lab = Lab::found();
    let mut region = lab.join_keystone("north", &north);
    lab.merge("north");
    for words in [
        "org create department shop",
        "org create user ivy --in shop",
        "org create group sellers --in shop",
        "org create project till --in shop",
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        succeeded(lab.ask(&words));
    }
    until_so("it is there", || {
        has(&north, "ivy") && is_in_place(&lab, "north")
    });
    let before = inside(&north, "shop");
    assert_eq!(before.len(), 4, "{before:?}");

    region.daemon.kill();
    region.forget_replica();
    wipe(&north);
    region.daemon.again();
    // That of the cloud administrators as well.
    let departments = ["federation", "shop"];
    let told = departments.map(|name| {
        until("it is told what has the name", || {
            let all = lab.items("/directory/failures").into_iter();
            let mut its = all.filter(|it| it["name"] == name);
            its.find(|it| word(it, "error").contains("is not the federation's"))
        })
    });
    assert_eq!(inside(&north, "shop"), before);

    let federation = region.status()["region"]["federation"].clone();
    for (name, told) in departments.iter().zip(&told) {
        let all = north.organization().departments;
        let mut its = all.iter().filter(|(_, it)| it.name == *name);
        let here = its.next().unwrap().0.to_string();
        assert!(word(told, "error").contains(&here), "{told}");
        mark(&north, federation.as_str().unwrap(), told, &here);
    }
    until_so("what is in them is told in its turn", || {
        let all = lab.items("/directory/failures");
        let is_told = |name: &str| all.iter().any(|it| it["name"] == name);
        ["ivy", "sellers", "till"].iter().all(|it| is_told(it)) && !is_told("shop")
    });
    assert_eq!(inside(&north, "shop"), before);
    lab.merge("north");
    until_so("all is in place again", || is_in_place(&lab, "north"));
    assert_eq!(inside(&north, "shop"), before);
    let mut marked = before.iter().map(|(_, id)| north.attribute(id, MARKER));
    assert!(marked.all(|it| it.is_some()), "all bears markers again");
}
