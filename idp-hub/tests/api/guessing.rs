//! Whoever guesses passwords: held up, told to the audit in few lines, and a burden to nobody else.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures_util::future::join_all;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::kit::{Kit, PASSWORD, sign_in};

fn from(source: u32, mut request: Request<Body>) -> Request<Body> {
    let peer = SocketAddr::new(IpAddr::V4(source.into()), 1);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

#[tokio::test]
async fn invented_accounts_buy_no_more_guesses() {
    let kit = Kit::new().await;
    for number in 0..20 {
        let answer = kit.web(sign_in(&format!("nobody-{number}"), "x")).await;
        answer.is_problem(401, "wrong-password");
    }
    let answer = kit.web(sign_in("nobody", "x")).await;
    answer.is_problem(429, "too-many-attempts");
    let elsewhere = from(9, sign_in("admin", PASSWORD));
    assert_eq!(kit.web(elsewhere).await.status, 201);
}

#[tokio::test]
async fn an_attempt_that_found_the_hub_busy_is_not_counted() {
    let kit = Kit::new().await;
    let crowd = (0..200).map(|source| kit.web(from(source, sign_in("admin", "wrong"))));
    let answers = join_all(crowd).await;
    let busy = answers.iter().position(|it| it.status == 503);
    let busy = u32::try_from(busy.expect("200 at once find places")).unwrap();
    for _ in 0..5 {
        let answer = kit.web(from(busy, sign_in("admin", "wrong"))).await;
        answer.is_problem(401, "wrong-password");
    }
    let answer = kit.web(from(busy, sign_in("admin", "wrong"))).await;
    answer.is_problem(429, "too-many-attempts");
}

#[tokio::test]
async fn refusals_are_told_to_the_audit_once_in_a_while_and_counted() {
    let kit = Kit::new().await;
    // With one listener alone, a line that is first reached in another test's thread is taken for
    // one that nobody listens to; with two, all are asked.
    let _second = tracing::Dispatch::new(Audit::default());
    let audit = Audit::default();
    let lines = Arc::clone(&audit.0);
    let _listening = tracing::subscriber::set_default(audit);
    for _ in 0..100 {
        kit.web(sign_in("admin", "wrong")).await;
    }
    assert_eq!(
        kit.web(from(9, sign_in("admin", PASSWORD))).await.status,
        201
    );
    assert_eq!(
        kit.web(from(9, sign_in("admin", PASSWORD))).await.status,
        201
    );
    kit.hand.advance(std::time::Duration::from_secs(60));
    kit.web(sign_in("admin", "wrong")).await;
    let lines = lines.lock().unwrap();
    let told: Vec<_> = lines.iter().map(String::as_str).collect();
    let [first, held_up, admitted, again, last] = told[..] else {
        panic!("{told:?}");
    };
    assert!(
        first.contains("wrong-password") && first.contains("silenced=0"),
        "{first}"
    );
    assert!(held_up.contains("too-many-attempts"), "{held_up}");
    assert!(
        !admitted.contains("refused") && !again.contains("refused"),
        "{told:?}"
    );
    assert!(
        last.contains("wrong-password") && last.contains("silenced=4"),
        "{last}"
    );
}

/// What the audit is told.
#[derive(Default)]
struct Audit(Arc<Mutex<Vec<String>>>);

impl Subscriber for Audit {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "audit"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}
