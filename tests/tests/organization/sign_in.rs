//! One account everywhere: at the hub, and in each region's own Keystone, whatever is away.

use std::time::Duration;

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use shared::runtime::clock::Clock;
use tests::keystone::{Options, SimulatedKeystone};
use tests::lab::{Lab, PASSWORD, succeeded};
use tokio::runtime::{Builder, Runtime};

use super::keystone::Keystone;
use super::merge;

/// An agent reads its cloud's organization every 10 s, and begins anew some seconds after a kill.
const PATIENCE: Duration = Duration::from_secs(90);

const OLD: &str = "secret of ann";
const NEW: &str = "correct horse battery";

/// The hub's API as a browser has it.
struct Web {
    runtime: Runtime,
    client: Client,
    url: String,
}

impl Web {
    fn new(lab: &Lab) -> Self {
        shared::pki::install_default_provider();
        // The hub's certificate is by its own CA.
        let client = Client::builder().danger_accept_invalid_certs(true);
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            client: client.no_proxy().build().unwrap(),
            url: format!("https://localhost:{}/api/v1", lab.web().port()),
        }
    }

    /// Status and cookie.
    fn enter(&self, department: Option<&str>, name: &str, password: &str) -> (u16, String) {
        let asked = self.client.post(format!("{}/session", self.url));
        let body = json!({ "department": department, "account": name, "password": password });
        let answer = self.runtime.block_on(asked.json(&body).send()).unwrap();
        let cookie = answer.headers().get(SET_COOKIE);
        let cookie = cookie.map_or("", |it| it.to_str().unwrap());
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        (answer.status().as_u16(), cookie)
    }

    fn research(&self, name: &str, password: &str) -> u16 {
        self.enter(Some("research"), name, password).0
    }

    fn ask(&self, cookie: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.url);
        let asked = self
            .client
            .request(method, url)
            .header(COOKIE, cookie)
            .json(body);
        self.runtime.block_on(async {
            let answer = asked.send().await.unwrap();
            let status = answer.status().as_u16();
            (status, answer.json().await.unwrap_or_default())
        })
    }
}

impl Keystone {
    /// Whether somebody of `research` gets a token.
    fn lets_in(&self, name: &str, password: &str) -> bool {
        let user = json!({
            "name": name, "domain": { "name": "research" }, "password": password,
        });
        let identity = json!({ "methods": ["password"], "password": { "user": user } });
        let asked = json!({ "auth": { "identity": identity } });
        self.ask("POST", "/auth/tokens", &asked).0 == 201
    }
}

fn until(what: &str, reached: impl Fn() -> bool) {
    let clock = Clock::system();
    let deadline = clock.now() + PATIENCE;
    while !reached() {
        assert!(clock.now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn one_account_signs_in_at_the_hub_and_in_every_region() {
    let runtime = Runtime::new().unwrap();
    let start = || runtime.block_on(SimulatedKeystone::start(Options::default()));
    let (north, south) = (start(), start());
    let of = |it: &SimulatedKeystone| Keystone::new(&it.auth_url(), SimulatedKeystone::PASSWORD);
    let (mut source, target) = (of(&north), of(&south));
    source.play(
        r#"
d POST /domains {"domain": {"name": "research"}}
a POST /users {"user": {"name": "ann", "domain_id": "$d", "password": "secret of ann"}}
c POST /users {"user": {"name": "cleo", "domain_id": "$d", "password": "secret of cleo"}}
"#,
    );
    let mut lab = Lab::found();
    let (mut near, mut far) = (
        lab.join_keystone("north", &north),
        lab.join_keystone("south", &south),
    );
    merge(&lab, "north");
    merge(&lab, "south");
    until("the users are in the other region", || {
        target.told().users.len() == 2
    });
    let web = Web::new(&lab);

    // Merged: his own cloud knows him, and from then on all do.
    assert_eq!(web.research("ann", "not this"), 401);
    until("ann signs in", || web.research("ann", OLD) == 201);
    until("her password is everywhere", || target.lets_in("ann", OLD));

    // New, and changed while a region is away.
    let (_, admin) = web.enter(None, "admin", PASSWORD);
    succeeded(lab.ask(&["org", "create", "user", "bob", "--in", "research"]));
    let users = lab.items("/directory/users");
    let bob = users.iter().find(|it| it["name"] == "bob").unwrap();
    let path = format!("/directory/users/{}/password", bob["id"].as_str().unwrap());
    assert_eq!(web.research("bob", NEW), 401);
    let set = web.ask(&admin, Method::PUT, &path, &json!({ "new": NEW }));
    assert_eq!((set.0, &set.1["regions"]), (200, &json!(2)), "{}", set.1);
    assert_eq!(web.research("bob", NEW), 201);
    until("bob's password is everywhere", || {
        source.lets_in("bob", NEW) && target.lets_in("bob", NEW)
    });
    far.daemon.kill();
    let (_, session) = web.enter(Some("research"), "bob", NEW);
    let change = json!({ "current": NEW, "new": "another password" });
    let changed = web.ask(&session, Method::PUT, "/session/password", &change);
    assert_eq!(changed.0, 200, "{}", changed.1);
    assert_eq!(
        web.ask(&session, Method::GET, "/session", &Value::Null).0,
        401
    );
    until("the near region has it", || {
        source.lets_in("bob", "another password")
    });
    assert!(target.lets_in("bob", NEW), "the other one is away");
    far.daemon.again();
    until("the far region has it", || {
        target.lets_in("bob", "another password")
    });
    assert!(!target.lets_in("bob", NEW));

    // The region that knows the password is away: this is no wrong password.
    near.daemon.kill();
    until("the hub has noticed", || {
        web.research("cleo", "secret of cleo") == 503
    });
    near.daemon.again();
    until("cleo signs in", || {
        web.research("cleo", "secret of cleo") == 201
    });

    // The hub is down: each region's own Keystone goes on.
    lab.hub().kill();
    for keystone in [&source, &target] {
        assert!(keystone.lets_in("bob", "another password") && keystone.lets_in("ann", OLD));
    }
    lab.hub().again();
    until("the hub is back", || {
        web.research("bob", "another password") == 201
    });

    // Switched off and deleted: nowhere any more.
    succeeded(lab.ask(&["org", "set", "user", "ann", "--disable"]));
    succeeded(lab.ask(&["org", "delete", "user", "bob", "--yes"]));
    assert_eq!(
        (
            web.research("ann", OLD),
            web.research("bob", "another password")
        ),
        (401, 401)
    );
    until("no Keystone lets them in", || {
        let all = [&source, &target];
        all.iter()
            .all(|it| !it.lets_in("ann", OLD) && !it.lets_in("bob", "another password"))
    });
}
