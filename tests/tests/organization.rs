//! Organizations of real Keystones, merged by the hub: what was planned happens, and afterwards each
//! Keystone says by its own API what the directory says.

#[path = "organization/accounts.rs"]
mod accounts;
#[path = "organization/client.rs"]
mod client;
#[path = "organization/credential.rs"]
mod credential;
#[path = "organization/directory.rs"]
mod directory;
#[path = "organization/drift.rs"]
mod drift;
#[path = "organization/elsewhere.rs"]
mod elsewhere;
#[path = "organization/faults.rs"]
mod faults;
#[path = "organization/guesses.rs"]
mod guesses;
#[path = "organization/keystone.rs"]
mod keystone;
#[path = "organization/late.rs"]
mod late;
#[path = "organization/plan.rs"]
mod plan;
#[path = "organization/rules.rs"]
mod rules;
#[path = "organization/scripts.rs"]
mod scripts;
#[path = "organization/sign_in.rs"]
mod sign_in;
#[path = "organization/told.rs"]
mod told;
#[path = "organization/trail.rs"]
mod trail;

use std::time::Duration;

use keystone::Keystone;
use late::Late;
use plan::Event;
use scripts::{NORTH, SOUTH, WEST};
use serde_json::{Value, json};
use shared::runtime::clock::Clock;
use tests::lab::{Lab, Region, succeeded, until_so};
use tests::openstack::RealCloud;
use told::Told;

/// An agent reads the organization every 10 s.
const ROUND: Duration = Duration::from_secs(11);

/// A first sync of some fifty things into a Keystone that answers thirty writes a second.
const PATIENCE: Duration = Duration::from_secs(90);

struct Site {
    cloud: RealCloud,
    keystone: Keystone,
    region: Region,
}

/// Three Keystones, furnished, in the order north, south, west; brought up at once.
fn keystones(prefix: &str, order: [usize; 3]) -> [(RealCloud, Keystone); 3] {
    let clouds = std::thread::scope(|scope| {
        let up =
            |name: String| scope.spawn(move || RealCloud::up(&name, &["--services", "keystone"]));
        ["a", "b", "c"]
            .map(|it| up(format!("{prefix}-{it}")))
            .map(|it| it.join().unwrap())
    });
    let mut scripts = [NORTH, SOUTH, WEST].into_iter().enumerate();
    clouds.map(|cloud| {
        let mut keystone = Keystone::new(cloud.admin());
        let (at, script) = scripts.next().unwrap();
        keystone.play(&scripts::filled(script));
        if at != order[0] {
            keystone.play(scripts::BOSSES[at]);
        }
        (cloud, keystone)
    })
}

const NAMES: [&str; 3] = ["north", "south", "west"];

impl Site {
    fn join(lab: &Lab, name: &str, (cloud, keystone): (RealCloud, Keystone)) -> Self {
        let region = lab.join_openstack(name, &cloud);
        Self {
            cloud,
            keystone,
            region,
        }
    }

    /// What its agent wrote there: what its Keystone took by its own log, but for what this test
    /// asked for.
    fn written(&self) -> Vec<String> {
        let mut own = self.keystone.own_writes();
        let mut all = self.cloud.keystone_writes();
        all.retain(|line| match own.iter().position(|it| it == line) {
            Some(at) => {
                own.swap_remove(at);
                false
            }
            None => line
                .rsplit(' ')
                .next()
                .is_some_and(|status| status.starts_with('2')),
        });
        assert_eq!(own, [""; 0], "all that this test asked for is logged");
        all
    }
}

