//! Orders, as Keystone hears them, and what its answers mean.

mod calls;

use shared::ids::{FederationId, ObjectId};
use shared::model::{
    Actor, Assignment, CloudId, Department, Group, Implication, Link, Marker, Membership, Object,
    ObjectKind, Project, Role, Scope, User,
};

use super::*;
use crate::cloud::Order;
use crate::cloud::openstack::testing::{Fake, Reply, Seen, options};

fn id(text: &str) -> CloudId {
    CloudId::new(text)
}

fn marker() -> Marker {
    Marker {
        federation: FederationId::from_bytes([1; 16]),
        object: ObjectId::from_bytes([2; 16]),
    }
}

fn group(description: Option<&str>) -> Object<CloudId> {
    Object::Group(Group {
        department: id("d"),
        name: "chemists".to_owned(),
        description: description.map(str::to_owned),
    })
}

fn create() -> Order {
    Order::Create {
        object: group(None),
        marker: marker(),
    }
}

fn membership() -> Link<CloudId> {
    Link::Membership(Membership {
        group: id("g"),
        user: id("u"),
    })
}

fn implication() -> Link<CloudId> {
    Link::Implication(Implication {
        prior: id("r1"),
        implied: id("r2"),
    })
}

/// A Keystone that answers every write so.
async fn answering(reply: Reply) -> Fake {
    Fake::start(move |seen| is_write(seen).then(|| reply.clone())).await
}

fn is_write(seen: &Seen) -> bool {
    seen.method != "GET" && !seen.path.ends_with("/auth/tokens")
}

fn made() -> Reply {
    Reply::status(
        201,
        r#"{"group": {"id": "0ed76ca31e464b14841151c02b056863"}}"#,
    )
}

#[tokio::test]
async fn what_was_made_is_known_by_its_id() {
    let fake = answering(made()).await;
    let made = client(&fake).perform(&create()).await.unwrap();
    assert_eq!(made, Some(id("0ed76ca31e464b14841151c02b056863")));
}

