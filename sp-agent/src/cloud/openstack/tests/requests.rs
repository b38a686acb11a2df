//! Patience, bounds and errors of single requests.

use std::io::Write;

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, answer};

#[tokio::test]
async fn a_passing_trouble_is_outlasted() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.before) {
        (SERVERS, 0) => Some(Reply::status(500, "{}")),
        (SERVERS, 1) => Some(Reply::status(503, "busy")),
        (SERVERS, 2) => Some(Reply::status(502, "<h1>Bad Gateway</h1>")),
        _ => None,
    })
    .await;
    audit(&client(&fake), Part::Servers).await.result.unwrap();
    assert_eq!(fake.seen(SERVERS).len(), 4);
}

#[tokio::test]
async fn a_lasting_trouble_is_told_with_what_where_and_why() {
    let body = r#"{"computeFault": {"code": 500, "message": "Unexpected API Error."}}"#;
    let fake =
        Fake::start(move |seen| (seen.path == SERVERS).then(|| Reply::status(500, body))).await;
    let error = audit(&client(&fake), Part::Servers)
        .await
        .result
        .unwrap_err();
    let expected = format!(
        "{}/compute/v2.1 answers GET /servers/detail with HTTP 500 (Unexpected API Error.); see \
         that service's log",
        fake.url()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(fake.seen(SERVERS).len(), 4, "four tries, and no more");
}

#[tokio::test]
async fn a_wish_to_wait_is_granted() {
    let fake = Fake::start(|seen| {
        (seen.path == SERVERS && seen.before == 0)
            .then(|| Reply::status(429, "{}").header("retry-after", "1"))
    })
    .await;
    let clock = Clock::system();
    let begun = clock.now();
    audit(&client(&fake), Part::Servers).await.result.unwrap();
    assert!(clock.now() - begun >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_wish_to_wait_for_long_is_handed_on() {
    let fake = Fake::start(|seen| {
        let busy = || Reply::status(503, "{}").header("retry-after", "600");
        (seen.path == SERVERS).then(busy)
    })
    .await;
    let error = audit(&client(&fake), Part::Servers)
        .await
        .result
        .unwrap_err();
    let CloudError::Throttled { retry_after, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(retry_after, Duration::from_secs(600));
    assert_eq!(fake.seen(SERVERS).len(), 1);
}

#[tokio::test]
async fn a_right_that_lacks_is_told_and_not_asked_for_again() {
    let body = r#"{"forbidden": {"code": 403, "message": "Policy doesn't allow it."}}"#;
    let fake =
        Fake::start(move |seen| (seen.path == SERVERS).then(|| Reply::status(403, body))).await;
    let error = audit(&client(&fake), Part::Servers)
        .await
        .result
        .unwrap_err();
    let CloudError::Forbidden { what, reason, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(what, "GET /servers/detail");
    assert_eq!(reason, "Policy doesn't allow it.");
    assert_eq!(fake.seen(SERVERS).len(), 1);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unreachable() {
    let gone = {
        let fake = Fake::start(|_| None).await;
        fake.url().to_owned()
    };
    let error = with(&options(&gone)).describe().await.unwrap_err();
    let CloudError::Unreachable { endpoint, reason } = error else {
        panic!("{error}");
    };
    assert!(endpoint.starts_with(&gone), "{endpoint}");
    assert!(reason.contains("refused"), "{reason}");
}

#[tokio::test]
async fn a_service_that_hangs_is_unreachable_after_the_time_that_was_given() {
    let fake = Fake::start(|seen| {
        let slow = Duration::from_secs(60);
        (seen.path == SERVERS).then(|| Reply::status(200, "{}").after(slow))
    })
    .await;
    let mut options = options(fake.url());
    options.request_timeout = Duration::from_millis(100);
    let error = audit(&with(&options), Part::Servers)
        .await
        .result
        .unwrap_err();
    assert!(matches!(error, CloudError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("timed out"), "{error}");
}

#[tokio::test]
async fn an_answer_beyond_all_measure_is_cut_off() {
    let fake = Fake::start(|seen| {
        let endless = || Reply::status(200, vec![b' '; 40 * 1024 * 1024]);
        (seen.path == SERVERS).then(endless)
    })
    .await;
    let mut options = options(fake.url());
    options.page_size = 10;
    let error = audit(&with(&options), Part::Servers)
        .await
        .result
        .unwrap_err();
    assert!(error.to_string().contains("longer than 32 MiB"), "{error}");
    assert_eq!(fake.seen(SERVERS).len(), 1, "it would be as long again");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_packed_answer_is_read_and_bounded_by_what_it_unpacks_to() {
    let packed = |body: &[u8]| Reply::status(200, gzip(body)).header("content-encoding", "gzip");
    let good = packed(json!({"servers": [server("a")]}).to_string().as_bytes());
    let bomb = packed(&vec![b' '; 40 * 1024 * 1024]);
    let fake = Fake::start(move |seen| match (seen.path.as_str(), seen.before) {
        (SERVERS, 0) => Some(good.clone()),
        (SERVERS, _) => Some(bomb.clone()),
        _ => None,
    })
    .await;
    let mut options = options(fake.url());
    options.page_size = 10;
    let cloud = with(&options);
    assert_eq!(audit(&cloud, Part::Servers).await.servers().len(), 1);
    let error = audit(&cloud, Part::Servers).await.result.unwrap_err();
    assert!(error.to_string().contains("longer than 32 MiB"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_asked_for_is_malformed() {
    for body in [
        "",
        "<html>",
        "[]",
        "{\"servers\": {}}",
        "{\"servers\": [{\"name\": \"x\"}]}",
    ] {
        let fake =
            Fake::start(move |seen| (seen.path == SERVERS).then(|| Reply::status(200, body))).await;
        let error = audit(&client(&fake), Part::Servers)
            .await
            .result
            .unwrap_err();
        assert!(
            matches!(error, CloudError::Malformed { .. }),
            "{body}: {error}"
        );
    }
}

#[tokio::test]
async fn a_token_does_not_follow_a_redirect() {
    let elsewhere = Fake::start(|_| answer(json!({"servers": []}))).await;
    let target = format!("{}/steal", elsewhere.url());
    let to = target.clone();
    let fake = Fake::start(move |seen| {
        (seen.path == SERVERS).then(|| Reply::status(307, "").header("location", to.clone()))
    })
    .await;
    let error = audit(&client(&fake), Part::Servers)
        .await
        .result
        .unwrap_err();
    assert!(error.to_string().contains(&target), "{error}");
    assert!(elsewhere.seen("/steal").is_empty());
}

#[tokio::test]
async fn no_more_requests_run_at_once_than_are_allowed() {
    let fake = Fake::start(|seen| {
        let body = json!({"servers": []});
        let slow = || Reply::json(&body).after(Duration::from_millis(30));
        (seen.path == SERVERS).then(slow)
    })
    .await;
    let mut options = options(fake.url());
    options.concurrency_max = 2;
    let cloud = with(&options);
    let passes = (0..8).map(|_| audit(&cloud, Part::Servers));
    for told in futures_util::future::join_all(passes).await {
        told.result.unwrap();
    }
    assert_eq!(fake.running_max(), 2);
}

#[tokio::test]
async fn a_pass_stops_when_nobody_takes_its_pages() {
    let fake = Fake::start(|seen| {
        (seen.path == SERVERS).then(|| Reply::json(&json!({"servers": [server("a")]})))
    })
    .await;
    let cloud = client(&fake);
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let error = cloud.audit(Part::Servers, &sender).await.unwrap_err();
    assert!(matches!(error, CloudError::Stopped), "{error}");
}