/// Waits until each agent says that all is in its place.
fn is_settled(sites: &[Site]) {
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    loop {
        let told: Vec<Value> = sites
            .iter()
            .map(|it| it.region.status()["organization"].clone())
            .collect();
        let is_done = |it: &Value| {
            let wanted = it["desired"].as_u64();
            wanted > Some(0) && it["in_place"].as_u64() == wanted && it["drift"] == 0
        };
        if told.iter().all(is_done) {
            return;
        }
        assert!(clock.now() < deadline, "{told:#?}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Waits until each Keystone says what the directory says, no less and nothing else, and that is as
/// wanted.
fn agree(lab: &Lab, sites: &[Site], wanted: impl Fn(&Told) -> bool) -> Told {
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    loop {
        let directory = directory::told(lab);
        let keystones = sites.iter().map(|it| it.keystone.told());
        let keystones: Vec<Told> = keystones
            .map(|it| directory::without_retired(lab, it))
            .collect();
        if keystones.iter().all(|it| *it == directory) && wanted(&directory) {
            return directory;
        }
        let differ = || differences(sites, &directory, &keystones);
        assert!(clock.now() < deadline, "{}", differ());
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// What each Keystone has or lacks beside the directory, and what its agent says and logged.
fn differences(sites: &[Site], directory: &Told, keystones: &[Told]) -> String {
    let mut text = format!("{directory:#?}\n");
    for (site, here) in sites.iter().zip(keystones) {
        let name = &site.region.name;
        let (more, less) = (here.beyond(directory), directory.beyond(here));
        let status = &site.region.status()["organization"];
        let log = site.region.daemon.log();
        text += &format!("{name} has {more:?}, lacks {less:?}\n{status:#}\n{log}\n");
    }
    text
}

fn words<'a>(all: impl IntoIterator<Item = &'a (String, bool)>) -> Vec<&'a str> {
    all.into_iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn three_real_keystones_become_one_organization() {
    let mut lab = Lab::found();
    let mut names = NAMES.into_iter();
    let mut sites =
        keystones("org", [0, 1, 2]).map(|it| Site::join(&lab, names.next().unwrap(), it));
    let merged = [0, 1, 2].map(|at| plan::confirmed(&lab, at, &sites[at]));
    rules::put_back_what_is_not_taken(&lab, &sites, [0, 1, 2]);
    rules::hold(&lab, &sites, [0, 1, 2]);
    plan::is_what_happened(&lab, &sites, &merged);
    nothing_is_written_again(&lab, &mut sites);
    accounts::are_good_everywhere(&mut lab, &mut sites);
    drift::is_found_and_cured(&lab, &sites);
    follows_the_hub(&lab, &sites);
    obeys_its_administrators(&lab, &sites);
    client::shows_a_user_her_project(&lab, &sites);
    client::shows_one_of_a_renamed_department(&lab, &sites);
    keeps_what_is_the_regions_own(&lab, &sites);
    trail::tells_all(&lab, &sites);
    trail::has_examples(&lab, &sites);
    guesses::lock_nobody_out(&lab, &mut sites[0]);
    credential::is_replaced_from_the_hub(&lab, &mut sites);
}

/// The one with a department that is off comes first, and the first one last.
#[test]
fn another_order_of_joins_differs_as_is_said_alone_and_is_written_once() {
    one_after_the_other("order", [1, 2, 0]);
}

/// Each region joins after the one before is merged.
fn one_after_the_other(prefix: &str, order: [usize; 3]) {
    let lab = Lab::found();
    let mut keystones = keystones(prefix, order).map(Some);
    let mut sites = [const { None }; 3];
    let mut events = Vec::new();
    let late = Late::new(order);
    for at in order {
        if at == order[2] {
            late.is_made(&lab, sites.iter().flatten());
            events.push(Event::Made(late::NAME));
        }
        let site = Site::join(&lab, NAMES[at], keystones[at].take().unwrap());
        events.push(plan::confirmed(&lab, at, &site));
        sites[at] = Some(site);
    }
    let mut sites = sites.map(Option::unwrap);
    rules::put_back_what_is_not_taken(&lab, &sites, order);
    is_settled(&sites);
    plan::is_what_happened(&lab, &sites, &events);
    late.gets_her_password(&lab, &sites);
    late.is_deleted(&lab, &sites);
    rules::hold(&lab, &sites, order);
    nothing_is_written_again(&lab, &mut sites);
    trail::tells_all(&lab, &sites);
}

/// All regions are merged once more, and all is read and compared once more, by agents that begin
/// anew, one of which has lost what it knew.
fn nothing_is_written_again(lab: &Lab, sites: &mut [Site; 3]) {
    is_settled(sites);
    let writes = |sites: &[Site; 3]| sites.each_ref().map(|it| it.cloud.keystone_writes());
    let (told, written) = (directory::told(lab), writes(sites));
    assert!(written.iter().all(|it| !it.is_empty()), "{written:?}");
    NAMES.iter().for_each(|name| drop(lab.merge(name)));
    sites.iter_mut().for_each(|it| it.region.daemon.kill());
    sites[0].region.forget_replica();
    sites.iter_mut().for_each(|it| it.region.daemon.again());
    is_settled(sites);
    std::thread::sleep(ROUND);
    is_settled(sites);
    let more = |at: usize| writes(sites)[at][written[at].len()..].to_vec();
    for at in [1, 2] {
        assert_eq!(more(at), [""; 0], "{}", NAMES[at]);
    }
    // Which roles take no marker is kept in the replica alone: whoever lost it is told once more.
    let roles = sites[0].keystone.list("/roles", "roles");
    let fixed = roles.iter().filter(|it| it["options"]["immutable"] == true);
    let mut refused: Vec<String> = fixed
        .map(|it| format!("PATCH /v3/roles/{} 403", told::word(it, "id")))
        .collect();
    let mut asked = more(0);
    refused.sort();
    asked.sort();
    assert_eq!(asked, refused, "{}", NAMES[0]);
    assert_eq!(agree(lab, sites, |_| true), told);
}

/// Changes at the hub are changes in each Keystone.
fn follows_the_hub(lab: &Lab, sites: &[Site]) {
    let org = |words: &[&str]| drop(succeeded(lab.ask(&[&["org"], words].concat())));
    org(&["create", "user", "carol", "--in", "research"]);
    org(&["set", "department", "research", "--rename", "science"]);
    org(&["delete", "user", "björn", "--yes"]);
    org(&["retire", "project", "inner", "--yes"]);
    agree(lab, sites, |it| {
        let users = words(&it.users);
        users.contains(&"science/carol") && !users.iter().any(|it| it.ends_with("björn"))
    });
    for site in sites {
        let projects = site.keystone.told().projects;
        assert!(projects.contains(&("science/web/inner".to_owned(), false)));
    }
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
        let is_so = |it: &Site| {
            it.keystone
                .admin
                .is_administered("science", "carol", password)
        };
        until_so(what, || sites.iter().all(|it| is_so(it) == expected));
    };
    until("carol administers every cloud", true);
    client::shows_an_administrator_all(lab, sites, password);
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
    agree(lab, &sites[..2], |it| {
        words(&it.departments).contains(&"late")
    });
    let told = directory::without_retired(lab, west.told());
    let directory = directory::told(lab);
    let own = [
        "department local only has the description \"\"",
        "department local only true",
    ];
    assert_eq!(told.beyond(&directory), own);
    assert_eq!(directory.beyond(&told), [""; 0]);
    let (status, _) = west.ask("DELETE", "/domains/none", &Value::Null);
    assert_eq!(status, 404, "the administrator's token still counts");
}
