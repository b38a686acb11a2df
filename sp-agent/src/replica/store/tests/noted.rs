//! What is noted beside what the hub told: the order of links, and the life of the feed.

use super::*;

#[tokio::test]
async fn which_of_two_links_was_noted_last_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let replica = store(folder.path());
    let [a, b, c] = ["a", "b", "c"].map(CloudId::derived);
    let note = |id: &CloudId, tied| Note::Link(id.clone(), Some(tied));
    let notes = vec![
        note(&a, Tied::Making),
        note(&b, Tied::Met),
        note(&a, Tied::Made),
        note(&c, Tied::Met),
        note(&b, Tied::Making),
    ];
    let mut told = Base::default();
    notes.iter().for_each(|it| told.note(it.clone()));
    replica.keep(notes, UnixMillis(7)).await.unwrap();
    let kept = replica.base(UnixMillis(7)).await.unwrap();
    assert_eq!(kept, told);
    let order = [a, c, b].map(|it| kept.links[&it].order);
    assert_eq!(
        order,
        [1, 3, 4],
        "it may have been made when it was about to be"
    );
}

/// A hub that was restored tells all of it again, and nothing may have changed.
#[tokio::test]
async fn what_is_told_again_in_another_life_of_the_feed_is_known_as_told_in_that() {
    let folder = tempfile::tempdir().unwrap();
    let other = FeedId::from_bytes([3; 16]);
    let mut hub = Hub::default();
    hub.tell(&department(1, "research"));
    hub.tell(&department(2, "sales"));
    let mut replica = store(folder.path());
    assert_eq!(replica.replica(), None);
    take(&replica, open(Start::Snapshot)).await;
    take(&replica, hub.batch(0, true)).await;
    assert_eq!(replica.replica().unwrap().feed, Some(LIFE));
    for is_restarted in [false, true] {
        replica.session_began();
        let mut news = replica.watch();
        news.borrow_and_update();
        let life = match is_restarted {
            true => LIFE,
            false => other,
        };
        let before = replica.replica().unwrap();
        take(&replica, open_life(life, Start::Snapshot)).await;
        assert_eq!(replica.replica().unwrap(), before, "nothing is told yet");
        take(&replica, hub.batch(0, false)).await;
        assert_eq!(replica.replica().unwrap(), before, "not all");
        take(&replica, hub.batch(1, true)).await;
        assert!(news.has_changed().unwrap(), "whoever waits for it looks");
        let held = replica.replica().unwrap();
        assert_eq!(
            (held.feed, &held.directory),
            (Some(life), &before.directory)
        );
        drop(replica);
        replica = store(folder.path());
        assert_eq!(replica.replica().unwrap(), held);
    }
}
