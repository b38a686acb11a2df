//! The real cloud that these tests run against, and an administrator who changes things in it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use shared::runtime::clock::Clock;
use sp_agent::cloud::openstack::{Auth, Domain, OpenStack, Options, Secret};

/// How to reach the cloud, as `cargo xtask cloud up --json` prints it.
pub(crate) fn connection() -> &'static Value {
    static CONNECTION: OnceLock<Value> = OnceLock::new();
    CONNECTION.get_or_init(|| match std::env::var_os("REGROUP_TEST_CLOUD") {
        Some(path) => {
            let text = std::fs::read(PathBuf::from(path)).expect("read REGROUP_TEST_CLOUD");
            serde_json::from_slice(&text).expect("REGROUP_TEST_CLOUD is JSON")
        }
        None => bring_up(),
    })
}

fn bring_up() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["xtask", "cloud", "up", "--name", "test-a", "--json"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("run cargo xtask");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo xtask cloud up: {errors}");
    serde_json::from_slice(&output.stdout).expect("cargo xtask cloud up prints JSON")
}

fn text(name: &str) -> &'static str {
    connection()[name].as_str().expect("a text")
}

/// The cloud's administrator, as the client signs in.
pub(crate) fn administrator() -> Options {
    options(Auth::Password {
        username: text("username").to_owned(),
        password: Secret::new(text("password")),
        user_domain: Domain::Id(text("user_domain_id").to_owned()),
        project_name: text("project_name").to_owned(),
        project_domain: Domain::Id(text("project_domain_id").to_owned()),
    })
}

/// The usual options, with another account.
pub(crate) fn options(auth: Auth) -> Options {
    Options {
        region_name: Some(text("region_name").to_owned()),
        // Small, so that a handful of records has several pages.
        page_size: 2,
        ..Options::new(text("auth_url"), auth)
    }
}

/// The client under test.
pub(crate) fn client(options: &Options) -> OpenStack {
    OpenStack::new(options, Clock::system()).expect("the options are right")
}

/// A name that no other run of these tests gives.
pub(crate) fn unique(kind: &str) -> String {
    format!("{kind}-{:016x}", rand::random::<u64>())
}

/// Somebody with a token, who asks the services directly.
pub(crate) struct Hand {
    http: reqwest::Client,
    token: String,
    catalog: Value,
    pub(crate) user: String,
    pub(crate) project: String,
}

impl Hand {
    /// The cloud's administrator.
    pub(crate) async fn administrator() -> Self {
        let domain = json!({"id": text("user_domain_id")});
        let user = json!({
            "name": text("username"), "password": text("password"), "domain": domain,
        });
        let project = json!({
            "name": text("project_name"), "domain": {"id": text("project_domain_id")},
        });
        Self::sign_in(user, project).await
    }

    async fn sign_in(user: Value, project: Value) -> Self {
        shared::pki::install_default_provider();
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("client");
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": project},
        }});
        let url = format!("{}/auth/tokens", text("auth_url"));
        let answer = http
            .post(url)
            .json(&body)
            .send()
            .await
            .expect("Keystone answers");
        assert_eq!(answer.status(), 201, "sign-in");
        let token = answer.headers()["x-subject-token"]
            .to_str()
            .unwrap()
            .to_owned();
        let body: Value = answer.json().await.expect("a token");
        let id = |what: &str| body["token"][what]["id"].as_str().unwrap().to_owned();
        Self {
            http,
            token,
            user: id("user"),
            project: id("project"),
            catalog: body["token"]["catalog"].clone(),
        }
    }

    /// A new project, and in it a new account with the role admin; its name and password.
    pub(crate) async fn tenant(&self) -> (Self, Auth) {
        let name = unique("tenant");
        let password = "Correct-horse-7";
        let project = json!({"project": {"name": name, "domain_id": "default"}});
        let project = self.post("identity", "/projects", project).await["project"].clone();
        let user = json!({"user": {
            "name": name, "password": password, "domain_id": "default",
        }});
        let user = self.post("identity", "/users", user).await["user"].clone();
        let roles = self.get("identity", "/roles?name=admin").await;
        let path = format!(
            "/projects/{}/users/{}/roles/{}",
            project["id"].as_str().unwrap(),
            user["id"].as_str().unwrap(),
            roles["roles"][0]["id"].as_str().unwrap(),
        );
        self.send(Method::PUT, "identity", &path, Value::Null).await;
        let domain = json!({"id": "default"});
        let hand = Self::sign_in(
            json!({"name": name, "password": password, "domain": domain}),
            json!({"name": name, "domain": domain}),
        )
        .await;
        let auth = Auth::Password {
            username: name.clone(),
            password: Secret::new(password),
            user_domain: Domain::Name("Default".to_owned()),
            project_name: name,
            project_domain: Domain::Name("Default".to_owned()),
        };
        (hand, auth)
    }

    pub(crate) async fn get(&self, service: &str, path: &str) -> Value {
        self.send(Method::GET, service, path, Value::Null).await
    }

    pub(crate) async fn post(&self, service: &str, path: &str, body: Value) -> Value {
        self.send(Method::POST, service, path, body).await
    }

    /// Gives an image a content, so that servers can be made of it.
    pub(crate) async fn upload(&self, image: &str) {
        let request = self.request(Method::PUT, "image", &format!("/v2/images/{image}/file"));
        let request = request.header("Content-Type", "application/octet-stream");
        let answer = request
            .body(vec![0; 1024])
            .send()
            .await
            .expect("Glance answers");
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Sends, and again while SQLite is busy.
    pub(crate) async fn send(
        &self,
        method: Method,
        service: &str,
        path: &str,
        body: Value,
    ) -> Value {
        for _ in 0..20 {
            let request = self.request(method.clone(), service, path);
            let request = match &body {
                Value::Null => request,
                body => request.json(body),
            };
            let answer = request.send().await.expect("the service answers");
            let status = answer.status();
            let text = answer.text().await.expect("the answer is text");
            if status.is_success() {
                return serde_json::from_str(&text).unwrap_or(Value::Null);
            }
            assert!(status.is_server_error(), "{method} {path}: {status} {text}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        panic!("{method} {service} {path} goes on failing");
    }

    fn request(&self, method: Method, service: &str, path: &str) -> RequestBuilder {
        let base = match service {
            "identity" => text("auth_url").to_owned(),
            _ => self.endpoint(service),
        };
        let request = self.http.request(method, format!("{base}{path}"));
        let request = request.header("X-Auth-Token", &self.token);
        match service {
            "compute" => request.header("OpenStack-API-Version", "compute 2.96"),
            "placement" => request.header("OpenStack-API-Version", "placement 1.39"),
            _ => request,
        }
    }

    fn endpoint(&self, service: &str) -> String {
        let services = self.catalog.as_array().unwrap();
        let found = services.iter().find(|it| it["type"] == service);
        let endpoints = found.expect("in the catalog")["endpoints"]
            .as_array()
            .unwrap();
        let public = endpoints.iter().find(|it| it["interface"] == "public");
        public.unwrap()["url"]
            .as_str()
            .unwrap()
            .trim_end_matches('/')
            .to_owned()
    }
}

/// Asks until the answer is there, for at most a minute.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    for _ in 0..300 {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("not within a minute: {what}");
}
