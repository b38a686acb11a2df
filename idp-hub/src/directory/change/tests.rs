//! What a Keystone would refuse is refused before any region hears of it.

use shared::ids::FederationId;
use shared::model::{
    Actor, Assignment, Department, Group, Implication, Membership, Project, Role, Scope,
    UnixMillis, User,
};

use super::*;

/// A directory with `ops` and `lab`; what is made in it is called by a number.
struct Desk {
    directory: Directory,
    made: u128,
}

type Id = ObjectId;

impl Desk {
    fn new() -> (Self, Id, Id) {
        let directory = Directory::new(FederationId::from_random(7));
        let mut desk = Self { directory, made: 0 };
        let (ops, lab) = (desk.department("ops"), desk.department("lab"));
        (desk, ops.unwrap(), lab.unwrap())
    }

    fn edit(&mut self, edit: Edit) -> Result<Delta, Refusal> {
        let before = self.directory.live.clone();
        let stamp = Stamp {
            author: "ann".to_owned(),
            at: UnixMillis(5),
            epoch: 1,
        };
        let outcome = self.directory.change(edit, &stamp);
        match &outcome {
            Ok(delta) => assert_eq!(delta.is_empty(), before == self.directory.live),
            Err(error) => {
                assert_eq!(before, self.directory.live, "{error}");
                let told = error.to_string();
                assert!(told.contains("; "), "no next step: {told}");
            }
        }
        outcome
    }

    fn make(&mut self, object: Object<Id>) -> Result<Id, Refusal> {
        self.made += 1;
        let id = Id::from_random(self.made);
        self.edit(Edit::Create { id, object })?;
        assert_eq!(self.directory.stamp(id).unwrap().author, "ann");
        Ok(id)
    }

    fn department(&mut self, name: &str) -> Result<Id, Refusal> {
        let (name, description, enabled) = (name.to_owned(), None, true);
        self.make(Object::Department(Department {
            name,
            description,
            enabled,
        }))
    }

    fn project(&mut self, department: Id, name: &str, parent: Option<Id>) -> Result<Id, Refusal> {
        let (name, description, enabled) = (name.to_owned(), None, true);
        self.make(Object::Project(Project {
            department,
            parent,
            name,
            description,
            enabled,
        }))
    }

    fn user(&mut self, department: Id, name: &str) -> Result<Id, Refusal> {
        self.make(Object::User(User {
            department,
            name: name.to_owned(),
            description: None,
            email: None,
            enabled: true,
            default_project: None,
        }))
    }

    fn role(&mut self, department: Option<Id>, name: &str) -> Result<Id, Refusal> {
        let (name, description) = (name.to_owned(), None);
        self.make(Object::Role(Role {
            department,
            name,
            description,
        }))
    }

    fn implies(&mut self, prior: Id, implied: Id) -> Result<Delta, Refusal> {
        let implication = Implication { prior, implied };
        self.edit(Edit::Link(Link::Implication(implication)))
    }

    fn assign(&mut self, user: Id, scope: Scope<Id>, role: Id) -> Result<Delta, Refusal> {
        self.edit(Edit::Link(Link::Assignment(Assignment {
            actor: Actor::User(user),
            scope,
            role,
            inherited: false,
        })))
    }

    fn rename(&mut self, kind: ObjectKind, id: Id, name: &str) -> Result<Delta, Refusal> {
        let patch = Patch {
            name: Some(name.to_owned()),
            ..Patch::default()
        };
        self.edit(Edit::Update { kind, id, patch })
    }
}

