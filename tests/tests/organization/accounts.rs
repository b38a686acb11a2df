//! The account of somebody who came with one real Keystone: it opens the hub and every Keystone,
//! whatever is away, and none once it is switched off or deleted.

use std::net::Ipv4Addr;

use reqwest::Method;
use serde_json::json;
use tests::lab::{Lab, succeeded, until_so};

use super::sign_in::Web;
use super::{Site, client, is_settled};

/// What she has in her own cloud, from before it was joined.
const OLD: &str = "secret of ann";
const NEW: &str = "correct horse battery staple";
const LAST: &str = "yet another password";

/// How many Keystones give `ann` of `research` a token for this password.
fn doors(sites: &[Site], password: &str) -> usize {
    let keystones = sites.iter().map(|it| &it.keystone);
    keystones.filter(|it| it.lets_in("ann", password)).count()
}

/// `ann` came with the first site.
pub(crate) fn are_good_everywhere(lab: &mut Lab, sites: &mut [Site; 3]) {
    let web = Web::new(lab);
    brought_along(&web, sites);
    changed_while_a_region_is_away(&web, sites);
    without_a_hub(lab, &web, sites);
    client::shows_a_merged_user_hers(sites, LAST);
    locked(lab, &web, sites);
    switched_off_and_on_again(lab, &web, sites);
    deleted(lab, &web, sites);
}

/// Her own Keystone alone knows her password, until she signs in at the hub with it.
fn brought_along(web: &Web, sites: &[Site]) {
    assert!(sites[0].keystone.lets_in("ann", OLD));
    assert_eq!(doors(sites, OLD), 1);
    assert_eq!(web.research("ann", "not this one"), 401);
    assert_eq!(doors(sites, OLD), 1, "nothing was taken from a refusal");
    assert_eq!(web.research("ann", OLD), 201);
    until_so("her password is everywhere", || doors(sites, OLD) == 3);
    assert_eq!(doors(sites, "not this one"), 0);
    assert_eq!(web.research("ann", "not this one"), 401);
}

/// By herself, at the hub. Who was away gets the new one as it returns.
fn changed_while_a_region_is_away(web: &Web, sites: &mut [Site; 3]) {
    change(web, OLD, NEW);
    until_so("the new one is everywhere", || doors(sites, NEW) == 3);
    assert_eq!(doors(sites, OLD), 0);
    assert_eq!(web.research("ann", OLD), 401);

    // Who kills an agent between an order and the trail has an order that is told by nobody.
    is_settled(sites);
    sites[2].region.daemon.kill();
    change(web, NEW, LAST);
    until_so("who is there has it", || doors(sites, LAST) == 2);
    assert!(sites[2].keystone.lets_in("ann", NEW));
    sites[2].region.daemon.again();
    until_so("who was away has it", || doors(sites, LAST) == 3);
    assert_eq!(doors(sites, NEW), 0);
}

fn change(web: &Web, from: &str, to: &str) {
    let (status, session) = web.enter(Some("research"), "ann", from);
    assert_eq!(status, 201);
    let body = json!({ "current": from, "new": to });
    let (status, told) = web.ask(&session, Method::PUT, "/session/password", &body);
    assert_eq!(status, 200, "{told}");
}

fn without_a_hub(lab: &mut Lab, web: &Web, sites: &[Site]) {
    lab.hub().kill();
    assert_eq!(doors(sites, LAST), 3);
    lab.hub().again();
    until_so("the hub is back", || {
        lab.ask(&["region", "list"]).status.success()
    });
    assert_eq!(web.research("ann", LAST), 201);
}

/// At the hub alone, by whoever guesses there; until an administrator says otherwise.
fn locked(lab: &Lab, web: &Web, sites: &[Site]) {
    const ANN: [&str; 2] = ["research", "ann"];
    let from = |last| Ipv4Addr::new(127, 0, 0, last);
    for last in 11..=20 {
        assert_eq!(web.enter_from(from(last), ANN, "a guess"), 401);
    }
    assert_eq!(web.enter_from(from(21), ANN, LAST), 401);
    assert_eq!(web.research("ann", LAST), 201, "where she is known");
    assert_eq!(doors(sites, LAST), 3);
    succeeded(lab.ask(&["org", "unlock", "research", "ann"]));
    assert_eq!(web.enter_from(from(22), ANN, LAST), 201);
}

fn switched_off_and_on_again(lab: &Lab, web: &Web, sites: &[Site]) {
    let set = |how| succeeded(lab.ask(&["org", "set", "user", "ann", "--in", "research", how]));
    set("--disable");
    assert_eq!(web.research("ann", LAST), 401);
    until_so("no Keystone lets her in", || doors(sites, LAST) == 0);
    set("--enable");
    assert_eq!(web.research("ann", LAST), 201);
    until_so("each Keystone lets her in", || doors(sites, LAST) == 3);
}

fn deleted(lab: &Lab, web: &Web, sites: &[Site]) {
    let delete = ["org", "delete", "user", "ann", "--in", "research", "--yes"];
    succeeded(lab.ask(&delete));
    assert_eq!(web.research("ann", LAST), 401);
    until_so("no Keystone has her", || doors(sites, LAST) == 0);
    for site in sites {
        let users = site.keystone.told().users;
        assert!(!users.iter().any(|(path, _)| path == "research/ann"));
    }
}
