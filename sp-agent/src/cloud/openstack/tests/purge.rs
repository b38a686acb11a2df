//! Retired things are deleted where every service says that nothing is in them.

mod lists;

use std::collections::BTreeSet;

use shared::model::{CloudId, ObjectKind};

use super::super::purge::{self, Purge};
use super::*;
use crate::cloud::openstack::testing::{Reply, Seen, answer};
use crate::cloud::{Order, Policy};

const PROJECT: &str = "/identity/v3/projects/x";

fn order(kind: ObjectKind) -> Order {
    Order::Purge {
        kind,
        id: CloudId::new("x"),
        name: "web".to_owned(),
        told: Clock::system().unix_millis(),
    }
}

/// Keystone's own lists, of services of these types in these regions.
fn listed(seen: &Seen, all: &[(&str, &str)]) -> Option<Reply> {
    let all = all.iter().enumerate();
    match seen.path.as_str() {
        "/identity/v3/services" => {
            let shown = all.map(|(at, (kind, _))| {
                json!({ "id": at.to_string(), "type": kind, "name": kind, "enabled": false })
            });
            answer(json!({ "services": shown.collect::<Vec<Value>>() }))
        }
        "/identity/v3/endpoints" => {
            let shown = all.map(|(at, (_, region))| {
                json!({ "id": "e", "service_id": at.to_string(), "region_id": region,
                        "region": region, "interface": "internal", "enabled": false })
            });
            answer(json!({ "endpoints": shown.collect::<Vec<Value>>() }))
        }
        _ => None,
    }
}

const SERVICES: [(&str, &str); 5] = [
    ("identity", "RegionOne"),
    ("compute", "RegionOne"),
    ("volumev3", "RegionOne"),
    ("network", "RegionOne"),
    ("image", "RegionOne"),
];

/// Nova's groups, of these projects, on one page.
fn server_groups(seen: &Seen, projects: &[&str]) -> Option<Reply> {
    assert_eq!(seen.query["all_projects"], "true");
    let groups = projects
        .iter()
        .map(|it| json!({ "id": "g", "name": "apart", "project_id": it }));
    let groups: Vec<Value> = groups.collect();
    answer(match &*seen.query["offset"] {
        "0" => json!({ "server_groups": groups }),
        _ => json!({ "server_groups": [] }),
    })
}

/// The default security group as Neutron makes it, and rules that somebody put into it.
fn default_group(more: &[Value]) -> Option<Reply> {
    let mut rules: Vec<Value> = Vec::new();
    for family in ["IPv4", "IPv6"] {
        rules.push(
            json!({ "direction": "egress", "ethertype": family, "protocol": null,
            "remote_group_id": null }),
        );
        rules.push(
            json!({ "direction": "ingress", "ethertype": family, "protocol": null,
            "remote_group_id": "s" }),
        );
    }
    rules.extend(more.iter().cloned());
    answer(json!({ "security_groups": [
        { "id": "s", "name": "default", "security_group_rules": rules }] }))
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
        (_, "/volume/v3/groups/detail") => answer(json!({ "groups": [] })),
        (_, "/volume/v3/group_snapshots/detail") => answer(json!({ "group_snapshots": [] })),
        (_, "/compute/v2.1/os-server-groups") => server_groups(seen, &["another"]),
        (_, "/network/v2.0/extensions") => answer(json!({ "extensions": [
            { "alias": "router" }, { "alias": "security-group" }, { "alias": "qos" },
            { "alias": "subnet_allocation" }, { "alias": "address-scope" },
            { "alias": "address-group" }, { "alias": "rbac-policies" }, { "alias": "trunk" }] })),
        (_, "/network/v2.0/ports") => answer(json!({ "ports": [] })),
        (_, "/network/v2.0/routers") => answer(json!({ "routers": [] })),
        (_, "/network/v2.0/subnets") => answer(json!({ "subnets": [] })),
        (_, "/network/v2.0/subnetpools") => answer(json!({ "subnetpools": [] })),
        (_, "/network/v2.0/address-scopes") => answer(json!({ "address_scopes": [] })),
        (_, "/network/v2.0/address-groups") => answer(json!({ "address_groups": [] })),
        (_, "/network/v2.0/qos/policies") => answer(json!({ "policies": [] })),
        (_, "/network/v2.0/rbac-policies") => answer(json!({ "rbac_policies": [] })),
        (_, "/network/v2.0/trunks") => answer(json!({ "trunks": [] })),
        (_, "/network/v2.0/security-groups") => default_group(&[]),
        (_, "/image/v2/tasks") => answer(json!({ "tasks": [] })),
        _ => listed(seen, &SERVICES),
    }
}

