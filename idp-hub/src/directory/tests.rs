//! Merging as an operator sees it, and what holds for any organizations.

mod administration;
mod cloud;
mod exposed;
mod names;
mod powers;
mod properties;
mod restored;
mod taken_over;
mod unfit;

use std::collections::BTreeSet;

use shared::ids::{FederationId, RegionId};
use shared::model::{Actor, Assignment, CloudId, Implication, Membership, ObjectKind, Scope};

use self::cloud::Cloud;
// What becomes of a region's own, without what a first merge founds.
use super::merge::planned as plan;
use super::*;

const FEDERATION: u128 = 7;

fn directory() -> Directory {
    Directory::new(FederationId::from_random(FEDERATION))
}

fn stamp() -> Stamp {
    Stamp {
        author: "admin".to_owned(),
        at: UnixMillis(1),
        epoch: 1,
    }
}

/// Merges a cloud in, as agent and hub do together: what the plan says is done in both.
fn join(directory: &mut Directory, cloud: &mut Cloud) -> Plan {
    let plan = plan(directory, &cloud.arrival());
    directory.merge(&plan, &stamp());
    cloud.follow(&plan, directory);
    plan
}

fn departments(directory: &Directory) -> Vec<&str> {
    let departments = directory.live().departments.values();
    let mut names: Vec<&str> = departments.map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// The directory of a home region with the department `ops`, in which `ann` is a member of `web`.
fn with_a_home() -> (Directory, Cloud) {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    home.department("ops");
    home.project("ops", "web");
    home.user("ops", "ann");
    home.assign("ann", "web", "member");
    join(&mut directory, &mut home);
    (directory, home)
}

#[test]
fn the_home_regions_organization_is_the_directorys_beginning() {
    let (directory, home) = with_a_home();
    assert_eq!(departments(&directory), ["ops"], "Default stays its own");
    let live = directory.live();
    assert_eq!((live.projects.len(), live.users.len()), (1, 1));
    assert_eq!(live.assignments.len(), 1);
    assert!(live.roles.values().any(|it| it.name == "member"));
    let id = live.users.keys().next().unwrap();
    assert_eq!(directory.stamp(*id), Some(&stamp()));
    assert_eq!(home.departments(), ["Default", "ops"]);
}

#[test]
fn names_without_conflict_are_taken_as_they_are_and_made_in_the_region() {
    let (mut directory, _home) = with_a_home();
    let mut north = Cloud::new(2);
    north.department("research");
    north.user("research", "bob");
    let plan = join(&mut directory, &mut north);
    assert_eq!(departments(&directory), ["ops", "research"]);
    assert_eq!(plan.renames().count(), 0);
    assert_eq!(north.departments(), ["Default", "ops", "research"]);
    assert!(north.has_user("ops", "ann") && north.has_user("research", "bob"));
}

#[test]
fn a_departments_name_that_is_taken_gives_way_in_the_region_too() {
    let (mut directory, _home) = with_a_home();
    let mut north = Cloud::new(2);
    let id = north.department("OPS").to_string();
    north.user("OPS", "ann");
    let plan = join(&mut directory, &mut north);
    let renamed = format!("OPS_{id}");
    assert_eq!(departments(&directory), [renamed.as_str(), "ops"]);
    assert_eq!(plan.renames().count(), 1);
    assert!(north.has_user(&renamed, "ann") && north.has_user("ops", "ann"));
    assert_eq!(directory.live().users.len(), 2, "two people of one name");
}

#[test]
fn global_roles_of_one_name_are_one_and_bring_no_others_along() {
    let (mut directory, mut home) = with_a_home();
    home.role("manager");
    join(&mut directory, &mut home);
    let mut north = Cloud::new(2);
    let (auditor, member) = (north.role("auditor"), north.role("member"));
    let manager = north.role("manager");
    north.implies(&auditor, &member);
    north.implies(&member, &manager);
    let plan = join(&mut directory, &mut north);
    let names: Vec<&str> = directory
        .live()
        .roles
        .values()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names.iter().filter(|it| **it == "member").count(), 1);
    assert!(names.contains(&"auditor"));
    assert_eq!(
        plan.links.implications.len(),
        1,
        "auditor is new, and brings its own"
    );
    assert_eq!(
        plan.links.superseded, 1,
        "members do not become managers everywhere"
    );
}

#[test]
fn the_regions_administrator_and_his_project_in_default_are_not_touched() {
    let (mut directory, _home) = with_a_home();
    let mut north = Cloud::new(2);
    north.administrator();
    let before = north.organization.clone();
    let plan = join(&mut directory, &mut north);
    assert_eq!(plan.renames().count(), 0);
    let users = &directory.live().users;
    assert!(!users.values().any(|it| it.name.starts_with("admin")));
    let own = before.users.iter().zip(&north.organization.users);
    assert!(before.users.len() == 1 && own.clone().all(|(was, is)| was == is));
}

