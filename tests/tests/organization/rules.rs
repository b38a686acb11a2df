//! What the rules of joining make of three organizations that collide, whatever the order.

use std::collections::BTreeSet;

use tests::lab::Lab;

use super::told::{Told, says};
use super::{Site, agree};

/// A department, a nested project, a user in a group, roles given and implied, of which one is the
/// department's own; and something written of each.
pub(crate) const NORTH: &str = r#"
d POST /domains {"domain": {"name": "research", "description": "of the north"}}
p POST /projects {"project": {"name": "web", "domain_id": "$d", "description": "seen outside"}}
q POST /projects {"project": {"name": "inner", "domain_id": "$d", "parent_id": "$p"}}
u POST /users {"user": {"name": "ann", "domain_id": "$d", "password": "secret of ann"}}
- PATCH /users/$u {"user": {"email": "ann@example.org", "default_project_id": "$p"}}
a POST /users {"user": {"name": "admin", "domain_id": "$d", "description": ""}}
g POST /groups {"group": {"name": "operators", "domain_id": "$d", "description": "at night"}}
r POST /roles {"role": {"name": "auditor", "description": "looks"}}
s POST /roles {"role": {"name": "local", "domain_id": "$d", "description": "here alone"}}
- PUT /groups/$g/users/$u
- PUT /roles/$r/implies/$reader
- PUT /roles/$s/implies/$member
- PUT /projects/$p/users/$u/roles/$r
- PUT /projects/$q/users/$u/roles/$s
- PUT /domains/$d/groups/$g/roles/$s
- PUT /OS-INHERIT/domains/$d/users/$u/roles/$s/inherited_to_projects
- PUT /OS-INHERIT/projects/$p/groups/$g/roles/$reader/inherited_to_projects
- PUT /OS-INHERIT/domains/$d/groups/$g/roles/$member/inherited_to_projects
"#;

/// The same names of a department and of what is in it, things that are off, and long names of
/// several scripts.
pub(crate) const SOUTH: &str = r#"
d POST /domains {"domain": {"name": "research"}}
p POST /projects {"project": {"name": "web", "domain_id": "$d", "enabled": false}}
a POST /projects {"project": {"name": "admin", "domain_id": "$d"}}
u POST /users {"user": {"name": "ann", "domain_id": "$d"}}
e POST /domains {"domain": {"name": "部门-ß", "enabled": false}}
f POST /users {"user": {"name": "LONG", "domain_id": "$e", "enabled": false}}
r POST /roles {"role": {"name": "auditor", "description": "looks twice"}}
s POST /roles {"role": {"name": "local", "domain_id": "$d"}}
t POST /roles {"role": {"name": "local", "domain_id": "$e"}}
- PUT /projects/$p/users/$u/roles/$r
- PUT /projects/$p/users/$u/roles/$s
- PUT /domains/$d/users/$u/roles/$member
- PUT /domains/$e/users/$f/roles/$t
"#;

/// A department whose name differs by its case only, and its own role of a global one's name.
pub(crate) const WEST: &str = r#"
d POST /domains {"domain": {"name": "Research"}}
g POST /groups {"group": {"name": "operators", "domain_id": "$d"}}
u POST /users {"user": {"name": "björn", "domain_id": "$d"}}
s POST /roles {"role": {"name": "auditor", "domain_id": "$d"}}
- PUT /groups/$g/users/$u
- PUT /domains/$d/groups/$g/roles/$reader
- PUT /OS-INHERIT/domains/$d/groups/$g/roles/$s/inherited_to_projects
"#;

/// The departments of the three sites whose names collide, as they are called afterwards: who came
/// first keeps the name, the others' is made of theirs and their id (DESIGN.md, section 7, rule 3).
fn names(sites: &[Site], order: [usize; 3]) -> [String; 3] {
    let own = ["research", "research", "Research"];
    [0, 1, 2].map(|at| match at == order[0] {
        true => own[at].to_owned(),
        false => format!("{}_{}", own[at], sites[at].keystone.id("d")),
    })
}

