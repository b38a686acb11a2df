//! The directory by the command line, against a real daemon.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::kit::{Hub, browser};

fn names(list: &Value) -> Vec<&str> {
    let all = list.as_object().unwrap().values().next().unwrap();
    let all = all.as_array().unwrap().iter();
    all.map(|it| it["name"].as_str().unwrap()).collect()
}

#[test]
fn the_directory_is_made_seen_changed_and_ended() {
    let mut hub = Hub::new("");
    hub.init();
    hub.serve();
    let text = hub.told(&["org", "status", "--follow"]);
    assert!(text.contains("idp-hub region invite NAME"), "{text}");
    let text = hub.told(&["org", "list", "departments"]);
    assert!(
        text.contains("idp-hub org create department NAME"),
        "{text}"
    );
    for department in ["ops", "lab"] {
        hub.told(&["org", "create", "department", department]);
        let made = hub.json(&["org", "create", "user", "ann", "--in", department]);
        assert_eq!(made["department"]["name"], department);
    }
    hub.told(&["org", "create", "project", "web", "--in", "ops"]);
    hub.told(&[
        "org",
        "create",
        "role",
        "member",
        "--description",
        "works here",
    ]);

    let (code, text) = hub.fails(&["org", "show", "user", "ann"]);
    assert!(
        code == 64 && text.contains("several users are called"),
        "{text}"
    );
    for department in ["(in ops)", "(in lab)"] {
        assert!(text.contains(department), "{text}");
    }
    let (code, text) = hub.fails(&["org", "show", "project", "web", "--in", "lab"]);
    let said = "the department \"lab\" has no project \"web\"; it is elsewhere:";
    assert!(
        code == 64 && text.contains(said) && text.contains("(in ops)"),
        "{text}"
    );
    let ann = hub.json(&["org", "show", "user", "ann", "--in", "lab"]);
    assert_eq!(ann["changed_by"], "local socket");
    let id = ann["id"].as_str().unwrap();
    let change = ["org", "set", "user", id, "--rename", "anna", "--disable"];
    let changed = hub.json(&change);
    assert_eq!(
        (&changed["name"], &changed["enabled"]),
        (&json!("anna"), &json!(false))
    );
    assert_eq!(names(&hub.json(&["org", "list", "user"])).len(), 2);
    spread(&hub);
    linked_and_ended(&hub);
}

/// A total over regions, of which there are none.
fn spread(hub: &Hub) {
    let spread = |more: &[&'static str]| [&["org", "quota", "spread"], more].concat();
    hub.told(&spread(&["web", "cores=100", "ram=2048"]));
    let listed = hub.json(&spread(&["list", "--project", "web"]));
    let first = &listed["spreads"][0];
    assert_eq!(
        (&first["resource"], &first["free"]),
        (&json!("cores"), &json!(100))
    );
    let text = hub.told(&spread(&["list"]));
    assert!(
        text.contains("web (in ops): ram 2048 in all, 0 given, 0 used, 2048 free"),
        "{text}"
    );
    for (wrong, said) in [
        ("cores", "cores=100"),
        ("cores=-1", "spread remove"),
        ("cores=lots", "whole number"),
    ] {
        let (code, text) = hub.fails(&spread(&["web", wrong]));
        assert!(code == 64 && text.contains(said), "{text}");
    }
    let (_, text) = hub.fails(&spread(&["web", "core=1"]));
    assert!(text.contains("instances, ram"), "{text}");
    hub.told(&spread(&["remove", "web", "cores", "ram"]));
    let text = hub.told(&spread(&["list"]));
    assert!(text.contains("No total"), "{text}");
}

#[test]
fn a_users_password_is_set_from_standard_input_and_never_from_an_argument() {
    let mut hub = Hub::new("");
    hub.init();
    hub.serve();
    hub.told(&["org", "create", "department", "ops"]);
    hub.told(&["org", "create", "user", "ann", "--in", "ops"]);
    let set = |password: &str| {
        reads(
            &hub,
            &["org", "password", "ops", "ann", "--stdin"],
            password,
        )
    };
    let (done, told) = set("correct horse battery\n");
    assert!(done && told.contains("0 of 0 regions"), "{told}");
    let (done, told) = set(&"x".repeat(73));
    assert!(!done && told.contains("72 bytes"), "{told}");
    let (code, told) = hub.fails(&["org", "password", "ops", "ann"]);
    assert!(code == 64 && told.contains("--stdin"), "{told}");
    let (code, told) = hub.fails(&["org", "password", "ops", "bob", "--stdin"]);
    assert!(code == 64 && told.contains("no user"), "{told}");
    made_an_administrator(&hub);
}

/// Runs a command that reads this. Whether it went well, and what it said.
fn reads(hub: &Hub, words: &[&str], text: &str) -> (bool, String) {
    let mut command = hub.command(words);
    let command = command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(told).unwrap())
}

