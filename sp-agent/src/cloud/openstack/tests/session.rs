//! One token for all, renewed in time, and never shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, Seen, answer};
use crate::cloud::{Probe, ProbeOutcome, Trouble};

const TOKENS: &str = "/identity/v3/auth/tokens";

/// Waits for what happens beside.
async fn until(what: &str, mut has_come: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if has_come().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not in time: {what}");
}

#[tokio::test]
async fn many_questions_at_once_share_one_sign_in() {
    let fake = Fake::start(|seen| {
        let token = seen.path == TOKENS;
        // Slow enough that everybody has come before it is done.
        token
            .then(|| Reply::status(503, "{}").after(Duration::from_millis(50)))
            .filter(|_| seen.before == 0)
    })
    .await;
    let cloud = client(&fake);
    let (a, b, c) = tokio::join!(
        audit(&cloud, Part::Servers),
        audit(&cloud, Part::Volumes),
        audit(&cloud, Part::Networks),
    );
    assert!(a.result.is_ok() && b.result.is_ok() && c.result.is_ok());
    assert_eq!(fake.sign_ins(), 2, "one that failed, and one for all");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires_and_the_catalog_with_it() {
    let fake = Fake::start(|_| None).await;
    let (cloud, hand) = timed(&fake);
    for (minutes, sign_ins) in [(0, 1), (47, 1), (2, 2), (47, 2), (2, 3)] {
        hand.advance(Duration::from_secs(minutes * 60));
        let newest = format!("token-{sign_ins}");
        until("the newest token is used", async || {
            audit(&cloud, Part::Servers).await.result.unwrap();
            fake.seen(SERVERS).last().unwrap().token == newest
        })
        .await;
        assert_eq!(fake.sign_ins(), sign_ins);
    }
    assert_eq!(
        fake.seen("/compute/v2.1/").len(),
        3,
        "versions are asked once a token"
    );
}

#[tokio::test]
async fn while_keystone_is_away_the_old_token_serves_to_its_end() {
    let away = Arc::new(AtomicBool::new(false));
    let is_away = away.clone();
    let fake = Fake::start(move |seen| {
        (seen.path == TOKENS && is_away.load(Ordering::SeqCst)).then(|| Reply::status(500, "{}"))
    })
    .await;
    let (cloud, hand) = timed(&fake);
    audit(&cloud, Part::Servers).await.result.unwrap();
    away.store(true, Ordering::SeqCst);
    hand.advance(Duration::from_secs(50 * 60));
    until("Keystone is asked", async || {
        audit(&cloud, Part::Servers).await.result.unwrap();
        fake.sign_ins() == 2
    })
    .await;
    for _ in 0..10 {
        audit(&cloud, Part::Servers).await.result.unwrap();
    }
    assert_eq!(fake.sign_ins(), 2, "Keystone is not asked again at once");
    hand.advance(Duration::from_secs(11 * 60));
    let error = audit(&cloud, Part::Servers).await.result.unwrap_err();
    assert!(
        matches!(error, CloudError::Status { status: 500, .. }),
        "{error}"
    );
    away.store(false, Ordering::SeqCst);
    hand.advance(Duration::from_secs(20));
    audit(&cloud, Part::Servers).await.result.unwrap();
}

/// A Keystone that gives so many tokens, and then takes requests without an answer.
async fn hangs_after(tokens: usize) -> Fake {
    Fake::start(move |seen| {
        let hangs = seen.path == TOKENS && seen.before >= tokens;
        hangs.then(|| Reply::status(503, "{}").after(Duration::from_secs(60)))
    })
    .await
}

#[tokio::test]
async fn while_keystone_hangs_nobody_waits_who_has_a_valid_token() {
    let fake = hangs_after(1).await;
    let (cloud, hand) = timed(&fake);
    audit(&cloud, Part::Servers).await.result.unwrap();
    hand.advance(Duration::from_secs(50 * 60));
    let begun = Clock::system().now();
    for _ in 0..20 {
        audit(&cloud, Part::Servers).await.result.unwrap();
    }
    until("Keystone is asked", async || fake.sign_ins() > 1).await;
    assert!(Clock::system().now() - begun < Duration::from_secs(5));
    assert_eq!(fake.sign_ins(), 2, "one renewal at a time");
}

#[tokio::test]
async fn those_who_give_up_waiting_do_not_make_the_next_sign_in_anew() {
    let fake = hangs_after(0).await;
    let (cloud, _hand) = timed(&fake);
    for _ in 0..5 {
        let wait = Duration::from_millis(50);
        let waiting = tokio::time::timeout(wait, cloud.describe()).await;
        assert!(waiting.is_err(), "{waiting:?}");
    }
    assert_eq!(fake.sign_ins(), 1);
}

#[tokio::test]
async fn a_token_that_one_service_refuses_serves_the_others_until_there_is_another() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        SERVERS => Some(Reply::status(401, "{}")),
        TOKENS if seen.before > 0 => Some(Reply::status(500, "{}")),
        _ => None,
    })
    .await;
    let (cloud, hand) = timed(&fake);
    audit(&cloud, Part::Networks).await.result.unwrap();
    for _ in 0..3 {
        hand.advance(Duration::from_secs(6));
        audit(&cloud, Part::Servers).await.result.unwrap_err();
        audit(&cloud, Part::Networks).await.result.unwrap();
    }
    assert_eq!(fake.sign_ins(), 2, "tried at 6 s, and not again for 15 s");
    let tokens = fake.seen("/network/v2.0/networks").into_iter();
    assert!(tokens.map(|it| it.token).all(|it| it == "token-1"));
}

