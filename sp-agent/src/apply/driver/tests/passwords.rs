//! Passwords, at a Keystone that keeps a history of them and loses the first answer.

use shared::runtime::clock::Clock;

use super::*;

/// The hub tells passwords: of which user, which version, and what is sealed.
fn tell(bench: &Bench, all: &[(u128, u64, &[u8])]) {
    bench.replica.send_modify(|it| {
        let replica = Arc::make_mut(it);
        for (number, version, sealed) in all {
            let secret = Secret {
                user: ObjectId::from_random(100 + number),
                version: *version,
                sealed: sealed.to_vec(),
            };
            replica.secrets.insert(secret.user, secret);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn passwords_are_opened_and_set_once_also_when_an_answer_was_lost() {
    let mut bench = Bench::start(|_| None, Store::default());
    bench.all_in_place().await;
    bench.read_roles().await;
    tell(&bench, &[(0, 7, b"one"), (1, 7, b"two"), (2, 7, &[0xff])]);
    let done = bench
        .progress
        .wait_for(|it| it.in_place == 3 + USERS as u64 && it.failed_count == 1);
    let shown = tokio::time::timeout(Duration::from_secs(600), done).await;
    let shown = shown
        .expect("two are set and one does not open")
        .unwrap()
        .clone();
    assert!(
        shown.failed[0].error.contains("sealed to another key"),
        "{shown:?}"
    );
    let set = bench.cloud.passwords.lock().unwrap().clone();
    let texts: Vec<&str> = set.iter().map(|(_, it)| it.as_str()).collect();
    assert_eq!(texts, ["one", "two"], "each once, and no other");
    assert_eq!(bench.store.base.lock().unwrap().passwords.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_given_once_more_is_there_where_none_is_taken_twice() {
    let mut bench = Bench::start(|_| None, Store::default());
    bench.all_in_place().await;
    bench.read_roles().await;
    tell(&bench, &[(0, 7, b"lost")]);
    let lost = bench.progress.wait_for(|it| it.failed_count == 1).await;
    lost.unwrap();
    tell(&bench, &[(0, 8, b"next")]);
    let waits = bench.progress.wait_for(|it| it.waiting == 1);
    let waits = tokio::time::timeout(Duration::from_secs(60), waits).await;
    drop(waits.expect("it does not count yet").unwrap());
    let texts = || {
        let set = bench.cloud.passwords.lock().unwrap();
        set.iter().map(|(_, it)| it.clone()).collect::<Vec<_>>()
    };
    assert_eq!(texts(), ["lost", "next"]);
    assert_eq!(bench.store.base.lock().unwrap().passwords.len(), 0);
    let done = bench
        .progress
        .wait_for(|it| it.in_place == 2 + USERS as u64);
    let done = tokio::time::timeout(Duration::from_secs(1000), done).await;
    done.expect("it is seen to be his").unwrap();
    assert_eq!(texts(), ["lost", "next"]);
    let base = bench.store.base.lock().unwrap();
    let versions: Vec<u64> = base.passwords.values().map(|it| it.version).collect();
    assert_eq!((versions, base.unanswered.len()), (vec![8], 0));
}

/// Neither the order nor the question whether it was carried out is answered.
#[tokio::test(start_paused = true)]
async fn one_that_is_there_is_found_however_often_nobody_says_so() {
    for hangs in [true, false] {
        let mut bench = Bench::start(|_| None, Store::default());
        bench.all_in_place().await;
        bench.read_roles().await;
        bench.cloud.hangs.store(hangs, Ordering::SeqCst);
        bench.cloud.unchecked.store(3, Ordering::SeqCst);
        tell(&bench, &[(0, 7, b"one")]);
        let done = bench
            .progress
            .wait_for(|it| it.in_place == 2 + USERS as u64);
        let done = tokio::time::timeout(Duration::from_secs(3600), done).await;
        done.expect("it is seen to be his").unwrap();
        assert_eq!(bench.cloud.passwords.lock().unwrap().len(), 1);
        assert_eq!(bench.cloud.unchecked.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_there_is_found_also_where_he_was_locked_or_is_to_change_it() {
    for says in [Checked::Wrong, Checked::Expired] {
        let mut bench = Bench::start(|_| None, Store::default());
        bench.all_in_place().await;
        bench.read_roles().await;
        bench.cloud.says.lock().unwrap().push(says);
        tell(&bench, &[(0, 7, b"one")]);
        let clock = Clock::system();
        let begun = clock.now();
        let done = bench
            .progress
            .wait_for(|it| it.in_place == 2 + USERS as u64);
        let done = tokio::time::timeout(Duration::from_secs(2 * 3600), done).await;
        done.expect("it is seen to be his").unwrap();
        let is_later = clock.now() - begun > Duration::from_secs(3600);
        assert_eq!(is_later, says == Checked::Wrong);
        assert_eq!(bench.cloud.passwords.lock().unwrap().len(), 1);
    }
}
