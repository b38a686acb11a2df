//! The hub's directory by its own API, in the words in which a Keystone tells what it has.

use serde_json::{Value, json};
use tests::lab::Lab;

use super::told::{Assigned, Lists, Told, word};

/// All that every region is to have, and nothing else.
pub(crate) fn told(lab: &Lab) -> Told {
    let objects = |kind: &str| -> Vec<Value> {
        let all = lab.items(&format!("/directory/{kind}"));
        all.iter().map(in_keystones_words).collect()
    };
    let links = |kind: &str| lab.items(&format!("/directory/{kind}"));
    let id = |it: &Value, field: &str| word(&it[field], "id");
    let pairs = |kind: &str, [one, other]: [&str; 2]| -> Vec<[String; 2]> {
        let all = links(kind);
        all.iter().map(|it| [id(it, one), id(it, other)]).collect()
    };
    let either = |it: &Value, fields: [&str; 2]| {
        let given: Vec<String> = fields.map(|field| id(it, field)).into();
        given.concat()
    };
    let assigned = |it: &Value| Assigned {
        actor: either(it, ["user", "group"]),
        role: id(it, "role"),
        place: either(it, ["department", "project"]),
        inherited: it["inherited"].as_bool().unwrap(),
    };
    Told::of(&Lists {
        departments: objects("departments"),
        projects: objects("projects"),
        users: objects("users"),
        groups: objects("groups"),
        roles: objects("roles"),
        memberships: pairs("memberships", ["group", "user"]),
        implications: pairs("implications", ["role", "implied"]),
        assignments: links("assignments").iter().map(assigned).collect(),
    })
}

fn in_keystones_words(it: &Value) -> Value {
    let mut it = it.clone();
    for (ours, keystones) in [
        ("department", "domain_id"),
        ("parent", "parent_id"),
        ("default_project", "default_project_id"),
    ] {
        it[keystones] = json!(it[ours]["id"].as_str());
    }
    it
}

/// What a Keystone told, without the projects that were retired: they stay in the regions as they
/// were, switched off, and the directory has them no more.
pub(crate) fn without_retired(lab: &Lab, mut keystones: Told) -> Told {
    let mut retired = lab.items("/directory/retired");
    retired.retain(|it| it["kind"] == "project");
    for it in retired {
        let (within, name) = (word(&it["department"], "name"), word(&it, "name"));
        let is_it = |path: &str| {
            path.starts_with(&format!("{within}/")) && path.ends_with(&format!("/{name}"))
        };
        let mut off = keystones.projects.iter().filter(|(_, is_on)| !is_on);
        let Some((path, _)) = off.find(|(path, _)| is_it(path)).cloned() else {
            continue;
        };
        keystones.projects.remove(&(path.clone(), false));
        let (of_it, on_it) = (format!("project {path} has "), format!(" on {path} "));
        keystones.details.retain(|it| !it.starts_with(&of_it));
        keystones.links.retain(|it| !it.contains(&on_it));
    }
    keystones
}
