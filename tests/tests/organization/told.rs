//! An organization by names, whoever told it: a Keystone or the hub. Two that say the same are
//! equal.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What stands for something that is not the federation's, as the end of a link.
const OWN: &str = "(the region's own)";

/// What was told, in Keystone's words and by ids.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// But for Default.
    pub(crate) departments: Vec<Value>,
    pub(crate) projects: Vec<Value>,
    pub(crate) users: Vec<Value>,
    pub(crate) groups: Vec<Value>,
    pub(crate) roles: Vec<Value>,
    /// Groups, and who is in them.
    pub(crate) memberships: Vec<[String; 2]>,
    /// Roles, and what they bring along.
    pub(crate) implications: Vec<[String; 2]>,
    pub(crate) assignments: Vec<Assigned>,
}

/// Who has which role where.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub(crate) actor: String,
    pub(crate) role: String,
    /// The project's or the domain's; of the system as a whole, none is.
    pub(crate) place: String,
    pub(crate) inherited: bool,
}

/// All of it but what is in the Default domain, by names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) departments: BTreeSet<(String, bool)>,
    pub(crate) projects: BTreeSet<(String, bool)>,
    pub(crate) users: BTreeSet<(String, bool)>,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) roles: BTreeSet<String>,
    /// Those that have an end here; what the other one is, if it is in Default or the system, is
    /// not said.
    pub(crate) links: BTreeSet<String>,
    /// Descriptions, addresses and default projects.
    pub(crate) details: BTreeSet<String>,
}

pub(crate) fn word(it: &Value, field: &str) -> String {
    it[field].as_str().unwrap_or("").to_owned()
}

impl Told {
    pub(crate) fn of(lists: &Lists) -> Self {
        let mut told = Self::default();
        let mut names = BTreeMap::new();
        for it in &lists.departments {
            let name = word(it, "name");
            names.insert(word(it, "id"), name.clone());
            told.describe("department", &name, it);
            told.departments.insert((name, is_on(it)));
        }
        let departments = names.clone();
        told.projects(lists, &mut names);
        told.contents(lists, &departments, &mut names);
        told.links(lists, &names);
        told
    }

    /// The outer ones first, however deep.
    fn projects(&mut self, lists: &Lists, names: &mut BTreeMap<String, String>) {
        let mut left: Vec<&Value> = lists.projects.iter().collect();
        for _ in 0..6 {
            left.retain(|it| {
                let outer = it["parent_id"].as_str().or(it["domain_id"].as_str());
                let Some(outer) = outer.and_then(|it| names.get(it)) else {
                    return true;
                };
                let path = format!("{outer}/{}", word(it, "name"));
                names.insert(word(it, "id"), path.clone());
                self.describe("project", &path, it);
                self.projects.insert((path, is_on(it)));
                false
            });
        }
    }

    fn contents(
        &mut self,
        lists: &Lists,
        departments: &BTreeMap<String, String>,
        names: &mut BTreeMap<String, String>,
    ) {
        let place = |it: &Value| {
            let department = departments.get(it["domain_id"].as_str()?)?;
            Some(format!("{department}/{}", word(it, "name")))
        };
        for it in &lists.users {
            if let Some(path) = place(it) {
                names.insert(word(it, "id"), path.clone());
                self.describe("user", &path, it);
                if let Some(home) = it["default_project_id"].as_str() {
                    let home = names.get(home).map_or(OWN, String::as_str);
                    self.details.insert(format!("user {path} begins in {home}"));
                }
                self.users.insert((path, is_on(it)));
            }
        }
        for it in &lists.groups {
            if let Some(path) = place(it) {
                names.insert(word(it, "id"), path.clone());
                self.describe("group", &path, it);
                self.groups.insert(path);
            }
        }
        for it in &lists.roles {
            let path = match it["domain_id"].as_str() {
                None => Some(format!("/{}", word(it, "name"))),
                Some(_) => place(it),
            };
            if let Some(path) = path {
                names.insert(word(it, "id"), path.clone());
                self.describe("role", &path, it);
                self.roles.insert(path);
            }
        }
    }

    /// What an administrator wrote of a thing: none is not an empty one, but of roles, whose
    /// description an older Keystone takes away no more.
    fn describe(&mut self, kind: &str, path: &str, it: &Value) {
        for field in ["description", "email"] {
            match it[field].as_str() {
                None => {}
                Some("") if kind == "role" => {}
                Some(text) => drop(self.details.insert(says(kind, path, (field, text)))),
            }
        }
    }

    fn links(&mut self, lists: &Lists, names: &BTreeMap<String, String>) {
        let name = |id: &str| names.get(id).map_or(OWN, String::as_str);
        let is_here = |ends: [&str; 2]| ends.iter().any(|it| names.contains_key(*it));
        for [group, user] in &lists.memberships {
            if is_here([group, user]) {
                self.links
                    .insert(format!("{} in {}", name(user), name(group)));
            }
        }
        for [prior, implied] in &lists.implications {
            let link = format!("{} implies {}", name(prior), name(implied));
            self.links.insert(link);
        }
        for it in &lists.assignments {
            if is_here([&it.actor, &it.place]) {
                let (actor, role, place) = (name(&it.actor), name(&it.role), name(&it.place));
                let link = format!("{actor} is {role} on {place} {}", it.inherited);
                self.links.insert(link);
            }
        }
    }

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
        let groups = self.groups.iter().map(|it| format!("group {it}"));
        let roles = self.roles.iter().map(|it| format!("role {it}"));
        let whole = self.links.iter().chain(&self.details).cloned();
        switched.chain(groups).chain(roles).chain(whole).collect()
    }
}

fn is_on(it: &Value) -> bool {
    it["enabled"].as_bool().unwrap()
}

/// How a detail is written.
pub(crate) fn says(kind: &str, path: &str, (field, text): (&str, &str)) -> String {
    format!("{kind} {path} has the {field} {text:?}")
}
