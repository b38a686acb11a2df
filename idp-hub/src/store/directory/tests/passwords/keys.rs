//! What is sealed to a key that its agent has no more.

use shared::audit::Wanted;

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

#[tokio::test]
async fn another_key_is_told_to_the_trail_with_the_one_before() {
    let (site, [home, _], _) = with_ann().await;
    let told = async || {
        let listed = site
            .store
            .read(|it| it.audit_entries(None, 1000, &Wanted::default()));
        let all = listed.await.unwrap().items.into_iter();
        let all = all.map(|it| it.entry.unwrap().act);
        let all = all.filter(|it| it.action == "new-sealing-key");
        all.collect::<Vec<_>>()
    };
    site.tells_key(home, key(home)).await;
    assert_eq!(told().await, [], "its first one, and the same");
    let before = site.store.read(move |it| it.sealing_since(home));
    let (_, before) = before.await.unwrap().unwrap();
    site.tells_key(home, another_key(home)).await;
    let all = told().await;
    let [act] = &all[..] else {
        panic!("{all:#?}");
    };
    assert_eq!(act.subject.name, "region-1");
    assert!(act.by.who.starts_with("agent with key 0101"), "{act:?}");
    let [was, is] = [key(home), another_key(home)].map(|it| it.fingerprint().to_string());
    assert_eq!((&act.before, &act.after), (&was, &is));
    let found = site.store.read(move |it| it.sealing_since(home));
    let (found, since) = found.await.unwrap().unwrap();
    assert_eq!(found, another_key(home));
    assert!(since.is_some() && since >= before);
}
