//! What the audit trail is told of the organization: merges, drift, and users who come and go.

use axum::http::Method;
use serde_json::json;
use shared::wire::frame::Checked;

use super::words;
use crate::directory::with_a_home;
use crate::drift::{of_user, with_drift};
use crate::kit::{request, with};
use crate::sign_in::{cookie, enters, from};

const OLD: &str = "old secret";
const OWN: &str = "my own password";
const NEW: &str = "correct horse battery";

#[tokio::test]
async fn a_merge_is_told_with_its_plan_and_its_counts() {
    let kit = with_a_home().await;
    let stale = json!({ "digest": "07".repeat(16) });
    let path = "/regions/north/organization/merge";
    kit.post(path, stale).await.is_problem(409, "plan-changed");
    let told = kit.trail("?action=merge").await;
    let names: Vec<_> = told.iter().map(|it| &it["subject"]["name"]).collect();
    assert_eq!(names, ["north", "home"]);
    let outcomes = ["refused: plan-changed", "done"];
    assert_eq!(words(&told, "outcome"), outcomes);
    let after = told[1]["after"].as_str().unwrap();
    assert!(after.starts_with("plan="), "{after}");
    assert!(after.contains(" adopt-user=1"), "{after}");
}

#[tokio::test]
async fn answers_to_drift_are_told_with_both_values() {
    let (kit, ann) = with_drift().await;
    let items = kit.items("drift").await;
    let seen = of_user(&items);
    let id = seen["id"].as_str().unwrap();
    let path = |how: &str| format!("/regions/home/drift/{id}/{how}");
    let other = json!({ "seen": "07".repeat(16) });
    let answer = kit.post(&path("put-back"), other).await;
    answer.is_problem(409, "refused");
    let body = json!({ "seen": seen["seen"] });
    for how in ["put-back", "put-back", "adopt"] {
        assert_eq!(kit.post(&path(how), body.clone()).await.status, 200);
    }
    for _ in 0..2 {
        let policy = "/regions/home/organization/policy";
        let set = json!({ "drift": "put-back" });
        assert_eq!(kit.send(Method::PUT, policy, set).await.status, 204);
    }
    let all = kit.trail("?limit=5").await;
    let told = [
        "drift-policy",
        "adopt-drift",
        "put-back",
        "put-back",
        "put-back",
    ];
    assert_eq!(words(&all, "action"), told, "what changes nothing is not");
    let [policy, adopted, _, put_back, refused] = &all[..] else {
        panic!("{all:?}");
    };
    let sides = [&policy["before"], &policy["after"]];
    assert_eq!(sides, ["ask", "put-back"]);
    assert_eq!(adopted["subject"]["id"], ann);
    let (before, after) = (&adopted["before"], adopted["after"].as_str().unwrap());
    assert!(before.as_str().unwrap().contains("name=\"ann\""));
    assert!(after.starts_with("as in region \"home\": name=\"anna\""));
    assert_eq!(put_back["subject"]["id"], ann);
    let (before, after) = (&put_back["before"], put_back["after"].as_str().unwrap());
    assert!(before.as_str().unwrap().starts_with("name=\"anna\""));
    assert!(after.starts_with("in region \"home\": name=\"ann\""));
    assert_eq!(refused["outcome"], "refused: refused");
}

#[tokio::test]
async fn users_are_told_as_they_come_go_and_get_passwords_and_no_secret_is() {
    let kit = with_a_home().await;
    let home = kit.tells_key("home").await;
    kit.clouds.has(home, "home-ann", OLD);
    let ann = kit.items("users").await[0]["id"].clone();
    let ann = ann.as_str().unwrap();
    let wrong = kit.web(enters("ops", "ann", "a guess")).await;
    wrong.is_problem(401, "wrong-password");
    let session = cookie(&kit.web(enters("ops", "ann", OLD)).await);
    let asks = |method, path: &str, body| {
        let asked = request(method, &format!("/api/v1{path}"), body);
        kit.web(with(asked, "cookie", &session))
    };
    let made = Some(json!({ "name": "mine" }));
    let denied = asks(Method::POST, "/directory/departments", made).await;
    denied.is_problem(403, "not-permitted");
    let own = "/session/password";
    let wrong = Some(json!({ "current": "a guess", "new": OWN }));
    let refused = asks(Method::PUT, own, wrong).await;
    refused.is_problem(401, "wrong-password");
    let right = Some(json!({ "current": OLD, "new": OWN }));
    assert_eq!(asks(Method::PUT, own, right).await.status, 200);
    assert_eq!(kit.sets_password(ann, NEW).await.status, 200);
    let session = cookie(&kit.web(enters("ops", "ann", NEW)).await);
    let asked = request(Method::DELETE, "/api/v1/session", None);
    assert_eq!(kit.web(with(asked, "cookie", &session)).await.status, 204);

    let all = kit.trail("?limit=9").await;
    let told: Vec<_> = ["who", "action", "outcome"]
        .map(|it| words(&all, it))
        .into();
    let told: Vec<_> = (0..9)
        .map(|at| told.iter().map(|it| it[at].as_str()).collect::<Vec<_>>())
        .collect();
    let captured = "ops/ann, by the cloud of home";
    assert_eq!(
        told,
        [
            ["ops/ann", "sign-out", "done"],
            ["ops/ann", "sign-in", "done"],
            ["local socket", "set-password", "done"],
            ["ops/ann", "set-password", "done"],
            ["ops/ann", "set-password", "refused: wrong-password"],
            ["ops/ann", "create", "refused: not-permitted"],
            ["ops/ann", "sign-in", "done"],
            [captured, "capture-password", "done"],
            ["ops/ann", "sign-in", "refused: wrong-password"],
        ]
    );
    assert!(all[..5].iter().all(|it| it["subject"]["id"] == ann));
    let set = all[2]["after"].as_str().unwrap();
    assert!(set.starts_with("version=") && set.ends_with("regions=1"));
    let all = format!("{all:?}");
    for secret in [OLD, OWN, NEW, "a guess"] {
        assert!(!all.contains(secret), "{all}");
    }
}

