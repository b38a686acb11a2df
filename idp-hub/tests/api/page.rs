//! The overview page's files.

use axum::http::{Method, header};

use crate::kit::{Kit, request, with};

#[tokio::test]
async fn files_have_their_types_and_are_not_sent_twice() {
    let kit = Kit::new().await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
        ("/page/page.js", "text/javascript; charset=utf-8"),
        ("/page/words.js", "text/javascript; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
    ] {
        let answer = kit.web(request(Method::GET, path, None)).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                &answer.headers[header::CONTENT_TYPE]
            ),
            (200, &kind.parse().unwrap())
        );
        let tag = answer.headers[header::ETAG].to_str().unwrap();
        let again = kit
            .web(with(request(Method::GET, path, None), "if-none-match", tag))
            .await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    }
}
