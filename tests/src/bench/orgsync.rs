//! `orgsync`: an organization of a size that companies have, and a bare loader that writes the same
//! into a Keystone by the same calls, and a script on openstacksdk that writes it too.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{StreamExt, iter};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use shared::runtime::clock::Clock;

use crate::inproc::private_dir;
use crate::keystone::SimulatedKeystone;
use crate::openstack::RealCloud;

/// Departments, each with its part of the projects and users.
pub const DEPARTMENTS: usize = 20;
/// Projects.
pub const PROJECTS: usize = 500;
/// Users.
pub const USERS: usize = 2_000;
/// Roles that users have in projects: two each.
pub const ASSIGNMENTS: usize = 2 * USERS;

/// Everything that is written.
pub const WRITES: usize = DEPARTMENTS + PROJECTS + USERS + ASSIGNMENTS;

/// As many as an agent has orders under way.
pub const AT_ONCE: usize = 8;

/// A thing to be made: what it is called in links, its path, its body, of which the department's
/// name stands for its id.
struct Thing {
    name: String,
    path: &'static str,
    body: Value,
    department: Option<String>,
}

fn departments() -> impl Iterator<Item = Thing> {
    (0..DEPARTMENTS).map(|number| Thing {
        name: format!("d{number}"),
        path: "/domains",
        body: json!({"domain": {"name": format!("d{number}"), "enabled": true}}),
        department: None,
    })
}

fn members() -> impl Iterator<Item = Thing> {
    let thing = |what: &'static str, path, short: char, number: usize| Thing {
        name: format!("{short}{number}"),
        path,
        body: json!({what: {"name": format!("{short}{number}"), "enabled": true}}),
        department: Some(format!("d{}", number % DEPARTMENTS)),
    };
    let projects = (0..PROJECTS).map(move |it| thing("project", "/projects", 'p', it));
    projects.chain((0..USERS).map(move |it| thing("user", "/users", 'u', it)))
}

/// User and project of each role that is given.
fn assignments() -> impl Iterator<Item = (String, String)> {
    (0..ASSIGNMENTS).map(|number| {
        let (user, project) = (number / 2, (number * 7 + number / 2) % PROJECTS);
        (format!("u{user}"), format!("p{project}"))
    })
}

impl Thing {
    fn filled(mut self, ids: &BTreeMap<String, String>) -> (String, &'static str, Value) {
        if let (Some(department), Some(it)) = (&self.department, self.body.as_object_mut())
            && let Some(fields) = it.values_mut().next()
        {
            fields["domain_id"] = json!(ids[department]);
        }
        (self.name, self.path, self.body)
    }
}

/// Writes the same organization by a script on openstacksdk; how long its writes took.
pub fn load_by_sdk(cloud: &RealCloud) -> Duration {
    let members: Vec<Value> = members()
        .map(|it| {
            let kind = it.path.trim_start_matches('/').trim_end_matches('s');
            json!([kind, it.name, it.department])
        })
        .collect();
    let organization = json!({
        "departments": departments().map(|it| it.name).collect::<Vec<_>>(),
        "members": members,
        "assignments": assignments().collect::<Vec<_>>(),
    });
    let folder = private_dir();
    let (script, told) = (
        folder.path().join("sdk.py"),
        folder.path().join("told.json"),
    );
    std::fs::write(&script, include_str!("orgsync/sdk.py")).unwrap();
    std::fs::write(&told, organization.to_string()).unwrap();
    let said = cloud.python(&[&script, &told]);
    Duration::from_secs_f64(said.trim().parse().unwrap())
}

