//! Cloud administrators among the users of the directory: made, let in everywhere, and out at once.

use axum::http::Method;
use serde_json::{Value, json};

use crate::directory::with_a_home;
use crate::kit::{Answer, Kit, request, with};
use crate::sign_in::{cookie, enters};

const OLD: &str = "old secret";
const NEW: &str = "correct horse battery";

/// `ann` came with the region `home`, which knows her password.
struct Stage {
    kit: Kit,
    ann: String,
}

async fn stage() -> Stage {
    let kit = with_a_home().await;
    let home = kit.tells_key("home").await;
    kit.clouds.has(home, "home-ann", OLD);
    let made = kit
        .post("/directory/roles", json!({ "name": "admin" }))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let ann = kit.id_of("users", "ann").await;
    Stage { kit, ann }
}

impl Stage {
    async fn appoint(&self) -> Answer {
        let path = format!("/directory/administrators/{}", self.ann);
        self.kit
            .send(Method::PUT, &path, json!({ "new": NEW }))
            .await
    }

    async fn enters(&self, password: &str) -> Answer {
        self.kit.web(enters("ops", "ann", password)).await
    }

    async fn asks(&self, method: Method, path: &str, cookie: &str) -> Answer {
        let asked = request(method, &format!("/api/v1{path}"), None);
        self.kit.web(with(asked, "cookie", cookie)).await
    }

