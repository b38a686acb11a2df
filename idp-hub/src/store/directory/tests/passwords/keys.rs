//! What is sealed to a key that its agent has no more.

use super::*;

/// The one that it makes when it has lost that.
fn another_key(no: RegionNo) -> PublicSealingKey {
    PublicSealingKey::from_bytes([no.0 as u8 + 100; 32])
}

#[tokio::test]
async fn what_is_sealed_to_a_key_that_is_gone_is_taken_back() {
    let (site, [home, north], ann) = with_ann().await;
    let sealed = [(home, 1), (north, 2)];
    site.set(password(ann.id, 7, &sealed)).await.unwrap();
    site.tells_key(home, key(home)).await;
    assert_eq!(site.secrets().len(), 2, "it is the same");
    site.tells_key(home, another_key(home)).await;
    assert_eq!(site.lacking(ann.id).await, [home]);
    site.is_sound().await;
    let removed = site.store.change(move |it| it.remove_region(north));
    removed.await.unwrap();
    assert!(site.secrets().is_empty());
    assert_eq!(site.lacking(ann.id).await, [home], "not what is removed");
}

#[tokio::test]
async fn what_was_sealed_just_before_a_key_was_another_one_is_told_to_nobody() {
    let (site, [home, north], ann) = with_ann().await;
    let sealed = [(home, 1), (north, 2)];
    let set = password(ann.id, 7, &sealed);
    site.tells_key(home, another_key(home)).await;
    assert_eq!(site.set(set).await.unwrap(), [north]);
    assert_eq!(site.secrets(), [(north.0, 7, 2)]);
    assert_eq!(site.lacking(ann.id).await, [home]);

    // At a sign-in likewise.
    let version = (ann.id, 7);
    assert!(site.spread(version, sealed_to(home, 1)).await.is_empty());
    assert_eq!(site.lacking(ann.id).await, [home]);
    let anew = Sealed {
        key: another_key(home),
        ..sealed_to(home, 1)
    };
    assert_eq!(site.spread(version, anew).await, [home]);
    assert!(site.lacking(ann.id).await.is_empty());
    site.is_sound().await;
}
