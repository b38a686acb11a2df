//! The place of the federation's own administrators: founded, kept, and who comes to have it.

use shared::model::{Actor, Administration, Department, Link, Object, Role, Scope, User};

use super::*;
use crate::directory::rights;

fn place() -> Administration {
    Administration::of(FederationId::from_random(FEDERATION))
}

/// Merges a cloud in as [`join`] does, with all that a first merge does.
fn enter(directory: &mut Directory, cloud: &mut Cloud) -> Plan {
    let plan = crate::directory::plan(directory, &cloud.arrival());
    directory.merge(&plan, &stamp());
    cloud.follow(&plan, directory);
    plan
}

fn founded(plan: &Plan) -> Vec<(ObjectKind, String)> {
    let steps = plan.steps.iter();
    let founded = steps.filter_map(|it| match &it.action {
        Action::Found { object, .. } => Some((it.kind, object.name().to_owned())),
        _ => None,
    });
    founded.collect()
}

/// A home region with the role `admin`, a department `ops` and two users in it.
fn with_users() -> (Directory, Cloud, [ObjectId; 2]) {
    let (mut directory, mut home) = (directory(), Cloud::new(1));
    home.department("ops");
    home.project("ops", "web");
    home.user("ops", "ann");
    home.user("ops", "bob");
    home.assign("ann", "web", "admin");
    enter(&mut directory, &mut home);
    let named = |name: &str| {
        let mut users = directory.live().users.iter();
        *users.find(|(_, it)| it.name == name).unwrap().0
    };
    let users = [named("ann"), named("bob")];
    (directory, home, users)
}

fn change(directory: &mut Directory, edit: Edit) -> Result<Delta, Refusal> {
    directory.change(edit, &stamp())
}

fn dismissal(user: ObjectId, even_the_last: bool) -> Edit {
    Edit::Dismiss {
        user,
        even_the_last,
    }
}

#[test]
fn its_project_is_never_called_as_those_of_services_are() {
    for (of_the_agent, expected) in [("operators", "operators"), ("Service", "admin")] {
        let (directory, mut home) = (directory(), Cloud::new(1));
        home.department("ops");
        let mut arrival = home.arrival();
        arrival.admin_project = of_the_agent;
        let plan = crate::directory::plan(&directory, &arrival);
        let project = (ObjectKind::Project, expected.to_owned());
        assert!(founded(&plan).contains(&project), "{of_the_agent}");
    }
}

#[test]
fn the_first_merge_founds_it_and_every_region_gets_it() {
    let (mut directory, mut home) = (directory(), Cloud::new(1));
    home.department("ops");
    let plan = enter(&mut directory, &mut home);
    let expected = [
        (ObjectKind::Department, "federation"),
        (ObjectKind::Project, "admin"),
    ];
    assert_eq!(
        founded(&plan),
        expected.map(|(kind, name)| (kind, name.to_owned()))
    );
    let project = &directory.live().projects[&place().project];
    assert_eq!(project.department, place().department);
    let made = |plan: &Plan, id| {
        let mut steps = plan.steps.iter();
        steps.any(|it| it.action == Action::Create { id })
    };
    assert!(made(&plan, place().department) && made(&plan, place().project));

    let again = enter(&mut directory, &mut home);
    assert_eq!(founded(&again), []);
    let mut north = Cloud::new(2);
    north.department("lab");
    let plan = enter(&mut directory, &mut north);
    assert_eq!(founded(&plan), []);
    assert!(made(&plan, place().project), "in the second region as well");
}

#[test]
fn a_department_that_has_its_name_already_keeps_it() {
    let (mut directory, mut home) = (directory(), Cloud::new(1));
    home.department("Federation");
    enter(&mut directory, &mut home);
    let name = &directory.live().departments[&place().department].name;
    assert_eq!(*name, format!("federation_{}", directory.federation()));
    assert!(departments(&directory).contains(&"Federation"));

    let (mut directory, ..) = with_users();
    let mut north = Cloud::new(2);
    north.department("federation");
    let plan = enter(&mut directory, &mut north);
    let mut renames = plan.renames();
    let (.., rename) = renames.next().unwrap();
    assert!(
        rename.to.starts_with("federation_"),
        "a later region gives way: {rename:?}"
    );
}

#[test]
fn administrators_come_and_go_by_an_edit_of_their_own() {
    let (mut directory, _, [ann, bob]) = with_users();
    assert!(
        directory.administrators().is_empty(),
        "`admin` elsewhere makes nobody one"
    );
    assert_eq!(
        change(&mut directory, Edit::Appoint(ann))
            .unwrap()
            .linked
            .len(),
        1
    );
    assert!(
        change(&mut directory, Edit::Appoint(ann))
            .unwrap()
            .is_empty()
    );
    assert_eq!(directory.administrators(), [ann].into());
    let refused = change(&mut directory, dismissal(ann, false)).unwrap_err();
    assert!(refused.to_string().contains("--last"), "{refused}");
    change(&mut directory, Edit::Appoint(bob)).unwrap();
    change(&mut directory, dismissal(ann, false)).unwrap();
    // Nobody is told of somebody who goes on being `admin` that he is stopped.
    let refused = change(&mut directory, dismissal(ann, false)).unwrap_err();
    let refused = refused.to_string();
    assert!(refused.contains("is none of the federation's"), "{refused}");
    let by = rights::admin_given_to(directory.live(), ann);
    let [by] = by[..] else {
        panic!("{by:?}");
    };
    assert!(refused.contains(&by.id().to_string()), "{refused}");
    change(&mut directory, dismissal(bob, true)).unwrap();
    assert!(directory.administrators().is_empty());
    let unknown = change(&mut directory, Edit::Appoint(ObjectId::from_random(99)));
    assert!(matches!(unknown, Err(Refusal::Missing { .. })));
}