/// Purges the project where the cloud answers so.
async fn purged(
    script: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
) -> (Result<Option<CloudId>, CloudError>, usize) {
    let fake = Fake::start(move |seen| script(seen).or_else(|| usual(seen))).await;
    let done = client(&fake).perform(&order(ObjectKind::Project)).await;
    (done, deletions(&fake, PROJECT))
}

fn told(done: (Result<Option<CloudId>, CloudError>, usize)) -> String {
    assert_eq!(done.1, 0, "deleted");
    done.0.unwrap_err().to_string()
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
        "/volume/v3/groups/detail",
        "/volume/v3/group_snapshots/detail",
        "/network/v2.0/networks",
        "/network/v2.0/subnets",
        "/network/v2.0/subnetpools",
        "/network/v2.0/address-scopes",
        "/network/v2.0/address-groups",
        "/network/v2.0/qos/policies",
        "/network/v2.0/rbac-policies",
        "/network/v2.0/trunks",
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
    assert_eq!(images.len(), 10);
    let both = |it: &&Seen| {
        let has = |name: &str, value: &str| it.query.get(name).is_some_and(|it| it == value);
        has("os_hidden", "true") && has("visibility", "community")
    };
    assert_eq!(images.iter().filter(both).count(), 1);
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
        ("/volume/v3/groups/detail", "groups", "1 volume group"),
        (
            "/volume/v3/group_snapshots/detail",
            "group_snapshots",
            "1 group snapshot",
        ),
        ("/network/v2.0/subnets", "subnets", "1 subnet"),
        ("/network/v2.0/subnetpools", "subnetpools", "1 subnet pool"),
        (
            "/network/v2.0/address-scopes",
            "address_scopes",
            "1 address scope",
        ),
        (
            "/network/v2.0/address-groups",
            "address_groups",
            "1 address group",
        ),
        ("/network/v2.0/qos/policies", "policies", "1 QoS policy"),
        (
            "/network/v2.0/rbac-policies",
            "rbac_policies",
            "1 RBAC policy",
        ),
        ("/network/v2.0/trunks", "trunks", "1 trunk"),
        (
            "/network/v2.0/security-groups",
            "security_groups",
            "1 security group",
        ),
        ("/image/v2/images", "images", "1 image"),
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
        "/image/v2/tasks",
        "/identity/v3/projects",
        "/identity/v3/services",
        "/identity/v3/endpoints",
    ] {
        for reply in [
            Reply::status(403, "{}"),
            Reply::status(404, "{}"),
            Reply::status(200, "{}"),
        ] {
            let proofs = ["quotas", "tasks"];
            let is_proof = proofs.iter().any(|it| path.ends_with(it)) && reply.is(200);
            let fake = Fake::start(move |seen| match seen.path == path {
                true => Some(reply.clone()),
                false => usual(seen),
            });
            let fake = fake.await;
            let done = client(&fake).perform(&order(ObjectKind::Project)).await;
            assert_eq!(done.is_ok(), is_proof, "{path}: {done:?}");
            let gone = matches!(done, Err(CloudError::Status { status: 404, .. }));
            assert!(!gone, "taken for gone: {path}");
        }
    }
}

