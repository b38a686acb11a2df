//! Who may what, by a table; and by properties that nobody gets further than he is.

mod administrators;
mod table;

use proptest::prelude::*;
use shared::ids::ObjectId;
use shared::model::{
    Actor, Assignment, Department, Group, Implication, Link, Membership, Object, ObjectKind,
    Organization, Project, Role, Scope, User,
};

use super::*;
use crate::directory::Patch;
use crate::directory::quota::Pool;

const fn id(number: u8) -> ObjectId {
    let mut bytes = [0; 16];
    bytes[15] = number;
    ObjectId::from_bytes(bytes)
}

const OPS: ObjectId = id(1);
const LAB: ObjectId = id(2);
const WEB: ObjectId = id(10);
const INNER: ObjectId = id(11);
const DATA: ObjectId = id(12);
const FAR: ObjectId = id(13);
const BOSS: ObjectId = id(20);
const LEAD: ObjectId = id(21);
const ANN: ObjectId = id(22);
const CHIEF: ObjectId = id(23);
const BOB: ObjectId = id(24);
const STAFF: ObjectId = id(30);
const ROOTS: ObjectId = id(31);
const ADMIN: ObjectId = id(40);
const MANAGER: ObjectId = id(41);
const MEMBER: ObjectId = id(42);
const AUDITOR: ObjectId = id(43);
const SUPER: ObjectId = id(44);
const NEW: ObjectId = id(99);

/// Where cloud administrators have their role, where a test has that.
const PLACE: Administration = Administration {
    department: id(3),
    project: id(14),
};

fn department(name: &str) -> Department {
    Department {
        name: name.to_owned(),
        description: None,
        enabled: true,
    }
}

fn project(department: ObjectId, parent: Option<ObjectId>) -> Project<ObjectId> {
    Project {
        department,
        parent,
        name: "project".to_owned(),
        description: None,
        enabled: true,
    }
}

fn user(department: ObjectId) -> User<ObjectId> {
    User {
        department,
        name: "user".to_owned(),
        description: None,
        email: None,
        enabled: true,
        default_project: None,
    }
}

fn group(department: ObjectId) -> Group<ObjectId> {
    Group {
        department,
        name: "group".to_owned(),
        description: None,
    }
}

fn role(name: &str) -> Role<ObjectId> {
    Role {
        department: None,
        name: name.to_owned(),
        description: None,
    }
}

const fn given(
    actor: Actor<ObjectId>,
    role: ObjectId,
    scope: Scope<ObjectId>,
) -> Assignment<ObjectId> {
    Assignment {
        actor,
        scope,
        role,
        inherited: false,
    }
}

/// `ops` with the projects `web` (and one nested in it) and `data`, administered by BOSS; LEAD
/// administers `web`; ANN is a member; CHIEF is `admin` in `data`. `lab` with `far` and BOB.
fn organization() -> Organization<ObjectId> {
    let mut live = Organization::default();
    live.departments.insert(OPS, department("ops"));
    live.departments.insert(LAB, department("lab"));
    for (id, department, outer) in [
        (WEB, OPS, None),
        (INNER, OPS, Some(WEB)),
        (DATA, OPS, None),
        (FAR, LAB, None),
    ] {
        live.projects.insert(id, project(department, outer));
    }
    for id in [BOSS, LEAD, ANN, CHIEF] {
        live.users.insert(id, user(OPS));
    }
    live.users.insert(BOB, user(LAB));
    live.groups.insert(STAFF, group(OPS));
    live.groups.insert(ROOTS, group(OPS));
    for (id, name) in [
        (ADMIN, "admin"),
        (MANAGER, "manager"),
        (MEMBER, "member"),
        (AUDITOR, "auditor"),
        (SUPER, "super"),
    ] {
        live.roles.insert(id, role(name));
    }
    for (prior, implied) in [(ADMIN, MANAGER), (MANAGER, MEMBER), (SUPER, ADMIN)] {
        live.implications.insert(Implication { prior, implied });
    }
    for it in [
        given(Actor::User(BOSS), MANAGER, Scope::Department(OPS)),
        given(Actor::User(LEAD), MANAGER, Scope::Project(WEB)),
        given(Actor::User(ANN), MEMBER, Scope::Project(WEB)),
        given(Actor::User(CHIEF), ADMIN, Scope::Project(DATA)),
        given(Actor::Group(ROOTS), SUPER, Scope::Project(DATA)),
        given(Actor::Group(STAFF), MEMBER, Scope::Project(DATA)),
    ] {
        live.assignments.insert(it);
    }
    live
}

