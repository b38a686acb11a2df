//! Microversions that stop being understood: an upgrade that rolls, and one that is rolled back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, Seen};

const DOCUMENT: &str = "/compute/v2.1/";

fn document(max: &str) -> Reply {
    Reply::json(&json!({"version": {"id": "v2.1", "version": max, "min_version": "2.1"}}))
}

/// Nova's answer where it knows no more than 2.90.
fn knows_no_more_than_2_90(seen: &Seen) -> Reply {
    match seen.microversion.as_str() {
        "compute 2.96" => {
            let body = r#"{"computeFault": {"code": 406, "message":
                "Version 2.96 is not supported by the API. Minimum is 2.1 and maximum is 2.90."}}"#;
            Reply::status(406, body)
        }
        _ => Reply::json(&json!({"servers": []})),
    }
}

fn asked(fake: &Fake) -> Vec<String> {
    let seen = fake.seen(SERVERS).into_iter();
    seen.map(|it| it.microversion.replace("compute ", ""))
        .collect()
}

#[tokio::test]
async fn after_a_roll_back_the_version_is_negotiated_once_more() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        DOCUMENT if seen.before == 0 => Some(document("2.104")),
        DOCUMENT => Some(document("2.90")),
        SERVERS => Some(knows_no_more_than_2_90(seen)),
        _ => None,
    })
    .await;
    let cloud = client(&fake);
    audit(&cloud, Part::Servers).await.result.unwrap();
    audit(&cloud, Part::Servers).await.result.unwrap();
    assert_eq!(asked(&fake), ["2.96", "2.90", "2.90"]);
    assert_eq!(fake.seen(DOCUMENT).len(), 2);
}

#[tokio::test]
async fn behind_a_load_balancer_the_lower_of_two_versions_serves_for_some_minutes() {
    // Documents by turns from a new and an old one; lists always from the old one.
    let fake = Fake::start(|seen| match seen.path.as_str() {
        DOCUMENT if seen.before % 2 == 0 => Some(document("2.104")),
        DOCUMENT => Some(document("2.90")),
        SERVERS => Some(knows_no_more_than_2_90(seen)),
        _ => None,
    })
    .await;
    let (cloud, hand) = timed(&fake);
    for _ in 0..4 {
        audit(&cloud, Part::Servers).await.result.unwrap();
        hand.advance(Duration::from_secs(60));
    }
    assert_eq!(asked(&fake), ["2.96", "2.90", "2.90", "2.90", "2.90"]);
    assert_eq!(fake.seen(DOCUMENT).len(), 2);
    hand.advance(Duration::from_secs(120));
    audit(&cloud, Part::Servers).await.result.unwrap();
    assert_eq!(fake.seen(DOCUMENT).len(), 4, "then it is asked anew");
}

#[tokio::test]
async fn a_lower_version_is_not_given_up_for_a_higher_one_that_was_refused() {
    // The old one's document came first; the list went to one that is older still.
    let fake = Fake::start(|seen| match seen.path.as_str() {
        DOCUMENT if seen.before == 0 => Some(document("2.95")),
        DOCUMENT => Some(document("2.104")),
        SERVERS if seen.before == 0 => Some(Reply::status(406, "{}")),
        _ => None,
    })
    .await;
    audit(&client(&fake), Part::Servers).await.result.unwrap();
    assert_eq!(asked(&fake), ["2.95", "2.95"]);
}

#[tokio::test]
async fn a_service_that_understands_nothing_is_asked_twice_and_told_of() {
    let fake = Fake::start(|seen| (seen.path == SERVERS).then(|| Reply::status(406, "{}"))).await;
    let error = audit(&client(&fake), Part::Servers)
        .await
        .result
        .unwrap_err();
    assert!(
        matches!(error, CloudError::Status { status: 406, .. }),
        "{error}"
    );
    assert_eq!(
        (fake.seen(SERVERS).len(), fake.seen(DOCUMENT).len()),
        (2, 2)
    );
}

#[tokio::test]
async fn questions_that_are_refused_together_negotiate_once() {
    let documents = Arc::new(AtomicUsize::new(0));
    let count = documents.clone();
    let fake = Fake::start(move |seen| match seen.path.as_str() {
        DOCUMENT => Some(match count.fetch_add(1, Ordering::SeqCst) {
            0 => document("2.104"),
            _ => document("2.90"),
        }),
        SERVERS => Some(knows_no_more_than_2_90(seen).after(Duration::from_millis(30))),
        _ => None,
    })
    .await;
    let cloud = client(&fake);
    let (a, b, c) = tokio::join!(
        audit(&cloud, Part::Servers),
        audit(&cloud, Part::Servers),
        audit(&cloud, Part::Servers),
    );
    assert!(a.result.is_ok() && b.result.is_ok() && c.result.is_ok());
    assert_eq!(documents.load(Ordering::SeqCst), 2);
}
