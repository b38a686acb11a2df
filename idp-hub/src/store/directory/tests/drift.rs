//! Remarks of regions, and what is answered: in one transaction, and told to that region alone.

mod policy;

use std::collections::HashMap;
use std::time::Duration;

use shared::ids::FeedId;
use shared::model::{
    Applying, DriftKind, DriftWhy, Drifted, Group, Link, Membership, PutBack, Recall, Remark,
    RemarkState, Subject,
};
use shared::wire::Digest;
use shared::wire::record as wire;

use super::site::{Site, by_ann, create, organization};
use super::*;
use crate::directory::{DriftPolicy, DriftRefusal};
use crate::store::RegionNo;

const ALL: (u32, usize) = (0, usize::MAX);

fn drift(subject: Subject, what: DriftKind, cloud: &str) -> Remark {
    let what = Drifted {
        what,
        directory: Some("lab".to_owned()),
        cloud: Some(cloud.to_owned()),
    };
    Remark {
        subject,
        name: cloud.to_owned(),
        state: RemarkState::Drift {
            why: DriftWhy::Region,
            what: vec![what],
        },
    }
}

fn seen(remark: &Remark) -> Seen {
    let digest = wire::digest(&Record::Remark(remark.clone())).unwrap();
    Seen {
        id: remark.subject.id(),
        digest,
    }
}

/// Two merged regions, and the department `lab`.
async fn site() -> (Site, [RegionNo; 2]) {
    let site = Site::new().await;
    let regions = [site.region(1).await, site.region(2).await];
    for (no, mark) in regions.into_iter().zip(["h", "n"]) {
        site.tell(no, 1, &organization(mark)).await;
        site.merge(no).await;
    }
    site.edit(create(5, "lab")).await.unwrap();
    (site, regions)
}

fn lab() -> Subject {
    Subject::Object(ObjectKind::Department, ObjectId::from_random(5))
}

/// The region tells these remarks, beside its organization.
async fn remark(site: &Site, no: RegionNo, session: u64, mark: &str, remarks: &[Remark]) {
    let mut records = organization(mark);
    records.extend(remarks.iter().cloned().map(Record::Remark));
    records.push(Record::Applying(Applying {
        drift: remarks.len() as u64,
        ..Applying::default()
    }));
    site.tell(no, session, &records).await;
    site.store.change(|_| Ok(())).await.unwrap();
}

/// As a policy does: not again of the same within a while.
async fn put_back(site: &Site, no: RegionNo, seen: Seen) -> Result<bool, StoreError> {
    put_back_again(site, no, seen, CURE_AGAIN).await
}

async fn put_back_again(
    site: &Site,
    no: RegionNo,
    seen: Seen,
    again: Duration,
) -> Result<bool, StoreError> {
    let told = site.store.change(move |it| {
        let region = it.region_numbered(no)?.unwrap();
        it.put_back(&region, &seen, &by_ann(), again)
    });
    told.await
}

async fn adopt(site: &Site, no: RegionNo, seen: Seen, end: bool) -> Result<bool, StoreError> {
    let adopted = site.store.change(move |it| {
        let region = it.region_numbered(no)?.unwrap();
        it.adopt_drift(&region, &seen, end, &by_ann())
    });
    Ok(!adopted.await?.is_empty())
}

fn put_backs(site: &Site) -> Vec<(u32, PutBack)> {
    let rows = site.rows().into_iter();
    let told = rows.filter_map(|(_, region, _, it)| match it {
        Some(Record::PutBack(it)) => Some((region, it)),
        _ => None,
    });
    told.collect()
}

