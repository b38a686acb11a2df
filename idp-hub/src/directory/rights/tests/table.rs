//! Each change, and who may make it.

use super::*;

/// A change in words, itself, and whether BOSS, LEAD, CHIEF and ANN may make it.
type Rows = Vec<(&'static str, Edit, [bool; 4])>;

const NONE: [bool; 4] = [false; 4];
const OF_OPS: [bool; 4] = [true, false, false, false];
const OF_WEB: [bool; 4] = [true, true, false, false];
const OF_DATA: [bool; 4] = [true, false, true, false];

/// All of them.
pub(super) fn table() -> Rows {
    let all = [new(), changed_and_ended(), given(), taken(), joined()];
    all.into_iter().flatten().collect()
}

fn new() -> Rows {
    vec![
        (
            "a new department",
            create(Object::Department(department("x"))),
            NONE,
        ),
        ("a new role", create(Object::Role(role("x"))), NONE),
        (
            "a project in ops",
            create(Object::Project(project(OPS, None))),
            OF_OPS,
        ),
        (
            "a project in web",
            create(Object::Project(project(OPS, Some(WEB)))),
            OF_WEB,
        ),
        (
            "one in web, of lab",
            create(Object::Project(project(LAB, Some(WEB)))),
            NONE,
        ),
        (
            "a project in lab",
            create(Object::Project(project(LAB, None))),
            NONE,
        ),
        ("a user of ops", create(Object::User(user(OPS))), OF_OPS),
        ("a user of lab", create(Object::User(user(LAB))), NONE),
        ("a group of ops", create(Object::Group(group(OPS))), OF_OPS),
    ]
}

fn changed_and_ended() -> Rows {
    use ObjectKind::{Department as D, Group as G, Project as P, Role as R, User as U};
    vec![
        ("changing ops", update(D, OPS), NONE),
        ("changing a role", update(R, MEMBER), NONE),
        ("changing web", update(P, WEB), OF_WEB),
        ("changing what is in web", update(P, INNER), OF_WEB),
        ("changing data", update(P, DATA), OF_DATA),
        ("changing far", update(P, FAR), NONE),
        ("changing ann", update(U, ANN), OF_OPS),
        ("changing the chief", update(U, CHIEF), NONE),
        ("changing bob", update(U, BOB), NONE),
        ("changing staff", update(G, STAFF), OF_OPS),
        ("changing a powerful group", update(G, ROOTS), NONE),
        ("ending ops", end(D, OPS), NONE),
        ("ending web", end(P, WEB), OF_OPS),
        ("ending what is in web", end(P, INNER), OF_WEB),
        ("ending ann", end(U, ANN), OF_OPS),
        ("ending the boss", end(U, BOSS), NONE),
        ("ending the chief", end(U, CHIEF), NONE),
        ("ending staff", end(G, STAFF), OF_OPS),
    ]
}

fn given() -> Rows {
    vec![
        (
            "a member of web",
            assign(ANN, MEMBER, Scope::Project(WEB)),
            OF_WEB,
        ),
        (
            "a member within web",
            assign(ANN, MEMBER, Scope::Project(INNER)),
            OF_WEB,
        ),
        (
            "a manager of web",
            assign(ANN, MANAGER, Scope::Project(WEB)),
            OF_WEB,
        ),
        (
            "a manager of ops",
            assign(ANN, MANAGER, Scope::Department(OPS)),
            OF_OPS,
        ),
        (
            "a manager of lab",
            assign(ANN, MANAGER, Scope::Department(LAB)),
            NONE,
        ),
        (
            "an admin of web",
            assign(ANN, ADMIN, Scope::Project(WEB)),
            NONE,
        ),
        (
            "what leads to admin",
            assign(ANN, SUPER, Scope::Project(WEB)),
            NONE,
        ),
        (
            "more than he has",
            assign(ANN, AUDITOR, Scope::Project(WEB)),
            NONE,
        ),
        (
            "all of data, by admin",
            assign(ANN, AUDITOR, Scope::Project(DATA)),
            [false, false, true, false],
        ),
        (
            "a stranger in web",
            assign(BOB, MEMBER, Scope::Project(WEB)),
            NONE,
        ),
    ]
}

fn taken() -> Rows {
    let away = |user, role, project| {
        let scope = Scope::Project(project);
        Edit::Unlink(Link::Assignment(super::given(
            Actor::User(user),
            role,
            scope,
        )))
    };
    vec![
        ("taking admin away", away(CHIEF, ADMIN, DATA), NONE),
        ("taking member away", away(ANN, MEMBER, WEB), OF_WEB),
        (
            "taking a stranger out of web",
            away(BOB, MEMBER, WEB),
            OF_WEB,
        ),
        (
            "taking a stranger out of staff",
            Edit::Unlink(Link::Membership(Membership {
                group: STAFF,
                user: BOB,
            })),
            OF_OPS,
        ),
    ]
}

fn joined() -> Rows {
    vec![
        ("ann in staff", join(STAFF, ANN), OF_OPS),
        ("bob in staff", join(STAFF, BOB), NONE),
        ("ann in a powerful group", join(ROOTS, ANN), NONE),
        (
            "an implication",
            Edit::Link(Link::Implication(Implication {
                prior: MEMBER,
                implied: AUDITOR,
            })),
            NONE,
        ),
    ]
}