#[tokio::test]
async fn an_answer_without_an_id_is_told_of_though_the_thing_may_be_there() {
    for body in [
        "",
        "{}",
        r#"{"group": {"id": ""}}"#,
        r#"{"group": {"id": 7}}"#,
    ] {
        let fake = answering(Reply::status(201, body)).await;
        let error = client(&fake).perform(&create()).await.unwrap_err();
        assert!(matches!(error, CloudError::Malformed { .. }), "{error}");
        assert_eq!(fake.seen("/identity/v3/groups").len(), 1);
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_a_conflict() {
    let body = r#"{"error": {"code": 409, "message": "Duplicate entry.", "title": "Conflict"}}"#;
    let fake = answering(Reply::status(409, body)).await;
    let error = client(&fake).perform(&create()).await.unwrap_err();
    let CloudError::Conflict { what, reason, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (what.as_str(), reason.as_str()),
        ("POST /groups", "Duplicate entry.")
    );
    let error = client(&fake).perform(&Order::Link(membership())).await;
    assert!(
        matches!(error, Err(CloudError::Conflict { .. })),
        "{error:?}"
    );
    let linked = client(&fake).perform(&Order::Link(implication())).await;
    assert_eq!(linked.unwrap(), None, "it is there");
}

#[tokio::test]
async fn what_is_gone_is_removed_and_what_is_not_linked_is_unlinked() {
    let body = r#"{"error": {"code": 404, "message": "Could not find it.", "title": "No"}}"#;
    let fake = answering(Reply::status(404, body)).await;
    let cloud = client(&fake);
    let removal = Order::Remove {
        kind: ObjectKind::User,
        id: id("u"),
    };
    for order in [
        removal,
        Order::Unlink(membership()),
        Order::Unlink(implication()),
    ] {
        assert_eq!(cloud.perform(&order).await.unwrap(), None, "{order:?}");
    }
    for order in [
        Order::Link(membership()),
        Order::Link(implication()),
        create(),
    ] {
        let error = cloud.perform(&order).await.unwrap_err();
        assert!(
            matches!(error, CloudError::Status { status: 404, .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_somebody_else_than_keystone_does_not_find_may_be_there() {
    let removal = || Order::Remove {
        kind: ObjectKind::User,
        id: id("u"),
    };
    for body in [
        "<html><h1>404 Not Found</h1><p>nginx</p></html>",
        "",
        "{}",
        r#"{"message": "no Route matched with those values"}"#,
        r#"{"error": "not found"}"#,
        r#"{"error": {"code": 401, "message": "Sign in."}}"#,
    ] {
        let fake = answering(Reply::status(404, body)).await;
        for order in [removal(), Order::Unlink(membership())] {
            let error = client(&fake).perform(&order).await.unwrap_err();
            assert!(matches!(error, CloudError::Malformed { .. }), "{error}");
            assert!(error.to_string().contains("HTTP 404"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_not_sent_again() {
    let fake = answering(made().after(Duration::from_secs(60))).await;
    let mut options = options(fake.url());
    options.request_timeout = Duration::from_millis(100);
    let error = with(&options).perform(&create()).await.unwrap_err();
    assert!(matches!(error, CloudError::Unreachable { .. }), "{error}");
    assert_eq!(fake.seen("/identity/v3/groups").len(), 1);
}

#[tokio::test]
async fn an_error_of_the_service_is_the_callers_to_try_again() {
    let body = r#"{"error": {"code": 500, "message": "database is locked", "title": "No"}}"#;
    let fake = answering(Reply::status(500, body)).await;
    let error = client(&fake).perform(&create()).await.unwrap_err();
    assert!(
        matches!(error, CloudError::Status { status: 500, .. }),
        "{error}"
    );
    assert_eq!(fake.seen("/identity/v3/groups").len(), 1);
}

#[tokio::test]
async fn a_service_that_asks_for_patience_is_asked_again() {
    let fake = Fake::start(|seen| match seen.before {
        _ if !is_write(seen) => None,
        0 => Some(Reply::status(503, "busy")),
        1 => Some(Reply::status(429, "{}").header("retry-after", "0")),
        _ => Some(made()),
    })
    .await;
    client(&fake).perform(&create()).await.unwrap();
    let seen = fake.seen("/identity/v3/groups");
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|it| it.body == seen[0].body), "all of it");
}

#[tokio::test]
async fn a_service_that_says_how_long_to_wait_is_told_of_at_once() {
    for status in [429, 503] {
        let busy = Reply::status(status, "{}").header("retry-after", "3");
        let fake = answering(busy).await;
        let error = client(&fake).perform(&create()).await.unwrap_err();
        let CloudError::Throttled { retry_after, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(retry_after, Duration::from_secs(3));
        assert_eq!(fake.seen("/identity/v3/groups").len(), 1);
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_and_the_write_sent_again() {
    let fake = Fake::start(|seen| {
        is_write(seen).then(|| match seen.token.as_str() {
            "token-1" => Reply::status(401, "{}"),
            _ => made(),
        })
    })
    .await;
    let (cloud, hand) = timed(&fake);
    // A token that was issued in the second of a password change is refused from the start: not at
    // once, but soon there is another.
    let error = cloud.perform(&create()).await.unwrap_err();
    assert!(matches!(error, CloudError::Unauthorized { .. }), "{error}");
    hand.advance(Duration::from_secs(5));
    cloud.perform(&create()).await.unwrap();
    assert_eq!(fake.sign_ins(), 2);
}

#[tokio::test]
async fn so_many_writes_are_under_way_at_once() {
    let fake = answering(made().after(Duration::from_millis(30))).await;
    let mut options = options(fake.url());
    options.concurrency_max = 2;
    let cloud = with(&options);
    let order = create();
    let writes = (0..8).map(|_| cloud.perform(&order));
    for made in futures_util::future::join_all(writes).await {
        made.unwrap();
    }
    assert_eq!(fake.running_max(), 2);
}

/// A service that hangs at some things, be they asked for or changed, does the others.
#[tokio::test]
async fn neither_questions_nor_changes_that_hang_keep_the_places_of_other_changes() {
    let ages = Duration::from_secs(3600);
    let fake = Fake::start(move |seen| {
        let is_stuck = ["/stuck", "/domains"]
            .iter()
            .any(|it| seen.path.ends_with(it));
        match is_stuck {
            true => Some(made().after(ages)),
            false => is_write(seen).then(made),
        }
    })
    .await;
    let mut options = options(fake.url());
    options.concurrency_max = 2;
    let cloud = with(&options);
    let stuck = Order::Remove {
        kind: ObjectKind::User,
        id: id("stuck"),
    };
    let hang = (0..3).map(|_| cloud.perform(&stuck));
    let asked = (0..3).map(|_| audit(&cloud, Part::Departments));
    let order = create();
    tokio::select! {
        biased;
        _ = futures_util::future::join_all(hang) => panic!("they hang"),
        _ = futures_util::future::join_all(asked) => panic!("they hang"),
        made = tokio::time::timeout(Duration::from_secs(9), cloud.perform(&order)) => {
            made.unwrap().unwrap();
        }
    }
}

/// A Keystone whose database keeps three bytes of a character says so in its own log alone.
#[tokio::test]
async fn letters_that_a_database_may_not_hold_are_told_with_what_to_do() {
    let body = r#"{"error": {"code": 500, "message": "An unexpected error.", "title": "No"}}"#;
    let fake = answering(Reply::status(500, body)).await;
    let cloud = client(&fake);
    let named = |name: &str| {
        Object::Group(Group {
            department: id("d"),
            name: name.to_owned(),
            description: None,
        })
    };
    let update = |to| Order::Update {
        id: id("g"),
        from: group(None),
        to,
        marker: None,
    };
    let made = |object| Order::Create {
        object,
        marker: marker(),
    };
    for order in [
        made(named("chem\u{1f9ea}")),
        made(group(Some("with \u{20000}"))),
        update(named("chem\u{1f9ea}")),
    ] {
        let error = cloud.perform(&order).await.unwrap_err();
        assert!(matches!(error, CloudError::Status { status: 500, .. }));
        let told = error.to_string();
        for part in ["utf8mb4", "at the hub", "An unexpected error."] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(told.chars().count() <= 400, "{told}");
    }
    for order in [made(named("\u{7814}\u{53d1}")), Order::Link(membership())] {
        let told = cloud.perform(&order).await.unwrap_err().to_string();
        assert!(!told.contains("utf8mb4"), "{told}");
    }
}
