//! Changes that come while an audit goes on are newer than its pages; and memberships of a group,
//! and users of a department, that could not be read stay.

use shared::model::{CloudId, Custody, Entry, Feed, Key, Membership, Record, UnixMillis, User};
use shared::wire::record::encode;
use sp_agent::cloud::{Mark, Page, Part, Unread};
use sp_agent::spool::Spool;

use crate::home::{Home, audit, page, server, server_id, server_key};
use crate::link::Link;
use crate::receiver::Rows;

const MARK: Mark = Mark(UnixMillis(5));

/// That a hub which was sent all holds these of a feed, and nothing else.
pub(crate) async fn assert_held(
    spool: &Spool,
    feed: Feed,
    expected: impl IntoIterator<Item = Record>,
) {
    let mut link = Link::new(feed, spool);
    link.settle(spool).await;
    let encoded = expected.into_iter().map(|it| encode(&it).unwrap());
    let expected: Rows = encoded.map(|it| ((it.kind, it.id), it.value)).collect();
    assert_eq!(link.receiver.live(), expected);
}

async fn change(spool: &Spool, records: Vec<Record>, deleted: Vec<Key>) {
    let changes = Page {
        records,
        deleted,
        ..Page::default()
    };
    spool.put_changes(Part::Servers, changes).await.unwrap();
}

#[tokio::test]
async fn a_page_of_an_audit_neither_overwrites_nor_brings_back_what_changes_told_meanwhile() {
    let spool = Home::new().open();
    let before = || page([server(1, "old"), server(2, "old"), server(3, "old")]);
    audit(&spool, Part::Servers, before()).await;

    let audit = spool.begin_audit(Part::Servers);
    spool.put_page(&audit, Page::default()).await.unwrap();
    let (changed, made) = (server(1, "new"), server(4, "new"));
    change(&spool, vec![changed, made], vec![server_key(2)]).await;
    // It was read before all that; 4 was not there.
    let late = spool.put_page(&audit, before()).await.unwrap();
    assert_eq!(late.changed, 0);
    let swept = spool.finish_audit(audit, MARK).await.unwrap();
    assert_eq!((swept.changed, swept.removed, swept.held), (0, 0, None));
    let expected = [server(1, "new"), server(3, "old"), server(4, "new")];
    assert_held(&spool, Feed::Inventory, expected).await;
}

#[tokio::test]
async fn the_next_audit_is_believed_again() {
    let spool = Home::new().open();
    let going = spool.begin_audit(Part::Servers);
    spool.put_page(&going, Page::default()).await.unwrap();
    change(&spool, vec![server(1, "new")], vec![server_key(2)]).await;
    spool.finish_audit(going, MARK).await.unwrap();
    audit(
        &spool,
        Part::Servers,
        page([server(1, "newer"), server(2, "back")]),
    )
    .await;
    let expected = [server(1, "newer"), server(2, "back")];
    assert_held(&spool, Feed::Inventory, expected).await;
}

#[tokio::test]
async fn what_was_deleted_meanwhile_is_not_waited_for_where_an_audit_could_not_read_it() {
    let spool = Home::new().open();
    audit(&spool, Part::Servers, page([server(1, "a")])).await;
    let going = spool.begin_audit(Part::Servers);
    spool.put_page(&going, Page::default()).await.unwrap();
    change(&spool, Vec::new(), vec![server_key(1)]).await;
    let unread = Page {
        unread: vec![Unread::Record(server_id(1))],
        ..Page::default()
    };
    spool.put_page(&going, unread).await.unwrap();
    let mark = Mark(UnixMillis(9));
    spool.finish_audit(going, mark).await.unwrap();
    assert_eq!(spool.mark(Part::Servers).await.unwrap(), Some(mark));
    assert_held(&spool, Feed::Inventory, []).await;
}

