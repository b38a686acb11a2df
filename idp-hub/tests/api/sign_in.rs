//! Users of the directory: their passwords, here and in the regions, and who is let in.

#[path = "sign_in/at_once.rs"]
mod at_once;
#[path = "sign_in/busy.rs"]
mod busy;
#[path = "sign_in/counted.rs"]
mod counted;
#[path = "sign_in/held.rs"]
mod held;
#[path = "sign_in/known.rs"]
mod known;
#[path = "sign_in/own.rs"]
mod own;
#[path = "sign_in/standing.rs"]
mod standing;
#[path = "sign_in/strangers.rs"]
mod strangers;
#[path = "sign_in/why.rs"]
mod why;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, header};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use idp_hub::store::RegionNo;
use serde_json::json;
use shared::ids::ObjectId;
use shared::model::{CloudId, Record};

use crate::directory::with_a_home;
use crate::kit::{Answer, Kit, request, with};

const OLD: &str = "old secret";
const NEW: &str = "correct horse battery";

/// `ann` came with the region `home`, which is merged; `north` is not yet.
struct Stage {
    kit: Kit,
    home: RegionNo,
    ops: String,
    ann: String,
}

async fn stage() -> Stage {
    stage_of(with_a_home().await).await
}

async fn stage_of(kit: Kit) -> Stage {
    let home = kit.tells_key("home").await;
    kit.clouds.has(home, "home-ann", OLD);
    let (ops, ann) = (
        kit.id_of("departments", "ops").await,
        kit.id_of("users", "ann").await,
    );
    Stage {
        kit,
        home,
        ops,
        ann,
    }
}

pub(crate) fn enters(department: &str, user: &str, password: &str) -> Request<Body> {
    let body = json!({ "department": department, "account": user, "password": password });
    request(Method::POST, "/api/v1/session", Some(body))
}

