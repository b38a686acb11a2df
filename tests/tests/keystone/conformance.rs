//! One script, played to both: statuses and bodies are the same, but for ids and addresses.

use std::collections::BTreeMap;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tests::keystone::{Options, SimulatedKeystone};
use tests::openstack::RealCloud;

use super::Keystone;

const SCRIPT: &str = include_str!("script.txt");

/// Fields that differ from one sign-in to the next, or that the simulation leaves to others.
const OWN: [&str; 4] = ["audit_ids", "issued_at", "expires_at", "catalog"];

/// A script's player: what it was told of ids so far.
struct Player {
    keystone: Keystone,
    client: Client,
    token: String,
    ids: BTreeMap<String, String>,
}

impl Player {
    async fn new(keystone: Keystone) -> Self {
        shared::pki::install_default_provider();
        let mut player = Self {
            keystone,
            client: Client::builder().no_proxy().build().unwrap(),
            token: String::new(),
            ids: BTreeMap::new(),
        };
        let domain = json!({"id": "default"});
        let auth = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "admin", "domain": domain, "password": player.keystone.password}}},
            "scope": {"project": {"name": "admin", "domain": domain}}}});
        let url = format!("{}/auth/tokens", player.keystone.auth_url);
        let answer = player.client.post(url).json(&auth).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let token = answer.headers()["x-subject-token"].to_str().unwrap();
        player.token = token.to_owned();
        let (_, roles) = player.ask("GET", "/roles?name=admin", &Value::Null).await;
        let admin = roles["roles"][0]["id"].as_str().unwrap();
        player.ids.insert("admin".to_owned(), admin.to_owned());
        player
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.keystone.auth_url);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, url);
        let request = request.header("x-auth-token", &self.token);
        let request = match body {
            Value::Null => request,
            body => request.json(body),
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Plays one line; what came, with ids and address by their names in the script.
    async fn play(&mut self, line: &str) -> (u16, Value) {
        let mut words = line.splitn(4, ' ');
        let (name, method) = (words.next().unwrap(), words.next().unwrap());
        let path = self.filled(words.next().unwrap());
        let body = words.next().map_or(Value::Null, |text| {
            expanded(serde_json::from_str(&self.filled(text)).unwrap())
        });
        let (status, body) = self.ask(method, &path, &body).await;
        if name != "-" {
            let first = body.as_object().and_then(|it| it.values().next());
            let id = first.and_then(|it| it["id"].as_str());
            let id = id.unwrap_or_else(|| panic!("{line}: {status} {body}"));
            self.ids.insert(name.to_owned(), id.to_owned());
        }
        (status, self.common(&body))
    }

    fn filled(&self, text: &str) -> String {
        // The longest names first: `$p2` is not `$p` and a 2.
        let names = self.ids.iter().rev();
        names.fold(text.to_owned(), |text, (name, id)| {
            text.replace(&format!("${name}"), id)
        })
    }

    fn common(&self, body: &Value) -> Value {
        match body {
            Value::Object(all) => {
                let all = all.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
                all.map(|(name, value)| (name.clone(), self.common(value)))
                    .collect()
            }
            Value::Array(all) => {
                let mut all: Vec<Value> = all.iter().map(|it| self.common(it)).collect();
                all.sort_by_key(ToString::to_string);
                all.into()
            }
            Value::String(text) => self.named(text).into(),
            other => other.clone(),
        }
    }

    fn named(&self, text: &str) -> String {
        let text = text.replace(&self.keystone.auth_url, "URL");
        let ids = self.ids.iter();
        let text = ids.fold(text, |text, (name, id)| {
            text.replace(id, &format!("${name}"))
        });
        // Ids that the script has no name for.
        let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
        let words = words.map(|word| {
            let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            let is_id = bare.len() == 32 && bare.bytes().all(|it| it.is_ascii_hexdigit());
            match is_id {
                true => word.replace(bare, "ID"),
                false => word.to_owned(),
            }
        });
        words.collect()
    }
}

/// `#65` is 65 times x, and `ü#64` 64 times ü.
fn expanded(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let long = text.split_once('#').and_then(|(letter, count)| {
                let letter = if letter.is_empty() { "x" } else { letter };
                Some(letter.repeat(count.parse().ok()?))
            });
            long.unwrap_or(text).into()
        }
        Value::Object(all) => {
            let all = all.into_iter();
            all.map(|(name, value)| (name, expanded(value))).collect()
        }
        other => other,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_keystone_answers_as_a_real_one() {
    let cloud = RealCloud::up("test-keystone", &["--services", "keystone"]);
    let simulated = SimulatedKeystone::start(Options::default()).await;
    let mut real = Player::new(Keystone::of(&cloud)).await;
    let mut other = Player::new(Keystone::simulated(&simulated)).await;
    let mut differences = Vec::new();
    for line in SCRIPT.lines() {
        let (expected, told) = (real.play(line).await, other.play(line).await);
        if expected != told {
            let (status, body) = expected;
            let (other_status, other_body) = told;
            differences.push(format!(
                "{line}\n   real {status} {body}\n  other {other_status} {other_body}"
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
