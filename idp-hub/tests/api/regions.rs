//! Regions: listed, shown, invited, accepted, renamed, removed.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::kit::{Kit, START, request};

#[tokio::test]
async fn who_has_just_joined_is_found_before_the_overview_shows_him() {
    let mut kit = Kit::new().await;
    kit.join("north", 1).await;
    let mut getting = Box::pin(kit.get("/api/v1/regions/north"));
    let look = Duration::from_millis(50);
    let too_early = timeout(look, &mut getting).await;
    assert!(too_early.is_err(), "{:?}", too_early.unwrap());
    kit.show().await;
    let answer = loop {
        tokio::select! {
            answer = &mut getting => break answer,
            () = sleep(look) => kit.hand.advance(look),
        }
    };
    assert_eq!(answer.json()["name"], "north");
    kit.get("/api/v1/regions/south")
        .await
        .is_problem(404, "not-found");
}

#[tokio::test]
async fn the_overview_and_the_lists_agree() {
    let mut kit = Kit::new().await;
    let north = kit.region("north", 1).await;
    kit.region("south", 2).await;
    kit.becomes_healthy("north", north).await;
    kit.servers(north, 0, 3).await;

    let overview = kit.get("/api/v1/overview").await.json();
    assert_eq!(overview["now"], "2026-11-21T18:00:00.000Z");
    assert_eq!(overview["regions"], 2);
    assert_eq!(
        overview["states"],
        json!({ "connecting": 1, "healthy": 1, "degraded": 0, "unreachable": 0 })
    );
    assert_eq!(overview["totals"]["servers"], 3);
    assert_eq!(overview["totals"]["servers_other"], 0);
    assert_eq!(overview["totals"]["server_memory_mib"], 6144);
    // Neither agent has told of a service yet that was read to its end.
    assert_eq!(overview["totals"]["volumes"], json!(null));
    assert_eq!(overview["lacking"]["servers"], 2);
    assert_eq!(overview["list"][1]["servers"], json!(null));
    assert_eq!(overview["list"][0]["name"], "north");
    assert_eq!(
        (&overview["list"][0]["servers"], &overview["more"]),
        (&json!(3), &json!(false))
    );

    let region = kit.get("/api/v1/regions/north").await.json();
    assert_eq!(
        (&region["state"], &region["reason"]),
        (&json!("healthy"), &json!("ok"))
    );
    assert_eq!(region["standing"], "accepted");
    assert_eq!(region["cloud"]["kind"], "simulated");
    assert_eq!(region["key_fingerprint"], "01".repeat(32));
    assert_eq!(region["certificate_expires"], "2026-11-22T18:00:00.000Z");
    assert_eq!(region["data_from"], "2026-11-21T18:00:00.000Z");
    let region = kit.get("/api/v1/regions/south").await.json();
    assert_eq!(region["standing"], "pending");
    assert_eq!(region.get("data_from"), None);
    assert!(
        !region["next_step"].as_str().unwrap().is_empty(),
        "{region}"
    );
}

#[tokio::test]
async fn regions_are_listed_page_by_page() {
    let mut kit = Kit::new().await;
    let names = ["alpha", "be ta", "gamma", "北京", "日"];
    for (place, name) in names.iter().enumerate() {
        kit.region(name, place as u8 + 1).await;
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = kit
            .get(&format!("/api/v1/regions?limit=2{after}"))
            .await
            .json();
        let items = page["items"].as_array().unwrap();
        seen.extend(
            items
                .iter()
                .map(|it| it["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, names);
    assert_eq!(
        kit.get("/api/v1/regions/be%20ta").await.json()["name"],
        "be ta"
    );
    assert_eq!(
        kit.get("/api/v1/regions/%E5%8C%97%E4%BA%AC").await.json()["name"],
        "北京"
    );
}

#[tokio::test]
async fn an_invitation_says_the_whole_command() {
    let mut kit = Kit::new().await;
    let invite = |body| request(Method::POST, "/api/v1/invitations", Some(body));
    let answer = kit
        .local(invite(
            json!({ "region": "north", "lifetime_seconds": 600 }),
        ))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let invitation = answer.json();
    let token = invitation["token"].as_str().unwrap();
    assert!(token.parse::<shared::pki::JoinToken>().is_ok());
    let command = "sp-agent join --hub hub.example.org:7443 -";
    assert_eq!(
        invitation["command"], command,
        "the token is in no argument"
    );
    assert_eq!(invitation["expires"], "2026-11-21T18:10:00.000Z");

    let open = kit.get("/api/v1/invitations").await;
    assert_eq!(open.json()["items"][0]["region"], "north");
    assert!(!open.text.contains(token));
    let withdraw = || request(Method::DELETE, "/api/v1/invitations/north", None);
    assert_eq!(kit.local(withdraw()).await.status, 204);
    let none = kit.local(withdraw()).await;
    let next = none.is_problem(404, "not-found")["next_step"].to_string();
    assert!(next.contains("region invitations"), "{next}");
    assert_eq!(
        kit.get("/api/v1/invitations").await.json(),
        json!({ "items": [] })
    );

    kit.local(invite(json!({ "region": "a/b" })))
        .await
        .is_problem(400, "invalid-request");
    let long = json!({ "region": "a", "lifetime_seconds": 3601 });
    kit.local(invite(long))
        .await
        .is_problem(400, "invalid-request");
    kit.region("south", 1).await;
    kit.local(invite(json!({ "region": "south" })))
        .await
        .is_problem(409, "name-taken");
}

#[tokio::test]
async fn a_region_is_accepted_renamed_and_removed() {
    let mut kit = Kit::new().await;
    kit.region("north", 1).await;
    kit.region("south", 2).await;
    let accept = |body| request(Method::POST, "/api/v1/regions/north/accept", Some(body));
    let key = |digits: &str| json!({ "key_fingerprint": digits.repeat(32) });
    kit.local(accept(key("0")))
        .await
        .is_problem(400, "invalid-request");
    kit.local(accept(key("02")))
        .await
        .is_problem(409, "refused");
    assert_eq!(kit.local(accept(key("01"))).await.status, 204);
    // Accepted before; and nobody accepts what he was not shown.
    assert_eq!(kit.local(accept(key("01"))).await.status, 204);
    kit.local(accept(json!({})))
        .await
        .is_problem(400, "invalid-request");
    kit.show().await;
    assert_eq!(
        kit.get("/api/v1/regions/north").await.json()["standing"],
        "accepted"
    );

    let rename = |to: &str| {
        request(
            Method::PATCH,
            "/api/v1/regions/north",
            Some(json!({ "name": to })),
        )
    };
    kit.local(rename("south"))
        .await
        .is_problem(409, "name-taken");
    kit.local(rename(""))
        .await
        .is_problem(400, "invalid-request");
    assert_eq!(kit.local(rename("east")).await.status, 204);
    kit.local(rename("west")).await.is_problem(404, "not-found");
    kit.show().await;
    assert_eq!(kit.get("/api/v1/regions/east").await.status, 200);

    let remove = || request(Method::DELETE, "/api/v1/regions/east", None);
    assert_eq!(kit.local(remove()).await.status, 204);
    kit.local(remove()).await.is_problem(404, "not-found");
    kit.show().await;
    kit.get("/api/v1/regions/east")
        .await
        .is_problem(404, "not-found");
    assert_eq!(kit.get("/api/v1/overview").await.json()["regions"], 1);
    assert_eq!(kit.clock.unix_millis(), START);
}
