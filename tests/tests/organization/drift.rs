//! What is done in one real Keystone alone: shown, and put back or made everybody's.

use std::time::Duration;

use serde_json::{Value, json};
use shared::runtime::clock::Clock;
use tests::lab::{Lab, succeeded};

use super::keystone::Keystone;
use super::{PATIENCE, Site, agree, directory};

fn does(keystone: &Keystone, method: &str, path: &str, body: &Value) {
    let (status, told) = keystone.ask(method, path, body);
    assert!(status < 300, "{method} {path}: {status} {told}");
}

/// Of three kinds, one in each Keystone: a user is deleted, a role given, a user switched off.
pub(crate) fn is_found_and_cured(lab: &Lab, sites: &[Site; 3]) {
    let [north, south, west] = sites.each_ref().map(|it| &it.keystone);
    let before = agree(lab, sites, |_| true);
    let copy = north.list("/users?name=bj%C3%B6rn", "users").remove(0);
    let path = format!("/users/{}", copy["id"].as_str().unwrap());
    does(north, "DELETE", &path, &Value::Null);
    let [department, ann, reader] = ["d", "u", "reader"].map(|it| south.id(it));
    let path = format!("/domains/{department}/users/{ann}/roles/{reader}");
    does(south, "PUT", &path, &Value::Null);
    let off = json!({ "user": { "enabled": false } });
    does(west, "PATCH", &format!("/users/{}", west.id("u")), &off);

    let expected = [
        ("north", "user", "deleted", "put-back"),
        ("south", "assignment", "link-given", "adopt"),
        ("west", "user", "enabled", "put-back"),
    ];
    let ids = found(lab, expected);
    assert_eq!(directory::told(lab), before, "by itself nothing changes");
    for ((region, .., cure), id) in expected.iter().zip(&ids) {
        succeeded(lab.ask(&["org", "drift", cure, region, id, "--yes"]));
    }
    let place = format!("research_{department}");
    let given = format!("{place}/ann is /reader on {place} false");
    let after = agree(lab, sites, |it| it.links.contains(&given));
    assert_eq!(after.beyond(&before), [given]);
    assert_eq!(before.beyond(&after), [""; 0]);
    found(lab, []);
}

/// A drift by its region, what kind of thing it is of and in what that differs; and its cure.
type Expected = (&'static str, &'static str, &'static str, &'static str);

/// Waits until just these are told: an agent that has read that somebody is in no group any more,
/// and not yet that he is gone, tells of that for a moment. Their ids.
fn found<const N: usize>(lab: &Lab, expected: [Expected; N]) -> [String; N] {
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    loop {
        let drift = lab.items("/directory/drift");
        let found = expected.map(|(region, kind, what, _)| {
            let is_it = |it: &&Value| {
                let of = (&it["region"], &it["kind"], &it["differences"][0]["what"]);
                of == (&json!(region), &json!(kind), &json!(what))
            };
            let it = drift.iter().find(is_it)?;
            Some(it["id"].as_str()?.to_owned())
        });
        if drift.len() == N && found.iter().all(Option::is_some) {
            return found.map(Option::unwrap_or_default);
        }
        assert!(clock.now() < deadline, "{drift:#?}");
        std::thread::sleep(Duration::from_millis(300));
    }
}
