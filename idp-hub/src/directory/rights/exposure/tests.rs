//! Nobody comes to be in the power of a department's manager by the way.

mod touched;

use shared::ids::FederationId;
use shared::model::{
    Actor, Department, Group, Implication, Membership, Object, Role, Scope, UnixMillis, User,
};

use super::*;
use crate::directory::{Delta, Patch, Stamp};

const fn id(number: u8) -> ObjectId {
    ObjectId::from_bytes([number; 16])
}

const OPS: ObjectId = id(1);
const LAB: ObjectId = id(2);
const ANN: ObjectId = id(3);
const BOB: ObjectId = id(4);
const CLEO: ObjectId = id(5);
const STAFF: ObjectId = id(6);
const ADMIN: ObjectId = id(7);
const MANAGER: ObjectId = id(8);
const CHIEF: ObjectId = id(9);
const MEMBER: ObjectId = id(10);

/// ANN and BOB of OPS, CLEO of LAB, and STAFF; nobody has a role.
fn site() -> Directory {
    let mut directory = Directory::new(FederationId::from_random(7));
    let (description, email) = (None, None);
    let department = |name: &str| {
        Object::Department(Department {
            name: name.to_owned(),
            description: None,
            enabled: true,
        })
    };
    let user = |department, name: &str| {
        Object::User(User {
            department,
            name: name.to_owned(),
            description: None,
            email: email.clone(),
            enabled: true,
            default_project: None,
        })
    };
    let role = |name: &str| {
        Object::Role(Role {
            department: None,
            name: name.to_owned(),
            description: None,
        })
    };
    let staff = Group {
        department: LAB,
        name: "staff".to_owned(),
        description,
    };
    for (id, object) in [
        (OPS, department("ops")),
        (LAB, department("lab")),
        (ANN, user(OPS, "ann")),
        (BOB, user(OPS, "bob")),
        (CLEO, user(LAB, "cleo")),
        (STAFF, Object::Group(staff)),
        (ADMIN, role("admin")),
        (MANAGER, role("manager")),
        (CHIEF, role("chief")),
        (MEMBER, role("member")),
    ] {
        change(&mut directory, Edit::Create { id, object }).unwrap();
    }
    directory
}

fn change(directory: &mut Directory, edit: Edit) -> Result<Delta, Refusal> {
    let stamp = Stamp {
        author: "boss".to_owned(),
        at: UnixMillis(1),
        epoch: 1,
    };
    directory.change(edit, &stamp)
}

fn given(actor: Actor<ObjectId>, role: ObjectId, department: ObjectId) -> Link<ObjectId> {
    Link::Assignment(shared::model::Assignment {
        actor,
        scope: Scope::Department(department),
        role,
        inherited: false,
    })
}

fn to(user: ObjectId, role: ObjectId, department: ObjectId) -> Edit {
    Edit::Link(given(Actor::User(user), role, department))
}

fn member(user: ObjectId) -> Edit {
    let group = STAFF;
    Edit::Link(Link::Membership(Membership { group, user }))
}

fn implies(prior: ObjectId, implied: ObjectId) -> Edit {
    Edit::Link(Link::Implication(Implication { prior, implied }))
}

fn staff_has(role: ObjectId, department: ObjectId) -> Edit {
    Edit::Link(given(Actor::Group(STAFF), role, department))
}

fn called(id: ObjectId, name: &str) -> Edit {
    let (kind, name) = (ObjectKind::Role, Some(name.to_owned()));
    let patch = Patch {
        name,
        ..Patch::default()
    };
    Edit::Update { kind, id, patch }
}

