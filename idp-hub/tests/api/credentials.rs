//! Another credential for a region's cloud: sealed to its agent, and kept nowhere here.

use axum::http::Method;
use serde_json::{Value, json};

use crate::kit::{Answer, Kit};

const PATH: &str = "/regions/north/credential";

async fn stage() -> Kit {
    let mut kit = Kit::new().await;
    kit.region("north", 1).await;
    kit.show().await;
    kit
}

impl Kit {
    async fn gives(&self, secret: &str) -> Answer {
        let body = json!({ "account": "admin", "password": secret });
        self.send(Method::POST, PATH, body).await
    }
}

#[tokio::test]
async fn a_credential_goes_to_the_regions_agent_and_what_comes_of_it_comes_back() {
    let kit = stage().await;
    let early = kit.gives("right secret").await;
    let told = early.is_problem(503, "region-away");
    assert!(
        told["next_step"]
            .as_str()
            .unwrap()
            .contains("credential set")
    );
    let no = kit.tells_key("north").await;
    let kept = kit.gives("right secret").await;
    assert_eq!(kept.status, 200, "{}", kept.text);
    let account = kept.json()["account"].clone();
    assert_eq!(account, "user admin, by local socket");
    let application = json!({ "application_credential_id": "abc", "secret": "right secret" });
    let kept = kit.send(Method::POST, PATH, application).await;
    assert_eq!(kept.json()["account"], "user abc, by local socket");
    for (secret, status, slug) in [
        ("wrong secret", 409, "account-refused"),
        ("weak secret", 409, "account-refused"),
        ("early secret", 502, "cloud-unreachable"),
        ("other secret", 409, "refused"),
    ] {
        kit.gives(secret).await.is_problem(status, slug);
    }
    kit.clouds.go_away(no);
    let told = kit.gives("right secret").await;
    let told = told.is_problem(503, "region-away");
    assert!(
        told["next_step"]
            .as_str()
            .unwrap()
            .contains("credential set")
    );
}

#[tokio::test]
async fn the_trail_has_who_gave_what_kind_and_no_secret_is_kept() {
    let kit = stage().await;
    kit.tells_key("north").await;
    for secret in ["right secret", "wrong secret"] {
        kit.gives(secret).await;
    }
    let listed = kit.get("/api/v1/audit?action=set-credential").await;
    let entries = listed.json()["items"].as_array().unwrap().clone();
    let field = |name: &str| -> Vec<Value> { entries.iter().map(|it| it[name].clone()).collect() };
    assert_eq!(field("outcome"), ["failed: account-refused", "done"]);
    assert_eq!(field("after"), ["kind=password", "kind=password"]);
    assert_eq!(
        entries[0]["subject"]["name"],
        "north",
        "{listed}",
        listed = listed.text
    );
    let stored = std::fs::read(kit.database()).unwrap();
    for secret in ["right secret", "wrong secret"] {
        let is_there = stored
            .windows(secret.len())
            .any(|it| it == secret.as_bytes());
        assert!(!is_there, "{secret}");
    }
}

#[tokio::test]
async fn the_trail_has_it_also_where_the_asker_leaves_before_the_answer() {
    let kit = stage().await;
    kit.tells_key("north").await;
    let brief = std::time::Duration::from_millis(50);
    let asked = tokio::time::timeout(brief, kit.gives("right secret")).await;
    assert!(asked.is_err(), "it was answered before it was left");
    for _ in 0..100 {
        let listed = kit.get("/api/v1/audit?action=set-credential").await;
        if listed.json()["items"].as_array().unwrap().len() == 1 {
            return;
        }
        tokio::time::sleep(brief).await;
    }
    panic!("nothing is in the trail");
}

#[tokio::test]
async fn what_is_no_credential_reaches_no_region() {
    let kit = stage().await;
    kit.tells_key("north").await;
    for wrong in [
        json!({}),
        json!({ "account": "admin" }),
        json!({ "account": "", "password": "x" }),
        json!({ "account": "admin", "password": "x", "application_credential_id": "a" }),
        json!({ "account": "admin", "password": "x".repeat(4097) }),
        json!({ "application_credential_id": "a" }),
    ] {
        let answer = kit.send(Method::POST, PATH, wrong).await;
        answer.is_problem(400, "invalid-request");
    }
}
