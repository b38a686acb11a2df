//! What is done in real Keystones alone: shown, and put back or made everybody's, by an
//! administrator's word or a region's policy.

use serde_json::{Value, json};
use tests::lab::{Lab, succeeded, until};

use super::keystone::Keystone;
use super::told::Told;
use super::{Site, agree, directory};

/// A difference by its region, the kind of thing it is of, and in what that differs.
type Seen = (&'static str, &'static str, &'static str);

/// What is done, and how each is cured.
const DONE: [(Seen, &[&str]); 6] = [
    (("north", "user", "deleted"), &["put-back"]),
    (("south", "assignment", "link-given"), &["adopt"]),
    (("south", "user", "name"), &["adopt"]),
    (("west", "user", "enabled"), &["put-back"]),
    (("west", "group", "name"), &["put-back"]),
    (("west", "user", "deleted"), &["adopt", "--end"]),
];

/// That takes a merge.
const MADE: Seen = ("north", "user", "created-here");

/// Some of each kind, in three Keystones: shown at once, and each cured in its way.
pub(crate) fn is_found_and_cured(lab: &Lab, sites: &[Site; 3]) {
    let before = agree(lab, sites, |_| true);
    done_alone(sites);
    let mut all = DONE.map(|(seen, _)| seen).to_vec();
    all.push(MADE);
    let ids = found(lab, &all);
    is_shown_to_an_operator(lab, &ids);
    assert_eq!(directory::told(lab), before, "by itself nothing changes");
    for (((region, ..), cure), id) in DONE.iter().zip(&ids) {
        cured(lab, region, id, cure);
    }
    assert_eq!(found(lab, &[MADE]), ids[DONE.len()..]);
    let after = agree(lab, &sites[1..], |_| true);
    is_as_answered(sites, &before, &after);
    is_taken_in_by_a_merge(lab, sites, &ids[DONE.len()]);
    is_put_back_by_a_policy(lab, sites);
}

/// What [`DONE`] and [`MADE`] say.
fn done_alone(sites: &[Site; 3]) {
    let [north, south, west] = sites.each_ref().map(|it| &it.keystone);
    delete(north, &only(north, "users", "björn"));
    let new = json!({ "user": { "name": "newcomer", "domain_id": north.id("d") } });
    does(north, "POST", "/users", &new);
    give_a_role(south);
    rename(south, "user", &format!("/users/{}", south.id("b")), "chief");
    switch_off(west);
    rename(west, "group", &copy_of_operators(sites), "watch");
    delete(west, &format!("/users/{}", west.id("b")));
}

/// What was adopted has changed in the directory, and nothing else.
fn is_as_answered(sites: &[Site; 3], before: &Told, after: &Told) {
    let [south, west] = [&sites[1], &sites[2]].map(|it| it.keystone.id("d"));
    let [south, west] = [format!("research_{south}"), format!("Research_{west}")];
    let new = [
        format!("{south}/ann is /reader on {south} false"),
        format!("{south}/chief in {south}/keepers"),
        format!("user {south}/chief true"),
    ];
    let gone = [
        format!("{west}/boss in {west}/keepers"),
        format!("{south}/boss in {south}/keepers"),
        format!("user {west}/boss true"),
        format!("user {south}/boss true"),
    ];
    assert_eq!(after.beyond(before), new);
    assert_eq!(before.beyond(after), gone);
}

fn does(keystone: &Keystone, method: &str, path: &str, body: &Value) {
    let (status, told) = keystone.ask(method, path, body);
    assert!(status < 300, "{method} {path}: {status} {told}");
}

fn delete(keystone: &Keystone, path: &str) {
    does(keystone, "DELETE", path, &Value::Null);
}

fn rename(keystone: &Keystone, kind: &str, path: &str, name: &str) {
    does(keystone, "PATCH", path, &json!({ kind: { "name": name } }));
}

/// The user that [`super::scripts`] call `u`.
fn switch_off(keystone: &Keystone) {
    let off = json!({ "user": { "enabled": false } });
    does(
        keystone,
        "PATCH",
        &format!("/users/{}", keystone.id("u")),
        &off,
    );
}

/// To that user.
fn give_a_role(keystone: &Keystone) {
    let [department, user, reader] = ["d", "u", "reader"].map(|it| keystone.id(it));
    let path = format!("/domains/{department}/users/{user}/roles/{reader}");
    does(keystone, "PUT", &path, &Value::Null);
}

/// The path of the only thing of this name.
fn only(keystone: &Keystone, kind: &str, name: &str) -> String {
    let mut all = keystone.list(&format!("/{kind}?name={name}"), kind);
    assert_eq!(all.len(), 1, "{all:?}");
    format!("/{kind}/{}", all.remove(0)["id"].as_str().unwrap())
}

/// The path, in the west, of the group that came with the north.
fn copy_of_operators(sites: &[Site; 3]) -> String {
    let west = &sites[2].keystone;
    let department = only(west, "domains", "research");
    let department = department.trim_start_matches("/domains/");
    only(west, "groups", &format!("operators&domain_id={department}"))
}

/// What differs, as the command line tells it.
fn told(lab: &Lab) -> Vec<Value> {
    let output = succeeded(lab.ask(&["org", "drift", "--output", "json"]));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told["drift"].as_array().unwrap().clone()
}

/// Waits until just these are told: an agent that has read that somebody is in no group any more,
/// and not yet that he is gone, tells of that for a moment. Their ids.
fn found(lab: &Lab, expected: &[Seen]) -> Vec<String> {
    until(&format!("just {expected:?} differ"), || {
        let all = told(lab);
        let id = |(region, kind, what): &Seen| {
            let is_it = |it: &&Value| {
                let of = (&it["region"], &it["kind"], &it["differences"][0]["what"]);
                of == (&json!(region), &json!(kind), &json!(what))
            };
            Some(all.iter().find(is_it)?["id"].as_str()?.to_owned())
        };
        let ids: Option<Vec<String>> = expected.iter().map(id).collect();
        ids.filter(|_| all.len() == expected.len())
    })
}

/// Each by the beginning of its id, with what to type next; and what a name is here and there.
fn is_shown_to_an_operator(lab: &Lab, ids: &[String]) {
    let shown = succeeded(lab.ask(&["org", "drift"]));
    let shown = String::from_utf8(shown.stdout).unwrap();
    let next = ["adopt", "put-back"].map(|how| format!(": idp-hub org drift {how} "));
    let made = "user \"newcomer\" (in research): ".to_owned();
    let ids = ids.iter().map(|it| it[..12].to_owned());
    for text in ids.chain(next).chain([made]) {
        assert!(shown.contains(&text), "{text:?} in:\n{shown}");
    }
    let all = told(lab);
    for [directory, cloud] in [["boss", "chief"], ["operators", "watch"]] {
        let renamed = [&json!(directory), &json!(cloud)];
        let is_it = |it: &Value| {
            let it = &it["differences"][0];
            it["what"] == "name" && [&it["directory"], &it["cloud"]] == renamed
        };
        assert!(all.iter().any(is_it), "{all:#?}");
    }
}

/// What ends something takes a word more.
fn cured(lab: &Lab, region: &str, id: &str, cure: &[&str]) {
    let words = ["org", "drift", cure[0], region, id, "--yes"];
    if let [_, more @ ..] = cure
        && !more.is_empty()
    {
        refused(lab, &words, more[0]);
    }
    succeeded(lab.ask(&[&words[..], &cure[1..]].concat()));
}

fn refused(lab: &Lab, words: &[&str], why: &str) {
    let output = lab.ask(words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(why), "{said}");
}

/// Who was made in a region is nobody's to adopt or to remove by a word about drift.
fn is_taken_in_by_a_merge(lab: &Lab, sites: &[Site; 3], id: &str) {
    for how in ["adopt", "put-back"] {
        let words = ["org", "drift", how, MADE.0, id, "--yes"];
        refused(lab, &words, "org plan");
    }
    let without = directory::told(lab);
    lab.merge(MADE.0);
    let newcomer = ("research/newcomer".to_owned(), true);
    let with = agree(lab, sites, |it| it.users.contains(&newcomer));
    assert_eq!(with.beyond(&without), ["user research/newcomer true"]);
    assert_eq!(without.beyond(&with), [""; 0]);
    assert_eq!(found(lab, &[]), [""; 0]);
}

/// Nobody need be there: who is switched off, renamed, deleted or given a role in that region is as
/// before.
fn is_put_back_by_a_policy(lab: &Lab, sites: &[Site; 3]) {
    let before = directory::told(lab);
    succeeded(lab.ask(&["org", "policy", "west", "put-back"]));
    let west = &sites[2].keystone;
    switch_off(west);
    rename(west, "group", &copy_of_operators(sites), "watch");
    delete(west, &only(west, "users", "newcomer"));
    give_a_role(west);
    assert_eq!(agree(lab, sites, |_| true), before);
    assert_eq!(found(lab, &[]), [""; 0]);
    succeeded(lab.ask(&["org", "policy", "west", "ask"]));
}