/// Makes these changes, and then finds the last one refused with these words, and nothing changed.
#[track_caller]
fn refused(before: &[Edit], last: Edit, words: &[&str]) {
    let mut directory = site();
    for edit in before {
        change(&mut directory, edit.clone()).unwrap();
    }
    let live = directory.live().clone();
    let told = change(&mut directory, last).unwrap_err().to_string();
    for word in words {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert_eq!(*directory.live(), live);
}

#[test]
fn whose_department_somebody_else_administers_is_made_no_cloud_administrator() {
    let way_out = "--in federation";
    let names = ["\"ops/bob\"", "\"ops/ann\"", way_out];
    refused(&[to(BOB, MANAGER, OPS)], Edit::Appoint(ANN), &names);
    refused(&[to(BOB, ADMIN, OPS)], Edit::Appoint(ANN), &names);
    let by_group = [member(CLEO), staff_has(CHIEF, OPS), implies(CHIEF, MANAGER)];
    refused(&by_group, Edit::Appoint(ANN), &["\"lab/cleo\"", way_out]);
    // Also who has the role already, as one who came with the first region may.
    let admin = [
        to(BOB, MANAGER, OPS),
        Edit::Entrust(given(Actor::User(ANN), ADMIN, OPS)),
    ];
    refused(&admin, Edit::Appoint(ANN), &names);
}

#[test]
fn nobody_else_comes_to_administer_the_department_of_who_has_the_role_admin() {
    let words = ["--entrust", "administrator add"];
    let appointed = Edit::Appoint(ANN);
    let of_lab = to(ANN, ADMIN, LAB);
    for powerful in [appointed.clone(), of_lab] {
        let alone = std::slice::from_ref(&powerful);
        refused(alone, to(BOB, MANAGER, OPS), &words);
        refused(alone, to(BOB, ADMIN, OPS), &words);
        let by_role = [powerful.clone(), member(CLEO), staff_has(CHIEF, OPS)];
        refused(&by_role, implies(CHIEF, MANAGER), &words);
        let by_group = [powerful.clone(), staff_has(MANAGER, OPS)];
        refused(&by_group, member(CLEO), &words);
        let group = [powerful, member(CLEO)];
        refused(&group, staff_has(MANAGER, OPS), &words);
    }
    refused(&[to(BOB, MANAGER, OPS)], to(ANN, ADMIN, LAB), &words);
    // One more beside whom a cloud administrator allowed.
    let entrusted = Edit::Entrust(given(Actor::User(CLEO), MANAGER, OPS));
    refused(&[appointed, entrusted], to(BOB, MANAGER, OPS), &words);
}

#[test]
fn a_role_does_not_get_a_name_that_gives_such_power() {
    let mut directory = site();
    for edit in [
        called(MANAGER, "boss"),
        Edit::Appoint(ANN),
        to(BOB, MANAGER, OPS),
        called(MANAGER, "big boss"),
    ] {
        change(&mut directory, edit).unwrap();
    }
    let live = directory.live().clone();
    let told = change(&mut directory, called(MANAGER, "Manager")).unwrap_err();
    let told = told.to_string();
    for word in ["\"ops/bob\"", "org unlink", "--entrust"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert_eq!(*directory.live(), live);
    // What it says does it.
    let link = given(Actor::User(BOB), MANAGER, OPS);
    for edit in [
        Edit::Unlink(link.clone()),
        called(MANAGER, "Manager"),
        Edit::Entrust(link),
    ] {
        change(&mut directory, edit).unwrap();
    }
    let exposed = directory.exposed(None, 9);
    assert_eq!(exposed.some[0].by[0].id, BOB);
}

#[test]
fn a_role_that_comes_to_be_called_admin_is_told_a_way_that_is_one() {
    let mut directory = site();
    directory.live.roles.remove(&ADMIN);
    let link = given(Actor::Group(STAFF), CHIEF, LAB);
    for edit in [member(ANN), Edit::Link(link.clone()), to(BOB, MANAGER, OPS)] {
        change(&mut directory, edit).unwrap();
    }
    let told = change(&mut directory, called(CHIEF, "admin")).unwrap_err();
    assert!(told.to_string().contains("or his group's"), "{told}");
    for edit in [
        Edit::Unlink(link.clone()),
        called(CHIEF, "admin"),
        Edit::Entrust(link),
    ] {
        change(&mut directory, edit).unwrap();
    }
}

#[test]
fn who_is_not_there_or_ended_is_said_to_be_so_whatever_he_is_given() {
    let mut directory = site();
    let (kind, nobody) = (ObjectKind::User, id(99));
    let end = Edit::End { kind, id: BOB };
    for edit in [Edit::Appoint(ANN), staff_has(MANAGER, LAB), end] {
        change(&mut directory, edit).unwrap();
    }
    let told = change(&mut directory, to(nobody, MANAGER, OPS));
    assert_eq!(told.unwrap_err(), Refusal::Missing { kind, id: nobody });
    for edit in [to(BOB, MANAGER, OPS), to(BOB, ADMIN, OPS), member(BOB)] {
        let told = change(&mut directory, edit.clone()).unwrap_err();
        assert!(
            matches!(told, Refusal::Ended { id: BOB, .. }),
            "{edit:?}: {told}"
        );
    }
    let told = change(&mut directory, to(CLEO, MANAGER, id(98)));
    assert!(matches!(told, Err(Refusal::Missing { .. })), "{told:?}");
}

#[test]
fn what_exposes_nobody_or_is_meant_so_is_done() {
    let inherited = |link: Link<ObjectId>| match link {
        Link::Assignment(it) => Edit::Link(Link::Assignment(shared::model::Assignment {
            inherited: true,
            ..it
        })),
        other => Edit::Link(other),
    };
    let all = [
        // Himself, elsewhere, below, and what is no power.
        to(ANN, MANAGER, OPS),
        Edit::Appoint(ANN),
        Edit::Appoint(ANN),
        to(ANN, ADMIN, OPS),
        to(BOB, MANAGER, LAB),
        to(BOB, MEMBER, OPS),
        inherited(given(Actor::User(BOB), MANAGER, OPS)),
        member(CLEO),
        staff_has(MEMBER, OPS),
        // Said to be meant, and then it is so.
        Edit::Entrust(given(Actor::User(BOB), MANAGER, OPS)),
        to(BOB, MANAGER, OPS),
        Edit::Appoint(ANN),
    ];
    let mut directory = site();
    for edit in all {
        let what = format!("{edit:?}");
        change(&mut directory, edit).unwrap_or_else(|it| panic!("{what}: {it}"));
    }
    let user = ANN;
    let even_the_last = true;
    let dismissal = Edit::Dismiss {
        user,
        even_the_last,
    };
    change(&mut directory, dismissal).unwrap();
    assert!(change(&mut directory, Edit::Appoint(ANN)).is_err());
}
