//! Quotas.

use reqwest::Method;
use serde_json::json;
use shared::model::{CloudId, Limit, Quota, Record, ServiceKind};
use sp_agent::cloud::openstack::OpenStack;
use sp_agent::cloud::{Cloud, Part, QuotaOrder};

use crate::cloud::{Hand, administrator, client};
use crate::told::audit;

#[tokio::test]
async fn each_projects_quota_is_told_by_each_service() {
    let admin = Hand::administrator().await;
    let (hand, _) = admin.tenant().await;
    let cloud = client(&administrator());
    let body = json!({"quota_set": {"instances": 7, "ram": -1}});
    let path = format!("/os-quota-sets/{}", hand.project);
    admin.send(Method::PUT, "compute", &path, body).await;
    let body = json!({"quota_set": {"volumes": 3}});
    admin.send(Method::PUT, "block-storage", &path, body).await;
    let body = json!({"quota": {"network": 5}});
    let path = format!("/v2.0/quotas/{}", hand.project);
    admin.send(Method::PUT, "network", &path, body).await;
    let body = json!({"network": {"name": "one"}});
    hand.post("network", "/v2.0/networks", body).await;

    let compute = quota(&cloud, Part::ComputeQuota, &hand).await;
    assert_eq!(resource(&compute, "instances"), (Some(7), 0));
    assert_eq!(resource(&compute, "ram"), (None, 0));
    let volume = quota(&cloud, Part::VolumeQuota, &hand).await;
    assert_eq!(resource(&volume, "volumes"), (Some(3), 0));
    let network = quota(&cloud, Part::NetworkQuota, &hand).await;
    assert_eq!(resource(&network, "network"), (Some(5), 1));
    assert!(network.project_name.starts_with("tenant-"));
    let services = [compute.service, volume.service, network.service];
    let expected = [
        ServiceKind::Compute,
        ServiceKind::Volume,
        ServiceKind::Network,
    ];
    assert_eq!(services, expected);
    set(&cloud, &hand).await;
}

/// Each service is given a limit, and says so at once and at the next audit; what is not named
/// stays, and less than is used needs a word where the service knows one.
async fn set(cloud: &OpenStack, hand: &Hand) {
    let order = |service, name: &str, limit, force| QuotaOrder {
        project: CloudId::new(&hand.project),
        name: "tenant".to_owned(),
        service,
        limits: vec![Limit {
            name: name.to_owned(),
            limit,
            version: 1,
            force,
        }],
    };
    for (service, part, name, limit, other) in [
        (
            ServiceKind::Compute,
            Part::ComputeQuota,
            "cores",
            Some(11),
            ("instances", Some(7)),
        ),
        (
            ServiceKind::Volume,
            Part::VolumeQuota,
            "gigabytes",
            None,
            ("volumes", Some(3)),
        ),
        (
            ServiceKind::Network,
            Part::NetworkQuota,
            "port",
            Some(9),
            ("network", Some(5)),
        ),
    ] {
        let set = cloud.set_quota(&order(service, name, limit, false)).await;
        let told = set.unwrap().quota.expect("it was read back");
        assert_eq!(resource(&told, name).0, limit, "{service:?}");
        let told = quota(cloud, part, hand).await;
        assert_eq!(resource(&told, name).0, limit, "{service:?}");
        assert_eq!(resource(&told, other.0).0, other.1, "{service:?}");
    }
    let below = order(ServiceKind::Network, "network", Some(0), true);
    let told = cloud.set_quota(&below).await.unwrap().quota.unwrap();
    assert_eq!(resource(&told, "network"), (Some(0), 1));
}

async fn quota(cloud: &OpenStack, part: Part, hand: &Hand) -> Quota {
    let told = audit(cloud, part).await;
    let found = told.records.into_values().find_map(|record| match record {
        Record::Quota(quota) if quota.project == CloudId::new(&hand.project) => Some(quota),
        _ => None,
    });
    found.expect("the project's quota is told")
}

fn resource(quota: &Quota, name: &str) -> (Option<u64>, u64) {
    let found = quota.resources.iter().find(|it| it.name == name);
    let found = found.expect("the resource is told");
    (found.limit, found.used)
}
