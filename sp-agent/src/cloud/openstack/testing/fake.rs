//! A cloud on loopback: signs in whoever comes, has a catalog and versions, and for all else asks
//! its test. Bodies are shaped as real services wrote them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum_server::tls_rustls::RustlsConfig;
use serde_json::{Value, json};
use shared::ids::FederationId;
use shared::pki::{
    Authority, BoundKey, Serial, Slot, TlsClock, WebCredential, WebNames, web_server,
};
use shared::runtime::clock::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::cloud::openstack::{Auth, Domain, Options, Secret};

/// A request, as it came.
#[derive(Debug, Clone)]
pub(in crate::cloud::openstack) struct Seen {
    pub(in crate::cloud::openstack) method: String,
    /// `/compute/v2.1/servers/detail`
    pub(in crate::cloud::openstack) path: String,
    pub(in crate::cloud::openstack) query: BTreeMap<String, String>,
    pub(in crate::cloud::openstack) token: String,
    pub(in crate::cloud::openstack) microversion: String,
    /// The request's body; null where there is none.
    pub(in crate::cloud::openstack) body: Value,
    /// How many came to this path before.
    pub(in crate::cloud::openstack) before: usize,
}

impl Seen {
    pub(in crate::cloud::openstack) fn marker(&self) -> &str {
        self.query.get("marker").map_or("", String::as_str)
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub(in crate::cloud::openstack) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    delay: Duration,
}

impl Reply {
    pub(in crate::cloud::openstack) fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            delay: Duration::ZERO,
        }
    }

    /// Whether it has this status.
    pub(in crate::cloud::openstack) const fn is(&self, status: u16) -> bool {
        self.status == status
    }

    pub(in crate::cloud::openstack) fn json(body: &Value) -> Self {
        Self::status(200, body.to_string())
    }

    pub(in crate::cloud::openstack) fn header(
        mut self,
        name: &'static str,
        value: impl Into<String>,
    ) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(in crate::cloud::openstack) const fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// A good answer, for tests' scripts.
pub(in crate::cloud::openstack) fn answer(body: Value) -> Option<Reply> {
    Some(Reply::json(&body))
}

type Script = dyn Fn(&Seen) -> Option<Reply> + Send + Sync;

struct Cloud {
    url: String,
    /// The type of a service that the catalog lacks.
    lacks: &'static str,
    script: Box<Script>,
    seen: Mutex<Vec<Seen>>,
    running: AtomicUsize,
    running_max: AtomicUsize,
}

/// The cloud; gone with this value.
pub(in crate::cloud::openstack) struct Fake {
    cloud: Arc<Cloud>,
    /// Holds the server, and ends it.
    server: JoinSet<()>,
}

impl Fake {
    /// Starts it. What `script` leaves to it, it answers as an empty cloud would.
    pub(in crate::cloud::openstack) async fn start(
        script: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::start_without("", script).await
    }

    /// Starts it without one service in its catalog.
    pub(in crate::cloud::openstack) async fn start_without(
        lacks: &'static str,
        script: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (mut fake, router) = Self::new(url, lacks, Box::new(script));
        fake.server
            .spawn(async move { axum::serve(listener, router).await.unwrap() });
        fake
    }

