//! What a region's own Keystone and its operator do to the directory's orders, with real daemons
//! beside simulated Keystones.

#[path = "region/department.rs"]
mod department;
#[path = "region/merged.rs"]
mod merged;
#[path = "region/older.rs"]
mod older;
#[path = "region/poisoned.rs"]
mod poisoned;
#[path = "region/policy.rs"]
mod policy;
#[path = "region/unmarked.rs"]
mod unmarked;

use serde_json::Value;
use shared::model::CloudId;
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, Region, succeeded};

/// The users of this name, with the names of their departments.
fn users(keystone: &SimulatedKeystone, name: &str) -> Vec<(CloudId, String)> {
    let all = keystone.organization();
    let found = all.users.iter().filter(|(_, it)| it.name == name);
    let department = |id: &CloudId| all.departments[id].name.clone();
    let found = found.map(|(id, it)| (id.clone(), department(&it.department)));
    found.collect()
}

fn has(keystone: &SimulatedKeystone, name: &str) -> bool {
    !users(keystone, name).is_empty()
}

/// Joins a region whose operator allows this.
fn join(lab: &Lab, name: &str, keystone: &SimulatedKeystone, policy: &str) -> Region {
    let password = lab.secret(&format!("{name}-secret"), SimulatedKeystone::PASSWORD);
    let settings = keystone.settings(password.to_str().unwrap());
    let cloud = format!("{settings}\n[policy]\n{policy}\n");
    lab.join(name, &cloud, lab.link())
}

/// How far a region is, as the hub was told.
fn progress(lab: &Lab, region: &str) -> Value {
    standing(lab, region)["progress"].clone()
}

fn standing(lab: &Lab, region: &str) -> Value {
    let output = succeeded(lab.ask(&["org", "status", "--output", "json"]));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut all = told["regions"].as_array().unwrap().iter();
    let found = all.find(|it| it["region"] == region);
    found.cloned().unwrap_or_default()
}

/// Whether it has all of the directory that the hub has.
fn is_in_place(lab: &Lab, region: &str) -> bool {
    let told = standing(lab, region);
    let it = &told["progress"];
    told["untold"] == 0 && it["desired"].as_u64() > Some(0) && it["in_place"] == it["desired"]
}
