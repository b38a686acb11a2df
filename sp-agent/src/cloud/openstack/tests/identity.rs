//! The organization, which Keystone tells list by list.

use std::collections::BTreeMap;

use shared::model::{CloudId, Custody, Membership, RecordKind};

use super::*;
use crate::cloud::openstack::options::{Auth, Domain, Secret};
use crate::cloud::openstack::testing::{Reply, Seen, answer};
use crate::cloud::{Policy, Reach, Unread};

const PARTS: [Part; 8] = [
    Part::Departments,
    Part::Projects,
    Part::Users,
    Part::Groups,
    Part::Roles,
    Part::Memberships,
    Part::Implications,
    Part::Assignments,
];

fn list(name: &str, items: Value) -> Option<Reply> {
    let mut body = json!({"links": {"next": null, "self": "http://k", "previous": null}});
    body[name] = items;
    answer(body)
}

/// Two departments beside Keystone's own. The agent is user `u`, in project `p`.
pub(super) fn keystone(seen: &Seen) -> Option<Reply> {
    let query = |name: &str| seen.query.get(name).map_or("", String::as_str);
    let path = seen.path.strip_prefix("/identity/v3")?;
    let reply = departments_and_projects(path, query);
    let reply = reply.or_else(|| users_and_groups(path, query));
    reply.or_else(|| roles_and_links(path, query))
}

fn departments_and_projects<'s>(path: &str, query: impl Fn(&str) -> &'s str) -> Option<Reply> {
    match path {
        "/domains" if !query("name").is_empty() => list("domains", json!([])),
        "/domains" => list(
            "domains",
            json!([
                {"id": "default", "name": "Default", "enabled": true},
                {"id": "d1", "name": "研发中心", "enabled": false, "description": ""},
                {"id": "d2", "name": "Vault", "enabled": true},
            ]),
        ),
        "/projects" if query("name") == "service" => list(
            "projects",
            json!([{"id": "svc", "name": "service", "domain_id": "default"},
                   {"id": "p9", "name": "service", "domain_id": "d1"}]),
        ),
        "/projects" if query("name") == "services" => list("projects", json!([])),
        "/projects" => list(
            "projects",
            json!([
                {"id": "d1", "name": "研发中心", "domain_id": null, "is_domain": true},
                {"id": "p", "name": "ops", "domain_id": "default", "parent_id": "default"},
                {"id": "svc", "name": "service", "domain_id": "default"},
                {"id": "p1", "name": "web", "domain_id": "d1", "parent_id": "d1"},
                {"id": "p2", "name": "web-test", "domain_id": "d1", "parent_id": "p1",
                 "enabled": false},
                {"id": "p3", "name": "safe", "domain_id": "d2"},
            ]),
        ),
        _ => None,
    }
}

fn users_and_groups<'s>(path: &str, query: impl Fn(&str) -> &'s str) -> Option<Reply> {
    match path {
        "/users" => list(
            "users",
            match query("domain_id") {
                "default" => json!([{"id": "u", "name": "admin", "domain_id": "default"},
                                {"id": "u8", "name": "who", "domain_id": "default"}]),
                "d1" => json!([
                    {"id": "u1", "name": "anna", "domain_id": "d1", "email": "a@b"},
                    {"id": "u2", "name": "nova", "domain_id": "d1"},
                    {"id": "u3", "name": "probe", "domain_id": "d1"},
                    {"id": "u4", "name": "Root", "domain_id": "d1"},
                ]),
                "d2" => json!([{"id": "u5", "name": "eve", "domain_id": "d2"}]),
                // Where domains have drivers of their own, this is all that is told.
                _ => json!([{"id": "u", "name": "admin", "domain_id": "default"}]),
            },
        ),
        "/groups" => list(
            "groups",
            match query("domain_id") {
                "d1" => json!([{"id": "g1", "name": "staff", "domain_id": "d1"},
                           {"id": "g2", "name": "gone", "domain_id": "d1"}]),
                "d2" => json!([{"id": "g3", "name": "staff", "domain_id": "d2"}]),
                _ => json!([]),
            },
        ),
        "/groups/g1/users" => list("users", json!([{"id": "u1"}, {"id": "u2"}])),
        "/groups/g3/users" => list("users", json!([{"id": "u5"}])),
        _ => None,
    }
}

