//! What the audit trail is told of merges, of what falls with something, and of links.

use shared::audit::{Act, Wanted};
use shared::ids::ObjectId;
use shared::model::{Group, Link, Membership, Object, ObjectKind, User};

use super::site::*;
use super::*;

/// What was told, in its order.
async fn told(site: &Site) -> Vec<Act> {
    let listed = site
        .store
        .read(|it| it.audit_entries(None, 1000, &Wanted::default()));
    let listed = listed.await.unwrap().items.into_iter().rev();
    listed.map(|it| it.entry.unwrap().act).collect()
}

async fn edit(site: &Site, edit: Edit) {
    let edited = site.store.change(move |it| it.edit_by(edit, &by_ann()));
    edited.await.unwrap();
}

fn ann(department: ObjectId) -> Object<ObjectId> {
    Object::User(User {
        department,
        name: "ann".to_owned(),
        description: None,
        email: None,
        enabled: true,
        default_project: None,
    })
}

#[tokio::test]
async fn a_merge_is_told_with_what_it_took_in_and_what_it_renamed() {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    site.tell(home, 1, &organization("h")).await;
    site.merge(home).await;
    site.tell(north, 1, &organization("n")).await;
    let merged = site.merge(north).await;
    let all = told(&site).await;
    let [first, rename, second] = all.as_slice() else {
        panic!("{all:#?}");
    };
    assert!(
        first
            .after
            .contains("; taken in: department 'federation' ("),
        "{first:?}"
    );
    assert!(first.after.contains("user 'ann' ("), "{first:?}");
    let (_, here, renamed) = merged.shown.plan.renames().next().unwrap();
    assert_eq!(
        (rename.action.as_str(), rename.subject.name.as_str()),
        ("merge-rename", "ops")
    );
    assert_eq!(rename.before, "name=\"ops\"");
    let after = format!("in region \"region-2\", of {here}: name={:?}", renamed.to);
    assert_eq!(rename.after, after);
    assert!(
        second.after.contains(" renamed=1; taken in: "),
        "{second:?}"
    );
    assert_eq!(second.subject.name, "region-2");
}

#[tokio::test]
async fn what_falls_with_something_is_told_by_name() {
    let site = Site::new().await;
    let ops = ObjectId::from_random(1 << 64);
    edit(&site, create(1 << 64, "ops")).await;
    let staff = ObjectId::from_random(2 << 64);
    let group = Object::Group(Group {
        department: ops,
        name: "staff".to_owned(),
        description: None,
    });
    edit(
        &site,
        Edit::Create {
            id: staff,
            object: group,
        },
    )
    .await;
    let id = |number: u128| ObjectId::from_random(number << 64);
    for number in 10..40 {
        let (id, object) = (id(number), ann(ops));
        let named = match object {
            Object::User(it) => Object::User(User {
                name: format!("u{number}"),
                ..it
            }),
            other => other,
        };
        edit(&site, Edit::Create { id, object: named }).await;
    }
    let link = Link::Membership(Membership {
        group: staff,
        user: id(10),
    });
    edit(&site, Edit::Link(link.clone())).await;
    let linked = told(&site).await.pop().unwrap();
    let name = format!(
        "user 'u10' in group 'staff' (user {}, group {staff})",
        id(10)
    );
    assert_eq!(linked.subject.name, name);

    let (kind, user) = (ObjectKind::User, id(10));
    edit(&site, Edit::End { kind, id: user }).await;
    let deleted = told(&site).await.pop().unwrap();
    assert!(deleted.before.starts_with("name=\"u10\""), "{deleted:?}");
    let fell = format!("deleted; links that fell: user {user} in group {staff}");
    assert_eq!(deleted.after, fell);

    let kind = ObjectKind::Department;
    edit(&site, Edit::End { kind, id: ops }).await;
    let retired = told(&site).await.pop().unwrap().after;
    assert!(
        retired.starts_with("retired, and with it 30 more: "),
        "{retired}"
    );
    assert!(
        retired.contains(&format!("user 'u11' ({})", id(11))),
        "{retired}"
    );
    assert!(
        retired.ends_with(", and 10 more") && retired.len() < 1152,
        "{retired}"
    );
}
