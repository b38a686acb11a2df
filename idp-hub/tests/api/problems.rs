//! Every error is a problem, whoever made it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{Method, Request, header};
use futures_util::StreamExt;
use serde_json::json;

use crate::kit::{Kit, request, sign_in, with};

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let mut kit = Kit::new().await;
    kit.region("north", 1).await;
    for (path, slug, status) in [
        ("/nowhere", "not-found", 404),
        ("/api/v1/nowhere", "not-found", 404),
        ("/api/v1/regions/none", "not-found", 404),
        ("/api/v1/regions/none/servers", "not-found", 404),
        ("/api/v1/regions?limit=0", "invalid-request", 400),
        ("/api/v1/regions?limit=1001", "invalid-request", 400),
        ("/api/v1/regions?limit=x", "invalid-request", 400),
        ("/api/v1/regions?lmit=5", "invalid-request", 400),
        ("/api/v1/regions?after=%21", "invalid-request", 400),
        ("/api/v1/regions?after=_w", "invalid-request", 400),
        ("/api/v1/regions/%ff", "invalid-request", 400),
    ] {
        kit.get(path).await.is_problem(status, slug);
    }
    let answer = kit
        .local(request(Method::POST, "/api/v1/overview", None))
        .await;
    answer.is_problem(405, "method-not-allowed");
    assert_eq!(answer.headers[header::ALLOW], "GET,HEAD");
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said() {
    let kit = Kit::new().await;
    let raw = |kind: &str, body: String| {
        let post = Request::post("/api/v1/session").header(header::CONTENT_TYPE, kind);
        post.body(Body::from(body)).unwrap()
    };
    let json = "application/json";
    for (kind, body, status, slug) in [
        ("text/plain", "{}", 415, "not-json"),
        (json, "{", 400, "invalid-request"),
        (json, "{}", 400, "invalid-request"),
        (
            json,
            r#"{"account": "a", "password": 5}"#,
            400,
            "invalid-request",
        ),
        (
            json,
            r#"{"account": "a", "password": "b", "admin": true}"#,
            400,
            "invalid-request",
        ),
        (
            json,
            &format!("\"{}\"", "x".repeat(20_000)),
            413,
            "too-large",
        ),
    ] {
        let answer = kit.web(raw(kind, body.to_owned())).await;
        let problem = answer.is_problem(status, slug);
        assert!(!answer.text.contains("xxxx"), "{problem}");
    }
}

/// An answer to a body that is still on its way is lost with the stream in HTTP/2, and with the
/// connection before it.
#[tokio::test]
async fn a_body_that_is_too_large_is_taken_before_it_is_refused() {
    let kit = Kit::new().await;
    let pieces = Arc::new(AtomicUsize::new(0));
    let post = |count: usize| {
        pieces.store(0, Ordering::Relaxed);
        let pieces = Arc::clone(&pieces);
        let body = futures_util::stream::iter(0..count).map(move |_| {
            pieces.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(vec![b'x'; 16 * 1024])
        });
        let post =
            Request::post("/api/v1/session").header(header::CONTENT_TYPE, "application/json");
        post.body(Body::from_stream(body)).unwrap()
    };
    kit.web(post(200)).await.is_problem(413, "too-large");
    assert_eq!(pieces.load(Ordering::Relaxed), 200);
    kit.web(post(usize::MAX)).await.is_problem(413, "too-large");
    let taken = pieces.load(Ordering::Relaxed);
    assert!((500..1000).contains(&taken), "{taken}");
}

#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let kit = Kit::new().await;
    let cookie = kit.sign_in().await;
    let out = || {
        with(
            request(Method::DELETE, "/api/v1/session", None),
            "cookie",
            &cookie,
        )
    };
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        kit.web(with(out(), name, value))
            .await
            .is_problem(403, "cross-site");
    }
    let signing_in = with(sign_in("admin", "x"), "sec-fetch-site", "cross-site");
    kit.web(signing_in).await.is_problem(403, "cross-site");
    let own = with(
        with(out(), "origin", "https://hub:8443"),
        "sec-fetch-site",
        "same-origin",
    );
    assert_eq!(kit.web(own).await.status, 204);
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let kit = Kit::new().await;
    for path in [
        "/",
        "/nowhere",
        "/api/v1/session",
        "/healthz",
        "/page/page.js",
    ] {
        let answer = kit.web(request(Method::GET, path, None)).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["x-frame-options"], "DENY");
        let cache = answer.headers["cache-control"].to_str().unwrap();
        let file = path == "/" || path.starts_with("/page/");
        assert_eq!(cache, if file { "no-cache" } else { "no-store" }, "{path}");
    }
}

#[tokio::test]
async fn health_is_for_all_and_metrics_for_the_machine() {
    let kit = Kit::new().await;
    assert_eq!(kit.get("/healthz").await.json(), json!({ "status": "ok" }));
    let metrics = kit.get("/metrics").await;
    assert_eq!(
        metrics.headers[header::CONTENT_TYPE],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    kit.web(request(Method::GET, "/metrics", None))
        .await
        .is_problem(404, "not-found");
}
