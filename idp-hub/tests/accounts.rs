//! Accounts and web sessions in a real database.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should panic"
)]

use std::time::Duration;

use idp_hub::store::accounts::{AccountRow, SessionRow, Whose};
use idp_hub::store::{Store, StoreError};
use shared::model::UnixMillis;
use shared::pki::SecretHash;
use shared::runtime::clock::Clock;

const HOUR: Duration = Duration::from_secs(3600);
const START: UnixMillis = UnixMillis(1_800_000_000_000);

async fn account(store: &Store) -> AccountRow {
    store.read(|it| it.account("admin")).await.unwrap().unwrap()
}

async fn set(store: &Store, hash: &'static str) {
    store
        .change(move |it| it.set_password("admin", hash))
        .await
        .unwrap();
}

async fn begin(store: &Store, token: u8, account: &AccountRow) -> bool {
    let (token, account) = (SecretHash::from_bytes([token; 32]), account.clone());
    let begin = move |it: &mut idp_hub::store::Changing<'_>| {
        it.begin_web_session(token, &account, it.now.plus(HOUR))
    };
    store.change(begin).await.unwrap()
}

async fn session(store: &Store, token: u8, now: UnixMillis) -> Option<SessionRow> {
    let token = SecretHash::from_bytes([token; 32]);
    store
        .read(move |it| it.web_session(token, now))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_session_lasts_until_its_end_its_logout_or_a_new_password() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual(START);
    let (store, _writer) = Store::open(&folder.path().join("hub.db"), clock.clone()).unwrap();
    assert_eq!(store.read(|it| it.account("admin")).await.unwrap(), None);
    set(&store, "hash 1").await;
    let admin = account(&store).await;
    assert_eq!(
        (admin.password_hash.as_str(), admin.changed),
        ("hash 1", START)
    );

    for token in 1..=3 {
        assert!(begin(&store, token, &admin).await);
    }
    let expected = SessionRow {
        whose: Whose::Account("admin".to_owned()),
        expires: START.plus(HOUR),
    };
    assert_eq!(session(&store, 1, START).await, Some(expected));
    assert_eq!(session(&store, 1, START.plus(HOUR)).await, None);
    assert_eq!(session(&store, 9, START).await, None);

    let ended = SecretHash::from_bytes([1; 32]);
    store
        .change(move |it| it.end_web_session(ended))
        .await
        .unwrap();
    assert_eq!(session(&store, 1, START).await, None);
    assert!(session(&store, 2, START).await.is_some());

    hand.advance(HOUR / 2);
    set(&store, "hash 2").await;
    assert_eq!(session(&store, 2, START).await, None);
    assert!(
        !begin(&store, 4, &admin).await,
        "the password that was checked is no longer it"
    );
    assert_eq!(session(&store, 4, START).await, None);
    assert_eq!(account(&store).await.changed, START.plus(HOUR / 2));
}

#[tokio::test]
async fn sessions_of_an_account_are_bounded_and_the_oldest_go_first() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual(START);
    let (store, _writer) = Store::open(&folder.path().join("hub.db"), clock.clone()).unwrap();
    set(&store, "hash").await;
    let admin = account(&store).await;
    for token in 0..70 {
        hand.advance(Duration::from_millis(1));
        assert!(begin(&store, token, &admin).await);
    }
    let now = clock.unix_millis();
    assert_eq!(session(&store, 5, now).await, None);
    assert!(session(&store, 6, now).await.is_some());
    assert!(session(&store, 69, now).await.is_some());
    hand.set_wall(UnixMillis(5));
    assert!(begin(&store, 99, &admin).await);
    let back = session(&store, 99, UnixMillis(5)).await;
    assert!(
        back.is_some(),
        "a clock that went back pushes out no new session"
    );
    let missing = store.change(|it| it.region_named("x")).await.unwrap_err();
    assert!(
        matches!(missing, StoreError::Missing { .. }),
        "the writer goes on"
    );
}

#[tokio::test]
async fn ones_own_new_password_does_not_overtake_an_administrators() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(START);
    let (store, _writer) = Store::open(&folder.path().join("hub.db"), clock).unwrap();
    set(&store, "hash 1").await;
    let checked = account(&store).await;
    assert!(begin(&store, 1, &checked).await && begin(&store, 2, &checked).await);
    let change = async |checked: &AccountRow, token: u8, hash: &'static str| {
        let (checked, token) = (checked.clone(), SecretHash::from_bytes([token; 32]));
        let change = move |it: &mut idp_hub::store::Changing<'_>| {
            it.change_own_password(&checked, token, hash)
        };
        store.change(change).await
    };
    let is_refused = |it: Result<(), StoreError>| {
        let told = it.unwrap_err().to_string();
        assert!(told.contains("same moment"), "{told}");
    };
    // Signed out between the look and the change.
    let ended = SecretHash::from_bytes([2; 32]);
    let ended = store.change(move |it| it.end_web_session(ended));
    ended.await.unwrap();
    is_refused(change(&checked, 2, "hash of a thief").await);
    assert_eq!(account(&store).await.password_hash, "hash 1");
    // An administrator's comes between, with or without another session since.
    set(&store, "hash 2").await;
    is_refused(change(&checked, 1, "hash of a thief").await);
    let newer = account(&store).await;
    assert!(begin(&store, 3, &newer).await);
    is_refused(change(&checked, 3, "hash of a thief").await);
    assert_eq!(account(&store).await.password_hash, "hash 2");
    change(&newer, 3, "hash 3").await.unwrap();
    assert_eq!(account(&store).await.password_hash, "hash 3");
    assert_eq!(session(&store, 3, START).await, None);
}
