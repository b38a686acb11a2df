//! An OpenStack cloud's administrator, or somebody else of it, by the services' own APIs: a real
//! cloud's, or a simulated Keystone's.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// The user `admin` in the project `admin`, both in Default; or [`Admin::member`].
pub struct Admin {
    runtime: Runtime,
    client: Client,
    auth_url: String,
    account: Account,
    session: Mutex<Session>,
}

/// Who signs in where, as Keystone has it.
struct Account {
    name: String,
    domain: Value,
    password: String,
    scope: Value,
}

#[derive(Default)]
struct Session {
    token: String,
    /// Where each type of service is.
    endpoints: BTreeMap<String, String>,
}

impl Admin {
    /// Signs in, which must succeed.
    pub fn new(auth_url: &str, password: &str) -> Self {
        let domain = json!({"id": "default"});
        let account = Account {
            name: "admin".to_owned(),
            scope: json!({"project": {"name": "admin", "domain": domain}}),
            domain,
            password: password.to_owned(),
        };
        let admin = Self::signed_in(auth_url, account);
        admin.expect("the administrator signs in")
    }

    /// Somebody else, in a project of his department; `None` where Keystone does not let him in.
    pub fn member(
        &self,
        (department, name, password): (&str, &str, &str),
        project: &str,
    ) -> Option<Self> {
        let domain = json!({"name": department});
        let account = Account {
            name: name.to_owned(),
            scope: json!({"project": {"name": project, "domain": domain}}),
            domain,
            password: password.to_owned(),
        };
        Self::signed_in(&self.auth_url, account)
    }

    fn signed_in(auth_url: &str, account: Account) -> Option<Self> {
        shared::pki::install_default_provider();
        // A service that closes a connection as it is used again fails the request.
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0);
        let client = client.build().unwrap();
        let mut all = Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            client,
            auth_url: auth_url.to_owned(),
            account,
            session: Mutex::default(),
        };
        all.session = Mutex::new(all.session_of(&all.account)?);
        Some(all)
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session_of(&self, account: &Account) -> Option<Session> {
        let Account {
            name,
            domain,
            password,
            scope,
        } = account;
        let auth = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": name, "domain": domain, "password": password}}},
            "scope": scope}});
        let asked = self.client.post(format!("{}/auth/tokens", self.auth_url));
        self.runtime.block_on(async {
            let answer = asked.json(&auth).send().await.unwrap();
            let token = answer.headers().get("x-subject-token")?;
            let token = token.to_str().unwrap().to_owned();
            let told: Value = answer.json().await.unwrap();
            let catalog = told["token"]["catalog"].as_array();
            let services = catalog.into_iter().flatten();
            let endpoints = services.filter_map(|it| {
                let url = it["endpoints"][0]["url"].as_str()?;
                Some((it["type"].as_str()?.to_owned(), url.to_owned()))
            });
            Some(Session {
                token,
                endpoints: endpoints.collect(),
            })
        })
    }

    /// One request to Keystone: status and body.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.auth_url);
        self.request(method, &url, body)
    }

    /// Whether Keystone gives a token for this. It is asked once: it counts what it refuses.
    pub fn gives_token(&self, asked: &Value) -> bool {
        let request = self.client.post(format!("{}/auth/tokens", self.auth_url));
        self.send(request.json(asked)).0 == 201
    }

    /// One request to the service of this type in the cloud's catalog: status and body.
    pub fn ask_service(
        &self,
        service: &str,
        (method, path): (&str, &str),
        body: &Value,
    ) -> (u16, Value) {
        let endpoint = self.session().endpoints[service].clone();
        let url = format!("{}{path}", endpoint.trim_end_matches('/'));
        self.request(method, &url, body)
    }

    fn request(&self, method: &str, url: &str, body: &Value) -> (u16, Value) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let send = || {
            let request = self.client.request(method.clone(), url);
            let token = self.session().token.clone();
            let request = request.header("x-auth-token", token);
            self.send(match body {
                Value::Null => request,
                body => request.json(body),
            })
        };
        let answer = send();
        if answer.0 != StatusCode::UNAUTHORIZED.as_u16() {
            return answer;
        }
        // A token is good for an hour, and some runs last longer.
        let session = self.session_of(&self.account);
        *self.session() = session.expect("who was let in signs in again");
        send()
    }

    fn send(&self, request: RequestBuilder) -> (u16, Value) {
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let bytes = answer.bytes().await.unwrap();
            (status, serde_json::from_slice(&bytes).unwrap_or_default())
        })
    }

    /// Whether somebody is an administrator here, in the federation's own project for that, by what
    /// only an administrator may see.
    pub fn is_administered(&self, department: &str, name: &str, password: &str) -> bool {
        let account = Account {
            name: name.to_owned(),
            domain: json!({"name": department}),
            password: password.to_owned(),
            scope: json!({"project": {"name": "admin", "domain": {"name": "federation"}}}),
        };
        let Some(session) = self.session_of(&account) else {
            return false;
        };
        let asked = self.client.get(format!("{}/domains", self.auth_url));
        self.send(asked.header("x-auth-token", session.token)).0 == 200
    }
}