fn roles_and_links<'s>(path: &str, query: impl Fn(&str) -> &'s str) -> Option<Reply> {
    match path {
        "/roles" if query("name") == "service" => list(
            "roles",
            json!([{"id": "rs", "name": "service", "domain_id": null}]),
        ),
        "/roles" => list(
            "roles",
            match query("domain_id") {
                "d1" => json!([{"id": "r1", "name": "auditor", "domain_id": "d1"}]),
                "" => {
                    json!([{"id": "ra", "name": "admin", "domain_id": null, "description": null}])
                }
                _ => json!([]),
            },
        ),
        "/role_inferences" => answer(json!({"role_inferences": [
            {"prior_role": {"id": "ra"}, "implies": [{"id": "rm"}]}]})),
        "/role_assignments" => {
            let all = json!([
                {"role": {"id": "rs"}, "user": {"id": "u3"}, "scope": {"project": {"id": "p1"}}},
                {"role": {"id": "ra"}, "user": {"id": "u2"}, "scope": {"project": {"id": "svc"}}},
                {"role": {"id": "ra"}, "user": {"id": "u1"}, "scope": {"project": {"id": "p9"}}},
                {"role": {"id": "ra"}, "user": {"id": "u"}, "scope": {"system": {"all": true}}},
            ]);
            let asked = |it: &&Value| {
                let project = query("scope.project.id");
                let role = query("role.id");
                (project.is_empty() || it["scope"]["project"]["id"] == project)
                    && (role.is_empty() || it["role"]["id"] == role)
            };
            let found: Vec<Value> = all.as_array()?.iter().filter(asked).cloned().collect();
            list("role_assignments", json!(found))
        }
        _ => None,
    }
}

pub(super) fn custodies(told: &Told<Whole>) -> BTreeMap<String, Custody> {
    let custody = told.records().into_iter().map(|record| {
        let custody = match record {
            Record::Department(it) => it.custody,
            Record::Project(it) => it.custody,
            Record::User(it) => it.custody,
            Record::Group(it) => it.custody,
            Record::Role(it) => it.custody,
            other => panic!("{other:?}"),
        };
        (record.key().id.to_string(), custody)
    });
    custody.collect()
}

#[tokio::test]
async fn the_whole_organization_is_read_and_what_stays_the_regions_is_said() {
    use Custody::{Administrator, Common, Reserved};
    let fake = Fake::start(keystone).await;
    let mut options = options(fake.url());
    options.policy = Policy {
        protected_departments: vec!["vault".to_owned()],
        protected_users: vec!["root".to_owned()],
        ..Policy::default()
    };
    let cloud = with(&options);
    for (part, expected) in [
        (
            Part::Departments,
            &[("default", Reserved), ("d1", Common), ("d2", Reserved)][..],
        ),
        (
            Part::Projects,
            &[
                // That the agent works in.
                ("p", Administrator),
                ("svc", Reserved),
                ("p1", Common),
                ("p2", Common),
                ("p3", Reserved),
            ],
        ),
        (
            Part::Users,
            &[
                ("u", Administrator),
                ("u8", Reserved),
                ("u1", Common),
                ("u2", Reserved),
                ("u3", Reserved),
                ("u4", Reserved),
                ("u5", Reserved),
            ],
        ),
        (
            Part::Groups,
            &[("g1", Common), ("g2", Common), ("g3", Reserved)],
        ),
        (Part::Roles, &[("ra", Common), ("r1", Common)]),
    ] {
        let told = audit(&cloud, part).await;
        let expected = expected.iter().map(|(id, it)| ((*id).to_owned(), *it));
        assert_eq!(custodies(&told), expected.collect(), "{part:?}");
        assert!(told.result.unwrap().incomplete.is_none());
    }
    for (part, count) in [
        (Part::Memberships, 3),
        (Part::Implications, 1),
        (Part::Assignments, 3),
    ] {
        let told = audit(&cloud, part).await;
        assert_eq!(told.records().len(), count, "{part:?}");
        let kinds = told.records().into_iter().map(|it| it.key().kind);
        assert!(kinds.eq(std::iter::repeat_n(part.kind(), count)));
        told.result.unwrap();
    }
    let asked = fake.seen("/identity/v3/users");
    let whole = asked
        .iter()
        .filter(|it| !it.query.contains_key("domain_id"));
    assert_eq!(whole.count(), 0, "it may be of one domain");
}