pub(crate) fn cookie(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn is_ann(record: &Record) -> bool {
    matches!(record, Record::User(it) if it.what.name == "ann")
}

pub(crate) fn from(source: u32, mut request: Request<Body>) -> Request<Body> {
    let peer = SocketAddr::new(IpAddr::V4(source.into()), 1);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

impl Kit {
    /// An administrator sets a user's password.
    pub(crate) async fn sets_password(&self, user: &str, password: &str) -> Answer {
        let path = format!("/directory/users/{user}/password");
        let body = json!({ "new": password });
        self.send(Method::PUT, &path, body).await
    }

    /// Who is signed in with a cookie.
    async fn who(&self, cookie: &str) -> Answer {
        let asked = request(Method::GET, "/api/v1/session", None);
        self.web(with(asked, "cookie", cookie)).await
    }
}

impl Stage {
    async fn ann_enters(&self, password: &str) -> Answer {
        self.kit.web(enters("ops", "ann", password)).await
    }

    async fn merged_north(&self) -> RegionNo {
        self.kit.merge("north").await;
        self.kit.tells_key("north").await
    }

    fn told(&self, region: RegionNo) -> Option<String> {
        let id: ObjectId = self.ann.parse().unwrap();
        self.kit.told_to(region, id)
    }

    async fn switch(&self, path: &str, enabled: bool) {
        let body = json!({ "enabled": enabled });
        let answer = self.kit.send(Method::PATCH, path, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_new_user_signs_in_with_the_password_that_was_set() {
    let it = stage().await;
    let body = json!({ "name": "bob", "department": it.ops });
    let made = it.kit.post("/directory/users", body).await.json();
    let bob = made["id"].as_str().unwrap();
    let none = it.kit.web(enters("ops", "bob", NEW)).await;
    none.is_problem(401, "wrong-password");
    for (password, told) in [
        ("too short", "12 characters"),
        (&*"x".repeat(73), "72 bytes"),
        ("with a\0null byte", "control"),
    ] {
        let problem = it.kit.sets_password(bob, password).await;
        let problem = problem.is_problem(400, "invalid-request");
        assert!(
            problem["detail"].as_str().unwrap().contains(told),
            "{problem}"
        );
    }
    let set = it.kit.sets_password(bob, NEW).await;
    assert_eq!(set.status, 200, "{}", set.text);
    assert_eq!(
        (&set.json()["regions"], &set.json()["lacking"]),
        (&json!(1), &json!([]))
    );
    assert_eq!(
        it.kit.told_to(it.home, bob.parse().unwrap()).as_deref(),
        Some(NEW)
    );
    for department in ["ops", &*it.ops] {
        let answer = it.kit.web(enters(department, "bob", NEW)).await;
        let session = answer.json();
        assert_eq!(session["department"]["name"], "ops");
        assert_eq!(
            (&session["account"], &session["user"]),
            (&json!("bob"), &json!(bob))
        );
        assert_eq!(session["cloud_administrator"], false);
        assert_eq!(it.kit.who(&cookie(&answer)).await.json(), session);
    }
    assert_eq!(it.kit.clouds.asked(), 0, "the hub knows by itself");
    let nobody = ObjectId::from_random(5).to_string();
    it.kit
        .sets_password(&nobody, NEW)
        .await
        .is_problem(404, "not-found");
}

#[tokio::test]
async fn a_changed_password_ends_the_sessions_and_goes_everywhere() {
    let it = stage().await;
    it.kit.sets_password(&it.ann, NEW).await;
    let before = cookie(&it.ann_enters(NEW).await);
    let change = |body| {
        let asked = request(Method::PUT, "/api/v1/session/password", Some(body));
        it.kit.web(with(asked, "cookie", &before))
    };
    let wrong = json!({ "current": "wrong", "new": "another password" });
    change(wrong).await.is_problem(401, "wrong-password");
    let short = json!({ "current": NEW, "new": "short" });
    change(short).await.is_problem(400, "invalid-request");
    let right = json!({ "current": NEW, "new": "another password" });
    let changed = change(right).await;
    assert_eq!(
        (changed.status.as_u16(), &changed.json()["regions"]),
        (200, &json!(1))
    );
    it.kit
        .who(&before)
        .await
        .is_problem(401, "sign-in-required");
    it.ann_enters(NEW).await.is_problem(401, "wrong-password");
    assert_eq!(it.told(it.home).as_deref(), Some("another password"));
    cookie(&it.ann_enters("another password").await);
    let asked = json!({ "current": "x", "new": "another password" });
    let local = it.kit.send(Method::PUT, "/session/password", asked).await;
    local.is_problem(409, "refused");
}

#[tokio::test]
async fn who_came_with_a_region_has_the_password_that_he_had() {
    let it = stage().await;
    let north = it.merged_north().await;
    it.ann_enters("not this")
        .await
        .is_problem(401, "wrong-password");
    cookie(&it.ann_enters(OLD).await);
    assert_eq!(it.kit.clouds.asked(), 2);
    assert_eq!(it.told(north).as_deref(), Some(OLD), "spread");
    assert_eq!(it.told(it.home), None, "which has it");
    it.kit.clouds.go_away(it.home);
    cookie(&it.ann_enters(OLD).await);
    it.ann_enters("not this")
        .await
        .is_problem(401, "wrong-password");
    assert_eq!(it.kit.clouds.asked(), 2, "from then on the hub knows");
}

#[tokio::test]
async fn who_is_made_anew_in_his_region_has_his_password_there_after_the_next_sign_in() {
    let mut it = stage().await;
    cookie(&it.ann_enters(OLD).await);
    cookie(&it.ann_enters(OLD).await);
    assert_eq!(it.told(it.home), None, "it has it");
    let mut records = crate::directory::organization("home");
    records.retain(|it| !is_ann(it));
    it.kit.organization(it.home, 30, &records).await;
    it.ann_enters("not this")
        .await
        .is_problem(401, "wrong-password");
    assert_eq!(it.told(it.home), None);
    cookie(&it.ann_enters(OLD).await);
    assert_eq!(it.told(it.home).as_deref(), Some(OLD));
    let spread = "/api/v1/audit?action=spread-password";
    for _ in 0..2 {
        cookie(&it.ann_enters(OLD).await);
        let told = it.kit.get(spread).await.json();
        assert_eq!(told["items"].as_array().unwrap().len(), 1, "once: {told}");
    }
    assert_eq!(it.kit.clouds.asked(), 1, "from then on the hub knows");
}

#[tokio::test]
async fn a_region_that_comes_later_is_told_at_the_next_sign_in() {
    let it = stage().await;
    it.kit.merge("north").await;
    let set = it.kit.sets_password(&it.ann, NEW).await.json();
    assert_eq!(
        (&set["regions"], &set["regions_lacking"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(set["lacking"], json!(["north"]));
    let north = it.kit.tells_key("north").await;
    assert_eq!(it.told(north), None);
    it.ann_enters("not this")
        .await
        .is_problem(401, "wrong-password");
    assert_eq!(it.told(north), None);
    cookie(&it.ann_enters(NEW).await);
    assert_eq!(it.told(north).as_deref(), Some(NEW));
    // An agent that lost its key has another one.
    let home = it.kit.tells_key("home").await;
    assert_eq!(it.told(home), None);
    cookie(&it.ann_enters(NEW).await);
    assert_eq!(it.told(home).as_deref(), Some(NEW));
}

/// What comes of something while others wait, each of whom goes on by himself as at a server, and
/// none of whom is answered.
async fn while_others_wait<T>(
    waiting: &mut FuturesUnordered<impl Future<Output = Answer>>,
    asked: impl Future<Output = T>,
) -> T {
    tokio::select! {
        answer = waiting.next() => panic!("{answer:?}"),
        it = asked => it,
    }
}

/// Users of `home` who have not signed in yet, `u0` to `u16`: one more than may ask it at once.
async fn with_many() -> Stage {
    with_users(stage().await, 17).await
}

async fn with_users(mut it: Stage, count: u32) -> Stage {
    let mut records = crate::directory::organization("home");
    let Some(Record::User(ann)) = records.iter().find(|it| is_ann(it)).cloned() else {
        panic!("{records:?}");
    };
    for number in 0..count {
        let mut user = ann.clone();
        user.id = CloudId::new(&format!("home-u{number}"));
        user.what.name = format!("u{number}");
        records.push(Record::User(user));
    }
    it.kit.organization(it.home, 30, &records).await;
    it.kit.merge("home").await;
    it
}

#[tokio::test]
async fn a_region_that_hangs_keeps_nobody_of_another_one_out() {
    let it = with_many().await;
    let north = it.merged_north().await;
    it.kit.clouds.has(north, "north-ann", OLD);
    it.kit.clouds.has(it.home, "home-u16", OLD);
    it.kit.clouds.hangs(it.home);
    let enters_home = |number: u32| {
        let asked = enters("ops", &format!("u{number}"), OLD);
        it.kit.web(from(number, asked))
    };
    let mut waiting: FuturesUnordered<_> = (0..16).map(enters_home).collect();
    while it.kit.clouds.asked() < 16 {
        let pause = tokio::time::sleep(Duration::from_millis(5));
        while_others_wait(&mut waiting, pause).await;
    }
    let late = while_others_wait(&mut waiting, enters_home(16)).await;
    late.is_problem(401, "wrong-password");
    let other = it.kit.web(enters("ops_north-ops", "ann", OLD));
    cookie(&while_others_wait(&mut waiting, other).await);
    drop(waiting);
    it.kit.clouds.hangs_no_more(it.home);
    cookie(&enters_home(16).await);
}

#[tokio::test]
async fn guessers_lock_an_account_wherever_they_are_and_ask_no_region_without_end() {
    let it = stage().await;
    for (department, user) in [("ops", "ann"), ("ops", "nobody"), ("nowhere", "ann")] {
        for source in 1..=10 {
            let guess = enters(department, user, "wrong");
            let answer = it.kit.web(from(source, guess)).await;
            answer.is_problem(401, "wrong-password");
        }
        for source in 20..25 {
            let guess = enters(department, user, OLD);
            let answer = it.kit.web(from(source, guess)).await;
            answer.is_problem(401, "wrong-password");
        }
    }
    assert_eq!(it.kit.clouds.asked(), 10);
    it.kit.hand.advance(Duration::from_secs(900));
    cookie(&it.ann_enters(OLD).await);
    for source in 30..40 {
        let guess = enters("ops", "ann", "wrong");
        let answer = it.kit.web(from(source, guess)).await;
        answer.is_problem(401, "wrong-password");
    }
    let locked = it.kit.web(from(40, enters("ops", "ann", OLD))).await;
    locked.is_problem(401, "wrong-password");
    assert_eq!(
        it.kit.clouds.asked(),
        11,
        "the hub's own answers count as well"
    );
    assert_eq!(
        it.kit.web(crate::kit::sign_in("admin", NEW)).await.status,
        201
    );
}

#[tokio::test]
async fn who_was_locked_is_let_in_by_an_administrator_or_by_another_password() {
    let it = stage().await;
    let guess = |source| from(source, enters("ops", "ann", "wrong"));
    let lock = || async {
        for source in 1..=10 {
            let guessed = it.kit.web(guess(source)).await;
            guessed.is_problem(401, "wrong-password");
        }
        let locked = it.kit.web(from(11, enters("ops", "ann", OLD))).await;
        locked.is_problem(401, "wrong-password");
    };
    lock().await;
    let path = format!("/directory/users/{}/lock", it.ann);
    let opened = it.kit.send(Method::DELETE, &path, json!(null)).await;
    assert_eq!(opened.status, 204, "{}", opened.text);
    cookie(&it.ann_enters(OLD).await);
    lock().await;
    assert_eq!(it.kit.sets_password(&it.ann, NEW).await.status, 200);
    cookie(&it.ann_enters(NEW).await);
    let path = path.replace(&it.ann, &it.ops);
    let nobody = it.kit.send(Method::DELETE, &path, json!(null)).await;
    nobody.is_problem(404, "not-found");
}

#[tokio::test]
async fn who_is_switched_off_is_out_at_once_and_told_nothing() {
    let it = stage().await;
    cookie(&it.ann_enters(OLD).await);
    let user = format!("/directory/users/{}", it.ann);
    let department = format!("/directory/departments/{}", it.ops);
    for path in [user, department] {
        let session = cookie(&it.ann_enters(OLD).await);
        it.switch(&path, false).await;
        it.kit
            .who(&session)
            .await
            .is_problem(401, "sign-in-required");
        let off = it.ann_enters(OLD).await;
        let off = off.is_problem(401, "wrong-password");
        let wrong = it.kit.web(enters("ops", "nobody", OLD)).await;
        assert_eq!(off, wrong.is_problem(401, "wrong-password"));
        it.switch(&path, true).await;
        let over = it.kit.who(&session).await;
        over.is_problem(401, "sign-in-required");
    }
    cookie(&it.ann_enters(OLD).await);
}

#[tokio::test]
async fn who_is_deleted_stays_so_whatever_his_region_says() {
    let it = stage().await;
    let session = cookie(&it.ann_enters(OLD).await);
    let north = it.merged_north().await;
    it.kit.sets_password(&it.ann, NEW).await;
    assert!(it.told(north).is_some());
    let path = format!("/directory/users/{}", it.ann);
    assert_eq!(it.kit.delete(&path).await.status, 204);
    assert_eq!((it.told(north), it.told(it.home)), (None, None));
    it.kit
        .who(&session)
        .await
        .is_problem(401, "sign-in-required");
    let asked = it.kit.clouds.asked();
    for _ in 0..2 {
        for password in [OLD, NEW] {
            it.ann_enters(password)
                .await
                .is_problem(401, "wrong-password");
        }
        it.kit.merge("home").await;
        it.kit.merge("north").await;
    }
    assert_eq!(it.kit.clouds.asked(), asked);
    it.kit
        .sets_password(&it.ann, NEW)
        .await
        .is_problem(404, "not-found");
}
