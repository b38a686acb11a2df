//! Servers and nodes.

use reqwest::Method;
use serde_json::{Value, json};
use shared::model::{CloudId, NodeState, Record, RecordKind, ServerState};
use sp_agent::cloud::Part;

use crate::cloud::{Hand, administrator, client, unique, until};
use crate::told::{audit, changes, id, key};

async fn flavor(hand: &Hand) -> String {
    let name = unique("flavor");
    let body = json!({"flavor": {
        "name": name, "ram": 256, "vcpus": 2, "disk": 1, "OS-FLV-EXT-DATA:ephemeral": 3,
    }});
    id(&hand.post("compute", "/flavors", body).await["flavor"])
}

async fn image(hand: &Hand) -> String {
    let body = json!({
        "name": "empty", "disk_format": "raw", "container_format": "bare",
        "visibility": "public", "min_disk": 0,
    });
    let image = id(&hand.post("image", "/v2/images", body).await);
    hand.upload(&image).await;
    image
}

async fn server(hand: &Hand, name: &str, flavor: &str, image: &str) -> String {
    let body = json!({"server": {
        "name": name, "flavorRef": flavor, "imageRef": image, "networks": "none",
    }});
    let server = id(&hand.post("compute", "/servers", body).await["server"]);
    until("the server is active", async || {
        let found = hand.get("compute", &format!("/servers/{server}")).await;
        (found["server"]["status"] == "ACTIVE").then_some(())
    })
    .await;
    server
}

#[tokio::test]
async fn servers_are_told_as_they_come_change_and_go() {
    let admin = Hand::administrator().await;
    let (hand, _) = admin.tenant().await;
    let cloud = client(&administrator());
    let (flavor, image) = (flavor(&admin).await, image(&admin).await);
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(server(&hand, &format!("web-{number}"), &flavor, &image).await);
    }

    let told = audit(&cloud, Part::Servers).await;
    assert!(
        told.pages >= 3,
        "five servers at two a page: {}",
        told.pages
    );
    for id in &ids {
        let Some(Record::Server(server)) = told.get(RecordKind::Server, id) else {
            panic!("server {id} is missing");
        };
        assert_eq!(server.state, ServerState::Running);
        assert_eq!(
            (server.vcpus, server.memory_mib, server.disk_gib),
            (2, 256, 4)
        );
        assert_eq!(server.project, CloudId::new(&hand.project));
        assert!(server.node.is_some() && server.created.0 > 0 && server.name.starts_with("web-"));
    }

    let stop = format!("/servers/{}/action", ids[0]);
    hand.post("compute", &stop, json!({"os-stop": null})).await;
    let gone = format!("/servers/{}", ids[1]);
    hand.send(Method::DELETE, "compute", &gone, Value::Null)
        .await;
    let later = until("both changes are told", async || {
        let later = changes(&cloud, Part::Servers, told.mark).await.unwrap();
        let stopped = match later.get(RecordKind::Server, &ids[0]) {
            Some(Record::Server(server)) => server.state == ServerState::Stopped,
            _ => false,
        };
        let deleted = later.deleted.contains(&key(RecordKind::Server, &ids[1]));
        (stopped && deleted).then_some(later)
    })
    .await;
    assert!(later.mark >= told.mark);
    let afterwards = audit(&cloud, Part::Servers).await;
    assert!(afterwards.get(RecordKind::Server, &ids[0]).is_some());
    assert!(afterwards.get(RecordKind::Server, &ids[1]).is_none());
    for id in ids.iter().filter(|it| **it != ids[1]) {
        let path = format!("/servers/{id}");
        hand.send(Method::DELETE, "compute", &path, Value::Null)
            .await;
    }
}

#[tokio::test]
async fn a_server_that_could_not_be_placed_tells_why() {
    let admin = Hand::administrator().await;
    let (hand, _) = admin.tenant().await;
    let cloud = client(&administrator());
    let body = json!({"flavor": {
        "name": hand.project, "ram": 100_000_000, "vcpus": 1, "disk": 1,
    }});
    let huge = id(&admin.post("compute", "/flavors", body).await["flavor"]);
    let image = image(&admin).await;
    let quota = json!({"quota_set": {"ram": -1}});
    let path = format!("/os-quota-sets/{}", hand.project);
    admin.send(Method::PUT, "compute", &path, quota).await;
    let mark = audit(&cloud, Part::Servers).await.mark;
    let body = json!({"server": {
        "name": "huge", "flavorRef": huge, "imageRef": image, "networks": "none",
    }});
    let server = id(&hand.post("compute", "/servers", body).await["server"]);
    let fault = until("the failure is told", async || {
        let later = changes(&cloud, Part::Servers, mark).await.unwrap();
        match later.get(RecordKind::Server, &server) {
            Some(Record::Server(it)) if it.state == ServerState::Failed => it.fault.clone(),
            _ => None,
        }
    })
    .await;
    assert!(fault.contains("No valid host"), "{fault}");
    let path = format!("/servers/{server}");
    hand.send(Method::DELETE, "compute", &path, Value::Null)
        .await;
}

#[tokio::test]
async fn nodes_have_the_capacity_that_placement_gives_out() {
    let admin = Hand::administrator().await;
    let cloud = client(&administrator());
    let told = audit(&cloud, Part::Nodes).await;
    let providers = admin.get("placement", "/resource_providers").await;
    let provider = &providers["resource_providers"][0];
    let path = format!(
        "/resource_providers/{}/inventories",
        id_of(provider, "uuid")
    );
    let inventories = admin.get("placement", &path).await["inventories"].clone();
    let usable = |class: &str| {
        let figure = |name: &str| inventories[class][name].as_f64().unwrap();
        ((figure("total") - figure("reserved")) * figure("allocation_ratio")) as u64
    };
    let Some(Record::Node(node)) = told.get(RecordKind::Node, &id_of(provider, "uuid")) else {
        panic!("the node is missing");
    };
    assert_eq!(node.state, NodeState::Up);
    assert_eq!(node.vcpus.total, usable("VCPU"));
    assert_eq!(node.memory_mib.total, usable("MEMORY_MB"));
    assert_eq!(node.disk_gib.total, usable("DISK_GB"));
    assert_eq!(provider["name"], node.name.as_str());
}

fn id_of(value: &Value, name: &str) -> String {
    value[name].as_str().expect("an id").to_owned()
}
