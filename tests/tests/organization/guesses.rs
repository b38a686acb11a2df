//! Strangers guess at the hub at the password of somebody whom his own Keystone alone knows, and
//! that Keystone locks an account after a few wrong ones: not his.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use tests::lab::{Lab, succeeded, until_so};

use super::Site;
use super::sign_in::Web;

/// Wrong passwords after which an account is locked: as few as operators allow.
const LOCKS_AFTER: u8 = 5;

/// Of one user, so many guesses are looked at there (README.md, "Passwords and sign-in").
const LOOKED_AT: usize = 3;

/// More than would lock him out, and fewer than the hub itself takes.
const GUESSES: u8 = 7;

/// The department by its name of now.
const WHO: [&str; 2] = ["science", "admin"];
const SECRET: &str = "a secret of his own cloud";

/// `WHO` came with this site, which begins to lock accounts.
pub(crate) fn lock_nobody_out(lab: &Lab, site: &mut Site) {
    site.cloud.locks_after(LOCKS_AFTER);
    let keystone = &site.keystone;
    let path = format!("/users/{}", keystone.id("a"));
    let secret = json!({ "user": { "password": SECRET } });
    assert_eq!(keystone.ask("PATCH", &path, &secret).0, 200);
    let lets_in = |password| keystone.lets_in_of(WHO[0], WHO[1], password);
    assert!(lets_in(SECRET));
    let heard = site.cloud.keystone_refusals();

    let web = Web::new(lab);
    let from = |last| web.enter_from(Ipv4Addr::new(127, 0, 1, last), WHO, "a guess");
    until_so("the agent has found its Keystone again", || {
        let status = from(1);
        assert_eq!(status, 401);
        site.cloud.keystone_refusals() > heard
    });
    std::thread::scope(|scope| {
        let guessers = (2..=GUESSES).map(|it| scope.spawn(move || from(it)));
        let guessers: Vec<_> = guessers.collect();
        for it in guessers {
            assert_eq!(it.join().unwrap(), 401);
        }
    });

    // He mistypes himself, and is let in.
    assert!(!lets_in("a typing error"));
    assert!(lets_in(SECRET), "his Keystone has locked him out");
    assert_eq!(site.cloud.keystone_refusals() - heard, LOOKED_AT + 1);
    assert_eq!(not_looked_at(site), usize::from(GUESSES) - LOOKED_AT);

    for _ in 0..LOCKS_AFTER {
        assert!(!lets_in("a guess"));
    }
    assert!(!lets_in(SECRET), "whom it hears that often it locks out");
}

/// What the agent's trail says that it did not look at, lest he be locked out.
fn not_looked_at(site: &Site) -> usize {
    let list = [
        "audit",
        "list",
        "--action",
        "check password",
        "--output",
        "json",
    ];
    let listed = succeeded(site.region.ask(&list));
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let entries = listed["entries"].as_array().unwrap().iter();
    let is_it = |it: &&Value| {
        let outcome = it["outcome"].as_str().unwrap();
        outcome.contains("the cloud may lock him out")
    };
    entries.filter(is_it).count()
}