#[test]
fn the_last_one_is_not_lost_by_the_way() {
    let (mut directory, _, [ann, bob]) = with_users();
    let ops = directory.live().users[&ann].department;
    change(&mut directory, Edit::Appoint(ann)).unwrap();
    let off = |kind, id| Edit::Update {
        kind,
        id,
        patch: Patch {
            enabled: Some(false),
            ..Patch::default()
        },
    };
    let end = |kind, id| Edit::End { kind, id };
    let admin = directory
        .live()
        .roles
        .iter()
        .find(|(_, it)| it.is_cloud_admin());
    let link = Link::Assignment(place().link(ann, *admin.unwrap().0));
    let all = [
        off(ObjectKind::User, ann),
        off(ObjectKind::Department, ops),
        end(ObjectKind::User, ann),
        end(ObjectKind::Department, ops),
        Edit::Unlink(link),
    ];
    for edit in all {
        let refused = change(&mut directory, edit.clone());
        assert!(
            matches!(refused, Err(Refusal::Wrong { .. })),
            "{edit:?}: {refused:?}"
        );
    }
    change(&mut directory, off(ObjectKind::User, bob)).unwrap();
    change(&mut directory, Edit::Appoint(bob)).unwrap();
    let refused = change(&mut directory, off(ObjectKind::User, ann));
    assert!(refused.is_err(), "one who is switched off is no other one");
    change(&mut directory, dismissal(ann, true)).unwrap();
    change(&mut directory, off(ObjectKind::User, ann)).unwrap();
}

#[test]
fn the_place_stays_and_nobody_else_has_a_role_there() {
    let (mut directory, _, [ann, _]) = with_users();
    let place = place();
    let (department, project) = (ObjectKind::Department, ObjectKind::Project);
    for (kind, id) in [(department, place.department), (project, place.project)] {
        assert!(change(&mut directory, Edit::End { kind, id }).is_err());
        let mut patch = Patch {
            enabled: Some(false),
            ..Patch::default()
        };
        let off = Edit::Update {
            kind,
            id,
            patch: patch.clone(),
        };
        assert!(change(&mut directory, off).is_err());
        patch = Patch {
            name: Some("chiefs".to_owned()),
            ..Patch::default()
        };
        let renamed = Edit::Update { kind, id, patch };
        change(&mut directory, renamed).unwrap();
    }
    let roles: Vec<ObjectId> = directory.live().roles.keys().copied().collect();
    for role in roles {
        for (scope, inherited) in [
            (Scope::Project(place.project), false),
            (Scope::Project(place.project), true),
            (Scope::Department(place.department), true),
        ] {
            let actor = Actor::User(ann);
            let link = Link::Assignment(Assignment {
                actor,
                scope,
                role,
                inherited,
            });
            let refused = change(&mut directory, Edit::Link(link));
            assert!(matches!(refused, Err(Refusal::Wrong { .. })), "{refused:?}");
        }
    }
}

#[test]
fn without_the_role_admin_there_is_none_and_the_place_is_made_when_it_is_needed() {
    let mut directory = directory();
    let [ops, ann, admin] = [1, 2, 3].map(ObjectId::from_random);
    let (name, description) = ("ops".to_owned(), None);
    let object = Object::Department(Department {
        name,
        description,
        enabled: true,
    });
    change(&mut directory, Edit::Create { id: ops, object }).unwrap();
    let object = Object::User(User {
        department: ops,
        name: "ann".to_owned(),
        description: None,
        email: None,
        enabled: true,
        default_project: None,
    });
    change(&mut directory, Edit::Create { id: ann, object }).unwrap();
    let refused = change(&mut directory, Edit::Appoint(ann)).unwrap_err();
    assert!(refused.to_string().contains("no role"), "{refused}");
    let object = Object::Role(Role {
        department: None,
        name: "admin".to_owned(),
        description: None,
    });
    change(&mut directory, Edit::Create { id: admin, object }).unwrap();
    let delta = change(&mut directory, Edit::Appoint(ann)).unwrap();
    assert_eq!((delta.put.len(), delta.linked.len()), (2, 1));
    assert!(directory.has(ObjectKind::Project, place().project));
}

/// A region that has the directory, and may say whatever it likes of what it has of it.
fn captured() -> (Directory, Cloud) {
    let (mut directory, ..) = with_users();
    let mut north = Cloud::new(2);
    north.department("lab");
    north.user("lab", "eve");
    enter(&mut directory, &mut north);
    (directory, north)
}

#[test]
fn no_region_makes_anybody_an_administrator() {
    let (mut directory, mut north) = captured();
    let before = directory.live().clone();
    north.user("federation", "mallory");
    let federation = north.named_department("federation");
    north.add_group(federation, "friends");
    north.project("federation", "hole");
    north.user("lab", "trudy");
    north.assign("trudy", "admin", "member");
    north.assign("trudy", "admin", "admin");
    north.assign("eve", "admin", "admin");
    let plan = enter(&mut directory, &mut north);
    let skipped = plan.steps.iter().filter(|it| {
        let why = Reason::Administration;
        matches!(&it.action, Action::Skip { why: found, .. } if *found == why)
    });
    assert_eq!(skipped.count(), 3);
    assert_eq!(plan.links.withheld.len(), 2, "{:?}", plan.links);
    assert_eq!(plan.links.superseded, 1);
    assert!(directory.administrators().is_empty());
    let of_place = |it: &&Assignment<ObjectId>| place().has(&it.scope);
    assert_eq!(
        directory.live().assignments.iter().filter(of_place).count(),
        0
    );
    assert_eq!(directory.live().groups, before.groups);
}
