//! What the rules of joining make of three organizations that collide, whatever the order.

use super::keystone::Told;
use super::{Site, agree, words};

/// A department, a nested project, a user in a group, roles given and implied.
pub(crate) const NORTH: &str = r#"
d POST /domains {"domain": {"name": "research", "description": "of the north"}}
p POST /projects {"project": {"name": "web", "domain_id": "$d"}}
q POST /projects {"project": {"name": "inner", "domain_id": "$d", "parent_id": "$p"}}
u POST /users {"user": {"name": "ann", "domain_id": "$d", "password": "secret of ann"}}
a POST /users {"user": {"name": "admin", "domain_id": "$d"}}
g POST /groups {"group": {"name": "operators", "domain_id": "$d"}}
r POST /roles {"role": {"name": "auditor"}}
s POST /roles {"role": {"name": "local", "domain_id": "$d"}}
- PUT /groups/$g/users/$u
- PUT /roles/$r/implies/$reader
- PUT /projects/$p/users/$u/roles/$r
- PUT /OS-INHERIT/domains/$d/groups/$g/roles/$member/inherited_to_projects
"#;

/// The same department's name, things that are off, and long names of several scripts.
pub(crate) const SOUTH: &str = r#"
d POST /domains {"domain": {"name": "research"}}
p POST /projects {"project": {"name": "web", "domain_id": "$d", "enabled": false}}
a POST /projects {"project": {"name": "admin", "domain_id": "$d"}}
u POST /users {"user": {"name": "ann", "domain_id": "$d"}}
e POST /domains {"domain": {"name": "部门-ß", "enabled": false}}
f POST /users {"user": {"name": "LONG", "domain_id": "$e", "enabled": false}}
r POST /roles {"role": {"name": "auditor"}}
- PUT /projects/$p/users/$u/roles/$r
- PUT /domains/$d/users/$u/roles/$member
"#;

/// A department whose name differs by its case only.
pub(crate) const WEST: &str = r#"
d POST /domains {"domain": {"name": "Research"}}
g POST /groups {"group": {"name": "operators", "domain_id": "$d"}}
u POST /users {"user": {"name": "björn", "domain_id": "$d"}}
- PUT /groups/$g/users/$u
- PUT /domains/$d/groups/$g/roles/$reader
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

/// Waits until all Keystones say the same, which is what the rules say.
pub(crate) fn hold(sites: &[Site], order: [usize; 3]) {
    let told = agree(sites, |it| it.departments.len() == 5);
    let [north, south, west] = &names(sites, order);
    let mut departments = vec!["federation", north, south, west, "部门-ß"];
    departments.sort_unstable();
    assert_eq!(words(&told.departments), departments);
    places(&told, north, south);
    let links = [
        format!("{north}/ann in {north}/operators"),
        format!("{north}/ann is /auditor on {north}/web false"),
        format!("{north}/operators is /member on {north} true"),
        format!("{south}/ann is /auditor on {south}/web false"),
        format!("{south}/ann is /member on {south} false"),
        format!("{west}/björn in {west}/operators"),
        format!("{west}/operators is /reader on {west} false"),
    ];
    for link in links {
        assert!(told.links.contains(&link), "{link}: {:#?}", told.links);
    }
    // A role that is known already brings no other along because a later region says so.
    let is_implied = told.links.contains("/auditor implies /reader");
    assert_eq!(is_implied, order[0] == 0, "{:#?}", told.links);
    let roles: Vec<&str> = told.roles.iter().map(String::as_str).collect();
    assert!(
        roles.contains(&format!("{north}/local").as_str()),
        "{roles:?}"
    );
    let auditors = roles.iter().filter(|it| it.ends_with("/auditor"));
    assert_eq!(auditors.count(), 1, "a role is one by its name: {roles:?}");
}

fn places(told: &Told, north: &str, south: &str) {
    let long = "é".repeat(255);
    assert!(told.departments.contains(&("部门-ß".to_owned(), false)));
    for (place, is_on) in [
        (format!("{north}/web"), true),
        (format!("{north}/web/inner"), true),
        (format!("{south}/web"), false),
        (format!("{south}/admin"), true),
    ] {
        let expected = (place, is_on);
        assert!(
            told.projects.contains(&expected),
            "{expected:?}: {:#?}",
            told.projects
        );
    }
    for (user, is_on) in [
        (format!("{north}/ann"), true),
        (format!("{north}/admin"), true),
        (format!("{south}/ann"), true),
        (format!("部门-ß/{long}"), false),
    ] {
        let expected = (user, is_on);
        assert!(
            told.users.contains(&expected),
            "{expected:?}: {:#?}",
            told.users
        );
    }
}
