//! A cloud whose region was removed, and which comes again: merging twice is merging once.

use super::site::user;
use super::*;
use crate::directory::{Action, Directory, Evidence};
use crate::store::RegionNo;
use shared::model::{Custody, Role};

/// An id as Keystone gives it.
fn random(of: &str, number: u8) -> String {
    format!("{:0>30}{number:02x}", format!("{:x}", of.as_bytes()[0]))
}

/// What a cloud tells whose agent writes no markers.
fn cloud(of: &str) -> Vec<Record> {
    let [ops, dev, ann, bob] = [1, 2, 3, 4].map(|it| random(of, it));
    let role = Role {
        department: None,
        name: "member".to_owned(),
        description: None,
    };
    let mut all = organization(of);
    all.retain(|it| matches!(it, Record::Department(it) if it.custody == Custody::Reserved));
    all.extend([
        department(&ops, "ops"),
        department(&dev, &format!("dev-{of}")),
        user(&ann, &ops, "ann", Custody::Common),
        user(&bob, &dev, "bob", Custody::Common),
        Record::Role(site::entry(&random(of, 5), Custody::Common, role)),
    ]);
    all
}

async fn directory(site: &Site) -> Directory {
    site.store.read(|it| it.directory()).await.unwrap()
}

async fn remove(site: &Site, region: RegionNo) {
    let removed = site.store.change(move |it| it.remove_region(region));
    removed.await.unwrap();
}

/// A home region, and another one with a department whose name is taken, removed.
async fn with_a_removed() -> Site {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    site.tell(home, 1, &cloud("h")).await;
    site.merge(home).await;
    site.tell(north, 1, &cloud("n")).await;
    let merged = site.merge(north).await;
    assert_eq!(merged.shown.plan.renames().count(), 1);
    assert_eq!(merged.shown.former, None);
    remove(&site, north).await;
    site
}

fn named(directory: &Directory, kind: ObjectKind, name: &str) -> ObjectId {
    let live = directory.live();
    let found = match kind {
        ObjectKind::Role => live.roles.iter().find(|(_, it)| it.name == name).unwrap().0,
        _ => live.users.iter().find(|(_, it)| it.name == name).unwrap().0,
    };
    *found
}

#[tokio::test]
async fn what_came_with_it_is_known_whatever_it_is_called_by_now() {
    let site = with_a_removed().await;
    // Known by its name alone until now.
    let member = named(&directory(&site).await, ObjectKind::Role, "member");
    let patch = Patch {
        name: Some("worker".to_owned()),
        ..Patch::default()
    };
    site.edit(Edit::Update {
        kind: ObjectKind::Role,
        id: member,
        patch,
    })
    .await
    .unwrap();
    let before = directory(&site).await;

    let again = site.region(3).await;
    site.tell(again, 1, &cloud("n")).await;
    let merged = site.merge(again).await;
    let plan = &merged.shown.plan;
    assert_eq!(plan.adopted().count(), 0);
    let by_map = plan.steps.iter().filter(|it| {
        let Action::Recognize { by, .. } = &it.action else {
            return false;
        };
        *by == Evidence::Former
    });
    assert_eq!(by_map.count(), 5);
    assert_eq!(merged.shown.former.as_deref(), Some("region-2"));
    assert_eq!(directory(&site).await.live(), before.live());
    assert_eq!(site.merge(again).await.written, 0);
    let shown = site.store.shown_plan("region-3").await.unwrap();
    assert_eq!(shown.former, None, "it is its own map by now");
    // Its new region's word counts for nobody who came with the old one.
    let bob = named(&before, ObjectKind::User, "bob");
    let origin = site.store.read(move |it| it.origin_of_user(bob));
    assert!(origin.await.unwrap().is_none());
    site.is_sound().await;
}

#[tokio::test]
async fn who_was_deleted_meanwhile_stays_so_and_it_may_come_and_go() {
    let site = with_a_removed().await;
    let before = directory(&site).await;
    let mut departments = before.live().departments.iter();
    let (dev, _) = departments.find(|(_, it)| it.name == "dev-n").unwrap();
    let mut users = before.live().users.iter();
    let (bob, _) = users.find(|(_, it)| it.department == *dev).unwrap();
    let (kind, id) = (ObjectKind::User, *bob);
    site.edit(Edit::End { kind, id }).await.unwrap();
    let before = directory(&site).await;
    let rows = || site.rows().iter().filter(|it| it.1 != EVERYWHERE).count();
    let mut left = rows();
    for key in 3..6 {
        let again = site.region(key).await;
        site.tell(again, 1, &cloud("n")).await;
        let merged = site.merge(again).await;
        let withheld = merged.shown.plan.steps.iter();
        let withheld = withheld.filter(|it| matches!(it.action, Action::Withhold { .. }));
        assert_eq!(withheld.count(), 1);
        assert_eq!(directory(&site).await.live(), before.live());
        remove(&site, again).await;
        // He is withheld by now, which the region that was removed first did not know.
        left += usize::from(key == 3);
        assert_eq!(rows(), left, "it leaves no more each time");
    }
    site.is_sound().await;
}

#[tokio::test]
async fn another_cloud_with_some_of_its_ids_is_not_taken_for_it() {
    let site = with_a_removed().await;
    // Ids that somebody chose are in many clouds.
    let chosen = site.region(3).await;
    site.tell(chosen, 1, &organization("n")).await;
    assert_eq!(site.merge(chosen).await.shown.former, None);
    // Of one image with it: one department of three.
    let image = site.region(4).await;
    let mut records = cloud("i");
    records.retain(|it| !matches!(it, Record::Department(it) if it.what.name == "ops"));
    records.retain(|it| !matches!(it, Record::User(it) if it.what.name == "ann"));
    let (ops, lab) = (random("n", 1), random("i", 9));
    records.extend([department(&ops, "ops"), department(&lab, "lab")]);
    let third = department(&random("n", 7), "third");
    let (again, mut more) = (site.region(5).await, cloud("n"));
    more.push(third);
    site.tell(again, 1, &more).await;
    site.merge(again).await;
    remove(&site, again).await;

    site.tell(image, 1, &records).await;
    let merged = site.merge(image).await;
    assert_eq!(merged.shown.former, None);
    let adopted = merged.shown.plan.adopted();
    let mut names = adopted.map(|(_, it)| it.name());
    assert!(names.any(|it| it.starts_with(&format!("ops_{ops}"))));
}

#[tokio::test]
async fn a_plan_that_was_made_before_the_removal_is_none() {
    let site = Site::new().await;
    let home = site.region(1).await;
    site.tell(home, 1, &cloud("h")).await;
    site.merge(home).await;
    let again = site.region(2).await;
    site.tell(again, 1, &cloud("h")).await;
    let seen = site.plan(again).await.unwrap();
    assert!(seen.adopted().count() > 0);
    remove(&site, home).await;
    let refused = site.confirm(again, &seen).await.unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Merge(MergeRefusal::Changed { .. } | MergeRefusal::Twin { .. })
        ),
        "{refused}"
    );
    let merged = site.merge(again).await;
    assert_eq!(merged.shown.plan.adopted().count(), 0);
    assert_eq!(merged.shown.former.as_deref(), Some("region-1"));
}
