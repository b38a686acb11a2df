//! Departments of which an audit was told nothing: what is held of them stays, and a feed that never
//! had them is not whole.

use std::collections::BTreeSet;

use shared::model::{CloudId, Custody, Entry, Feed, Group, Record};
use sp_agent::cloud::{Page, Part, Unread};
use sp_agent::spool::Spool;

use crate::home::{Home, audit, page};
use crate::overtaken::{assert_held, membership, user};

fn ldap() -> CloudId {
    CloudId::new("ldap")
}

fn group(department: &str, id: &str) -> Record {
    Record::Group(Entry {
        id: CloudId::new(id),
        custody: Custody::Common,
        marker: None,
        what: Group {
            department: CloudId::new(department),
            name: id.to_owned(),
            description: None,
        },
    })
}

/// What was read while the department's directory server was away.
fn but_ldap(records: impl IntoIterator<Item = Record>) -> Page {
    Page {
        unread: vec![Unread::Unlisted(ldap())],
        ..page(records)
    }
}

fn is_whole(spool: &Spool) -> bool {
    spool.extent(Feed::Organization).whole
}

async fn read_but(spool: &Spool, but: &[Part]) {
    let all = Part::ALL.into_iter().filter(|it| it.is_organization());
    for part in all.filter(|it| !but.contains(it)) {
        audit(spool, part, Page::default()).await;
    }
}

#[tokio::test]
async fn what_was_not_listed_stays_also_after_a_restart_and_is_swept_once_it_is() {
    let mut home = Home::new();
    let spool = home.open();
    let all = [("ldap", "a"), ("ldap", "b"), ("sql", "c"), ("sql", "d")];
    let all = all.map(|(department, name)| user(department, name));
    audit(&spool, Part::Users, page(all.clone())).await;
    read_but(&spool, &[Part::Users]).await;
    spool.close().await.unwrap();
    let spool = home.open();

    let swept = audit(&spool, Part::Users, but_ldap([all[2].clone()])).await;
    assert_eq!(swept.removed, 1, "d alone");
    assert!(
        is_whole(&spool) && !swept.lacks_some,
        "what was whole stays so"
    );
    assert_eq!(swept.lacks.departments, BTreeSet::from([ldap()]));
    let expected = [all[0].clone(), all[1].clone(), all[2].clone()];
    assert_held(&spool, Feed::Organization, expected).await;

    let swept = audit(&spool, Part::Users, page([all[0].clone(), all[2].clone()])).await;
    assert!(swept.removed == 1 && swept.lacks.is_empty(), "b");
}

#[tokio::test]
async fn memberships_stay_but_for_groups_that_are_known_to_be_elsewhere() {
    let spool = Home::new().open();
    let groups = [group("ldap", "l"), group("sql", "s")];
    audit(&spool, Part::Groups, page(groups.clone())).await;
    let all = [
        ("l", "1"),
        ("l", "2"),
        ("s", "1"),
        ("s", "2"),
        ("never", "1"),
    ];
    let all = all.map(|(group, user)| membership(group, user));
    audit(&spool, Part::Memberships, page(all.clone())).await;

    let swept = audit(&spool, Part::Memberships, but_ldap([all[2].clone()])).await;
    assert_eq!(
        swept.removed, 1,
        "s/2; of the one that is not held nobody knows"
    );
    let [l1, l2, s1, _, never] = all;
    let [l, s] = groups;
    let expected = [l, s, l1, l2, s1, never];
    assert_held(&spool, Feed::Organization, expected).await;
}

/// Of one department's groups only `l` came.
#[tokio::test]
async fn memberships_stay_of_groups_beyond_the_end_of_a_list_that_is_cut() {
    let spool = Home::new().open();
    let groups = [group("ldap", "l"), group("ldap", "m"), group("sql", "s")];
    audit(&spool, Part::Groups, page(groups.clone())).await;
    let all = [
        ("l", "1"),
        ("l", "2"),
        ("m", "1"),
        ("s", "1"),
        ("never", "1"),
    ];
    let all = all.map(|(group, user)| membership(group, user));
    audit(&spool, Part::Memberships, page(all.clone())).await;

    let cut = Page {
        unread: vec![Unread::Beyond(ldap(), [CloudId::new("l")].into())],
        ..page([all[0].clone()])
    };
    let swept = audit(&spool, Part::Memberships, cut.clone()).await;
    assert_eq!(swept.removed, 2, "l/2 and s/1");
    assert_eq!(swept.lacks.departments, BTreeSet::from([ldap()]));
    let [l1, _, m1, _, never] = all;
    let [l, m, s] = groups;
    assert_held(&spool, Feed::Organization, [l, m, s, l1, m1, never]).await;

    let spool = Home::new().open();
    read_but(&spool, &[Part::Memberships]).await;
    audit(&spool, Part::Memberships, cut).await;
    assert!(is_whole(&spool), "it may be cut for ever");
}

#[tokio::test]
async fn what_was_never_listed_keeps_the_feed_from_being_whole() {
    let mut home = Home::new();
    for part in [Part::Users, Part::Groups, Part::Memberships] {
        let spool = home.open();
        read_but(&spool, &[part]).await;
        let read = audit(&spool, part, but_ldap([])).await;
        assert!(!is_whole(&spool), "{part:?}: a hub may hold what is there");
        assert!(!read.lacks_some, "{part:?}: all else was read");
        audit(&spool, part, Page::default()).await;
        assert!(is_whole(&spool), "{part:?}");
        spool.close().await.unwrap();
        home = Home::new();
    }
}
