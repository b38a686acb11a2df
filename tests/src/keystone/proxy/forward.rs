//! A call that is passed on, and its answer.

use std::fmt;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use bytes::Bytes;
use reqwest::Client;
use reqwest::redirect::Policy;

use super::super::http::BODY_BYTES_MAX;

/// What is of one connection, and not of a call or an answer; the length is told anew.
const OF_CONNECTION: [header::HeaderName; 5] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::EXPECT,
];

/// A call, read whole.
pub(super) struct Call {
    method: Method,
    /// With its question.
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    /// `None` where it is cut off, or longer than any of an organization.
    pub(super) async fn read(request: Request) -> Option<Self> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.ok()?;
        Some(Self {
            method: head.method,
            path: head.uri.path_and_query()?.as_str().to_owned(),
            headers: passed_on(&head.headers),
            body,
        })
    }

    pub(super) fn is_sign_in(&self) -> bool {
        self.path.ends_with("/auth/tokens")
    }

    pub(super) fn is_write(&self) -> bool {
        let is_read = [Method::GET, Method::HEAD].contains(&self.method);
        !is_read && !self.is_sign_in()
    }
}

/// Writes alone are shown, in which there are no passwords in the soak.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {} {body}", self.method, self.path)
    }
}

fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut passed = headers.clone();
    for name in &OF_CONNECTION {
        passed.remove(name);
    }
    passed
}

/// The Keystone behind the door.
pub(super) struct Upstream {
    client: Client,
    /// Without the `/v3` that each path begins with.
    url: String,
}

impl Upstream {
    pub(super) fn new(keystone: &str) -> Self {
        shared::pki::install_default_provider();
        // A service that closes a connection as it is used again fails the request.
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0);
        Self {
            client: client.redirect(Policy::none()).build().unwrap(),
            url: keystone.strip_suffix("/v3").unwrap().to_owned(),
        }
    }

    /// Asks it; `None` where it does not answer to the end.
    pub(super) async fn ask(&self, call: &Call) -> Option<Response> {
        let asked = self
            .client
            .request(call.method.clone(), format!("{}{}", self.url, call.path))
            .headers(call.headers.clone())
            .body(call.body.clone());
        let answer = asked.send().await.ok()?;
        let (status, headers) = (answer.status(), passed_on(answer.headers()));
        let mut told = Response::new(Body::from(answer.bytes().await.ok()?));
        *told.status_mut() = status;
        *told.headers_mut() = headers;
        Some(told)
    }
}
