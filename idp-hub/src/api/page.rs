//! The read-only overview page: files that are part of the binary.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use xxhash_rust::xxh3::xxh3_64;

use super::state::ApiState;

/// Path, media type, content.
const FILES: [(&str, &str, &str); 5] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("../page/index.html"),
    ),
    (
        "/page/page.css",
        "text/css; charset=utf-8",
        include_str!("../page/page.css"),
    ),
    (
        "/page/page.js",
        "text/javascript; charset=utf-8",
        include_str!("../page/page.js"),
    ),
    (
        "/page/words.js",
        "text/javascript; charset=utf-8",
        include_str!("../page/words.js"),
    ),
    (
        "/page/icon.svg",
        "image/svg+xml",
        include_str!("../page/icon.svg"),
    ),
];

pub(super) fn routes() -> Router<ApiState> {
    FILES
        .into_iter()
        .fold(Router::new(), |router, (path, kind, content)| {
            let tag = format!("\"{:016x}\"", xxh3_64(content.as_bytes()));
            router.route(
                path,
                get(move |headers| async move { file(&headers, kind, content, tag) }),
            )
        })
}

/// Looked at anew each time, since a new release has new files under the same names.
fn file(headers: &HeaderMap, kind: &'static str, content: &'static str, tag: String) -> Response {
    let known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|it| it.as_bytes() == tag.as_bytes());
    let cache = [(CACHE_CONTROL, "no-cache".to_owned()), (ETAG, tag)];
    if known {
        (StatusCode::NOT_MODIFIED, cache).into_response()
    } else {
        (cache, [(CONTENT_TYPE, kind)], content).into_response()
    }
}
