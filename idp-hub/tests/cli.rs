//! The real binary: init, serve, commands through the socket, HTTPS, and how it says what is wrong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that meets the unexpected should panic"
)]

#[path = "cli/audit.rs"]
mod audit;
#[path = "cli/exposed.rs"]
mod exposed;
#[path = "cli/kit.rs"]
mod kit;
#[path = "cli/org.rs"]
mod org;
#[path = "cli/restore.rs"]
mod restore;

use std::fs;
use std::path::Path;
use std::time::Duration;

use kit::{Hub, PASSWORD, browser, sign_in};
use serde_json::json;
use shared::ids::FederationId;
use shared::pki::{Authority, BoundKey, Serial, WebNames};
use shared::runtime::clock::Clock;
use shared::runtime::files::{Mode, write_atomic};

/// The certificate that is shown now, in DER.
async fn shown(hub: &Hub) -> Vec<u8> {
    let answer = browser().get(hub.url("/healthz")).send().await.unwrap();
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
    info.peer_certificate().unwrap().to_vec()
}

#[test]
fn a_hub_is_made_served_asked_and_stopped() {
    let mut hub = Hub::new("");
    let (code, text) = hub.fails(&["serve"]);
    assert_eq!(
        (code, text.as_str()),
        (
            64,
            "error: /hub.toml has 1 fault:\n/hub.toml:1:12: data_dir: there is no /data; run \
             \"idp-hub init\" first\n"
        )
    );
    let (code, text) = hub.fails(&["region", "list"]);
    assert_eq!(
        (code, text.as_str()),
        (
            1,
            "error: the hub does not run: nobody answers at /hub.sock\n  next: start it with \
             `systemctl start idp-hub`, or name its socket with --socket\n"
        )
    );
    let (code, text) = hub.fails(&["backup", "/copy.db"]);
    assert!(
        code == 1 && text.contains("there is no database /data/hub.db; name"),
        "{text}"
    );
    let made = hub.init();
    assert_eq!(made["account"], "admin");
    assert_eq!(
        made.get("password"),
        None,
        "it was given, so it is not told"
    );
    let (code, text) = hub.fails(&["init"]);
    assert!(
        code == 1 && text.contains("already holds federation"),
        "{text}"
    );

    hub.serve();
    assert_eq!(hub.json(&["region", "list"]), json!({ "regions": [] }));
    let invitation = hub.json(&["region", "invite", "north"]);
    let command = invitation["command"].as_str().unwrap();
    assert_eq!(command, "sp-agent join --hub hub.example.org:7443 -");
    let text = hub.told(&["region", "invite", "it's south", "--minutes", "5"]);
    let token = text.lines().find(|line| line.starts_with("  rg1."));
    assert!(token.is_some(), "the token has a line of its own: {text}");
    assert!(
        text.contains("within 5 min") && text.contains(r"accept 'it'\''s south'"),
        "{text}"
    );
    assert_eq!(
        hub.fails(&["region", "show", "east"]),
        (
            1,
            "error: There is no region \"east\".\n  next: List what there is: `idp-hub region list`.\n"
                .to_owned()
        )
    );
    serves_alone(&hub);

    let copy = hub.path("copy.db").display().to_string();
    hub.told(&["backup", &copy]);
    assert!(fs::metadata(&copy).unwrap().len() > 4096);
    assert_eq!(hub.fails(&["backup", &copy]).0, 1);
    hub.stop();
    assert!(hub.log().contains("serving"), "{}", hub.log());
}

/// Two hubs that write one database would undo each other's work, also where no port is the same.
fn serves_alone(hub: &Hub) {
    let text = fs::read_to_string(hub.path("hub.toml")).unwrap();
    let text = text.replace("hub.sock", "other.sock");
    let text = text.replace(&format!(":{}\"", hub.web), ":0\"");
    fs::write(hub.path("other.toml"), text).unwrap();
    for file in ["hub.toml", "other.toml"] {
        let file = hub.path(file).display().to_string();
        let (code, text) = hub.fails(&["serve", "--config", &file]);
        assert!(
            code == 1 && text.contains("another idp-hub serves from /data; stop"),
            "{text}"
        );
    }
}

