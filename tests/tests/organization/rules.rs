//! What the rules of joining make of three organizations that collide, whatever the order.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use shared::runtime::clock::Clock;
use tests::lab::{Lab, succeeded};

use super::told::{Told, says};
use super::{NAMES, PATIENCE, Site, agree, directory, scripts};

/// Which of two sites came first.
fn first_of(two: [usize; 2], order: [usize; 3]) -> usize {
    let mut order = order.into_iter();
    order.find(|it| two.contains(it)).unwrap()
}

/// The departments of the three sites whose names collide, as they are called afterwards.
struct Names([(&'static str, String); 5]);

impl Names {
    /// Who came first keeps the name, the others' is made of theirs and their id, of 64 characters
    /// at most (DESIGN.md, section 7, rule 3).
    fn new(sites: &[Site], order: [usize; 3]) -> Self {
        let renamed = |at: usize, name: &str, id: &str| {
            let id = sites[at].keystone.id(id);
            let kept: String = name.chars().take(64 - 1 - id.len()).collect();
            format!("{kept}_{id}")
        };
        let own = |at: usize, name: &str| match order[0] == at {
            true => name.to_owned(),
            false => renamed(at, name, "d"),
        };
        let long = scripts::department();
        let (near, far) = match first_of([1, 2], order) {
            1 => (long.clone(), renamed(2, &long, "e")),
            _ => (renamed(1, &long, "l"), long.clone()),
        };
        Self([
            ("{north}", own(0, "research")),
            ("{south}", own(1, "research")),
            ("{west}", own(2, "Research")),
            ("{near}", near),
            ("{far}", far),
        ])
    }

    /// A text with the names that things have now.
    fn filled(&self, text: &str) -> String {
        let text = scripts::filled(text);
        let all = self.0.iter();
        all.fold(text, |text, (mark, name)| text.replace(mark, name))
    }
}

/// Waits until each Keystone says what the directory says, which is what the rules say, and not a
/// link more.
pub(crate) fn hold(lab: &Lab, sites: &[Site], order: [usize; 3]) {
    let told = agree(lab, sites, |it| it.departments.len() == DEPARTMENTS.len());
    let names = &Names::new(sites, order);
    let expected = Told {
        departments: switched(&DEPARTMENTS, names),
        projects: switched(&PROJECTS, names),
        users: switched(&USERS, names),
        groups: texts(&GROUPS, names),
        roles: texts(&ROLES, names),
        links: links(names, order),
        details: details(names, order),
    };
    let (more, less) = (told.beyond(&expected), expected.beyond(&told));
    assert_eq!((more, less), (vec![], vec![]), "{told:#?}");
}

const DEPARTMENTS: [(&str, bool); 7] = [
    ("federation", true),
    ("{north}", true),
    ("{south}", true),
    ("{west}", true),
    ("{near}", true),
    ("{far}", true),
    ("部门-ß", false),
];

const PROJECTS: [(&str, bool); 12] = [
    ("federation/admin", true),
    ("{north}/web", true),
    ("{north}/web/inner", true),
    ("{south}/web", false),
    ("{south}/web/in", false),
    ("{south}/admin", true),
    ("部门-ß/closed", true),
    ("部门-ß/closed/within", true),
    ("{far}/{project}", true),
    ("{far}/{project}/two", true),
    ("{far}/{project}/two/three", true),
    ("{far}/{project}/two/three/{project_4}", true),
];

const USERS: [(&str, bool); 9] = [
    ("{north}/ann", true),
    ("{north}/admin", true),
    ("{south}/ann", true),
    ("部门-ß/{user}", false),
    ("{west}/björn", true),
    ("{far}/{user}", true),
    ("{north}/boss", true),
    ("{south}/boss", true),
    ("{west}/boss", true),
];

const GROUPS: [&str; 11] = [
    "{north}/operators",
    "{west}/operators",
    "部门-ß/nobody's",
    "{near}/{group}",
    "{far}/{group}",
    "{north}/keepers",
    "{south}/keepers",
    "{west}/keepers",
    "{north}/rulers",
    "{south}/rulers",
    "{west}/rulers",
];

/// Those of a Keystone from its beginning, too.
const ROLES: [&str; 12] = [
    "/admin",
    "/manager",
    "/member",
    "/reader",
    "/service",
    "/auditor",
    "{north}/local",
    "{south}/local",
    "部门-ß/local",
    "{west}/auditor",
    "/{role}",
    "{far}/{role}",
];

/// Likewise.
const LINKS: [&str; 33] = [
    "/admin implies /manager",
    "/manager implies /member",
    "/member implies /reader",
    "{north}/local implies /member",
    "{north}/ann in {north}/operators",
    "{north}/ann is /auditor on {north}/web false",
    "{north}/ann is {north}/local on {north}/web/inner false",
    "{north}/ann is {north}/local on {north} true",
    "{north}/operators is {north}/local on {north} false",
    "{north}/operators is /reader on {north}/web true",
    "{north}/operators is /member on {north} true",
    "{south}/ann is /auditor on {south}/web false",
    "{south}/ann is {south}/local on {south}/web false",
    "{south}/ann is /member on {south} false",
    "{south}/ann is /member on {south}/web/in false",
    "部门-ß/{user} is 部门-ß/local on 部门-ß false",
    "部门-ß/{user} in 部门-ß/nobody's",
    "部门-ß/nobody's is 部门-ß/local on 部门-ß/closed/within false",
    "{west}/björn in {west}/operators",
    "{west}/operators is /reader on {west} false",
    "{west}/operators is {west}/auditor on {west} true",
    "{far}/{user} in {far}/{group}",
    "{far}/{role} implies /{role}",
    "{far}/{user} is /{role} on {far}/{project}/two/three/{project_4} false",
    "{far}/{group} is {far}/{role} on {far}/{project}/two/three/{project_4} false",
    "{far}/{group} is {far}/{role} on {far}/{project} true",
    "{far}/{group} is /{role} on {far} false",
    "{north}/boss in {north}/keepers",
    "{south}/boss in {south}/keepers",
    "{west}/boss in {west}/keepers",
    "{north}/keepers is /manager on {north}/web/inner false",
    "{south}/keepers is /manager on {south}/admin false",
    "{west}/keepers is /manager on {west} true",
];

fn texts(all: &[&str], names: &Names) -> BTreeSet<String> {
    all.iter().map(|it| names.filled(it)).collect()
}

fn switched(all: &[(&str, bool)], names: &Names) -> BTreeSet<(String, bool)> {
    let all = all.iter();
    all.map(|(it, is_on)| (names.filled(it), *is_on)).collect()
}

/// What is the first region's alone: whoever administered its cloud does so everywhere, and those of
/// later ones do not (by the sites).
const RULERS: [&str; 3] = [
    "{north}/rulers is /admin on {north}/web false",
    "{south}/rulers is /admin on {south}/admin false",
    "{west}/rulers is /admin on {west} false",
];

/// A role that is known already brings no other along because a later region says so.
const LATE: &str = "/auditor implies /reader";

fn links(names: &Names, order: [usize; 3]) -> BTreeSet<String> {
    let mut all = texts(&LINKS, names);
    all.insert(names.filled(RULERS[order[0]]));
    if first_of([0, 1], order) == 0 {
        all.insert(LATE.to_owned());
    }
    all
}

/// What regions have that is not taken in, the name of each and what the link is.
fn not_taken(names: &Names, order: [usize; 3]) -> BTreeSet<(&'static str, String)> {
    let mut all = BTreeSet::new();
    for at in &order[1..] {
        let rulers = names.filled(RULERS[*at]);
        all.insert((NAMES[*at], rulers.replace("/rulers is", "/boss is")));
        all.insert((NAMES[*at], rulers));
    }
    if first_of([0, 1], order) == 1 {
        all.insert((NAMES[0], LATE.to_owned()));
    }
    all
}

/// Waits until the regions that came later tell just what was not taken in from them, which is left
/// alone and shown until somebody decides; and takes it away there.
pub(crate) fn put_back_what_is_not_taken(lab: &Lab, sites: &[Site], order: [usize; 3]) {
    let names = &Names::new(sites, order);
    let expected = not_taken(names, order);
    let mut told = Vec::new();
    let mut beyond = BTreeSet::new();
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    while told.len() != expected.len() || beyond != expected {
        assert!(clock.now() < deadline, "{beyond:#?}, {told:#?}");
        std::thread::sleep(Duration::from_millis(500));
        told = lab.items("/directory/drift");
        let directory = directory::told(lab).links;
        let here = sites.iter().zip(NAMES).flat_map(|(site, name)| {
            let links = site.keystone.told().links;
            links.into_iter().map(move |it| (name, it))
        });
        beyond = here.filter(|(_, it)| !directory.contains(it)).collect();
    }
    for name in NAMES {
        let told = told.iter().filter(|it| it["region"] == name);
        let whats: Vec<&Value> = told.map(|it| &it["differences"][0]["what"]).collect();
        let count = expected.iter().filter(|it| it.0 == name).count();
        assert_eq!(whats, vec!["link-given"; count], "{name}");
        if count > 0 {
            succeeded(lab.ask(&["org", "drift", "put-back", name, "--all", "--yes"]));
        }
    }
}

/// Of which nobody wrote anything.
const EMPTY_DEPARTMENTS: [&str; 5] = ["{south}", "{west}", "{near}", "{far}", "部门-ß"];

/// Likewise.
const EMPTY_PROJECTS: [&str; 10] = [
    "{north}/web/inner",
    "{south}/web",
    "{south}/web/in",
    "{south}/admin",
    "部门-ß/closed",
    "部门-ß/closed/within",
    "{far}/{project}",
    "{far}/{project}/two",
    "{far}/{project}/two/three",
    "{far}/{project}/two/three/{project_4}",
];

/// What a Keystone has of a department, project or group of which nobody said anything is empty;
/// of a role and a user it is nothing. Of the role that two regions have, the first one says it.
fn details(names: &Names, order: [usize; 3]) -> BTreeSet<String> {
    let auditor = match first_of([0, 1], order) {
        0 => "looks",
        _ => "looks twice",
    };
    let administration = "Cloud administrators of all regions";
    let empty = [
        ("department", &EMPTY_DEPARTMENTS[..]),
        ("project", &EMPTY_PROJECTS),
        ("group", &GROUPS[1..]),
        ("user", &["{north}/admin"]),
    ];
    let empty = empty
        .iter()
        .flat_map(|(kind, all)| all.iter().map(|it| (*kind, *it, "")));
    let all = [
        ("department", "federation", administration),
        ("project", "federation/admin", administration),
        ("department", "{north}", "of the north"),
        ("project", "{north}/web", "seen outside"),
        ("group", "{north}/operators", "at night"),
        ("role", "{north}/local", "here alone"),
        ("role", "/auditor", auditor),
    ];
    let all = all.into_iter().chain(empty);
    let described =
        all.map(|(kind, path, text)| says(kind, &names.filled(path), ("description", text)));
    let ann = names.filled("{north}/ann");
    let home = names.filled("{north}/web");
    let of_ann = [
        says("user", &ann, ("email", "ann@example.org")),
        format!("user {ann} begins in {home}"),
    ];
    described.chain(of_ann).collect()
}