#[tokio::test]
async fn remarks_change_no_plan_and_are_listed_by_region_page_by_page() {
    let (site, [home, north]) = site().await;
    let before = site.plan(north).await.unwrap().digest();
    let own = |name: &str| Subject::Own(ObjectKind::User, CloudId::new(name));
    let created = |name| drift(own(name), DriftKind::CreatedHere, name);
    let mut failed = created("f");
    failed.state = RemarkState::Blocked {
        reason: "no".to_owned(),
    };
    remark(&site, home, 2, "h", &[created("a"), created("b"), failed]).await;
    remark(&site, north, 2, "n", &[created("c")]).await;
    assert_eq!(site.plan(north).await.unwrap().digest(), before);
    for limit in 1..=5 {
        let (mut names, mut after) = (Vec::new(), Vec::new());
        loop {
            let is_drift = |it: &RemarkState| matches!(it, RemarkState::Drift { .. });
            let page = site
                .store
                .read(move |it| it.remarks(None, is_drift, &after, limit));
            let page = page.await.unwrap();
            names.extend(page.items.iter().map(|it| (it.no, it.remark.name.clone())));
            let Some(next) = page.next else { break };
            after = next;
        }
        names.sort_unstable();
        let expected = [(home, "a"), (home, "b"), (north, "c")];
        assert_eq!(
            names,
            expected.map(|(no, it)| (no, it.to_owned())),
            "{limit}"
        );
    }
    let all = site
        .store
        .read(|it| it.applying(None, ALL, &HashMap::new()))
        .await
        .unwrap();
    let drift = all.iter().map(|it| it.applying.as_ref().unwrap().0.drift);
    assert_eq!(drift.collect::<Vec<_>>(), [3, 1]);
    let sums = site.store.read(|it| it.applying_sums()).await.unwrap();
    assert_eq!(sums.drift, 4);
    let missing = site
        .store
        .read(|it| it.applying(Some("south"), ALL, &HashMap::new()))
        .await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })));
}

#[tokio::test]
async fn what_was_seen_is_told_that_region_alone_and_once() {
    let (site, [home, north]) = site().await;
    let remarked = drift(lab(), DriftKind::Name, "labs");
    remark(&site, north, 2, "n", std::slice::from_ref(&remarked)).await;
    let mut other = seen(&remarked);
    other.digest = Digest::default();
    let refused = put_back(&site, north, other).await.unwrap_err();
    let StoreError::Drift(DriftRefusal::Changed { .. }) = refused else {
        panic!("{refused}");
    };
    let refused = put_back(&site, home, seen(&remarked)).await.unwrap_err();
    let StoreError::Drift(DriftRefusal::Gone { .. }) = refused else {
        panic!("{refused}");
    };
    assert!(put_backs(&site).is_empty());

    let heads = site.store.directory_heads().borrow().clone();
    assert!(put_back(&site, north, seen(&remarked)).await.unwrap());
    assert!(
        !put_back(&site, north, seen(&remarked)).await.unwrap(),
        "said"
    );
    let [(region, told)] = &put_backs(&site)[..] else {
        panic!("{:?}", put_backs(&site));
    };
    assert_eq!((*region, &told.subject), (north.0, &remarked.subject));
    let now = site.store.directory_heads().borrow().clone();
    assert_eq!(now.extent(home), heads.extent(home));
    assert!(now.extent(north).unwrap().head > heads.extent(north).unwrap().head);
    site.is_sound().await;

    // Its agent may have been killed between its note and the order: whoever asks is heard.
    let asked = put_back_again(&site, north, seen(&remarked), Duration::ZERO).await;
    assert!(asked.unwrap());
    let [(_, again)] = &put_backs(&site)[..] else {
        panic!("{:?}", put_backs(&site));
    };
    assert!(again.at > told.at && again.seen == told.seen, "{again:?}");
    site.is_sound().await;

    // It was put back, and is there again: that was not seen before.
    remark(&site, north, 3, "n", &[]).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    remark(&site, north, 4, "n", std::slice::from_ref(&remarked)).await;
    assert!(put_back(&site, north, seen(&remarked)).await.unwrap());
    assert_eq!(put_backs(&site).len(), 1);

    // What is no more is not told for ever.
    site.edit(create(9, "attic")).await.unwrap();
    let attic = Subject::Object(ObjectKind::Department, ObjectId::from_random(9));
    let another = drift(attic, DriftKind::Name, "loft");
    remark(&site, north, 5, "n", std::slice::from_ref(&another)).await;
    assert!(put_back(&site, north, seen(&another)).await.unwrap());
    let told = put_backs(&site);
    assert!(
        told.len() == 1 && told[0].1.subject == another.subject,
        "{told:?}"
    );
    site.is_sound().await;
}

