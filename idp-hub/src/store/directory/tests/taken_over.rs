//! Regions that bear another federation's markers.

use shared::ids::FederationId;
use shared::model::{Custody, Marker};

use super::site::OURS;
use super::*;
use crate::store::RegionNo;

/// What a region of another federation tells, whose `ops` and `ann` bear its markers.
fn marked(mark: &str) -> Vec<Record> {
    let theirs = |number| Marker {
        federation: FederationId::from_bytes([8; 16]),
        object: ObjectId::from_random(number),
    };
    marked_with(mark, theirs(5), theirs(6))
}

fn marked_with(mark: &str, ann: Marker, ops: Marker) -> Vec<Record> {
    let mut records = organization(mark);
    for record in &mut records {
        match record {
            Record::User(it) if it.custody == Custody::Common => it.marker = Some(ann),
            Record::Department(it) if it.what.name == "ops" => it.marker = Some(ops),
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
    let removed = site.store.change(move |it| it.remove_region(home));
    removed.await.unwrap();
    let left = site.store.read(|it| it.taken_over()).await.unwrap();
    assert_eq!(left.len(), 2, "the other one bears them too");
    site.is_sound().await;
}

/// It comes again with the markers that its agent has left since, of which nothing is taken over.
#[tokio::test]
async fn the_others_are_known_still_when_the_first_of_them_was_removed() {
    let site = Site::new().await;
    let home = site.region(1).await;
    site.tell(home, 1, &marked("h")).await;
    take_over(&site, home).await;
    let before = site.store.read(|it| it.directory()).await.unwrap();
    let ann = *before.live().users.keys().next().unwrap();
    let mut departments = before.live().departments.iter();
    let (ops, _) = departments.find(|(_, it)| it.name == "ops").unwrap();
    let ours = |object| Marker {
        federation: OURS,
        object,
    };
    let removed = site.store.change(move |it| it.remove_region(home));
    removed.await.unwrap();
    let again = site.region(2).await;
    site.tell(again, 1, &marked_with("h", ours(ann), ours(*ops)))
        .await;
    assert!(site.plan(again).await.unwrap().foreign.is_empty());
    site.merge(again).await;

    let north = site.region(3).await;
    site.tell(north, 1, &marked("n")).await;
    let merged = take_over(&site, north).await;
    assert_eq!(merged.shown.plan.renames().count(), 0);
    assert_eq!(merged.shown.plan.adopted().count(), 0);
    let after = site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(after.live(), before.live());
    let origin = site.store.read(move |it| it.origin_of_user(ann));
    assert!(origin.await.unwrap().is_none());
    site.is_sound().await;

    // Whoever comes and goes leaves nothing more.
    let rows = || {
        let sql = "SELECT count(*) FROM taken_over";
        let count = site.connection().query_row(sql, (), |row| row.get(0));
        count.unwrap()
    };
    let left: u32 = rows();
    for key in 4..7 {
        let more = site.region(key).await;
        site.tell(more, 1, &marked("m")).await;
        take_over(&site, more).await;
        let removed = site.store.change(move |it| it.remove_region(more));
        removed.await.unwrap();
    }
    assert_eq!((rows(), left), (4, 4));
}

#[tokio::test]
async fn a_region_that_is_there_is_believed_before_one_that_was_removed() {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    let of = |number| ObjectId::from_random(number);
    let theirs = Marker {
        federation: FederationId::from_bytes([8; 16]),
        object: of(5),
    };
    let taken = site.store.change(move |it| {
        it.take_over(home, &[(theirs, of(1))])?;
        it.take_over(north, &[(theirs, of(2))])
    });
    taken.await.unwrap();
    let known = || {
        let read = site.store.read(|it| it.taken_over());
        async move { read.await.unwrap()[&theirs] }
    };
    assert_eq!(known().await, of(1), "the first one");
    let no = home.0;
    let sql = "UPDATE regions SET standing = 3 WHERE no = ?1";
    site.connection().execute(sql, [no]).unwrap();
    assert_eq!(known().await, of(2));
}