#[test]
fn names_are_what_every_keystone_takes_and_unique_to_every_database() {
    let (mut desk, ops, lab) = Desk::new();
    for wrong in ["", "   ", " web", "web ", "we\u{7}b", &"w".repeat(65)] {
        let refused = desk.project(ops, wrong, None);
        assert!(matches!(refused, Err(Refusal::Wrong { .. })), "{wrong:?}");
    }
    let web = desk.project(ops, &"\u{7814}".repeat(64), None).unwrap();
    desk.user(ops, &"u".repeat(255)).unwrap();
    desk.project(ops, "Caf\u{e9}", None).unwrap();
    let refused = desk.project(ops, "cafe", None).unwrap_err().to_string();
    assert!(refused.contains("Caf\u{e9}"), "{refused}");
    desk.project(lab, "cafe", None).unwrap();
    assert!(desk.rename(ObjectKind::Project, web, "CAFE").is_err());
    desk.rename(ObjectKind::Project, web, "web").unwrap();
    desk.rename(ObjectKind::Project, web, "WEB").unwrap();
    assert!(desk.department("default").is_err(), "every cloud has one");
}

#[test]
fn what_is_referred_to_is_there_and_in_the_right_department() {
    let (mut desk, ops, lab) = Desk::new();
    let nobody = Id::from_random(999);
    let refused = desk.user(nobody, "ann");
    assert!(matches!(refused, Err(Refusal::Missing { .. })));
    let mut outer = desk.project(ops, "p1", None).unwrap();
    assert!(desk.project(lab, "inner", Some(outer)).is_err());
    for depth in 2..=crate::directory::fit::DEPTH_MAX {
        let name = format!("p{depth}");
        outer = desk.project(ops, &name, Some(outer)).unwrap();
    }
    assert!(desk.project(ops, "too-deep", Some(outer)).is_err());
    let ann = desk.user(ops, "ann").unwrap();
    let patch = Patch {
        default_project: Some(Some(nobody)),
        ..Patch::default()
    };
    let (kind, id) = (ObjectKind::User, ann);
    assert!(desk.edit(Edit::Update { kind, id, patch }).is_err());
    let patch = Patch {
        email: Some(Some("x".to_owned())),
        ..Patch::default()
    };
    let (kind, id) = (ObjectKind::Department, ops);
    assert!(desk.edit(Edit::Update { kind, id, patch }).is_err());
}

#[test]
fn roles_count_in_their_department_and_imply_in_no_circle() {
    let (mut desk, ops, lab) = Desk::new();
    let ann = desk.user(ops, "ann").unwrap();
    let web = desk.project(ops, "web", None).unwrap();
    let (own, other) = (desk.role(Some(ops), "own"), desk.role(Some(lab), "other"));
    let (own, other) = (own.unwrap(), other.unwrap());
    desk.assign(ann, Scope::Project(web), own).unwrap();
    assert!(
        desk.assign(ann, Scope::Project(web), own)
            .unwrap()
            .is_empty()
    );
    assert!(desk.assign(ann, Scope::Project(web), other).is_err());
    assert!(desk.assign(ann, Scope::Department(ops), other).is_err());
    let [a, b, c] = ["a", "b", "c"].map(|name| desk.role(None, name).unwrap());
    desk.implies(a, b).unwrap();
    desk.implies(b, c).unwrap();
    assert!(desk.implies(c, a).is_err() && desk.implies(a, a).is_err());
    desk.implies(own, a).unwrap();
    assert!(desk.implies(a, own).is_err() && desk.implies(other, own).is_err());
    let admin = desk.role(None, "admin").unwrap();
    desk.implies(admin, a).unwrap();
    assert!(desk.implies(b, admin).is_err());
    let (kind, id) = (ObjectKind::Role, admin);
    assert!(desk.edit(Edit::End { kind, id }).is_err());
    assert!(desk.rename(kind, admin, "root").is_err());
}

#[test]
fn nobody_becomes_a_services_account_by_an_edit() {
    let (mut desk, ops, _) = Desk::new();
    let ann = desk.user(ops, "ann").unwrap();
    let (service, own) = (desk.role(None, "Service"), desk.role(Some(ops), "service"));
    let place = Scope::Department(ops);
    let refused = desk.assign(ann, place.clone(), service.clone().unwrap());
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("keeps as its own")
    );
    desk.assign(ann, place.clone(), own.unwrap()).unwrap();
    desk.edit(Edit::End {
        kind: ObjectKind::Role,
        id: service.unwrap(),
    })
    .unwrap();
    let other = desk.role(None, "other").unwrap();
    desk.assign(ann, place, other).unwrap();
    assert!(desk.rename(ObjectKind::Role, other, "service").is_err());
}