fn rights(live: &Organization<ObjectId>, user: ObjectId) -> Rights {
    found(live, user).unwrap()
}

fn found(live: &Organization<ObjectId>, user: ObjectId) -> Option<Rights> {
    Rights::within(live, PLACE, Asker::User(user))
}

fn create(object: Object<ObjectId>) -> Edit {
    Edit::Create { id: NEW, object }
}

const fn end(kind: ObjectKind, id: ObjectId) -> Edit {
    Edit::End { kind, id }
}

fn update(kind: ObjectKind, id: ObjectId) -> Edit {
    let patch = Patch::default();
    Edit::Update { kind, id, patch }
}

const fn assign(user: ObjectId, role: ObjectId, scope: Scope<ObjectId>) -> Edit {
    Edit::Link(Link::Assignment(given(Actor::User(user), role, scope)))
}

const fn join(group: ObjectId, user: ObjectId) -> Edit {
    Edit::Link(Link::Membership(Membership { group, user }))
}

#[test]
fn each_may_change_what_he_administers() {
    let live = organization();
    for (what, edit, expected) in table::table() {
        let action = Action::Edit(&edit);
        let found = [BOSS, LEAD, CHIEF, ANN].map(|it| rights(&live, it).permits(&live, action));
        assert_eq!(
            found.clone().map(|it| it.is_ok()),
            expected,
            "{what}: {found:?}"
        );
        assert_eq!(Rights::All.permits(&live, action), Ok(()), "{what}");
    }
}

#[test]
fn passwords_are_set_by_whoever_administers_the_department() {
    let live = organization();
    let may = |who, whose| {
        let rights = rights(&live, who);
        rights.permits(&live, Action::SetPassword(whose)).is_ok()
    };
    assert!(may(BOSS, ANN) && may(BOSS, LEAD));
    assert!(!may(BOSS, CHIEF), "he has power over every cloud");
    assert!(!may(BOSS, BOB) && !may(BOSS, BOSS));
    assert!(!may(LEAD, ANN) && !may(ANN, ANN) && !may(CHIEF, ANN));
    let mut live = organization();
    let membership = Membership {
        group: ROOTS,
        user: ANN,
    };
    live.memberships.insert(membership);
    let boss = rights(&live, BOSS);
    let denied = boss.permits(&live, Action::SetPassword(ANN)).unwrap_err();
    assert!(denied.to_string().contains("over every cloud"), "{denied}");
}

#[test]
fn limits_are_shifted_by_whoever_administers_the_department_or_the_project() {
    let mut live = organization();
    live.projects.insert(NEW, project(OPS, Some(INNER)));
    let within = |live: &Organization<ObjectId>, who, project| {
        let holder = Holder::Project(project);
        let pools = rights(live, who).shifts(live, [&holder]);
        pools.map(|it| it.unwrap()[&project])
    };
    for project in [WEB, INNER, NEW, DATA] {
        let of_ops = Ok(Pool::Department(OPS));
        assert_eq!(within(&live, BOSS, project), of_ops);
    }
    for project in [WEB, INNER, NEW] {
        let of_web = Ok(Pool::Project(WEB));
        assert_eq!(within(&live, LEAD, project), of_web, "the outermost");
    }
    assert_eq!(within(&live, CHIEF, DATA), Ok(Pool::Project(DATA)));
    for (who, project) in [(LEAD, DATA), (LEAD, FAR), (CHIEF, WEB), (BOSS, FAR)] {
        let (kind, id) = (ObjectKind::Project, project);
        assert_eq!(
            within(&live, who, project),
            Err(Denied::Unseen { kind, id })
        );
    }
    assert_eq!(within(&live, ANN, WEB), Err(LIMITS), "a member");
    assert_eq!(within(&live, BOSS, id(98)), Err(LIMITS), "no project");
    // From within, nothing comes in from around.
    let inner = given(Actor::User(ANN), MANAGER, Scope::Project(INNER));
    live.assignments.insert(inner);
    assert_eq!(within(&live, ANN, NEW), Ok(Pool::Project(INNER)));
    assert_eq!(within(&live, ANN, WEB), Err(LIMITS));
    let left = Holder::Own(shared::model::CloudId::new("admin"));
    let denied = rights(&live, BOSS).shifts(&live, [&left]);
    assert_eq!(denied, Err(CLOUD), "leftovers are nobody's but the clouds'");
    assert_eq!(Rights::All.shifts(&live, [&left]), Ok(None));
}