#[tokio::test]
async fn a_service_that_refuses_new_tokens_costs_ever_fewer_sign_ins() {
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = mended.clone();
    let fake = Fake::start(move |seen| {
        // It refuses whatever it is asked: Nova's witness of its cells too.
        let is_nova = [SERVERS, "/compute/v2.1/os-services"].contains(&seen.path.as_str());
        let refuses = is_nova && !is_mended.load(Ordering::SeqCst);
        refuses.then(|| Reply::status(401, "{}"))
    })
    .await;
    let (cloud, hand) = timed(&fake);
    // Twenty minutes of questions, each ten seconds: at 0:10, then after 60, 120, 240, 480 s.
    for _ in 0..120 {
        hand.advance(Duration::from_secs(10));
        audit(&cloud, Part::Networks).await.result.unwrap();
        audit(&cloud, Part::Servers).await.result.unwrap_err();
    }
    assert!((5..=6).contains(&fake.sign_ins()), "{}", fake.sign_ins());
    mended.store(true, Ordering::SeqCst);
    audit(&cloud, Part::Servers).await.result.unwrap();
    mended.store(false, Ordering::SeqCst);
    let before = fake.sign_ins();
    hand.advance(Duration::from_secs(10));
    audit(&cloud, Part::Servers).await.result.unwrap_err();
    assert_eq!(fake.sign_ins(), before + 1, "what took a token begins anew");
}

