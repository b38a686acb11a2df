//! Lists, from their beginning to their end.

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, answer};

/// Nova's answer with a link to what follows `marker`, at an address where nobody should go.
fn page(ids: &[&str], next: Option<&str>) -> Option<Reply> {
    let servers: Vec<Value> = ids.iter().map(|id| server(id)).collect();
    let mut body = json!({"servers": servers});
    if let Some(marker) = next {
        let href = format!("http://192.0.2.1/v2.1/servers/detail?limit=2&marker={marker}");
        body["servers_links"] = json!([{"rel": "next", "href": href}]);
    }
    answer(body)
}

fn names(told: &Told<Mark>) -> Vec<String> {
    told.servers().iter().map(|it| it.id.to_string()).collect()
}

#[tokio::test]
async fn pages_are_followed_by_their_markers_and_never_to_another_address() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.marker()) {
        (SERVERS, "") => page(&["a", "b"], Some("b")),
        (SERVERS, "b") => page(&["c", "d"], Some("d")),
        (SERVERS, "d") => page(&["e"], None),
        _ => None,
    })
    .await;
    let mut options = options(fake.url());
    options.page_size = 2;
    let told = audit(&with(&options), Part::Servers).await;
    assert_eq!(names(&told), ["a", "b", "c", "d", "e"]);
    assert_eq!(told.pages.len(), 3);
    let seen = fake.seen(SERVERS);
    for question in &seen {
        assert_eq!(
            (question.query["limit"].as_str(), question.method.as_str()),
            ("2", "GET")
        );
        assert_eq!(question.query["all_tenants"], "1");
        assert_eq!(question.query["deleted"], "false");
        assert_eq!(question.microversion, "compute 2.96");
    }
}

#[tokio::test]
async fn a_list_that_leads_back_into_itself_is_an_error() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.marker()) {
        (SERVERS, "b") => page(&["c", "d"], Some("d")),
        (SERVERS, _) => page(&["a", "b"], Some("b")),
        _ => None,
    })
    .await;
    let error = audit(&client(&fake), Part::Servers)
        .await
        .result
        .unwrap_err();
    assert!(
        error.to_string().contains("leads back to its own record b"),
        "{error}"
    );
    assert_eq!(fake.seen(SERVERS).len(), 3);
}

#[tokio::test]
async fn a_server_that_is_deleted_while_it_marks_the_place_costs_nothing() {
    let body = r#"{"badRequest": {"code": 400, "message": "marker [b] not found"}}"#;
    let fake = Fake::start(move |seen| match (seen.path.as_str(), seen.marker()) {
        (SERVERS, "") => page(&["a", "b"], Some("b")),
        (SERVERS, "b") => Some(Reply::status(400, body)),
        (SERVERS, "a") => page(&["c"], None),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Servers).await;
    assert_eq!(names(&told), ["a", "b", "c"]);
    told.result.unwrap();
}

#[tokio::test]
async fn a_failure_on_the_second_page_fails_the_pass_and_keeps_the_first() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.marker()) {
        (SERVERS, "") => page(&["a", "b"], Some("b")),
        (SERVERS, _) => Some(Reply::status(403, "{}")),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Servers).await;
    assert_eq!(names(&told), ["a", "b"]);
    assert!(told.result.is_err());
}

#[tokio::test]
async fn a_keystone_that_does_not_know_pages_is_asked_without() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/identity/v3/projects" if seen.query.contains_key("limit") => {
            Some(Reply::status(400, "{}"))
        }
        "/identity/v3/projects" => answer(json!({
            "projects": [{"id": "p1", "name": "one"}, {"id": "p2", "name": "two"}],
            "links": {"next": null}})),
        "/compute/v2.1/os-quota-sets/p1/detail" | "/compute/v2.1/os-quota-sets/p2/detail" => {
            answer(json!({"quota_set": {"cores": {"limit": 1, "in_use": 0, "reserved": 0}}}))
        }
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::ComputeQuota).await;
    assert_eq!(told.records().len(), 2);
    told.result.unwrap();
}

#[tokio::test]
async fn a_list_that_keystone_cuts_is_an_error() {
    let fake = Fake::start(|seen| {
        let body = json!({"projects": [], "links": {"next": null}, "truncated": true});
        (seen.path == "/identity/v3/projects").then(|| Reply::json(&body))
    })
    .await;
    let error = audit(&client(&fake), Part::VolumeQuota)
        .await
        .result
        .unwrap_err();
    assert!(error.to_string().contains("list_limit"), "{error}");
}
