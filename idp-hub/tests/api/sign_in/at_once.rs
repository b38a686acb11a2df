//! Who signs in twice at the same moment, or just as something else is done about him.

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn who_signs_in_for_the_first_time_twice_at_once_is_let_in_twice() {
    let it = stage().await;
    let north = it.merged_north().await;
    let twice = join_all([it.ann_enters(OLD), it.ann_enters(OLD)]).await;
    assert_eq!(it.kit.clouds.asked(), 2, "neither waited for the other");
    for answer in &twice {
        let session = cookie(answer);
        let who = it.kit.who(&session).await;
        assert_eq!(who.json()["account"], "ann", "{}", who.text);
    }
    let captured = "/api/v1/audit?action=capture-password";
    let told = it.kit.get(captured).await.json();
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "once: {told}");
    assert_eq!(it.told(north).as_deref(), Some(OLD));
}

#[tokio::test]
async fn a_password_that_was_set_while_a_region_was_asked_counts() {
    let it = stage().await;
    it.kit.clouds.hangs(it.home);
    let mut entering = std::pin::pin!(it.ann_enters(OLD));
    while it.kit.clouds.asked() == 0 {
        tokio::select! {
            answer = &mut entering => panic!("{answer:?}"),
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    }
    assert_eq!(it.kit.sets_password(&it.ann, NEW).await.status, 200);
    it.kit.clouds.hangs_no_more(it.home);
    entering.await.is_problem(401, "wrong-password");
    cookie(&it.ann_enters(NEW).await);
}
