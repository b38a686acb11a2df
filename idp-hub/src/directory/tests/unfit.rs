//! What a region has and no administrator could make: told, and not taken in.

use super::*;

fn skipped(plan: &Plan) -> Vec<(ObjectKind, &str, Reason)> {
    let all = plan.steps.iter().filter_map(|it| match &it.action {
        Action::Skip { name, why, .. } if *why != Reason::Reserved => {
            Some((it.kind, name.as_str(), *why))
        }
        _ => None,
    });
    all.collect()
}

#[test]
fn a_name_that_not_every_keystone_keeps_stays_the_regions_own_with_what_is_in_it() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    home.department("ops");
    home.department(" lab");
    home.user(" lab", "eve");
    for name in ["ann ", "b\u{1b}b", "   "] {
        home.user("ops", name);
    }
    home.user("ops", "the boss");
    let plan = join(&mut directory, &mut home);
    assert_eq!(
        skipped(&plan),
        [
            (ObjectKind::Department, " lab", Reason::NameUnfit),
            (ObjectKind::User, "eve", Reason::AboveIsOut),
            (ObjectKind::User, "ann ", Reason::NameUnfit),
            (ObjectKind::User, "b\u{1b}b", Reason::NameUnfit),
            (ObjectKind::User, "   ", Reason::Unusable),
        ]
    );
    assert_eq!(departments(&directory), ["ops"]);
    assert_eq!(directory.live().users.len(), 1);
}

#[test]
fn what_is_in_a_department_that_was_not_read_yet_is_said_to_wait_for_it() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    home.department("ops");
    home.user("ops", "eve");
    let departments = std::mem::take(&mut home.organization.departments);
    let plan = join(&mut directory, &mut home);
    assert_eq!(
        skipped(&plan),
        [(ObjectKind::User, "eve", Reason::AboveIsUnread)]
    );
    home.organization.departments = departments;
    let plan = join(&mut directory, &mut home);
    assert_eq!(skipped(&plan), []);
    assert_eq!(directory.live().users.len(), 1);
}

#[test]
fn an_address_that_is_none_is_not_taken_from_its_user_and_he_not_in() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    home.department("ops");
    let (ann, bob) = (home.user("ops", "ann"), home.user("ops", "bob"));
    let users = &mut home.organization.users;
    users.get_mut(&ann).unwrap().email = Some("a".repeat(256));
    users.get_mut(&bob).unwrap().email = Some("b".repeat(255));
    let plan = join(&mut directory, &mut home);
    assert_eq!(
        skipped(&plan),
        [(ObjectKind::User, "ann", Reason::EmailUnfit)]
    );
}

#[test]
fn projects_that_are_nested_too_deep_stay_the_regions_own() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    home.department("ops");
    let mut outer = home.project("ops", "p1");
    for depth in 2..=7 {
        outer = home.nested("ops", &format!("p{depth}"), &outer);
    }
    let expected = [
        (ObjectKind::Project, "p6", Reason::TooDeep),
        (ObjectKind::Project, "p7", Reason::AboveIsOut),
    ];
    assert_eq!(skipped(&join(&mut directory, &mut home)), expected);
    assert_eq!(directory.live().projects.len(), 5);
    // Nor below what the directory knows.
    assert_eq!(skipped(&join(&mut directory, &mut home)), expected);
}

#[test]
fn a_project_is_not_nested_in_another_departments() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    home.department("ops");
    home.department("lab");
    let outer = home.project("ops", "outer");
    home.nested("lab", "inner", &outer);
    let plan = join(&mut directory, &mut home);
    let expected = (ObjectKind::Project, "inner", Reason::OuterElsewhere);
    assert_eq!(skipped(&plan), [expected]);
}

#[test]
fn no_department_of_the_directory_is_called_as_each_regions_own() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    let own = home.named_department("Default");
    home.organization.departments.get_mut(&own).unwrap().name = "ours".to_owned();
    let id = home.department("default");
    join(&mut directory, &mut home);
    assert_eq!(departments(&directory), [format!("default_{id}")]);
}

