//! Making, changing and deleting domains, projects, users, groups and roles.

use serde_json::{Map, Value, json};
use shared::model::ObjectKind;

use super::refusal::{Outcome, Refusal};
use super::world::{Grant, Thing, World, text_of};
use super::{check, show};

/// Domain, and projects below it, the nested ones too: `max_project_tree_depth`, 5.
const PARENTS_MAX: usize = 5;

/// Those whose columns are given this where the request says nothing.
fn description_of_new(kind: ObjectKind) -> Option<Value> {
    match kind {
        ObjectKind::Department | ObjectKind::Project | ObjectKind::Group => Some(json!("")),
        ObjectKind::Role => Some(Value::Null),
        ObjectKind::User => None,
    }
}

impl World {
    /// `POST`.
    pub(super) fn create(&mut self, kind: ObjectKind, body: &Value) -> Outcome<Thing> {
        let mut thing = check::member(kind, body)?;
        check::new(kind, &thing)?;
        let says_domain = thing.get("domain_id").is_some_and(|it| !it.is_null());
        let password = thing.remove("password");
        trim_name(kind, &mut thing);
        let id = self.new_id();
        thing.insert("id".to_owned(), json!(id));
        if let Some(description) = description_of_new(kind) {
            thing.entry("description").or_insert(description);
        }
        match kind {
            ObjectKind::Department => {}
            ObjectKind::Role => {
                thing.entry("domain_id").or_insert(Value::Null);
            }
            // Keystone takes the domain of the token's project.
            _ if !says_domain => {
                thing.insert("domain_id".to_owned(), json!("default"));
            }
            _ => {}
        }
        let has_enabled = !matches!(kind, ObjectKind::Group | ObjectKind::Role);
        if has_enabled {
            thing.entry("enabled").or_insert(json!(true));
        }
        match kind {
            ObjectKind::Project => self.check_place(&mut thing)?,
            ObjectKind::User | ObjectKind::Group => {
                self.get(ObjectKind::Department, &text_of(&thing, "domain_id"))?;
                self.check_default_project(&thing)?;
            }
            ObjectKind::Department | ObjectKind::Role => {}
        }
        let conflict = self.conflict(kind, &thing, kind != ObjectKind::Role || says_domain);
        if !self.put(kind, thing.clone()) {
            return Err(conflict);
        }
        if let Some(Value::String(password)) = password {
            self.passwords.insert(id, password);
        }
        Ok(thing)
    }

    /// `PATCH`.
    pub(super) fn update(&mut self, kind: ObjectKind, id: &str, body: &Value) -> Outcome<Thing> {
        let mut change = check::member(kind, body)?;
        check::change(kind, &change)?;
        let before = self.get(kind, id)?.clone();
        if kind == ObjectKind::Role {
            check_mutable(&before, "update", id)?;
        }
        let says = |field: &str| change.get(field);
        let says_id = says("id").is_some();
        if says_id && says("id") != before.get("id") {
            return Err(Refusal::bad("Cannot change ID"));
        }
        let domain = before.get("domain_id").cloned().unwrap_or_default();
        if kind != ObjectKind::Department && says("domain_id").is_some_and(|it| *it != domain) {
            return Err(Refusal::bad(match kind {
                ObjectKind::Role => "Update of `domain_id` is not allowed.",
                _ => "Cannot change Domain ID",
            }));
        }
        if kind == ObjectKind::Project {
            self.check_project_change(id, &before, &change)?;
        }
        if kind == ObjectKind::User {
            self.check_default_project(&change)?;
        }
        let password = change.remove("password");
        trim_name(kind, &mut change);
        let says_domain = change.contains_key("domain_id");
        let mut after = before;
        after.extend(change);
        let conflict = self.conflict(kind, &after, says_domain);
        if !self.put(kind, after.clone()) {
            // A real one can't tell of this conflict, for want of the id that it would tell.
            let is_untold = kind == ObjectKind::Project && !says_id;
            return Err(if is_untold {
                Refusal::internal()
            } else {
                conflict
            });
        }
        if let Some(Value::String(password)) = password {
            self.passwords.insert(id.to_owned(), password);
            self.revoke(id);
        }
        Ok(after)
    }