#[test]
fn a_password_gives_no_more_than_its_setter_could_give() {
    let (by_himself, by_group) = (Actor::User(ANN), Actor::Group(STAFF));
    for (what, role, scope, expected) in [
        ("in his department", MEMBER, Scope::Department(OPS), true),
        ("his own", MANAGER, Scope::Department(OPS), true),
        ("further in", MANAGER, Scope::Project(INNER), true),
        ("not his role", AUDITOR, Scope::Project(WEB), false),
        ("not his place", MEMBER, Scope::Project(FAR), false),
        ("not his department", MANAGER, Scope::Department(LAB), false),
    ] {
        for actor in [&by_himself, &by_group] {
            let mut live = organization();
            let (group, user) = (STAFF, ANN);
            live.memberships.insert(Membership { group, user });
            live.assignments
                .insert(given(actor.clone(), role, scope.clone()));
            let boss = rights(&live, BOSS);
            let found = boss.permits(&live, Action::SetPassword(ANN));
            assert_eq!(found.is_ok(), expected, "{what}: {found:?}");
            if let Err(denied) = found {
                assert_eq!(denied, GREATER, "{what}");
            }
            let edit = update(ObjectKind::User, ANN);
            let edited = boss.permits(&live, Action::Edit(&edit));
            assert_eq!(edited, Ok(()), "{what}: of passwords alone");
        }
    }
}

#[test]
fn regions_are_for_cloud_administrators() {
    let live = organization();
    for user in [BOSS, LEAD, CHIEF, ANN, BOB] {
        assert!(rights(&live, user).permits(&live, Action::Fleet).is_err());
    }
    assert_eq!(Rights::All.permits(&live, Action::Fleet), Ok(()));
}

#[test]
fn a_group_and_what_is_inherited_count_as_keystone_counts_them() {
    let mut live = organization();
    let (group, user) = (STAFF, ANN);
    live.memberships.insert(Membership { group, user });
    let mut it = given(Actor::Group(STAFF), MANAGER, Scope::Department(OPS));
    it.inherited = true;
    live.assignments.insert(it);
    let ann = rights(&live, ANN);
    let may = |edit: Edit| ann.permits(&live, Action::Edit(&edit)).is_ok();
    assert!(
        may(update(ObjectKind::Project, DATA)),
        "in every project of it"
    );
    assert!(!may(update(ObjectKind::Project, FAR)));
    assert!(
        !may(create(Object::User(super::tests::user(OPS)))),
        "and not in it"
    );
}

#[test]
fn what_is_switched_off_gives_nothing() {
    let mut live = organization();
    live.projects.get_mut(&WEB).unwrap().enabled = false;
    let edit = update(ObjectKind::Project, WEB);
    assert!(
        rights(&live, LEAD)
            .permits(&live, Action::Edit(&edit))
            .is_err()
    );
    live.users.get_mut(&ANN).unwrap().enabled = false;
    assert!(found(&live, ANN).is_none());
    live.departments.get_mut(&OPS).unwrap().enabled = false;
    for gone in [BOSS, LEAD, id(98)] {
        assert!(found(&live, gone).is_none());
    }
    assert!(found(&live, BOB).is_some());
}

