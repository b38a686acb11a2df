//! A listener with six places, three of them for one source, on a clock that a hand moves.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use axum_server::{Handle, from_tcp};
use shared::model::UnixMillis;
use shared::runtime::clock::ManualClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use super::super::places::{FIRST_REQUEST_TIME, IDLE_TIME};
use super::super::tamed;
use super::*;

const LIMITS: Limits = Limits {
    places: 6,
    share: 3,
};

/// How long the real sockets may take.
const PATIENCE: Duration = Duration::from_secs(20);

struct Stage {
    address: SocketAddr,
    bounded: Bounded,
    hand: ManualClock,
    _server: JoinSet<io::Result<()>>,
}

impl Stage {
    fn new() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (clock, hand) = Clock::manual(UnixMillis(0));
        let bounded = Bounded::new("test", LIMITS, clock);
        let silent =
            || async { Body::from_stream(futures_util::stream::pending::<io::Result<Bytes>>()) };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/silent", get(silent))
            .route("/work", post(|_: Bytes| std::future::pending::<()>()))
            .route("/large", get(|| async { "x".repeat(32 << 20) }));
        let server = from_tcp(listener).unwrap();
        let server = tamed(server, &Handle::new()).acceptor(bounded.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(server.serve(router.into_make_service()));
        Self {
            address,
            bounded,
            hand,
            _server: tasks,
        }
    }

    /// Connects from `127.0.0.last` and sends this.
    async fn call(&self, last: u8, sent: impl AsRef<[u8]>) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(SocketAddr::from(([127, 0, 0, last], 0)))
            .unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        stream.write_all(sent.as_ref()).await.unwrap();
        stream
    }

    /// Waits until so many connections are in.
    async fn until_held(&self, expected: &[(u8, usize)]) {
        let all: usize = expected.iter().map(|(_, held)| held).sum();
        let is_reached = |places: &Places<_>| {
            let of = |last| places.held(Some([127, 0, 0, last].into()));
            places.len() == all && expected.iter().all(|(last, held)| of(*last) == *held)
        };
        self.until(&format!("held {expected:?}"), is_reached).await;
    }

    async fn until(
        &self,
        what: &str,
        is_reached: impl Fn(&Places<oneshot::Sender<Infallible>>) -> bool,
    ) {
        let wait = async {
            while !is_reached(&self.bounded.0.state().places) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        let places = &self.bounded.0.state().places;
        assert!(waited.is_ok(), "not {what}: {places:?}");
    }

    /// Asks for work, and returns once the hub waits for the request's body.
    async fn promise(&self, last: u8) -> TcpStream {
        let mut stream = self.call(last, PROMISE).await;
        let told = heard(&mut stream).await.unwrap();
        assert!(told.starts_with("HTTP/1.1 100"), "{told:?}");
        stream
    }
}

async fn heard(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = vec![0; 4096];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut bytes)).await;
    let count = read.unwrap()?;
    Ok(String::from_utf8_lossy(&bytes[..count]).into_owned())
}

async fn is_answered(stream: &mut TcpStream) {
    let answer = heard(stream).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
}

async fn is_closed(stream: &mut TcpStream) {
    let heard = heard(stream).await;
    assert!(
        heard.as_ref().is_ok_and(String::is_empty) || heard.is_err(),
        "{heard:?}"
    );
}

const HALF: &str = "GET / HTTP/1.1\r\nHost: a\r\n";
const WHOLE: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const SILENT: &str = "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n";
const PROMISE: &str = "POST /work HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
    Content-Length: 4\r\n\r\n";
const LARGE: &str = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";

/// The preface of HTTP/2 and an empty SETTINGS frame (RFC 9113 §3.4).
const HTTP2: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The same with a window in which no answer has room (§6.5.2), and `GET /` in stream 1.
const HTTP2_CLOSED: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0\
    \0\0\x03\x01\x05\0\0\0\x01\x82\x84\x86";

#[tokio::test]
async fn one_source_shuts_out_neither_others_nor_itself() {
    let stage = Stage::new();
    let mut first = stage.call(2, HALF).await;
    stage.until_held(&[(2, 1)]).await;
    let mut rest = Vec::new();
    for sent in [HTTP2, HALF, ""] {
        rest.push(stage.call(2, sent).await);
    }
    is_closed(&mut first).await;
    stage.until_held(&[(2, 3)]).await;
    is_answered(&mut stage.call(3, WHOLE).await).await;
    is_answered(&mut stage.call(2, WHOLE).await).await;
}

