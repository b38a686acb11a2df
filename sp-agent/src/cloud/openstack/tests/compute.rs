//! Servers and nodes, of new clouds and of old ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shared::model::{Capacity, CloudId, Key, Node, NodeState, RecordKind};

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, Seen, answer};

const RP: &str = "91a3081b-5e99-4e01-acca-7a074eb8667c";

#[tokio::test]
async fn changes_are_asked_for_by_the_clouds_clock_and_tell_deletions() {
    let fake = Fake::start(|seen| {
        let mut gone = server("b");
        gone["status"] = json!("DELETED");
        let body = json!({"servers": [server("a"), gone]});
        let reply = || Reply::json(&body).header("date", "Sat, 21 Nov 2026 18:10:00 GMT");
        (seen.path == SERVERS).then(reply)
    })
    .await;
    let (cloud, _) = timed(&fake);
    // 2026-11-21T18:04:01.864
    let since = Mark(UnixMillis(1_795_284_241_864));
    let told = changes(&cloud, Part::Servers, since).await;
    assert_eq!(told.servers().len(), 1);
    let deleted: Vec<&Key> = told.pages.iter().flat_map(|it| &it.deleted).collect();
    let id = CloudId::new("b");
    assert_eq!(
        deleted,
        [&Key {
            kind: RecordKind::Server,
            id
        }]
    );
    let mark = Mark(UnixMillis(1_795_284_600_000));
    assert_eq!(
        told.result.unwrap(),
        Some(mark),
        "18:10:00, as the answer's date"
    );
    let question = &fake.seen(SERVERS)[0];
    assert_eq!(question.query["changes-since"], "2026-11-21T18:03:01Z");
    assert!(!question.query.contains_key("deleted"));
}

#[tokio::test]
async fn a_server_that_can_still_be_restored_is_told_by_audit_and_changes_alike() {
    // Nova 34, `instance_get_all_by_filters_sort`: such a server is not among those that are not
    // deleted, unless it is asked for.
    let fake = Fake::start(|seen| {
        let mut restorable = server("b");
        restorable["status"] = json!("SOFT_DELETED");
        let asked = |name: &str| seen.query.contains_key(name);
        let servers = match asked("soft_deleted") || asked("changes-since") {
            true => json!([server("a"), restorable]),
            false => json!([server("a")]),
        };
        (seen.path == SERVERS).then(|| Reply::json(&json!({"servers": servers})))
    })
    .await;
    let cloud = client(&fake);
    let whole = audit(&cloud, Part::Servers).await;
    let changed = changes(&cloud, Part::Servers, Mark(UnixMillis(0))).await;
    assert_eq!(whole.servers().len(), 2);
    assert_eq!(whole.servers(), changed.servers());
    assert!(changed.pages.iter().all(|it| it.deleted.is_empty()));
}

#[tokio::test]
async fn an_old_novas_flavors_are_looked_up() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/compute/v2.1/" => answer(json!({"version": {
            "id": "v2.1", "version": "2.38", "min_version": "2.1"}})),
        SERVERS => {
            let of = |id: &str, flavor: &str| {
                let mut server = server(id);
                server["flavor"] = json!({"id": flavor, "links": []});
                server
            };
            answer(json!({"servers": [of("a", "7"), of("b", "8"), of("c", "gone")]}))
        }
        "/compute/v2.1/flavors/detail" => answer(json!({"flavors": [
            {"id": "7", "vcpus": 4, "ram": 2048, "disk": 20, "OS-FLV-EXT-DATA:ephemeral": 5}]})),
        "/compute/v2.1/flavors/8" => answer(json!({"flavor":
            {"id": "8", "vcpus": 1, "ram": 512, "disk": 1, "OS-FLV-EXT-DATA:ephemeral": 0}})),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Servers).await;
    let figures = |it: &&Server| (it.vcpus, it.memory_mib, it.disk_gib);
    let figures: Vec<(u32, u64, u64)> = told.servers().iter().map(figures).collect();
    assert_eq!(figures, [(4, 2048, 25), (1, 512, 1), (0, 0, 0)]);
    assert_eq!(fake.seen(SERVERS)[0].microversion, "compute 2.38");
    assert_eq!(fake.seen("/compute/v2.1/flavors/detail").len(), 1);
}

