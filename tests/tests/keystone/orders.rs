//! The agent's orders, at a real Keystone and at the simulated one, with failures too.

use shared::ids::{FederationId, ObjectId};
use shared::model::{
    Actor, Assignment, CloudId, Department, Group, Implication, Link, Marker, Membership, Object,
    ObjectKind, Project, Role, Scope, User,
};
use shared::runtime::clock::Clock;
use shared::wire::frame::Checked;
use sp_agent::cloud::openstack::{Auth, Domain, OpenStack, Options as Access, Secret};
use sp_agent::cloud::{Cloud, CloudError, Order};
use tests::keystone::{Fault, Faults, Options, SimulatedKeystone};
use tests::openstack::RealCloud;

use super::Keystone;

pub(super) fn agent(keystone: &Keystone, patience: std::time::Duration) -> OpenStack {
    let domain = Domain::Id("default".to_owned());
    let auth = Auth::Password {
        username: "admin".to_owned(),
        password: Secret::new(keystone.password.as_str()),
        user_domain: domain.clone(),
        project_name: "admin".to_owned(),
        project_domain: domain,
    };
    let mut access = Access::new(keystone.auth_url.clone(), auth);
    access.request_timeout = patience;
    OpenStack::new(&access, Clock::system()).unwrap()
}

pub(super) const LONG: std::time::Duration = std::time::Duration::from_secs(30);

pub(super) fn marker(number: u8) -> Marker {
    Marker {
        federation: FederationId::from_bytes([7; 16]),
        object: ObjectId::from_bytes([number; 16]),
    }
}

async fn made(agent: &OpenStack, object: Object<CloudId>, number: u8) -> CloudId {
    let marker = marker(number);
    let order = Order::Create { object, marker };
    let id = agent.perform(&order).await.unwrap().unwrap();
    let again = agent.perform(&order).await.unwrap_err();
    assert!(matches!(again, CloudError::Conflict { .. }), "{again}");
    id
}

async fn twice(agent: &OpenStack, order: Order) {
    for _ in 0..2 {
        let done = agent.perform(&order).await;
        assert_eq!(done.unwrap(), None, "{order:?}");
    }
}

fn department(name: &str, enabled: bool) -> Object<CloudId> {
    Object::Department(Department {
        name: name.to_owned(),
        description: None,
        enabled,
    })
}

fn project(department: &CloudId, enabled: bool) -> Object<CloudId> {
    Object::Project(Project {
        department: department.clone(),
        parent: None,
        name: "lab".to_owned(),
        description: None,
        enabled,
    })
}

fn user(department: &CloudId, email: Option<&str>) -> Object<CloudId> {
    Object::User(User {
        department: department.clone(),
        name: "eva".to_owned(),
        description: None,
        email: email.map(str::to_owned),
        enabled: true,
        default_project: None,
    })
}

fn role(name: &str) -> Object<CloudId> {
    Object::Role(Role {
        department: None,
        name: name.to_owned(),
        description: None,
    })
}

fn update(id: &CloudId, from: Object<CloudId>, to: Object<CloudId>, number: u8) -> Order {
    Order::Update {
        id: id.clone(),
        from,
        to,
        marker: Some(marker(number)),
    }
}

/// A password is set, known, changed, and of no use while its user is switched off.
async fn passwords(agent: &OpenStack, department: &CloudId, id: &CloudId) {
    let check = async |password: &str| agent.check_password(id, password).await.unwrap();
    assert_eq!(check("first one").await, Checked::Wrong, "he has none yet");
    for password in ["first one", "zweites Paßwort 二"] {
        agent.set_password(id, password).await.unwrap();
        assert_eq!(check(password).await, Checked::Right);
        assert_eq!(check("another").await, Checked::Wrong);
    }
    assert_eq!(check("first one").await, Checked::Wrong);
    let (on, off) = (user(department, Some("e@x")), user(department, Some("e@x")));
    let off = match off {
        Object::User(it) => Object::User(User {
            enabled: false,
            ..it
        }),
        other => other,
    };
    let switched = |from: &Object<CloudId>, to: &Object<CloudId>| Order::Update {
        id: id.clone(),
        from: from.clone(),
        to: to.clone(),
        marker: None,
    };
    agent.perform(&switched(&on, &off)).await.unwrap();
    assert_eq!(
        check("zweites Paßwort 二").await,
        Checked::Wrong,
        "he is off"
    );
    agent.perform(&switched(&off, &on)).await.unwrap();
    assert_eq!(check("zweites Paßwort 二").await, Checked::Right);
    let nobody = CloudId::new("0123456789abcdef0123456789abcdef");
    let refused = agent.set_password(&nobody, "x").await;
    assert!(matches!(
        refused,
        Err(CloudError::Status { status: 404, .. })
    ));
    let checked = agent.check_password(&nobody, "x").await.unwrap();
    assert_eq!(checked, Checked::Wrong);
}

