//! Which request does what.

use serde_json::{Value, json};
use shared::model::ObjectKind;

use super::links::Deed;
use super::refusal::{Outcome, Refusal};
use super::show;
use super::world::{Grant, World};

/// A request, without its connection.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// Below `/v3`.
    pub(super) segments: Vec<String>,
    query: Vec<(String, String)>,
    raw: String,
    pub(super) body: Value,
    /// The address of `/v3`.
    pub(super) url: String,
}

/// What is answered: status, body, and the new token.
pub(super) type Answer = (u16, Value, Option<String>);

impl Request {
    /// `path` begins below `/v3`, and may have a query.
    pub(super) fn new(method: &str, path: &str, body: Value, url: &str) -> Self {
        let whole = reqwest::Url::parse(&format!("{url}{path}"));
        let (segments, query) = whole.map_or_else(
            |_| (Vec::new(), Vec::new()),
            |whole| {
                let query = whole.query_pairs().into_owned().collect();
                (segments(&whole), query)
            },
        );
        Self {
            method: method.to_owned(),
            segments,
            query,
            raw: path.to_owned(),
            body,
            url: url.to_owned(),
        }
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn full_url(&self) -> String {
        format!("{}{}", self.url, self.raw)
    }

    /// The same list from behind `marker` on.
    pub(super) fn next_url(&self, marker: &str) -> String {
        let path = self.raw.split('?').next().unwrap_or_default();
        let mut query = self.query.clone();
        match query.iter_mut().find(|(name, _)| name == "marker") {
            Some((_, value)) => marker.clone_into(value),
            None => query.push(("marker".to_owned(), marker.to_owned())),
        }
        let Ok(mut url) = reqwest::Url::parse(&format!("{}{path}", self.url)) else {
            return String::new();
        };
        url.query_pairs_mut().extend_pairs(query);
        url.to_string()
    }

    /// Its path with `{}` for ids.
    pub(super) fn shape(&self) -> String {
        const WORDS: [&str; 16] = [
            "auth",
            "tokens",
            "domains",
            "projects",
            "users",
            "groups",
            "roles",
            "implies",
            "password",
            "OS-INHERIT",
            "inherited_to_projects",
            "role_inferences",
            "role_assignments",
            "ec2tokens",
            "services",
            "endpoints",
        ];
        let shown = self
            .segments
            .iter()
            .map(|it| match WORDS.contains(&it.as_str()) {
                true => it.as_str(),
                false => "{}",
            });
        let shown: Vec<&str> = shown.collect();
        format!("{} /{}", self.method, shown.join("/"))
    }

    pub(super) fn is_write(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

/// The decoded segments below `/v3`.
fn segments(url: &reqwest::Url) -> Vec<String> {
    let all = url.path_segments().into_iter().flatten();
    let below = all.filter(|it| !it.is_empty()).skip(1);
    let decoded = below.map(|it| {
        let pair = format!("x={}", it.replace('+', "%2B"));
        let url = reqwest::Url::parse(&format!("http://x/?{pair}"));
        let first = url.ok().and_then(|it| {
            let pair = it.query_pairs().next()?;
            Some(pair.1.into_owned())
        });
        first.unwrap_or_default()
    });
    decoded.collect()
}

fn kind_of(collection: &str) -> Option<ObjectKind> {
    let mut all = ObjectKind::ALL.iter();
    all.find(|it| show::collection(**it) == collection).copied()
}

impl World {
    /// Answers whoever has this token.
    pub(super) fn answer(&mut self, request: &Request, token: Option<&str>) -> Answer {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET" | "HEAD", []) => (200, version(&request.url), None),
            ("POST", ["auth", "tokens"]) => match self.sign_in(&request.body, &request.url) {
                Ok((token, told)) => (201, told, Some(token)),
                Err(refusal) => (refusal.status, refusal.body(), None),
            },
            ("POST", ["ec2tokens"]) => plain(Err(Refusal::unauthorized())),
            _ => match self.caller(token) {
                Err(refusal) => plain(Err(refusal)),
                Ok(caller) if caller.is_administrator => self.answer_administrator_with(request),
                Ok(caller) => plain(self.answer_user(request, &segments, &caller.user)),
            },
        }
    }

    /// Answers an administrator: status and body.
    pub(super) fn answer_administrator(&mut self, request: &Request) -> (u16, Value) {
        let (status, body, _) = self.answer_administrator_with(request);
        (status, body)
    }

    fn answer_administrator_with(&mut self, request: &Request) -> Answer {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let deed = match request.method.as_str() {
            "PUT" => Some(Deed::Make),
            "GET" | "HEAD" => Some(Deed::Check),
            "DELETE" => Some(Deed::Remove),
            _ => None,
        };
        plain(match (deed, segments.as_slice()) {
            (_, ["users", user, "password"]) if request.method == "POST" => {
                self.change_password(user, &request.body).map(|()| none())
            }
            (_, [collection]) if kind_of(collection).is_some() => self.collection(request),
            (_, [collection, id]) if kind_of(collection).is_some() => self.member(request, id),
            (Some(deed), ["groups", group, "users", user]) => {
                self.membership(deed, group, user).map(|()| none())
            }
            (Some(Deed::Check), ["groups", group, "users"]) => {
                self.members_of(group, request).map(|it| (200, it))
            }
            (Some(Deed::Check), ["users", user, "groups"]) => {
                self.groups_with(user, request).map(|it| (200, it))
            }
            (Some(Deed::Check), ["roles", prior, "implies"]) => {
                self.implied_by(prior, &request.url).map(|it| (200, it))
            }
            (Some(deed), ["roles", prior, "implies", implied]) => {
                self.implication(deed, prior, implied).map(|()| match deed {
                    Deed::Make => (201, self.shown_implication(prior, implied, &request.url)),
                    Deed::Check => (200, self.shown_implication(prior, implied, &request.url)),
                    Deed::Remove => none(),
                })
            }
            (Some(Deed::Check), ["role_inferences"]) => Ok((200, self.inferences(&request.url))),
            (Some(Deed::Check), ["services"]) => {
                let all = json!([{"id": "identity", "type": "identity", "enabled": true}]);
                Ok((200, json!({"services": all, "links": {"next": null}})))
            }
            (Some(Deed::Check), ["endpoints"]) => {
                Ok((200, json!({"endpoints": [], "links": {"next": null}})))
            }
            (Some(Deed::Check), ["role_assignments"]) => {
                self.assignments(request).map(|it| (200, it))
            }
            (Some(Deed::Remove), ["auth", "tokens"]) => Ok(none()),
            (Some(deed), ["OS-INHERIT", path @ .., "inherited_to_projects"]) => {
                self.grants_at(deed, path, true, request)
            }
            (Some(deed), path) => self.grants_at(deed, path, false, request),
            _ => Ok(nowhere()),
        })
    }

    fn collection(&mut self, request: &Request) -> Outcome<(u16, Value)> {
        let first = request.segments.first().and_then(|it| kind_of(it));
        let Some(kind) = first else {
            return Ok(nowhere());
        };
        match request.method.as_str() {
            "GET" | "HEAD" => self.list(kind, request).map(|it| (200, it)),
            "POST" => {
                let made = self.create(kind, &request.body)?;
                let shown = show::thing(kind, &made, &request.url);
                Ok((201, json!({show::member(kind): shown})))
            }
            _ => Ok(not_allowed()),
        }
    }

    fn member(&mut self, request: &Request, id: &str) -> Outcome<(u16, Value)> {
        let first = request.segments.first().and_then(|it| kind_of(it));
        let Some(kind) = first else {
            return Ok(nowhere());
        };
        let url = &request.url;
        match request.method.as_str() {
            "GET" | "HEAD" => {
                let domains = self.all(ObjectKind::Department);
                let shown = match domains.get(id).filter(|_| kind == ObjectKind::Project) {
                    Some(domain) => show::domain_as_project(domain, url),
                    None => show::thing(kind, self.get(kind, id)?, url),
                };
                Ok((200, json!({show::member(kind): shown})))
            }
            "PATCH" => {
                let changed = self.update(kind, id, &request.body)?;
                let shown = show::changed(kind, &changed, url);
                Ok((200, json!({show::member(kind): shown})))
            }
            "DELETE" => self.delete(kind, id).map(|()| none()),
            _ => Ok(not_allowed()),
        }
    }

    fn grants_at(
        &mut self,
        deed: Deed,
        path: &[&str],
        inherited: bool,
        request: &Request,
    ) -> Outcome<(u16, Value)> {
        let (scopes, scope, actors, actor, role) = match path {
            [scopes, scope, actors, actor, "roles", role] => (scopes, scope, actors, actor, *role),
            [scopes, scope, actors, actor, "roles"] if !inherited => {
                (scopes, scope, actors, actor, "")
            }
            _ => return Ok(nowhere()),
        };
        let is_known = matches!(*scopes, "projects" | "domains");
        if !is_known || !matches!(*actors, "users" | "groups") {
            return Ok(nowhere());
        }
        let grant = Grant {
            of_project: *scopes == "projects",
            scope: (*scope).to_owned(),
            of_group: *actors == "groups",
            actor: (*actor).to_owned(),
            role: role.to_owned(),
            inherited,
        };
        match (role, deed) {
            ("", Deed::Check) => Ok((200, self.roles_of(&grant, request))),
            ("", _) => Ok(not_allowed()),
            _ => self.grant(deed, &grant).map(|()| none()),
        }
    }

    fn answer_user(
        &mut self,
        request: &Request,
        segments: &[&str],
        user: &str,
    ) -> Outcome<(u16, Value)> {
        match (request.method.as_str(), segments) {
            ("GET", ["users", id]) if *id == user => self.member(request, id),
            ("POST", ["users", id, "password"]) => {
                self.change_password(id, &request.body).map(|()| none())
            }
            ("DELETE", ["auth", "tokens"]) => Ok(none()),
            _ => Err(Refusal::forbidden(
                "You are not authorized to perform the requested action.",
            )),
        }
    }
}

const fn none() -> (u16, Value) {
    (204, Value::Null)
}

fn nowhere() -> (u16, Value) {
    (404, Value::Null)
}

fn not_allowed() -> (u16, Value) {
    let message = "The method is not allowed for the requested URL.";
    (405, json!({"message": message}))
}

fn plain(outcome: Outcome<(u16, Value)>) -> Answer {
    match outcome {
        Ok((status, body)) => (status, body, None),
        Err(refusal) => (refusal.status, refusal.body(), None),
    }
}

fn version(url: &str) -> Value {
    json!({"version": {
        "id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{url}/")}],
        "media-types": [{"base": "application/json",
                         "type": "application/vnd.openstack.identity-v3+json"}],
    }})
}
