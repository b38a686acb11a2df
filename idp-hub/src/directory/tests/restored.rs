//! A hub that was restored: its regions bear markers of what was made since the backup.

use proptest::prelude::*;
use shared::model::Object;

use super::names::no_two_are_the_same;
use super::properties::{add_all, clouds, made};
use super::*;

/// The directory as it was before `north` and `south` were merged, and both with their markers.
fn restored() -> (Directory, Directory, Cloud, Cloud) {
    let (mut directory, _home) = with_a_home();
    let backup = directory.clone();
    let (mut north, mut south) = (Cloud::new(2), Cloud::new(3));
    north.department("lab");
    north.user("lab", "bob");
    for _ in 0..2 {
        join(&mut directory, &mut north);
        join(&mut directory, &mut south);
    }
    north.forget_the_map();
    south.forget_the_map();
    (backup, directory, north, south)
}

/// Without links: one that a region has comes along where an end of it is new, which what was made
/// since the backup is once more. And without what a project is nested in, which stays another in a
/// region where it was so: whoever comes first says it. Nor does it tell a role's empty description
/// from none, which stays in a region that has it.
fn objects(directory: &Directory) -> Organization<ObjectId> {
    let mut all = directory.live().clone();
    all.memberships.clear();
    all.implications.clear();
    all.assignments.clear();
    all.projects.values_mut().for_each(|it| it.parent = None);
    for role in all.roles.values_mut() {
        role.description = role.description.take().filter(|it| !it.is_empty());
    }
    all
}

#[test]
fn what_was_made_since_the_backup_comes_back_as_what_it_was_whoever_comes_first() {
    for is_turned in [false, true] {
        let (mut directory, lost, north, south) = restored();
        let mut regions = [north, south];
        if is_turned {
            regions.reverse();
        }
        for region in &mut regions {
            let plan = join(&mut directory, region);
            assert_eq!(plan.renames().count(), 0);
        }
        assert_eq!(directory.live(), lost.live());
    }
}

#[test]
fn what_has_ended_stays_so_whatever_a_marker_says() {
    let (mut directory, _home) = with_a_home();
    let ann = *directory.live().users.keys().next().unwrap();
    directory.end(ObjectKind::User, ann, End::Deleted, &stamp());
    let mut north = Cloud::new(2);
    north.department("lab");
    let bob = north.user("lab", "bob");
    north.put_marker(ObjectKind::User, &bob, ann);
    let plan = join(&mut directory, &mut north);
    let of_bob = plan.steps.iter().find(|it| it.kind == ObjectKind::User);
    assert!(matches!(&of_bob.unwrap().action, Action::Withhold { id, .. } if *id == ann));
    assert!(directory.live().users.is_empty());
}

#[test]
fn no_id_is_given_twice_whatever_markers_say() {
    let (mut directory, _home) = with_a_home();
    let (ops, unknown) = (
        *directory.live().departments.keys().next().unwrap(),
        ObjectId::from_random(99),
    );
    let mut north = Cloud::new(2);
    let lab = north.department("lab");
    // One that another kind has, and one that stands on three things of two kinds.
    let (bob, eve, web) = (
        north.user("lab", "bob"),
        north.user("lab", "eve"),
        north.project("lab", "shop"),
    );
    let staff = north.add_group(lab, "staff");
    north.put_marker(ObjectKind::Group, &staff, ops);
    for (kind, here) in [
        (ObjectKind::User, &bob),
        (ObjectKind::User, &eve),
        (ObjectKind::Project, &web),
    ] {
        north.put_marker(kind, here, unknown);
    }
    let first = plan(&directory, &north.arrival());
    let ids: std::collections::BTreeSet<_> = first.adopted().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), first.adopted().count());
    assert!(ids.contains(&unknown) && !ids.contains(&ops));
    assert_eq!(plan(&directory, &north.arrival()), first);
    let before = directory.live().clone();
    join(&mut directory, &mut north);
    assert_eq!(directory.live().departments[&ops], before.departments[&ops]);
    for (id, object) in first.adopted() {
        assert_eq!(
            directory.live().object(object.kind(), &id).as_ref(),
            Some(object)
        );
    }
}

#[test]
fn where_another_thing_has_the_id_already_a_new_one_is_found() {
    let (mut directory, _home) = with_a_home();
    let mut north = Cloud::new(2);
    let first = north.department("first");
    let second = north.department("second");
    // The id that the second one would get.
    let its = ObjectId::of_region(north.region, "department", &second.to_string());
    north.put_marker(ObjectKind::Department, &first, its);
    join(&mut directory, &mut north);
    assert_eq!(departments(&directory), ["first", "ops", "second"]);
}

