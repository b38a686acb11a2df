//! Signing in, staying signed in, and being kept out.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, header};
use serde_json::json;

use crate::kit::{Kit, PASSWORD, request, sign_in, with};

fn who(cookie: &str) -> Request<Body> {
    with(
        request(Method::GET, "/api/v1/session", None),
        "cookie",
        cookie,
    )
}

#[tokio::test]
async fn a_session_is_begun_used_and_ended() {
    let kit = Kit::new().await;
    let answer = kit.web(sign_in("admin", PASSWORD)).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["account"], "admin");
    assert_eq!(answer.json()["hub_address"], "hub.example.org:7443");
    assert_eq!(answer.json()["expires"], "2026-11-22T06:00:00.000Z");
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    let (cookie, attributes) = set.split_once("; ").unwrap();
    assert!(
        cookie.starts_with("__Host-regroup=") && cookie.len() == 15 + 43,
        "{cookie}"
    );
    assert_eq!(
        attributes,
        "Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=43200"
    );

    assert_eq!(kit.web(who(cookie)).await.json()["account"], "admin");
    let out = with(
        request(Method::DELETE, "/api/v1/session", None),
        "cookie",
        cookie,
    );
    let answer = kit.web(out).await;
    assert_eq!(answer.status, 204);
    assert!(
        answer.headers[header::SET_COOKIE]
            .to_str()
            .unwrap()
            .ends_with("Max-Age=0")
    );
    kit.web(who(cookie))
        .await
        .is_problem(401, "sign-in-required");
}

#[tokio::test]
async fn a_session_ends_after_half_a_day_and_with_a_new_password() {
    let kit = Kit::new().await;
    let (cookie, other) = (kit.sign_in().await, kit.sign_in().await);
    let change = |body, cookie: &str| {
        let request = request(Method::PUT, "/api/v1/accounts/admin/password", Some(body));
        with(request, "cookie", cookie)
    };
    kit.web(change(json!({ "new": "another password" }), &cookie))
        .await
        .is_problem(400, "invalid-request");
    kit.web(change(
        json!({ "current": "wrong", "new": "another password" }),
        &cookie,
    ))
    .await
    .is_problem(401, "wrong-password");
    let short = kit
        .web(change(
            json!({ "current": PASSWORD, "new": "short" }),
            &cookie,
        ))
        .await;
    let problem = short.is_problem(400, "invalid-request");
    assert_eq!(
        problem["detail"],
        "a password needs at least 12 characters."
    );
    let body = json!({ "current": PASSWORD, "new": "another password" });
    assert_eq!(kit.web(change(body, &cookie)).await.status, 204);
    for cookie in [&cookie, &other] {
        kit.web(who(cookie))
            .await
            .is_problem(401, "sign-in-required");
    }
    kit.web(sign_in("admin", PASSWORD))
        .await
        .is_problem(401, "wrong-password");
    let answer = kit.web(sign_in("admin", "another password")).await;
    let set = answer.headers[header::SET_COOKIE]
        .to_str()
        .unwrap()
        .to_owned();
    kit.hand.advance(Duration::from_secs(12 * 3600 - 1));
    assert_eq!(kit.web(who(&set)).await.status, 200);
    kit.hand.advance(Duration::from_secs(1));
    kit.web(who(&set)).await.is_problem(401, "sign-in-required");
}

#[tokio::test]
async fn the_local_socket_is_an_administrator_without_a_password() {
    let kit = Kit::new().await;
    let answer = kit.get("/api/v1/session").await;
    assert_eq!(answer.json()["account"], "local socket");
    let path = "/api/v1/accounts/admin/password";
    let body = json!({ "new": "another password" });
    assert_eq!(
        kit.local(request(Method::PUT, path, Some(body.clone())))
            .await
            .status,
        204
    );
    assert_eq!(
        kit.web(sign_in("admin", "another password")).await.status,
        201
    );
    let path = "/api/v1/accounts/nobody/password";
    kit.local(request(Method::PUT, path, Some(body)))
        .await
        .is_problem(404, "not-found");
    let forged = with(
        request(Method::GET, "/api/v1/session", None),
        "x-local-peer",
        "yes",
    );
    kit.web(forged).await.is_problem(401, "sign-in-required");
}

#[tokio::test]
async fn guessers_are_held_up_by_account_and_source() {
    let kit = Kit::new().await;
    for _ in 0..5 {
        kit.web(sign_in("admin", "wrong"))
            .await
            .is_problem(401, "wrong-password");
    }
    let answer = kit.web(sign_in("admin", PASSWORD)).await;
    answer.is_problem(429, "too-many-attempts");
    assert_eq!(answer.headers[header::RETRY_AFTER], "2");
    let mut elsewhere = sign_in("admin", PASSWORD);
    let peer: SocketAddr = "192.0.2.9:1".parse().unwrap();
    elsewhere.extensions_mut().insert(ConnectInfo(peer));
    assert_eq!(kit.web(elsewhere).await.status, 201);
    kit.hand.advance(Duration::from_secs(2));
    assert_eq!(kit.web(sign_in("admin", PASSWORD)).await.status, 201);
    kit.web(sign_in("nobody", PASSWORD))
        .await
        .is_problem(401, "wrong-password");
    kit.web(sign_in(&"n".repeat(1000), "x"))
        .await
        .is_problem(401, "wrong-password");
}

#[tokio::test]
async fn nothing_is_told_to_nobody() {
    let mut kit = Kit::new().await;
    kit.region("north", 1).await;
    let document = serde_json::to_value(idp_hub::api::openapi_document()).unwrap();
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                continue;
            };
            if (path.as_str(), &method) == ("/session", &Method::POST) {
                continue;
            }
            let path = path.replace("{region}", "north").replace("{name}", "admin");
            let path = format!("/api/v1{path}");
            let body = Some(json!({}));
            kit.web(request(method, &path, body))
                .await
                .is_problem(401, "sign-in-required");
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked}");
    assert!(kit.board.region("north").is_some());
}