#[tokio::test]
async fn a_nova_without_microversions_is_asked_without() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/compute/v2.1/" => answer(json!({"version": {
            "id": "v2.0", "version": "", "min_version": ""}})),
        _ => None,
    })
    .await;
    audit(&client(&fake), Part::Servers).await.result.unwrap();
    assert_eq!(fake.seen(SERVERS)[0].microversion, "");
}

/// The one node of a cloud, and nothing behind it.
fn hypervisors(seen: &Seen, id: Value) -> Option<Reply> {
    let last = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    if seen.marker() == last {
        return answer(json!({"hypervisors": []}));
    }
    answer(json!({"hypervisors": [{
        "id": id, "hypervisor_hostname": "compute1", "state": "up", "status": "disabled",
        "vcpus": 1000, "memory_mb": 800, "local_gb": 600,
        "vcpus_used": 4, "memory_mb_used": 256, "local_gb_used": 4}]}))
}

fn placement(path: &str) -> Option<Reply> {
    let provider = path
        .strip_prefix("/placement/resource_providers/")?
        .strip_prefix(RP)?;
    match provider {
        "/inventories" => answer(json!({"inventories": {
            "VCPU": {"total": 1000, "reserved": 0, "allocation_ratio": 4.0},
            "MEMORY_MB": {"total": 800, "reserved": 100, "allocation_ratio": 1.0},
            "DISK_GB": {"total": 600, "reserved": 0, "allocation_ratio": 1.0}}})),
        "/usages" => answer(json!({"usages": {"VCPU": 5, "MEMORY_MB": 300, "DISK_GB": 6}})),
        _ => None,
    }
}

async fn node(cloud: &OpenStack) -> Result<Node, CloudError> {
    let told = audit(cloud, Part::Nodes).await;
    let Some(Record::Node(node)) = told.records().first().copied() else {
        return Err(told.result.unwrap_err());
    };
    Ok(node.clone())
}

const fn vcpus(used: u64, total: u64) -> Capacity {
    Capacity { used, total }
}

#[tokio::test]
async fn a_nodes_capacity_is_placements_and_its_state_is_novas() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/compute/v2.1/os-hypervisors/detail" => hypervisors(seen, json!(RP)),
        path => placement(path),
    })
    .await;
    let node = node(&client(&fake)).await.unwrap();
    assert_eq!(
        (node.state, node.vcpus),
        (NodeState::Disabled, vcpus(5, 4000))
    );
    assert_eq!(node.memory_mib, vcpus(300, 700));
    let question = &fake.seen("/compute/v2.1/os-hypervisors/detail")[0];
    assert_eq!(
        question.microversion, "compute 2.87",
        "later ones tell no figures"
    );
}

#[tokio::test]
async fn a_node_with_a_number_is_found_in_placement_by_its_name() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/compute/v2.1/os-hypervisors/detail" => hypervisors(seen, json!(1)),
        "/placement/resource_providers" if seen.query["name"] == "compute1" => {
            answer(json!({"resource_providers": [{"uuid": RP, "name": "compute1"}]}))
        }
        path => placement(path),
    })
    .await;
    let node = node(&client(&fake)).await.unwrap();
    assert_eq!((node.id, node.vcpus), (CloudId::new("1"), vcpus(5, 4000)));
}

#[tokio::test]
async fn a_machine_that_is_split_by_numa_cell_is_summed_up() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/compute/v2.1/os-hypervisors/detail" => hypervisors(seen, json!(RP)),
        "/placement/resource_providers" if seen.query["in_tree"] == RP => {
            answer(json!({"resource_providers": [{"uuid": RP}, {"uuid": "n0"}, {"uuid": "n1"}]}))
        }
        path if path.ends_with("/inventories") => {
            let root = path.contains(RP);
            answer(match root {
                true => json!({"inventories": {"DISK_GB": {"total": 600}}}),
                false => json!({"inventories": {
                    "VCPU": {"total": 8, "allocation_ratio": 2.0}, "MEMORY_MB": {"total": 64}}}),
            })
        }
        path if path.ends_with("/usages") => answer(json!({"usages": {"VCPU": 1}})),
        _ => None,
    })
    .await;
    let node = node(&client(&fake)).await.unwrap();
    let expected = (vcpus(3, 32), vcpus(0, 128), vcpus(0, 600));
    assert_eq!((node.vcpus, node.memory_mib, node.disk_gib), expected);
}

#[tokio::test]
async fn without_placements_word_novas_figures_stand_in() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/compute/v2.1/os-hypervisors/detail" => hypervisors(seen, json!(RP)),
        _ => None,
    })
    .await;
    let node = node(&client(&fake)).await.unwrap();
    assert_eq!(
        node.vcpus,
        vcpus(4, 1000),
        "Placement does not know the node"
    );
}