#[tokio::test]
async fn who_has_a_role_in_the_whole_system_stays_the_regions_own() {
    let of_the_system = |seen: &Seen| {
        seen.path == "/identity/v3/role_assignments" && seen.query.contains_key("scope.system")
    };
    let fake = Fake::start(move |seen| match of_the_system(seen) {
        true => list(
            "role_assignments",
            json!([
                {"role": {"id": "ra"}, "user": {"id": "u4"}, "scope": {"system": {"all": true}}},
                {"role": {"id": "ra"}, "group": {"id": "g1"}, "scope": {"system": {"all": true}}},
                // As of a Keystone that does not know the question.
                {"role": {"id": "ra"}, "user": {"id": "u5"}, "scope": {"project": {"id": "p1"}}},
            ]),
        ),
        false => keystone(seen),
    })
    .await;
    let cloud = client(&fake);
    let users = custodies(&audit(&cloud, Part::Users).await);
    let common = users.iter().filter(|(_, it)| **it == Custody::Common);
    assert_eq!(
        common.map(|(id, _)| id.as_str()).collect::<Vec<_>>(),
        ["u5"]
    );
    let groups = custodies(&audit(&cloud, Part::Groups).await);
    assert_eq!(groups["g1"], Custody::Reserved);
    assert_eq!(groups["g2"], Custody::Common);
    assert_eq!(groups["g3"], Custody::Common);
}

#[tokio::test]
async fn the_departments_that_the_agent_signs_in_by_stay_the_regions_with_all_in_them() {
    let fake = Fake::start(keystone).await;
    let mut options = options(fake.url());
    options.auth = Auth::Password {
        username: "ops".to_owned(),
        password: Secret::new("s"),
        user_domain: Domain::Name("研发中心".to_owned()),
        project_name: "ops".to_owned(),
        project_domain: Domain::Id("d2".to_owned()),
    };
    let cloud = with(&options);
    let told = audit(&cloud, Part::Departments).await;
    let all = custodies(&told);
    assert!(all.values().all(|it| *it == Custody::Reserved), "{all:?}");
    let told = audit(&cloud, Part::Groups).await;
    let all = custodies(&told);
    assert!(all.values().all(|it| *it == Custody::Reserved), "{all:?}");
}

#[tokio::test]
async fn an_account_without_rights_is_told_so_and_nothing_is_swept() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/identity/v3/domains" => Some(Reply::status(403, r#"{"error": {"message": "no"}}"#)),
        _ => keystone(seen),
    })
    .await;
    let cloud = client(&fake);
    for part in PARTS {
        let told = audit(&cloud, part).await;
        let error = told.result.unwrap_err();
        assert!(matches!(error, CloudError::Forbidden { .. }), "{error}");
        assert_eq!(told.pages, [], "{part:?}");
    }
}

#[tokio::test]
async fn rights_that_are_lost_meanwhile_are_missed_at_the_end() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/identity/v3/domains" if seen.before > 1 => Some(Reply::status(403, "{}")),
        _ => keystone(seen),
    })
    .await;
    let told = audit(&client(&fake), Part::Departments).await;
    assert_eq!(told.records().len(), 3);
    assert!(matches!(told.result, Err(CloudError::Forbidden { .. })));
}

#[tokio::test]
async fn a_group_that_cannot_be_read_costs_no_other() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/identity/v3/groups/g1/users" => Some(Reply::status(500, "{}")),
        _ => keystone(seen),
    })
    .await;
    let told = audit(&client(&fake), Part::Memberships).await;
    let expected = Record::Membership(Membership {
        group: CloudId::new("g3"),
        user: CloudId::new("u5"),
    });
    assert_eq!(told.records(), [&expected], "the other one is gone");
    let spared: Vec<&Unread> = told.pages.iter().flat_map(|it| &it.unread).collect();
    assert_eq!(spared, [&Unread::Group(CloudId::new("g1"))]);
    let whole = told.result.unwrap();
    let incomplete = whole.incomplete.unwrap().to_string();
    assert!(incomplete.contains("1 of 3"), "{incomplete}");
    assert!(incomplete.contains("staff (g1)"), "{incomplete}");
    let ids = |all: &[&str]| all.iter().map(|it| CloudId::new(it)).collect();
    let expected = Reach {
        departments: ids(&["default", "d2"]),
        groups: ids(&["g2", "g3"]),
    };
    assert_eq!(whole.tells, expected, "of d1 not all is told");
}

