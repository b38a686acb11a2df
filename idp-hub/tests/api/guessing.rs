//! Whoever guesses passwords: held up, and a burden to nobody else.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures_util::future::join_all;

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
