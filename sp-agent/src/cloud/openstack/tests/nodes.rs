//! Nodes, of new clouds and of old ones: Nova's word, and Placement's.

use shared::model::{Capacity, CloudId, Node, NodeState};

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, Seen, answer};

const HYPERVISORS: &str = "/compute/v2.1/os-hypervisors/detail";

const RP: &str = "91a3081b-5e99-4e01-acca-7a074eb8667c";

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
        HYPERVISORS => hypervisors(seen, json!(RP)),
        path => placement(path),
    })
    .await;
    let node = node(&client(&fake)).await.unwrap();
    assert_eq!(
        (node.state, node.vcpus),
        (NodeState::Disabled, vcpus(5, 4000))
    );
    assert_eq!(node.memory_mib, vcpus(300, 700));
    let question = &fake.seen(HYPERVISORS)[0];
    assert_eq!(
        question.microversion, "compute 2.87",
        "later ones tell no figures"
    );
}

#[tokio::test]
async fn a_node_with_a_number_is_found_in_placement_by_its_name() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        HYPERVISORS => hypervisors(seen, json!(1)),
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
        HYPERVISORS => hypervisors(seen, json!(RP)),
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
        HYPERVISORS => hypervisors(seen, json!(RP)),
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
            (HYPERVISORS, None) => nodes_page(&["n1", "n2"]),
            (HYPERVISORS, Some(marker)) => match marker.as_str() {
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
    let seen = fake.seen(HYPERVISORS);
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
        HYPERVISORS => nodes_page(&["n1"]),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Nodes).await;
    told.result.as_ref().unwrap();
    let seen = fake.seen(HYPERVISORS);
    assert_eq!((told.records().len(), seen.len()), (1, 1));
}

#[tokio::test]
async fn nodes_that_are_numbered_are_told_in_pages_too() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.marker()) {
        ("/compute/v2.1/", _) => answer(json!({"version": {
            "id": "v2.1", "version": "2.52", "min_version": "2.1"}})),
        (HYPERVISORS, "") => hypervisors(seen, json!(7)),
        (HYPERVISORS, "7") => hypervisors(seen, json!(8)),
        (HYPERVISORS, _) => nodes_page(&[]),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Nodes).await;
    told.result.as_ref().unwrap();
    assert_eq!(told.records().len(), 2);
}