/// Every kind of order, each twice.
async fn all_orders(keystone: &Keystone) {
    let agent = agent(keystone, LONG);
    let d = made(&agent, department("physics", true), 1).await;
    let p = made(&agent, project(&d, true), 2).await;
    let u = made(&agent, user(&d, Some("e@x")), 3).await;
    passwords(&agent, &d, &u).await;
    let group = Object::Group(Group {
        department: d.clone(),
        name: "physicists".to_owned(),
        description: None,
    });
    let g = made(&agent, group, 4).await;
    let (r1, r2) = (
        made(&agent, role("prior"), 5).await,
        made(&agent, role("implied"), 6).await,
    );
    twice(&agent, update(&u, user(&d, Some("e@x")), user(&d, None), 3)).await;
    twice(&agent, update(&p, project(&d, true), project(&d, false), 2)).await;
    let (on, off) = (department("physics", true), department("physics", false));
    twice(&agent, update(&d, on, off.clone(), 1)).await;
    twice(
        &agent,
        update(&p, project(&d, false), project(&d, false), 8),
    )
    .await;
    let renamed = department("physics 2", true);
    twice(&agent, update(&d, off, renamed, 9)).await;
    let assignment = |actor, scope, inherited| {
        Link::Assignment(Assignment {
            actor,
            scope,
            role: r1.clone(),
            inherited,
        })
    };
    let links = [
        Link::Membership(Membership {
            group: g.clone(),
            user: u.clone(),
        }),
        Link::Implication(Implication {
            prior: r1.clone(),
            implied: r2.clone(),
        }),
        assignment(Actor::User(u.clone()), Scope::Project(p.clone()), false),
        assignment(Actor::User(u.clone()), Scope::Department(d.clone()), true),
        assignment(Actor::Group(g.clone()), Scope::Department(d.clone()), false),
        assignment(Actor::Group(g.clone()), Scope::Project(p.clone()), true),
    ];
    for link in links {
        twice(&agent, Order::Link(link.clone())).await;
        twice(&agent, Order::Unlink(link)).await;
    }
    for (kind, id) in [
        (ObjectKind::User, u),
        (ObjectKind::Group, g),
        (ObjectKind::Role, r1),
        (ObjectKind::Role, r2),
    ] {
        twice(&agent, Order::Remove { kind, id }).await;
    }
    for (kind, id) in [(ObjectKind::Department, d), (ObjectKind::Project, p)] {
        let refused = agent.perform(&Order::Remove { kind, id }).await;
        assert!(matches!(refused, Err(CloudError::Refused { .. })));
    }
}

/// What was retired is purged when it is off and empty, and twice is once.
async fn purges(keystone: &Keystone) {
    let agent = agent(keystone, LONG);
    let d = made(&agent, department("chemistry", true), 11).await;
    let p = made(&agent, project(&d, true), 12).await;
    let u = made(&agent, user(&d, None), 13).await;
    let purge = |kind, id: &CloudId| Order::Purge {
        kind,
        id: id.clone(),
        name: "it".to_owned(),
        told: Clock::system().unix_millis(),
    };
    let (of_d, of_p) = (
        purge(ObjectKind::Department, &d),
        purge(ObjectKind::Project, &p),
    );
    let kept = async |order: &Order, told: &str| {
        let error = agent.perform(order).await.unwrap_err();
        let CloudError::Occupied { found, .. } = &error else {
            panic!("{error}");
        };
        assert!(found.contains(told), "{found}");
    };
    kept(&of_p, "switched on").await;
    kept(&of_d, "switched on").await;
    twice(
        &agent,
        update(&p, project(&d, true), project(&d, false), 12),
    )
    .await;
    let (on, off) = (
        department("chemistry", true),
        department("chemistry", false),
    );
    twice(&agent, update(&d, on, off, 11)).await;
    kept(&of_d, "1 project, 1 user").await;
    twice(&agent, of_p).await;
    kept(&of_d, "1 user").await;
    let look = |along: &[&CloudId]| Order::Look {
        kind: ObjectKind::Department,
        id: d.clone(),
        name: "it".to_owned(),
        told: Clock::system().unix_millis(),
        along: along.iter().map(|it| (*it).clone()).collect(),
    };
    kept(&look(&[]), "1 user").await;
    twice(&agent, look(&[&u])).await;
    let (kind, id) = (ObjectKind::User, u);
    twice(&agent, Order::Remove { kind, id }).await;
    twice(&agent, of_d).await;
}

