//! `merge`: the plan for a large region's organization that joins a directory of the same size, and
//! the plan for the same region once more, which is known by its map and its markers.
//!
//! Every department's name is taken, which is the dearest case: each gets another one; and in each
//! department somebody is an administrator, which a region that is not the first brings along for
//! nobody. Both plans are made once, by a process of their own, so that their memory is told apart
//! from the input's: what a plan holds, and the most that was held while it was made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use idp_hub::directory::{Arrival, Directory, Plan, Stamp, plan};
use serde::{Deserialize, Serialize};
use shared::ids::{FederationId, ObjectId, RegionId};
use shared::model::{
    Actor, Assignment, CloudId, Department, Marker, ObjectKind, Organization, Project, Role, Scope,
    UnixMillis, User,
};

use super::process::{forget_peak, peak_rss_bytes, rss_bytes};

/// Departments of the region, and of the directory before it; each has a project.
const DEPARTMENTS: u64 = 10_000;

/// Users of each department, who each have a role in its project.
const USERS: u64 = 10;

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Planned {
    /// Making the plan.
    pub plan_ms: f64,
    /// What the plan holds.
    pub plan_mib: f64,
    /// The most that was held while it was made, beside its input.
    pub peak_mib: f64,
    /// Directory and organization, before it.
    pub input_mib: f64,
    /// Making the plan for the same region, once it is merged.
    pub again_ms: f64,
    /// The most that was held while that was made, beside its input.
    pub again_peak_mib: f64,
}

/// What is known of a region before its plan is made.
#[derive(Default)]
struct Before {
    is_first: bool,
    map: BTreeMap<(ObjectKind, CloudId), ObjectId>,
    markers: BTreeMap<(ObjectKind, CloudId), Marker>,
}

/// Makes the plans, prints what they took.
pub fn measure() {
    let began = mib(rss_bytes);
    let federation = FederationId::from_random(1);
    let mut directory = Directory::new(federation);
    let stamp = Stamp {
        author: "bench".to_owned(),
        at: UnixMillis(1),
        epoch: 1,
    };
    let first = Before {
        is_first: true,
        ..Before::default()
    };
    let home = planned(&directory, 1, &organization(1), &first);
    directory.merge(&home, &stamp);
    drop(home);
    let arriving = organization(2);

    let input_mib = mib(rss_bytes) - began;
    let (made, plan_ms, peak_mib) =
        measured(|| planned(&directory, 2, &arriving, &Before::default()));
    let plan_mib = mib(rss_bytes) - began - input_mib;
    let renamed = made.renames().count() as u64;
    assert_eq!(renamed, DEPARTMENTS, "every department gives way");
    let withheld = made.links.withheld.len() as u64;
    assert_eq!(withheld, DEPARTMENTS, "nobody is an administrator by it");

    directory.merge(&made, &stamp);
    let mut known = Before::default();
    for (kind, here, object) in made.identities() {
        let key = (kind, here.clone());
        known
            .markers
            .insert(key.clone(), Marker { federation, object });
        known.map.insert(key, object);
    }
    drop(made);
    let (again, again_ms, again_peak_mib) = measured(|| planned(&directory, 2, &arriving, &known));
    assert_eq!(again.adopted().count(), 0, "all of it is known");
    let planned = Planned {
        plan_ms,
        plan_mib,
        peak_mib,
        input_mib,
        again_ms,
        again_peak_mib,
    };
    println!("{}", serde_json::to_string(&planned).unwrap());
}

/// A plan, how long it took in milliseconds, and how much more was held at most meanwhile.
fn measured(plan: impl FnOnce() -> Plan) -> (Plan, f64, f64) {
    forget_peak();
    let (before, begun) = (mib(rss_bytes), Instant::now());
    let made = plan();
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    (made, ms, mib(peak_rss_bytes) - before)
}

fn mib(bytes: fn(u32) -> u64) -> f64 {
    bytes(std::process::id()) as f64 / f64::from(1 << 20)
}

fn planned(
    directory: &Directory,
    region: u64,
    organization: &Organization<CloudId>,
    before: &Before,
) -> Plan {
    let arrival = Arrival {
        region: RegionId::from_random(region.into()),
        organization,
        map: &before.map,
        former: &BTreeMap::new(),
        withheld: &BTreeSet::new(),
        markers: &before.markers,
        earlier: &BTreeMap::new(),
        own: &BTreeSet::new(),
        reserved: &BTreeSet::new(),
        is_first: before.is_first,
        admin_project: "admin",
    };
    plan(directory, &arrival)
}

/// An organization whose names are the same in each region, and whose ids are not.
fn organization(region: u64) -> Organization<CloudId> {
    let mut organization = Organization::default();
    let mut last = region << 32;
    let mut id = || {
        last += 1;
        CloudId::new(&format!("{last:032x}"))
    };
    let [member, admin] = ["member", "admin"].map(|name| {
        let role = Role {
            department: None,
            name: name.to_owned(),
            description: None,
        };
        let id = id();
        organization.roles.insert(id.clone(), role);
        id
    });
    for number in 0..DEPARTMENTS {
        let (department, project) = (id(), id());
        let value = Department {
            name: format!("department {number}"),
            description: Some("what its administrator wrote".to_owned()),
            enabled: true,
        };
        organization.departments.insert(department.clone(), value);
        let value = Project {
            department: department.clone(),
            parent: None,
            name: format!("project of {number}"),
            description: None,
            enabled: true,
        };
        organization.projects.insert(project.clone(), value);
        for place in 0..USERS {
            let user = id();
            let value = User {
                department: department.clone(),
                name: format!("user {place} of {number}"),
                description: None,
                email: Some(format!("user{place}@department{number}.example")),
                enabled: true,
                default_project: Some(project.clone()),
            };
            organization.users.insert(user.clone(), value);
            let role = if place == 0 { &admin } else { &member };
            organization.assignments.insert(Assignment {
                actor: Actor::User(user),
                scope: Scope::Project(project.clone()),
                role: role.clone(),
                inherited: false,
            });
        }
    }
    organization
}
