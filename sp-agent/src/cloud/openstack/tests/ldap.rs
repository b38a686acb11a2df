//! Departments whose users are in an LDAP directory, of which Keystone has no pages.

use shared::model::CloudId;

use super::identity::{custodies, keystone};
use super::*;
use crate::cloud::Unread;
use crate::cloud::openstack::testing::answer;

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