    async fn listed(&self) -> Vec<Value> {
        let all = self.kit.get("/api/v1/directory/administrators").await;
        all.json()["items"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn who_is_made_one_gets_another_password_and_may_everything() {
    let it = stage().await;
    let before = cookie(&it.enters(OLD).await);
    let refused = it.asks(Method::GET, "/overview", &before).await;
    refused.is_problem(403, "not-permitted");
    let appointed = it.appoint().await;
    assert_eq!(appointed.status, 200, "{}", appointed.text);
    let refused = it.asks(Method::GET, "/session", &before).await;
    refused.is_problem(401, "sign-in-required");
    it.enters(OLD).await.is_problem(401, "wrong-password");

    let entered = it.enters(NEW).await;
    assert_eq!(entered.json()["cloud_administrator"], true);
    let session = cookie(&entered);
    let who = it.asks(Method::GET, "/session", &session).await.json();
    assert_eq!(who["cloud_administrator"], true);
    for path in ["/overview", "/regions", "/audit", "/directory/users"] {
        let answer = it.asks(Method::GET, path, &session).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    let removed = it.asks(Method::DELETE, "/regions/home", &session).await;
    assert_eq!(removed.status, 204, "{}", removed.text);
    let [listed] = &it.listed().await[..] else {
        panic!("one");
    };
    assert_eq!(
        (&listed["name"], &listed["department"]["name"]),
        (&json!("ann"), &json!("ops"))
    );
    let himself = format!("/directory/users/{}", it.ann);
    let refused = it.asks(Method::DELETE, &himself, &session).await;
    refused.is_problem(403, "not-permitted");
}

#[tokio::test]
async fn who_is_one_no_more_is_out_at_once_and_the_last_takes_a_word_of_its_own() {
    let it = stage().await;
    it.appoint().await;
    let session = cookie(&it.enters(NEW).await);
    let path = format!("/directory/administrators/{}", it.ann);
    for (method, path) in [
        (Method::DELETE, path.as_str()),
        (Method::DELETE, &format!("/directory/users/{}", it.ann)),
    ] {
        let refused = it.asks(method, path, &session).await;
        assert!(
            [400, 403].contains(&refused.status.as_u16()),
            "{}",
            refused.text
        );
    }
    let refused = it.kit.delete(&path).await;
    let problem = refused.is_problem(400, "invalid-request");
    assert!(problem.to_string().contains("--last"), "{problem}");
    let off = json!({ "enabled": false });
    let user = format!("/directory/users/{}", it.ann);
    let refused = it.kit.send(Method::PATCH, &user, off).await;
    refused.is_problem(400, "invalid-request");

    let dismissed = it.kit.delete(&format!("{path}?last=true")).await;
    assert_eq!(dismissed.status, 204, "{}", dismissed.text);
    assert_eq!(it.listed().await, Vec::<Value>::new());
    let refused = it.asks(Method::GET, "/session", &session).await;
    refused.is_problem(401, "sign-in-required");
    let entered = it.enters(NEW).await;
    assert_eq!(entered.json()["cloud_administrator"], false);
    let refused = it.asks(Method::GET, "/overview", &cookie(&entered)).await;
    refused.is_problem(403, "not-permitted");
}

#[tokio::test]
async fn no_region_vouches_for_a_cloud_administrator() {
    let it = stage().await;
    it.appoint().await;
    // As after a restore that forgot an older password.
    let connection = rusqlite::Connection::open(it.kit.database()).unwrap();
    connection.execute("DELETE FROM passwords", ()).unwrap();
    let asked = it.kit.clouds.asked();
    it.enters(OLD).await.is_problem(401, "wrong-password");
    assert_eq!(it.kit.clouds.asked(), asked);
}

#[tokio::test]
async fn their_place_is_in_the_plan_of_the_first_merge() {
    let kit = with_a_home().await;
    let department = kit.id_of("departments", "federation").await;
    let project = kit.id_of("projects", "admin").await;
    for (path, next) in [
        (
            format!("/directory/departments/{department}"),
            "cloud administrators",
        ),
        (
            format!("/directory/projects/{project}"),
            "cloud administrators",
        ),
    ] {
        let problem = kit.delete(&path).await.is_problem(400, "invalid-request");
        assert!(
            problem["detail"].as_str().unwrap().contains(next),
            "{problem}"
        );
    }
    let ann = kit.id_of("users", "ann").await;
    let member = kit.id_of("roles", "member").await;
    let body = json!({ "user": ann, "role": member, "project": project });
    let refused = kit.post("/directory/assignments", body).await;
    refused.is_problem(400, "invalid-request");
    let path = format!("/directory/administrators/{ann}");
    let refused = kit.send(Method::PUT, &path, json!({ "new": NEW })).await;
    let problem = refused.is_problem(400, "invalid-request");
    assert!(
        problem["detail"].as_str().unwrap().contains("no role"),
        "{problem}"
    );
}

#[tokio::test]
async fn nobody_is_in_the_power_of_a_department_s_manager_in_the_regions_by_the_way() {
    let it = stage().await;
    let manager = it.kit.makes("roles", "manager", json!({})).await;
    let admin = it.kit.id_of("roles", "admin").await;
    let ops = it.kit.id_of("departments", "ops").await;
    let bob = json!({ "department": ops });
    let bob = it.kit.makes("users", "bob", bob).await;
    let given = json!({ "user": bob, "role": manager, "department": ops });
    let made = it.kit.post("/directory/assignments", given.clone()).await;
    assert_eq!(made.status, 204, "{}", made.text);
    let refused = it.appoint().await.is_problem(400, "invalid-request");
    assert!(refused.to_string().contains("--in federation"), "{refused}");
    assert_eq!(it.listed().await, Vec::<Value>::new());
    it.enters(NEW).await.is_problem(401, "wrong-password");

    let federation = it.kit.id_of("departments", "federation").await;
    let carol = json!({ "department": federation });
    let carol = it.kit.makes("users", "carol", carol).await;
    let path = format!("/directory/administrators/{carol}");
    let made = it.kit.send(Method::PUT, &path, json!({ "new": NEW })).await;
    assert_eq!(made.status, 200, "{}", made.text);

    let mut given = json!({ "user": it.ann, "role": admin, "department": ops });
    let refused = it.kit.post("/directory/assignments", given.clone()).await;
    let refused = refused.is_problem(400, "invalid-request");
    assert!(refused.to_string().contains("--entrust"), "{refused}");
    given["entrust"] = json!(true);
    let made = it.kit.post("/directory/assignments", given).await;
    assert_eq!(made.status, 204, "{}", made.text);

    // She is listed from then on, with her department's manager; `carol` has none.
    let exposures = "/api/v1/directory/exposures";
    let listed = it.kit.get(exposures).await.json();
    assert_eq!((&listed["count"], &listed.get("next")), (&json!(1), &None));
    let [exposed] = &listed["items"].as_array().unwrap()[..] else {
        panic!("{listed}");
    };
    assert_eq!(exposed["user"]["name"], "ann");
    assert_eq!(exposed["user"]["department"]["name"], "ops");
    assert_eq!(exposed["cloud_administrator"], false);
    assert_eq!(exposed["by"][0]["name"], "bob");
    for wrong in ["limit=0", "after=AAAA"] {
        let wrong = it.kit.get(&format!("{exposures}?{wrong}")).await;
        wrong.is_problem(400, "invalid-request");
    }
}
