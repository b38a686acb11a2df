//! Who is known where at a hub that is started anew; and what the trail says of those who come, when
//! others took the room.

use serde_json::Value;

use super::*;
use crate::kit::{PASSWORD, sign_in};

impl Stage {
    fn runs(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.kit.database()).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    /// Users came and went until there was no room for more of it in the trail.
    fn has_no_room_for_users(&self) {
        let sql = "INSERT OR REPLACE INTO facts (name, value)
                   VALUES ('audit_visits', x'ffffffffffffff000000000000000000')";
        self.runs(sql);
    }

    async fn told_of(&self, action: &str) -> Vec<Value> {
        let told = self.kit.get(&format!("/api/v1/audit?action={action}"));
        let told = told.await.json()["items"].as_array().unwrap().clone();
        let is_done = |it: &Value| it["outcome"].as_str().unwrap().starts_with("done");
        told.into_iter().filter(is_done).collect()
    }

    async fn ann_enters_from(&self, source: u32) -> Answer {
        let asked = enters("ops", "ann", OLD);
        self.kit.web(from(source, asked)).await
    }

    async fn strangers_guess(&self) {
        for source in 10..20 {
            let guess = enters("ops", "ann", "a guess");
            let answer = self.kit.web(from(source, guess)).await;
            answer.is_problem(401, "wrong-password");
        }
    }
}

#[tokio::test]
async fn a_user_is_known_where_he_was_after_a_restart_whatever_the_trail_had_room_for() {
    let mut it = stage().await;
    it.has_no_room_for_users();
    cookie(&it.ann_enters_from(1).await);
    assert_eq!(it.told_of("sign-in").await, Vec::<Value>::new());
    it.kit.starts_anew().await;
    it.strangers_guess().await;
    let elsewhere = it.ann_enters_from(2).await;
    elsewhere.is_problem(401, "wrong-password");
    cookie(&it.ann_enters_from(1).await);
    it.kit.hand.advance(Duration::from_secs(31 * 24 * 3600));
    it.kit.starts_anew().await;
    it.strangers_guess().await;
    let long_after = it.ann_enters_from(1).await;
    long_after.is_problem(401, "wrong-password");
}

#[tokio::test]
async fn a_hub_that_can_not_read_where_users_were_starts_and_lets_them_in() {
    let mut it = stage().await;
    cookie(&it.ann_enters_from(1).await);
    it.runs("ALTER TABLE places RENAME TO away");
    it.kit.starts_anew().await;
    cookie(&it.ann_enters_from(1).await);
    it.runs("ALTER TABLE away RENAME TO places");
    // What is in it may be anything.
    it.runs("UPDATE places SET place = x'00', day = 'some day'");
    it.kit.starts_anew().await;
    cookie(&it.ann_enters_from(1).await);
}

#[tokio::test]
async fn users_who_come_and_go_take_no_administrators_room_in_the_trail() {
    let it = stage().await;
    it.has_no_room_for_users();
    cookie(&it.ann_enters_from(1).await);
    assert_eq!(it.told_of("sign-in").await, Vec::<Value>::new(), "no room");
    let admin = cookie(&it.kit.web(sign_in("admin", PASSWORD)).await);
    let told = it.told_of("sign-in").await;
    assert_eq!((told.len(), &told[0]["who"]), (1, &json!("admin")));
    let out = request(Method::DELETE, "/api/v1/session", None);
    assert_eq!(it.kit.web(with(out, "cookie", &admin)).await.status, 204);
    assert_eq!(it.told_of("sign-out").await.len(), 1);

    it.strangers_guess().await;
    let lock = format!("/directory/users/{}/lock", it.ann);
    assert_eq!(it.kit.delete(&lock).await.status, 204);
    assert_eq!(it.told_of("unlock").await.len(), 1);

    it.kit.makes("roles", "admin", json!({})).await;
    let path = format!("/directory/administrators/{}", it.ann);
    let body = json!({ "new": NEW });
    let appointed = it.kit.send(Method::PUT, &path, body).await;
    assert_eq!(appointed.status, 200, "{}", appointed.text);
    cookie(&it.kit.web(enters("ops", "ann", NEW)).await);
    let told = it.told_of("sign-in").await;
    assert_eq!(told[0]["who"], "ops/ann", "{told:?}");
}
