//! A user who gives himself another password.

use super::*;

impl Stage {
    async fn changes(&self, session: &str, current: &str, new: &str) -> Answer {
        let body = json!({ "current": current, "new": new });
        let asked = request(Method::PUT, "/api/v1/session/password", Some(body));
        self.kit.web(with(asked, "cookie", session)).await
    }
}

#[tokio::test]
async fn what_is_no_password_takes_none_of_his_changes() {
    let it = stage().await;
    assert_eq!(it.kit.sets_password(&it.ann, NEW).await.status, 200);
    let session = cookie(&it.ann_enters(NEW).await);
    for _ in 0..12 {
        let short = it.changes(&session, NEW, "11 letters.").await;
        short.is_problem(400, "invalid-request");
    }
    let changed = it.changes(&session, NEW, "another password").await;
    assert_eq!(changed.status, 200, "{}", changed.text);
}

#[tokio::test]
async fn nor_does_a_change_of_which_nothing_came() {
    let it = stage().await;
    assert_eq!(it.kit.sets_password(&it.ann, NEW).await.status, 200);
    let session = cookie(&it.ann_enters(NEW).await);
    let connection = rusqlite::Connection::open(it.kit.database()).unwrap();
    let breaks = "CREATE TRIGGER broken BEFORE INSERT ON passwords
                  BEGIN SELECT RAISE(ABORT, 'broken'); END";
    connection.execute_batch(breaks).unwrap();
    for _ in 0..12 {
        let failed = it.changes(&session, NEW, "another password").await;
        failed.is_problem(500, "internal");
    }
    connection.execute_batch("DROP TRIGGER broken").unwrap();
    let changed = it.changes(&session, NEW, "another password").await;
    assert_eq!(changed.status, 200, "{}", changed.text);
}

#[tokio::test]
async fn whoever_changes_it_over_and_over_is_told_what_next_and_the_trail_is_too() {
    let it = stage().await;
    assert_eq!(it.kit.sets_password(&it.ann, NEW).await.status, 200);
    let password = |number: u32| format!("password no {number:03}");
    let mut current = NEW.to_owned();
    for number in 0..10 {
        let session = cookie(&it.ann_enters(&current).await);
        let new = password(number);
        assert_eq!(it.changes(&session, &current, &new).await.status, 200);
        current = new;
    }
    let session = cookie(&it.ann_enters(&current).await);
    let refused = it.changes(&session, &current, &password(10)).await;
    let refused = refused.is_problem(429, "too-many-attempts");
    let next = refused["next_step"].as_str().unwrap();
    assert!(next.contains("administers your department"), "{next}");
    it.kit.store.change(|_| Ok(())).await.unwrap();
    let told = it.kit.get("/api/v1/audit?action=set-password&limit=1");
    let told = told.await.json();
    let outcome = told["items"][0]["outcome"].as_str().unwrap();
    assert_eq!(outcome, "refused: too-many-attempts");
}
