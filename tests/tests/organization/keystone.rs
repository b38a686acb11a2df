//! A Keystone seen by its own API: furnished line by line, and told by names.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tests::openstack::Admin;

use super::told::{Assigned, Lists, Told, word};

/// One Keystone.
pub(crate) struct Keystone {
    pub(crate) admin: Admin,
    ids: BTreeMap<String, String>,
    own_writes: Mutex<Vec<String>>,
}

impl Keystone {
    pub(crate) fn new(admin: Admin) -> Self {
        let role = |name: &str| {
            let (_, roles) = admin.ask("GET", &format!("/roles?name={name}"), &Value::Null);
            let id = roles["roles"][0]["id"].as_str().unwrap().to_owned();
            (name.to_owned(), id)
        };
        let ids = ["admin", "manager", "member", "reader"].map(role).into();
        let own_writes = Mutex::default();
        Self {
            admin,
            ids,
            own_writes,
        }
    }

    /// One request.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, body) = self.admin.ask(method, path, body);
        if method != "GET" {
            let own = self.own_writes.lock();
            let mut own = own.unwrap_or_else(PoisonError::into_inner);
            own.push(format!("{method} /v3{path} {status}"));
        }
        (status, body)
    }

    /// What was to be changed here by [`Self::ask`], as Keystone's log has it.
    pub(crate) fn own_writes(&self) -> Vec<String> {
        let own = self.own_writes.lock();
        own.unwrap_or_else(PoisonError::into_inner).clone()
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
        let mut departments = self.list("/domains", "domains");
        departments.retain(|it| it["id"] != "default");
        // A list of roles is of the global ones, or of one department's.
        let mut roles = self.list("/roles", "roles");
        for it in &departments {
            roles.extend(self.list(&format!("/roles?domain_id={}", word(it, "id")), "roles"));
        }
        let groups = self.list("/groups", "groups");
        Told::of(&Lists {
            departments,
            projects: self.list("/projects", "projects"),
            users: self.list("/users", "users"),
            memberships: groups.iter().flat_map(|it| self.members(it)).collect(),
            groups,
            roles,
            implications: self.implications(),
            assignments: self.assignments(),
        })
    }

    fn members(&self, group: &Value) -> Vec<[String; 2]> {
        let group = word(group, "id");
        let members = self.list(&format!("/groups/{group}/users"), "users");
        let members = members.iter();
        members.map(|it| [group.clone(), word(it, "id")]).collect()
    }

    fn implications(&self) -> Vec<[String; 2]> {
        let mut all = Vec::new();
        for it in self.list("/role_inferences", "role_inferences") {
            let prior = word(&it["prior_role"], "id");
            let implied = it["implies"].as_array().unwrap().iter();
            all.extend(implied.map(|it| [prior.clone(), word(it, "id")]));
        }
        all
    }

    fn assignments(&self) -> Vec<Assigned> {
        let id = |it: &Value| it["id"].as_str().map(str::to_owned);
        let assigned = |it: &Value| {
            let scope = &it["scope"];
            Assigned {
                actor: id(&it["user"]).or_else(|| id(&it["group"])).unwrap(),
                role: word(&it["role"], "id"),
                place: id(&scope["project"])
                    .or_else(|| id(&scope["domain"]))
                    .unwrap_or_default(),
                inherited: scope.get("OS-INHERIT:inherited_to").is_some(),
            }
        };
        let all = self.list("/role_assignments", "role_assignments");
        all.iter().map(assigned).collect()
    }
}
