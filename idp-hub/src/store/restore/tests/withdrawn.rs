//! What was taken away after a backup was made is named, as the backup gives it again.

use shared::ids::ObjectId;
use shared::model::{
    Actor, Assignment, Group, Implication, Link, Membership, Object, ObjectKind, Project, Role,
    Scope,
};

use super::users::with_users;
use super::*;
use crate::directory::{Edit, Patch};

const WEB: u128 = 20;
const STAFF: u128 = 21;
const MEMBER: u128 = 22;
const READER: u128 = 23;

pub(super) async fn switch(site: &Site, (kind, id): (ObjectKind, ObjectId), on: bool) {
    let patch = Patch {
        enabled: Some(on),
        ..Patch::default()
    };
    site.edit(Edit::Update { kind, id, patch }).await;
}

pub(super) fn role(name: &str) -> Object<ObjectId> {
    Object::Role(Role {
        department: None,
        name: name.to_owned(),
        description: None,
    })
}

/// The project `web`, the group `staff` and two roles.
pub(super) async fn with_places(site: &Site) {
    let id = ObjectId::from_random;
    let department = id(1);
    let web = Object::Project(Project {
        department,
        parent: None,
        name: "web".to_owned(),
        description: None,
        enabled: true,
    });
    let staff = Object::Group(Group {
        department,
        name: "staff".to_owned(),
        description: None,
    });
    for (number, object) in [
        (WEB, web),
        (STAFF, staff),
        (MEMBER, role("member")),
        (READER, role("reader")),
    ] {
        let id = id(number);
        site.edit(Edit::Create { id, object }).await;
    }
}

pub(super) fn member_of_web(user: ObjectId) -> Link<ObjectId> {
    Link::Assignment(Assignment {
        actor: Actor::User(user),
        scope: Scope::Project(ObjectId::from_random(WEB)),
        role: ObjectId::from_random(MEMBER),
        inherited: false,
    })
}

pub(super) fn in_staff(user: ObjectId) -> Link<ObjectId> {
    Link::Membership(Membership {
        group: ObjectId::from_random(STAFF),
        user,
    })
}

pub(super) fn member_brings_reader() -> Link<ObjectId> {
    Link::Implication(Implication {
        prior: ObjectId::from_random(MEMBER),
        implied: ObjectId::from_random(READER),
    })
}

/// A site with a backup `given.db`, since which all of this was taken away.
async fn taken_away() -> (Site, [ObjectId; 3]) {
    let site = Site::new().await;
    let users = with_users(&site).await;
    with_places(&site).await;
    let [stays, changed, gone] = users;
    let since = [
        in_staff(changed),
        member_brings_reader(),
        member_of_web(stays),
    ];
    for link in since.iter().cloned().chain([member_of_web(gone)]) {
        site.edit(Edit::Link(link)).await;
    }
    back_up(&site.path("hub.db"), &site.path("given.db")).unwrap();
    for link in since {
        site.edit(Edit::Unlink(link)).await;
    }
    switch(&site, (ObjectKind::User, changed), false).await;
    let web = (ObjectKind::Project, ObjectId::from_random(WEB));
    switch(&site, web, false).await;
    // Whoever was deleted stays so in every region, and with him what he had.
    site.user_ends(gone).await;
    // Of what else was changed, or given since, nothing is withdrawn.
    site.edit(Edit::Link(in_staff(stays))).await;
    let patch = Patch {
        description: Some(Some("more".to_owned())),
        ..Patch::default()
    };
    let (kind, id) = (ObjectKind::User, stays);
    site.edit(Edit::Update { kind, id, patch }).await;
    (site, users)
}

#[tokio::test]
async fn who_was_switched_off_and_what_was_taken_away_since_a_backup_is_named() {
    let (site, _) = taken_away().await;
    let site = site.cut();
    let given = [
        "ops/changed in the group ops/staff",
        "the role member brings reader",
        "ops/stays: member in ops/web",
    ];
    let mut first_kept = None;
    for time in ["once", "again", "and again"] {
        let restored = site.restore_from("given.db").unwrap();
        first_kept = first_kept.or(restored.kept);
        let withdrawn = restored.withdrawn.unwrap();
        let on = ["project ops/web", "user ops/changed"];
        assert_eq!(withdrawn.on.first, on, "{time}");
        assert_eq!(withdrawn.given.first, given, "{time}");
        assert_eq!((withdrawn.on.count, withdrawn.given.count), (2, 3));
    }

    // And back again: the newer one gives nothing that was taken away.
    let kept = first_kept.unwrap();
    let kept = kept.file_name().unwrap().to_str().unwrap();
    let again = site.restore_from(kept).unwrap();
    assert_eq!(again.withdrawn, Some(Withdrawn::default()));
    // Nor does one that was made after a restore.
    fs::copy(site.path("hub.db"), site.path("after.db")).unwrap();
    let again = site.restore_from("after.db").unwrap();
    assert_eq!(again.withdrawn, Some(Withdrawn::default()));
}

#[tokio::test]
async fn where_there_is_nothing_to_compare_with_nothing_is_known_of_what_was_taken_away() {
    let (site, _) = taken_away().await;
    let site = site.cut();
    fs::remove_file(site.path("hub.db")).unwrap();
    let restored = site.restore_from("given.db").unwrap();
    assert_eq!(restored.withdrawn, None);
}