fn refused(token: &str) -> impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static + use<> {
    let token = token.to_owned();
    move |seen| {
        let body = r#"{"error": {"code": 401, "message": "Token is revoked."}}"#;
        (seen.token == token && seen.path == SERVERS).then(|| Reply::status(401, body))
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_the_question_asked_again() {
    let fake = Fake::start(refused("token-1")).await;
    let (cloud, hand) = timed(&fake);
    audit(&cloud, Part::Volumes).await.result.unwrap();
    hand.advance(Duration::from_secs(10));
    audit(&cloud, Part::Servers).await.result.unwrap();
    assert_eq!((fake.sign_ins(), fake.seen(SERVERS).len()), (2, 2));
}

#[tokio::test]
async fn a_service_that_refuses_every_token_is_told_of_and_not_argued_with() {
    let fake = Fake::start(|seen| (seen.path == SERVERS).then(|| Reply::status(401, "{}"))).await;
    let (cloud, hand) = timed(&fake);
    audit(&cloud, Part::Volumes).await.result.unwrap();
    for _ in 0..3 {
        hand.advance(Duration::from_secs(2));
        let error = audit(&cloud, Part::Servers).await.result.unwrap_err();
        let CloudError::Unauthorized { endpoint, .. } = error else {
            panic!("{error}");
        };
        assert!(endpoint.ends_with("/compute/v2.1"), "{endpoint}");
    }
    assert_eq!(fake.sign_ins(), 2, "one replacement in six seconds");
}

#[tokio::test]
async fn a_refused_password_is_not_tried_again_at_once() {
    let body = r#"{"error": {"code": 401, "message": "Wrong password.", "title": "No"}}"#;
    let fake =
        Fake::start(move |seen| (seen.path == TOKENS).then(|| Reply::status(401, body))).await;
    let (cloud, hand) = timed(&fake);
    for (seconds, sign_ins) in [(0, 1), (30, 1), (29, 1), (2, 2), (238, 2), (3, 3)] {
        hand.advance(Duration::from_secs(seconds));
        let error = cloud.describe().await.unwrap_err();
        let CloudError::CredentialRefused { reason, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(reason, "Wrong password.");
        let told = error.to_string();
        for word in [
            "user admin of domain default in project ops",
            "credential set",
        ] {
            assert!(told.contains(word), "{told}");
        }
        assert_eq!(fake.sign_ins(), sign_ins);
    }
    let probes: Vec<Probe> = cloud.probe().await;
    let trouble = |it: &Probe| match &it.outcome {
        ProbeOutcome::Failing { trouble, .. } => Some(*trouble),
        _ => None,
    };
    let refused = Some(Trouble::Credential);
    assert!(probes.iter().all(|it| trouble(it) == refused));
    assert_eq!(fake.sign_ins(), 3, "six probes ask nothing either");
}

/// Keystone counts what fails, and some lock an account after six.
#[tokio::test]
async fn a_credential_that_stays_refused_is_tried_five_times_in_five_hours() {
    let fake =
        Fake::start(move |seen| (seen.path == TOKENS).then(|| Reply::status(401, "{}"))).await;
    let (cloud, hand) = timed(&fake);
    let mut after_hours = Vec::new();
    for _ in 0..14 {
        for _ in 0..60 {
            let _ = cloud.describe().await;
            hand.advance(Duration::from_secs(60));
        }
        after_hours.push(fake.sign_ins());
    }
    assert_eq!(after_hours, [4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8]);
}

#[tokio::test]
async fn an_expired_password_and_a_keystone_that_is_away_are_told_apart() {
    let expired = r#"{"error": {"message": "The password is expired and needs to be changed."}}"#;
    for (status, body, expected) in [
        (401, expired, "the password has expired"),
        (401, "{}", "the password is another one"),
        (503, "{}", "HTTP 503"),
        (403, "{}", "forbids"),
    ] {
        let fake =
            Fake::start(move |seen| (seen.path == TOKENS).then(|| Reply::status(status, body)));
        let error = client(&fake.await).describe().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        let is_refused = matches!(error, CloudError::CredentialRefused { .. });
        assert_eq!(is_refused, status == 401, "{error}");
    }
}

#[tokio::test]
async fn tokens_that_make_no_sense_are_told_of() {
    for (reply, expected) in [
        (Reply::status(201, "[]"), "can't be read"),
        (
            Reply::status(201, "{\"token\": {}}"),
            "when the token expires",
        ),
        (
            Reply::status(200, "<html>Horizon</html>"),
            "HTTP 200 (Horizon)",
        ),
        (
            Reply::status(302, "").header("location", "https://sso.example/"),
            "points to https://sso.example/",
        ),
    ] {
        let fake = Fake::start(move |seen| (seen.path == TOKENS).then(|| reply.clone())).await;
        let error = client(&fake).describe().await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn neither_password_nor_token_is_shown() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        SERVERS => Some(Reply::status(400, "{}")),
        _ => None,
    })
    .await;
    let cloud = client(&fake);
    let error = audit(&cloud, Part::Servers).await.result.unwrap_err();
    let shown = format!("{cloud:?} {error:?} {error} {:?}", cloud.check().await);
    assert!(fake.sign_ins() == 1 && fake.seen(SERVERS)[0].token == "token-1");
    assert!(
        !shown.contains("hush") && !shown.contains("token-1"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_service_that_leaves_the_catalog_is_missing_from_the_next_token_on() {
    let fake = Fake::start(|seen| {
        let catalog = json!([{"type": "image", "endpoints": []}]);
        let second = seen.path == TOKENS && seen.before > 0;
        second
            .then(|| {
                let body = json!({"token": {
                "issued_at": "2026-11-21T18:00:00Z", "expires_at": "2026-11-21T19:00:00Z",
                "catalog": catalog}});
                Reply::status(201, body.to_string()).header("x-subject-token", "token-2")
            })
            .or_else(|| {
                (seen.path == SERVERS)
                    .then(|| answer(json!({"servers": []})))
                    .flatten()
            })
    })
    .await;
    let (cloud, hand) = timed(&fake);
    audit(&cloud, Part::Servers).await.result.unwrap();
    hand.advance(Duration::from_secs(3600));
    let error = audit(&cloud, Part::Servers).await.result.unwrap_err();
    assert!(matches!(error, CloudError::Missing { .. }), "{error}");
}