#[test]
fn wrong_flags_and_configurations_end_with_64() {
    let hub = Hub::new("lsiten = 5\n");
    assert_eq!(hub.fails(&["region", "fly"]).0, 64);
    assert_eq!(
        hub.fails(&["region", "invite", "x", "--minutes", "61"]).0,
        64
    );
    let (code, text) = hub.fails(&["check-config"]);
    assert_eq!(code, 64);
    assert!(text.contains("data_dir: there is no /data"), "{text}");
    let misspelt = ":8:1: web.lsiten: there is no such setting; write \"listen\"";
    assert!(text.contains(misspelt), "{text}");
    assert_eq!(hub.run(&["--version"]).status.code(), Some(0));
    let named = hub.fails(&["region", "list", "--socket", "/nowhere"]);
    assert_eq!(
        named.0, 1,
        "a named socket needs no configuration: {}",
        named.1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_over_https_with_a_certificate_that_is_kept() {
    let mut hub = Hub::new("");
    hub.init();
    hub.serve();
    let client = browser();
    let answer = sign_in(&client, &hub, PASSWORD).await;
    assert_eq!(answer.status(), 201);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let overview = |client: &reqwest::Client, cookie: &str| {
        client
            .get(hub.url("/api/v1/overview"))
            .header("cookie", cookie.to_owned())
            .send()
    };
    assert_eq!(overview(&client, &cookie).await.unwrap().status(), 200);
    assert_eq!(
        client
            .get(hub.url("/metrics"))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    let first = shown(&hub).await;

    let new = hub.json(&["account", "password"]);
    let generated = new["password"].as_str().unwrap().to_owned();
    assert_eq!(overview(&client, &cookie).await.unwrap().status(), 401);
    hub.stop();
    hub.serve();
    assert_eq!(
        shown(&hub).await,
        first,
        "the certificate stays over a restart"
    );
    let answer = sign_in(&client, &hub, &generated).await;
    assert_eq!(answer.status(), 201);
}

/// Puts a certificate for this key in place of what is there, as a renewal does.
fn renew(ca: &Authority, key: &BoundKey, path: &Path) -> Vec<u8> {
    let names = WebNames::new(&["hub.example.org"]).unwrap();
    let now_secs = Clock::system().unix_millis().as_secs();
    let serial = Serial::generate().unwrap();
    let issued = ca
        .issue_web(key.public_key(), &names, serial, now_secs)
        .unwrap();
    write_atomic(path, issued.to_pem().as_bytes(), Mode::Public).unwrap();
    issued.der
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_the_sites_own_is_taken_over_when_its_file_changes() {
    let mut hub = Hub::new("certificate = \"FOLDER/tls/web.pem\"\nkey = \"FOLDER/tls/key.pem\"\n");
    fs::create_dir(hub.path("tls")).unwrap();
    let now_secs = Clock::system().unix_millis().as_secs();
    let ca = Authority::create(FederationId::from_random(1), now_secs).unwrap();
    let key = BoundKey::generate().unwrap();
    let (path, key_path) = (hub.path("tls/web.pem"), hub.path("tls/key.pem"));
    write_atomic(&key_path, key.to_pem().as_bytes(), Mode::Private).unwrap();
    let first = renew(&ca, &key, &path);
    hub.init();
    hub.serve();
    assert_eq!(shown(&hub).await, first);

    write_atomic(&path, b"no certificate", Mode::Public).unwrap();
    for _ in 0..100 {
        if hub.log().contains("the old one stays") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(hub.log().contains("the old one stays"), "{}", hub.log());
    assert_eq!(shown(&hub).await, first);

    // An operator who does not want to wait asks for it; a changed configuration waits for a restart.
    fs::write(hub.path("hub.toml"), "[link]\nlisten = 7\n").unwrap();
    let second = renew(&ca, &key, &path);
    hub.signal("HUP");
    for _ in 0..100 {
        if shown(&hub).await == second {
            assert!(hub.log().contains("reloading"), "{}", hub.log());
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the new certificate is not shown: {}", hub.log());
}
