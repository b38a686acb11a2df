//! A simulated Keystone (Identity API v3) on loopback, for scale and faults.
//!
//! It answers as a real one does, as far as organizations go: tokens, domains, projects, users,
//! groups, roles, implied roles, assignments, their rules, refusals and cascades. What makes it
//! worth believing is `tests/tests/keystone.rs`, which plays one script to it and to a real one.
//!
//! ```text
//! http (faults, counters) → routes → things · links · lists · tokens → world
//! ```
//!
//! It differs from a real one in this: names are compared as SQLite does (case and accents count),
//! or, with [`Options::folds_case`], as MySQL does by default (case doesn't; that accents don't
//! either there is not simulated); only administrators may ask, and everybody for himself; there
//! are no trusts, application credentials, quotas or tags of their own.
//!
//! [`Proxy`] makes a real one fail in the same ways.

mod backup;
mod check;
mod faults;
mod http;
mod line;
mod links;
mod lists;
mod organization;
mod proxy;
mod refusal;
mod routes;
mod show;
mod things;
mod tokens;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::model::{CloudId, Organization};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

pub use backup::Backup;
pub use faults::{Fault, Faults};
use http::Place;
pub use proxy::Proxy;
use world::World;

use crate::openstack::Admin;

/// How it is.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What its ids are drawn from.
    pub seed: u64,
    /// Whether names that differ in case alone are the same, as on MySQL.
    pub folds_case: bool,
}

/// How often it was asked, by method and path, with `{}` for ids: `PUT /groups/{}/users/{}`.
pub type Counts = BTreeMap<String, u64>;

/// A Keystone; gone with this value.
pub struct SimulatedKeystone {
    place: Arc<Place>,
    /// Holds the server, and ends it.
    _server: JoinSet<()>,
}

impl SimulatedKeystone {
    /// The password of its account `admin`, who is its administrator in the project `admin`; both
    /// are of the domain `default`.
    pub const PASSWORD: &'static str = "hush";

    /// This account, by HTTP.
    pub fn admin(&self) -> Admin {
        Admin::new(&self.auth_url(), Self::PASSWORD)
    }

    /// Two of them, of different ids, as no two clouds have the same.
    pub fn pair(runtime: &Runtime) -> (Self, Self) {
        let start = |seed| {
            let options = Options {
                seed,
                ..Options::default()
            };
            runtime.block_on(Self::start(options))
        };
        (start(1), start(2))
    }

    /// Starts it, as `keystone-manage bootstrap` leaves one.
    pub async fn start(options: Options) -> Self {
        let (place, server) = http::start(World::new(&options)).await;
        Self {
            place,
            _server: server,
        }
    }

    /// Its address, which ends in `/v3`.
    pub fn auth_url(&self) -> String {
        self.place.url.clone()
    }

    /// The `[cloud]` settings of an agent beside it, with its password in `password_file`.
    pub fn settings(&self, password_file: &str) -> String {
        format!(
            "kind = \"openstack\"\n[cloud.openstack]\nauth_url = \"{}\"\nusername = \"admin\"\n\
             password_file = \"{password_file}\"\nuser_domain_name = \"Default\"\n\
             project_name = \"admin\"\nproject_domain_name = \"Default\"\n\
             region_name = \"RegionOne\"\nrequest_timeout = \"5s\"\n",
            self.auth_url(),
        )
    }

    /// From now on it fails so; sign-ins never do.
    pub fn fail(&self, faults: Faults) {
        *lock(&self.place.faults) = faults;
    }

    /// From now on it answers 500 to these alone, by their shapes as in [`Self::counts`] or as they
    /// are; lists of one domain also as `GET /users?domain_id=ID`.
    pub fn refuse(&self, shapes: &[&str]) {
        self.fail_always(Fault::FailedBefore, shapes);
    }

    /// The same where it fails otherwise, such as by never answering.
    pub fn fail_always(&self, fault: Fault, shapes: &[&str]) {
        let shapes = shapes.iter().map(|it| ((*it).to_owned(), fault));
        self.fail_each(shapes);
    }

    /// The same where each fails in a way of its own.
    pub fn fail_each(&self, shapes: impl IntoIterator<Item = (String, Fault)>) {
        *lock(&self.place.refused) = shapes.into_iter().collect();
    }

    /// How often it was asked since it began, failed answers included.
    pub fn counts(&self) -> Counts {
        lock(&self.place.counts).clone()
    }

    /// How many requests so far were writes (anything but GET, HEAD and sign-ins).
    pub fn writes(&self) -> u64 {
        let counts = lock(&self.place.counts);
        let writes = counts.iter().filter(|(what, _)| {
            let is_read = what.starts_with("GET ") || what.starts_with("HEAD ");
            !is_read && !what.ends_with("/auth/tokens")
        });
        writes.map(|(_, count)| *count).sum()
    }

    /// The newest writes, of at most a hundred so many: method, path and body, the newest last.
    pub fn written(&self, count: usize) -> Vec<String> {
        let all = lock(&self.place.written);
        let newest = all.iter().skip(all.len().saturating_sub(count));
        newest.cloned().collect()
    }

    /// All that it has, as plain values. Global roles and the domain `default` are among it; the
    /// administrator's role in the system is not.
    pub fn organization(&self) -> Organization<CloudId> {
        lock(&self.place.world).organization()
    }

    /// The attribute of a thing that the API does not know, by the thing's id.
    pub fn attribute(&self, id: &str, name: &str) -> Option<String> {
        lock(&self.place.world).attribute(id, name)
    }

    /// Who has a password, by the user's id.
    pub fn passwords(&self) -> BTreeMap<String, String> {
        lock(&self.place.world).passwords.clone()
    }

    /// Asks it past HTTP, as an administrator: for what somebody at that cloud does meanwhile.
    /// Status and body.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        body: &serde_json::Value,
    ) -> (u16, serde_json::Value) {
        let request = routes::Request::new(method, path, body.clone(), &self.place.url);
        lock(&self.place.world).answer_administrator(&request)
    }

    /// The same, at a moment of its own reading: once, just before it answers the next request of
    /// this shape, as in [`Self::counts`].
    pub fn ask_before(&self, shape: &str, method: &str, path: &str) {
        let body = serde_json::Value::Null;
        let request = routes::Request::new(method, path, body, &self.place.url);
        *lock(&self.place.meanwhile) = Some((shape.to_owned(), request));
    }

    /// Makes something there, likewise. Its id.
    ///
    /// # Panics
    /// If it is refused.
    pub fn made(&self, path: &str, body: &serde_json::Value) -> String {
        let (status, answer) = self.ask("POST", path, body);
        assert_eq!(status, 201, "{path}: {answer}");
        let made = answer.as_object().and_then(|it| it.values().next());
        let id = made.and_then(|it| it["id"].as_str());
        id.expect("what was made has an id").to_owned()
    }
}

/// A panic of another test's thread leaves nothing half done that matters to this one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