#[test]
fn what_was_taken_away_meanwhile_does_not_come_back_with_a_region() {
    let (mut directory, mut home) = with_a_home();
    let assignment = directory.live.assignments.pop_first().unwrap();
    let plan = join(&mut directory, &mut home);
    assert_eq!(plan.links.superseded, 1);
    assert!(!directory.live().assignments.contains(&assignment));
}

#[test]
fn a_region_of_another_federation_is_not_known_by_its_markers() {
    let (mut directory, _home) = with_a_home();
    let mut elsewhere = Directory::new(FederationId::from_random(FEDERATION + 1));
    let mut north = Cloud::new(2);
    north.department("research");
    join(&mut elsewhere, &mut north);
    let plan = join(&mut directory, &mut north);
    let by_marker = plan.steps.iter().filter(|step| {
        matches!(
            step.action,
            Action::Recognize {
                by: Evidence::Marker,
                ..
            }
        )
    });
    assert_eq!(by_marker.count(), 0);
    assert!(departments(&directory).contains(&"research"));
}

#[test]
fn nested_projects_are_made_outer_ones_first_and_circles_stay_outside() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    home.department("ops");
    let outer = home.project("ops", "z-outer");
    let inner = home.nested("ops", "a-inner", &outer);
    home.nested("ops", "b-innermost", &inner);
    let lost = home.nested("ops", "lost", &CloudId::new("nobody"));
    home.nested("ops", "below-lost", &lost);
    let circle = home.nested("ops", "circle", &CloudId::new("nobody"));
    home.nest(&circle, &circle);
    let plan = join(&mut directory, &mut home);
    let names: Vec<&str> = plan.adopted().map(|(_, it)| it.name()).collect();
    let projects: Vec<&str> = names.into_iter().filter(|it| it.contains('-')).collect();
    assert_eq!(projects, ["z-outer", "a-inner", "b-innermost"]);
    let reasons: Vec<Reason> = plan
        .steps
        .iter()
        .filter_map(|it| match it.action {
            Action::Skip { why, .. } if it.kind == ObjectKind::Project => Some(why),
            _ => None,
        })
        .collect();
    assert_eq!(
        reasons,
        [Reason::AboveIsUnread, Reason::AboveIsOut, Reason::Unusable]
    );
    let mut north = Cloud::new(2);
    let plan = join(&mut directory, &mut north);
    let created = plan
        .steps
        .iter()
        .filter(|it| it.kind == ObjectKind::Project);
    let created: Vec<&str> = created
        .filter_map(|it| match it.action {
            Action::Create { id } => Some(directory.live().projects[&id].name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(created, ["z-outer", "a-inner", "b-innermost"]);
}

#[test]
fn a_department_that_the_region_reserves_blocks_the_directorys_of_that_name() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    home.department("heat");
    home.user("heat", "ann");
    join(&mut directory, &mut home);
    let mut north = Cloud::new(2);
    let heat = north.department("heat");
    north.reserve(ObjectKind::Department, &heat);
    let plan = plan(&directory, &north.arrival());
    let blocked: Vec<ObjectKind> = plan
        .steps
        .iter()
        .filter(|it| matches!(it.action, Action::Block { .. }))
        .map(|it| it.kind)
        .collect();
    assert_eq!(blocked, [ObjectKind::Department, ObjectKind::User]);
}

#[test]
fn two_of_one_name_to_some_database_are_not_both_taken_in() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    home.department("ops");
    home.user("ops", "bob");
    home.user("ops", "Bob");
    let plan = join(&mut directory, &mut home);
    assert_eq!(directory.live().users.len(), 1);
    let skipped = plan.steps.iter().filter(|it| {
        matches!(
            &it.action,
            Action::Skip {
                why: Reason::SameName,
                ..
            }
        )
    });
    assert_eq!(skipped.count(), 1);
}

#[test]
fn unusable_names_stay_outside() {
    let mut directory = directory();
    let mut home = Cloud::new(1);
    home.department("");
    home.department(&"d".repeat(65));
    home.department("ops");
    home.user("ops", &"\u{7528}".repeat(255));
    home.user("ops", &"u".repeat(256));
    join(&mut directory, &mut home);
    assert_eq!(departments(&directory), ["ops"]);
    assert_eq!(directory.live().users.len(), 1);
}