fn made_an_administrator(hub: &Hub) {
    let list = ["org", "administrator", "list"];
    assert!(hub.told(&list).contains("the hub's own accounts are"));
    hub.told(&["org", "create", "role", "admin"]);
    let add = [
        "org",
        "administrator",
        "add",
        "ann",
        "--in",
        "ops",
        "--stdin",
    ];
    let (done, told) = reads(hub, &add, "another password\n");
    assert!(done && told.contains("is a cloud administrator"), "{told}");
    assert_eq!(names(&hub.json(&list)), ["ann"]);
    exposed(hub);
    let remove = ["org", "administrator", "remove", "ann", "--in", "ops"];
    let (_, told) = hub.fails(&remove);
    assert!(told.contains("--last"), "{told}");
    let told = hub.told(&[&remove[..], &["--last"]].concat());
    assert!(told.contains("no cloud administrator any more"), "{told}");
}

/// ANN, who is a cloud administrator, comes to be in the power of another one's.
fn exposed(hub: &Hub) {
    let listed = hub.told(&["org", "exposed"]);
    assert!(listed.starts_with("Nobody"), "{listed}");
    assert!(!hub.told(&["org", "status"]).contains("org exposed"));
    hub.told(&["org", "create", "role", "manager"]);
    hub.told(&["org", "create", "user", "bob", "--in", "ops"]);
    let link = "org link assignment --user bob --role manager --department ops";
    let link: Vec<&str> = link.split(' ').collect();
    let (code, text) = hub.fails(&link);
    assert!(code == 1 && text.contains("--entrust"), "{text}");
    hub.told(&[&link[..], &["--entrust"]].concat());
    let status = hub.told(&["org", "status"]);
    let said = "1 of those who have the role \"admin\"\n  next: idp-hub org exposed";
    assert!(status.contains(said), "{status}");
    assert_eq!(hub.json(&["org", "status"])["exposed"], 1);
    let listed = hub.told(&["org", "exposed"]);
    for said in ["ann (in ops)", "yes", "bob (in ops)", "next: "] {
        assert!(listed.contains(said), "{said}: {listed}");
    }
}

fn linked_and_ended(hub: &Hub) {
    let (user, role) = ("anna", "member");
    let assign = [
        "org",
        "link",
        "assignment",
        "--user",
        user,
        "--role",
        role,
        "--project",
        "web",
    ];
    hub.told(&assign);
    let listed = hub.json(&["org", "list", "assignments"]);
    let [assignment] = &listed["assignments"].as_array().unwrap()[..] else {
        panic!("{listed}");
    };
    assert_eq!(assignment["project"]["name"], "web");
    let (code, text) = hub.fails(&["org", "delete", "project", "web", "--yes"]);
    assert!(code == 64 && text.contains("org retire project"), "{text}");
    hub.told(&[
        "org",
        "unlink",
        "assignment",
        assignment["id"].as_str().unwrap(),
    ]);
    hub.told(&["org", "delete", "user", "anna", "--yes"]);
    hub.told(&["org", "retire", "department", "ops", "--yes"]);
    assert_eq!(names(&hub.json(&["org", "list", "departments"])), ["lab"]);
    assert!(names(&hub.json(&["org", "list", "projects"])).is_empty());
    retired_and_purged(hub);
}

