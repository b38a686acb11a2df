//! The audit trails once all is done: each is whole, and what a Keystone was ordered to change is in
//! its agent's, order by order, with who gave it, when, in which epoch, and what it changed.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::audit::DONE;
use shared::runtime::clock::Clock;
use tests::lab::{Lab, succeeded};

use super::told::word;
use super::{PATIENCE, Site};

/// What an order did to what, and how often: to a thing that was there by its id, otherwise to one
/// of a kind.
type Changes = BTreeMap<(&'static str, String), usize>;

/// Each order that was carried out, of a hub and three agents that may have been killed.
pub(crate) fn tells_all(lab: &Lab, sites: &[Site]) {
    succeeded(lab.ask(&["audit", "verify"]));
    let epoch = &lab.items("/audit")[0]["epoch"];
    for site in sites {
        orders_are_told(site);
        for it in entries(site).iter().filter(is_order) {
            assert!(word(it, "who").starts_with("hub of federation "), "{it}");
            assert_eq!(
                [&it["source"], &it["epoch"]],
                [&"link".into(), epoch],
                "{it}"
            );
            assert!(it["at"].is_string() && it["before"] != it["after"], "{it}");
        }
        succeeded(site.region.ask(&["audit", "verify"]));
    }
}

/// A rename, a deletion and a link, as whoever looks for them finds them.
pub(crate) fn has_examples(lab: &Lab, sites: &[Site]) {
    let hubs = lab.items("/audit");
    let is_rename = |it: &&Value| {
        let has = |field: &str, name: &str| word(it, field).contains(&format!("{name:?}"));
        has("before", "research") && has("after", "science")
    };
    assert_eq!(hubs.iter().filter(is_rename).count(), 1, "{hubs:#?}");
    for site in sites {
        let entries = entries(site);
        let of = |action: &str, kind: &str, name: &str| -> Vec<[String; 3]> {
            let what = ["action", "subject_kind", "subject_name"];
            let all = entries.iter();
            let all = all.filter(|it| what.map(|it_| word(it, it_)) == [action, kind, name]);
            let told = ["before", "after", "outcome"];
            all.map(|it| told.map(|field| word(it, field))).collect()
        };
        let renamed = ["name=\"research\"", "name=\"science\"", DONE];
        assert_eq!(
            of("update", "department", "research").pop().unwrap(),
            renamed
        );
        let removed = of("remove", "user", "björn");
        let outcomes: Vec<&str> = removed.iter().map(|it| it[2].as_str()).collect();
        assert_eq!(outcomes, ["given", DONE], "{removed:?}");
        for [before, after, _] in &removed {
            assert!(before.contains("name=\"björn\""), "{before}");
            assert_eq!(after, "not there");
        }
        let mut links = entries.iter().filter(|it| it["action"] == "link");
        let link = links.find(|it| word(it, "subject_name").contains("carol"));
        let link = link.unwrap();
        assert_eq!(
            [&link["before"], &link["after"]],
            ["not there", "there"],
            "{link}"
        );
    }
}

/// Whoever waits for a Keystone to change may look before its agent has told the trail.
fn orders_are_told(site: &Site) {
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    loop {
        let (written, told) = (written(site), ordered(site));
        if written == told {
            return;
        }
        let without = |all: &Changes, other: &Changes| -> Changes {
            let all = all.clone().into_iter();
            all.filter(|(it, count)| other.get(it) != Some(count))
                .collect()
        };
        let differ = [without(&written, &told), without(&told, &written)];
        let name = &site.region.name;
        assert!(clock.now() < deadline, "{name}: written, told: {differ:#?}");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
}

/// What Keystone took.
fn written(site: &Site) -> Changes {
    let mut all = Changes::new();
    for line in site.written() {
        *all.entry(change(&line)).or_default() += 1;
    }
    all
}

/// `PATCH /v3/users/0f3a 200`.
fn change(line: &str) -> (&'static str, String) {
    let words: Vec<&str> = line.split(' ').collect();
    let path: Vec<&str> = words[1].split('/').skip(2).collect();
    let is_made = words[0] == "PUT";
    match (words[0], path[..].as_ref()) {
        ("POST", [all]) => ("create", kind(all).to_owned()),
        ("PATCH", [_, id]) => ("change", (*id).to_owned()),
        ("DELETE", [_, id]) => ("remove", (*id).to_owned()),
        (_, ["groups", _, "users", _]) => (link(is_made), "membership".to_owned()),
        (_, ["roles", _, "implies", _]) => (link(is_made), "implication".to_owned()),
        _ => (link(is_made), "assignment".to_owned()),
    }
}

const fn link(is_made: bool) -> &'static str {
    match is_made {
        true => "link",
        false => "unlink",
    }
}

fn kind(all: &str) -> &str {
    match all {
        "domains" => "department",
        _ => all.trim_end_matches('s'),
    }
}

fn entries(site: &Site) -> Vec<Value> {
    let list = ["audit", "list", "--limit", "100000", "--output", "json"];
    let listed = succeeded(site.region.ask(&list));
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    listed["entries"].as_array().unwrap().clone()
}

/// Whether it is of an order that was carried out, as its answer or a look at Keystone told.
fn is_order(it: &&Value) -> bool {
    let orders = [
        "create",
        "update",
        "set-password",
        "remove",
        "link",
        "unlink",
    ];
    let outcome = word(it, "outcome");
    orders.contains(&word(it, "action").as_str())
        && (outcome == DONE || outcome.starts_with("found done"))
}

fn ordered(site: &Site) -> Changes {
    let mut all = Changes::new();
    for it in entries(site).iter().filter(is_order) {
        let (id, kind) = (word(it, "subject_id"), word(it, "subject_kind"));
        let change = match word(it, "action").as_str() {
            "create" => ("create", kind),
            "update" | "set-password" => ("change", id),
            "remove" => ("remove", id),
            action => (link(action == "link"), kind),
        };
        *all.entry(change).or_default() += 1;
    }
    all
}
