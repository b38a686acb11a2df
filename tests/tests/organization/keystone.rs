//! A Keystone seen by its own API: furnished line by line, and told by names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tests::openstack::Admin;

/// One Keystone.
pub(crate) struct Keystone {
    pub(crate) admin: Admin,
    ids: BTreeMap<String, String>,
}

/// What a Keystone holds outside of its Default domain, by names. Two Keystones that hold the same
/// are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) departments: BTreeSet<(String, bool)>,
    pub(crate) projects: BTreeSet<(String, bool)>,
    pub(crate) users: BTreeSet<(String, bool)>,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) roles: BTreeSet<String>,
    pub(crate) links: BTreeSet<String>,
}

impl Told {
    /// What is here and not in the other one.
    pub(crate) fn beyond(&self, other: &Self) -> Vec<String> {
        self.lines().difference(&other.lines()).cloned().collect()
    }

    fn lines(&self) -> BTreeSet<String> {
        let switched = [
            ("department", &self.departments),
            ("project", &self.projects),
            ("user", &self.users),
        ];
        let switched = switched.into_iter().flat_map(|(kind, all)| {
            let line = move |(name, enabled): &(String, bool)| format!("{kind} {name} {enabled}");
            all.iter().map(line)
        });
        let plain = [
            ("group", &self.groups),
            ("role", &self.roles),
            ("", &self.links),
        ];
        let plain = plain
            .into_iter()
            .flat_map(|(kind, all)| all.iter().map(move |name| format!("{kind} {name}")));
        switched.chain(plain).collect()
    }
}

impl Keystone {
    pub(crate) fn new(admin: Admin) -> Self {
        let role = |name: &str| {
            let (_, roles) = admin.ask("GET", &format!("/roles?name={name}"), &Value::Null);
            let id = roles["roles"][0]["id"].as_str().unwrap().to_owned();
            (name.to_owned(), id)
        };
        let ids = ["admin", "member", "reader"].map(role).into();
        Self { admin, ids }
    }

    /// One request.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.admin.ask(method, path, body)
    }

    /// Plays lines of `NAME METHOD PATH [BODY]`: `$NAME` stands for an id that was given before.
    pub(crate) fn play(&mut self, script: &str) {
        for line in script.lines().filter(|it| !it.trim().is_empty()) {
            let mut words = line.trim().splitn(4, ' ');
            let (name, method) = (words.next().unwrap(), words.next().unwrap());
            let path = self.filled(words.next().unwrap());
            let body = words.next().map_or(Value::Null, |it| {
                serde_json::from_str(&self.filled(it)).unwrap()
            });
            let (status, body) = self.ask(method, &path, &body);
            assert!(status < 300, "{line}: {status} {body}");
            if name != "-" {
                let first = body.as_object().unwrap().values().next().unwrap();
                let id = first["id"].as_str().unwrap().to_owned();
                self.ids.insert(name.to_owned(), id);
            }
        }
    }

    pub(crate) fn id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    fn filled(&self, text: &str) -> String {
        // The longest names first: `$p2` is not `$p` and a 2.
        let names = self.ids.iter().rev();
        names.fold(text.to_owned(), |text, (name, id)| {
            text.replace(&format!("${name}"), id)
        })
    }

    pub(crate) fn list(&self, path: &str, what: &str) -> Vec<Value> {
        let (status, body) = self.ask("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body[what].as_array().unwrap().clone()
    }

    /// Everything outside of the Default domain.
    pub(crate) fn told(&self) -> Told {
        let mut told = Told::default();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let word = |it: &Value, field: &str| it[field].as_str().unwrap_or("").to_owned();
        let is_on = |it: &Value| it["enabled"].as_bool().unwrap();
        for it in self.list("/domains", "domains") {
            if word(&it, "id") != "default" {
                names.insert(word(&it, "id"), word(&it, "name"));
                told.departments.insert((word(&it, "name"), is_on(&it)));
            }
        }
        let departments = names.clone();
        let within = |it: &Value, names: &BTreeMap<String, String>| {
            let outer = it["parent_id"].as_str().or(it["domain_id"].as_str());
            let outer = names.get(outer?)?;
            Some(format!("{outer}/{}", it["name"].as_str()?))
        };
        let mut projects = self.list("/projects", "projects");
        // The outer ones first, however deep.
        for _ in 0..6 {
            projects.retain(|it| match within(it, &names) {
                Some(path) => {
                    names.insert(word(it, "id"), path.clone());
                    told.projects.insert((path, is_on(it)));
                    false
                }
                None => true,
            });
        }
        let in_department = |it: &Value| {
            let department = departments.get(&word(it, "domain_id"))?;
            Some(format!("{department}/{}", word(it, "name")))
        };
        for it in self.list("/users", "users") {
            if let Some(path) = in_department(&it) {
                names.insert(word(&it, "id"), path.clone());
                told.users.insert((path, is_on(&it)));
            }
        }
        for it in self.list("/groups", "groups") {
            if let Some(path) = in_department(&it) {
                names.insert(word(&it, "id"), path.clone());
                told.groups.insert(path);
            }
        }
        self.roles(&departments, &mut names, &mut told);
        self.links(&names, &mut told);
        told
    }

    fn roles(
        &self,
        departments: &BTreeMap<String, String>,
        names: &mut BTreeMap<String, String>,
        told: &mut Told,
    ) {
        let mut add = |it: &Value, department: &str| {
            let path = format!("{department}/{}", it["name"].as_str().unwrap());
            names.insert(it["id"].as_str().unwrap().to_owned(), path.clone());
            told.roles.insert(path);
        };
        let global = self.list("/roles", "roles");
        global.iter().for_each(|it| add(it, ""));
        for (id, department) in departments {
            let own = self.list(&format!("/roles?domain_id={id}"), "roles");
            own.iter().for_each(|it| add(it, department));
        }
    }

    fn links(&self, names: &BTreeMap<String, String>, told: &mut Told) {
        let name = |id: &Value| names.get(id.as_str()?).cloned();
        for it in self.list("/groups", "groups") {
            let Some(group) = name(&it["id"]) else {
                continue;
            };
            let path = format!("/groups/{}/users", it["id"].as_str().unwrap());
            for user in self.list(&path, "users") {
                if let Some(user) = name(&user["id"]) {
                    told.links.insert(format!("{user} in {group}"));
                }
            }
        }
        for it in self.list("/role_inferences", "role_inferences") {
            let prior = name(&it["prior_role"]["id"]);
            for implied in it["implies"].as_array().unwrap() {
                if let (Some(prior), Some(implied)) = (&prior, name(&implied["id"])) {
                    told.links.insert(format!("{prior} implies {implied}"));
                }
            }
        }
        for it in self.list("/role_assignments", "role_assignments") {
            let actor = name(&it["user"]["id"]).or_else(|| name(&it["group"]["id"]));
            let scope = &it["scope"];
            let place = name(&scope["project"]["id"]).or_else(|| name(&scope["domain"]["id"]));
            let inherited = scope.get("OS-INHERIT:inherited_to").is_some();
            if let (Some(actor), Some(place), Some(role)) = (actor, place, name(&it["role"]["id"]))
            {
                told.links
                    .insert(format!("{actor} is {role} on {place} {inherited}"));
            }
        }
    }
}
