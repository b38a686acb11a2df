//! Organizations of real Keystones, merged by the hub: what was planned happens, and afterwards each
//! Keystone says by its own API what the directory says.

#[path = "organization/faults.rs"]
mod faults;
#[path = "organization/keystone.rs"]
mod keystone;
#[path = "organization/sign_in.rs"]
mod sign_in;

use std::time::Duration;

use keystone::{Keystone, Told};
use serde_json::{Value, json};
use shared::runtime::clock::Clock;
use tests::lab::{Lab, Region, succeeded};
use tests::openstack::RealCloud;

/// A first sync of some fifty things into a Keystone that answers thirty writes a second.
const PATIENCE: Duration = Duration::from_secs(90);

/// A department, a nested project, a user in a group, roles given and implied.
const NORTH: &str = r#"
d POST /domains {"domain": {"name": "research", "description": "of the north"}}
p POST /projects {"project": {"name": "web", "domain_id": "$d"}}
q POST /projects {"project": {"name": "inner", "domain_id": "$d", "parent_id": "$p"}}
u POST /users {"user": {"name": "ann", "domain_id": "$d", "password": "secret of ann"}}
g POST /groups {"group": {"name": "operators", "domain_id": "$d"}}
r POST /roles {"role": {"name": "auditor"}}
s POST /roles {"role": {"name": "local", "domain_id": "$d"}}
- PUT /groups/$g/users/$u
- PUT /roles/$r/implies/$reader
- PUT /projects/$p/users/$u/roles/$r
- PUT /OS-INHERIT/domains/$d/groups/$g/roles/$member/inherited_to_projects
"#;

/// The same department's name, things that are off, and long names of several scripts.
const SOUTH: &str = r#"
d POST /domains {"domain": {"name": "research"}}
p POST /projects {"project": {"name": "web", "domain_id": "$d", "enabled": false}}
u POST /users {"user": {"name": "ann", "domain_id": "$d"}}
e POST /domains {"domain": {"name": "部门-ß", "enabled": false}}
f POST /users {"user": {"name": "LONG", "domain_id": "$e", "enabled": false}}
r POST /roles {"role": {"name": "auditor"}}
- PUT /projects/$p/users/$u/roles/$r
- PUT /domains/$d/users/$u/roles/$member
"#;

/// A department whose name differs by its case only.
const WEST: &str = r#"
d POST /domains {"domain": {"name": "Research"}}
g POST /groups {"group": {"name": "operators", "domain_id": "$d"}}
u POST /users {"user": {"name": "björn", "domain_id": "$d"}}
- PUT /groups/$g/users/$u
- PUT /domains/$d/groups/$g/roles/$reader
"#;

struct Site {
    _cloud: RealCloud,
    keystone: Keystone,
    region: Region,
}

fn site(lab: &Lab, name: &str, cloud: RealCloud, script: &str) -> Site {
    let mut keystone = Keystone::new(cloud.fact("auth_url"), cloud.fact("password"));
    keystone.play(&script.replace("LONG", &"é".repeat(255)));
    let region = lab.join_openstack(name, &cloud);
    Site {
        _cloud: cloud,
        keystone,
        region,
    }
}

