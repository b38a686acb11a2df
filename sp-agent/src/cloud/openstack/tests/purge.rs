//! Retired things are deleted where every service says that nothing is in them.

use shared::model::{CloudId, ObjectKind};

use super::*;
use crate::cloud::Order;
use crate::cloud::openstack::testing::{Reply, Seen, answer};

const PROJECT: &str = "/identity/v3/projects/x";

fn order(kind: ObjectKind) -> Order {
    Order::Purge {
        kind,
        id: CloudId::new("x"),
        name: "web".to_owned(),
    }
}

/// What the usual cloud has no answer to.
fn usual(seen: &Seen) -> Option<Reply> {
    let of = |word: &str| answer(json!({ word: { "id": "x", "enabled": false } }));
    match (seen.method.as_str(), seen.path.as_str()) {
        ("DELETE", _) => Some(Reply::status(204, "")),
        (_, PROJECT) => of("project"),
        (_, "/identity/v3/domains/x") => of("domain"),
        (_, "/volume/v3/snapshots") => answer(json!({ "snapshots": [] })),
        (_, "/volume/v3/backups") => answer(json!({ "backups": [] })),
        (_, "/network/v2.0/extensions") => answer(json!({ "extensions": [
            { "alias": "router" }, { "alias": "security-group" }] })),
        (_, "/network/v2.0/ports") => answer(json!({ "ports": [] })),
        (_, "/network/v2.0/routers") => answer(json!({ "routers": [] })),
        (_, "/network/v2.0/security-groups") => {
            answer(json!({ "security_groups": [{ "id": "s", "name": "default" }] }))
        }
        _ => None,
    }
}

fn deletions(fake: &Fake, path: &str) -> usize {
    let seen = fake.seen(path).into_iter();
    seen.filter(|it| it.method == "DELETE").count()
}

#[tokio::test]
async fn an_empty_project_is_deleted_and_each_service_was_asked_for_it_alone() {
    let fake = Fake::start(usual).await;
    let purged = client(&fake).perform(&order(ObjectKind::Project)).await;
    assert_eq!(purged.unwrap(), None);
    assert_eq!(deletions(&fake, PROJECT), 1);
    for path in [
        "/compute/v2.1/servers",
        "/volume/v3/volumes",
        "/volume/v3/snapshots",
        "/volume/v3/backups",
        "/network/v2.0/networks",
        "/network/v2.0/ports",
        "/network/v2.0/routers",
        "/network/v2.0/floatingips",
        "/network/v2.0/security-groups",
    ] {
        let seen = fake.seen(path);
        let asked = seen
            .iter()
            .filter(|it| it.query.get("project_id").is_some_and(|it| it == "x"));
        assert_eq!(asked.count(), 1, "{path}: {seen:?}");
    }
    let images = fake.seen("/image/v2/images");
    assert_eq!(images.len(), 3);
    assert!(images.iter().all(|it| it.query["owner"] == "x"));
    let servers = &fake.seen("/compute/v2.1/servers")[0].query;
    assert_eq!(
        (&*servers["all_tenants"], &*servers["soft_deleted"]),
        ("1", "true")
    );
}

