//! Departments whose users are in an LDAP directory, of which Keystone has no pages, and which may
//! be away.

use shared::model::{CloudId, Membership, Record};

use super::identity::{custodies, keystone};
use super::*;
use crate::cloud::Unread;
use crate::cloud::openstack::testing::{Reply, answer};

/// A Keystone whose department d1 is in an LDAP directory: each page is the first one.
async fn with_ldap(is_cut: bool) -> Fake {
    Fake::start(move |seen| {
        let of = seen.query.get("domain_id").map(String::as_str);
        if (seen.path.as_str(), of) != ("/identity/v3/users", Some("d1")) {
            return keystone(seen);
        }
        let user = |id: &str| json!({"id": id, "name": id, "domain_id": "d1"});
        let mut body = json!({"users": [user("a"), user("b")], "links": {"next": null}});
        match (seen.query.contains_key("limit"), is_cut) {
            (true, _) => body["links"]["next"] = json!("http://k/v3/users?marker=b"),
            (false, true) => body["truncated"] = json!(true),
            (false, false) => body["users"] = json!([user("a"), user("b"), user("c")]),
        }
        answer(body)
    })
    .await
}

#[tokio::test]
async fn an_ldap_directory_is_read_whole_where_keystone_gives_it_whole_and_in_part_where_not() {
    for is_cut in [false, true] {
        let fake = with_ldap(is_cut).await;
        let told = audit(&client(&fake), Part::Users).await;
        let ids = custodies(&told).into_keys().collect::<Vec<_>>();
        let expected: &[&str] = match is_cut {
            true => &["a", "b", "u", "u5", "u8"],
            false => &["a", "b", "c", "u", "u5", "u8"],
        };
        assert_eq!(ids, expected);
        let unread: Vec<&Unread> = told.pages.iter().flat_map(|it| &it.unread).collect();
        let incomplete = told.result.unwrap().incomplete;
        assert_eq!(incomplete.is_some(), is_cut);
        match is_cut {
            true => assert_eq!(unread, [&Unread::Department(CloudId::new("d1"))]),
            false => assert!(unread.is_empty()),
        }
    }
}

/// A Keystone that answers so to the question for a collection of these departments.
async fn refusing(collection: &'static str, of: &'static [&'static str], status: u16) -> Fake {
    Fake::start(move |seen| {
        let department = seen.query.get("domain_id").map_or("", String::as_str);
        match seen.path == format!("/identity/v3/{collection}") && of.contains(&department) {
            true => Some(Reply::status(
                status,
                r#"{"error": {"message": "LDAP is away"}}"#,
            )),
            false => keystone(seen),
        }
    })
    .await
}

fn unlisted(id: &str) -> Unread {
    Unread::Unlisted(CloudId::new(id))
}

fn unread(told: &Told<Whole>) -> Vec<&Unread> {
    told.pages.iter().flat_map(|it| &it.unread).collect()
}

#[tokio::test]
async fn a_department_that_cannot_be_listed_holds_up_no_other_and_is_named() {
    let fake = refusing("users", &["d1"], 500).await;
    let told = audit(&client(&fake), Part::Users).await;
    let ids: Vec<String> = custodies(&told).into_keys().collect();
    assert_eq!(ids, ["u", "u5", "u8"]);
    assert_eq!(unread(&told), [&unlisted("d1")]);
    let Whole {
        incomplete, tells, ..
    } = told.result.unwrap();
    let incomplete = incomplete.unwrap();
    let told = tells.departments.iter().map(CloudId::to_string);
    assert_eq!(told.collect::<Vec<_>>(), ["d2", "default"]);
    let text = incomplete.to_string();
    assert!(text.contains("1 of 3 departments' users"), "{text}");
    let error = incomplete.source.to_string();
    assert!(
        error.contains("GET /users of department \"研发中心\"") && error.contains("LDAP is away"),
        "{error}"
    );
}

#[tokio::test]
async fn where_no_department_can_be_listed_or_the_account_may_not_ask_the_reading_fails() {
    const ALL: &[&str] = &["default", "d1", "d2"];
    for part in [Part::Users, Part::Groups, Part::Memberships] {
        let collection = match part {
            Part::Users => "users",
            _ => "groups",
        };
        for (of, status) in [(ALL, 500), (&ALL[1..2], 403), (&ALL[1..2], 503)] {
            let fake = refusing(collection, of, status).await;
            let told = audit(&client(&fake), part).await;
            assert!(told.result.is_err(), "{part:?} {of:?} {status}");
        }
    }
}

#[tokio::test]
async fn roles_are_in_no_directory_and_read_whole_or_not() {
    let fake = refusing("roles", &["d1"], 500).await;
    let told = audit(&client(&fake), Part::Roles).await;
    assert!(told.result.is_err());
}

#[tokio::test]
async fn memberships_of_groups_that_cannot_be_listed_are_unread_and_the_others_are_told() {
    let fake = refusing("groups", &["d1"], 500).await;
    let told = audit(&client(&fake), Part::Memberships).await;
    let expected = Record::Membership(Membership {
        group: CloudId::new("g3"),
        user: CloudId::new("u5"),
    });
    assert_eq!(told.records(), [&expected]);
    assert_eq!(unread(&told), [&unlisted("d1")]);
    let incomplete = told.result.unwrap().incomplete.unwrap().to_string();
    assert!(
        incomplete.contains("1 of 3 departments' groups"),
        "{incomplete}"
    );
}
