//! Another credential, tried before it is kept.

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, Seen, options};
use crate::cloud::openstack::{Auth, Secret, Unproven, prove};

const TOKENS: &str = "/identity/v3/auth/tokens";

fn offered() -> Auth {
    Auth::ApplicationCredential {
        id: "new".to_owned(),
        secret: Secret::new("guess"),
    }
}

async fn ask(fake: &Fake) -> Result<(), Unproven> {
    let proven = prove(&options(fake.url()), &offered(), Clock::system()).await;
    proven.map(|_| ())
}

#[tokio::test]
async fn what_works_is_taken_and_its_token_given_back() {
    let fake = Fake::start(|_| None).await;
    assert_eq!(ask(&fake).await, Ok(()));
    let seen = fake.seen(TOKENS);
    let methods: Vec<&str> = seen.iter().map(|it| it.method.as_str()).collect();
    assert_eq!(methods, ["POST", "DELETE"]);
    let id = "/auth/identity/application_credential/id";
    let id = seen[0].body.pointer(id);
    assert_eq!(id.unwrap(), "new", "and not the agent's own");
    for asked in ["/compute/v2.1/os-hypervisors", "/network/v2.0/quotas"] {
        assert_eq!(fake.seen(asked).len(), 1, "{asked}");
    }
}

#[tokio::test]
async fn what_keystone_refuses_is_tried_once_and_told_in_its_words() {
    let body = r#"{"error": {"code": 401, "message": "No, not so.", "title": "No"}}"#;
    let fake =
        Fake::start(move |seen| (seen.path == TOKENS).then(|| Reply::status(401, body))).await;
    let Err(Unproven::Refused(told)) = ask(&fake).await else {
        panic!("taken");
    };
    for word in [
        "No, not so.",
        "application credential new",
        "deleted or has expired",
    ] {
        assert!(told.contains(word), "{told}");
    }
    assert!(!told.contains("guess"), "{told}");
    assert_eq!(fake.sign_ins(), 1, "a refusal may count towards a lockout");
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_and_a_service_that_is_away_is_not_one() {
    let refusing = |path: &'static str, status: u16| {
        Fake::start(move |seen: &Seen| (seen.path == path).then(|| Reply::status(status, "{}")))
    };
    for path in [
        "/identity/v3/domains",
        "/compute/v2.1/servers",
        "/network/v2.0/quotas",
    ] {
        let fake = refusing(path, 403).await;
        let Err(Unproven::Lacking(told)) = ask(&fake).await else {
            panic!("{path}: taken");
        };
        assert!(
            told.contains("role admin") && told.contains("forbids"),
            "{told}"
        );
        assert_eq!(fake.seen(TOKENS).len(), 2, "its token is given back too");
    }
    let taken = ask(&refusing("/compute/v2.1/servers", 503).await).await;
    assert_eq!(taken, Ok(()));
    let told = ask(&refusing("/identity/v3/domains", 503).await).await;
    assert!(matches!(told, Err(Unproven::Unanswered(_))), "{told:?}");
}

#[tokio::test]
async fn a_keystone_that_is_away_says_nothing_about_it() {
    let fake = Fake::start(|seen| (seen.path == TOKENS).then(|| Reply::status(503, "busy"))).await;
    let told = ask(&fake).await;
    assert!(matches!(told, Err(Unproven::Unanswered(_))), "{told:?}");
    let nobody = options("http://127.0.0.1:9");
    let told = prove(&nobody, &offered(), Clock::system()).await;
    assert!(matches!(told, Err(Unproven::Unanswered(_))), "{told:?}");
}
