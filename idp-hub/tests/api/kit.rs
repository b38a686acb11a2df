//! A hub's API without its network: store, authority, fleet and board, and requests to the router.

#[path = "kit/reported.rs"]
mod reported;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use idp_hub::adoption::Adopter;
use idp_hub::api::{ApiParts, ApiState, local_router, passwords, web_router};
use idp_hub::authority::Authority;
use idp_hub::downlink::Registry;
use idp_hub::fleet::{Fleet, Input, Moment, RegionNo};
use idp_hub::metrics::Metrics;
use idp_hub::overview::{FleetBoard, Update};
use idp_hub::store::{FeedJob, FeedPayload, Incoming, IncomingRecord, Mailbox, Store};
use serde_json::Value;
use shared::ids::{FeedId, RegionId};
use shared::model::{Feed, Record, UnixMillis};
use shared::pki::Fingerprint;
use shared::runtime::clock::{Clock, ManualClock};
use shared::runtime::shutdown::Shutdown;
use shared::runtime::tasks::Tasks;
use shared::wire::Digest;
use shared::wire::frame::{Open, Start, feed_code};
use tower::ServiceExt;

use crate::clouds::Clouds;
pub(crate) use reported::encoded;
use reported::{incoming, introduction, sample};

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const START: UnixMillis = UnixMillis(1_795_284_000_000);

/// Followers of events at a time, in these tests.
const FOLLOWERS_MAX: usize = 4;

pub(crate) struct Kit {
    pub(crate) store: Store,
    pub(crate) board: FleetBoard,
    pub(crate) clock: Clock,
    pub(crate) hand: ManualClock,
    pub(crate) fleet: Fleet,
    pub(crate) clouds: Arc<Clouds>,
    authority: Authority,
    refused_after: Duration,
    web: Router,
    local: Router,
    folder: tempfile::TempDir,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// Checks that it is this problem, in full.
    pub(crate) fn is_problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let json = self.json();
        assert_eq!(json["type"], format!("urn:regroup:problem:{slug}"));
        assert_eq!(json["status"], status);
        for part in ["title", "detail", "next_step"] {
            assert!(
                json[part].as_str().is_some_and(|it| !it.is_empty()),
                "{part}: {json}"
            );
        }
        json
    }
}

impl Kit {
    pub(crate) async fn new() -> Self {
        Self::that_refuses_after(Duration::ZERO).await
    }

    /// One whose refused users wait so long.
    pub(crate) async fn that_refuses_after(refused_after: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(START);
        let data_dir = folder.path().join("data");
        shared::runtime::files::create_private_dir(&data_dir).unwrap();
        let (store, _) = Store::open(&data_dir.join("hub.db"), clock.clone()).unwrap();
        Authority::init(&data_dir, &store, &clock).await.unwrap();
        let authority = Authority::open(&data_dir, store.clone(), clock.clone(), 20_000)
            .await
            .unwrap();
        let hash = passwords::hash(PASSWORD).unwrap();
        store
            .change(move |it| it.set_password("admin", &hash))
            .await
            .unwrap();
        let board = FleetBoard::new(store.overview().clone());
        let federation = store
            .read(|it| it.founding())
            .await
            .unwrap()
            .unwrap()
            .federation;
        let mut kit = Self {
            store,
            board,
            clock,
            hand,
            fleet: Fleet::new(),
            clouds: Arc::new(Clouds::new(federation)),
            authority,
            refused_after,
            web: Router::new(),
            local: Router::new(),
            folder,
        };
        kit.starts_anew().await;
        kit
    }

    /// The hub starts, with nothing in memory but what it reads then.
    pub(crate) async fn starts_anew(&mut self) {
        let clock = &self.clock;
        let parts = ApiParts {
            store: self.store.clone(),
            board: self.board.clone(),
            registry: Registry::default(),
            adopter: Adopter::new(self.authority.clone(), clock.clone(), |_| false),
            authority: self.authority.clone(),
            clock: clock.clone(),
            shutdown: Shutdown::new(),
            followers: Tasks::new(clock.clone()).group("follower", FOLLOWERS_MAX),
            adoptions: Tasks::new(clock.clone()).group("adoption", 2),
            credentials: Tasks::new(clock.clone()).group("credential", 2),
            metrics: Metrics::detached().unwrap(),
            link_address: "hub.example.org:7443".parse().unwrap(),
            refused_after: self.refused_after,
        };
        let regions = Arc::<Clouds>::clone(&self.clouds);
        let state = ApiState::with_regions(parts, regions).unwrap();
        state.recall().await;
        self.web = web_router(state.clone());
        self.local = local_router(state);
    }