#[test]
fn a_name_waits_for_what_bears_the_marker() {
    let (backup, lost, _, mut south) = restored();
    let mut directory = backup;
    // Made there since, before its namesake by its id, and the same to some database.
    let lab = south.named_department("lab");
    let users = &mut south.organization.users;
    let bob = users.values().find(|it| it.name == "bob").unwrap().clone();
    let twin = shared::model::User {
        name: "Bob".to_owned(),
        department: lab,
        ..bob
    };
    users.insert(CloudId::new("00000000000000000000000000000001"), twin);
    join(&mut directory, &mut south);
    assert_eq!(directory.live().users, lost.live().users);
}

fn project(department: ObjectId, name: &str) -> Object<ObjectId> {
    Object::Project(shared::model::Project {
        department,
        parent: None,
        name: name.to_owned(),
        description: None,
        enabled: true,
    })
}

fn made_at_the_hub(directory: &mut Directory, number: u128, name: &str) -> ObjectId {
    let id = ObjectId::from_random(number);
    let (ops, _) = directory.live().departments.iter().next().unwrap();
    let object = project(*ops, name);
    let edit = Edit::Create { id, object };
    directory.change(edit, &stamp()).unwrap();
    id
}

fn rename(cloud: &mut Cloud, here: &CloudId, name: &str) {
    let project = cloud.organization.projects.get_mut(here).unwrap();
    name.clone_into(&mut project.name);
}

#[test]
fn a_marker_says_what_a_thing_is_whosever_name_it_has_by_now() {
    let (mut directory, _home) = with_a_home();
    let mut north = Cloud::new(2);
    join(&mut directory, &mut north);
    let (backup, map) = (directory.clone(), north.map());
    let shop = made_at_the_hub(&mut directory, 20, "shop");
    join(&mut directory, &mut north);
    let here = north.named_project("shop");
    // Restored, and there is another one, whose name it was given in the region.
    let mut directory = backup;
    north.restore_the_map(map);
    let store = made_at_the_hub(&mut directory, 21, "store");
    rename(&mut north, &here, "store");
    let shown = plan(&directory, &north.arrival());
    let of = |it: &&Step| match &it.action {
        Action::Block { id, why } => *id == store && *why == Obstacle::NameReserved,
        Action::Skip { here: it, why, .. } => *it == here && *why == Reason::SameName,
        _ => false,
    };
    assert_eq!(shown.steps.iter().filter(of).count(), 2, "{shown:?}");
    rename(&mut north, &here, "shop");
    join(&mut directory, &mut north);
    let names: Vec<&str> = directory
        .live()
        .projects
        .values()
        .map(|it| &*it.name)
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(directory.live().projects[&shop].name, "shop");
    assert_eq!(north.map()[&(ObjectKind::Project, here)], shop);
}

#[test]
fn what_an_agent_says_to_be_none_of_the_directorys_yields_to_what_it_made() {
    let (mut directory, _home) = with_a_home();
    let mut north = Cloud::new(2);
    join(&mut directory, &mut north);
    let there = north.project("ops", "shop");
    let shop = made_at_the_hub(&mut directory, 20, "shop");
    let shown = plan(&directory, &north.arrival());
    directory.merge(&shown, &stamp());
    // Decided, and not heard of: there it got another name, and the directory's was made.
    let thing = (ObjectKind::Project, there.clone());
    north.remember(thing.0, thing.1.clone(), shop);
    rename(&mut north, &there, "store");
    let made = north.project("ops", "shop");
    north.put_marker(ObjectKind::Project, &made, shop);
    north.own.insert(thing.clone());
    join(&mut directory, &mut north);
    let map = north.map();
    assert_eq!(map[&(ObjectKind::Project, made)], shop);
    let store = map[&thing];
    assert_ne!(store, shop);
    assert_eq!(directory.live().projects[&store].name, "store");
    assert_eq!(directory.live().projects.len(), 3);
    // It is as before where nothing else may be it.
    let mut north = Cloud::new(3);
    join(&mut directory, &mut north);
    let web = north.named_project("web");
    north.own.insert((ObjectKind::Project, web));
    assert_eq!(join(&mut directory, &mut north).adopted().count(), 0);
}

