//! A Keystone as somebody there sees it: a simulated one past HTTP, or a real one.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::model::{
    Actor, Assignment, CloudId, Department, Group, Implication, Link, Membership, Object,
    Organization, Project, Role, Scope, User,
};

use crate::keystone::SimulatedKeystone;
use crate::openstack::Admin;

/// What operations are done in.
pub(super) trait Place {
    /// All that it has.
    fn organization(&self) -> Organization<CloudId>;

    /// Asks it as an administrator. Whether it was done.
    fn ask(&self, method: &str, path: &str, body: &Value) -> bool;
}

impl Place for SimulatedKeystone {
    fn organization(&self) -> Organization<CloudId> {
        Self::organization(self)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> bool {
        let (status, answer) = Self::ask(self, method, path, body);
        super::trace(|| format!("  somebody: {method} {path} {body}: {status} {answer}"));
        status < 300
    }
}

/// A real Keystone.
pub(super) struct Real(pub(super) Admin);

impl Real {
    fn list(&self, path: &str, what: &str) -> Vec<Value> {
        let (status, body) = self.0.ask("GET", path, &Value::Null);
        match body[what].as_array() {
            Some(all) if status == 200 => all.clone(),
            // A group that was deleted since it was listed has no members.
            _ => Vec::new(),
        }
    }

    fn links(&self, all: &mut Organization<CloudId>) {
        let groups: Vec<CloudId> = all.groups.keys().cloned().collect();
        for group in groups {
            for user in self.list(&format!("/groups/{group}/users"), "users") {
                if let Some(user) = id(&user["id"]) {
                    let group = group.clone();
                    all.link(Link::Membership(Membership { group, user }));
                }
            }
        }
        for it in self.list("/role_inferences", "role_inferences") {
            let prior = id(&it["prior_role"]["id"]);
            for implied in it["implies"].as_array().unwrap() {
                if let (Some(prior), Some(implied)) = (prior.clone(), id(&implied["id"])) {
                    all.link(Link::Implication(Implication { prior, implied }));
                }
            }
        }
        for it in self.list("/role_assignments", "role_assignments") {
            if let Some(assignment) = assignment(&it) {
                all.link(Link::Assignment(assignment));
            }
        }
    }
}

fn id(value: &Value) -> Option<CloudId> {
    value.as_str().map(CloudId::new)
}

fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
}

fn assignment(it: &Value) -> Option<Assignment<CloudId>> {
    let scope = &it["scope"];
    let project = id(&scope["project"]["id"]).map(Scope::Project);
    let user = id(&it["user"]["id"]).map(Actor::User);
    Some(Assignment {
        actor: user.or_else(|| id(&it["group"]["id"]).map(Actor::Group))?,
        scope: project.or_else(|| id(&scope["domain"]["id"]).map(Scope::Department))?,
        role: id(&it["role"]["id"])?,
        inherited: scope.get("OS-INHERIT:inherited_to").is_some(),
    })
}

impl Real {
    /// Those that hold everywhere, and each department's own.
    fn roles(&self, departments: &[Value], all: &mut Organization<CloudId>) {
        let mut roles = self.list("/roles", "roles");
        for it in departments {
            let id = it["id"].as_str().unwrap();
            roles.extend(self.list(&format!("/roles?domain_id={id}"), "roles"));
        }
        for it in &roles {
            let role = Role {
                department: id(&it["domain_id"]),
                name: it["name"].as_str().unwrap_or_default().to_owned(),
                description: text(&it["description"]),
            };
            all.insert(id(&it["id"]).unwrap(), Object::Role(role));
        }
    }
}

impl Place for Real {
    fn organization(&self) -> Organization<CloudId> {
        let mut all = Organization::default();
        let name = |it: &Value| it["name"].as_str().unwrap_or_default().to_owned();
        let is_on = |it: &Value| it["enabled"].as_bool().unwrap_or(true);
        let home = |it: &Value| id(&it["domain_id"]).unwrap_or(CloudId::new(""));
        let mut put = |it: &Value, object: Object<CloudId>| {
            all.insert(id(&it["id"]).unwrap(), object);
        };
        let departments = self.list("/domains", "domains");
        for it in &departments {
            let (name, description, enabled) = (name(it), text(&it["description"]), is_on(it));
            put(
                it,
                Object::Department(Department {
                    name,
                    description,
                    enabled,
                }),
            );
        }
        for it in &self.list("/projects", "projects") {
            let department = home(it);
            put(
                it,
                Object::Project(Project {
                    parent: id(&it["parent_id"]).filter(|it| *it != department),
                    department,
                    name: name(it),
                    description: text(&it["description"]),
                    enabled: is_on(it),
                }),
            );
        }
        for it in &self.list("/users", "users") {
            put(
                it,
                Object::User(User {
                    department: home(it),
                    name: name(it),
                    description: text(&it["description"]),
                    email: text(&it["email"]),
                    enabled: is_on(it),
                    default_project: id(&it["default_project_id"]),
                }),
            );
        }
        for it in &self.list("/groups", "groups") {
            let (department, name, description) = (home(it), name(it), text(&it["description"]));
            put(
                it,
                Object::Group(Group {
                    department,
                    name,
                    description,
                }),
            );
        }
        self.roles(&departments, &mut all);
        self.links(&mut all);
        all
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> bool {
        self.0.ask(method, path, body).0 < 300
    }
}

/// What an organization says, by names, with no word of Default: two that say the same are equal.
pub(super) fn told<I: Ord + Clone>(
    all: &Organization<I>,
    is_default: impl Fn(&I) -> bool,
) -> std::collections::BTreeSet<String> {
    let mut names: BTreeMap<I, String> = BTreeMap::new();
    let mut told = std::collections::BTreeSet::new();
    for (id, it) in all.departments.iter().filter(|(id, _)| !is_default(id)) {
        names.insert(id.clone(), it.name.clone());
        told.insert(format!("department {} {}", it.name, it.enabled));
    }
    // The outer ones first, however deep.
    for _ in 0..6 {
        for (id, it) in &all.projects {
            let outer = it.parent.as_ref().unwrap_or(&it.department);
            if let Some(outer) = names.get(outer).cloned() {
                let path = format!("{outer}/{}", it.name);
                told.insert(format!("project {path} {}", it.enabled));
                names.insert(id.clone(), path);
            }
        }
    }
    let mut within = |kind: &str, id: &I, home: Option<&I>, name: &str, more: String| {
        let home = match home {
            Some(home) => names.get(home).cloned(),
            None => Some(String::new()),
        };
        if let Some(home) = home {
            let path = format!("{kind} {home}/{name}");
            told.insert(format!("{path} {more}"));
            names.insert(id.clone(), path);
        }
    };
    for (id, it) in &all.users {
        let email = it.email.as_deref().unwrap_or_default();
        let more = format!("{} {email}", it.enabled);
        within("user", id, Some(&it.department), &it.name, more);
    }
    for (id, it) in &all.groups {
        within("group", id, Some(&it.department), &it.name, String::new());
    }
    for (id, it) in &all.roles {
        within("role", id, it.department.as_ref(), &it.name, String::new());
    }
    for link in all.links() {
        if let Some(link) = link.translated(|_, id| names.get(id).cloned()) {
            told.insert(format!("{link:?}"));
        }
    }
    told
}