#[tokio::test]
async fn a_group_that_is_there_and_has_no_list_of_members_is_unread() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/identity/v3/groups/g2" => answer(json!({"group": {"id": "g2"}})),
        _ => keystone(seen),
    })
    .await;
    let told = audit(&client(&fake), Part::Memberships).await;
    let spared: Vec<&Unread> = told.pages.iter().flat_map(|it| &it.unread).collect();
    assert_eq!(spared, [&Unread::Group(CloudId::new("g2"))]);
}

#[tokio::test]
async fn where_no_group_can_be_read_the_reading_fails() {
    let fake = Fake::start(|seen| {
        let of = seen.query.get("domain_id").map(String::as_str);
        match (seen.path.as_str(), of) {
            ("/identity/v3/groups", Some("default")) => {
                let group = json!({"id": "g4", "name": "all", "domain_id": "default"});
                answer(json!({"groups": [group], "links": {"next": null}}))
            }
            (path, _) if path.starts_with("/identity/v3/groups/") => Some(Reply::status(500, "{}")),
            _ => keystone(seen),
        }
    })
    .await;
    let told = audit(&client(&fake), Part::Memberships).await;
    assert!(told.result.is_err());
}

#[tokio::test]
async fn lists_that_were_cut_are_no_lists() {
    for (part, path, body) in [
        (Part::Departments, "domains", "domains"),
        (Part::Projects, "projects", "projects"),
        (Part::Users, "users", "users"),
        (Part::Groups, "groups", "groups"),
        (Part::Roles, "roles", "roles"),
        (Part::Implications, "role_inferences", "role_inferences"),
        (Part::Assignments, "role_assignments", "role_assignments"),
    ] {
        let path = format!("/identity/v3/{path}");
        let fake = Fake::start(move |seen| {
            if seen.path != path || seen.query.contains_key("name") {
                return keystone(seen);
            }
            let mut cut = json!({"truncated": true, "links": {"next": null}});
            cut[body] = json!([]);
            answer(cut)
        })
        .await;
        let told = audit(&client(&fake), part).await;
        let text = match told.result {
            Err(error) => error.to_string(),
            Ok(whole) => {
                let unread = told.pages.iter().map(|it| it.unread.len()).sum::<usize>();
                assert_eq!(unread, 3, "{part:?}: each department is not wholly read");
                whole.incomplete.unwrap().source.to_string()
            }
        };
        let in_part = matches!(part, Part::Users | Part::Groups);
        assert_eq!(text.contains("of department"), in_part, "{text}");
        assert!(text.contains("list_limit"), "{part:?}: {text}");
    }
}

#[tokio::test]
async fn a_departments_users_are_read_page_by_page() {
    let fake = Fake::start(|seen| {
        let of = seen.query.get("domain_id").map(String::as_str);
        match (seen.path.as_str(), of) {
            ("/identity/v3/users", Some("d1")) => {
                let user = |id: &str| json!({"id": id, "name": id, "domain_id": "d1"});
                let (users, next) = match seen.marker() {
                    "" => (
                        json!([user("a"), user("b")]),
                        json!("http://k/v3/users?marker=b"),
                    ),
                    "b" => (json!([user("c")]), Value::Null),
                    _ => return Some(Reply::status(404, "{}")),
                };
                answer(json!({"users": users, "links": {"next": next}}))
            }
            _ => keystone(seen),
        }
    })
    .await;
    let told = audit(&client(&fake), Part::Users).await;
    let users = told.records().into_iter();
    let users = users.filter(|it| it.key().kind == RecordKind::User);
    assert_eq!(users.count(), 6, "three of them in two pages");
    told.result.unwrap();
}

#[tokio::test]
async fn a_record_that_belongs_nowhere_fails_the_reading() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/identity/v3/projects" if !seen.query.contains_key("name") => {
            list("projects", json!([{"id": "p", "name": "lost"}]))
        }
        _ => keystone(seen),
    })
    .await;
    let told = audit(&client(&fake), Part::Projects).await;
    assert!(matches!(told.result, Err(CloudError::Malformed { .. })));
}