#[tokio::test]
async fn a_service_that_only_the_catalog_lacks_keeps_it() {
    for lacks in ["compute", "volumev3", "network", "image"] {
        let fake = Fake::start_without(lacks, usual).await;
        let done = client(&fake).perform(&order(ObjectKind::Project)).await;
        assert!(
            matches!(done, Err(CloudError::Missing { .. })),
            "{lacks}: {done:?}"
        );
        assert_eq!(deletions(&fake, PROJECT), 0);
        let without = move |seen: &Seen| {
            let all = SERVICES.into_iter().filter(|it| it.0 != lacks);
            listed(seen, &all.collect::<Vec<_>>()).or_else(|| usual(seen))
        };
        let fake = Fake::start_without(lacks, without).await;
        let done = client(&fake).perform(&order(ObjectKind::Project)).await;
        assert_eq!(done.unwrap(), None, "no cloud with {lacks}");
        assert_eq!(deletions(&fake, PROJECT), 1);
    }
}

#[tokio::test]
async fn a_keystone_of_another_region_or_of_other_services_keeps_it() {
    for (more, reason) in [
        (("compute_legacy", "RegionTwo"), "RegionOne, RegionTwo"),
        (("object-store", "RegionOne"), "the types object-store"),
    ] {
        let done = purged(move |seen| listed(seen, &[&SERVICES[..], &[more]].concat())).await;
        let told = told(done);
        assert!(told.contains(reason), "{told}");
    }
    let fake = Fake::start(|seen| {
        let more = [("object-store", "RegionOne")];
        listed(seen, &[&SERVICES[..], &more].concat()).or_else(|| usual(seen))
    });
    let fake = fake.await;
    let mut options = options(fake.url());
    options.policy = Policy {
        purge_unchecked: vec!["object-store".to_owned()],
        ..Policy::default()
    };
    let done = with(&options).perform(&order(ObjectKind::Project)).await;
    assert_eq!((done.unwrap(), deletions(&fake, PROJECT)), (None, 1));
    let cut = |seen: &Seen| match seen.path.as_str() {
        "/identity/v3/services" => answer(json!({ "services": [], "truncated": true })),
        _ => None,
    };
    let told = told(purged(cut).await);
    assert!(told.contains("cut short"), "{told}");
}

#[tokio::test]
async fn what_is_gone_is_purged_where_keystone_proves_it() {
    let gone = |seen: &Seen| (seen.path == PROJECT).then(|| Reply::status(404, "{}"));
    let (done, deleted) = purged(gone).await;
    assert_eq!((done.unwrap(), deleted), (None, 0));
    for list in [
        Reply::status(404, "{}"),
        Reply::status(200, "{}"),
        Reply::json(&json!({ "projects": [{ "id": "x" }] })),
    ] {
        let done = purged(move |seen| match seen.path.as_str() {
            "/identity/v3/projects" => Some(list.clone()),
            _ => gone(seen),
        });
        let told = told(done.await);
        assert!(told.contains("can't be read"), "{told}");
    }
}

#[tokio::test]
async fn what_is_switched_on_before_or_meanwhile_is_kept() {
    for on_at in [0, 1] {
        let done = purged(move |seen| match seen.path.as_str() {
            PROJECT if seen.before >= on_at => {
                answer(json!({ "project": { "id": "x", "enabled": true } }))
            }
            _ => None,
        });
        let told = told(done.await);
        assert!(told.contains("been switched on again"), "{told}");
    }
}

#[tokio::test]
async fn answers_that_are_old_and_words_that_are_old_delete_nothing() {
    let fake = Fake::start(usual).await;
    let id = CloudId::new("x");
    let now = Clock::system().unix_millis();
    let order = Purge {
        kind: ObjectKind::Project,
        id: &id,
        name: "web",
        told: now,
        along: &BTreeSet::new(),
        region: None,
        unchecked: &[],
        look_max: Duration::ZERO,
    };
    let week = 7 * 24 * 3600 * 1000;
    let stale = Purge {
        told: UnixMillis(now.0 - week - 1000),
        look_max: Duration::MAX,
        ..order
    };
    for (order, reason) in [(order, "something may have been made"), (stale, "7 days")] {
        let cloud = client(&fake);
        let error = purge::purge(&cloud.client, &cloud.witness, &order).await;
        let told = error.unwrap_err().to_string();
        assert!(told.contains(reason), "{told}");
        assert_eq!(deletions(&fake, PROJECT), 0);
    }
    assert_eq!(
        fake.seen(PROJECT).len(),
        2,
        "an old word is not even asked about"
    );
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