#[tokio::test]
async fn a_user_who_is_locked_is_told_beside_wrong_passwords() {
    let kit = with_a_home().await;
    for source in 1..=12 {
        kit.web(from(source, enters("ops", "nobody", OLD))).await;
    }
    let told = kit.trail("?action=sign-in").await;
    let outcomes = ["refused: locked", "refused: wrong-password"];
    assert_eq!(words(&told, "outcome"), outcomes);
    assert_eq!(told[0]["subject"]["kind"], "user");
    assert_eq!(told[0]["subject"]["name"], "ops/nobody");
}

#[tokio::test]
async fn who_asks_for_what_is_for_cloud_administrators_alone_is_told_once_an_hour_for_each_route() {
    let kit = with_a_home().await;
    let ann = kit.items("users").await[0]["id"].clone();
    let ann = ann.as_str().unwrap();
    assert_eq!(kit.sets_password(ann, NEW).await.status, 200);
    let session = cookie(&kit.web(enters("ops", "ann", NEW)).await);
    let asks = async |method: &str, path: &str| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let asked = request(method, &format!("/api/v1{path}"), None);
        let denied = kit.web(from(7, with(asked, "cookie", &session))).await;
        denied.is_problem(403, "not-permitted");
    };
    let himself = format!("/directory/administrators/{ann}");
    for _ in 0..3 {
        asks("PUT", &himself).await;
        asks("POST", "/regions/home/credential?secret=1").await;
        asks("GET", "/audit").await;
        asks("FROB", "/audit").await;
    }
    let told = kit.trail("?action=ask").await;
    let shown = told.iter().map(|it| {
        let subject = &it["subject"];
        let words = [
            &it["who"],
            &it["source"],
            &subject["kind"],
            &subject["name"],
        ];
        words.map(|it| it.as_str().unwrap().to_owned())
    });
    let shown: Vec<_> = shown.collect();
    let by = |asked: &str| ["ops/ann", "0.0.0.7", "route", asked].map(str::to_owned);
    let appoints = format!("PUT {himself}");
    let names = ["GET /audit", "POST /regions/home/credential", &appoints];
    assert_eq!(shown, names.map(by));
    kit.hand.advance(std::time::Duration::from_secs(3600));
    asks("GET", "/audit").await;
    let told = kit.trail("?action=ask").await;
    let outcome = told[0]["outcome"].as_str().unwrap();
    assert_eq!(
        outcome,
        "refused: not-permitted, and 5 times before this without an entry"
    );
}

#[tokio::test]
async fn a_right_password_that_is_over_or_not_enough_is_told_to_the_trail() {
    let kit = with_a_home().await;
    let home = kit.tells_key("home").await;
    kit.clouds.has(home, "home-ann", OLD);
    for (said, outcome) in [
        (Checked::Expired, "refused: password-expired"),
        (Checked::NeedsMore, "refused: needs-more"),
    ] {
        kit.clouds.says(home, "home-ann", said);
        let answer = kit.web(from(7, enters("ops", "ann", OLD))).await;
        answer.is_problem(401, "wrong-password");
        let told = kit.trail("?action=sign-in&limit=1").await;
        assert_eq!(words(&told, "outcome"), [outcome]);
    }
    kit.clouds.says(home, "home-ann", Checked::Right);
    cookie(&kit.web(from(7, enters("ops", "ann", OLD))).await);
}
