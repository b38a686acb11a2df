//! A simulated Keystone stands behind the door, so that it can be asked what was done.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use super::Proxy;
use crate::keystone::{Fault, Faults, Options, SimulatedKeystone};

/// Longer than anything but what hangs.
const PATIENCE: Duration = Duration::from_millis(900);

struct Stage {
    keystone: SimulatedKeystone,
    proxy: Proxy,
    client: Client,
    token: String,
}

impl Stage {
    async fn new() -> Self {
        let keystone = SimulatedKeystone::start(Options::default()).await;
        let proxy = Proxy::start(&keystone.auth_url()).await;
        let client = Client::builder().no_proxy().timeout(PATIENCE);
        let client = client.build().unwrap();
        let domain = json!({ "id": "default" });
        let user = json!({ "name": "admin", "domain": domain,
                           "password": SimulatedKeystone::PASSWORD });
        let auth = json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": user } },
            "scope": { "project": { "name": "admin", "domain": domain } } } });
        let url = format!("{}/auth/tokens", proxy.auth_url());
        proxy.fail(Faults::of(1, 1000, &Fault::ALL));
        let answer = client.post(url).json(&auth).send().await.unwrap();
        let token = answer.headers()["x-subject-token"].to_str().unwrap();
        let token = token.to_owned();
        proxy.fail(Faults::none());
        Self {
            keystone,
            proxy,
            client,
            token,
        }
    }

    /// Makes a department through the door: the status, where one is heard.
    async fn make(&self, name: &str) -> Option<u16> {
        let url = format!("{}/domains", self.proxy.auth_url());
        let body = json!({ "domain": { "name": name } });
        let asked = self.client.post(url).header("x-auth-token", &self.token);
        let answer = asked.json(&body).send().await.ok()?;
        let status = answer.status().as_u16();
        let told: Value = answer.json().await.unwrap_or_default();
        let is_told = told["domain"]["name"] == name;
        assert_eq!(is_told, status == 201, "{status}: {told}");
        Some(status)
    }

    fn has(&self, name: &str) -> bool {
        let all = self.keystone.organization().departments;
        all.values().any(|it| it.name == name)
    }
}

#[tokio::test]
async fn each_fault_is_heard_and_done_as_its_name_says() {
    let stage = Stage::new().await;
    assert_eq!(stage.make("none").await, Some(201));
    let expected = [
        (Fault::FailedBefore, Some(500), false),
        (Fault::FailedAfter, Some(500), true),
        (Fault::Busy, Some(503), false),
        (Fault::HungBefore, None, false),
        (Fault::HungAfter, None, true),
        (Fault::Closed, None, true),
        (Fault::Slow, Some(201), true),
    ];
    assert_eq!(expected.map(|it| it.0), Fault::ALL);
    for (fault, heard, is_done) in expected {
        let name = format!("{fault:?}");
        stage.proxy.fail(Faults::next(&[fault]));
        assert_eq!(stage.make(&name).await, heard, "{name}");
        assert_eq!(stage.has(&name), is_done, "{name}");
        assert_eq!(stage.proxy.failed().get(&name), Some(&1));
    }
    assert_eq!(stage.proxy.writes(), 8, "sign-ins are none");
    let written = stage.proxy.written(8);
    assert!(written[0].ends_with(": 201"), "{written:#?}");
    assert!(written[1].ends_with(": FailedBefore"), "{written:#?}");
}

#[tokio::test]
async fn a_keystone_that_is_away_is_no_answer() {
    let stage = Stage::new().await;
    drop(stage.keystone);
    let url = format!("{}/domains", stage.proxy.auth_url());
    let asked = stage.client.get(url).header("x-auth-token", &stage.token);
    assert!(asked.send().await.is_err());
}
