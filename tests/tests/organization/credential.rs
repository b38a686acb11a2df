//! Somebody gives the agent's account another password in its Keystone, which locks accounts: the
//! region says so, takes none from the hub but the right one, and goes on.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};
use tests::lab::{Lab, succeeded, until, until_so};
use tests::openstack::Admin;

use super::{Site, agree, directory};

const NEW: &str = "another secret of that cloud";
const WRONG: &str = "what nobody ever said";

/// Of the first site, which is the home region.
pub(crate) fn is_replaced_from_the_hub(lab: &Lab, sites: &mut [Site]) {
    let running = sites[0].region.status()["running_since"].clone();
    password_becomes(&mut sites[0], NEW);
    is_told_with_the_next_step(lab, &sites[0]);
    succeeded(lab.ask(&["org", "create", "user", "erin", "--in", "science"]));
    is_at_the_others_alone(lab, sites);

    let (before, written) = (kept(&sites[0]), sites[0].cloud.keystone_writes());
    let output = give(lab, WRONG);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in [
        "refuses user admin of domain Default",
        "The one until now goes on",
    ] {
        assert!(said.contains(word), "{said}");
    }
    assert_eq!(kept(&sites[0]), before, "what is kept stays");
    assert_eq!(sites[0].cloud.keystone_writes(), written);
    assert_eq!(
        state(&sites[0]),
        ["credential-refused", "configuration", ""]
    );
    assert_eq!(lab.show("north")["reason"], "credential-refused");

    succeeded(give(lab, NEW));
    until_so("the agent signs in by it", || {
        state(&sites[0]) == ["works", "given", "local socket (hub)"]
    });
    assert_ne!(kept(&sites[0]), before);
    let mode = file(&sites[0]).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for secret in [NEW, WRONG] {
        let files = lab.files_with(&sites[0].region, secret);
        assert!(files.is_empty(), "{secret} is in {files:?}");
    }
    goes_on(lab, sites);
    assert_eq!(sites[0].region.status()["running_since"], running);
    is_in_both_trails(lab, &sites[0]);
}

/// A token of the second of the change counts as one from before.
fn password_becomes(site: &mut Site, password: &str) {
    let keystone = &mut site.keystone;
    let own = keystone.list("/users?name=admin&domain_id=default", "users");
    let path = format!("/users/{}", own[0]["id"].as_str().unwrap());
    let body = json!({ "user": { "password": password } });
    assert_eq!(keystone.ask("PATCH", &path, &body).0, 200);
    keystone.admin = until("a token by the new one counts", || {
        let admin = Admin::new(site.cloud.fact("auth_url"), password);
        let (status, _) = admin.ask("GET", "/domains", &Value::Null);
        (status == 200).then_some(admin)
    });
}

/// What the agent says of its credential: how it does, where it is from, and who gave it.
fn state(site: &Site) -> [String; 3] {
    let told = &site.region.status()["cloud"]["credential"];
    ["state", "source", "by"].map(|it| told[it].as_str().unwrap_or_default().to_owned())
}

fn is_told_with_the_next_step(lab: &Lab, site: &Site) {
    until_so("the agent says that it is refused", || {
        state(site)[0] == "credential-refused"
    });
    until_so("the hub says so", || {
        lab.show("north")["reason"] == "credential-refused"
    });
    let shown = lab.show("north");
    for (field, word) in [
        ("next_step", "idp-hub region credential north"),
        ("detail", "user admin of domain Default"),
        // As Keystone says it.
        ("detail", "requires authentication"),
    ] {
        assert!(shown[field].as_str().unwrap().contains(word), "{shown:#}");
    }
    let told = site.region.ask(&["status"]);
    let told = String::from_utf8_lossy(&told.stdout);
    for word in ["REFUSED for", "Next: Look at the account", "credential set"] {
        assert!(told.contains(word), "{told}");
    }
}

fn is_at_the_others_alone(lab: &Lab, sites: &[Site]) {
    let erin = ("science/erin".to_owned(), true);
    // What the west has of its own is no concern here.
    agree(lab, &sites[1..2], |it| it.users.contains(&erin));
    assert!(!sites[0].keystone.told().users.contains(&erin));
}

fn give(lab: &Lab, secret: &str) -> Output {
    let words = [
        "region",
        "credential",
        "north",
        "--account",
        "admin",
        "--stdin",
    ];
    lab.ask_with(&words, secret)
}

fn file(site: &Site) -> PathBuf {
    let data = site.region.config().with_file_name("data");
    data.join("cloud-credential.json")
}

fn kept(site: &Site) -> String {
    std::fs::read_to_string(file(site)).unwrap()
}

/// What waited is written there, and what is done there is found.
fn goes_on(lab: &Lab, sites: &[Site]) {
    let told = agree(lab, &sites[..2], |_| true);
    assert_eq!(told, directory::told(lab));
    until_so("the hub says that it is well", || {
        // Such a cloud has no other services.
        lab.show("north")["reason"] == "service-missing"
    });
    let north = &sites[0].keystone;
    let erin = north.list("/users?name=erin", "users").remove(0);
    let path = format!("/users/{}", erin["id"].as_str().unwrap());
    let name = json!({ "user": { "name": "erika" } });
    assert_eq!(north.ask("PATCH", &path, &name).0, 200);
    until_so("what was renamed there is found", || {
        let drift = lab.items("/directory/drift");
        let is_it = |it: &Value| it["region"] == "north" && it["differences"][0]["what"] == "name";
        drift.iter().any(is_it)
    });
}

fn is_in_both_trails(lab: &Lab, site: &Site) {
    let outcomes = |output: Output| -> Vec<String> {
        let listed: Value = serde_json::from_slice(&succeeded(output).stdout).unwrap();
        let entries = listed["entries"].as_array().unwrap().iter();
        let word = |it: &Value| it["outcome"].as_str().unwrap().to_owned();
        let mut all: Vec<String> = entries.map(word).collect();
        all.iter_mut()
            .for_each(|it| it.truncate(it.find(':').unwrap_or(it.len())));
        all.sort();
        all
    };
    let list = |action| ["audit", "list", "--action", action, "--output", "json"];
    assert_eq!(
        outcomes(lab.ask(&list("set-credential"))),
        ["done", "failed"]
    );
    let here = site.region.ask(&list("set credential"));
    assert_eq!(outcomes(here), ["done", "refused"]);
}