/// Waits until all Keystones say the same, and it is as wanted.
fn agree(sites: &[Site], wanted: impl Fn(&Told) -> bool) -> Told {
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    loop {
        let told: Vec<Told> = sites.iter().map(|it| it.keystone.told()).collect();
        let (first, rest) = told.split_first().unwrap();
        if rest.iter().all(|it| it == first) && wanted(first) {
            return first.clone();
        }
        assert!(clock.now() < deadline, "{}", differences(sites, &told));
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// What each Keystone has or lacks beside the first one, and what its agent says and logged.
fn differences(sites: &[Site], told: &[Told]) -> String {
    let mut text = format!("{:#?}\n", told[0]);
    for (site, told_here) in sites.iter().zip(told) {
        let name = &site.region.name;
        let (more, less) = (told_here.beyond(&told[0]), told[0].beyond(told_here));
        let status = &site.region.status()["organization"];
        let log = site.region.daemon.log();
        text += &format!("{name} has {more:?}, lacks {less:?}\n{status:#}\n{log}\n");
    }
    text
}

fn organization(sites: &[Site]) -> Told {
    agree(sites, |it| it.departments.len() == 5)
}

fn words<'a>(all: impl IntoIterator<Item = &'a (String, bool)>) -> Vec<&'a str> {
    all.into_iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn three_real_keystones_become_one_organization() {
    let lab = Lab::found();
    let clouds = std::thread::scope(|scope| {
        let up = |name| scope.spawn(move || RealCloud::up(name, &["--services", "keystone"]));
        ["org-a", "org-b", "org-c"]
            .map(up)
            .map(|it| it.join().unwrap())
    });
    let [north, south, west] = clouds;
    let sites = [
        site(&lab, "north", north, NORTH),
        site(&lab, "south", south, SOUTH),
        site(&lab, "west", west, WEST),
    ];
    for name in ["north", "south", "west"] {
        lab.merge(name);
    }
    let told = organization(&sites);
    let south_id = sites[1].keystone.id("d");
    let west_id = sites[2].keystone.id("d");
    let (of_south, of_west) = (
        format!("research_{south_id}"),
        format!("Research_{west_id}"),
    );
    let mut departments = vec!["federation", "research", &of_south, &of_west, "部门-ß"];
    departments.sort_unstable();
    assert_eq!(words(&told.departments), departments);
    let off = |all: &std::collections::BTreeSet<(String, bool)>, name: &str| {
        all.contains(&(name.to_owned(), false))
    };
    assert!(off(&told.departments, "部门-ß"));
    assert!(off(&told.projects, &format!("{of_south}/web")));
    assert!(off(&told.users, &format!("部门-ß/{}", "é".repeat(255))));
    assert!(
        told.projects
            .contains(&("research/web/inner".to_owned(), true))
    );
    for link in [
        "research/ann in research/operators".to_owned(),
        "/auditor implies /reader".to_owned(),
        "research/ann is /auditor on research/web false".to_owned(),
        "research/operators is /member on research true".to_owned(),
        format!("{of_south}/ann is /member on {of_south} false"),
        format!("{of_west}/björn in {of_west}/operators"),
    ] {
        assert!(told.links.contains(&link), "{link}: {:#?}", told.links);
    }
    assert!(told.roles.contains("research/local"));

    follows_the_hub(&lab, &sites);
    obeys_its_administrators(&lab, &sites);
    keeps_what_is_the_regions_own(&lab, &sites);
}

/// Changes at the hub are changes in each Keystone.
fn follows_the_hub(lab: &Lab, sites: &[Site]) {
    let org = |words: &[&str]| drop(succeeded(lab.ask(&[&["org"], words].concat())));
    org(&["create", "user", "carol", "--in", "research"]);
    org(&["set", "department", "research", "--rename", "science"]);
    org(&["delete", "user", "björn", "--yes"]);
    org(&["retire", "project", "inner", "--yes"]);
    agree(sites, |it| {
        let users = words(&it.users);
        users.contains(&"science/carol")
            && !users.iter().any(|it| it.ends_with("björn"))
            && it
                .projects
                .contains(&("science/web/inner".to_owned(), false))
    });
}

/// Whom the directory makes a cloud administrator is one in each Keystone, by the policy that it
/// ships, with one password; and none any more when that is over.
fn obeys_its_administrators(lab: &Lab, sites: &[Site]) {
    let password = "correct horse battery";
    let add = [
        "org",
        "administrator",
        "add",
        "carol",
        "--in",
        "science",
        "--stdin",
    ];
    succeeded(lab.ask_with(&add, password));
    let until = |what: &str, expected: bool| {
        let clock = Clock::system();
        let deadline = clock.now() + PATIENCE;
        let is_so = |it: &Site| it.keystone.is_administered("science", "carol", password);
        while sites.iter().any(|it| is_so(it) != expected) {
            assert!(clock.now() < deadline, "{what}");
            std::thread::sleep(Duration::from_millis(300));
        }
    };
    until("carol administers every cloud", true);
    let remove = ["org", "administrator", "remove", "carol", "--in", "science"];
    assert!(!lab.ask(&remove).status.success(), "the last one");
    succeeded(lab.ask(&[&remove[..], &["--last"]].concat()));
    until("carol administers none any more", false);
}

/// What was changed in a region alone is not written over, and its own administrator still works.
fn keeps_what_is_the_regions_own(lab: &Lab, sites: &[Site]) {
    let west = &sites[2].keystone;
    let domain = json!({"domain": {"name": "local only"}});
    let (status, _) = west.ask("POST", "/domains", &domain);
    assert_eq!(status, 201);
    for (path, what) in [("/users", "users"), ("/projects", "projects")] {
        let own = west.list(&format!("{path}?name=admin&domain_id=default"), what);
        assert_eq!(own.len(), 1, "by whose name the agent signs in: {own:?}");
    }
    succeeded(lab.ask(&["org", "create", "department", "late"]));
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    while !words(&west.told().departments).contains(&"late") {
        assert!(clock.now() < deadline, "{:?}", west.told());
        std::thread::sleep(Duration::from_millis(300));
    }
    let departments = west.told().departments;
    assert!(
        words(&departments).contains(&"local only"),
        "{departments:?}"
    );
    let north = sites[0].keystone.told().departments;
    assert!(!words(&north).contains(&"local only"));
    let (status, _) = west.ask("DELETE", "/domains/none", &Value::Null);
    assert_eq!(status, 404, "the administrator's token still counts");
}
