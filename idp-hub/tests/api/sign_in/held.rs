//! Users wait at a hub that was restored.

use super::*;
use crate::kit::{PASSWORD, sign_in};

#[tokio::test]
async fn after_a_restore_users_wait_and_nobody_else_does() {
    let it = stage().await;
    assert_eq!(it.kit.sets_password(&it.ann, NEW).await.status, 200);
    let hold = async || it.kit.get("/api/v1/directory/sign-in-hold").await.json();
    assert_eq!(hold().await, json!({ "regions": [] }));
    let connection = rusqlite::Connection::open(it.kit.database()).unwrap();
    let held = "INSERT INTO facts (name, value) VALUES ('sign_in_held', x'0100000000000000')";
    connection.execute(held, ()).unwrap();
    // From one address, and wrong ones too: nothing is looked at, and nothing is counted.
    for password in [NEW, "wrong"].into_iter().cycle().take(24) {
        let answer = it.ann_enters(password).await;
        let problem = answer.is_problem(503, "sign-in-held");
        let next = problem["next_step"].as_str().unwrap();
        assert!(next.contains("idp-hub org admit"), "{next}");
        assert_eq!(answer.headers[header::RETRY_AFTER], "10");
    }
    // However often: the database is asked for it once.
    let facts = |sql: &str| connection.execute(sql, ()).unwrap();
    facts("ALTER TABLE facts RENAME TO hidden");
    let answer = it.ann_enters(NEW).await;
    answer.is_problem(503, "sign-in-held");
    facts("ALTER TABLE hidden RENAME TO facts");
    let since = "1970-01-01T00:00:00.001Z";
    let waits_for = |regions: &[&str]| json!({ "since": since, "regions": regions });
    assert_eq!(hold().await, waits_for(&["home"]));
    it.kit.store.ends_told().hear([it.home].into());
    assert_eq!(hold().await, waits_for(&[]), "it had its say");
    let admin = it.kit.web(sign_in("admin", PASSWORD)).await;
    let admin = cookie(&admin);

    let admits = || request(Method::DELETE, "/api/v1/directory/sign-in-hold", None);
    for _ in 0..2 {
        let admitted = it.kit.web(with(admits(), "cookie", &admin)).await;
        assert_eq!(admitted.status, 204, "{}", admitted.text);
    }
    assert_eq!(hold().await, json!({ "regions": [] }));
    cookie(&it.ann_enters(NEW).await);
    it.ann_enters("wrong")
        .await
        .is_problem(401, "wrong-password");
    let told = it.kit.get("/api/v1/audit?action=open-sign-in").await.json();
    let told = told["items"].as_array().unwrap();
    assert_eq!((told.len(), &told[0]["who"]), (1, &json!("admin")));
}
