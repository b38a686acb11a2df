//! Lists: filters, pages and their links.

use serde_json::{Map, Value, json};
use shared::model::ObjectKind;

use super::refusal::{Outcome, Refusal};
use super::routes::Request;
use super::show;
use super::world::{Grant, World, text_of};

/// `max_db_limit`. A list for which no limit was asked is cut here without a word, but for roles.
const ROWS_MAX: usize = 1000;

/// By what a list can be filtered.
const FILTERS: [&str; 5] = ["name", "domain_id", "enabled", "parent_id", "is_domain"];

impl World {
    /// `GET /users` and its like.
    pub(super) fn list(&self, kind: ObjectKind, request: &Request) -> Outcome<Value> {
        let asks_for_domains = matches!(request.query("is_domain"), Some("true" | "True" | "1"));
        let shows_domains = kind == ObjectKind::Project && asks_for_domains;
        let source = match shows_domains {
            true => ObjectKind::Department,
            false => kind,
        };
        let marker = request.query("marker").filter(|it| !it.is_empty());
        // Real ones have no pages of roles, but links to them.
        let marker = marker.filter(|_| kind != ObjectKind::Role);
        if let Some(marker) = marker
            && !self.all(source).contains_key(marker)
        {
            return Err(Refusal::not_found(format!(
                "Marker {marker} could not be found."
            )));
        }
        let limit = request
            .query("limit")
            .and_then(|it| it.parse::<usize>().ok());
        let limit = limit.filter(|it| *it > 0).map(|it| it.min(ROWS_MAX));
        let all = self.all(source).iter();
        let all = all.filter(|(id, _)| marker.is_none_or(|marker| id.as_str() > marker));
        let shown = all.map(|(_, thing)| match shows_domains {
            true => show::domain_as_project(thing, &request.url),
            false => show::thing(kind, thing, &request.url),
        });
        let matching = shown.filter(|it| is_asked_for(kind, it, request));
        let (rows, truncated) = match (kind, limit) {
            (ObjectKind::Role, None) => (matching.collect::<Vec<_>>(), false),
            (ObjectKind::Role, Some(limit)) => {
                let mut rows: Vec<_> = matching.take(limit + 1).collect();
                let truncated = rows.len() > limit;
                rows.truncate(limit);
                (rows, truncated)
            }
            (_, limit) => {
                let rows: Vec<_> = matching.take(limit.unwrap_or(ROWS_MAX)).collect();
                let truncated = limit.is_some_and(|limit| rows.len() >= limit);
                (rows, truncated)
            }
        };
        Ok(page(show::collection(kind), rows, truncated, request))
    }

    /// `GET /groups/{group}/users`.
    pub(super) fn members_of(&self, group: &str, request: &Request) -> Outcome<Value> {
        self.get(ObjectKind::Group, group)?;
        let from = (group.to_owned(), String::new());
        let users = self.members.range(from..).take_while(|(it, _)| it == group);
        let rows = users.filter_map(|(_, user)| {
            let thing = self.all(ObjectKind::User).get(user)?;
            Some(show::thing(ObjectKind::User, thing, &request.url))
        });
        let rows = rows.filter(|it| is_asked_for(ObjectKind::User, it, request));
        Ok(page("users", rows.collect(), false, request))
    }

    /// `GET /users/{user}/groups`.
    pub(super) fn groups_with(&self, user: &str, request: &Request) -> Outcome<Value> {
        self.get(ObjectKind::User, user)?;
        let from = (user.to_owned(), String::new());
        let groups = self
            .groups_of
            .range(from..)
            .take_while(|(it, _)| it == user);
        let rows = groups.filter_map(|(_, group)| {
            let thing = self.all(ObjectKind::Group).get(group)?;
            let mut shown = show::thing(ObjectKind::Group, thing, &request.url);
            shown.insert("membership_expires_at".to_owned(), Value::Null);
            Some(shown)
        });
        Ok(page("groups", rows.collect(), false, request))
    }

