//! What is done about drift without asking.

use super::*;

#[tokio::test]
async fn a_policy_is_a_regions_own_and_picks_what_it_may_decide() {
    let (site, [home, north]) = site().await;
    let name = drift(lab(), DriftKind::Name, "labs");
    let own = Subject::Own(ObjectKind::User, CloudId::new("u"));
    let created = drift(own, DriftKind::CreatedHere, "eve");
    remark(&site, north, 2, "n", &[name.clone(), created]).await;
    remark(&site, home, 2, "h", std::slice::from_ref(&name)).await;
    let due = || due_after(&site, Duration::ZERO);
    assert_eq!(due().await, []);
    for policy in [DriftPolicy::Adopt, DriftPolicy::PutBack] {
        set_policy(&site, north, policy).await.unwrap();
        assert_eq!(due().await, [(north, policy)]);
    }
    put_back(&site, north, seen(&name)).await.unwrap();
    assert_eq!(due().await, [], "it is told");
    let again = due_after(&site, CURE_AGAIN).await;
    assert_eq!(again, [(north, DriftPolicy::PutBack)], "and is there still");
    site.merge(north).await;
    let kept = site.store.read(move |it| it.drift_policy(north)).await;
    assert_eq!(kept.unwrap(), DriftPolicy::PutBack, "a merge keeps it");

    let young = site.region(3).await;
    let refused = set_policy(&site, young, DriftPolicy::Adopt).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("org merge region-3"), "{refused}");
}

/// What comes of a drift that was due by this policy.
async fn cure(site: &Site, no: RegionNo, remark: &Remark, policy: DriftPolicy) -> bool {
    let seen = seen(remark);
    let cured = site
        .store
        .change(move |it| it.cure_drift(no, &seen, policy));
    cured.await.unwrap()
}

#[tokio::test]
async fn who_says_another_policy_is_obeyed_at_once() {
    let (site, [_, north]) = site().await;
    let name = drift(lab(), DriftKind::Name, "labs");
    remark(&site, north, 2, "n", std::slice::from_ref(&name)).await;
    for policy in [DriftPolicy::Adopt, DriftPolicy::PutBack] {
        set_policy(&site, north, policy).await.unwrap();
        assert_eq!(due_after(&site, Duration::ZERO).await, [(north, policy)]);
        set_policy(&site, north, DriftPolicy::Ask).await.unwrap();
        let rows = site.rows();
        assert!(!cure(&site, north, &name, policy).await);
        assert_eq!(site.rows(), rows, "{policy:?}");
        set_policy(&site, north, policy).await.unwrap();
    }
    assert!(cure(&site, north, &name, DriftPolicy::PutBack).await);
    assert_eq!(put_backs(&site).len(), 1);
    set_policy(&site, north, DriftPolicy::Adopt).await.unwrap();
    assert!(cure(&site, north, &name, DriftPolicy::Adopt).await);
    site.is_sound().await;
}

#[tokio::test]
async fn no_policy_decides_about_who_was_made_a_cloud_administrator_just_now() {
    let (site, [_, north]) = site().await;
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    let ann = *directory.live().users.keys().next().unwrap();
    let mut renamed = drift(
        Subject::Object(ObjectKind::User, ann),
        DriftKind::Name,
        "eve",
    );
    if let RemarkState::Drift { what, .. } = &mut renamed.state {
        what[0].directory = Some("ann".to_owned());
    }
    remark(&site, north, 2, "n", std::slice::from_ref(&renamed)).await;
    let policy = DriftPolicy::Adopt;
    set_policy(&site, north, policy).await.unwrap();
    assert_eq!(due_after(&site, Duration::ZERO).await, [(north, policy)]);

    let role = shared::model::Role {
        department: None,
        name: "admin".to_owned(),
        description: None,
    };
    let (id, object) = (ObjectId::from_random(70), Object::Role(role));
    site.edit(Edit::Create { id, object }).await.unwrap();
    site.edit(Edit::Appoint(ann)).await.unwrap();
    assert!(!cure(&site, north, &renamed, policy).await);
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(directory.live().users[&ann].name, "ann");
    assert!(adopt(&site, north, seen(&renamed), false).await.unwrap());
    site.is_sound().await;
}