    /// The hub's database.
    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("data/hub.db")
    }

    /// Sends a request over the web, from an address of the documentation.
    pub(crate) async fn web(&self, request: Request<Body>) -> Answer {
        answer(self.web_raw(request).await).await
    }

    pub(crate) async fn web_raw(&self, mut request: Request<Body>) -> Response {
        let source: IpAddr = "192.0.2.1".parse().unwrap();
        let peer = ConnectInfo(SocketAddr::new(source, 50_000));
        if request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .is_none()
        {
            request.extensions_mut().insert(peer);
        }
        self.web.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request through the local socket.
    pub(crate) async fn local(&self, request: Request<Body>) -> Answer {
        answer(self.local.clone().oneshot(request).await.unwrap()).await
    }

    pub(crate) fn get(&self, path: &str) -> impl Future<Output = Answer> + use<> {
        let (local, request) = (self.local.clone(), request(Method::GET, path, None));
        async move { answer(local.oneshot(request).await.unwrap()).await }
    }

    /// Signs in, and returns the cookie.
    pub(crate) async fn sign_in(&self) -> String {
        let answer = self.web(sign_in("admin", PASSWORD)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Adds a region and shows it.
    pub(crate) async fn region(&mut self, name: &str, key: u8) -> RegionNo {
        let no = self.join(name, key).await;
        self.show().await;
        no
    }

    /// Adds a region, which is not shown yet.
    pub(crate) async fn join(&self, name: &str, key: u8) -> RegionNo {
        let (name, id) = (name.to_owned(), RegionId::from_random(key.into()));
        let key = Fingerprint::from_bytes([key; 32]);
        let not_after = START.as_secs() + 24 * 3600;
        let add = move |it: &mut idp_hub::store::Changing<'_>| {
            it.add_region(id, &name, key, &introduction(), not_after)
        };
        self.store.change(add).await.unwrap()
    }

    fn moment(&self) -> Moment {
        Moment {
            mono: self.clock.now(),
            wall: self.clock.unix_millis(),
        }
    }

    /// Shows every region as the store has it.
    pub(crate) async fn show(&mut self) {
        let now = self.moment();
        let rows = self.store.read(|it| it.regions()).await.unwrap();
        for row in &rows {
            let facts = Box::new(row.facts.clone());
            self.fleet.handle(now, Input::Known { no: row.no, facts });
        }
        for view in self.fleet.views() {
            if rows.iter().all(|row| row.no != view.no) {
                self.fleet.handle(now, Input::Removed { no: view.no });
                self.board.publish(Update {
                    gone: vec![view.no],
                    ..Update::default()
                });
            }
        }
        self.publish();
    }

    /// A session began, and everything is known.
    pub(crate) async fn becomes_healthy(&mut self, name: &str, no: RegionNo) {
        self.store
            .change(move |it| it.accept_region(no))
            .await
            .unwrap();
        self.show().await;
        let (now, fresh) = (self.moment(), self.clock.unix_millis());
        self.fleet
            .handle(now, Input::SessionBegan { no, session: 1 });
        let troubles = Vec::new();
        self.fleet.handle(
            now,
            Input::Overview {
                no,
                live: true,
                fresh,
                troubles,
                full: None,
            },
        );
        self.publish();
        assert_eq!(
            self.board.region(name).unwrap().view.condition.state.code(),
            "healthy"
        );
    }

    fn publish(&self) {
        let counts = Some(self.fleet.counts().clone());
        self.board.publish(Update {
            views: self.fleet.views(),
            counts,
            ..Update::default()
        });
    }

    /// Reports servers `from..to` of a region.
    pub(crate) async fn servers(&mut self, no: RegionNo, from: u32, to: u32) {
        let records = (from..to).map(incoming).collect();
        self.report(no, Feed::Inventory, u64::from(from) + 1, records)
            .await;
    }

    /// Reports a health sample each five seconds of a region, the last one now.
    pub(crate) async fn samples(&mut self, no: RegionNo, count: u64) {
        let now = self.clock.unix_millis();
        let at = |back: u64| UnixMillis(now.0 - back * 5000);
        let records = (0..count).rev().map(|back| sample(at(back))).collect();
        self.report(no, Feed::Samples, 1, records).await;
    }

    /// Reports a region's organization, whole.
    pub(crate) async fn organization(&mut self, no: RegionNo, session: u64, records: &[Record]) {
        let records = records.iter().map(encoded).collect();
        self.report(no, Feed::Organization, session, records).await;
    }

    /// One snapshot of a feed, in a session of its own.
    pub(crate) async fn report(
        &mut self,
        no: RegionNo,
        feed: Feed,
        session: u64,
        records: Vec<IncomingRecord>,
    ) {
        self.store
            .change(move |it| it.begin_session(no, session, &introduction()))
            .await
            .unwrap();
        let mailbox = Arc::new(Mailbox::default());
        let job = |payload| FeedJob {
            region: no,
            session,
            feed,
            payload,
            mailbox: Arc::clone(&mailbox),
            budget: None,
        };
        let (id, feed_code) = (FeedId::from_random(session.into()), feed_code(feed));
        let start = if feed.is_log() {
            Start::Resume { seq: 0 }
        } else {
            Start::Snapshot
        };
        let open = FeedPayload::Open(Open {
            feed: feed_code,
            id,
            start,
        });
        self.store.feed(job(open)).await.unwrap();
        let last = records.len() as u64;
        // Inventory comes piece by piece in these tests, so that it never is whole, unless it is
        // nothing.
        let is_whole = feed == Feed::Organization || records.is_empty();
        let digest = is_whole.then(|| {
            let mut digest = Digest::default();
            for it in &records {
                digest.add(Digest::of(it.kind, &it.id, it.value.as_deref().unwrap()));
            }
            digest
        });
        let batch = FeedPayload::Batch(Incoming {
            after: 0,
            last,
            digest,
            records,
        });
        self.store.feed(job(batch)).await.unwrap();
        // A change waits behind the feed's frames, so afterwards they are committed.
        self.store.change(|_| Ok(())).await.unwrap();
        self.board.publish(Update {
            figures: vec![no],
            ..Update::default()
        });
    }
}

pub(crate) fn request(method: Method, path: &str, body: Option<Value>) -> Request<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "hub:8443");
    match body {
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap(),
        None => request.body(Body::empty()).unwrap(),
    }
}

pub(crate) fn sign_in(account: &str, password: &str) -> Request<Body> {
    let body = serde_json::json!({ "account": account, "password": password });
    request(Method::POST, "/api/v1/session", Some(body))
}

pub(crate) fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

async fn answer(response: Response) -> Answer {
    let (head, body) = response.into_parts();
    let collected = tokio::time::timeout(Duration::from_secs(20), body.collect()).await;
    let bytes = collected.unwrap().unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Answer {
        status: head.status,
        headers: head.headers,
        text,
    }
}