#[tokio::test]
async fn while_placement_is_away_its_last_word_stays_and_states_go_on() {
    let passes = Arc::new(AtomicUsize::new(0));
    let pass = passes.clone();
    let fake = Fake::start(move |seen| match seen.path.as_str() {
        "/compute/v2.1/os-hypervisors/detail" => {
            if seen.marker().is_empty() {
                pass.fetch_add(1, Ordering::SeqCst);
            }
            hypervisors(seen, json!(RP))
        }
        path if path.starts_with("/placement/") && pass.load(Ordering::SeqCst) > 1 => {
            Some(Reply::status(500, "{}"))
        }
        path => placement(path),
    })
    .await;
    let cloud = client(&fake);
    for _ in 0..3 {
        assert_eq!(node(&cloud).await.unwrap().vcpus, vcpus(5, 4000));
    }
    assert_eq!(passes.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn nodes_without_any_figures_are_an_error() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/compute/v2.1/os-hypervisors/detail" => answer(json!({"hypervisors": [{
            "id": RP, "hypervisor_hostname": "compute1", "state": "up", "status": "enabled"}]})),
        path if path.starts_with("/placement/") => Some(Reply::status(403, "{}")),
        _ => None,
    })
    .await;
    let error = node(&client(&fake)).await.unwrap_err();
    assert!(matches!(error, CloudError::Forbidden { .. }), "{error}");
}

/// A page of hypervisors: Nova makes its link of what it kept, not of what it read.
fn nodes_page(ids: &[&str]) -> Option<Reply> {
    let node = |id: &&str| {
        json!({"id": id, "hypervisor_hostname": id, "state": "up", "status": "enabled",
            "vcpus": 1, "memory_mb": 1, "local_gb": 1,
            "vcpus_used": 0, "memory_mb_used": 0, "local_gb_used": 0})
    };
    let hypervisors: Vec<Value> = ids.iter().map(node).collect();
    answer(json!({"hypervisors": hypervisors}))
}

#[tokio::test]
async fn a_page_of_nodes_that_nova_shortened_is_not_the_last() {
    let fake = Fake::start(
        |seen| match (seen.path.as_str(), seen.query.get("marker")) {
            ("/compute/v2.1/os-hypervisors/detail", None) => nodes_page(&["n1", "n2"]),
            ("/compute/v2.1/os-hypervisors/detail", Some(marker)) => match marker.as_str() {
                "n2" => nodes_page(&["n4"]),
                _ => nodes_page(&[]),
            },
            _ => None,
        },
    )
    .await;
    let mut options = options(fake.url());
    options.page_size = 2;
    let told = audit(&with(&options), Part::Nodes).await;
    told.result.as_ref().unwrap();
    assert_eq!(told.records().len(), 3);
    let seen = fake.seen("/compute/v2.1/os-hypervisors/detail");
    let markers: Vec<&str> = seen.iter().map(|it| it.marker()).collect();
    assert_eq!(markers, ["", "n2", "n4"]);
    assert_eq!(
        seen[0].query["limit"], "100",
        "smaller ones might be left empty"
    );
}

#[tokio::test]
async fn an_old_nova_that_knows_no_pages_of_nodes_is_asked_once() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/compute/v2.1/" => answer(json!({"version": {
            "id": "v2.1", "version": "2.32", "min_version": "2.1"}})),
        "/compute/v2.1/os-hypervisors/detail" => nodes_page(&["n1"]),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Nodes).await;
    told.result.as_ref().unwrap();
    let seen = fake.seen("/compute/v2.1/os-hypervisors/detail");
    assert_eq!((told.records().len(), seen.len()), (1, 1));
}

#[tokio::test]
async fn nodes_that_are_numbered_are_told_in_pages_too() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.marker()) {
        ("/compute/v2.1/", _) => answer(json!({"version": {
            "id": "v2.1", "version": "2.52", "min_version": "2.1"}})),
        ("/compute/v2.1/os-hypervisors/detail", "") => hypervisors(seen, json!(7)),
        ("/compute/v2.1/os-hypervisors/detail", "7") => hypervisors(seen, json!(8)),
        ("/compute/v2.1/os-hypervisors/detail", _) => nodes_page(&[]),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Nodes).await;
    told.result.as_ref().unwrap();
    assert_eq!(told.records().len(), 2);
}
