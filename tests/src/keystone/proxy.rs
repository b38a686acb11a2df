//! A door before a real Keystone, at which calls fail as they do at a simulated one.
//!
//! Whoever is to meet failures asks the proxy; whoever is not asks Keystone itself.

mod forward;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::forward::{Call, Upstream};
use super::faults::{Fault, Faults};
use super::http::WRITTEN_MAX;
use super::line::{Cut, Door};
use super::lock;

/// The proxy; gone with this value.
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    /// Holds the server, and ends it.
    _server: JoinSet<()>,
}

struct Shared {
    upstream: Upstream,
    faults: Mutex<Faults>,
    told: Mutex<Told>,
}

/// What came to the door.
#[derive(Default)]
struct Told {
    writes: u64,
    /// The newest, and what became of each.
    written: VecDeque<String>,
    failed: BTreeMap<String, u64>,
}

impl Proxy {
    /// Opens it on loopback, before the Keystone of this address, which ends in `/v3`.
    pub async fn start(keystone: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v3", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            upstream: Upstream::new(keystone),
            faults: Mutex::new(Faults::none()),
            told: Mutex::default(),
        });
        let router = Router::new().fallback(handle).with_state(shared.clone());
        let service = router.into_make_service_with_connect_info::<Cut>();
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(Door(listener), service).await.unwrap() });
        Self {
            url,
            shared,
            _server: server,
        }
    }

    /// Its address, which ends in `/v3`.
    pub fn auth_url(&self) -> String {
        self.url.clone()
    }

    /// From now on calls fail so; sign-ins never do.
    pub fn fail(&self, faults: Faults) {
        *lock(&self.shared.faults) = faults;
    }

    /// How many writes were asked for so far, whatever became of them, sign-ins aside.
    pub fn writes(&self) -> u64 {
        lock(&self.shared.told).writes
    }

    /// The newest writes, of at most a hundred so many, the newest last: what was asked for, and
    /// how it failed or the status of its answer.
    pub fn written(&self, count: usize) -> Vec<String> {
        let told = lock(&self.shared.told);
        let newest = told.written.iter();
        let newest = newest.skip(told.written.len().saturating_sub(count));
        newest.cloned().collect()
    }

    /// How many calls failed here, by the way in which they did.
    pub fn failed(&self) -> BTreeMap<String, u64> {
        lock(&self.shared.told).failed.clone()
    }
}

impl Shared {
    fn note(&self, call: &Call, became: &str) {
        if !call.is_write() {
            return;
        }
        let written = &mut lock(&self.told).written;
        if written.len() == WRITTEN_MAX {
            written.pop_front();
        }
        written.push_back(format!("{call}: {became}"));
    }

    fn draw(&self, call: &Call) -> Option<Fault> {
        if call.is_write() {
            lock(&self.told).writes += 1;
        }
        if call.is_sign_in() {
            return None;
        }
        let fault = lock(&self.faults).draw(call.is_write())?;
        let way = format!("{fault:?}");
        *lock(&self.told).failed.entry(way).or_default() += 1;
        // What is late is noted with its answer.
        if fault != Fault::Slow {
            self.note(call, &format!("{fault:?}"));
        }
        Some(fault)
    }

    /// Keystone's answer; without one the connection is cut, as that of a Keystone that died.
    async fn forward(&self, call: Call, cut: &Cut) -> Response {
        let told = self.upstream.ask(&call).await;
        let became = told.as_ref().map(|it| it.status().as_u16().to_string());
        self.note(&call, &became.unwrap_or_else(|| "no answer".to_owned()));
        told.unwrap_or_else(|| {
            cut.cut();
            status(502)
        })
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let Some(call) = Call::read(request).await else {
        return status(400);
    };
    match shared.draw(&call) {
        None => shared.forward(call, &cut).await,
        Some(Fault::FailedBefore) => status(500),
        Some(Fault::Busy) => status(503),
        Some(Fault::FailedAfter) => {
            shared.upstream.ask(&call).await;
            status(500)
        }
        Some(Fault::HungBefore) => pending().await,
        Some(Fault::HungAfter) => {
            shared.upstream.ask(&call).await;
            pending().await
        }
        Some(Fault::Closed) => {
            let told = shared.upstream.ask(&call).await;
            cut.cut();
            told.unwrap_or_else(|| status(502))
        }
        Some(Fault::Slow) => {
            let told = shared.forward(call, &cut).await;
            let late = lock(&shared.faults).slow;
            tokio::time::sleep(late).await;
            told
        }
    }
}

fn status(status: u16) -> Response {
    Response::builder()
        .status(status)
        .body(Body::empty())
        .unwrap()
}
