//! Quotas as the clouds' own services have them: set for one region, and summed up.

use serde_json::Value;
use tests::lab::{Lab, succeeded, until};
use tests::openstack::Admin;

pub(super) const PROJECT: &str = "web";

/// Department, name and password of her who uses what the directory's projects are allowed.
pub(super) const DORA: (&str, &str, &str) = ("research", "dora", "a password of dora's");

/// A cloud's projects: their names and its own ids.
pub(super) fn projects(cloud: &Admin) -> Vec<(String, String)> {
    let word = |it: &Value| it.as_str().unwrap().to_owned();
    let all = listed(cloud).into_iter();
    all.map(|it| (word(&it["name"]), word(&it["id"]))).collect()
}

fn listed(cloud: &Admin) -> Vec<Value> {
    let (status, told) = cloud.ask("GET", "/projects", &Value::Null);
    assert_eq!(status, 200, "{told}");
    told["projects"].as_array().unwrap().clone()
}

/// What a cloud calls a project, once it has it.
pub(super) fn id_in(cloud: &Admin, name: &str) -> Option<String> {
    let mut all = projects(cloud).into_iter();
    all.find(|it| it.0 == name).map(|it| it.1)
}

/// What a project may use and uses of a resource, as a cloud's own Nova, Cinder or Neutron says.
pub(super) fn figures_in(cloud: &Admin, project: &str, resource: &str) -> (i64, i64) {
    let (service, path, [of, used]) = match resource {
        "gigabytes" => {
            let path = format!("/os-quota-sets/{project}?usage=true");
            ("block-storage", path, ["quota_set", "in_use"])
        }
        "network" => {
            let path = format!("/v2.0/quotas/{project}/details.json");
            ("network", path, ["quota", "used"])
        }
        _ => {
            let path = format!("/os-quota-sets/{project}/detail");
            ("compute", path, ["quota_set", "in_use"])
        }
    };
    let (status, told) = cloud.ask_service(service, ("GET", &path), &Value::Null);
    assert_eq!(status, 200, "{told}");
    let figure = |it: &str| told[of][resource][it].as_i64().unwrap();
    (figure("limit"), figure(used) + figure("reserved"))
}

pub(super) fn limit_in(cloud: &Admin, project: &str, resource: &str) -> i64 {
    figures_in(cloud, project, resource).0
}

pub(super) fn ask(lab: &Lab, words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    succeeded(lab.ask(&words));
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
    sums_in(cloud, resource)[0].0
}

/// What all projects may use and use together by the cloud's own services; and of these the
/// directory's, and those of Default, which stays the region's own.
fn sums_in(cloud: &Admin, resource: &str) -> [(i64, i64); 3] {
    let mut sums = [(0, 0); 3];
    for it in listed(cloud) {
        let (limit, used) = figures_in(cloud, it["id"].as_str().unwrap(), resource);
        let part = if it["domain_id"] == "default" { 2 } else { 1 };
        for at in [0, part] {
            sums[at].0 += limit.max(0);
            sums[at].1 += used;
        }
    }
    sums
}

/// The hub's sums are those of the cloud's own services.
pub(super) fn sums_are_true(lab: &Lab, region: &str, cloud: &Admin) {
    for name in ["cores", "instances", "ram", "gigabytes", "network"] {
        lab.until_shown(&sums_in(cloud, name), || {
            let told = resource(lab, region, name);
            ["allocated", "directory", "leftovers"].map(|it| {
                let figure = |name| told[it][name].as_i64().unwrap();
                (figure("limit"), figure("used"))
            })
        });
    }
}

/// Nothing is set that was not read: agents read what they have just made.
pub(super) fn quotas_are_told(lab: &Lab, region: &str, project: &str) {
    lab.until_shown(&3, || {
        let all = lab.items(&format!("/regions/{region}/quotas"));
        let its = all.iter().filter(|it| it["project_name"] == project);
        its.count()
    });
}

/// Somebody of the directory may use a project of it, and is let in by each cloud itself.
pub(super) fn is_used_by_dora(lab: &Lab, project: &str, clouds: [&Admin; 2]) -> [Admin; 2] {
    let link = format!("org link assignment --user dora --role member --project {project}");
    ask(lab, &link);
    clouds.map(|it| until("she is let in", || it.member(DORA, project)))
}

/// Both are merged; then what is set at the hub for one of them is what its cloud says.
pub(super) fn are_true(lab: &Lab, [north, south]: [&Admin; 2]) {
    lab.merge("north");
    lab.merge("south");
    let (department, name, password) = DORA;
    ask(lab, "org create department research");
    ask(lab, "org create project web --in research");
    ask(lab, "org create user dora --in research");
    let words = ["org", "password", department, name, "--stdin"];
    succeeded(lab.ask_with(&words, password));
    let [here, there] = [north, south].map(|it| until("it is there", || id_in(it, PROJECT)));

    for region in ["north", "south"] {
        quotas_are_told(lab, region, PROJECT);
    }
    ask(
        lab,
        "org quota set north web cores=17 gigabytes=30 network=3",
    );
    lab.until_shown(&[17, 30, 3], || {
        ["cores", "gigabytes", "network"].map(|it| limit_in(north, &here, it))
    });
    assert_ne!(
        limit_in(south, &there, "cores"),
        17,
        "of the other region nobody spoke"
    );
}