#[tokio::test]
async fn a_crowd_of_many_sources_gives_way_to_newcomers_and_who_is_served_stays() {
    let stage = Stage::new();
    let mut follower = stage.call(2, SILENT).await;
    is_answered(&mut follower).await;
    let mut crowd = Vec::new();
    for last in [3, 3, 3, 4, 4] {
        crowd.push(stage.call(last, HALF).await);
    }
    stage.until_held(&[(2, 1), (3, 3), (4, 2)]).await;
    is_answered(&mut stage.call(5, WHOLE).await).await;
    is_closed(&mut crowd[0]).await;
    assert!(follower.try_read(&mut [0]).is_err(), "the follower stays");
}

#[tokio::test]
async fn where_all_are_served_newcomers_are_refused() {
    let stage = Stage::new();
    let mut followers = Vec::new();
    for last in [2, 2, 2, 3, 3, 3] {
        let mut follower = stage.call(last, SILENT).await;
        is_answered(&mut follower).await;
        followers.push(follower);
    }
    is_closed(&mut stage.call(4, "").await).await;
    drop(followers.pop());
    stage.until_held(&[(2, 3), (3, 2)]).await;
    is_answered(&mut stage.call(4, WHOLE).await).await;
}

#[tokio::test]
async fn who_promises_a_body_and_does_not_send_it_gives_way() {
    let stage = Stage::new();
    let mut crowd = Vec::new();
    for last in [2, 2, 2, 3, 3, 3] {
        let mut promised = stage.promise(last).await;
        // All but the end is not all.
        promised.write_all(b"abc").await.unwrap();
        crowd.push(promised);
    }
    is_answered(&mut stage.call(4, WHOLE).await).await;
    is_closed(&mut crowd[0]).await;
    stage.hand.advance(IDLE_TIME);
    stage.until_held(&[]).await;
}

#[tokio::test]
async fn whose_request_has_come_whole_stays() {
    let stage = Stage::new();
    let mut workers = Vec::new();
    for _ in 0..LIMITS.share {
        let mut worker = stage.promise(2).await;
        worker.write_all(b"abcd").await.unwrap();
        workers.push(worker);
    }
    stage.until("busy", |it| it.busy() == LIMITS.share).await;
    is_closed(&mut stage.call(2, "").await).await;
    stage.hand.advance(IDLE_TIME);
    stage.hand.advance(IDLE_TIME);
    assert!(workers[0].try_read(&mut [0]).is_err(), "it stays");
}

#[tokio::test]
async fn who_asks_for_nothing_is_closed() {
    let stage = Stage::new();
    let mut all = vec![stage.call(2, HALF).await, stage.call(2, HTTP2).await];
    all.push(stage.call(2, "").await);
    let mut asked = stage.call(3, WHOLE).await;
    is_answered(&mut asked).await;
    let mut follower = stage.call(3, SILENT).await;
    is_answered(&mut follower).await;
    stage.until_held(&[(2, 3), (3, 2)]).await;
    stage.hand.advance(FIRST_REQUEST_TIME);
    stage.until_held(&[(2, 0), (3, 2)]).await;
    stage.hand.advance(IDLE_TIME);
    stage.until_held(&[(2, 0), (3, 1)]).await;
    is_closed(&mut asked).await;
    stage.hand.advance(IDLE_TIME);
    stage.hand.advance(IDLE_TIME);
    assert!(follower.try_read(&mut [0]).is_err(), "the follower stays");
}

#[tokio::test]
async fn who_does_not_take_his_answer_is_closed() {
    let stage = Stage::new();
    // What waits behind it in the same connection is not read meanwhile.
    let _stuck = stage.call(2, format!("{LARGE}{LARGE}")).await;
    let _closed = stage.call(3, HTTP2_CLOSED).await;
    stage.until_held(&[(2, 1), (3, 1)]).await;
    // Until the kernel's buffers are full, and both have asked.
    tokio::time::sleep(Duration::from_millis(300)).await;
    stage.hand.advance(FIRST_REQUEST_TIME);
    tokio::time::sleep(Duration::from_millis(100)).await;
    stage.until_held(&[(2, 1), (3, 1)]).await;
    stage.hand.advance(IDLE_TIME);
    stage.hand.advance(IDLE_TIME);
    stage.until_held(&[(2, 0), (3, 0)]).await;
}
