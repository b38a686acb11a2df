//! Adoptions as far as the API alone decides them; the rest is in the project's own tests, with
//! agents.

use axum::http::Method;
use serde_json::{Value, json};

use crate::kit::{Answer, Kit, request};

const PATH: &str = "/api/v1/adoptions";

fn right() -> Value {
    json!({
        "address": "10.0.0.7", "fingerprint": "ab".repeat(32), "name": "north",
        "account": "admin", "password": "hush",
    })
}

async fn post(kit: &Kit, body: &Value) -> Answer {
    kit.local(request(Method::POST, PATH, Some(body.clone())))
        .await
}

#[tokio::test]
async fn only_administrators_adopt() {
    let kit = Kit::new().await;
    for path in [PATH, "/api/v1/adoptions/look"] {
        let asked = request(Method::POST, path, Some(right()));
        kit.web(asked).await.is_problem(401, "sign-in-required");
    }
}

#[tokio::test]
async fn what_is_no_adoption_is_told_before_anybody_is_dialed() {
    let kit = Kit::new().await;
    for (part, wrong) in [
        ("address", json!("the agent")),
        ("fingerprint", json!("ab")),
        ("name", json!("")),
        ("account", json!("")),
        ("password", json!("")),
        ("password", json!("p".repeat(4097))),
        ("user_domain", json!("")),
        ("hub_addresses", json!(["hub"])),
        ("hub_addresses", json!(["a:1", "b:1", "c:1", "d:1", "e:1"])),
        ("colour", json!("blue")),
    ] {
        let mut body = right();
        body[part] = wrong;
        let problem = post(&kit, &body).await.is_problem(400, "invalid-request");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{part}: {detail}");
        assert!(!detail.contains("hush"), "{detail}");
    }
    let look = json!({ "address": "agent:" });
    let asked = request(Method::POST, "/api/v1/adoptions/look", Some(look));
    kit.local(asked).await.is_problem(400, "invalid-request");
}

#[tokio::test]
async fn a_name_or_key_that_is_taken_is_told_before_anybody_is_dialed() {
    let mut kit = Kit::new().await;
    kit.region("north", 1).await;
    post(&kit, &right()).await.is_problem(409, "name-taken");
    let mut body = right();
    body["name"] = json!("south");
    body["fingerprint"] = json!("01".repeat(32));
    let problem = post(&kit, &body).await.is_problem(409, "name-taken");
    let step = problem["next_step"].as_str().unwrap();
    assert!(step.contains("idp-hub region remove"), "{step}");
}