    /// `DELETE`, with what hangs on it.
    pub(super) fn delete(&mut self, kind: ObjectKind, id: &str) -> Outcome<()> {
        let thing = self.get(kind, id)?.clone();
        match kind {
            ObjectKind::Department => {
                if self.is_enabled(kind, id) {
                    return Err(Refusal::forbidden(
                        "Cannot delete a domain that is enabled, please disable it first.",
                    ));
                }
                self.empty(id);
            }
            ObjectKind::Project => {
                if self.children(id).next().is_some() {
                    return Err(Refusal::forbidden(format!(
                        "Cannot delete the project {id} since it is not a leaf in the hierarchy. \
                         Use the cascade option if you want to delete a whole subtree."
                    )));
                }
            }
            ObjectKind::Role => check_mutable(&thing, "delete", id)?,
            ObjectKind::User | ObjectKind::Group => {}
        }
        self.remove(kind, id);
        Ok(())
    }

    /// A domain's roles stay when it is deleted, as in a real one.
    fn empty(&mut self, domain: &str) {
        for kind in [ObjectKind::Project, ObjectKind::User, ObjectKind::Group] {
            let all = self.all(kind).iter();
            let inside = all.filter(|(_, it)| text_of(it, "domain_id") == domain);
            let inside: Vec<String> = inside.map(|(id, _)| id.clone()).collect();
            inside.iter().for_each(|id| self.remove(kind, id));
        }
    }

    fn remove(&mut self, kind: ObjectKind, id: &str) {
        self.drop_thing(kind, id);
        self.passwords.remove(id);
        let has = |grant: &Grant| match kind {
            ObjectKind::Department => !grant.of_project && grant.scope == id,
            ObjectKind::Project => grant.of_project && grant.scope == id,
            ObjectKind::User => !grant.of_group && grant.actor == id,
            ObjectKind::Group => grant.of_group && grant.actor == id,
            ObjectKind::Role => grant.role == id,
        };
        self.grants.retain(|grant| !has(grant));
        match kind {
            ObjectKind::User => {
                self.members.retain(|(_, user)| user != id);
                self.groups_of.retain(|(user, _)| user != id);
            }
            ObjectKind::Group => {
                self.members.retain(|(group, _)| group != id);
                self.groups_of.retain(|(_, group)| group != id);
            }
            ObjectKind::Role => self.implied.retain(|(a, b)| a != id && b != id),
            ObjectKind::Project => self.forget_default(id),
            ObjectKind::Department => {}
        }
    }

    fn forget_default(&mut self, project: &str) {
        let users = self.all(ObjectKind::User).iter();
        let having = users.filter(|(_, it)| text_of(it, "default_project_id") == project);
        let having: Vec<String> = having.map(|(id, _)| id.clone()).collect();
        for id in having {
            self.set(ObjectKind::User, &id, "default_project_id", Value::Null);
        }
    }

    fn children<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a String> {
        let all = self.all(ObjectKind::Project).iter();
        let below =
            all.filter(move |(_, it)| it.get("parent_id").and_then(Value::as_str) == Some(id));
        below.map(|(id, _)| id)
    }

    /// What is above a project, the nearest first, its domain last.
    fn parents(&self, project: &str) -> Vec<String> {
        let mut above = Vec::new();
        let mut at = project.to_owned();
        while let Some(parent) = self.text(ObjectKind::Project, &at, "parent_id") {
            at = parent.to_owned();
            above.push(at.clone());
        }
        above
    }

    fn is_on(&self, project_or_domain: &str) -> bool {
        self.is_enabled(ObjectKind::Project, project_or_domain)
            && self.is_enabled(ObjectKind::Department, project_or_domain)
    }