/// Waits until each Keystone says what the directory says, which is what the rules say, and not a
/// link more.
pub(crate) fn hold(lab: &Lab, sites: &[Site], order: [usize; 3]) {
    let told = agree(lab, sites, |it| it.departments.len() == 5);
    let names = &names(sites, order);
    let expected = Told {
        departments: departments(names),
        projects: projects(names),
        users: users(names),
        groups: texts(&["{north}/operators", "{west}/operators"], names),
        roles: texts(&ROLES, names),
        links: links(names, order),
        details: details(names, order),
    };
    let (more, less) = (told.beyond(&expected), expected.beyond(&told));
    assert_eq!((more, less), (vec![], vec![]), "{told:#?}");
}

/// Those of a Keystone from its beginning, too.
const ROLES: [&str; 10] = [
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
];

/// Likewise.
const LINKS: [&str; 18] = [
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
    "部门-ß/{long} is 部门-ß/local on 部门-ß false",
    "{west}/björn in {west}/operators",
    "{west}/operators is /reader on {west} false",
    "{west}/operators is {west}/auditor on {west} true",
];

/// With the names that things have now.
fn filled(text: &str, [north, south, west]: &[String; 3]) -> String {
    let text = text.replace("{north}", north).replace("{south}", south);
    text.replace("{west}", west)
        .replace("{long}", &"é".repeat(255))
}

fn texts(all: &[&str], names: &[String; 3]) -> BTreeSet<String> {
    all.iter().map(|it| filled(it, names)).collect()
}

fn switched(all: &[(&str, bool)], names: &[String; 3]) -> BTreeSet<(String, bool)> {
    let all = all.iter();
    all.map(|(it, is_on)| (filled(it, names), *is_on)).collect()
}

fn departments(names: &[String; 3]) -> BTreeSet<(String, bool)> {
    let all = [
        ("federation", true),
        ("{north}", true),
        ("{south}", true),
        ("{west}", true),
        ("部门-ß", false),
    ];
    switched(&all, names)
}

fn projects(names: &[String; 3]) -> BTreeSet<(String, bool)> {
    let all = [
        ("federation/admin", true),
        ("{north}/web", true),
        ("{north}/web/inner", true),
        ("{south}/web", false),
        ("{south}/admin", true),
    ];
    switched(&all, names)
}

fn users(names: &[String; 3]) -> BTreeSet<(String, bool)> {
    let all = [
        ("{north}/ann", true),
        ("{north}/admin", true),
        ("{south}/ann", true),
        ("部门-ß/{long}", false),
        ("{west}/björn", true),
    ];
    switched(&all, names)
}

/// A role that is known already brings no other along because a later region says so.
fn links(names: &[String; 3], order: [usize; 3]) -> BTreeSet<String> {
    let mut all = texts(&LINKS, names);
    if order[0] == 0 {
        all.insert("/auditor implies /reader".to_owned());
    }
    all
}

/// What a Keystone has of a department, project or group of which nobody said anything is empty;
/// of a role and a user it is nothing. Of the role that two regions have, the first one says it.
fn details(names: &[String; 3], order: [usize; 3]) -> BTreeSet<String> {
    let auditor = match order.iter().find(|it| **it != 2) {
        Some(0) => "looks",
        _ => "looks twice",
    };
    let administration = "Cloud administrators of all regions";
    let all = [
        ("department", "federation", administration),
        ("project", "federation/admin", administration),
        ("department", "{north}", "of the north"),
        ("department", "{south}", ""),
        ("department", "{west}", ""),
        ("department", "部门-ß", ""),
        ("project", "{north}/web", "seen outside"),
        ("project", "{north}/web/inner", ""),
        ("project", "{south}/web", ""),
        ("project", "{south}/admin", ""),
        ("user", "{north}/admin", ""),
        ("group", "{north}/operators", "at night"),
        ("group", "{west}/operators", ""),
        ("role", "{north}/local", "here alone"),
        ("role", "/auditor", auditor),
    ];
    let described = all
        .iter()
        .map(|(kind, path, text)| says(kind, &filled(path, names), ("description", text)));
    let ann = filled("{north}/ann", names);
    let home = filled("{north}/web", names);
    let of_ann = [
        says("user", &ann, ("email", "ann@example.org")),
        format!("user {ann} begins in {home}"),
    ];
    described.chain(of_ann).collect()
}
