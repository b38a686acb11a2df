//! Each change, and who may make it.

use super::*;

/// Each change, and whether BOSS, LEAD, CHIEF and ANN may make it.
pub(super) fn table() -> Vec<(&'static str, Edit, [bool; 4])> {
    use ObjectKind::{Department as D, Group as G, Project as P, Role as R, User as U};
    let none = [false; 4];
    let boss = [true, false, false, false];
    let web = [true, true, false, false];
    let data = [true, false, true, false];
    vec![
        (
            "a new department",
            create(Object::Department(department("x"))),
            none,
        ),
        ("a new role", create(Object::Role(role("x"))), none),
        (
            "a project in ops",
            create(Object::Project(project(OPS, None))),
            boss,
        ),
        (
            "a project in web",
            create(Object::Project(project(OPS, Some(WEB)))),
            web,
        ),
        (
            "one in web, of lab",
            create(Object::Project(project(LAB, Some(WEB)))),
            none,
        ),
        (
            "a project in lab",
            create(Object::Project(project(LAB, None))),
            none,
        ),
        ("a user of ops", create(Object::User(user(OPS))), boss),
        ("a user of lab", create(Object::User(user(LAB))), none),
        ("a group of ops", create(Object::Group(group(OPS))), boss),
        ("changing ops", update(D, OPS), none),
        ("changing a role", update(R, MEMBER), none),
        ("changing web", update(P, WEB), web),
        ("changing what is in web", update(P, INNER), web),
        ("changing data", update(P, DATA), data),
        ("changing far", update(P, FAR), none),
        ("changing ann", update(U, ANN), boss),
        ("changing the chief", update(U, CHIEF), none),
        ("changing bob", update(U, BOB), none),
        ("changing staff", update(G, STAFF), boss),
        ("changing a powerful group", update(G, ROOTS), none),
        ("ending ops", end(D, OPS), none),
        ("ending web", end(P, WEB), boss),
        ("ending what is in web", end(P, INNER), web),
        ("ending ann", end(U, ANN), boss),
        ("ending the boss", end(U, BOSS), none),
        ("ending the chief", end(U, CHIEF), none),
        ("ending staff", end(G, STAFF), boss),
        (
            "a member of web",
            assign(ANN, MEMBER, Scope::Project(WEB)),
            web,
        ),
        (
            "a member within web",
            assign(ANN, MEMBER, Scope::Project(INNER)),
            web,
        ),
        (
            "a manager of web",
            assign(ANN, MANAGER, Scope::Project(WEB)),
            web,
        ),
        (
            "a manager of ops",
            assign(ANN, MANAGER, Scope::Department(OPS)),
            boss,
        ),
        (
            "a manager of lab",
            assign(ANN, MANAGER, Scope::Department(LAB)),
            none,
        ),
        (
            "an admin of web",
            assign(ANN, ADMIN, Scope::Project(WEB)),
            none,
        ),
        (
            "what leads to admin",
            assign(ANN, SUPER, Scope::Project(WEB)),
            none,
        ),
        (
            "more than he has",
            assign(ANN, AUDITOR, Scope::Project(WEB)),
            none,
        ),
        (
            "all of data, by admin",
            assign(ANN, AUDITOR, Scope::Project(DATA)),
            [false, false, true, false],
        ),
        (
            "a stranger in web",
            assign(BOB, MEMBER, Scope::Project(WEB)),
            none,
        ),
        (
            "taking admin away",
            Edit::Unlink(Link::Assignment(given(
                Actor::User(CHIEF),
                ADMIN,
                Scope::Project(DATA),
            ))),
            none,
        ),
        (
            "taking member away",
            Edit::Unlink(Link::Assignment(given(
                Actor::User(ANN),
                MEMBER,
                Scope::Project(WEB),
            ))),
            web,
        ),
        (
            "taking a stranger out of web",
            Edit::Unlink(Link::Assignment(given(
                Actor::User(BOB),
                MEMBER,
                Scope::Project(WEB),
            ))),
            web,
        ),
        (
            "taking a stranger out of staff",
            Edit::Unlink(Link::Membership(Membership {
                group: STAFF,
                user: BOB,
            })),
            boss,
        ),
        ("ann in staff", join(STAFF, ANN), boss),
        ("bob in staff", join(STAFF, BOB), none),
        ("ann in a powerful group", join(ROOTS, ANN), none),
        (
            "an implication",
            Edit::Link(Link::Implication(Implication {
                prior: MEMBER,
                implied: AUDITOR,
            })),
            none,
        ),
    ]
}
