//! Names that meet in a merge.

use std::collections::BTreeSet;

use shared::model::{Folded, Object};

use super::*;

/// Nothing that the directory has is named as another one of its department, to any database.
pub(super) fn no_two_are_the_same(directory: &Directory) {
    let live = directory.live();
    let mut seen = BTreeSet::new();
    let departments = live.departments.values().map(|it| ("d", None, &it.name));
    let projects = live
        .projects
        .values()
        .map(|it| ("p", Some(it.department), &it.name));
    let users = live
        .users
        .values()
        .map(|it| ("u", Some(it.department), &it.name));
    let groups = live
        .groups
        .values()
        .map(|it| ("g", Some(it.department), &it.name));
    let roles = live.roles.values().map(|it| ("r", it.department, &it.name));
    for (kind, of, name) in departments
        .chain(projects)
        .chain(users)
        .chain(groups)
        .chain(roles)
    {
        assert!(
            seen.insert((kind, of, Folded::new(name))),
            "{kind} {name:?} twice"
        );
    }
}

fn id_of(directory: &Directory, name: &str) -> (ObjectKind, ObjectId) {
    let live = directory.live();
    let mut departments = live.departments.iter();
    if let Some((id, _)) = departments.find(|(_, it)| it.name == name) {
        return (ObjectKind::Department, *id);
    }
    let mut projects = live.projects.iter();
    let (id, _) = projects.find(|(_, it)| it.name == name).unwrap();
    (ObjectKind::Project, *id)
}

#[test]
fn of_two_names_that_some_database_takes_for_the_same_the_equal_one_is_recognized() {
    for names in [["Ann", "ann"], ["ann", "Ann"]] {
        let (mut directory, _home) = with_a_home();
        let mut north = Cloud::new(2);
        north.department("lab");
        join(&mut directory, &mut north);
        let mut ours = north.organization.users.iter();
        let (ann, _) = ours.find(|(_, it)| it.name == "ann").unwrap();
        let ann = ann.clone();
        north.organization.users.remove(&ann);
        names.iter().for_each(|name| drop(north.user("ops", name)));
        let plan = plan(&directory, &north.arrival());
        let steps = plan.steps.iter().filter(|it| it.kind == ObjectKind::User);
        for step in steps {
            match &step.action {
                Action::Recognize { here, rename, .. } => {
                    assert_eq!(north.organization.users[here].name, "ann");
                    assert_eq!(*rename, None);
                }
                Action::Skip { name, why, .. } => {
                    assert_eq!((&**name, *why), ("Ann", Reason::SameName));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_departments_namesake_that_was_retired_has_the_name_still() {
    let (mut directory, _home) = with_a_home();
    let (kind, ops) = id_of(&directory, "ops");
    directory.end(kind, ops, End::Retired, &stamp());
    let mut north = Cloud::new(2);
    let id = north.department("Ops");
    north.user("Ops", "bob");
    join(&mut directory, &mut north);
    let renamed = format!("Ops_{id}");
    assert_eq!(departments(&directory), [renamed.as_str()]);
    assert!(north.has_user(&renamed, "bob"));
    assert_eq!(
        join(&mut directory, &mut north).renames().count(),
        0,
        "once"
    );
}

#[test]
fn a_projects_namesake_that_was_retired_has_the_name_still() {
    let (mut directory, _home) = with_a_home();
    let (kind, web) = id_of(&directory, "web");
    directory.end(kind, web, End::Retired, &stamp());
    let mut south = Cloud::new(3);
    join(&mut directory, &mut south);
    let outer = south.project("ops", "WEB");
    south.nested("ops", "inner", &outer);
    south.project("ops", "shop");
    let plan = join(&mut directory, &mut south);
    let skipped = plan.steps.iter().filter_map(|it| match &it.action {
        Action::Skip { name, why, .. } if it.kind == ObjectKind::Project => Some((&**name, *why)),
        _ => None,
    });
    let skipped: Vec<(&str, Reason)> = skipped.collect();
    assert_eq!(
        skipped,
        [("WEB", Reason::NameHeld), ("inner", Reason::AboveIsOut)]
    );
    let live = directory.live().projects.values();
    assert_eq!(live.map(|it| &*it.name).collect::<Vec<_>>(), ["shop"]);
}

#[test]
fn two_that_an_earlier_release_took_for_different_stay_both() {
    let (mut directory, mut home) = with_a_home();
    home.user("ops", "weis");
    join(&mut directory, &mut home);
    let sharp = home.user("ops", "wei\u{df}");
    assert!(
        plan(&directory, &home.arrival())
            .steps
            .iter()
            .any(|it| matches!(
                &it.action,
                Action::Skip { name, why, .. } if name == "wei\u{df}" && *why == Reason::SameName
            )),
        "no more of them"
    );
    let weis = directory.live().users.values().find(|it| it.name == "weis");
    let mut user = weis.unwrap().clone();
    user.name = "wei\u{df}".to_owned();
    let id = ObjectId::from_random(77);
    directory.live.insert(id, Object::User(user));
    directory.stamps.insert(id, stamp());
    home.remember(ObjectKind::User, sharp, id);
    let again = join(&mut directory, &mut home);
    let of_users = again.steps.iter().filter(|it| it.kind == ObjectKind::User);
    let known = of_users.filter(|it| {
        matches!(
            &it.action,
            Action::Recognize { rename: None, differs, .. } if differs.is_empty()
        )
    });
    assert_eq!(known.count(), 3, "{again:?}");
    let patch = Patch {
        description: Some(Some("the one with the sharp s".to_owned())),
        ..Patch::default()
    };
    let kind = ObjectKind::User;
    let edited = directory.change(Edit::Update { kind, id, patch }, &stamp());
    assert!(edited.is_ok(), "{edited:?}");
}
