//! Only the first merge of all makes anybody an administrator.

use std::collections::BTreeSet;

use shared::model::{Actor, Assignment, CloudId, Custody, Project, Record, Role, Scope};

use super::site::{Site, entry, organization, user};
use crate::store::RegionNo;

/// The role `admin` for these users of `ops`, which they have on its project `web`.
fn with_admins(mark: &str, names: &[&str]) -> Vec<Record> {
    let ops = format!("{mark}-ops");
    let (web, admin) = (CloudId::new(&format!("{mark}-web")), CloudId::new("admin"));
    let project = Project {
        department: CloudId::new(&ops),
        parent: None,
        name: "web".to_owned(),
        description: None,
        enabled: true,
    };
    let role = Role {
        department: None,
        name: "admin".to_owned(),
        description: None,
    };
    let mut records = organization(mark);
    records.push(Record::Project(entry(
        &web.to_string(),
        Custody::Common,
        project,
    )));
    records.push(Record::Role(entry("admin", Custody::Common, role)));
    for name in names {
        let id = format!("{mark}-{name}");
        if *name != "ann" {
            records.push(user(&id, &ops, name, Custody::Common));
        }
        records.push(Record::Assignment(Assignment {
            actor: Actor::User(CloudId::new(&id)),
            scope: Scope::Project(web.clone()),
            role: admin.clone(),
            inherited: false,
        }));
    }
    records
}

/// Who has the role `admin` in the directory.
async fn admins(site: &Site) -> BTreeSet<String> {
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    let live = directory.live();
    let strong = live.assignments.iter();
    let strong = strong.filter(|it| live.roles[&it.role].is_cloud_admin());
    let users = strong.filter_map(|it| match it.actor {
        Actor::User(id) => Some(live.users[&id].name.clone()),
        Actor::Group(_) => None,
    });
    users.collect()
}

/// What a merge withholds, and what it takes in.
async fn merged(site: &Site, no: RegionNo) -> (usize, usize) {
    let links = site.merge(no).await.shown.plan.links.clone();
    (links.withheld.len(), links.assignments.len())
}

#[tokio::test]
async fn what_the_home_region_brings_later_makes_nobody_an_administrator_of_every_cloud() {
    let site = Site::new().await;
    let home = site.region(1).await;
    site.tell(home, 1, &with_admins("h", &["ann"])).await;
    assert_eq!(merged(&site, home).await, (0, 1));
    assert_eq!(admins(&site).await, BTreeSet::from(["ann".to_owned()]));

    let site = site.reopened().await;
    let more = with_admins("h", &["ann", "eve"]);
    site.tell(home, 2, &more).await;
    let bare = site.plan(home).await.unwrap();
    assert_eq!(merged(&site, home).await, (1, 0), "eve came since");
    assert_eq!(admins(&site).await, BTreeSet::from(["ann".to_owned()]));
    let again = site.plan(home).await.unwrap();
    assert_eq!((again.links.withheld.len(), again.links.superseded), (0, 1));
    assert_ne!(bare.digest(), again.digest());
    site.is_sound().await;
}

#[tokio::test]
async fn a_first_merge_that_nothing_came_of_is_still_the_first() {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    site.tell(home, 1, &with_admins("h", &["ann"])).await;
    let seen = site.plan(home).await.unwrap();
    let site = site.reopened().await;
    assert_eq!(site.plan(home).await.unwrap(), seen);
    site.confirm(home, &seen).await.unwrap();
    assert_eq!(admins(&site).await, BTreeSet::from(["ann".to_owned()]));
    // Once it is removed, what comes first is not at home any more.
    let removed = site.store.change(move |it| it.remove_region(home));
    removed.await.unwrap();
    site.tell(north, 1, &with_admins("n", &["bob"])).await;
    assert_eq!(merged(&site, north).await, (1, 0));
}
