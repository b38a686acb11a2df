//! Why a user was not let in: told to whoever may give him a password, and to nobody else.

use serde_json::Value;

use shared::wire::frame::Checked;

use super::*;

impl Stage {
    async fn standing(&self) -> Value {
        let path = format!("/api/v1/directory/users/{}/password", self.ann);
        self.kit.get(&path).await.json()
    }
}

#[tokio::test]
async fn whoever_may_give_him_a_password_sees_why_a_user_was_not_let_in() {
    let it = stage().await;
    let before = it.standing().await;
    assert_eq!(before["last_refused"], Value::Null, "{before}");
    it.kit.clouds.go_away(it.home);
    let enters_from = async |source, password| {
        let asked = enters("ops", "ann", password);
        it.kit.web(from(source, asked)).await
    };
    let answer = enters_from(7, OLD).await;
    let told = answer.is_problem(401, "wrong-password").to_string();
    assert!(told.contains("org show user"), "{told}");
    let seen = it.standing().await;
    let last = &seen["last_refused"];
    assert_eq!(last["reason"], "region-away", "{seen}");
    assert_eq!(last["source"], "0.0.0.7");
    assert_eq!(last["at"], "2026-11-21T18:00:00.000Z");
    assert!(last["detail"].as_str().unwrap().contains("away"));
    assert_eq!(seen["locked_until"], Value::Null);

    it.kit.clouds.come_back(it.home);
    it.kit.hand.advance(Duration::from_secs(60));
    for source in 10..20 {
        let guessed = enters_from(source, "a guess").await;
        guessed.is_problem(401, "wrong-password");
    }
    // Others who are refused make nothing of it unseen.
    for source in 30..35 {
        let nobody = it.kit.web(from(source, enters("ops", "nobody", "a guess")));
        nobody.await.is_problem(401, "wrong-password");
    }
    let seen = it.standing().await;
    assert_eq!(seen["last_refused"]["reason"], "locked", "{seen}");
    assert_eq!(seen["locked_until"], "2026-11-21T18:16:00.000Z", "{seen}");
    let lock = format!("/directory/users/{}/lock", it.ann);
    assert_eq!(it.kit.delete(&lock).await.status, 204);
    assert_eq!(it.standing().await["locked_until"], Value::Null);
}

#[tokio::test]
async fn a_right_password_that_is_of_no_use_counts_as_a_wrong_one() {
    let it = stage().await;
    let mut heard = Vec::new();
    for (source, said) in [
        (1, None),
        (2, Some(Checked::Expired)),
        (3, Some(Checked::NeedsMore)),
    ] {
        let password = match said {
            Some(said) => {
                it.kit.clouds.says(it.home, "home-ann", said);
                OLD
            }
            None => "a guess",
        };
        for number in 0..19 {
            let asked = enters("ops", &format!("nobody-{source}-{number}"), "a guess");
            let answer = it.kit.web(from(source, asked)).await;
            answer.is_problem(401, "wrong-password");
        }
        let guess = it.kit.web(from(source, enters("ops", "ann", password)));
        guess.await.is_problem(401, "wrong-password");
        let next = it.kit.web(from(source, enters("ops", "nobody", "a guess")));
        heard.push(next.await.status.as_u16());
    }
    assert_eq!(heard, [429, 429, 429]);
    assert_eq!(it.standing().await["last_refused"]["reason"], "needs-more");
}

#[tokio::test]
async fn those_who_are_refused_as_too_many_wait_are_counted_and_told() {
    // Longer than the whole test: nobody is answered, on however busy a machine.
    let kit = crate::directory::a_home_in(Kit::that_refuses_after(Duration::from_secs(60)).await);
    let it = stage_of(kit.await).await;
    // Locked, so that each of them costs nothing, and waits for his refusal.
    let guess = |source| it.kit.web(from(source, enters("ops", "nobody", "a guess")));
    let mut waiting = FuturesUnordered::new();
    for source in 1..=10 {
        waiting.push(guess(source));
        let pause = tokio::time::sleep(Duration::from_millis(150));
        while_others_wait(&mut waiting, pause).await;
    }
    for source in 11..=512 {
        waiting.push(guess(source));
        // Few at a time, so that none finds the hub busy: they are read of one after the other.
        if source % 16 == 0 {
            let settled = async {
                for _ in 0..8 {
                    it.kit.store.read(|_| Ok(())).await.unwrap();
                }
            };
            while_others_wait(&mut waiting, settled).await;
        }
    }
    let refused = while_others_wait(&mut waiting, guess(1000)).await;
    refused.is_problem(503, "unavailable");
    drop(waiting);
    it.kit.store.change(|_| Ok(())).await.unwrap();
    let told = it.kit.get("/api/v1/audit?action=sign-in").await.json();
    assert!(told.to_string().contains("refused: unavailable"), "{told}");
}
