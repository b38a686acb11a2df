//! The audit trail: what handlers tell it, how it is listed, and that it holds.

#[path = "audit/organization.rs"]
mod organization;

use axum::http::Method;
use serde_json::{Value, json};

use crate::directory::with_a_home;
use crate::kit::{Kit, PASSWORD, request, sign_in, with};
use crate::sign_in::{enters, from};

impl Kit {
    /// The trail, the newest first.
    async fn trail(&self, query: &str) -> Vec<Value> {
        // A refusal is answered before it is written.
        self.store.change(|_| Ok(())).await.unwrap();
        let answer = self.get(&format!("/api/v1/audit{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["items"].as_array().unwrap().clone()
    }

    async fn asked(&self, method: Method, path: &str, body: Option<Value>) -> u16 {
        let path = format!("/api/v1{path}");
        self.local(request(method, &path, body))
            .await
            .status
            .as_u16()
    }
}

fn words(entries: &[Value], field: &str) -> Vec<String> {
    let words = entries
        .iter()
        .map(|it| it[field].as_str().unwrap().to_owned());
    words.collect()
}

#[tokio::test]
async fn who_did_what_from_where_before_and_after_is_listed_and_holds() {
    let mut kit = Kit::new().await;
    kit.region("north", 1).await;
    let made = json!({ "name": "ops" });
    assert_eq!(
        kit.asked(Method::POST, "/directory/departments", Some(made.clone()))
            .await,
        201
    );
    assert_eq!(
        kit.asked(Method::POST, "/directory/departments", Some(made))
            .await,
        409
    );
    let name = json!({ "name": "south" });
    assert_eq!(
        kit.asked(Method::PATCH, "/regions/north", Some(name)).await,
        204
    );
    let invited = json!({ "region": "west" });
    assert_eq!(
        kit.asked(Method::POST, "/invitations", Some(invited)).await,
        201
    );
    assert_eq!(kit.asked(Method::DELETE, "/regions/south", None).await, 204);

    let all = kit.trail("").await;
    let told = ["remove", "invite", "rename", "create", "create", "init"];
    assert_eq!(words(&all, "action"), told);
    let [_, _, rename, refused, create, init] = &all[..] else {
        panic!("{all:?}");
    };
    assert_eq!(init["subject"]["kind"], "federation");
    assert_eq!(
        (&create["who"], &create["source"]),
        (&json!("local socket"), &json!("local socket"))
    );
    assert_eq!(
        (&create["subject"]["name"], &create["outcome"]),
        (&json!("ops"), &json!("done"))
    );
    assert!(
        create["after"]
            .as_str()
            .unwrap()
            .starts_with("name=\"ops\" enabled=true")
    );
    assert_eq!(
        (&create["epoch"], &create["at"]),
        (&json!(1), &json!("2026-11-21T18:00:00.000Z"))
    );
    assert_eq!(refused["outcome"], "refused: name-taken");
    assert_eq!(rename["before"], "name=\"north\"");
    assert_eq!(rename["after"], "name=\"south\"");
    assert!(!format!("{all:?}").contains("rg1."), "no token is in it");

    let verified = kit.get("/api/v1/audit/verify").await.json();
    assert_eq!(
        (&verified["intact"], &verified["entries"]),
        (&json!(true), &json!(6))
    );
    let listed = kit.get("/api/v1/audit?limit=2").await.json();
    assert_eq!(listed["head"], verified["head"]);
    holds_against_a_head(&kit, 6, &verified["head"]["link"]).await;
    let next = listed["next"].as_str().unwrap();
    let rest = kit.trail(&format!("?limit=1000&after={next}")).await;
    assert_eq!(words(&rest, "action"), told[2..]);
}

/// Against the newest entry, and not against its link at another number.
async fn holds_against_a_head(kit: &Kit, newest: u64, link: &Value) {
    let link = link.as_str().unwrap();
    for (number, found) in [
        (newest, "has_head"),
        (newest - 1, "broken"),
        (newest + 1, "broken"),
    ] {
        let path = format!("/api/v1/audit/verify?head={number}:{link}");
        let document = kit.get(&path).await.json();
        assert!(!document[found].is_null(), "{number}: {document}");
        assert_eq!(document["intact"], document["has_head"] == true);
    }
}

#[tokio::test]
async fn coming_going_and_passwords_are_told_without_any_secret() {
    let kit = Kit::new().await;
    let cookie = kit.sign_in().await;
    for _ in 0..3 {
        kit.web(sign_in("admin", "wrong horse battery"))
            .await
            .is_problem(401, "wrong-password");
    }
    let new = json!({ "current": PASSWORD, "new": "another horse battery" });
    let asked = request(Method::PUT, "/api/v1/accounts/admin/password", Some(new));
    assert_eq!(kit.web(with(asked, "cookie", &cookie)).await.status, 204);
    let all = kit.trail("").await;
    assert_eq!(
        words(&all, "action"),
        ["set-password", "sign-in", "sign-in", "init"]
    );
    assert_eq!(
        words(&all, "outcome")[1],
        "refused: wrong-password",
        "one of three"
    );
    let came = &all[2];
    assert_eq!(
        (&came["who"], &came["source"]),
        (&json!("admin"), &json!("192.0.2.1"))
    );
    assert!(!format!("{all:?}").contains("horse"), "{all:?}");
}

#[tokio::test]
async fn who_comes_and_goes_over_and_over_has_few_entries_that_count_the_others() {
    let kit = Kit::new().await;
    for _ in 0..30 {
        let cookie = kit.sign_in().await;
        let out = request(Method::DELETE, "/api/v1/session", None);
        assert_eq!(kit.web(with(out, "cookie", &cookie)).await.status, 204);
    }
    let all = kit.trail("?limit=1000&who=admin").await;
    assert_eq!(all.len(), 24, "of 60");
    kit.hand.advance(std::time::Duration::from_secs(900));
    let _ = kit.sign_in().await;
    let newest = &kit.trail("?limit=1").await[0];
    assert_eq!(newest["action"], "sign-in");
    let outcome = newest["outcome"].as_str().unwrap();
    assert!(outcome.starts_with("done, and 36 times"), "{outcome}");
}

#[tokio::test]
async fn a_lock_that_is_not_there_is_opened_without_an_entry() {
    let kit = with_a_home().await;
    let ann = kit.id_of("users", "ann").await;
    let path = format!("/directory/users/{ann}/lock");
    let opens = async |times| {
        for _ in 0..times {
            assert_eq!(kit.delete(&path).await.status, 204);
        }
        kit.trail("?action=unlock").await.len()
    };
    assert_eq!(opens(3).await, 0);
    for source in 1..=10 {
        let guess = kit.web(from(source, enters("ops", "ann", "a guess"))).await;
        guess.is_problem(401, "wrong-password");
    }
    assert_eq!(opens(3).await, 1);
    for _ in 0..5 {
        let guess = kit.web(enters("ops", "ann", "a guess")).await;
        guess.is_problem(401, "wrong-password");
    }
    assert_eq!(
        opens(3).await,
        2,
        "whoever had to wait from one place alone"
    );
}

#[tokio::test]
async fn entries_are_filtered_and_a_wrong_question_is_refused() {
    let kit = Kit::new().await;
    let _ = kit.sign_in().await;
    kit.hand.advance(std::time::Duration::from_secs(3600));
    let made = json!({ "file": "/srv/copy.db" });
    assert_eq!(
        kit.asked(Method::POST, "/audit/backups", Some(made)).await,
        204
    );
    for (query, expected) in [
        ("?action=sign-in", vec!["sign-in"]),
        ("?who=admin", vec!["sign-in"]),
        ("?subject=copy", vec!["backup"]),
        ("?subject=federation", vec!["init"]),
        ("?since=2026-11-21T18:30:00Z", vec!["backup"]),
        ("?since=2030-01-01T00:00:00Z", vec![]),
    ] {
        assert_eq!(
            words(&kit.trail(query).await, "action"),
            expected,
            "{query}"
        );
    }
    for wrong in [
        "?since=yesterday",
        "?limit=0",
        "?after=AAAA",
        "?colour=red",
        "/verify?head=6",
        "/verify?colour=red",
    ] {
        let asked = kit.get(&format!("/api/v1/audit{wrong}")).await;
        asked.is_problem(400, "invalid-request");
    }
    for path in ["/api/v1/audit", "/api/v1/audit/verify"] {
        let asked = kit.web(request(Method::GET, path, None)).await;
        asked.is_problem(401, "sign-in-required");
    }
}
