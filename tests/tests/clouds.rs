//! Real OpenStack clouds in one federation: what the hub shows equals what the clouds' own APIs
//! say, after creates, stops, deletes, a resize and a quota change; quotas that are set at the hub
//! are what the clouds say, and one over both goes by use; the old admin project is left what it
//! uses; what was retired is purged when nothing is in it; what its services sign in as is as it was;
//! and versions may differ.

#[path = "clouds/leftover.rs"]
mod leftover;
#[path = "clouds/purge.rs"]
mod purge;
#[path = "clouds/quota.rs"]
mod quota;
#[path = "clouds/services.rs"]
mod services;
#[path = "clouds/spread.rs"]
mod spread;

use std::collections::BTreeMap;

use serde_json::Value;
use tests::lab::{Lab, Region, succeeded};
use tests::openstack::RealCloud;

/// Name and state of each server, as the cloud's own API says.
fn servers_of(cloud: &RealCloud) -> BTreeMap<String, (String, String)> {
    let listed = cloud.ask("server list --all-projects");
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let state = |status: &str| match status {
        "ACTIVE" => "running".to_owned(),
        "SHUTOFF" => "stopped".to_owned(),
        "ERROR" => "failed".to_owned(),
        other => other.to_owned(),
    };
    let servers = listed.as_array().unwrap().iter();
    servers
        .map(|it| {
            (
                word(&it["ID"]),
                (word(&it["Name"]), state(it["Status"].as_str().unwrap())),
            )
        })
        .collect()
}

/// The same, as the hub says.
fn servers_at(lab: &Lab, region: &str) -> BTreeMap<String, (String, String)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let servers = lab.items(&format!("/regions/{region}/servers"));
    servers
        .iter()
        .map(|it| (word(&it["id"]), (word(&it["name"]), word(&it["state"]))))
        .collect()
}

/// Waits until the hub shows the servers, volumes and networks that the cloud has.
fn equal(lab: &Lab, region: &str, cloud: &RealCloud) {
    lab.until_shown(&servers_of(cloud), || servers_at(lab, region));
    let ids = |listed: &Value| -> Vec<String> {
        let mut ids: Vec<_> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["ID"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    for (words, path) in [
        ("volume list --all-projects", "volumes"),
        ("network list", "networks"),
    ] {
        lab.until_shown(&ids(&cloud.ask(words)), || {
            let items = lab.items(&format!("/regions/{region}/{path}"));
            let mut shown: Vec<_> = items
                .iter()
                .map(|it| it["id"].as_str().unwrap().to_owned())
                .collect();
            shown.sort();
            shown
        });
    }
}

/// What a region's hub says of a resource of the admin project's compute quota.
fn quota_at(lab: &Lab, region: &str, resource: &str) -> Option<u64> {
    let quotas = lab.items(&format!("/regions/{region}/quotas"));
    let quota = quotas
        .iter()
        .find(|it| it["project_name"] == "admin" && it["service"] == "compute")?;
    let resources = quota["resources"].as_array()?.iter();
    resources.clone().find(|it| it["name"] == resource)?["limit"].as_u64()
}

fn furnish(cloud: &RealCloud) {
    cloud.order("flavor create --vcpus 1 --ram 512 --disk 1 small");
    cloud.order("flavor create --vcpus 2 --ram 1024 --disk 1 large");
    cloud.order("image create --public --disk-format raw --file /dev/null cirros");
    for name in ["one", "two", "three"] {
        cloud.order(&format!(
            "server create --flavor small --image cirros --nic none --wait {name}"
        ));
    }
    cloud.order("volume create --size 1 data");
    cloud.order("network create tenant");
}

/// Waits until the hub tells the range of microversions of a region's Nova.
fn tells_its_versions(lab: &Lab, region: &str, nova: &str) {
    lab.until_shown(&true, || {
        let version = lab.show(region)["cloud"]["version"].to_string();
        version.contains("Keystone v3") && version.contains(nova)
    });
}

/// The settings of an agent beside a cloud whose services may forget tokens at once.
fn settings(lab: &Lab, name: &str, cloud: &RealCloud) -> String {
    let own = lab.secret(&format!("{name}-own"), cloud.fact("password"));
    let settings = cloud.settings(own.to_str().unwrap());
    format!("{settings}[policy]\npurge_rest = \"1s\"\n")
}

/// A region beside a real cloud that is adopted, by whom its Keystone knows as an administrator.
fn adopted(lab: &Lab, name: &str, cloud: &RealCloud) -> Region {
    let (region, door) = lab.unjoined(name, &settings(lab, name, cloud));
    let key = region.status()["adoption"]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let adopt = |password: &str| {
        let (door, account) = (door.to_string(), cloud.fact("username"));
        let file = lab.secret("south-given", password);
        let given = [
            "--account",
            account,
            "--password-file",
            file.to_str().unwrap(),
        ];
        let command = ["region", "adopt", name, &door, "--fingerprint", &key];
        lab.ask(&[&command[..], &given[..]].concat())
    };
    let refused = adopt("not the password");
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("refuses account and password"), "{told}");
    succeeded(adopt(cloud.fact("password")));
    region
}

#[test]
fn two_real_clouds_are_shown_as_they_are() {
    let lab = Lab::found();
    let clouds = std::thread::scope(|scope| {
        let up = |name| scope.spawn(move || RealCloud::up(name, &[]));
        [up("federation-a"), up("federation-b")].map(|cloud| cloud.join().unwrap())
    });
    let [north, south] = &clouds;
    let _agent = lab.join("north", &settings(&lab, "north", north), lab.link());
    let mut southern = adopted(&lab, "south", south);
    std::thread::scope(|scope| {
        scope.spawn(|| furnish(north));
        scope.spawn(|| furnish(south));
    });
    for (name, cloud) in [("north", north), ("south", south)] {
        lab.until(name, "healthy");
        equal(&lab, name, cloud);
    }
    assert_eq!(lab.show("north")["totals"]["server_vcpus"], 3);
    tells_its_versions(&lab, "south", "Nova 2.1–2.10");

    north.order("server stop one");
    north.order("server delete --wait two");
    north.order("server resize --flavor large --wait three");
    north.order("server resize confirm three");
    south.order("server stop three");
    equal(&lab, "north", north);
    equal(&lab, "south", south);
    lab.until_shown(&Value::from(3), || {
        lab.show("north")["totals"]["server_vcpus"].clone()
    });
    assert_eq!(lab.show("south")["totals"]["servers_stopped"], 1);

    north.order("quota set --cores 33 admin");
    lab.until_shown(&Some(33), || quota_at(&lab, "north", "cores"));
    let clouds = [&north.admin(), &south.admin()];
    let own = clouds.map(services::told);
    quota::are_true(&lab, clouds);
    spread::goes_by_use(&lab, clouds, &mut southern);
    leftover::of_the_administrator_is_left_what_it_uses(&lab, clouds[0]);
    quota::sums_are_true(&lab, "south", clouds[1]);
    purge::is_on_command_and_when_empty(&lab, clouds);
    assert_eq!(clouds.map(services::told), own);
}

#[test]
fn a_real_cloud_two_years_older_is_shown_as_well() {
    let lab = Lab::found();
    let old = RealCloud::up("federation-old", &["--release", "old"]);
    let _agent = lab.join_openstack("old", &old);
    furnish(&old);
    lab.until("old", "healthy");
    equal(&lab, "old", &old);
    tells_its_versions(&lab, "old", "Nova 2.1–2.96");
}
