//! What whoever is not let in learns from the answer: nothing of who there is.

use serde_json::Value;

use super::*;
use crate::directory::a_home_in;
use crate::kit::{PASSWORD, sign_in};

impl Stage {
    async fn refused(&self, source: u32, user: &str, password: &str) -> Value {
        let asked = enters("ops", user, password);
        let answer = self.kit.web(from(source, asked)).await;
        assert!(!answer.headers.contains_key(header::RETRY_AFTER));
        answer.is_problem(401, "wrong-password")
    }

    /// What the audit trail says of refused sign-ins, the newest first.
    async fn told_of_sign_ins(&self) -> Vec<String> {
        // What is told soon is told before what the writer does next.
        self.kit.store.change(|_| Ok(())).await.unwrap();
        let told = self.kit.get("/api/v1/audit?action=sign-in").await.json();
        let outcomes = told["items"].as_array().unwrap().iter();
        let outcomes = outcomes.map(|it| it["outcome"].as_str().unwrap().to_owned());
        outcomes.filter(|it| it.starts_with("refused")).collect()
    }
}

#[tokio::test]
async fn an_unknown_name_a_wrong_password_a_region_that_is_away_and_a_lock_read_the_same() {
    let it = stage().await;
    let unknown = it.refused(1, "nobody", OLD).await;
    let next = unknown["next_step"].as_str().unwrap();
    assert!(next.contains("administrator"), "{next}");
    assert_eq!(it.refused(2, "ann", "a guess").await, unknown);
    it.kit.clouds.go_away(it.home);
    assert_eq!(it.refused(3, "ann", OLD).await, unknown);
    it.kit.clouds.come_back(it.home);
    // It has looked at too many, or its cloud is down.
    it.kit.clouds.is_unable(it.home);
    assert_eq!(it.refused(4, "ann", OLD).await, unknown);
    it.kit.clouds.is_able_again(it.home);
    let long = "n".repeat(2000);
    assert_eq!(it.refused(5, &long, OLD).await, unknown);
    for source in 10..17 {
        assert_eq!(it.refused(source, "ann", "a guess").await, unknown);
    }
    let told = it.told_of_sign_ins().await;
    assert!(told.iter().all(|it| !it.contains("locked")), "{told:?}");
    assert_eq!(it.refused(20, "ann", OLD).await, unknown);
    assert_eq!(it.kit.clouds.asked(), 8, "nobody looked at the last");
    let told = it.told_of_sign_ins().await.join("; ");
    for reason in ["locked", "region-away", "region-unable", "wrong-password"] {
        assert!(told.contains(reason), "{reason}: {told}");
    }
}

#[tokio::test]
async fn whose_region_is_away_is_held_up_and_locked_as_a_name_that_nobody_has() {
    let it = stage().await;
    it.kit.clouds.go_away(it.home);
    let mut seen = Vec::new();
    for (home, user) in [(1, "ann"), (2, "nobody")] {
        let mut statuses = Vec::new();
        for source in [home; 7].into_iter().chain(100 * home..100 * home + 8) {
            let answer = it.kit.web(from(source, enters("ops", user, OLD))).await;
            statuses.push((answer.status, answer.text));
        }
        seen.push(statuses);
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].iter().any(|it| it.0 == 429), "{seen:?}");
    it.kit.clouds.come_back(it.home);
    it.refused(9, "ann", OLD).await;
    let lock = format!("/directory/users/{}/lock", it.ann);
    assert_eq!(it.kit.delete(&lock).await.status, 204);
    cookie(&it.kit.web(from(9, enters("ops", "ann", OLD))).await);
    let admin = from(1, sign_in("admin", PASSWORD));
    assert_eq!(it.kit.web(admin).await.status, 201);
}

#[tokio::test]
async fn whoever_is_refused_is_so_after_the_same_time_and_whoever_is_let_in_at_once() {
    let wait = Duration::from_secs(2);
    let it = stage_of(a_home_in(Kit::that_refuses_after(wait).await).await).await;
    let asks = |source, user, password| it.kit.web(from(source, enters("ops", user, password)));
    let is_refused_late = async |source, user| {
        let mut asked = std::pin::pin!(asks(source, user, "a guess"));
        for step in [Duration::ZERO, wait - Duration::from_millis(1)] {
            it.kit.hand.advance(step);
            // Longer than a hash takes.
            tokio::select! {
                answer = &mut asked => panic!("{user}: {answer:?}"),
                () = tokio::time::sleep(Duration::from_millis(300)) => {}
            }
        }
        it.kit.hand.advance(Duration::from_millis(1));
        asked.await.is_problem(401, "wrong-password");
    };
    is_refused_late(1, "nobody").await;
    is_refused_late(2, "ann").await;
    it.kit.clouds.go_away(it.home);
    is_refused_late(3, "ann").await;
    it.kit.clouds.come_back(it.home);
    cookie(&asks(4, "ann", OLD).await);
    is_refused_late(5, "ann").await;
    // What says nothing of a name does not wait.
    for _ in 0..2 {
        let long = it.kit.web(enters("ops", &"n".repeat(2000), OLD));
        long.await.is_problem(401, "wrong-password");
    }
}

#[tokio::test]
async fn those_who_wait_to_be_refused_take_no_hash_from_others() {
    let wait = Duration::from_secs(2);
    let it = stage_of(a_home_in(Kit::that_refuses_after(wait).await).await).await;
    let guesses = |source: u32| {
        let user = format!("nobody-{source}");
        let asked = enters("ops", &user, "a guess");
        it.kit.web(from(source, asked))
    };
    // More than there are places for hashes. Few at a time, so that none finds the hub busy.
    let mut waiting = FuturesUnordered::new();
    for source in 1..=80 {
        waiting.push(guesses(source));
        if source % 20 == 0 {
            let pause = tokio::time::sleep(Duration::from_millis(900));
            while_others_wait(&mut waiting, pause).await;
        }
    }
    let ann = it.kit.web(from(1000, enters("ops", "ann", OLD)));
    cookie(&while_others_wait(&mut waiting, ann).await);
    it.kit.hand.advance(wait);
    while let Some(answer) = waiting.next().await {
        answer.is_problem(401, "wrong-password");
    }
}

#[tokio::test]
async fn strangers_lock_a_user_wherever_he_is_new_and_not_where_he_signed_in() {
    let it = stage().await;
    let enters_from = async |source| it.kit.web(from(source, enters("ops", "ann", OLD))).await;
    cookie(&enters_from(1).await);
    for source in 10..20 {
        it.refused(source, "ann", "a guess").await;
    }
    it.refused(30, "ann", OLD).await;
    for _ in 0..3 {
        cookie(&enters_from(1).await);
        it.refused(31, "ann", OLD).await;
    }
    // Whoever is where she is: typing errors go by, and guesses are held up there as well.
    for _ in 0..3 {
        it.refused(1, "ann", "a guess").await;
    }
    cookie(&enters_from(1).await);
    for _ in 0..5 {
        it.refused(1, "ann", "a guess").await;
    }
    let held_up = enters_from(1).await;
    held_up.is_problem(429, "too-many-attempts");
}
