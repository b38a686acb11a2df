//! Departments whose users are in an LDAP directory, of which Keystone has no pages, and which may
//! be away.

mod cut;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::model::{CloudId, Membership, Record};

use super::identity::{custodies, keystone};
use super::*;
use crate::cloud::Unread;
use crate::cloud::openstack::testing::{Reply, Seen, answer};

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
        let d1 = CloudId::new("d1");
        let whole = told.result.unwrap();
        assert_eq!(whole.incomplete.is_some(), is_cut);
        assert_eq!(whole.tells.departments.contains(&d1), !is_cut);
        let came = [CloudId::new("a"), CloudId::new("b")];
        let came = is_cut.then(|| (d1, came.into()));
        assert_eq!(whole.cut, came.into_iter().collect());
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
        for (of, status) in [(ALL, 500), (ALL, 503), (&ALL[1..2], 403)] {
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

/// Whatever a proxy answers in the place of the department's directory server.
#[tokio::test]
async fn a_department_that_answers_as_if_keystone_were_away_holds_up_no_other() {
    for status in [503, 504, 502] {
        for (part, collection) in [(Part::Users, "users"), (Part::Memberships, "groups")] {
            let fake = refusing(collection, &["d1"], status).await;
            let mut options = options(fake.url());
            options.request_timeout = Duration::from_secs(2);
            let cloud = OpenStack::with_patience(&options, Clock::system(), hasty()).unwrap();
            let told = audit(&cloud, part).await;
            assert_eq!(unread(&told), [&unlisted("d1")], "{part:?} {status}");
            assert!(told.result.unwrap().incomplete.is_some());
        }
    }
}

const HANGS: Duration = Duration::from_secs(60);

/// An answer that does not come.
fn never() -> Option<Reply> {
    Some(Reply::status(200, "{}").after(HANGS))
}

/// A client that waits so long for an answer.
fn waiting(fake: &Fake, millis: u64) -> OpenStack {
    let mut options = options(fake.url());
    options.request_timeout = Duration::from_millis(millis);
    with(&options)
}

#[tokio::test]
async fn a_department_whose_directory_server_hangs_holds_up_no_other() {
    let fake = Fake::start(|seen| {
        let of = seen.query.get("domain_id").map(String::as_str);
        let is_it = seen.path == "/identity/v3/users" && of == Some("d1");
        if is_it { never() } else { keystone(seen) }
    })
    .await;
    let cloud = waiting(&fake, 300);
    let told = audit(&cloud, Part::Users).await;
    let ids: Vec<String> = custodies(&told).into_keys().collect();
    assert_eq!(ids, ["u", "u5", "u8"]);
    assert_eq!(unread(&told), [&unlisted("d1")]);
    let error = told.result.unwrap().incomplete.unwrap().source.to_string();
    assert!(error.contains("timed out"), "{error}");
    // A smaller page is asked for once, and not of the others.
    let limits = fake.seen("/identity/v3/users");
    let limits = limits
        .iter()
        .map(|it| (it.query["domain_id"].as_str(), it.query["limit"].as_str()));
    let mut limits: Vec<_> = limits.collect();
    limits.sort_unstable();
    let expected = [
        ("d1", "1000"),
        ("d1", "500"),
        ("d2", "1000"),
        ("default", "1000"),
    ];
    assert_eq!(limits, expected);
}

const USERS: &str = "/identity/v3/users";

/// A Keystone of many departments beside the usual one, each with a user unless it replies
/// otherwise.
fn many(seen: &Seen, count: usize, reply: impl Fn(usize) -> Option<Reply>) -> Option<Reply> {
    let of = seen.query.get("domain_id").map_or("", String::as_str);
    let number = of.strip_prefix('m').and_then(|it| it.parse().ok());
    match (seen.path.as_str(), number) {
        ("/identity/v3/domains", _) if !seen.query.contains_key("name") => {
            let many = (0..count).map(|it| json!({"id": format!("m{it}"), "name": "many"}));
            let usual = json!({"id": "default", "name": "Default"});
            let all: Vec<Value> = many.chain([usual]).collect();
            answer(json!({"domains": all, "links": {"next": null}}))
        }
        (USERS, Some(number)) => reply(number).or_else(|| {
            let user = json!({"id": format!("u{of}"), "name": "ann", "domain_id": of});
            answer(json!({"users": [user], "links": {"next": null}}))
        }),
        _ => keystone(seen),
    }
}

#[tokio::test]
async fn many_departments_behind_one_dead_server_hold_up_no_other() {
    let is_dead = |it: usize| (it < 60).then(|| Reply::status(500, "{}"));
    let fake = Fake::start(move |seen| many(seen, 63, is_dead)).await;
    let told = audit(&client(&fake), Part::Users).await;
    assert_eq!(told.records().len(), 3 + 2);
    assert_eq!(unread(&told).len(), 60);
    let incomplete = told.result.unwrap().incomplete.unwrap();
    assert_eq!((incomplete.failed, incomplete.of), (60, 64));
}

#[tokio::test]
async fn many_departments_that_hang_take_a_bounded_time_and_each_of_the_others_has_its_turn() {
    let hangs = |it: usize| (it < 60).then(never).flatten();
    let fake = Fake::start(move |seen| many(seen, 63, hangs)).await;
    let cloud = waiting(&fake, 200);
    let healthy: Vec<String> = (60..63).map(|it| format!("um{it}")).collect();
    let (mut listed, mut rounds) = (BTreeSet::new(), 0);
    while !healthy.iter().all(|it| listed.contains(it)) {
        let before = fake.seen(USERS).len();
        let told = audit(&cloud, Part::Users).await;
        let asked = fake.seen(USERS).len() - before;
        assert!(
            asked < 60,
            "{asked} questions, where each one would take 124"
        );
        let unlisted = unread(&told).len();
        listed.extend(told.records().iter().map(|it| it.key().id.to_string()));
        // It fails where by chance only those were asked that hang.
        if let Ok(whole) = told.result {
            assert_eq!(unlisted + whole.tells.departments.len(), 64);
        }
        rounds += 1;
        assert!(rounds < 10, "{listed:?}");
    }
}

#[tokio::test]
async fn a_keystone_that_hangs_altogether_is_not_asked_for_each_department() {
    let hangs = AtomicBool::new(false);
    let fake = Fake::start(move |seen| {
        // The departments come, and then nothing.
        hangs.fetch_or(seen.path == USERS, Ordering::SeqCst);
        match hangs.load(Ordering::SeqCst) {
            true => never(),
            false => many(seen, 63, |_| None),
        }
    })
    .await;
    let told = audit(&waiting(&fake, 200), Part::Users).await;
    let error = told.result.unwrap_err().to_string();
    assert!(error.contains("GET /domains"), "{error}");
    let asked = fake.seen(USERS).len();
    assert!(asked <= 12, "{asked}");
}

#[tokio::test]
async fn groups_of_a_department_whose_server_hangs_are_given_up_and_the_others_are_told() {
    let fake = Fake::start(|seen| {
        let of = seen.query.get("domain_id").map(String::as_str);
        match (seen.path.as_str(), of) {
            ("/identity/v3/groups", Some("d1")) => {
                let all = (0..40)
                    .map(|it| json!({"id": format!("h{it}"), "name": "h", "domain_id": "d1"}));
                answer(json!({"groups": all.collect::<Vec<Value>>(), "links": {"next": null}}))
            }
            (path, _) if path.starts_with("/identity/v3/groups/h") => never(),
            _ => keystone(seen),
        }
    })
    .await;
    let told = audit(&waiting(&fake, 300), Part::Memberships).await;
    let expected = Record::Membership(Membership {
        group: CloudId::new("g3"),
        user: CloudId::new("u5"),
    });
    assert_eq!(told.records(), [&expected]);
    assert_eq!(unread(&told).len(), 40);
    let asked = (0..40).map(|it| format!("/identity/v3/groups/h{it}/users"));
    let asked = asked.filter(|path| !fake.seen(path).is_empty()).count();
    assert!((3..=8).contains(&asked), "{asked}");
    let tells = told.result.unwrap().tells;
    assert_eq!(tells.groups, [CloudId::new("g3")].into());
}

#[tokio::test]
async fn where_one_department_alone_has_groups_they_are_unread_and_no_more() {
    let fake = Fake::start(|seen| {
        let of = seen.query.get("domain_id").map(String::as_str);
        match (seen.path.as_str(), of) {
            ("/identity/v3/groups", Some("d2")) => answer(json!({"groups": [], "links": {}})),
            (path, _) if path.starts_with("/identity/v3/groups/") => Some(Reply::status(500, "{}")),
            _ => keystone(seen),
        }
    })
    .await;
    let told = audit(&client(&fake), Part::Memberships).await;
    let closed = ["g1", "g2"].map(|it| Unread::Group(CloudId::new(it)));
    assert_eq!(unread(&told), closed.iter().collect::<Vec<_>>());
    assert!(told.result.unwrap().incomplete.is_some());
}

/// They may be behind one dead server, and the third has none.
#[tokio::test]
async fn where_all_departments_that_have_groups_answer_for_none_they_are_unread_and_no_more() {
    let fake = Fake::start(
        |seen| match seen.path.strip_prefix("/identity/v3/groups/") {
            Some(_) => Some(Reply::status(500, "{}")),
            None => keystone(seen),
        },
    )
    .await;
    let told = audit(&client(&fake), Part::Memberships).await;
    let closed = ["g1", "g2", "g3"].map(|it| Unread::Group(CloudId::new(it)));
    let mut unread = unread(&told);
    unread.sort_by_key(|it| format!("{it:?}"));
    assert_eq!(unread, closed.iter().collect::<Vec<_>>());
    let Whole {
        incomplete, tells, ..
    } = told.result.unwrap();
    assert!(incomplete.is_some());
    assert_eq!(tells.departments, [CloudId::new("default")].into());
}

/// How long a service asks to be left alone.
fn later(secs: u64) -> Option<Reply> {
    Some(Reply::status(429, "{}").header("retry-after", secs.to_string()))
}

#[tokio::test]
async fn whoever_asks_to_wait_is_not_asked_for_all_the_others() {
    let fake = Fake::start(|seen| {
        let of = seen.query.get("domain_id").map(String::as_str);
        match (seen.path.as_str(), of) {
            ("/identity/v3/groups", Some("m0")) => {
                let all = (0..200)
                    .map(|it| json!({"id": format!("h{it}"), "name": "h", "domain_id": "m0"}));
                answer(json!({"groups": all.collect::<Vec<Value>>(), "links": {"next": null}}))
            }
            (path, _) if path.starts_with("/identity/v3/groups/h") => later(300),
            _ => many(seen, 63, |_| later(300)),
        }
    })
    .await;
    for part in [Part::Memberships, Part::Users] {
        let told = audit(&client(&fake), part).await;
        let Err(CloudError::Throttled { retry_after, .. }) = told.result else {
            panic!("{part:?} {:?}", told.result);
        };
        assert_eq!(retry_after, Duration::from_secs(300));
    }
    let asked = (0..200).map(|it| format!("/identity/v3/groups/h{it}/users"));
    let asked = asked.filter(|path| !fake.seen(path).is_empty()).count();
    let users = fake.seen(USERS).len();
    assert!(asked <= 8 && users <= 8, "{asked} {users}");
}

#[tokio::test]
async fn a_group_whose_members_may_not_be_seen_costs_no_other() {
    for all in [false, true] {
        let fake = Fake::start(move |seen| {
            let path = seen.path.strip_prefix("/identity/v3/groups/");
            let is_shut = path.is_some_and(|it| all || it == "g1/users");
            match is_shut {
                true => Some(Reply::status(403, "{}")),
                false => keystone(seen),
            }
        })
        .await;
        let told = audit(&client(&fake), Part::Memberships).await;
        if all {
            let forbidden = told.result.unwrap_err();
            assert!(
                matches!(forbidden, CloudError::Forbidden { .. }),
                "{forbidden}"
            );
            continue;
        }
        let expected = Record::Membership(Membership {
            group: CloudId::new("g3"),
            user: CloudId::new("u5"),
        });
        assert_eq!(told.records(), [&expected]);
        assert_eq!(unread(&told), [&Unread::Group(CloudId::new("g1"))]);
        assert!(told.result.unwrap().incomplete.is_some());
    }
}

#[tokio::test]
async fn those_that_did_not_answer_are_asked_last_also_after_their_roles_were_read() {
    let is_dead = |it: usize| (it < 6).then(|| Reply::status(500, "{}"));
    let fake = Fake::start(move |seen| many(seen, 12, is_dead)).await;
    let mut options = options(fake.url());
    options.concurrency_max = 1;
    let cloud = with(&options);
    audit(&cloud, Part::Users).await.result.unwrap();
    audit(&cloud, Part::Roles).await.result.unwrap();
    let before = fake.seen(USERS).len();
    audit(&cloud, Part::Users).await.result.unwrap();
    let asked = fake.seen(USERS).split_off(before);
    let mut asked: Vec<String> = asked
        .iter()
        .map(|it| it.query["domain_id"].clone())
        .collect();
    asked.dedup();
    let last = asked.split_off(asked.len() - 6);
    let dead = (0..6).map(|it| format!("m{it}"));
    assert_eq!(BTreeSet::from_iter(last), dead.collect());
}