#[test]
fn what_ends_takes_along_what_hangs_on_it_and_never_comes_back() {
    let (mut desk, ops, lab) = Desk::new();
    let web = desk.project(ops, "web", None).unwrap();
    let inner = desk.project(ops, "inner", Some(web)).unwrap();
    let (ann, bob) = (
        desk.user(ops, "ann").unwrap(),
        desk.user(lab, "bob").unwrap(),
    );
    let group = desk.make(Object::Group(Group {
        department: lab,
        name: "staff".to_owned(),
        description: None,
    }));
    let group = group.unwrap();
    for user in [ann, bob] {
        let link = Link::Membership(Membership { group, user });
        desk.edit(Edit::Link(link)).unwrap();
    }
    let patch = Patch {
        default_project: Some(Some(inner)),
        ..Patch::default()
    };
    let (kind, id) = (ObjectKind::User, bob);
    desk.edit(Edit::Update { kind, id, patch }).unwrap();

    let (kind, id) = (ObjectKind::Department, ops);
    let delta = desk.edit(Edit::End { kind, id }).unwrap();
    assert_eq!(delta.ended.len(), 4, "{delta:?}");
    assert_eq!(delta.ended[0], (ObjectKind::Department, ops));
    assert_eq!(delta.unlinked.len(), 1, "ann is in the group no more");
    assert_eq!(delta.put, [(ObjectKind::User, bob)], "his default project");
    assert_eq!(desk.directory.live.users[&bob].default_project, None);
    assert_eq!(desk.directory.ended(web).unwrap().how, End::Retired);
    let refused = desk
        .rename(ObjectKind::Project, inner, "again")
        .unwrap_err();
    assert!(matches!(
        refused,
        Refusal::Ended {
            how: End::Retired,
            ..
        }
    ));
}

#[test]
fn a_new_name_can_be_read_typed_and_told_from_others() {
    let (mut desk, ops, _) = Desk::new();
    for (name, place) in [
        ("ca\u{200b}rol", "U+200B, its character 3 of 6"),
        ("\u{feff}carol", "U+FEFF, its character 1 of 6"),
        ("ca\u{ad}rol", "U+00AD"),
        ("\u{202e}lorac", "U+202E"),
        ("a\u{a0}b", "U+00A0, its character 2 of 3"),
        ("a  b", "U+0020, its character 3 of 4"),
        ("carol\u{fe0f}", "U+FE0F"),
        ("ca\u{7}rol", "U+0007, its character 3 of 6"),
        (" carol", "U+0020, its character 1 of 6"),
        ("carol\u{3000}", "U+3000, its character 6 of 6"),
    ] {
        let error = desk.user(ops, name).unwrap_err().to_string();
        assert!(error.contains(place), "{place}: {error}");
        let is_plain = |it: char| it.is_ascii_graphic() || it == ' ';
        assert!(error.chars().all(is_plain), "{error:?}");
    }
    for name in [
        "67e55044-10b1-426f-9247-bb680e5fe0c8",
        "67E5504410B1426F9247BB680E5FE0C8",
    ] {
        let error = desk.department(name).unwrap_err().to_string();
        assert!(error.contains("written like an id"), "{error}");
    }
    for name in [
        "björn",
        "山田",
        "👩\u{200d}💻",
        "❤\u{fe0f} ops",
        "葛\u{e0100}城",
        "می\u{200c}خواهم",
        "ops_67e5504410b1426f9247bb680e5fe0c8",
    ] {
        desk.user(ops, name).unwrap();
    }
}

#[test]
fn what_a_region_brought_along_may_be_called_as_it_is_and_be_changed() {
    let (mut desk, ops, _) = Desk::new();
    let id = desk.user(ops, "carol").unwrap();
    // As a merge does it.
    let name = "ca\u{200b}rol".to_owned();
    desk.directory.live.users.get_mut(&id).unwrap().name = name;
    let patch = Patch {
        enabled: Some(false),
        ..Patch::default()
    };
    let kind = ObjectKind::User;
    desk.edit(Edit::Update { kind, id, patch }).unwrap();
    assert!(desk.rename(kind, id, "ca\u{200b}rolus").is_err());
    desk.rename(kind, id, "carol").unwrap();
}

