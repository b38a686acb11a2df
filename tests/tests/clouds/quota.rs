//! Quotas as the clouds' own services have them: set for one region, spread over two of which one
//! is away for a while, and summed up.

use serde_json::Value;
use tests::lab::{Lab, Region, succeeded};
use tests::openstack::{Admin, RealCloud};

const PROJECT: &str = "web";

/// A cloud's projects: their names and its own ids.
pub(super) fn projects(cloud: &Admin) -> Vec<(String, String)> {
    let (status, told) = cloud.ask("GET", "/projects", &Value::Null);
    assert_eq!(status, 200, "{told}");
    let word = |it: &Value| it.as_str().unwrap().to_owned();
    let all = told["projects"].as_array().unwrap().iter();
    all.map(|it| (word(&it["name"]), word(&it["id"]))).collect()
}

/// A limit as a cloud's own Nova, Cinder or Neutron says it.
pub(super) fn limit_in(cloud: &Admin, project: &str, resource: &str) -> i64 {
    let (service, path, of) = match resource {
        "gigabytes" => ("block-storage", "/os-quota-sets", "quota_set"),
        "network" => ("network", "/v2.0/quotas", "quota"),
        _ => ("compute", "/os-quota-sets", "quota_set"),
    };
    let path = format!("{path}/{project}");
    let (status, told) = cloud.ask_service(service, ("GET", &path), &Value::Null);
    assert_eq!(status, 200, "{told}");
    told[of][resource].as_i64().unwrap()
}

pub(super) fn ask(lab: &Lab, words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    succeeded(lab.ask(&words));
}

/// The limit of instances that the hub knows to be in force.
fn confirmed(lab: &Lab, region: &str) -> Option<u64> {
    let all = lab.items(&format!("/regions/{region}/quotas"));
    let is_it = |it: &&Value| it["project_name"] == PROJECT && it["service"] == "compute";
    let mut resources = all.iter().find(is_it)?["resources"].as_array()?.iter();
    resources.find(|it| it["name"] == "instances")?["limit"].as_u64()
}

/// What of a region is given to whom, as the hub says.
pub(super) fn allocation(lab: &Lab, region: &str) -> Value {
    let words = ["org", "quota", "allocated", region, "--output", "json"];
    serde_json::from_slice(&succeeded(lab.ask(&words)).stdout).unwrap()
}

/// The same of one resource.
pub(super) fn resource(lab: &Lab, region: &str, resource: &str) -> Value {
    let told = allocation(lab, region);
    let mut all = told["resources"].as_array().unwrap().iter();
    all.find(|it| it["name"] == resource).unwrap().clone()
}

/// What the cloud's own services let all its projects use of a resource together.
pub(super) fn sum_in(cloud: &Admin, resource: &str) -> i64 {
    let all = projects(cloud).into_iter();
    let limits = all.map(|(_, id)| limit_in(cloud, &id, resource));
    limits.filter(|it| *it >= 0).sum()
}

/// Nothing is set that was not read: agents read what they have just made.
pub(super) fn quotas_are_told(lab: &Lab, region: &str, project: &str) {
    lab.until_shown(&3, || {
        let all = lab.items(&format!("/regions/{region}/quotas"));
        let its = all.iter().filter(|it| it["project_name"] == project);
        its.count()
    });
}

/// Both are merged; then what is set and spread at the hub is what each cloud says.
pub(super) fn are_true(lab: &Lab, clouds: [&RealCloud; 2], away: &mut Region) {
    let [north, south] = &clouds.map(RealCloud::admin);
    lab.merge("north");
    lab.merge("south");
    ask(lab, "org create department research");
    ask(lab, "org create project web --in research");
    let web = |cloud: &Admin| {
        projects(cloud)
            .into_iter()
            .find(|(name, _)| name == PROJECT)
    };
    lab.until_shown(&true, || {
        [north, south].map(web).iter().all(Option::is_some)
    });
    let [here, there] = [north, south].map(|it| web(it).unwrap().1);
    let instances = || {
        [
            limit_in(north, &here, "instances"),
            limit_in(south, &there, "instances"),
        ]
    };

    for region in ["north", "south"] {
        quotas_are_told(lab, region, PROJECT);
    }
    ask(
        lab,
        "org quota set north web cores=7 gigabytes=30 network=3",
    );
    lab.until_shown(&[7, 30, 3], || {
        ["cores", "gigabytes", "network"].map(|it| limit_in(north, &here, it))
    });
    assert_ne!(
        limit_in(south, &there, "cores"),
        7,
        "of the other region nobody spoke"
    );

    ask(lab, "org quota spread web instances=8");
    lab.until_shown(&[4, 4], instances);
    for region in ["north", "south"] {
        lab.until_shown(&Some(4), || confirmed(lab, region));
    }
    away.daemon.kill();
    lab.until("south", "unreachable");
    ask(lab, "org quota spread web instances=6");
    lab.until_shown(&[2, 4], instances);
    ask(lab, "org quota spread web instances=12");
    lab.until_shown(&[8, 4], instances);
    away.daemon.again();
    lab.until("south", "healthy");
    lab.until_shown(&12, || instances().iter().sum());

    for (region, cloud) in [("north", north), ("south", south)] {
        lab.until_shown(&sum_in(cloud, "cores"), || {
            let told = resource(lab, region, "cores");
            let [all, directory, leftovers] = ["allocated", "directory", "leftovers"]
                .map(|it| told[it]["limit"].as_i64().unwrap());
            assert_eq!(all, directory + leftovers, "{told}");
            all
        });
    }
}