fn retired_and_purged(hub: &Hub) {
    let retired = hub.json(&["org", "retired"]);
    assert_eq!(names(&retired).len(), 2, "{retired}");
    let listed = hub.json(&["org", "list", "projects", "--retired"]);
    assert_eq!(names(&listed), ["web"]);
    let shown = hub.json(&["org", "show", "project", "web"]);
    assert_eq!(shown["state"], "retired");
    let (code, text) = hub.fails(&["org", "purge", "user", "anna", "--yes"]);
    assert!(code == 64 && text.contains("org delete user"), "{text}");
    let (code, text) = hub.fails(&["org", "purge", "department", "ops", "--yes"]);
    assert!(code == 1 && text.contains("retired projects web"), "{text}");
    let (code, text) = hub.fails(&["org", "purge", "department", "lab", "--yes"]);
    assert!(
        code == 64 && text.contains("org retire department"),
        "{text}"
    );
    hub.told(&["org", "purge", "project", "web", "--yes"]);
    hub.told(&["org", "purge", "department", "ops", "--yes"]);
    assert!(names(&hub.json(&["org", "retired"])).is_empty());
}

#[test]
fn what_is_wrong_is_said_with_the_next_step() {
    let mut hub = Hub::new("");
    hub.init();
    hub.serve();
    let (code, text) = hub.fails(&["org", "plan", "north"]);
    assert!(code == 1 && text.contains("no region \"north\""), "{text}");
    assert!(text.contains("next: "), "{text}");
    let digest = "0".repeat(32);
    let (code, _) = hub.fails(&["org", "merge", "north", "--digest", &digest]);
    assert_eq!(code, 1);
    let (code, text) = hub.fails(&["org", "create", "user", "ann", "--in", "ops"]);
    assert!(
        code == 64 && text.contains("no department \"ops\""),
        "{text}"
    );
    let (code, text) = hub.fails(&["org", "create", "department", "Default"]);
    assert!(code == 1 && text.contains("next: "), "{text}");
}

/// Makes departments, each with a user of the same name.
async fn crowd(hub: &Hub, count: usize) {
    browser();
    let client = reqwest::Client::builder()
        .unix_socket(hub.path("hub.sock"))
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();
    let post = async |client: reqwest::Client, list: &str, body: Value| -> Value {
        let url = format!("http://localhost/api/v1/directory/{list}");
        let answer = client.post(url).json(&body).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    };
    let mut made = JoinSet::new();
    for number in 0..count {
        if made.len() == 16 {
            made.join_next().await.unwrap().unwrap();
        }
        let client = client.clone();
        made.spawn(async move {
            let department = json!({ "name": format!("d{number}") });
            let department = post(client.clone(), "departments", department).await;
            let user = json!({ "name": "ann", "department": department["id"] });
            post(client, "users", user).await;
        });
    }
    while let Some(ended) = made.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_ends_what_is_listed_or_found() {
    let mut hub = Hub::new("");
    hub.init();
    hub.serve();
    let count = 1001;
    crowd(&hub, count).await;
    let listed = hub.json(&["org", "list", "users"]);
    let users = listed["users"].as_array().unwrap();
    assert_eq!(users.len(), count);
    // Pages are in the order of ids: this one's stands on the second.
    let last = users.iter().max_by_key(|it| it["id"].as_str().unwrap());
    let last = last.unwrap();
    let within = last["department"]["name"].as_str().unwrap();
    let found = hub.json(&["org", "show", "user", "ann", "--in", within]);
    assert_eq!(found["id"], last["id"]);
    let (code, text) = hub.fails(&["org", "show", "user", "ann"]);
    assert!(code == 64 && text.contains("and others"), "{text}");
}
