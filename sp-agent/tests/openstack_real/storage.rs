//! Volumes, networks and addresses.

use reqwest::Method;
use serde_json::{Value, json};
use shared::model::{Capacity, CloudId, Record, RecordKind, VolumeState};
use sp_agent::cloud::Part;

use crate::cloud::{Hand, administrator, client, until};
use crate::told::{audit, changes, id};

#[tokio::test]
async fn volumes_are_told_as_they_come_and_audits_find_them_gone() {
    let admin = Hand::administrator().await;
    let (hand, _) = admin.tenant().await;
    let cloud = client(&administrator());
    let mark = audit(&cloud, Part::Volumes).await.mark;
    let mut ids = Vec::new();
    for size in 1..=3 {
        let body = json!({"volume": {"size": size, "name": format!("disk-{size}")}});
        ids.push(id(
            &hand.post("block-storage", "/volumes", body).await["volume"],
        ));
    }
    until("the volumes are told available", async || {
        let later = changes(&cloud, Part::Volumes, mark)
            .await
            .expect("Cinder tells changes");
        let available = |id: &String| match later.get(RecordKind::Volume, id) {
            Some(Record::Volume(volume)) => volume.state == VolumeState::Available,
            _ => false,
        };
        ids.iter().all(available).then_some(())
    })
    .await;
    let told = audit(&cloud, Part::Volumes).await;
    let Some(Record::Volume(volume)) = told.get(RecordKind::Volume, &ids[2]) else {
        panic!("the volume is missing");
    };
    assert_eq!((volume.size_gib, volume.name.as_str()), (3, "disk-3"));
    assert_eq!(volume.project, CloudId::new(&hand.project));
    for id in &ids {
        let path = format!("/volumes/{id}");
        hand.send(Method::DELETE, "block-storage", &path, Value::Null)
            .await;
    }
    until("the audit is without them", async || {
        let told = audit(&cloud, Part::Volumes).await;
        let left = ids
            .iter()
            .any(|id| told.get(RecordKind::Volume, id).is_some());
        (!left).then_some(())
    })
    .await;
    let pools = audit(&cloud, Part::StoragePools).await;
    let pools: Vec<&Record> = pools.records.values().collect();
    assert!(matches!(pools[..], [Record::StoragePool(_)]), "{pools:?}");
}

#[tokio::test]
async fn networks_and_floating_ips_are_told_with_their_addresses() {
    let admin = Hand::administrator().await;
    let (hand, _) = admin.tenant().await;
    let cloud = client(&administrator());
    let body = json!({"network": {"name": "outside", "router:external": true}});
    let outside = id(&admin.post("network", "/v2.0/networks", body).await["network"]);
    let body = json!({"subnet": {
        "network_id": outside, "ip_version": 4, "cidr": "198.51.100.0/28", "enable_dhcp": false,
    }});
    admin.post("network", "/v2.0/subnets", body).await;
    let mut inside = Vec::new();
    for name in ["a", "b", "c"] {
        let body = json!({"network": {"name": name}});
        inside.push(id(
            &hand.post("network", "/v2.0/networks", body).await["network"],
        ));
    }
    let body = json!({"floatingip": {"floating_network_id": outside}});
    let floating = hand.post("network", "/v2.0/floatingips", body).await["floatingip"].clone();

    let networks = audit(&cloud, Part::Networks).await;
    assert!(networks.pages >= 2);
    for id in &inside {
        let Some(Record::Network(network)) = networks.get(RecordKind::Network, id) else {
            panic!("network {id} is missing");
        };
        assert!(network.active && !network.external && network.addresses.is_none());
        assert_eq!(network.project, CloudId::new(&hand.project));
    }
    let Some(Record::Network(network)) = networks.get(RecordKind::Network, &outside) else {
        panic!("the external network is missing");
    };
    let expected = Capacity { used: 1, total: 13 };
    assert_eq!(
        (network.external, network.addresses),
        (true, Some(expected))
    );

    let addresses = audit(&cloud, Part::FloatingIps).await;
    let Some(Record::FloatingIp(address)) = addresses.get(RecordKind::FloatingIp, &id(&floating))
    else {
        panic!("the floating IP is missing");
    };
    assert_eq!(floating["floating_ip_address"], address.address.to_string());
    assert_eq!(
        (&address.project, &address.port),
        (&CloudId::new(&hand.project), &None)
    );

    let path = format!("/v2.0/floatingips/{}", id(&floating));
    hand.send(Method::DELETE, "network", &path, Value::Null)
        .await;
    for id in inside.iter().chain([&outside]) {
        let path = format!("/v2.0/networks/{id}");
        admin
            .send(Method::DELETE, "network", &path, Value::Null)
            .await;
    }
}