#[test]
fn each_sees_what_is_his() {
    let live = organization();
    let seen = |user| {
        let rights = rights(&live, user);
        let mut all: Vec<u8> = ObjectKind::ALL
            .iter()
            .flat_map(|kind| {
                let live = &live;
                (0..100).filter_map(move |it| Some((id(it), live.object(*kind, &id(it))?)))
            })
            .filter(|(id, object)| rights.sees_object(*id, object))
            .map(|(id, _)| id.to_bytes()[15])
            .collect();
        all.sort_unstable();
        all
    };
    assert_eq!(seen(ANN), [1, 10, 22, 42]);
    assert_eq!(seen(BOB), [2, 24]);
    assert_eq!(seen(LEAD), [1, 10, 11, 21, 22, 40, 41, 42, 43, 44]);
    let boss = [1, 10, 11, 12, 20, 21, 22, 23, 30, 31, 40, 41, 42, 43, 44];
    assert_eq!(seen(BOSS), boss);
    let links = |user| {
        let rights = rights(&live, user);
        let all = live.links();
        all.filter(|it| rights.sees_link(&live, it)).count()
    };
    assert_eq!(links(ANN), 1, "what he has");
    assert_eq!(links(BOB), 0);
    assert_eq!(links(LEAD), 2 + 3, "web's, and which role brings which");
    assert_eq!(links(BOSS), 6 + 3);
}

fn scopes() -> impl Strategy<Value = Scope<ObjectId>> {
    prop_oneof![
        prop::sample::select(vec![OPS, LAB]).prop_map(Scope::Department),
        prop::sample::select(vec![WEB, INNER, DATA, FAR]).prop_map(Scope::Project),
    ]
}

fn assignments() -> impl Strategy<Value = Assignment<ObjectId>> {
    let actors = prop_oneof![
        prop::sample::select(vec![BOSS, LEAD, ANN, BOB]).prop_map(Actor::User),
        prop::sample::select(vec![STAFF, ROOTS]).prop_map(Actor::Group),
    ];
    let roles = prop::sample::select(vec![ADMIN, MANAGER, MEMBER, AUDITOR, SUPER]);
    (actors, scopes(), roles, any::<bool>()).prop_map(|(actor, scope, role, inherited)| {
        Assignment {
            actor,
            scope,
            role,
            inherited,
        }
    })
}

proptest! {
    /// Whatever somebody gives, himself included, he may do no more afterwards than before, and
    /// nobody comes to power over the clouds.
    #[test]
    fn nobody_rises_by_what_he_gives(
        held in prop::collection::vec(assignments(), 0..6),
        wanted in prop::collection::vec(assignments(), 1..12),
        joined in prop::collection::vec((0..2_usize, 0..4_usize), 0..4),
    ) {
        let mut live = organization();
        live.assignments.extend(held);
        let before = rights(&live, BOSS);
        let strong = |live: &Organization<ObjectId>| {
            let all = [BOSS, LEAD, ANN, CHIEF, BOB].map(Actor::User);
            all.map(|it| powers::is_powerful(live, &it))
        };
        let powerful = strong(&live);
        let links = wanted.into_iter().map(Link::Assignment);
        let joined = joined.into_iter().map(|(group, user)| Link::Membership(Membership {
            group: [STAFF, ROOTS][group],
            user: [BOSS, LEAD, ANN, BOB][user],
        }));
        for link in links.chain(joined) {
            let edit = Edit::Link(link.clone());
            let may = rights(&live, BOSS).permits(&live, Action::Edit(&edit)).is_ok();
            if may {
                live.link(link);
            }
        }
        prop_assert_eq!(strong(&live), powerful);
        let after = rights(&live, BOSS);
        let (Rights::Share(before), Rights::Share(after)) = (before, after) else {
            panic!("shares");
        };
        prop_assert!(after.departments.is_subset(&before.departments));
        for project in &after.projects {
            prop_assert!(before.has_project(&live, *project));
        }
    }
}
