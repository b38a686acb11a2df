//! Backups that are restored one after another: the newer one after one that was too old, and the
//! database that was replaced by mistake.

use shared::ids::ObjectId;
use shared::model::ObjectKind;

use super::users::{has, passwords_of, with_users};
use super::withdrawn::{in_staff, member_brings_reader, member_of_web, role, switch, with_places};
use super::*;
use crate::directory::Edit;

/// Which of the directory's roles is `admin` here.
const ADMIN: u128 = 70;

pub(super) async fn joins(site: &Site, number: u8, name: &'static str) {
    let (store, _) = site.open.as_ref().unwrap();
    let id = RegionId::from_random(number.into());
    let key = Fingerprint::from_bytes([number; 32]);
    let added = store.change(move |it| {
        let no = it.add_region(id, name, key, &introduction(), 0)?;
        it.accept_region(no)
    });
    added.await.unwrap();
}

pub(super) async fn is_removed(site: &Site, name: &'static str) {
    let (store, _) = site.open.as_ref().unwrap();
    let removed = store.change(move |it| {
        let no = it.region_named(name)?.no;
        it.remove_region(no)
    });
    removed.await.unwrap();
}

pub(super) async fn dismiss(site: &Site, user: ObjectId) {
    let dismissal = Edit::Dismiss {
        user,
        even_the_last: true,
    };
    site.edit(dismissal).await;
}

/// The role that who is appointed has.
pub(super) async fn with_admin(site: &Site) {
    let (id, object) = (ObjectId::from_random(ADMIN), role("admin"));
    site.edit(Edit::Create { id, object }).await;
}

impl Site {
    /// A hub serves from it.
    pub(super) fn wakes(&mut self) {
        self.open = Some(Store::open(&self.path("hub.db"), Clock::system()).unwrap());
    }

    /// None does any more.
    pub(super) async fn rest(&mut self) {
        if let Some((store, thread)) = self.open.take() {
            store.close().await;
            thread.join();
        }
    }
}

#[tokio::test]
async fn who_takes_a_too_old_backup_first_is_told_the_same_of_the_next() {
    // Its `backup.db` has none of what follows.
    let site = Site::new().await;
    let [stays, changed, gone] = with_users(&site).await;
    with_places(&site).await;
    with_admin(&site).await;
    joins(&site, 7, "east").await;
    site.edit(Edit::Appoint(stays)).await;
    let links = [
        in_staff(changed),
        in_staff(gone),
        member_of_web(stays),
        member_brings_reader(),
    ];
    for link in links {
        site.edit(Edit::Link(link)).await;
    }
    back_up(&site.path("hub.db"), &site.path("newer.db")).unwrap();
    is_removed(&site, "east").await;
    switch(&site, (ObjectKind::User, changed), false).await;
    site.edit(Edit::Unlink(in_staff(changed))).await;
    site.edit(Edit::Unlink(member_brings_reader())).await;
    // With him goes what he had, which is not given again as he is not made again.
    let (kind, id) = (ObjectKind::User, gone);
    site.edit(Edit::End { kind, id }).await;
    has(&site, changed, 9).await;
    dismiss(&site, stays).await;

    let said = |site: &Site, name| {
        let restored = site.restore_from(name).unwrap();
        // Who is one by the database before is, in the regions, whatever came before that.
        let (kept, appointed_since) = (None, Vec::new());
        Restored {
            kept,
            appointed_since,
            ..restored
        }
    };
    let at_once = said(&site.cut(), "newer.db");
    assert_eq!(at_once.revived, ["east"]);
    assert_eq!(at_once.administrators, ["ops/stays"]);
    let withdrawn = at_once.withdrawn.as_ref().unwrap();
    assert_eq!(withdrawn.on.first, ["user ops/changed"]);
    let given = [
        "ops/changed in the group ops/staff",
        "the role member brings reader",
        "ops/stays: admin in federation/admin",
    ];
    assert_eq!(withdrawn.given.first, given);
    assert_eq!(at_once.forgotten_count(), Some(2));
    let site = site.cut();
    let older = said(&site, "backup.db");
    assert_eq!(older.withdrawn, Some(Withdrawn::default()));
    assert_eq!(said(&site, "newer.db"), at_once);
    assert_eq!(said(&site, "backup.db"), older);
    assert_eq!(said(&site, "newer.db"), at_once);
}

#[tokio::test]
async fn who_undoes_a_mistaken_restore_has_what_was_given_again_on_purpose() {
    let site = Site::new().await;
    let users = with_users(&site).await;
    let [stays, changed, _] = users;
    with_places(&site).await;
    with_admin(&site).await;
    site.edit(Edit::Appoint(stays)).await;
    site.edit(Edit::Link(in_staff(changed))).await;
    back_up(&site.path("hub.db"), &site.path("given.db")).unwrap();
    dismiss(&site, stays).await;
    site.edit(Edit::Unlink(in_staff(changed))).await;
    switch(&site, (ObjectKind::User, changed), false).await;
    let mut site = site.cut();
    let first = site.restore_from("given.db").unwrap();
    assert_eq!(first.administrators, ["ops/stays"]);
    assert_eq!(passwords_of(&site.path("hub.db"), users)[0], None);
    // All of it is meant so from then on.
    site.wakes();
    has(&site, stays, 9).await;
    site.rest().await;
    let mistaken = site.restore_from("given.db").unwrap();
    assert_eq!(mistaken.administrators, Vec::<String>::new());
    assert_eq!(mistaken.forgotten_count(), Some(1), "it is older");
    let withdrawn = mistaken.withdrawn.unwrap();
    assert_eq!((withdrawn.on.count, withdrawn.given.count), (1, 2));
    let kept = mistaken.kept.unwrap();
    let kept = kept.file_name().unwrap().to_str().unwrap();
    let undone = site.restore_from(kept).unwrap();
    assert_eq!(undone.administrators, Vec::<String>::new());
    assert_eq!(undone.withdrawn, Some(Withdrawn::default()));
    assert_eq!(passwords_of(&site.path("hub.db"), users)[0], Some(9));
}