    /// Starts it behind TLS, with a certificate for `names` by a CA of its own; the CA's
    /// certificate, in PEM.
    pub(in crate::cloud::openstack) fn start_secure(names: &[&str]) -> (Self, String) {
        let now_secs = Clock::system().unix_millis().as_secs();
        let authority = Authority::create(FederationId::from_random(7), now_secs).unwrap();
        let key = BoundKey::generate().unwrap();
        let names = WebNames::new(names).unwrap();
        let serial = Serial::generate().unwrap();
        let issued = authority.issue_web(key.public_key(), &names, serial, now_secs);
        let web = WebCredential::issued(&key, &issued.unwrap().der, authority.anchor()).unwrap();
        let config = web_server(&Slot::new(web), &TlsClock::system()).unwrap();

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let (mut fake, router) = Self::new(url, "", Box::new(|_| None));
        let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(config));
        let service = router.into_make_service();
        fake.server
            .spawn(async move { server.unwrap().serve(service).await.unwrap() });
        (fake, authority.anchor().to_pem())
    }

    fn new(url: String, lacks: &'static str, script: Box<Script>) -> (Self, Router) {
        let cloud = Arc::new(Cloud {
            url,
            lacks,
            script,
            seen: Mutex::default(),
            running: AtomicUsize::new(0),
            running_max: AtomicUsize::new(0),
        });
        let router = Router::new().fallback(handle).with_state(cloud.clone());
        let server = JoinSet::new();
        (Self { cloud, server }, router)
    }

    pub(in crate::cloud::openstack) fn url(&self) -> &str {
        &self.cloud.url
    }

    /// The requests to a path, so far.
    pub(in crate::cloud::openstack) fn seen(&self, path: &str) -> Vec<Seen> {
        let seen = self.cloud.seen.lock().unwrap();
        seen.iter().filter(|it| it.path == path).cloned().collect()
    }

    /// How often somebody signed in, or tried to.
    pub(in crate::cloud::openstack) fn sign_ins(&self) -> usize {
        self.seen("/identity/v3/auth/tokens").len()
    }

    /// The most requests that ran at the same time.
    pub(in crate::cloud::openstack) fn running_max(&self) -> usize {
        self.cloud.running_max.load(Ordering::SeqCst)
    }
}

/// Options for a client of it; the password is `hush`.
pub(in crate::cloud::openstack) fn options(url: &str) -> Options {
    let domain = Domain::Id("default".to_owned());
    let auth = Auth::Password {
        username: "admin".to_owned(),
        password: Secret::new("hush"),
        user_domain: domain.clone(),
        project_name: "ops".to_owned(),
        project_domain: domain,
    };
    Options::new(format!("{url}/identity"), auth)
}

async fn handle(State(cloud): State<Arc<Cloud>>, request: Request) -> Response {
    let running = cloud.running.fetch_add(1, Ordering::SeqCst) + 1;
    cloud.running_max.fetch_max(running, Ordering::SeqCst);
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let seen = cloud.note(&head, body);
    let reply = (cloud.script)(&seen)
        .or_else(|| cloud.usual(&seen))
        .unwrap_or_else(|| Reply::status(404, "{}"));
    tokio::time::sleep(reply.delay).await;
    cloud.running.fetch_sub(1, Ordering::SeqCst);
    let response = Response::builder().status(reply.status);
    let response = reply
        .headers
        .iter()
        .fold(response, |it, (name, value)| it.header(*name, value));
    response.body(Body::from(reply.body)).unwrap()
}

impl Cloud {
    fn note(&self, head: &Parts, body: Value) -> Seen {
        let header = |name| {
            let value = head.headers.get(name);
            value.map_or("", |it| it.to_str().unwrap()).to_owned()
        };
        let url = format!("http://h{}", head.uri);
        let url = reqwest::Url::parse(&url).unwrap();
        let path = url.path().to_owned();
        let mut all = self.seen.lock().unwrap();
        let seen = Seen {
            method: head.method.to_string(),
            query: url.query_pairs().into_owned().collect(),
            token: header("x-auth-token"),
            microversion: header("openstack-api-version"),
            before: all.iter().filter(|it| it.path == path).count(),
            body,
            path,
        };
        all.push(seen.clone());
        seen
    }