    /// `GET /projects/{}/users/{}/roles` and its like.
    pub(super) fn roles_of(&self, like: &Grant, request: &Request) -> Value {
        let has = |it: &&Grant| {
            (&it.scope, &it.actor, it.inherited) == (&like.scope, &like.actor, like.inherited)
                && (it.of_project, it.of_group) == (like.of_project, like.of_group)
        };
        let rows = self.grants.iter().filter(has).filter_map(|it| {
            let thing = self.all(ObjectKind::Role).get(&it.role)?;
            Some(show::thing(ObjectKind::Role, thing, &request.url))
        });
        page("roles", rows.collect(), false, request)
    }

    /// `GET /role_assignments`.
    pub(super) fn assignments(&self, request: &Request) -> Outcome<Value> {
        let asked = |name: &str| request.query(name);
        if asked("effective").is_some() || asked("include_subtree").is_some() {
            return Err(Refusal::bad(
                "this simulation lists what was assigned alone",
            ));
        }
        for (one, other) in [
            ("user.id", "group.id"),
            ("scope.domain.id", "scope.project.id"),
        ] {
            if asked(one).is_some() && asked(other).is_some() {
                return Err(Refusal::bad(format!(
                    "{one} and {other} exclude each other"
                )));
            }
        }
        let names = asked("include_names").is_some_and(|it| it != "0");
        let is = |name: &str, matches: bool, value: &str| {
            asked(name).is_none_or(|it| matches && it == value)
        };
        let inherited = asked("scope.OS-INHERIT:inherited_to").map(|it| it == "projects");
        let all = self.grants.iter().filter(|it| {
            is("user.id", !it.of_group, &it.actor)
                && is("group.id", it.of_group, &it.actor)
                && is("role.id", true, &it.role)
                && is("scope.project.id", it.of_project, &it.scope)
                && is("scope.domain.id", !it.of_project, &it.scope)
                && inherited.is_none_or(|inherited| it.inherited == inherited)
                && asked("scope.system").is_none()
        });
        let mut rows: Vec<Value> = all
            .map(|it| self.shown_grant(it, names, &request.url))
            .collect();
        let (user, role) = &self.administrator;
        let scoped = ["group.id", "scope.project.id", "scope.domain.id"];
        if scoped.iter().all(|it| asked(it).is_none())
            && is("user.id", true, user)
            && is("role.id", true, role)
        {
            rows.push(self.shown_system_grant(names, &request.url));
        }
        let links = json!({"next": null, "self": request.full_url(), "previous": null});
        Ok(json!({"role_assignments": rows, "links": links}))
    }
}

fn is_asked_for(kind: ObjectKind, thing: &Map<String, Value>, request: &Request) -> bool {
    // Whoever asks for roles without a domain asks for the global ones.
    let is_of_no_domain = kind == ObjectKind::Role && request.query("domain_id").is_none();
    if is_of_no_domain && !text_of(thing, "domain_id").is_empty() {
        return false;
    }
    let known = |name: &&&str| thing.contains_key(**name);
    FILTERS.iter().filter(known).all(|name: &&str| {
        let Some(wanted) = request.query(name) else {
            return true;
        };
        match thing.get(*name) {
            Some(Value::String(text)) => text == wanted,
            Some(Value::Bool(it)) => {
                let wanted = !matches!(wanted, "false" | "False" | "0" | "no" | "off");
                *it == wanted
            }
            _ => false,
        }
    })
}

fn page(
    collection: &str,
    rows: Vec<Map<String, Value>>,
    truncated: bool,
    request: &Request,
) -> Value {
    let last = rows.last().map(|it| text_of(it, "id"));
    let next = last.filter(|_| truncated).map(|it| request.next_url(&it));
    let mut page = json!({
        collection: rows,
        "links": {"next": next, "self": request.full_url(), "previous": null},
    });
    if truncated {
        page["truncated"] = json!(true);
    }
    page
}