#[tokio::test]
async fn what_is_adopted_is_an_edit_by_the_rules() {
    let (site, [_, north]) = site().await;
    let remarked = drift(lab(), DriftKind::Name, "labs");
    remark(&site, north, 2, "n", std::slice::from_ref(&remarked)).await;
    assert!(adopt(&site, north, seen(&remarked), false).await.unwrap());
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    let lab_id = ObjectId::from_random(5);
    assert_eq!(directory.live().departments[&lab_id].name, "labs");
    assert_eq!(directory.stamp(lab_id).unwrap().author, "ann");
    assert!(!adopt(&site, north, seen(&remarked), false).await.unwrap());

    let mut taken = drift(lab(), DriftKind::Name, "ops");
    if let RemarkState::Drift { what, .. } = &mut taken.state {
        what[0].directory = Some("labs".to_owned());
    }
    remark(&site, north, 3, "n", std::slice::from_ref(&taken)).await;
    let refused = adopt(&site, north, seen(&taken), false).await;
    assert!(matches!(refused, Err(StoreError::Edit(_))), "{refused:?}");

    let deleted = drift(lab(), DriftKind::Deleted, "labs");
    remark(&site, north, 4, "n", std::slice::from_ref(&deleted)).await;
    let refused = adopt(&site, north, seen(&deleted), false).await;
    let Err(StoreError::Drift(DriftRefusal::Ends { .. })) = refused else {
        panic!("{refused:?}");
    };
    assert!(adopt(&site, north, seen(&deleted), true).await.unwrap());
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(directory.ended(lab_id).unwrap().how, End::Retired);
    site.is_sound().await;
}

async fn set_policy(site: &Site, no: RegionNo, policy: DriftPolicy) -> Result<(), StoreError> {
    let set = site.store.change(move |it| {
        let region = it.region_numbered(no)?.unwrap();
        it.set_drift_policy(&region, policy, &by_ann())
    });
    set.await
}

/// What is cured by policy after a while, of which region and how.
async fn due_after(site: &Site, wait: Duration) -> Vec<(RegionNo, DriftPolicy)> {
    let now = shared::runtime::clock::Clock::system().unix_millis();
    let now = now.plus(wait);
    let due = site.store.read(move |it| {
        let mut all = Vec::new();
        for (row, policy) in it.drift_policies()? {
            let found = it.drift_due(&row, policy, &[], now)?;
            all.extend(found.due.iter().map(|it| (it.no, policy)));
        }
        Ok(all)
    });
    due.await.unwrap()
}

#[tokio::test]
async fn an_old_remark_is_not_adopted_over_what_was_changed_since() {
    let (site, [_, north]) = site().await;
    let remarked = drift(lab(), DriftKind::Name, "labs");
    remark(&site, north, 2, "n", std::slice::from_ref(&remarked)).await;
    let rename = |name: &str| Edit::Update {
        kind: ObjectKind::Department,
        id: ObjectId::from_random(5),
        patch: Patch {
            name: Some(name.to_owned()),
            ..Patch::default()
        },
    };
    site.edit(rename("institute")).await.unwrap();
    let refused = adopt(&site, north, seen(&remarked), false).await;
    let Err(StoreError::Drift(DriftRefusal::Changed { .. })) = refused else {
        panic!("{refused:?}");
    };
    site.edit(rename("labs")).await.unwrap();
    let rows = site.rows();
    assert!(!adopt(&site, north, seen(&remarked), false).await.unwrap());
    assert_eq!(site.rows(), rows, "it has that already");
    site.is_sound().await;
}