#[test]
fn a_departments_own_role_counts_in_no_other_one() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    let ops = home.department("ops");
    home.department("lab");
    let own = home.role("operator");
    home.organization.roles.get_mut(&own).unwrap().department = Some(ops);
    let member = home.role("member");
    home.implies(&member, &own);
    home.implies(&own, &member);
    let (web, shop) = (home.project("ops", "web"), home.project("lab", "shop"));
    let ann = home.user("ops", "ann");
    for project in [web, shop] {
        let assignment = Assignment {
            actor: Actor::User(ann.clone()),
            scope: Scope::Project(project),
            role: own.clone(),
            inherited: false,
        };
        home.organization.assignments.insert(assignment);
    }
    let plan = join(&mut directory, &mut home);
    assert_eq!(plan.links.unfit, 2);
    assert_eq!(
        (plan.links.assignments.len(), plan.links.implications.len()),
        (1, 1)
    );
}

#[test]
fn a_description_is_cut_to_what_is_kept() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    let ops = home.department("ops");
    let department = home.organization.departments.get_mut(&ops).unwrap();
    department.description = Some("d".repeat(2000));
    join(&mut directory, &mut home);
    let ops = directory.live().departments.values().next().unwrap();
    assert_eq!(ops.description.as_ref().unwrap().len(), 1020);
}

#[test]
fn what_is_not_as_it_should_be_can_be_switched_off_renamed_and_ended() {
    let (mut directory, _home) = with_a_home();
    let (id, ann) = directory.live.users.iter_mut().next().unwrap();
    let (kind, id) = (ObjectKind::User, *id);
    ann.email = Some("a".repeat(300));
    ann.description = Some("d".repeat(2000));
    ann.name = " ann".to_owned();
    let off = Patch {
        enabled: Some(false),
        ..Patch::default()
    };
    let renamed = Patch {
        name: Some("ann".to_owned()),
        ..Patch::default()
    };
    for patch in [off, renamed] {
        let delta = directory.change(Edit::Update { kind, id, patch }, &stamp());
        assert_eq!(delta.unwrap().put, [(kind, id)]);
    }
    let worse = Patch {
        email: Some(Some("b".repeat(300))),
        ..Patch::default()
    };
    let patch = worse;
    let refused = directory.change(Edit::Update { kind, id, patch }, &stamp());
    assert!(matches!(refused, Err(Refusal::Wrong { .. })));
    assert!(directory.change(Edit::End { kind, id }, &stamp()).is_ok());
}

/// Keystone switches off no project before those in it, and the hub lets nobody say so either.
#[test]
fn what_is_in_a_project_that_the_directory_has_switched_off_is_taken_in_switched_off() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    home.department("ops");
    let outer = home.project("ops", "outer");
    join(&mut directory, &mut home);
    let mut known = directory.live.projects.values_mut();
    known.find(|it| it.name == "outer").unwrap().enabled = false;
    let inner = home.nested("ops", "inner", &outer);
    home.nested("ops", "innermost", &inner);
    home.project("ops", "beside");
    let off = home.project("ops", "off");
    home.organization.projects.get_mut(&off).unwrap().enabled = false;
    let plan = join(&mut directory, &mut home);
    let switched_off = plan.steps.iter().filter_map(|it| match &it.action {
        Action::Adopt {
            object,
            is_switched_off: true,
            ..
        } => Some(object.name()),
        _ => None,
    });
    let switched_off: BTreeSet<&str> = switched_off.collect();
    assert_eq!(switched_off, ["inner", "innermost"].into(), "in the region");
    let projects = directory.live().projects.values();
    let mut on: Vec<_> = projects.map(|it| (it.name.as_str(), it.enabled)).collect();
    on.retain(|(name, _)| *name != "admin");
    on.sort_unstable();
    assert_eq!(
        on,
        [
            ("beside", true),
            ("inner", false),
            ("innermost", false),
            ("off", false),
            ("outer", false),
        ]
    );
}