fn id(body: &Value) -> String {
    let thing = body.as_object().and_then(|it| it.values().next());
    thing.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Makes the organization in a simulated Keystone, past HTTP.
pub fn furnish(keystone: &SimulatedKeystone) {
    let (_, roles) = keystone.ask("GET", "/roles?name=member", &Value::Null);
    let role = roles["roles"][0]["id"].as_str().unwrap().to_owned();
    let mut ids = BTreeMap::new();
    for thing in departments().chain(members()) {
        let (name, path, body) = thing.filled(&ids);
        let (status, made) = keystone.ask("POST", path, &body);
        assert_eq!(status, 201, "{made}");
        ids.insert(name, id(&made));
    }
    for (user, project) in assignments() {
        let path = format!(
            "/projects/{}/users/{}/roles/{role}",
            ids[&project], ids[&user]
        );
        let (status, told) = keystone.ask("PUT", &path, &Value::Null);
        assert_eq!(status, 204, "{told}");
    }
}

/// A Keystone's administrator.
#[derive(Clone)]
pub struct Administrator {
    client: Client,
    auth_url: String,
    token: String,
}

impl Administrator {
    /// Signs in.
    pub async fn sign_in(auth_url: &str, password: &str) -> Self {
        let client = Client::builder().no_proxy().build().unwrap();
        let domain = json!({"id": "default"});
        let auth = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "admin", "domain": domain, "password": password}}},
            "scope": {"project": {"name": "admin", "domain": domain}}}});
        let mut token = None;
        // Right after its start one was seen to refuse the account that it was started with, once.
        for _ in 0..20 {
            let answer = client.post(format!("{auth_url}/auth/tokens")).json(&auth);
            let answer = answer.send().await.unwrap();
            if let Some(it) = answer.headers().get("x-subject-token") {
                token = Some(it.to_str().unwrap().to_owned());
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let token = token.expect("the administrator can't sign in");
        let auth_url = auth_url.to_owned();
        Self {
            client,
            auth_url,
            token,
        }
    }

    /// One request, which must succeed.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let request = self
            .client
            .request(method, format!("{}{path}", self.auth_url));
        let request = request.header("x-auth-token", &self.token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let bytes = answer.bytes().await.unwrap();
        assert!(status.is_success(), "{path}: {status}");
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Makes so many users of a department that is made for them, so many at once; how many a
    /// second that were.
    pub async fn makes_users(&self, department: &str, (count, at_once): (usize, usize)) -> f64 {
        let body = json!({"domain": {"name": department}});
        let made = self.ask(Method::POST, "/domains", Some(&body)).await;
        let within = id(&made);
        let clock = Clock::system();
        let begun = clock.now();
        let users = iter(0..count).map(async |number| {
            let body = json!({"user": {"name": format!("u{number}"), "domain_id": within}});
            drop(self.ask(Method::POST, "/users", Some(&body)).await);
        });
        users.buffer_unordered(at_once).collect::<Vec<()>>().await;
        let took = clock.now().saturating_duration_since(begun);
        count as f64 / took.as_secs_f64()
    }

    /// Writes the same organization by the same calls, as many at once as an agent gives; how long
    /// that took.
    pub async fn load(&self) -> Duration {
        let roles = self.ask(Method::GET, "/roles?name=member", None).await;
        let role = roles["roles"][0]["id"].as_str().unwrap().to_owned();
        let clock = Clock::system();
        let begun = clock.now();
        let mut ids = BTreeMap::new();
        let make = async |ids: &BTreeMap<String, String>, things: Vec<Thing>| {
            let made = iter(things.into_iter().map(|it| it.filled(ids)));
            let made = made.map(async |(name, path, body)| {
                let made = self.ask(Method::POST, path, Some(&body)).await;
                (name, id(&made))
            });
            let made: Vec<(String, String)> = made.buffer_unordered(AT_ONCE).collect().await;
            made
        };
        let made = make(&ids, departments().collect()).await;
        ids.extend(made);
        let made = make(&ids, members().collect()).await;
        ids.extend(made);
        let given = iter(assignments()).map(|(user, project)| {
            let path = format!(
                "/projects/{}/users/{}/roles/{role}",
                ids[&project], ids[&user]
            );
            async move { drop(self.ask(Method::PUT, &path, None).await) }
        });
        given.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        clock.now().saturating_duration_since(begun)
    }
}