#[tokio::test]
async fn the_simulated_keystone_purges_what_is_off_and_empty() {
    let simulated = SimulatedKeystone::start(Options::default()).await;
    let before = simulated.organization();
    purges(&Keystone::simulated(&simulated)).await;
    assert_eq!(simulated.organization(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_keystone_does_every_order() {
    let cloud = RealCloud::up("test-orders", &["--services", "keystone"]);
    all_orders(&Keystone::of(&cloud)).await;
    purges(&Keystone::of(&cloud)).await;
    texts(Keystone::of(&cloud)).await;
}

/// Whoever looks at it waits for his own requests.
async fn texts(keystone: Keystone) {
    let looked = tokio::task::spawn_blocking(move || super::texts::are_held(&keystone));
    looked.await.unwrap();
}

#[tokio::test]
async fn the_simulated_keystone_holds_what_is_absent_apart_from_what_is_empty() {
    let simulated = SimulatedKeystone::start(Options::default()).await;
    texts(Keystone::simulated(&simulated)).await;
}

#[tokio::test]
async fn the_simulated_keystone_does_every_order_and_keeps_what_was_made() {
    let simulated = SimulatedKeystone::start(Options::default()).await;
    let before = simulated.organization();
    all_orders(&Keystone::simulated(&simulated)).await;
    let after = simulated.organization();
    let new = after
        .departments
        .iter()
        .find(|(id, _)| !before.departments.contains_key(id));
    let (id, made) = new.unwrap();
    assert_eq!(made.name, "physics 2");
    assert_eq!((made.description.as_ref(), made.enabled), (None, true));
    let text = simulated.attribute(&id.to_string(), "regroup").unwrap();
    assert!(
        text.ends_with("/09090909-0909-0909-0909-090909090909"),
        "{text}"
    );
    assert_eq!(after.projects.len(), before.projects.len() + 1);
    assert_eq!(
        (&after.users, &after.groups),
        (&before.users, &before.groups)
    );
    assert_eq!(after.assignments, before.assignments);
    assert!(simulated.writes() > 40, "{:?}", simulated.counts());
}

#[tokio::test]
async fn a_lost_answer_is_told_and_the_write_not_repeated() {
    let short = std::time::Duration::from_millis(300);
    for (fault, was_done) in [
        (Fault::Closed, true),
        (Fault::HungAfter, true),
        (Fault::HungBefore, false),
        (Fault::FailedBefore, false),
        (Fault::FailedAfter, true),
    ] {
        let simulated = SimulatedKeystone::start(Options::default()).await;
        let agent = agent(&Keystone::simulated(&simulated), short);
        agent.describe().await.unwrap();
        simulated.fail(Faults::next(&[fault]).of_writes());
        let order = Order::Create {
            object: department("physics", true),
            marker: marker(1),
        };
        let error = agent.perform(&order).await.unwrap_err();
        let is_lost = matches!(error, CloudError::Unreachable { .. });
        let is_failed = matches!(error, CloudError::Status { status: 500, .. });
        assert!(is_lost || is_failed, "{fault:?}: {error}");
        assert_eq!(simulated.writes(), 1, "{fault:?}");
        let there = simulated.organization().departments.len() == 2;
        assert_eq!(there, was_done, "{fault:?}");
    }
}

#[tokio::test]
async fn a_busy_keystone_is_asked_again() {
    let simulated = SimulatedKeystone::start(Options::default()).await;
    let agent = agent(&Keystone::simulated(&simulated), LONG);
    simulated.fail(Faults::next(&[Fault::Busy, Fault::Slow]).of_writes());
    let order = Order::Create {
        object: role("auditor"),
        marker: marker(1),
    };
    assert!(agent.perform(&order).await.unwrap().is_some());
    assert_eq!(simulated.writes(), 2);
}
