//! An administrator's account, as Keystone tells it from others.

use serde_json::{Value, json};

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, Seen, options};
use crate::cloud::openstack::{Auth, Secret, check_account};
use crate::cloud::{Account, AccountError};

const TOKENS: &str = "/identity/v3/auth/tokens";

fn account(password: &str) -> Account {
    Account {
        user: "chief".to_owned().into(),
        password: password.to_owned().into(),
        user_domain: None,
        project: None,
        project_domain: None,
    }
}

async fn ask(fake: &Fake) -> Result<(), AccountError> {
    check_account(&options(fake.url()), &account("guess"), Clock::system()).await
}

fn signing_in(seen: &Seen) -> bool {
    seen.path == TOKENS && seen.method == "POST"
}

fn with_roles(roles: &[&str]) -> Reply {
    given(roles, &Value::Null)
}

/// A token with these roles in the project, and Keystone's word on whether the project is the one
/// of the cloud's administrators.
fn given(roles: &[&str], is_admin_project: &Value) -> Reply {
    let roles: Vec<_> = roles.iter().map(|name| json!({"name": name})).collect();
    let mut body = json!({"token": {
        "issued_at": "2026-11-21T18:00:00Z", "expires_at": "2026-11-21T19:00:00Z",
        "user": {"name": "chief"}, "project": {"id": "p", "name": "ops"},
        "roles": roles, "catalog": [],
    }});
    if !is_admin_project.is_null() {
        body["token"]["is_admin_project"] = is_admin_project.clone();
    }
    Reply::status(201, body.to_string()).header("x-subject-token", "token-x")
}

#[tokio::test]
async fn an_administrator_is_taken_and_his_token_given_back() {
    for roles in [&["member", "admin"][..], &["Admin"]] {
        let roles = roles.to_vec();
        let fake = Fake::start(move |seen| signing_in(seen).then(|| with_roles(&roles))).await;
        assert_eq!(ask(&fake).await, Ok(()));
        let seen = fake.seen(TOKENS);
        let methods: Vec<&str> = seen.iter().map(|it| it.method.as_str()).collect();
        assert_eq!(methods, ["POST", "DELETE"]);
        assert_eq!(seen[1].token, "token-x");
    }
}

#[tokio::test]
async fn who_is_no_administrator_hears_which_roles_he_has() {
    let fake =
        Fake::start(|seen| signing_in(seen).then(|| with_roles(&["member", "reader"]))).await;
    let Err(AccountError::NotAdministrator(told)) = ask(&fake).await else {
        panic!("taken for an administrator");
    };
    for word in ["role admin", "project ops", "member, reader"] {
        assert!(told.contains(word), "{told}");
    }
    let none = Fake::start(|seen| signing_in(seen).then(|| with_roles(&[]))).await;
    let told = ask(&none).await.unwrap_err().to_string();
    assert!(told.contains("none"), "{told}");
}

#[tokio::test]
async fn the_role_counts_in_the_project_of_the_clouds_administrators_where_there_is_one() {
    let answer = async |word: Value| {
        let reply = move |seen: &Seen| signing_in(seen).then(|| given(&["admin"], &word));
        ask(&Fake::start(reply).await).await
    };
    assert_eq!(answer(json!(true)).await, Ok(()));
    assert_eq!(answer(Value::Null).await, Ok(()));
    for word in [json!(false), json!("False"), json!(0)] {
        let Err(AccountError::NotAdministrator(told)) = answer(word).await else {
            panic!("taken for an administrator of the cloud");
        };
        for word in ["project ops", "admin_project_name", "name that project"] {
            assert!(told.contains(word), "{told}");
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_in_keystones_words_and_tried_once() {
    let body = r#"{"error": {"code": 401, "message": "No, not so.", "title": "No"}}"#;
    let fake = Fake::start(move |seen| signing_in(seen).then(|| Reply::status(401, body))).await;
    let Err(AccountError::Refused(told)) = ask(&fake).await else {
        panic!("taken");
    };
    for word in ["No, not so.", "domain Default", "project ops"] {
        assert!(told.contains(word), "{told}");
    }
    assert!(!told.contains("guess"), "{told}");
    assert_eq!(fake.sign_ins(), 1, "a refusal may count towards a lockout");
}

#[tokio::test]
async fn a_keystone_that_is_down_says_nothing_about_the_account() {
    let fake = Fake::start(|seen| signing_in(seen).then(|| Reply::status(503, "busy"))).await;
    let told = ask(&fake).await.unwrap_err();
    assert!(
        matches!(&told, AccountError::Unanswered(it) if it.contains("503")),
        "{told}"
    );
    let nobody = options("http://127.0.0.1:9");
    let told = check_account(&nobody, &account("guess"), Clock::system()).await;
    let told = told.unwrap_err();
    assert!(
        matches!(&told, AccountError::Unanswered(it) if it.contains("does not answer")),
        "{told}"
    );
}

#[tokio::test]
async fn the_agents_own_credential_is_not_used() {
    // Whoever signs in as the agent itself would be an administrator.
    let fake = Fake::start(|seen| signing_in(seen).then(|| Reply::status(401, "{}"))).await;
    let mut own = options(fake.url());
    own.auth = Auth::ApplicationCredential {
        id: "own".to_owned(),
        secret: Secret::new("own-secret"),
    };
    let told = check_account(&own, &account("guess"), Clock::system()).await;
    let told = told.unwrap_err().to_string();
    assert!(told.contains("project admin"), "{told}");
}
