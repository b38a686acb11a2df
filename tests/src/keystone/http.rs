//! What the simulated Keystone answers, and how it fails.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::faults::{Fault, Faults};
use super::line::{Cut, Door};
use super::routes::{Answer, Request};
use super::world::World;
use super::{Counts, lock};

/// No organization's request is longer, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How many of the newest writes are kept, for whoever looks for what a test did not expect.
pub(super) const WRITTEN_MAX: usize = 100;

/// What its connections share.
#[derive(Debug)]
pub(super) struct Place {
    /// Ends in `/v3`.
    pub(super) url: String,
    pub(super) world: Mutex<World>,
    pub(super) faults: Mutex<Faults>,
    /// What fails always, by its shape.
    pub(super) refused: Mutex<BTreeMap<String, Fault>>,
    /// What somebody asks once, just before the next request of a shape is answered.
    pub(super) meanwhile: Mutex<Option<(String, Request)>>,
    pub(super) counts: Mutex<Counts>,
    /// What wrote last, the newest last.
    pub(super) written: Mutex<VecDeque<String>>,
}

/// Opens it on loopback.
pub(super) async fn start(world: World) -> (Arc<Place>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = Arc::new(Place {
        url: format!("http://{}/v3", listener.local_addr().unwrap()),
        world: Mutex::new(world),
        faults: Mutex::new(Faults::none()),
        refused: Mutex::default(),
        meanwhile: Mutex::default(),
        counts: Mutex::default(),
        written: Mutex::default(),
    });
    let router = Router::new().fallback(handle).with_state(place.clone());
    let service = router.into_make_service_with_connect_info::<Cut>();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(Door(listener), service).await.unwrap() });
    (place, server)
}

async fn handle(
    State(place): State<Arc<Place>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: axum::extract::Request,
) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await;
    let body = body.ok().and_then(|it| serde_json::from_slice(&it).ok());
    let path = head.uri.path_and_query().map_or("", |it| it.as_str());
    let Some(path) = path.strip_prefix("/v3") else {
        return respond((404, Value::Null, None));
    };
    let body = body.unwrap_or(Value::Null);
    let request = Request::new(head.method.as_str(), path, body, &place.url);
    *lock(&place.counts).entry(request.shape()).or_default() += 1;
    happen(&place, &request.shape());
    let is_sign_in = request.shape().ends_with("/auth/tokens");
    let fault = match is_sign_in {
        true => None,
        false => {
            let drawn = lock(&place.faults).draw(request.is_write());
            refused(&place, &request).or(drawn)
        }
    };
    if request.is_write() && !is_sign_in {
        note(
            &place,
            format!("{} {path} {}", request.method, request.body),
        );
    }
    let headers = head.headers;
    let answer = || lock(&place.world).answer(&request, token(&headers));
    match fault {
        None => respond(answer()),
        Some(Fault::FailedBefore) => respond((500, Value::Null, None)),
        Some(Fault::Busy) => respond((503, Value::Null, None)),
        Some(Fault::FailedAfter) => {
            answer();
            respond((500, Value::Null, None))
        }
        Some(Fault::HungBefore) => pending().await,
        Some(Fault::HungAfter) => {
            answer();
            pending().await
        }
        Some(Fault::Closed) => {
            let answer = answer();
            cut.cut();
            respond(answer)
        }
        Some(Fault::Slow) => {
            let answer = answer();
            let late = lock(&place.faults).slow;
            tokio::time::sleep(late).await;
            respond(answer)
        }
    }
}

/// What was to happen before a request of this shape happens.
fn happen(place: &Place, shape: &str) {
    let due = lock(&place.meanwhile).take_if(|it| it.0 == shape);
    if let Some((_, request)) = due {
        lock(&place.world).answer_administrator(&request);
    }
}

fn note(place: &Place, written: String) {
    let mut all = lock(&place.written);
    if all.len() == WRITTEN_MAX {
        all.pop_front();
    }
    all.push_back(written);
}

fn refused(place: &Place, request: &Request) -> Option<Fault> {
    let (shape, refused) = (request.shape(), lock(&place.refused));
    let of = request.query("domain_id");
    let of = of.map(|id| format!("{shape}?domain_id={id}"));
    let itself = format!("{} /{}", request.method, request.segments.join("/"));
    let mut all = [Some(shape), of, Some(itself)].into_iter().flatten();
    all.find_map(|it| refused.get(&it).copied())
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-auth-token")?.to_str().ok()
}

fn respond((status, body, token): Answer) -> Response {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    if let Some(token) = token {
        response = response.header("x-subject-token", token);
    }
    let body = match body {
        Value::Null => Body::empty(),
        body => Body::from(body.to_string()),
    };
    response.body(body).unwrap()
}
