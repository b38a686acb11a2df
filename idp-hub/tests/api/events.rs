//! Followers hear everything first, then what changed.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Request, header};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::kit::{Kit, request, with};

/// A follower's end of the stream.
struct Events {
    body: BodyDataStream,
    text: String,
}

/// Name, id and content of an event.
type Event = (String, Option<String>, Value);

impl Events {
    async fn follow(kit: &Kit, request: Request<Body>) -> Self {
        let response = kit.web_raw(request).await;
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/event-stream"
        );
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(str::to_owned)
                };
                let (name, id, data) = (field("event: "), field("id: "), field("data: "));
                self.text = rest.to_owned();
                if let (Some(name), Some(data)) = (name, data) {
                    return Some((name, id, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let more = tokio::time::timeout(Duration::from_secs(20), self.body.next()).await;
            let bytes = more.unwrap()?.unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    async fn named(&mut self, expected: &str) -> (Option<String>, Value) {
        loop {
            let (name, id, data) = self.next().await.unwrap();
            if name != "alive" || expected == "alive" {
                assert_eq!(name, expected, "{data}");
                return (id, data);
            }
        }
    }
}

fn events(cookie: &str) -> Request<Body> {
    with(
        request(Method::GET, "/api/v1/events", None),
        "cookie",
        cookie,
    )
}

/// Lets the followers' pause pass. They sleep on the kit's own clock.
async fn pause(kit: &Kit) {
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    kit.hand.advance(Duration::from_secs(1));
}

#[tokio::test]
async fn the_state_comes_first_then_each_change_once() {
    let mut kit = Kit::new().await;
    let north = kit.region("north", 1).await;
    kit.region("south", 2).await;
    let cookie = kit.sign_in().await;
    let mut followed = Events::follow(&kit, events(&cookie)).await;
    followed.named("reset").await;
    let (_, overview) = followed.named("overview").await;
    assert_eq!(overview["regions"], 2);
    let (id, regions) = followed.named("regions").await;
    assert_eq!(regions["changed"].as_array().unwrap().len(), 2);
    assert_eq!(regions["removed"], json!([]));

    kit.becomes_healthy("north", north).await;
    kit.servers(north, 0, 3).await;
    kit.servers(north, 3, 5).await;
    pause(&kit).await;
    let (_, overview) = followed.named("overview").await;
    assert_eq!(overview["states"]["healthy"], 1);
    let (newer, regions) = followed.named("regions").await;
    let changed = regions["changed"].as_array().unwrap();
    assert_eq!(
        (changed.len(), &changed[0]["state"]),
        (1, &json!("healthy"))
    );
    assert_eq!(changed[0]["totals"]["servers"], 5, "many changes are one");

    let south = kit.board.region("south").unwrap().view.facts.id.to_string();
    kit.local(request(Method::DELETE, "/api/v1/regions/south", None))
        .await;
    kit.show().await;
    pause(&kit).await;
    followed.named("overview").await;
    assert_eq!(
        followed.named("regions").await.1,
        json!({ "changed": [], "removed": [south] })
    );

    // Who comes back hears only what he missed; who names another life's event hears all.
    let mut back = Events::follow(
        &kit,
        with(events(&cookie), "last-event-id", &newer.unwrap()),
    )
    .await;
    back.named("overview").await;
    assert_eq!(back.named("regions").await.1["removed"], json!([south]));
    let foreign = format!(
        "0123456789abcdef-{}",
        id.unwrap().split_once('-').unwrap().1
    );
    let mut anew = Events::follow(&kit, with(events(&cookie), "last-event-id", &foreign)).await;
    anew.named("reset").await;
}

#[tokio::test]
async fn followers_are_bounded_and_give_their_place_back() {
    let kit = Kit::new().await;
    let cookie = kit.sign_in().await;
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(Events::follow(&kit, events(&cookie)).await);
    }
    let full = kit.web(events(&cookie)).await;
    full.is_problem(503, "unavailable");
    assert_eq!(full.headers[header::RETRY_AFTER], "30");
    drop(all);
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if kit.web_raw(events(&cookie)).await.status() == 200 {
            return;
        }
    }
    panic!("no place was given back");
}

#[tokio::test]
async fn that_the_hub_is_there_is_told_while_nothing_changes() {
    let kit = Kit::new().await;
    let cookie = kit.sign_in().await;
    let mut followed = Events::follow(&kit, events(&cookie)).await;
    followed.named("reset").await;
    followed.named("overview").await;
    for _ in 0..2 {
        for _ in 0..5 {
            pause(&kit).await;
        }
        assert_eq!(followed.named("alive").await, (None, json!({})));
    }
}

#[tokio::test]
async fn signing_out_ends_the_events() {
    let kit = Kit::new().await;
    let cookie = kit.sign_in().await;
    let mut followed = Events::follow(&kit, events(&cookie)).await;
    followed.named("reset").await;
    followed.named("overview").await;
    let out = with(
        request(Method::DELETE, "/api/v1/session", None),
        "cookie",
        &cookie,
    );
    assert_eq!(kit.web(out).await.status, 204);
    for _ in 0..16 {
        pause(&kit).await;
    }
    followed.named("signed-out").await;
    assert_eq!(followed.next().await, None);
}

#[tokio::test]
async fn who_takes_nothing_is_dropped() {
    let mut kit = Kit::new().await;
    let north = kit.region("north", 1).await;
    let cookie = kit.sign_in().await;
    let mut followed = Events::follow(&kit, events(&cookie)).await;
    for round in 0..40 {
        kit.servers(north, round, round + 1).await;
        pause(&kit).await;
    }
    let mut heard = 0;
    while followed.next().await.is_some() {
        heard += 1;
    }
    assert!(
        heard < 10,
        "{heard} events were kept for someone who took none"
    );
}
