//! `merge`: the plan for a large region's organization that joins a directory of the same size.
//!
//! Every department's name is taken, which is the dearest case: each gets another one. The plan is
//! made once, by a process of its own, so that its memory is told apart from the input's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use idp_hub::directory::{Arrival, Directory, Plan, Stamp, plan};
use serde::{Deserialize, Serialize};
use shared::ids::{FederationId, RegionId};
use shared::model::{
    Actor, Assignment, CloudId, Department, Organization, Project, Role, Scope, UnixMillis, User,
};

use super::process::rss_bytes;

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
    /// Directory and organization, before it.
    pub input_mib: f64,
}

/// Makes the plan, prints what it took.
pub fn measure() {
    let before = rss_mib();
    let mut directory = Directory::new(FederationId::from_random(1));
    let stamp = Stamp {
        author: "bench".to_owned(),
        at: UnixMillis(1),
        epoch: 1,
    };
    let home = planned(&directory, 1, &organization(1));
    directory.merge(&home, &stamp);
    drop(home);
    let arriving = organization(2);
    let input_mib = rss_mib() - before;
    let begun = Instant::now();
    let made = planned(&directory, 2, &arriving);
    let plan_ms = begun.elapsed().as_secs_f64() * 1e3;
    let plan_mib = rss_mib() - before - input_mib;
    let renamed = made.renames().count() as u64;
    assert_eq!(renamed, DEPARTMENTS, "every department gives way");
    let planned = Planned {
        plan_ms,
        plan_mib,
        input_mib,
    };
    println!("{}", serde_json::to_string(&planned).unwrap());
}

fn rss_mib() -> f64 {
    rss_bytes(std::process::id()) as f64 / f64::from(1 << 20)
}

fn planned(directory: &Directory, region: u64, organization: &Organization<CloudId>) -> Plan {
    let arrival = Arrival {
        region: RegionId::from_random(region.into()),
        organization,
        map: &BTreeMap::new(),
        withheld: &BTreeSet::new(),
        markers: &BTreeMap::new(),
        earlier: &BTreeMap::new(),
        reserved: &BTreeSet::new(),
        is_first: true,
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
    let member = id();
    let role = Role {
        department: None,
        name: "member".to_owned(),
        description: None,
    };
    organization.roles.insert(member.clone(), role);
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
            organization.assignments.insert(Assignment {
                actor: Actor::User(user),
                scope: Scope::Project(project.clone()),
                role: member.clone(),
                inherited: false,
            });
        }
    }
    organization
}