    /// Whether a new project may stand where it is to.
    fn check_place(&self, thing: &mut Map<String, Value>) -> Outcome<()> {
        let domain = text_of(thing, "domain_id");
        if thing.get("parent_id").is_none_or(Value::is_null) {
            thing.insert("parent_id".to_owned(), json!(domain));
        }
        let parent = text_of(thing, "parent_id");
        self.get(ObjectKind::Department, &domain)
            .map_err(Refusal::into_bad)?;
        if self.all(ObjectKind::Department).contains_key(&parent) {
            if parent != domain {
                return Err(Refusal::bad(format!(
                    "Cannot create project, the parent ({parent}) is acting as a domain, but this \
                     project's domain id ({domain}) does not match the parent's id."
                )));
            }
        } else {
            let above = self.get(ObjectKind::Project, &parent);
            let other = text_of(above.map_err(Refusal::into_bad)?, "domain_id");
            if other != domain {
                return Err(Refusal::bad(format!(
                    "Cannot create project, since it specifies its domain_id {domain}, but \
                     specifies a parent in a different domain ({other})."
                )));
            }
        }
        let mut above = self.parents(&parent);
        above.push(parent.clone());
        if let Some(off) = above.iter().find(|it| !self.is_on(it)) {
            return Err(Refusal::bad(format!(
                "cannot create a project in a branch containing a disabled project: {off}"
            )));
        }
        match above.len() > PARENTS_MAX {
            true => Err(Refusal::forbidden(format!(
                "Max hierarchy depth reached for {parent} branch."
            ))),
            false => Ok(()),
        }
    }

    fn check_project_change(&self, id: &str, before: &Thing, change: &Thing) -> Outcome<()> {
        let parent = before.get("parent_id");
        if change.contains_key("parent_id") && change.get("parent_id") != parent {
            return Err(Refusal::forbidden("Update of `parent_id` is not allowed."));
        }
        let was_on = self.is_enabled(ObjectKind::Project, id);
        // As in a real one: what doesn't say, switches on.
        let is_on = change
            .get("enabled")
            .and_then(Value::as_bool)
            .unwrap_or(true);
        if !was_on && is_on && self.parents(id).iter().any(|it| !self.is_on(it)) {
            return Err(Refusal::forbidden(format!(
                "Cannot enable project {id} since it has disabled parents"
            )));
        }
        if was_on && !is_on && self.is_any_below_on(id) {
            return Err(Refusal::forbidden(format!(
                "Cannot disable project {id} since its subtree contains enabled projects."
            )));
        }
        Ok(())
    }

    fn is_any_below_on(&self, project: &str) -> bool {
        let mut open = vec![project.to_owned()];
        while let Some(at) = open.pop() {
            for child in self.children(&at) {
                if self.is_enabled(ObjectKind::Project, child) {
                    return true;
                }
                open.push(child.clone());
            }
        }
        false
    }

    fn check_default_project(&self, thing: &Thing) -> Outcome<()> {
        let id = text_of(thing, "default_project_id");
        match self.all(ObjectKind::Department).contains_key(&id) {
            true => Err(Refusal::bad(format!(
                "User's default project ID cannot be a domain ID: {id}"
            ))),
            false => Ok(()),
        }
    }

    fn conflict(&self, kind: ObjectKind, thing: &Thing, says_domain: bool) -> Refusal {
        let (id, name) = (text_of(thing, "id"), text_of(thing, "name"));
        let domain = text_of(thing, "domain_id");
        match kind {
            ObjectKind::Department => Refusal::conflict(
                "project",
                &format!(
                    "it is not permitted to have two projects acting as domains with the same \
                     name: {name}"
                ),
            ),
            ObjectKind::Project => Refusal::conflict(
                "project",
                &format!(
                    "it is not permitted to have two projects with either the same name or same \
                     id in the same domain: name is {name}, project id {id}"
                ),
            ),
            _ if says_domain => Refusal::conflict(
                show::member(kind),
                &format!("Duplicate entry found with name {name} at domain ID {domain}"),
            ),
            _ => Refusal::conflict(
                show::member(kind),
                &format!("Duplicate entry found with name {name}"),
            ),
        }
    }
}

/// Roles' names are kept as they are given.
fn trim_name(kind: ObjectKind, thing: &mut Map<String, Value>) {
    if kind != ObjectKind::Role
        && let Some(Value::String(name)) = thing.get_mut("name")
    {
        *name = name.trim().to_owned();
    }
}

fn check_mutable(role: &Thing, what: &str, id: &str) -> Outcome<()> {
    let options = role.get("options");
    let immutable = options.and_then(|it| it.get("immutable"));
    match immutable.and_then(Value::as_bool) {
        Some(true) => Err(Refusal::forbidden(format!(
            "Unable to {what} immutable role resource: `{id}. Set resource option \"immutable\" \
             to false first."
        ))),
        _ => Ok(()),
    }
}
