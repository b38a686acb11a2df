//! Passwords of users: given by an administrator's word, and checked by signing in.
//!
//! Identity API v3: `PATCH /v3/users/{user_id}`, and `POST /v3/auth/tokens` without a scope. The
//! sign-in is sent once only: Keystone counts those that fail, and may lock the account
//! (`lockout_failure_attempts`).

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use shared::model::{CloudId, ServiceKind};
use shared::wire::frame::Checked;
use zeroize::Zeroizing;

use super::account::revoke;
use super::client::{Change, Client};
use super::fault;
use super::http::Answer;
use super::identity::segment;
use super::refusal::Refusal;
use crate::cloud::CloudError;

/// What a check is called in errors.
const WHAT: &str = "POST /auth/tokens";

/// How Keystone begins to say that a password was right and counts no more
/// (`keystone/exception.py`, `PasswordExpired`). Of all reasons for a 401 it tells this one only.
pub(super) const EXPIRED: &str = "The password is expired";

/// Gives a user a password.
pub(super) async fn set(client: &Client, user: &CloudId, password: &str) -> Result<(), CloudError> {
    let change = Change {
        service: ServiceKind::Identity,
        method: Method::PATCH,
        path: vec!["users".to_owned(), segment(user)?],
        body: Some(json!({"user": {"password": password}})),
    };
    client.change(&change).await.map(drop)
}

/// Asks Keystone for a token by this password, and gives it back.
pub(super) async fn check(
    client: &Client,
    user: &CloudId,
    password: &str,
) -> Result<Checked, CloudError> {
    let mut url = client.keystone().clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend(["auth", "tokens"]);
    }
    let sign_in = json!({"auth": {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"id": user.to_string(), "password": password}},
        },
        "scope": "unscoped",
    }});
    let body = Zeroizing::new(sign_in.to_string());
    let request = client.http().client().post(url).body(body.to_string());
    let request = request.header("content-type", "application/json");
    let answer = client.http().send(request).await;
    match Refusal::unless(|status| matches!(status, 201 | 401), answer) {
        Ok(answer) if answer.status == 201 => {
            if let Some(token) = token(&answer) {
                revoke(client, &token).await;
            }
            Ok(Checked::Right)
        }
        Ok(answer) => Ok(refused(&answer)),
        Err(refusal) => Err(refusal.into_error(client.keystone().as_str(), WHAT.to_owned())),
    }
}

fn token(answer: &Answer) -> Option<HeaderValue> {
    let token = answer.subject_token.as_ref()?;
    let mut header = HeaderValue::from_str(token.expose()).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// A password that is right and not all that is asked for brings a receipt ("Multi-Factor
/// Authentication"): then the answer names the methods that are left.
fn refused(answer: &Answer) -> Checked {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let has_receipt = body.is_some_and(|it| it.get("receipt").is_some());
    match has_receipt {
        true => Checked::NeedsMore,
        false if fault::message(&answer.body).starts_with(EXPIRED) => Checked::Expired,
        false => Checked::Wrong,
    }
}
