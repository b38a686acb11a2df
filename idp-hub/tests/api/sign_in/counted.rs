//! Which attempts count as wrong ones.

use super::*;
use crate::kit::{PASSWORD, sign_in};

/// More attempts than one address has without a wait; and with those of others, more than lock an
/// account.
fn sources() -> impl Iterator<Item = u32> {
    [1; 7].into_iter().chain(2..=12)
}

impl Stage {
    fn breaks(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.kit.database()).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    /// A table is away while it is tried.
    async fn fails_without(&self, table: &str, attempt: impl Fn() -> Request<Body>) {
        self.breaks(&format!("ALTER TABLE {table} RENAME TO away"));
        for source in sources() {
            let answer = self.kit.web(from(source, attempt())).await;
            answer.is_problem(500, "internal");
        }
        self.breaks(&format!("ALTER TABLE away RENAME TO {table}"));
    }
}

#[tokio::test]
async fn a_store_that_fails_is_no_wrong_password() {
    let it = stage().await;
    let ann = || enters("ops", "ann", OLD);
    // Before anybody is found; before it is known whom to ask; where the answer can't be kept.
    for table in ["names", "bound", "sessions"] {
        it.fails_without(table, ann).await;
    }
    cookie(&it.kit.web(from(1, ann())).await);
    it.breaks("UPDATE passwords SET hash = 'no hash, ' || hash");
    for source in sources() {
        let answer = it.kit.web(from(source, ann())).await;
        answer.is_problem(500, "internal");
    }
    it.breaks("UPDATE passwords SET hash = substr(hash, 10)");
    cookie(&it.kit.web(from(1, ann())).await);

    let admin = || sign_in("admin", PASSWORD);
    it.fails_without("accounts", admin).await;
    assert_eq!(it.kit.web(from(1, admin())).await.status, 201);
}

#[tokio::test]
async fn whoever_goes_away_before_the_answer_has_guessed() {
    let it = stage().await;
    it.kit.clouds.hangs(it.home);
    for source in 1..=10 {
        let attempt = it.kit.web(from(source, enters("ops", "ann", "wrong")));
        let mut attempt = std::pin::pin!(attempt);
        while it.kit.clouds.asked() < source {
            tokio::select! {
                answer = &mut attempt => panic!("{answer:?}"),
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
    }
    it.kit.clouds.hangs_no_more(it.home);
    let locked = it.ann_enters(OLD).await;
    locked.is_problem(401, "wrong-password");
}
