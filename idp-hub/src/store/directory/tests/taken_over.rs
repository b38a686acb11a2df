//! Regions that bear another federation's markers.

use shared::ids::FederationId;
use shared::model::{Custody, Marker};

use super::*;
use crate::store::RegionNo;

/// What a region of another federation tells, whose `ops` and `ann` bear its markers.
fn marked(mark: &str) -> Vec<Record> {
    let mut records = organization(mark);
    let marker = |number| Marker {
        federation: FederationId::from_bytes([8; 16]),
        object: ObjectId::from_random(number),
    };
    for record in &mut records {
        match record {
            Record::User(it) if it.custody == Custody::Common => it.marker = Some(marker(5)),
            Record::Department(it) if it.what.name == "ops" => it.marker = Some(marker(6)),
            _ => {}
        }
    }
    records
}

async fn take_over(site: &Site, region: RegionNo) -> Merged {
    let plan = site.plan(region).await.unwrap();
    let refused = site.confirm(region, &plan).await.unwrap_err();
    assert!(refused.to_string().contains("--take-over"), "{refused}");
    let confirmed = Confirmation {
        take_over: true,
        ..confirmation(&plan)
    };
    let name = site.name(region).await;
    site.store.merge(&name, confirmed).await.unwrap()
}

#[tokio::test]
async fn a_region_of_another_federation_is_taken_over_by_a_word_of_its_own() {
    let site = Site::new().await;
    let home = site.region(1).await;
    site.tell(home, 1, &marked("h")).await;
    let plan = site.plan(home).await.unwrap();
    let confirmed = site.confirm(home, &plan).await;
    assert!(confirmed.is_err() && site.rows().is_empty());
    assert!(take_over(&site, home).await.written > 0);
    assert!(site.plan(home).await.unwrap().foreign.is_empty());
}

#[tokio::test]
async fn regions_of_a_lost_federation_know_each_others_by_its_markers() {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    site.tell(home, 1, &marked("h")).await;
    take_over(&site, home).await;
    let before = site.store.read(|it| it.directory()).await.unwrap();
    site.tell(north, 1, &marked("n")).await;
    let merged = take_over(&site, north).await;
    assert_eq!(merged.shown.plan.renames().count(), 0);
    assert_eq!(merged.shown.plan.adopted().count(), 0);
    let after = site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(after.live(), before.live());
    // Nobody knows whose she was, and none of them says her password to the other.
    let ann = *after.live().users.keys().next().unwrap();
    let origin = site.store.read(move |it| it.origin_of_user(ann));
    assert!(origin.await.unwrap().is_none());
    // What a region brought along goes with it.
    let removed = site.store.change(move |it| it.remove_region(home));
    removed.await.unwrap();
    let left = site.store.read(|it| it.taken_over()).await.unwrap();
    assert_eq!(left.len(), 2, "the other one bears them too");
    site.is_sound().await;
}