#[test]
fn a_thing_that_the_region_reserves_keeps_its_name_to_itself() {
    let (mut directory, _home) = with_a_home();
    let mut north = Cloud::new(2);
    join(&mut directory, &mut north);
    let ann = north.organization.users.iter();
    let (ann, _) = ann.clone().find(|(_, it)| it.name == "ann").unwrap();
    north.reserve(ObjectKind::User, &ann.clone());
    let plan = plan(&directory, &north.arrival());
    let of_ann: Vec<&Action> = plan
        .steps
        .iter()
        .filter(|it| it.kind == ObjectKind::User)
        .map(|it| &it.action)
        .collect();
    let [skipped, blocked] = of_ann[..] else {
        panic!("{of_ann:?}");
    };
    assert!(matches!(
        skipped,
        Action::Skip {
            why: Reason::Reserved,
            ..
        }
    ));
    assert!(matches!(
        blocked,
        Action::Block {
            why: Obstacle::NameReserved,
            ..
        }
    ));
}

#[test]
fn the_plan_says_what_the_region_loses_to_the_directory() {
    let (mut directory, _home) = with_a_home();
    let mut north = Cloud::new(2);
    join(&mut directory, &mut north);
    north.forget_the_map();
    let web = north.named_project("web");
    let ann = north.organization.users.values_mut();
    for user in ann.filter(|it| it.name == "ann") {
        user.enabled = false;
        user.email = Some("ann@north".to_owned());
        user.description = None;
        user.default_project = Some(web.clone());
    }
    let plan = plan(&directory, &north.arrival());
    let changes: Vec<&[Field]> = plan
        .steps
        .iter()
        .filter_map(|it| match &it.action {
            Action::Recognize { changes, .. } if !changes.is_empty() => Some(&changes[..]),
            _ => None,
        })
        .collect();
    // No description differs from an empty one, which the home's users have.
    let expected = [
        Field::Enabled(true),
        Field::Description,
        Field::Email,
        Field::DefaultProject,
    ];
    assert_eq!(changes, [&expected[..]]);
}

#[test]
fn of_what_was_merged_before_the_plan_promises_nothing() {
    let (mut directory, _home) = with_a_home();
    let mut north = Cloud::new(2);
    join(&mut directory, &mut north);
    for user in north.organization.users.values_mut() {
        user.name = "anna".to_owned();
        user.enabled = false;
    }
    let plan = plan(&directory, &north.arrival());
    assert_eq!(plan.renames().count(), 0);
    let differs = plan.steps.iter().filter_map(|it| match &it.action {
        Action::Recognize {
            rename,
            changes,
            differs,
            ..
        } => {
            assert!(rename.is_none() && changes.is_empty());
            Some(&differs[..])
        }
        _ => None,
    });
    let all: Vec<Field> = differs.flatten().copied().collect();
    assert_eq!(all, [Field::Name, Field::Enabled(true)]);
}

#[test]
fn the_plan_says_whether_somebody_is_switched_on_or_off_there() {
    let (mut directory, _home) = with_a_home();
    let mut north = Cloud::new(2);
    join(&mut directory, &mut north);
    north.forget_the_map();
    for is_on in [true, false] {
        let ours = directory.live.users.values_mut();
        ours.for_each(|it| it.enabled = is_on);
        let there = north.organization.users.values_mut();
        there.for_each(|it| it.enabled = !is_on);
        let plan = plan(&directory, &north.arrival());
        let changes = plan.steps.iter().filter_map(|it| match &it.action {
            Action::Recognize { changes, .. } => Some(&changes[..]),
            _ => None,
        });
        let all: Vec<Field> = changes.flatten().copied().collect();
        assert_eq!(all, [Field::Enabled(is_on)]);
    }
}

#[test]
fn the_plan_says_whose_the_region_was_until_it_is_taken_over() {
    let (mut directory, _home) = with_a_home();
    let elsewhere = FederationId::from_random(FEDERATION + 1);
    let mut north = Cloud::new(2);
    north.department("research");
    join(&mut Directory::new(elsewhere), &mut north);
    north.forget_the_map();
    let first = plan(&directory, &north.arrival());
    assert_eq!(first.foreign, BTreeSet::from([elsewhere]));
    let again = plan(&directory, &north.arrival());
    assert_eq!(first.digest(), again.digest());
    // The hub has merged it; the region has not written its own markers yet.
    directory.merge(&first, &stamp());
    let map = first.identities();
    let map = map.map(|(kind, here, id)| (kind, here.clone(), id));
    map.for_each(|(kind, here, id)| north.remember(kind, here, id));
    let merged = plan(&directory, &north.arrival());
    assert!(merged.foreign.is_empty());
    assert_ne!(merged.digest(), first.digest());
}
