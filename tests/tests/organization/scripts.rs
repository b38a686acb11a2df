//! What three Keystones have before they are joined, in the lines that [`super::keystone`] plays.
//!
//! `{user}`, `{role}` and so on are the longest names that Keystone takes of their kind.

/// A department, a nested project, a user in a group, roles given and implied, of which one is the
/// department's own; and something written of each. As in the others, `rulers` are administrators of
/// that cloud, none as yet, and `keepers` administer what is theirs.
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
b POST /users {"user": {"name": "boss", "domain_id": "$d"}}
k POST /groups {"group": {"name": "keepers", "domain_id": "$d"}}
- PUT /groups/$k/users/$b
w POST /groups {"group": {"name": "rulers", "domain_id": "$d"}}
- PUT /projects/$p/groups/$w/roles/$admin
- PUT /projects/$q/groups/$k/roles/$manager
"#;

/// The same names of a department and of what is in it, a project within one that is off, and all
/// kinds in a department that is off: there Keystone makes nothing, so that it is switched off last.
pub(crate) const SOUTH: &str = r#"
d POST /domains {"domain": {"name": "research"}}
p POST /projects {"project": {"name": "web", "domain_id": "$d"}}
q POST /projects {"project": {"name": "in", "domain_id": "$d", "parent_id": "$p"}}
- PATCH /projects/$q {"project": {"enabled": false}}
- PATCH /projects/$p {"project": {"enabled": false}}
a POST /projects {"project": {"name": "admin", "domain_id": "$d"}}
u POST /users {"user": {"name": "ann", "domain_id": "$d"}}
e POST /domains {"domain": {"name": "部门-ß"}}
f POST /users {"user": {"name": "{user}", "domain_id": "$e", "enabled": false}}
h POST /groups {"group": {"name": "nobody's", "domain_id": "$e"}}
x POST /projects {"project": {"name": "closed", "domain_id": "$e"}}
y POST /projects {"project": {"name": "within", "domain_id": "$e", "parent_id": "$x"}}
r POST /roles {"role": {"name": "auditor", "description": "looks twice"}}
s POST /roles {"role": {"name": "local", "domain_id": "$d"}}
t POST /roles {"role": {"name": "local", "domain_id": "$e"}}
- PUT /projects/$p/users/$u/roles/$r
- PUT /projects/$p/users/$u/roles/$s
- PUT /projects/$q/users/$u/roles/$member
- PUT /domains/$d/users/$u/roles/$member
- PUT /domains/$e/users/$f/roles/$t
- PUT /groups/$h/users/$f
- PUT /projects/$y/groups/$h/roles/$t
- PATCH /domains/$e {"domain": {"enabled": false}}
l POST /domains {"domain": {"name": "{department}"}}
m POST /groups {"group": {"name": "{group}", "domain_id": "$l"}}
b POST /users {"user": {"name": "boss", "domain_id": "$d"}}
k POST /groups {"group": {"name": "keepers", "domain_id": "$d"}}
- PUT /groups/$k/users/$b
w POST /groups {"group": {"name": "rulers", "domain_id": "$d"}}
- PUT /projects/$a/groups/$w/roles/$admin
- PUT /projects/$a/groups/$k/roles/$manager
"#;

/// A department whose name differs by its case only, and its own role of a global one's name; and
/// the longest names of each kind, in a department whose name another one has too, with projects
/// four deep.
pub(crate) const WEST: &str = r#"
d POST /domains {"domain": {"name": "Research"}}
g POST /groups {"group": {"name": "operators", "domain_id": "$d"}}
u POST /users {"user": {"name": "björn", "domain_id": "$d"}}
s POST /roles {"role": {"name": "auditor", "domain_id": "$d"}}
- PUT /groups/$g/users/$u
- PUT /domains/$d/groups/$g/roles/$reader
- PUT /OS-INHERIT/domains/$d/groups/$g/roles/$s/inherited_to_projects
e POST /domains {"domain": {"name": "{department}"}}
p POST /projects {"project": {"name": "{project}", "domain_id": "$e"}}
q POST /projects {"project": {"name": "two", "domain_id": "$e", "parent_id": "$p"}}
x POST /projects {"project": {"name": "three", "domain_id": "$e", "parent_id": "$q"}}
y POST /projects {"project": {"name": "{project_4}", "domain_id": "$e", "parent_id": "$x"}}
f POST /users {"user": {"name": "{user}", "domain_id": "$e"}}
h POST /groups {"group": {"name": "{group}", "domain_id": "$e"}}
r POST /roles {"role": {"name": "{role}"}}
t POST /roles {"role": {"name": "{role}", "domain_id": "$e"}}
- PUT /groups/$h/users/$f
- PUT /roles/$t/implies/$r
- PUT /projects/$y/users/$f/roles/$r
- PUT /projects/$y/groups/$h/roles/$t
- PUT /OS-INHERIT/projects/$p/groups/$h/roles/$t/inherited_to_projects
- PUT /domains/$e/groups/$h/roles/$r
b POST /users {"user": {"name": "boss", "domain_id": "$d"}}
k POST /groups {"group": {"name": "keepers", "domain_id": "$d"}}
- PUT /groups/$k/users/$b
w POST /groups {"group": {"name": "rulers", "domain_id": "$d"}}
- PUT /domains/$d/groups/$w/roles/$admin
- PUT /OS-INHERIT/domains/$d/groups/$k/roles/$manager/inherited_to_projects
"#;

/// In a cloud that is not the first, `boss` is an administrator too: not in the first one, whose
/// administrators are everybody's, each once he has a password of the hub's (by the sites).
pub(crate) const BOSSES: [&str; 3] = [
    "- PUT /projects/$p/users/$b/roles/$admin",
    "- PUT /projects/$a/users/$b/roles/$admin",
    "- PUT /domains/$d/users/$b/roles/$admin",
];

/// A department's longest name.
pub(crate) fn department() -> String {
    "部".repeat(64)
}

/// With the longest names: of 64 characters, and of users and roles of 255, of as many bytes as
/// some of them have.
pub(crate) fn filled(text: &str) -> String {
    text.replace("{department}", &department())
        .replace("{project}", &"外".repeat(64))
        .replace("{project_4}", &"ñ".repeat(64))
        .replace("{group}", &format!("{}組", "grüppe ".repeat(9)))
        .replace("{user}", &"é".repeat(255))
        .replace("{role}", &format!("{}役", "🦀r".repeat(127)))
}
