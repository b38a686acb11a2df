//! The committed OpenAPI document is the one that the code describes.
//!
//! To write it anew: `REGROUP_WRITE_OPENAPI=1 cargo test -p idp-hub --test api openapi`.

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
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.contains_key("401"), "{method} {path}");
        }
    }
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
