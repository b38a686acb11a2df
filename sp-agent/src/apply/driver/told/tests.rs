use shared::ids::ObjectId;
use shared::model::{
    Limit, Membership, Object, ObjectKind, QuotaResource, Role, Secret, ServiceKind,
};

use super::*;
use crate::apply::late::Giving;
use crate::apply::verdict::Done;
use crate::cloud::QuotaOrder;

fn task(order: Order, name: &str, was: &str) -> Task {
    let id = ObjectId::from_random(7);
    Task {
        order,
        subject: Subject::Object(ObjectKind::User, id),
        found: Found {
            name: name.to_owned(),
            was: was.to_owned(),
        },
        takes_away: false,
        giving: Giving::default(),
        done: Done::Gone(ObjectKind::User, id),
    }
}

fn told(task: &Task, came: Came<'_>) -> (String, String, String) {
    let act = act(by(FederationId::from_random(7)), task, came);
    (act.subject.name, act.before, act.after)
}

fn texts(name: &str, before: &str, after: &str) -> (String, String, String) {
    (name.to_owned(), before.to_owned(), after.to_owned())
}

fn came(quota: Option<&Quota>) -> Came<'_> {
    Came {
        quota,
        ..Came::default()
    }
}

#[test]
fn limits_are_told_with_those_until_now() {
    let limit = |name: &str, limit| Limit {
        name: name.to_owned(),
        limit,
        version: 1,
        force: false,
    };
    let order = QuotaOrder {
        project: CloudId::new("p1"),
        name: "web".to_owned(),
        service: ServiceKind::Compute,
        limits: vec![limit("cores", Some(20)), limit("ram", Some(64))],
    };
    let resource = |name: &str, limit| QuotaResource {
        name: name.to_owned(),
        limit,
        used: 1,
        reserved: 0,
    };
    let mut quota = Quota {
        project: order.project.clone(),
        project_name: "web".to_owned(),
        service: ServiceKind::Compute,
        resources: vec![
            resource("cores", Some(10)),
            resource("instances", Some(5)),
            resource("ram", None),
        ],
    };
    let task = task(Order::Quota(order), "", "");
    let after = "compute: cores=20 ram=64";
    assert_eq!(
        told(&task, came(Some(&quota))),
        texts("web", "compute: cores=10 ram=unlimited", after)
    );
    quota.resources.clear();
    for unknown in [Some(&quota), None] {
        assert_eq!(told(&task, came(unknown)), texts("web", "", after));
    }
}

#[test]
fn what_is_gone_is_told_as_it_was_as_far_as_anybody_knows() {
    let order = || Order::Remove {
        kind: ObjectKind::User,
        id: CloudId::new("u1"),
    };
    let known = task(order(), "ann", "in \"ops\": name=\"ann\"");
    assert_eq!(
        told(&known, Came::default()),
        texts("ann", "in \"ops\": name=\"ann\"", "not there")
    );
    let unknown = task(order(), "", "");
    assert_eq!(
        told(&unknown, Came::default()),
        texts("", "there", "not there")
    );
}

#[test]
fn a_password_is_told_with_its_user_and_the_version_until_now() {
    let secret = Secret {
        user: ObjectId::from_random(7),
        version: 9,
        sealed: b"correct horse".to_vec(),
    };
    let task = task(
        Order::Password(CloudId::new("u1"), secret),
        "ann",
        "version=4",
    );
    assert_eq!(
        told(&task, Came::default()),
        texts("ann", "version=4", "version=9")
    );
}

#[test]
fn a_link_is_named_as_it_was_found() {
    let link = Link::Membership(Membership {
        group: CloudId::new("g1"),
        user: CloudId::new("u1"),
    });
    let name = "user 'ann' in group 'staff' (user u1, group g1)";
    let task = task(Order::Unlink(link), name, "");
    assert_eq!(
        told(&task, Came::default()),
        texts(name, "there", "not there")
    );
}

/// As in a directory that takes no changes, where all are tried again for ever.
#[test]
fn however_many_fail_each_failure_is_told_once() {
    const MANY: u128 = 1500;
    let mut failing = Failing::default();
    let (mut given, mut told) = (0, 0);
    for _ in 0..3 {
        for it in 0..MANY {
            let (kind, id) = (ObjectKind::User, CloudId::new(&format!("{it}")));
            let task = Task {
                subject: Subject::Object(kind, ObjectId::from_random(it)),
                takes_away: true,
                ..task(Order::Remove { kind, id }, "ann", "")
            };
            let batch = Batch {
                tasks: vec![task.clone()],
                ..Batch::default()
            };
            given += beforehand(&by(FederationId::from_random(7)), &batch, &mut failing).len();
            told += usize::from(failing.admits(&task, Some("403 at keystone")));
            failing.forget_but(|_| true);
        }
    }
    assert_eq!((given, told), (MANY as usize, MANY as usize));
}

#[test]
fn what_fails_no_more_is_forgotten_once_it_is_much() {
    let mut failing = Failing::default();
    let subject = |it| Subject::Object(ObjectKind::User, ObjectId::from_random(it));
    for it in 0..10_000 {
        let kind = ObjectKind::User;
        let task = Task {
            subject: subject(it),
            ..task(
                Order::Remove {
                    kind,
                    id: CloudId::new("u"),
                },
                "ann",
                "",
            )
        };
        failing.admits(&task, Some("403 at keystone"));
        failing.forget_but(|it| *it == subject(0));
        assert!(failing.all.len() <= FAILING_MIN + 1);
    }
    assert!(failing.all.contains_key(&subject(0)));
}

#[test]
fn what_takes_away_is_told_once_before_it_is_given_whatever_else_of_the_thing_failed() {
    let role = |name: &str| {
        Object::Role(Role {
            department: None,
            name: name.to_owned(),
            description: None,
        })
    };
    let id = || CloudId::new("u1");
    let update = |takes_away| Task {
        takes_away,
        ..task(
            Order::Update {
                id: id(),
                from: role("before"),
                to: role("after"),
                marker: None,
            },
            "",
            "",
        )
    };
    let kind = ObjectKind::User;
    let remove = Task {
        takes_away: true,
        ..task(Order::Remove { kind, id: id() }, "ann", "")
    };
    let mut failing = Failing::default();
    let given = |failing: &mut Failing, task: &Task| {
        let batch = Batch {
            tasks: vec![task.clone()],
            ..Batch::default()
        };
        let acts = beforehand(&by(FederationId::from_random(7)), &batch, failing);
        acts.into_iter().any(|it| it.outcome == GIVEN)
    };
    let conflict = Some("409 at keystone");
    assert!(!given(&mut failing, &update(false)));
    assert!(failing.admits(&update(false), conflict));
    // A rename failed; it is switched off, and then deleted.
    for it in [update(true), remove] {
        for first in [true, false] {
            assert_eq!(given(&mut failing, &it), first, "{:?}", it.order);
            assert_eq!(failing.admits(&it, conflict), first, "{:?}", it.order);
        }
    }
}