#[tokio::test]
async fn anything_that_is_found_keeps_it_and_is_told() {
    let one = |list: &str, name: &str| json!({ list: [{ "id": "a", "name": name }] });
    for (path, list, told) in [
        ("/compute/v2.1/servers", "servers", "1 server"),
        ("/volume/v3/volumes", "volumes", "1 volume"),
        ("/volume/v3/snapshots", "snapshots", "1 snapshot"),
        ("/volume/v3/backups", "backups", "1 backup"),
        ("/network/v2.0/networks", "networks", "1 network"),
        ("/network/v2.0/ports", "ports", "1 port"),
        ("/network/v2.0/routers", "routers", "1 router"),
        ("/network/v2.0/floatingips", "floatingips", "1 floating IP"),
        (
            "/network/v2.0/security-groups",
            "security_groups",
            "1 security group",
        ),
        ("/image/v2/images", "images", "3 images"),
        ("/identity/v3/projects", "projects", "1 project"),
    ] {
        let fake = Fake::start(move |seen| match seen.path == path {
            // Cinder's proof of rights is a list of volumes too.
            true if !seen.query.contains_key("host") => answer(one(list, "mine")),
            _ => usual(seen),
        });
        let fake = fake.await;
        let error = client(&fake).perform(&order(ObjectKind::Project)).await;
        let Err(CloudError::Occupied { what, found }) = error else {
            panic!("{path}: {error:?}");
        };
        assert_eq!(
            (what.as_str(), found.as_str()),
            ("the project \"web\"", told)
        );
        assert_eq!(deletions(&fake, PROJECT), 0, "{path}");
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_rightly_keeps_it() {
    for path in [
        "/compute/v2.1/servers",
        "/compute/v2.1/os-services",
        "/volume/v3/backups",
        "/network/v2.0/quotas",
        "/network/v2.0/routers",
        "/image/v2/images",
        "/identity/v3/projects",
    ] {
        for reply in [
            Reply::status(403, "{}"),
            Reply::status(404, "{}"),
            Reply::status(200, "{}"),
        ] {
            // Nobody can tell of the cells then, and Nova is believed.
            let is_mute = path.ends_with("os-services") && reply.is(403);
            let is_proof = path.ends_with("quotas") && reply.is(200);
            let fake = Fake::start(move |seen| match seen.path == path {
                true => Some(reply.clone()),
                false => usual(seen),
            });
            let fake = fake.await;
            let done = client(&fake).perform(&order(ObjectKind::Project)).await;
            assert_eq!(done.is_ok(), is_mute || is_proof, "{path}: {done:?}");
            let gone = matches!(done, Err(CloudError::Status { status: 404, .. }));
            assert!(!gone, "taken for gone: {path}");
        }
    }
}

#[tokio::test]
async fn a_cloud_without_a_service_has_nothing_of_it() {
    for lacks in ["compute", "volumev3", "network", "image"] {
        let fake = Fake::start_without(lacks, usual).await;
        let done = client(&fake).perform(&order(ObjectKind::Project)).await;
        assert_eq!(done.unwrap(), None, "{lacks}");
        assert_eq!(deletions(&fake, PROJECT), 1);
    }
}

#[tokio::test]
async fn what_is_gone_is_purged_and_what_is_on_is_not() {
    let gone = Fake::start(|seen| match seen.path.as_str() {
        PROJECT => Some(Reply::status(404, "{}")),
        _ => usual(seen),
    });
    let gone = gone.await;
    let done = client(&gone).perform(&order(ObjectKind::Project)).await;
    assert_eq!((done.unwrap(), deletions(&gone, PROJECT)), (None, 0));
    let on = Fake::start(|seen| match seen.path.as_str() {
        PROJECT => answer(json!({ "project": { "id": "x", "enabled": true } })),
        _ => usual(seen),
    });
    let on = on.await;
    let error = client(&on).perform(&order(ObjectKind::Project)).await;
    assert!(
        matches!(error, Err(CloudError::Occupied { .. })),
        "{error:?}"
    );
    assert_eq!(deletions(&on, PROJECT), 0);
}

#[tokio::test]
async fn a_department_is_deleted_when_nothing_at_all_is_in_it() {
    let domain = "/identity/v3/domains/x";
    let fake = Fake::start(usual).await;
    client(&fake)
        .perform(&order(ObjectKind::Department))
        .await
        .unwrap();
    assert_eq!(deletions(&fake, domain), 1);
    for list in ["projects", "users", "groups", "roles"] {
        let fake = Fake::start(
            move |seen| match seen.path == format!("/identity/v3/{list}") {
                true => {
                    assert_eq!(seen.query["domain_id"], "x");
                    answer(json!({ list: [{ "id": "a" }, { "id": "b" }] }))
                }
                false => usual(seen),
            },
        );
        let fake = fake.await;
        let error = client(&fake).perform(&order(ObjectKind::Department)).await;
        let Err(CloudError::Occupied { found, .. }) = error else {
            panic!("{list}: {error:?}");
        };
        assert_eq!(found, format!("2 {list}"));
        assert_eq!(deletions(&fake, domain), 0);
    }
}