#[test]
fn what_was_retired_keeps_its_name_and_what_was_deleted_does_not() {
    let (mut desk, ops, lab) = Desk::new();
    let web = desk.project(ops, "web", None).unwrap();
    let ann = desk.user(ops, "ann").unwrap();
    for (kind, id) in [(ObjectKind::Project, web), (ObjectKind::User, ann)] {
        desk.edit(Edit::End { kind, id }).unwrap();
    }
    let refused = desk.project(ops, "Web", None).unwrap_err();
    assert!(matches!(refused, Refusal::Held { by, .. } if by == web));
    let told = refused.to_string();
    assert!(
        told.contains("retired project") && told.contains("\"web\""),
        "{told}"
    );
    let other = desk.project(ops, "other", None).unwrap();
    assert!(desk.rename(ObjectKind::Project, other, "web").is_err());
    desk.project(lab, "web", None).unwrap();
    desk.user(ops, "ann").unwrap();

    let (kind, id) = (ObjectKind::Department, ops);
    desk.edit(Edit::End { kind, id }).unwrap();
    let refused = desk.department("OPS").unwrap_err();
    assert!(matches!(refused, Refusal::Held { by, .. } if by == ops));
    assert!(desk.rename(kind, lab, "ops").is_err());
}

#[test]
fn an_update_that_says_what_is_so_changes_nothing() {
    let (mut desk, ops, _) = Desk::new();
    assert!(
        desk.rename(ObjectKind::Department, ops, "ops")
            .unwrap()
            .is_empty()
    );
    let patch = Patch {
        description: Some(Some("who runs it".to_owned())),
        enabled: Some(false),
        ..Patch::default()
    };
    let (kind, id) = (ObjectKind::Department, ops);
    let edit = Edit::Update { kind, id, patch };
    assert_eq!(desk.edit(edit.clone()).unwrap().put, [(kind, id)]);
    assert!(desk.edit(edit).unwrap().is_empty());
    let patch = Patch {
        description: Some(Some("d".repeat(2000))),
        ..Patch::default()
    };
    assert!(desk.edit(Edit::Update { kind, id, patch }).is_err());
}

#[test]
fn projects_are_made_and_switched_on_within_what_is_on_and_off_from_the_inside() {
    let (mut desk, ops, _) = Desk::new();
    let outer = desk.project(ops, "outer", None).unwrap();
    let inner = desk.project(ops, "inner", Some(outer)).unwrap();
    let (department, project) = (ObjectKind::Department, ObjectKind::Project);
    let switch = |desk: &mut Desk, kind, id, on| {
        let patch = Patch {
            enabled: Some(on),
            ..Patch::default()
        };
        desk.edit(Edit::Update { kind, id, patch }).map(drop)
    };
    let refused = switch(&mut desk, project, outer, false).unwrap_err();
    assert!(refused.to_string().contains("\"inner\""), "{refused}");
    switch(&mut desk, project, inner, false).unwrap();
    switch(&mut desk, project, outer, false).unwrap();
    assert!(switch(&mut desk, project, inner, true).is_err());
    assert!(desk.project(ops, "another", Some(outer)).is_err());
    switch(&mut desk, project, outer, true).unwrap();
    switch(&mut desk, project, inner, true).unwrap();
    // A department takes no notice of what is in it.
    switch(&mut desk, department, ops, false).unwrap();
    assert!(desk.project(ops, "another", None).is_err());
    switch(&mut desk, project, inner, false).unwrap();
    assert!(switch(&mut desk, project, inner, true).is_err());
    desk.user(ops, "ann").unwrap();
    switch(&mut desk, department, ops, true).unwrap();
    switch(&mut desk, project, inner, true).unwrap();
}