/// Two regions made a project of one name, one of them within what is retired: there it stays out
/// while its region alone is here, and who has it as his default project comes without one.
#[test]
fn a_default_project_comes_along_with_its_project_whoever_brings_that() {
    let (mut directory, mut home) = with_a_home();
    let mut north = Cloud::new(2);
    join(&mut directory, &mut north);
    let web = *directory.live().projects.keys().next().unwrap();
    directory.end(ObjectKind::Project, web, End::Retired, &stamp());
    let (backup, maps) = (directory.clone(), [home.map(), north.map()]);
    let shop = home.project("ops", "shop");
    let bob = home.user("ops", "bob");
    home.organization
        .users
        .get_mut(&bob)
        .unwrap()
        .default_project = Some(shop);
    let here = north.named_project("web");
    north.nested("ops", "shop", &here);
    for _ in 0..2 {
        join(&mut directory, &mut home);
        join(&mut directory, &mut north);
    }
    let lost = std::mem::replace(&mut directory, backup);
    let [of_home, of_north] = maps;
    home.restore_the_map(of_home);
    north.restore_the_map(of_north);
    join(&mut directory, &mut north);
    let users = &directory.live().users;
    assert!(
        users
            .values()
            .any(|it| it.name == "bob" && it.default_project.is_none())
    );
    let plan = join(&mut directory, &mut home);
    assert_eq!(objects(&directory), objects(&lost));
    assert_eq!(plan.default_projects.len(), 1);
    assert!(directory.merge(&plan, &stamp()).is_empty(), "once");
    let bob = &home.organization.users[&bob];
    assert!(bob.default_project.is_some(), "nor is it taken from him");
}

#[test]
fn a_default_project_of_which_one_region_alone_says_so_does_not_come_along() {
    let (mut directory, _home) = with_a_home();
    let mut north = Cloud::new(2);
    join(&mut directory, &mut north);
    north.forget_the_map();
    let (ann, shop) = (north.named_user("ann"), north.project("ops", "shop"));
    north
        .organization
        .users
        .get_mut(&ann)
        .unwrap()
        .default_project = Some(shop);
    let plan = join(&mut directory, &mut north);
    assert_eq!(
        (plan.adopted().count(), plan.default_projects.len()),
        (1, 0)
    );
    assert_eq!(north.organization.users[&ann].default_project, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_is_doubled_when_regions_come_again_in_another_order_after_a_restore(
        (things, later) in (clouds(), clouds()),
        turned in 0..6_usize,
    ) {
        let mut directory = directory();
        let mut regions = made(&things);
        regions.iter_mut().for_each(|it| drop(join(&mut directory, it)));
        let live = directory.live().clone();
        for id in live.projects.keys().step_by(3) {
            directory.end(ObjectKind::Project, *id, End::Retired, &stamp());
        }
        let (backup, maps) = (directory.clone(), regions.iter().map(Cloud::map));
        let maps: Vec<_> = maps.collect();
        for (region, things) in regions.iter_mut().zip(&later) {
            add_all(region, things);
        }
        for _ in 0..2 {
            regions.iter_mut().for_each(|it| drop(join(&mut directory, it)));
        }
        // The hub is as in the backup, what it decided of each region too.
        let lost = std::mem::replace(&mut directory, backup);
        regions.iter_mut().zip(maps).for_each(|(it, map)| it.restore_the_map(map));
        let count = regions.len();
        regions.rotate_left(turned % count);
        if turned > 2 {
            regions.reverse();
        }
        for region in &mut regions {
            let plan = join(&mut directory, region);
            prop_assert_eq!(plan.renames().count(), 0);
        }
        prop_assert_eq!(objects(&directory), objects(&lost));
        no_two_are_the_same(&directory);
    }
}

#[test]
fn what_was_deleted_or_retired_is_switched_off_and_does_not_come_back() {
    let (mut directory, mut home) = with_a_home();
    let mut north = Cloud::new(2);
    join(&mut directory, &mut north);
    let ann = *directory.live().users.keys().next().unwrap();
    let web = *directory.live().projects.keys().next().unwrap();
    directory.end(ObjectKind::User, ann, End::Deleted, &stamp());
    directory.end(ObjectKind::Project, web, End::Retired, &stamp());
    let withheld = |plan: &Plan| -> Vec<ObjectKind> {
        let steps = plan.steps.iter();
        let withheld = steps.filter(|it| matches!(it.action, Action::Withhold { .. }));
        withheld.map(|it| it.kind).collect()
    };
    // The agents of whoever followed hear of it by their feed.
    for cloud in [&mut north, &mut home] {
        let plan = join(&mut directory, cloud);
        assert_eq!((withheld(&plan), plan.adopted().count()), (vec![], 0));
    }
    // Of a region that is joined anew nobody knows what she is to it.
    home.forget();
    for _ in 0..2 {
        let plan = join(&mut directory, &mut home);
        assert_eq!(withheld(&plan), [ObjectKind::Project, ObjectKind::User]);
    }
    let live = directory.live();
    assert_eq!(
        (
            live.users.len(),
            live.projects.len(),
            live.assignments.len()
        ),
        (0, 0, 0)
    );
    assert_eq!(directory.ended(ann).unwrap().how, End::Deleted);
}
