//! The hub's REST API, for edits and for what became of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use idp_hub::directory::{Edit, Patch};
use reqwest::{Client, Method};
use serde_json::{Map, Value, json};
use shared::ids::ObjectId;
use shared::model::{
    Actor, Assignment, Department, Group, Implication, Link, Membership, Object, ObjectKind,
    Organization, Project, Role, Scope, User,
};
use tokio::runtime::{Builder, Runtime};

pub(super) struct Rest {
    runtime: Runtime,
    client: Client,
}

type Id = ObjectId;

impl Rest {
    /// By the hub's local socket.
    pub(super) fn new(socket: &Path) -> Self {
        shared::pki::install_default_provider();
        let client = Client::builder().unix_socket(socket.to_owned());
        // The hub ends connections that rest, and a local operation may take a while.
        let client = client.pool_max_idle_per_host(0);
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            client: client.timeout(Duration::from_secs(30)).build().unwrap(),
        }
    }

    pub(super) fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self
            .client
            .request(method, format!("http://hub/api/v1{path}"));
        let request = match body {
            Value::Null => request,
            body => request.json(body),
        };
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let bytes = answer.bytes().await.unwrap();
            (status, serde_json::from_slice(&bytes).unwrap_or_default())
        })
    }

    /// Everything on all pages.
    pub(super) fn items(&self, path: &str) -> Vec<Value> {
        self.items_where(path, "")
    }

    /// The same of what a filter lets through, such as `&action=end`.
    fn items_where(&self, path: &str, filter: &str) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let asked = format!("{path}?limit=1000{filter}{after}");
            let (status, page) = self.ask("GET", &asked, &Value::Null);
            assert_eq!(status, 200, "{path}: {page}");
            all.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return all,
            }
        }
    }

    /// The departments and projects that were retired.
    pub(super) fn retired(&self) -> BTreeSet<Id> {
        let all = self.items("/directory/retired");
        all.iter().filter_map(|it| id(&it["id"])).collect()
    }

    /// What somebody ended, one by one, by the hub's audit trail: at the hub, or in a region whose
    /// word was taken.
    pub(super) fn ended(&self) -> BTreeSet<Id> {
        let of = |action: &str| self.items_where("/audit", &format!("&action={action}"));
        let all = ["end", "adopt-drift"].into_iter().flat_map(of);
        // A name that was adopted ends nobody.
        let ends = |it: &Value| {
            let after = it["after"].as_str().unwrap_or_default();
            it["action"] == "end" || after.contains("\": deleted")
        };
        let done = all.filter(|it| it["outcome"] == "done" && ends(it));
        done.filter_map(|it| id(&it["subject"]["id"])).collect()
    }

    /// An administrator's edit. Whether it was made; what is refused is no fault.
    pub(super) fn edit(&self, edit: &Edit) -> bool {
        let (method, path, body) = call(edit);
        let (status, answer) = self.ask(method, &path, &body);
        assert!(status < 500, "{method} {path} {body}: {status} {answer}");
        status < 300
    }

    /// All drift that can be answered.
    pub(super) fn drift(&self) -> Vec<Value> {
        let all = self.items("/directory/drift").into_iter();
        let can = |it: &Value, what: &str| it[what].as_bool() == Some(true);
        all.filter(|it| can(it, "can_put_back") || can(it, "can_adopt"))
            .collect()
    }

    /// Puts a drift back, or adopts it where that can't be. It may be another one by now.
    pub(super) fn cure(&self, drift: &Value) {
        let text = |field: &str| drift[field].as_str().unwrap_or_default();
        let how = match drift["can_put_back"].as_bool() {
            Some(true) => "put-back",
            _ => "adopt",
        };
        let path = format!("/regions/{}/drift/{}/{how}", text("region"), text("id"));
        let (status, answer) = self.ask("POST", &path, &json!({ "seen": text("seen") }));
        assert!(status < 500, "{path}: {status} {answer}");
    }

    /// The directory as it is now.
    pub(super) fn directory(&self) -> Organization<Id> {
        let mut all = Organization::default();
        for kind in ObjectKind::ALL {
            for it in self.items(&format!("/directory/{}s", kind.name())) {
                all.insert(id(&it["id"]).unwrap(), object(kind, &it));
            }
        }
        for it in self.items("/directory/memberships") {
            let (group, user) = (of(&it, "group").unwrap(), of(&it, "user").unwrap());
            all.link(Link::Membership(Membership { group, user }));
        }
        for it in self.items("/directory/implications") {
            let (prior, implied) = (of(&it, "role").unwrap(), of(&it, "implied").unwrap());
            all.link(Link::Implication(Implication { prior, implied }));
        }
        for it in self.items("/directory/assignments") {
            let user = of(&it, "user").map(Actor::User);
            let project = of(&it, "project").map(Scope::Project);
            let department = || Scope::Department(of(&it, "department").unwrap());
            all.link(Link::Assignment(Assignment {
                actor: user.unwrap_or_else(|| Actor::Group(of(&it, "group").unwrap())),
                scope: project.unwrap_or_else(department),
                role: of(&it, "role").unwrap(),
                inherited: it["inherited"].as_bool().unwrap(),
            }));
        }
        all
    }
}

