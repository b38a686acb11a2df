//! What every request and every answer passes through.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::problem::{Kind, MEDIA_TYPE, Problem};

/// The largest body taken, in bytes. The largest that is right is a password of 1 KiB.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// How much of a larger one is taken and thrown away before it is refused. An answer that comes
/// while the body is on its way is lost: HTTP/2 clients take the end of the stream for a fault, and
/// before it the rest of the body resets the connection. Some 8 MiB are more than anybody sends by
/// mistake.
const BODY_BYTES_TAKEN: usize = 8 * 1024 * 1024;

/// How long a request may take to arrive and to be answered: a page of records from a cold disk,
/// or a removal of a million of them.
const TIME_MAX: Duration = Duration::from_secs(30);

/// An adoption waits for an agent, its cloud, and the agent's join: see `adoption`, which bounds
/// each of them, and answers sooner than this.
const ADOPTION_TIME_MAX: Duration = Duration::from_secs(70);

/// The page needs its own files and the API, and nothing else: no inline script, no frame, no other
/// host.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// Where adoptions are asked for.
const ADOPTIONS_PATH: &str = "/api/v1/adoptions";

/// Headers of every answer. No Strict-Transport-Security: the hub's own certificate is by a CA that
/// browsers don't know, and the header would take from people the means to go on to it.
const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", CONTENT_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Wraps a router in all of it.
pub(super) fn around(router: Router) -> Router {
    let wrapped = router
        .layer(axum::middleware::from_fn(with_whole_body))
        .layer(CsrfLayer::new())
        .layer(axum::middleware::from_fn(in_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::map_response(as_problem))
        .layer(SetResponseHeaderLayer::if_not_present(
            CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ));
    HEADERS.into_iter().fold(wrapped, |router, (name, value)| {
        router.layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        ))
    })
}

/// Takes the body, and lets a request with one that is too large go no further.
async fn with_whole_body(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match whole(body).await {
        Ok(body) => next.run(Request::from_parts(head, body)).await,
        Err(problem) => problem.into_response(),
    }
}

async fn whole(body: Body) -> Result<Body, Problem> {
    let too_large = || {
        let detail = format!("The body has more than {BODY_BYTES_MAX} bytes.");
        Problem::new(Kind::TooLarge, detail)
    };
    // Nobody waits for what is announced as too much to be taken.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > BODY_BYTES_TAKEN {
        return Err(too_large());
    }
    let (mut pieces, mut kept, mut taken) = (body.into_data_stream(), Vec::new(), 0usize);
    while let Some(piece) = pieces.next().await {
        let broken = |_| Problem::new(Kind::InvalidRequest, "The body broke off.");
        let piece = piece.map_err(broken)?;
        taken = taken.saturating_add(piece.len());
        if taken > BODY_BYTES_TAKEN {
            return Err(too_large());
        }
        if taken <= BODY_BYTES_MAX {
            kept.extend_from_slice(&piece);
        }
    }
    if taken > BODY_BYTES_MAX {
        return Err(too_large());
    }
    Ok(Body::from(kept))
}

/// Ends a request that takes too long.
async fn in_time(request: Request, next: Next) -> Response {
    let time_max = match request.uri().path() {
        ADOPTIONS_PATH => ADOPTION_TIME_MAX,
        _ => TIME_MAX,
    };
    let answered = tokio::time::timeout(time_max, next.run(request)).await;
    answered.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

/// The hook that the daemon installed has logged it.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::new(Kind::Internal, "The request met a defect of the hub.").into_response()
}

/// An error of a library becomes a problem, too.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let kind = response.headers().get(CONTENT_TYPE);
    if !is_error || kind.is_some_and(|kind| kind == MEDIA_TYPE) {
        return response;
    }
    let detail = match status {
        StatusCode::FORBIDDEN => "A browser sent this from another site's page.".to_owned(),
        _ => format!(
            "{}.",
            status.canonical_reason().unwrap_or("The request failed")
        ),
    };
    let mut problem = Problem::new(Kind::of_status(status), detail).into_response();
    // What the library said besides, such as Allow, stays.
    let told = response
        .headers()
        .iter()
        .filter(|(name, _)| ![CONTENT_TYPE, axum::http::header::CONTENT_LENGTH].contains(name));
    for (name, value) in told {
        problem.headers_mut().insert(name, value.clone());
    }
    problem
}
