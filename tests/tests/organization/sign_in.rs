//! One account everywhere: at the hub, and in each region's own Keystone, whatever is away.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, PASSWORD, Region, succeeded, until_so};
use tokio::runtime::{Builder, Runtime};

use super::keystone::Keystone;

const OLD: &str = "secret of ann";
const NEW: &str = "correct horse battery";
const OTHER: &str = "another password";

/// The hub's API as a browser has it.
pub(crate) struct Web {
    runtime: Runtime,
    client: Client,
    url: String,
}

impl Web {
    pub(crate) fn new(lab: &Lab) -> Self {
        shared::pki::install_default_provider();
        // The hub's certificate is by its own CA; and a hub that is killed takes along what is
        // open.
        let client = Client::builder().danger_accept_invalid_certs(true);
        let client = client.pool_max_idle_per_host(0);
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            client: client.no_proxy().build().unwrap(),
            url: format!("https://localhost:{}/api/v1", lab.web().port()),
        }
    }

    /// The same from another machine: the status.
    pub(crate) fn enter_from(
        &self,
        source: Ipv4Addr,
        [department, name]: [&str; 2],
        password: &str,
    ) -> u16 {
        let client = Client::builder().danger_accept_invalid_certs(true);
        let client = client.local_address(IpAddr::V4(source)).no_proxy();
        let client = client.build().unwrap();
        let body = json!({ "department": department, "account": name, "password": password });
        let asked = client.post(format!("{}/session", self.url)).json(&body);
        let answer = self.runtime.block_on(asked.send()).unwrap();
        answer.status().as_u16()
    }

    /// Status and cookie.
    pub(crate) fn enter(
        &self,
        department: Option<&str>,
        name: &str,
        password: &str,
    ) -> (u16, String) {
        let asked = self.client.post(format!("{}/session", self.url));
        let body = json!({ "department": department, "account": name, "password": password });
        let answer = self.runtime.block_on(asked.json(&body).send()).unwrap();
        let cookie = answer.headers().get(SET_COOKIE);
        let cookie = cookie.map_or("", |it| it.to_str().unwrap());
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        (answer.status().as_u16(), cookie)
    }

    pub(crate) fn research(&self, name: &str, password: &str) -> u16 {
        self.enter(Some("research"), name, password).0
    }

    pub(crate) fn ask(
        &self,
        cookie: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (u16, Value) {
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
    pub(crate) fn lets_in(&self, name: &str, password: &str) -> bool {
        self.lets_in_of("research", name, password)
    }

    /// Whether somebody gets a token.
    pub(crate) fn lets_in_of(&self, department: &str, name: &str, password: &str) -> bool {
        let user = json!({
            "name": name, "domain": { "name": department }, "password": password,
        });
        let identity = json!({ "methods": ["password"], "password": { "user": user } });
        let asked = json!({ "auth": { "identity": identity } });
        self.admin.gives_token(&asked)
    }
}

/// A hub and two regions with one organization, and two users who came with the first one.
struct Stage {
    lab: Lab,
    near: Region,
    far: Region,
    source: Keystone,
    target: Keystone,
    web: Web,
    _clouds: (Runtime, [SimulatedKeystone; 2]),
}

impl Stage {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let (north, south) = SimulatedKeystone::pair(&runtime);
        let of = |it: &SimulatedKeystone| Keystone::new(it.admin());
        let (mut source, target) = (of(&north), of(&south));
        source.play(
            r#"
d POST /domains {"domain": {"name": "research"}}
a POST /users {"user": {"name": "ann", "domain_id": "$d", "password": "secret of ann"}}
c POST /users {"user": {"name": "cleo", "domain_id": "$d", "password": "secret of cleo"}}
"#,
        );
        let lab = Lab::found();
        let near = lab.join_keystone("north", &north);
        let far = lab.join_keystone("south", &south);
        lab.merge("north");
        lab.merge("south");
        until_so("the users are in the other region", || {
            target.told().users.len() == 2
        });
        let web = Web::new(&lab);
        let clouds = (runtime, [north, south]);
        Self {
            lab,
            near,
            far,
            source,
            target,
            web,
            _clouds: clouds,
        }
    }

    /// His own cloud knows him, and from then on all do.
    fn merged_user(&self) {
        assert_eq!(self.web.research("ann", "not this"), 401);
        until_so("ann signs in", || self.web.research("ann", OLD) == 201);
        until_so("her password is everywhere", || {
            self.target.lets_in("ann", OLD)
        });
    }

    fn new_user(&self) {
        let (web, lab) = (&self.web, &self.lab);
        let (_, admin) = web.enter(None, "admin", PASSWORD);
        succeeded(lab.ask(&["org", "create", "user", "bob", "--in", "research"]));
        let users = lab.items("/directory/users");
        let bob = users.iter().find(|it| it["name"] == "bob").unwrap();
        let path = format!("/directory/users/{}/password", bob["id"].as_str().unwrap());
        assert_eq!(web.research("bob", NEW), 401);
        let (status, set) = web.ask(&admin, Method::PUT, &path, &json!({ "new": NEW }));
        assert_eq!((status, &set["regions"]), (200, &json!(2)), "{set}");
        assert_eq!(web.research("bob", NEW), 201);
        until_so("bob's password is everywhere", || {
            self.source.lets_in("bob", NEW) && self.target.lets_in("bob", NEW)
        });
    }

    /// A cloud administrator, whom no region made one, has one password everywhere; and is none any
    /// more at once.
    fn administrator(&self) {
        let (web, third) = (&self.web, "a third password");
        let (_, admin) = web.enter(None, "admin", PASSWORD);
        let users = self.lab.items("/directory/users");
        let bob = users.iter().find(|it| it["name"] == "bob").unwrap();
        let path = format!("/directory/administrators/{}", bob["id"].as_str().unwrap());
        let (status, set) = web.ask(&admin, Method::PUT, &path, &json!({ "new": third }));
        assert_eq!((status, &set["regions"]), (200, &json!(2)), "{set}");
        until_so("bob's new password is everywhere", || {
            self.source.lets_in("bob", third) && self.target.lets_in("bob", third)
        });
        let (_, bob) = web.enter(Some("research"), "bob", third);
        let overview = || web.ask(&bob, Method::GET, "/overview", &Value::Null).0;
        assert_eq!(overview(), 200);
        // Also one that he chooses as an administrator.
        let change = json!({ "current": third, "new": NEW });
        assert_eq!(
            web.ask(&bob, Method::PUT, "/session/password", &change).0,
            200
        );
        until_so("what he chose is everywhere", || {
            self.source.lets_in("bob", NEW) && self.target.lets_in("bob", NEW)
        });
        let (_, bob) = web.enter(Some("research"), "bob", NEW);
        let last = format!("{path}?last=true");
        assert_eq!(web.ask(&admin, Method::DELETE, &last, &Value::Null).0, 204);
        assert_eq!(web.ask(&bob, Method::GET, "/overview", &Value::Null).0, 401);
    }

    fn changed_while_a_region_is_away(&mut self) {
        self.far.daemon.kill();
        let (_, session) = self.web.enter(Some("research"), "bob", NEW);
        let change = json!({ "current": NEW, "new": OTHER });
        let ask = |method, path, body| self.web.ask(&session, method, path, body);
        let (status, changed) = ask(Method::PUT, "/session/password", &change);
        assert_eq!(status, 200, "{changed}");
        assert_eq!(ask(Method::GET, "/session", &Value::Null).0, 401);
        until_so("the near region has it", || {
            self.source.lets_in("bob", OTHER)
        });
        assert!(self.target.lets_in("bob", NEW), "the other one is away");
        self.far.daemon.again();
        until_so("the far region has it", || {
            self.target.lets_in("bob", OTHER)
        });
        assert!(!self.target.lets_in("bob", NEW));
    }

    /// He is told what anybody is, and is let in once it is back.
    fn whose_region_is_away(&mut self) {
        let password = "secret of cleo";
        self.near.daemon.kill();
        assert_eq!(self.web.research("cleo", password), 401);
        self.near.daemon.again();
        until_so("cleo signs in", || {
            self.web.research("cleo", password) == 201
        });
    }

    /// Somebody guesses from ten places: nobody signs in with his account at the hub from where he
    /// is new, until it has forgotten; his clouds are not concerned. That he is known where he
    /// signed in before, the hub has learnt from its store as it was started anew.
    fn locked(&self) {
        const BOB: [&str; 2] = ["research", "bob"];
        let from = |last| Ipv4Addr::new(127, 0, 0, last);
        for last in 11..=20 {
            assert_eq!(self.web.enter_from(from(last), BOB, "a guess"), 401);
        }
        assert_eq!(self.web.enter_from(from(21), BOB, OTHER), 401);
        assert_eq!(self.web.research("bob", OTHER), 201, "where he is known");
        assert!(self.source.lets_in("bob", OTHER) && self.target.lets_in("bob", OTHER));
    }

    /// Each region's own Keystone goes on.
    fn without_a_hub(&mut self) {
        self.lab.hub().kill();
        for keystone in [&self.source, &self.target] {
            assert!(keystone.lets_in("bob", OTHER) && keystone.lets_in("ann", OLD));
        }
        self.lab.hub().again();
        until_so("the hub is back", || {
            self.lab.ask(&["region", "list"]).status.success()
        });
    }

    fn switched_off_and_deleted(&self) {
        let (web, lab) = (&self.web, &self.lab);
        succeeded(lab.ask(&["org", "set", "user", "ann", "--disable"]));
        succeeded(lab.ask(&["org", "delete", "user", "bob", "--yes"]));
        let refused = (web.research("ann", OLD), web.research("bob", OTHER));
        assert_eq!(refused, (401, 401));
        until_so("no Keystone lets them in", || {
            let all = [&self.source, &self.target];
            let is_out = |it: &&Keystone| !it.lets_in("ann", OLD) && !it.lets_in("bob", OTHER);
            all.iter().all(is_out)
        });
    }
}

#[test]
fn one_account_signs_in_at_the_hub_and_in_every_region() {
    let mut stage = Stage::new();
    stage.merged_user();
    stage.new_user();
    stage.administrator();
    stage.changed_while_a_region_is_away();
    stage.whose_region_is_away();
    stage.without_a_hub();
    stage.locked();
    stage.switched_off_and_deleted();
}
