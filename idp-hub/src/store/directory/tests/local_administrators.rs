//! Who has the role `admin` in a region's cloud, and not by the directory.

use shared::model::{
    Actor, Assignment, Custody, Group, Marker, Membership, Project, Role, Scope, User,
};

use super::site::{OURS, entry, user};
use super::*;
use crate::directory::LocalAdministrator;
use crate::store::RegionNo;

fn has_admin(actor: Actor<CloudId>, scope: Scope<CloudId>) -> Record {
    Record::Assignment(Assignment {
        actor,
        role: CloudId::new("r-admin"),
        scope,
        inherited: false,
    })
}

fn of_user(here: &str) -> Actor<CloudId> {
    Actor::User(CloudId::new(here))
}

fn lab() -> Scope<CloudId> {
    Scope::Project(CloudId::new("p-lab"))
}

/// Its own administrator has the role, who stays the region's own.
fn cloud(mark: &str) -> Vec<Record> {
    let role = Role {
        department: None,
        name: "Admin".to_owned(),
        description: None,
    };
    let lab = Project {
        department: CloudId::new(&format!("{mark}-ops")),
        parent: None,
        name: "lab".to_owned(),
        description: None,
        enabled: true,
    };
    let mut all = organization(mark);
    all.extend([
        Record::Role(entry("r-admin", Custody::Common, role)),
        Record::Project(entry("p-lab", Custody::Common, lab)),
        has_admin(of_user(mark), Scope::Department(CloudId::new("default"))),
    ]);
    all
}

async fn local(site: &Site, no: RegionNo) -> Vec<LocalAdministrator> {
    let found = site
        .store
        .read(move |it| Ok(it.directory()?.local_administrators(&it.told(no)?)));
    found.await.unwrap()
}

fn names(all: &[LocalAdministrator]) -> Vec<(&str, bool, bool)> {
    let all = all.iter();
    all.map(|it| (it.name.as_str(), it.object.is_some(), it.is_own))
        .collect()
}

#[tokio::test]
async fn whoever_was_given_it_there_alone_is_told() {
    let site = Site::new().await;
    let home = site.region(1).await;
    let mut told = cloud("h");
    // The directory's, as the home region's first merge takes it in.
    told.push(has_admin(of_user("h-ann"), lab()));
    site.tell(home, 1, &told).await;
    site.merge(home).await;
    assert_eq!(names(&local(&site, home).await), [("admin", false, true)]);

    // Somebody of whom the directory does not know; and one of its users, by a group made there.
    let (eve, bob) = ("h-eve", "h-bob");
    told.push(user(bob, "h-ops", "bob", Custody::Common));
    site.tell(home, 2, &told).await;
    site.merge(home).await;
    let staff = Group {
        department: CloudId::new("h-ops"),
        name: "staff".to_owned(),
        description: None,
    };
    told.extend([
        Record::Group(entry("h-staff", Custody::Common, staff)),
        Record::Membership(Membership {
            group: CloudId::new("h-staff"),
            user: CloudId::new(bob),
        }),
        has_admin(Actor::Group(CloudId::new("h-staff")), lab()),
        user(eve, "h-ops", "eve", Custody::Common),
        has_admin(of_user(eve), lab()),
    ]);
    site.tell(home, 3, &told).await;
    let found = local(&site, home).await;
    assert_eq!(
        names(&found),
        [
            ("bob", true, false),
            ("eve", false, false),
            ("admin", false, true)
        ]
    );
    assert_eq!(found[0].group.as_deref(), Some("staff"));
    assert_eq!(found[1].place, (ObjectKind::Project, "lab".to_owned()));
    // A merge tells the same: what it withholds is told there one by one.
    let name = site.name(home).await;
    let shown = site.store.shown_plan(&name).await.unwrap();
    assert_eq!(
        names(&shown.local_administrators),
        [("admin", false, true)],
        "{:?}",
        shown.plan.links.withheld
    );
    assert_eq!(shown.plan.links.withheld.len(), 2);
}

/// Who is an administrator there anyway hides nobody by a marker that he copies.
#[tokio::test]
async fn a_copied_marker_hides_nobody() {
    let site = Site::new().await;
    let home = site.region(1).await;
    let mut told = cloud("h");
    told.push(has_admin(of_user("h-ann"), lab()));
    site.tell(home, 1, &told).await;
    site.merge(home).await;
    let live = site.store.read(|it| it.directory()).await.unwrap();
    let mut users = live.live().users.iter();
    let (ann, _) = users.find(|(_, it)| it.name == "ann").unwrap();
    let copy = User {
        department: CloudId::new("h-ops"),
        name: "copy".to_owned(),
        description: None,
        email: None,
        enabled: true,
        default_project: None,
    };
    let mut copy = entry("h-copy", Custody::Common, copy);
    copy.marker = Some(Marker {
        federation: OURS,
        object: *ann,
    });
    told.extend([Record::User(copy), has_admin(of_user("h-copy"), lab())]);
    site.tell(home, 2, &told).await;
    let found = local(&site, home).await;
    assert_eq!(
        names(&found),
        [("copy", false, false), ("admin", false, true)]
    );
}
