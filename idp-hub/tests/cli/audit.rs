//! The audit trail by the command line, against a real daemon and its files.

use std::fs;

use serde_json::{Value, json};

use super::kit::Hub;

#[test]
fn the_trail_is_listed_checked_backed_up_and_restored() {
    let mut hub = Hub::new("");
    let made = hub.init();
    hub.serve();
    assert!(hub.log().contains("action=head") || hub.log().contains("newest entry"));
    hub.told(&["org", "create", "department", "ops"]);
    hub.told(&["org", "set", "department", "ops", "--rename", "science"]);
    let text = hub.told(&["audit", "list"]);
    let lines: Vec<&str> = text.lines().collect();
    let [init, password, create, edit, "", newest] = lines[..] else {
        panic!("{text}");
    };
    let federation = made["federation"].as_str().unwrap();
    assert!(init.contains(&format!(
        "#1 idp-hub init (this machine) init federation {federation}"
    )));
    assert!(
        password.contains("set-password account \"admin\""),
        "{password}"
    );
    assert!(
        create.contains("local socket (local socket) create department \"ops\""),
        "{create}"
    );
    assert!(
        edit.ends_with(": name=\"ops\" -> name=\"science\""),
        "{edit}"
    );
    assert!(newest.starts_with("newest: entry 4, "), "{newest}");

    let found = hub.json(&[
        "audit", "list", "--action", "edit", "--since", "1h", "--limit", "9",
    ]);
    assert_eq!(found["entries"].as_array().unwrap().len(), 1);
    assert_eq!(found["entries"][0]["subject"]["name"], "ops");
    let verified = hub.json(&["audit", "verify"]);
    assert_eq!(
        (&verified["intact"], &verified["entries"]),
        (&json!(true), &json!(4))
    );
    assert!(
        hub.told(&["audit", "verify"])
            .starts_with("4 entries checked, from ")
    );

    is_held_against_what_was_written_down(&hub, &verified);

    let copy = hub.path("copy.db").display().to_string();
    hub.told(&["backup", &copy]);
    let listed = hub.told(&["audit", "list"]);
    assert!(
        listed.contains(&format!("backup backup {copy:?}")),
        "{listed}"
    );
    let of_copy = hub.json(&["audit", "verify", "--file", &copy]);
    assert_eq!(of_copy["head"], verified["head"], "as it was then");
    hub.stop();
    hub.told(&["restore", &copy]);
    hub.serve();
    let listed = hub.told(&["audit", "list"]);
    assert!(
        listed.contains("#5 idp-hub restore (this machine) restore backup"),
        "{listed}"
    );
    assert_eq!(hub.json(&["audit", "verify"])["entries"], 5);
    hub.stop();
}

fn is_held_against_what_was_written_down(hub: &Hub, verified: &Value) {
    let link = verified["head"]["link"].as_str().unwrap();
    let told = hub.told(&["audit", "verify", "--head", &format!("4:{link}")]);
    assert!(
        told.contains("Entry 4 is the one that was written down."),
        "{told}"
    );
    let output = hub.run(&["audit", "verify", "--head", &format!("3, {link}")]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.starts_with("BROKEN at entry 3: its link is not the one"),
        "{told}"
    );
    let (code, told) = hub.fails(&["audit", "verify", "--head", "4"]);
    assert_eq!(code, 64, "{told}");
    assert!(told.contains("an entry's number and its link"), "{told}");
}

#[test]
fn a_broken_trail_is_told_with_the_entry_and_what_to_do() {
    let hub = Hub::new("");
    hub.init();
    let database = hub.path("data/hub.db");
    let path = database.display().to_string();
    assert_eq!(
        hub.json(&["audit", "verify", "--file", &path])["entries"],
        2
    );
    // A word in an entry, which SQLite's own check does not know.
    let mut bytes = fs::read(&database).unwrap();
    let at = bytes
        .windows(12)
        .position(|it| it == b"set-password")
        .unwrap();
    bytes[at..at + 3].copy_from_slice(b"get");
    fs::write(&database, bytes).unwrap();
    let output = hub.run(&["audit", "verify", "--file", &path]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.starts_with("BROKEN at entry 2: it does not fit the entries before it"),
        "{told}"
    );
    assert!(told.contains("next: "), "{told}");
    let (code, told) = hub.fails(&["audit", "verify", "--file", "/nothing.db"]);
    assert!(
        code == 1 && told.contains("cannot open the database /nothing.db"),
        "{told}"
    );
}
