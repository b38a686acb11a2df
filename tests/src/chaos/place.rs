//! A Keystone as somebody there sees it: a simulated one past HTTP, or a real one.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::model::{
    Actor, Assignment, CloudId, Department, Group, Implication, Link, Marker, Membership, Object,
    ObjectKind, Organization, Project, Role, Scope, User,
};

use super::call::MARKER;
use super::site::{marker_of, objects};
use crate::keystone::SimulatedKeystone;
use crate::openstack::Admin;

/// All that a Keystone has, and the federations' markers on it.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) all: Organization<CloudId>,
    pub(super) markers: BTreeMap<(ObjectKind, CloudId), Marker>,
}

/// What operations are done in.
pub(super) trait Place {
    /// All that it has.
    fn seen(&self) -> Seen;

    /// Asks it as an administrator: status and body.
    fn asked(&self, method: &str, path: &str, body: &Value) -> (u16, Value);

    /// The same without the markers.
    fn organization(&self) -> Organization<CloudId> {
        self.seen().all
    }

    /// Asks it as an administrator. Whether it was done.
    fn ask(&self, method: &str, path: &str, body: &Value) -> bool {
        self.asked(method, path, body).0 < 300
    }

    /// Makes something. Its id, if it was made.
    fn make(&self, path: &str, body: &Value) -> Option<CloudId> {
        let (status, answer) = self.asked("POST", path, body);
        let made = answer.as_object().and_then(|it| it.values().next());
        made.filter(|_| status < 300).and_then(|it| id(&it["id"]))
    }
}

impl Place for SimulatedKeystone {
    fn seen(&self) -> Seen {
        let all = Self::organization(self);
        let marked = objects(&all).into_iter().filter_map(|(kind, id, _)| {
            let text = self.attribute(&id.to_string(), MARKER)?;
            Some(((kind, id), marker_of(&text)?))
        });
        let markers = marked.collect();
        Seen { all, markers }
    }

    fn organization(&self) -> Organization<CloudId> {
        Self::organization(self)
    }

    fn asked(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, answer) = Self::ask(self, method, path, body);
        super::trace(|| format!("  somebody: {method} {path} {body}: {status} {answer}"));
        (status, answer)
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

/// As it is: an empty one is not none.
fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
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
    fn roles(&self, departments: &[Value], seen: &mut Seen) {
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
            seen.put(it, Object::Role(role));
        }
    }
}

impl Seen {
    /// Takes a thing as Keystone tells it.
    fn put(&mut self, it: &Value, object: Object<CloudId>) {
        let (kind, id) = (object.kind(), id(&it["id"]).unwrap());
        if let Some(marker) = it[MARKER].as_str().and_then(marker_of) {
            self.markers.insert((kind, id.clone()), marker);
        }
        self.all.insert(id, object);
    }
}

impl Place for Real {
    fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        let name = |it: &Value| it["name"].as_str().unwrap_or_default().to_owned();
        let is_on = |it: &Value| it["enabled"].as_bool().unwrap_or(true);
        let home = |it: &Value| id(&it["domain_id"]).unwrap_or(CloudId::new(""));
        let departments = self.list("/domains", "domains");
        for it in &departments {
            let (name, description, enabled) = (name(it), text(&it["description"]), is_on(it));
            seen.put(
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
            seen.put(
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
            seen.put(
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
            seen.put(
                it,
                Object::Group(Group {
                    department,
                    name,
                    description,
                }),
            );
        }
        self.roles(&departments, &mut seen);
        self.links(&mut seen.all);
        seen
    }

    fn asked(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.0.ask(method, path, body)
    }
}
