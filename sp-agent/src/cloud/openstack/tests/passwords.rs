//! Passwords, as Keystone is asked about them.

use serde_json::json;
use shared::model::CloudId;
use shared::wire::frame::Checked;

use super::*;
use crate::cloud::openstack::testing::{Reply, Seen};

const TOKENS: &str = "/identity/v3/auth/tokens";

fn cloud(fake: &Fake) -> OpenStack {
    OpenStack::new(&options(fake.url()), Clock::system()).unwrap()
}

fn is_check(seen: &Seen) -> bool {
    seen.path == TOKENS && seen.method == "POST" && seen.body.to_string().contains("guess")
}

async fn check(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Fake, Checked) {
    let fake = Fake::start(move |seen| is_check(seen).then(&reply)).await;
    let user = CloudId::new("u1");
    let checked = cloud(&fake).check_password(&user, "guess").await.unwrap();
    (fake, checked)
}

#[tokio::test]
async fn a_right_password_brings_a_token_that_is_given_back() {
    let (fake, checked) = check(|| {
        let body = json!({"token": {"user": {"id": "u1"}}}).to_string();
        Reply::status(201, body).header("x-subject-token", "token-x")
    })
    .await;
    assert_eq!(checked, Checked::Right);
    let seen = fake.seen(TOKENS);
    let methods: Vec<&str> = seen.iter().map(|it| it.method.as_str()).collect();
    assert_eq!(methods, ["POST", "DELETE"], "of the check alone");
    assert_eq!(seen[1].token, "token-x");
    assert_eq!(seen[0].body["auth"]["scope"], "unscoped");
}

#[tokio::test]
async fn what_keystone_says_no_with_is_told_apart_where_it_tells() {
    let error = |message: &str| {
        let body = json!({"error": {"code": 401, "title": "Unauthorized", "message": message}});
        body.to_string()
    };
    let wrong = error("The request you have made requires authentication.");
    let expired = error(
        "The password is expired and needs to be changed for user: u1. If the password is lost or \
         forgotten, contact your system administrator to reset it.",
    );
    let receipt = json!({"receipt": {"methods": ["password"]}}).to_string();
    for (body, expected) in [
        (wrong, Checked::Wrong),
        (expired, Checked::Expired),
        (receipt, Checked::NeedsMore),
    ] {
        let (fake, checked) = check(move || Reply::status(401, body.clone())).await;
        assert_eq!(checked, expected);
        assert_eq!(fake.seen(TOKENS).len(), 1, "it is asked once");
    }
}

#[tokio::test]
async fn a_keystone_that_fails_is_no_wrong_password() {
    let fake = Fake::start(|seen| is_check(seen).then(|| Reply::status(500, ""))).await;
    let user = CloudId::new("u1");
    let told = cloud(&fake).check_password(&user, "guess").await;
    assert!(matches!(told, Err(CloudError::Status { status: 500, .. })));
    assert_eq!(fake.seen(TOKENS).len(), 1, "it is asked once");
}

#[tokio::test]
async fn a_password_is_set_and_stands_in_no_error() {
    let path = "/identity/v3/users/u1";
    let fake = Fake::start(move |seen| {
        (seen.path == path).then(|| match seen.body.to_string().contains("short") {
            true => {
                let error = json!({"error": {"code": 400, "message": "The password is too weak"}});
                Reply::status(400, error.to_string())
            }
            false => Reply::status(200, json!({"user": {"id": "u1"}}).to_string()),
        })
    })
    .await;
    let (cloud, user) = (cloud(&fake), CloudId::new("u1"));
    cloud.set_password(&user, "long enough").await.unwrap();
    let seen = fake.seen(path);
    assert_eq!((seen[0].method.as_str(), seen.len()), ("PATCH", 1));
    let sent = json!({"user": {"password": "long enough"}});
    assert_eq!(seen[0].body, sent);
    let error = cloud.set_password(&user, "short").await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("too weak") && !text.contains("short"),
        "{text}"
    );
}
