//! The committed OpenAPI document is the one that the code describes.
//!
//! To write it anew: `REGROUP_WRITE_OPENAPI=1 cargo test -p idp-hub --test api openapi`.

use serde_json::{Value, json};

use crate::kit::Kit;

#[tokio::test]
async fn the_committed_document_is_the_codes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let document = idp_hub::api::openapi_document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("REGROUP_WRITE_OPENAPI").is_some() {
        std::fs::write(path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == document,
        "openapi.json is not what the code describes; write it anew with REGROUP_WRITE_OPENAPI=1"
    );
}

/// Lists what any operation may be answered, and what any with a body.
fn is_complete(name: &str, operation: &Value) {
    let answers = operation["responses"].as_object().unwrap();
    let mut expected = vec!["401", "default"];
    if operation.get("requestBody").is_some() {
        expected.extend(["400", "413", "415"]);
    }
    for status in expected {
        assert!(answers.contains_key(status), "{name}: {status}");
    }
    let problems = answers
        .iter()
        .filter(|(status, _)| !status.starts_with('2'));
    for (status, answer) in problems {
        let content = answer["content"].as_object().unwrap();
        let kinds: Vec<_> = content.keys().collect();
        assert_eq!(kinds, ["application/problem+json"], "{name}: {status}");
    }
}

#[tokio::test]
async fn the_document_is_served_and_complete() {
    let kit = Kit::new().await;
    let document = kit.get("/api/v1/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(document["servers"][0]["url"], "/api/v1");
    for path in [
        "/session",
        "/overview",
        "/regions/{region}/floating-ips",
        "/events",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            is_complete(&format!("{method} {path}"), operation);
        }
    }
    let scheme = &document["components"]["securitySchemes"]["session"];
    assert_eq!(scheme["type"], "apiKey");
    assert_eq!(scheme["in"], "cookie");
    assert_eq!(scheme["name"], idp_hub::api::COOKIE_NAME);
    assert_eq!(document["security"], json!([{ "session": [] }, {}]));
    assert_eq!(paths["/session"]["post"]["security"], json!([{}]));
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for schema in [
        "ProblemDocument",
        "RegionDocument",
        "OverviewDocument",
        "TotalsDocument",
    ] {
        assert!(schemas.contains_key(schema), "{schema}");
    }
}
