//! `propagate`: one change at the hub, until it is in the answers of twenty Keystones, of which
//! three are real.
//!
//! Each change is another description of one user, given by the command line; the time is from its
//! start until the last Keystone shows it. All daemons and Keystones share the machine's cores.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::Options;
use crate::bench::figures::Figure;
use crate::bench::orgsync::Administrator;
use crate::keystone::{Options as Simulated, SimulatedKeystone};
use crate::lab::{Lab, Region, succeeded};
use crate::openstack::RealCloud;

/// Real Keystones.
const REAL: usize = 3;

/// Keystones in all.
const KEYSTONES: usize = 20;

/// Changes in each round: the second worst of a hundred is the 99th percentile.
const CHANGES: usize = 100;

/// Between two changes, so that each is on its own.
const PAUSE: Duration = Duration::from_millis(300);

/// A change that takes longer is lost.
const CHANGE_MAX: Duration = Duration::from_secs(30);

/// How often a real Keystone is asked meanwhile: more would take the processor from the change.
const LOOK: Duration = Duration::from_millis(20);

/// One of the Keystones, and what it calls the user.
enum Site {
    Real {
        _cloud: RealCloud,
        administrator: Administrator,
        id: String,
    },
    Simulated(SimulatedKeystone, String),
}

pub(super) fn propagate(options: &Options) -> Vec<Figure> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = Lab::found();
    let (mut sites, mut regions) = (Vec::new(), Vec::new());
    for number in 0..KEYSTONES {
        let (site, region) = join(&runtime, &lab, number);
        sites.push(site);
        regions.push(region);
    }
    for (site, region) in sites.iter_mut().zip(&regions) {
        find(&runtime, site, region);
    }
    let mut took = Vec::new();
    for number in 0..options.rounds * CHANGES {
        std::thread::sleep(PAUSE);
        took.push(change(&runtime, &lab, &sites, number));
    }
    drop(regions);
    took.sort_unstable();
    let at = |permille: usize| {
        let place = (took.len() * permille).div_ceil(1000).max(1) - 1;
        took[place].as_secs_f64() * 1000.0
    };
    eprintln!(
        "  {} changes: median {:.0} ms, p90 {:.0}, p99 {:.0}, longest {:.0}",
        took.len(),
        at(500),
        at(900),
        at(990),
        at(1000)
    );
    let meaning = "shown by each Keystone";
    vec![
        Figure::new(
            ("propagate", "p99_ms", "ms"),
            at(990),
            "goal",
            1000.0,
            meaning,
        ),
        Figure::new(
            ("propagate", "median_ms", "ms"),
            at(500),
            "goal",
            1000.0,
            meaning,
        ),
    ]
}

fn join(runtime: &tokio::runtime::Runtime, lab: &Lab, number: usize) -> (Site, Region) {
    let name = format!("r{number}");
    if (1..=REAL).contains(&number) {
        let cloud = RealCloud::up(&format!("bench-{number}"), &["--services", "keystone"]);
        let region = lab.join_openstack(&name, &cloud);
        lab.merge(&name);
        let (auth_url, password) = (cloud.fact("auth_url"), cloud.fact("password"));
        let administrator = runtime.block_on(Administrator::sign_in(auth_url, password));
        let site = Site::Real {
            administrator,
            _cloud: cloud,
            id: String::new(),
        };
        return (site, region);
    }
    let options = Simulated {
        seed: number as u64,
        ..Simulated::default()
    };
    let keystone = runtime.block_on(SimulatedKeystone::start(options));
    if number == 0 {
        let (_, made) = keystone.ask(
            "POST",
            "/domains",
            &serde_json::json!({"domain": {"name": "research"}}),
        );
        let domain = made["domain"]["id"].as_str().unwrap();
        let user = serde_json::json!({"user": {"name": "ann", "domain_id": domain}});
        assert_eq!(keystone.ask("POST", "/users", &user).0, 201);
    }
    let region = lab.join_keystone(&name, &keystone);
    lab.merge(&name);
    (Site::Simulated(keystone, String::new()), region)
}

/// Waits until the user is there, and notes what he is called.
fn find(runtime: &tokio::runtime::Runtime, site: &mut Site, region: &Region) {
    let begun = Lab::now();
    loop {
        let found = match site {
            Site::Real { administrator, .. } => {
                let users = administrator.ask(Method::GET, "/users?name=ann", None);
                let users = runtime.block_on(users);
                users["users"][0]["id"].as_str().map(str::to_owned)
            }
            Site::Simulated(keystone, _) => {
                let users = keystone.organization().users;
                let ann = users.iter().find(|(_, it)| it.name == "ann");
                ann.map(|(id, _)| id.to_string())
            }
        };
        if let Some(found) = found {
            match site {
                Site::Real { id, .. } | Site::Simulated(_, id) => *id = found,
            }
            return;
        }
        assert!(
            begun.elapsed() < CHANGE_MAX,
            "the user never comes: {:#}\n{}",
            region.status()["organization"],
            region.daemon.log()
        );
        std::thread::sleep(LOOK);
    }
}

fn change(runtime: &tokio::runtime::Runtime, lab: &Lab, sites: &[Site], number: usize) -> Duration {
    let wanted = format!("change {number}");
    let begun = Lab::now();
    let words = ["org", "set", "user", "ann", "--description", &wanted];
    succeeded(lab.ask(&words));
    let mut left: Vec<&Site> = sites.iter().collect();
    let mut asked = begun;
    while !left.is_empty() {
        let ask_real = asked.elapsed() >= LOOK;
        if ask_real {
            asked = Lab::now();
        }
        left.retain(|site| !shows(runtime, site, &wanted, ask_real));
        assert!(
            begun.elapsed() < CHANGE_MAX,
            "{} Keystones never show it",
            left.len()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    begun.elapsed()
}

fn shows(runtime: &tokio::runtime::Runtime, site: &Site, wanted: &str, ask_real: bool) -> bool {
    match site {
        Site::Simulated(keystone, id) => {
            let (_, user) = keystone.ask("GET", &format!("/users/{id}"), &Value::Null);
            user["user"]["description"] == wanted
        }
        Site::Real {
            administrator, id, ..
        } if ask_real => {
            let path = format!("/users/{id}");
            let user = runtime.block_on(administrator.ask(Method::GET, &path, None));
            user["user"]["description"] == wanted
        }
        Site::Real { .. } => false,
    }
}