fn id(value: &Value) -> Option<Id> {
    value.as_str()?.parse().ok()
}

/// What a document refers to.
fn of(document: &Value, field: &str) -> Option<Id> {
    id(&document[field]["id"])
}

fn object(kind: ObjectKind, it: &Value) -> Object<Id> {
    let text = |field: &str| it[field].as_str().map(str::to_owned);
    let (name, description) = (text("name").unwrap(), text("description"));
    let enabled = it["enabled"].as_bool().unwrap_or(true);
    let department = of(it, "department");
    match kind {
        ObjectKind::Department => Object::Department(Department {
            name,
            description,
            enabled,
        }),
        ObjectKind::Project => Object::Project(Project {
            department: department.unwrap(),
            parent: of(it, "parent"),
            name,
            description,
            enabled,
        }),
        ObjectKind::User => Object::User(User {
            department: department.unwrap(),
            name,
            description,
            email: text("email"),
            enabled,
            default_project: of(it, "default_project"),
        }),
        ObjectKind::Group => {
            let department = department.unwrap();
            Object::Group(Group {
                department,
                name,
                description,
            })
        }
        ObjectKind::Role => Object::Role(Role {
            department,
            name,
            description,
        }),
    }
}

fn call(edit: &Edit) -> (&'static str, String, Value) {
    let things = |kind: &ObjectKind| format!("/directory/{}s", kind.name());
    match edit {
        Edit::Create { object, .. } => ("POST", things(&object.kind()), new(object)),
        Edit::Update { kind, id, patch } => {
            ("PATCH", format!("{}/{id}", things(kind)), changed(patch))
        }
        Edit::End { kind, id } => ("DELETE", format!("{}/{id}", things(kind)), Value::Null),
        Edit::Link(link) => ("POST", links(link), linked(link)),
        Edit::Unlink(link) => (
            "DELETE",
            format!("{}/{}", links(link), link.id()),
            Value::Null,
        ),
        Edit::Appoint(_) | Edit::Dismiss { .. } | Edit::Entrust(_) => {
            panic!("nobody is appointed here")
        }
    }
}

fn links(link: &Link<Id>) -> String {
    format!("/directory/{}s", link.kind().name())
}

fn new(object: &Object<Id>) -> Value {
    let mut all = Map::from_iter([("name".to_owned(), json!(object.name()))]);
    let mut put = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
    if let Some(it) = object.department() {
        put("department", json!(it.to_string()));
    }
    match object {
        Object::Department(it) => put("enabled", json!(it.enabled)),
        Object::Project(it) => {
            put("enabled", json!(it.enabled));
            put("parent", json!(it.parent.map(|it| it.to_string())));
        }
        Object::User(it) => {
            put("enabled", json!(it.enabled));
            put(
                "default_project",
                json!(it.default_project.map(|it| it.to_string())),
            );
        }
        Object::Group(_) | Object::Role(_) => {}
    }
    Value::Object(all)
}

fn changed(patch: &Patch) -> Value {
    let mut all = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            all.insert(name.to_owned(), value);
        }
    };
    put("name", patch.name.as_ref().map(|it| json!(it)));
    put(
        "description",
        patch.description.as_ref().map(|it| json!(it)),
    );
    put("enabled", patch.enabled.map(|it| json!(it)));
    put("email", patch.email.as_ref().map(|it| json!(it)));
    let home = patch.default_project;
    put(
        "default_project",
        home.map(|it| json!(it.map_or(String::new(), |it| it.to_string()))),
    );
    Value::Object(all)
}

fn linked(link: &Link<Id>) -> Value {
    match link {
        Link::Membership(it) => json!({
            "group": it.group.to_string(), "user": it.user.to_string() }),
        Link::Implication(it) => json!({
            "role": it.prior.to_string(), "implied": it.implied.to_string() }),
        Link::Assignment(it) => {
            let (actor, who) = match it.actor {
                Actor::User(id) => ("user", id),
                Actor::Group(id) => ("group", id),
            };
            let (scope, place) = match it.scope {
                Scope::Department(id) => ("department", id),
                Scope::Project(id) => ("project", id),
            };
            json!({ actor: who.to_string(), scope: place.to_string(),
                    "role": it.role.to_string(), "inherited": it.inherited })
        }
    }
}