    fn usual(&self, seen: &Seen) -> Option<Reply> {
        let reply = match seen.path.as_str() {
            "/identity/v3/auth/tokens" => self.token(seen.before + 1),
            "/identity/v3/" => Reply::json(&json!({"version": {"id": "v3.14"}})),
            "/identity/v3/ec2tokens" => Reply::status(401, "{}"),
            "/compute/v2.1/" => Reply::json(&json!({"version": {
                "id": "v2.1", "version": "2.104", "min_version": "2.1"}})),
            "/placement" => Reply::json(&json!({"versions": [{
                "id": "v1.0", "max_version": "1.39", "min_version": "1.0"}]})),
            "/volume/v3/" => Reply::json(&json!({"versions": [{
                "id": "v3.0", "version": "3.71", "min_version": "3.0"}]})),
            "/network/" => Reply::json(&json!({"versions": [{"id": "v2.0"}]})),
            "/image/" => {
                let body = json!({"versions": [{"id": "v2.15"}, {"id": "v2.9"}]});
                Reply::status(300, body.to_string())
            }
            _ => return empty(&seen.path),
        };
        Some(reply)
    }

    fn token(&self, number: usize) -> Reply {
        let service = |kind: &str, path: &str| {
            json!({"type": kind, "name": kind, "id": kind, "endpoints": [{
                "interface": "public", "region_id": "RegionOne", "region": "RegionOne",
                "url": format!("{}{path}", self.url)}]})
        };
        let mut catalog = vec![
            service("compute", "/compute/v2.1"),
            service("placement", "/placement"),
            service("volumev3", "/volume/v3"),
            service("network", "/network"),
            service("image", "/image"),
            service("identity", "/identity/v3"),
        ];
        catalog.retain(|it| it["type"] != self.lacks);
        let body = json!({"token": {
            "issued_at": "2026-11-21T18:00:00.000000Z",
            "expires_at": "2026-11-21T19:00:00.000000Z",
            "user": {"id": "u", "name": "admin"},
            "project": {"id": "p", "name": "ops"},
            "roles": [{"id": "r", "name": "admin"}],
            "catalog": catalog,
        }});
        Reply::status(201, body.to_string()).header("x-subject-token", format!("token-{number}"))
    }
}

/// The lists of a cloud in which nothing is.
fn empty(path: &str) -> Option<Reply> {
    let body = match path {
        "/compute/v2.1/servers" | "/compute/v2.1/servers/detail" => json!({"servers": []}),
        "/compute/v2.1/os-hypervisors" | "/compute/v2.1/os-hypervisors/detail" => {
            json!({"hypervisors": []})
        }
        "/compute/v2.1/os-services" => json!({"services": [{
            "id": "3f9d", "binary": "nova-compute", "host": "compute1", "zone": "nova",
            "status": "enabled", "state": "up"}]}),
        "/volume/v3/volumes" | "/volume/v3/volumes/detail" => json!({"volumes": []}),
        "/volume/v3/scheduler-stats/get_pools" => json!({"pools": []}),
        "/volume/v3/os-services" => json!({"services": []}),
        // Who gets an answer to this is an administrator.
        "/network/v2.0/quotas" => json!({"quotas": []}),
        "/network/v2.0/networks" => json!({"networks": []}),
        "/network/v2.0/floatingips" => json!({"floatingips": []}),
        "/identity/v3/projects" => json!({"projects": [], "links": {"next": null}}),
        "/identity/v3/projects/p" => json!({"project": {"id": "p"}}),
        // Who gets an answer to this is an administrator.
        "/identity/v3/domains" => json!({"domains": [], "links": {"next": null}}),
        "/identity/v3/users" => json!({"users": [], "links": {"next": null}}),
        "/identity/v3/groups" => json!({"groups": [], "links": {"next": null}}),
        "/identity/v3/roles" => json!({"roles": [], "links": {"next": null}}),
        "/identity/v3/role_inferences" => json!({"role_inferences": []}),
        "/identity/v3/role_assignments" => json!({"role_assignments": []}),
        "/image/v2/images" => json!({"images": []}),
        "/placement/resource_providers" => json!({"resource_providers": []}),
        _ => return None,
    };
    answer(body)
}