#[tokio::test]
async fn before_a_merge_nothing_is_decided_about_drift() {
    let (site, _) = site().await;
    let young = site.region(3).await;
    let remarked = drift(lab(), DriftKind::Name, "labs");
    remark(&site, young, 1, "y", std::slice::from_ref(&remarked)).await;
    let answers = [
        put_back(&site, young, seen(&remarked)).await,
        adopt(&site, young, seen(&remarked), false).await,
    ];
    for refused in answers {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("org merge region-3"), "{refused}");
    }
    assert!(put_backs(&site).is_empty());
    site.is_sound().await;

    // Once it is merged, all is as anywhere.
    site.merge(young).await;
    assert!(put_back(&site, young, seen(&remarked)).await.unwrap());
    site.is_sound().await;
}

#[tokio::test]
async fn about_what_the_directory_never_had_nothing_is_told() {
    let (site, [_, north]) = site().await;
    let user = Subject::Object(ObjectKind::User, ObjectId::from_random(9));
    let own = Subject::Own(ObjectKind::User, CloudId::new("u"));
    for (session, subject) in [(2, user), (3, own)] {
        let remarked = drift(subject, DriftKind::Name, "ann");
        remark(&site, north, session, "n", std::slice::from_ref(&remarked)).await;
        let refused = put_back(&site, north, seen(&remarked)).await;
        let Err(StoreError::Drift(DriftRefusal::Unknown { .. })) = refused else {
            panic!("{refused:?}");
        };
    }
    assert!(put_backs(&site).is_empty());
    site.is_sound().await;
}

/// The group `staff` of `lab`, and that `ann` is in it, which the directory does not say.
async fn unsaid(site: &Site) -> Remark {
    let group = Group {
        department: ObjectId::from_random(5),
        name: "staff".to_owned(),
        description: None,
    };
    let id = ObjectId::from_random(6);
    let object = Object::Group(group);
    site.edit(Edit::Create { id, object }).await.unwrap();
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    let user = *directory.live().users.keys().next().unwrap();
    let link = Link::Membership(Membership { group: id, user });
    let mut remarked = drift(Subject::Link(link), DriftKind::NotInDirectory, "");
    if let RemarkState::Drift { what, .. } = &mut remarked.state {
        what[0].directory = None;
        what[0].cloud = None;
    }
    remarked
}

#[tokio::test]
async fn a_link_of_which_a_restored_hub_says_nothing_is_put_back_or_adopted_but_by_no_policy() {
    let (site, [_, north]) = site().await;
    let remarked = unsaid(&site).await;
    remark(&site, north, 2, "n", std::slice::from_ref(&remarked)).await;
    for policy in [DriftPolicy::Adopt, DriftPolicy::PutBack] {
        set_policy(&site, north, policy).await.unwrap();
        assert_eq!(due_after(&site, CURE_AGAIN).await, [], "{policy:?}");
    }
    assert!(put_back(&site, north, seen(&remarked)).await.unwrap());
    let [(_, told)] = &put_backs(&site)[..] else {
        panic!("{:?}", put_backs(&site));
    };
    assert_eq!(told.subject, remarked.subject);
    assert_eq!(due_after(&site, CURE_AGAIN).await, [], "nor again");

    let Subject::Link(link) = &remarked.subject else {
        panic!("a link");
    };
    assert!(adopt(&site, north, seen(&remarked), false).await.unwrap());
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    assert!(
        directory
            .live()
            .memberships
            .iter()
            .cloned()
            .map(Link::Membership)
            .any(|it| it == *link)
    );
    let again = adopt(&site, north, seen(&remarked), false).await;
    assert!(!again.unwrap(), "it has that already");
    site.is_sound().await;
}

#[tokio::test]
async fn what_an_agent_said_last_of_what_it_recalled_is_of_one_life_of_the_feed() {
    let site = Site::new().await;
    let north = site.region(1).await;
    let recalled = async || {
        let recalled = site.store.read(move |it| it.recalled(north));
        recalled.await.unwrap()
    };
    site.tell(north, 1, &organization("n")).await;
    assert_eq!(recalled().await, None, "an agent of an earlier release");
    for life in [1, 2] {
        let feed = FeedId::from_bytes([life; 16]);
        let mut told = organization("n");
        told.push(Record::Recall(Recall { feed }));
        site.tell(north, 1 + u64::from(life), &told).await;
        assert_eq!(recalled().await, Some(feed));
    }
}