#[tokio::test]
async fn changes_that_are_refused_leave_no_trace_in_the_audit() {
    let spool = Home::new().open();
    let going = spool.begin_audit(Part::Servers);
    spool.put_page(&going, Page::default()).await.unwrap();
    let wrong = Page {
        records: vec![server(1, "refused"), membership("g", "u")],
        ..Page::default()
    };
    spool.put_changes(Part::Servers, wrong).await.unwrap_err();
    spool
        .put_page(&going, page([server(1, "told")]))
        .await
        .unwrap();
    spool.finish_audit(going, MARK).await.unwrap();
    assert_held(&spool, Feed::Inventory, [server(1, "told")]).await;
}

pub(crate) fn membership(group: &str, user: &str) -> Record {
    Record::Membership(Membership {
        group: CloudId::new(group),
        user: CloudId::new(user),
    })
}

#[tokio::test]
async fn memberships_of_a_group_that_could_not_be_read_stay_also_after_a_restart() {
    let mut home = Home::new();
    let spool = home.open();
    let all = [("a", "1"), ("a", "2"), ("b", "1"), ("c", "1"), ("c", "3")];
    let all = all.map(|(group, user)| membership(group, user));
    audit(&spool, Part::Memberships, page(all.clone())).await;
    spool.close().await.unwrap();
    let spool = home.open();

    let unread = Page {
        unread: vec![Unread::Group(CloudId::new("a"))],
        ..page([membership("c", "3")])
    };
    let swept = audit(&spool, Part::Memberships, unread).await;
    assert_eq!(swept.removed, 2, "b/1 and c/1");
    // The other parts were not read, so a hub is told of what is there alone.
    let expected = [all[0].clone(), all[1].clone(), all[4].clone()];
    assert_held(&spool, Feed::Organization, expected).await;
}

pub(crate) fn user(department: &str, name: &str) -> Record {
    Record::User(Entry {
        id: CloudId::new(name),
        custody: Custody::Common,
        marker: None,
        what: User {
            department: CloudId::new(department),
            name: name.to_owned(),
            description: None,
            email: None,
            enabled: true,
            default_project: None,
        },
    })
}

#[tokio::test]
async fn users_of_a_department_that_was_read_in_part_stay_and_do_not_keep_a_hub_waiting() {
    let spool = Home::new().open();
    let all = [("ldap", "a"), ("ldap", "b"), ("sql", "c"), ("sql", "d")];
    let all = all.map(|(department, name)| user(department, name));
    spool
        .put_changes(Part::Users, page(all.clone()))
        .await
        .unwrap();
    let unread = Page {
        unread: vec![Unread::Department(CloudId::new("ldap"))],
        ..page([all[0].clone(), all[2].clone()])
    };
    let others = Part::ALL.into_iter().filter(|it| it.is_organization());
    for part in others.filter(|it| *it != Part::Users) {
        audit(&spool, part, Page::default()).await;
    }
    let swept = audit(&spool, Part::Users, unread).await;
    assert_eq!(swept.removed, 1, "d, and not b");
    let expected = [all[0].clone(), all[1].clone(), all[2].clone()];
    assert_held(&spool, Feed::Organization, expected).await;
    assert!(spool.extent(Feed::Organization).whole);
}

#[tokio::test]
async fn an_organization_is_whole_when_each_of_its_parts_was_read() {
    let spool = Home::new().open();
    let unread = || Page {
        unread: vec![Unread::Group(CloudId::new("a"))],
        ..Page::default()
    };
    let read = audit(&spool, Part::Memberships, unread()).await;
    assert!(!read.lacks_some, "all else was read");
    assert_eq!(read.lacks.groups, [CloudId::new("a")].into());
    let others = Part::ALL.into_iter().filter(|it| it.is_organization());
    for part in others.filter(|it| *it != Part::Memberships) {
        assert!(!spool.extent(Feed::Organization).whole, "{part:?}");
        audit(&spool, part, Page::default()).await;
    }
    let whole = || spool.extent(Feed::Organization).whole;
    assert!(!whole(), "a hub may hold who is in the group");
    audit(&spool, Part::Memberships, Page::default()).await;
    assert!(whole());
    let read = audit(&spool, Part::Memberships, unread()).await;
    assert!(whole(), "what was whole stays so");
    assert_eq!(read.lacks.groups, [CloudId::new("a")].into());
}
