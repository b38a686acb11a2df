//! A hub that was lost without a backup: its regions come together again under a new one.

use std::collections::BTreeSet;

use proptest::prelude::*;
use shared::model::Marker;

use super::names::no_two_are_the_same;
use super::properties::{clouds, made};
use super::*;

/// Joins clouds that were in another federation, one after the other, and hands on what is taken
/// over with each.
fn regroup(directory: &mut Directory, clouds: &mut [Cloud]) -> Vec<Plan> {
    let mut earlier = Earlier::new();
    let plans = clouds.iter_mut().map(|cloud| {
        cloud.forget();
        cloud.earlier.clone_from(&earlier);
        let plan = join(directory, cloud);
        for (marker, id) in &plan.taken_over {
            earlier.entry(*marker).or_insert(*id);
        }
        plan
    });
    plans.collect()
}

fn elsewhere() -> Directory {
    Directory::new(FederationId::from_random(FEDERATION + 1))
}

/// Somebody puts the other federation's marker on a thing.
fn mark(cloud: &mut Cloud, thing: (ObjectKind, CloudId), object: ObjectId) {
    let federation = elsewhere().federation();
    cloud.markers.insert(thing, Marker { federation, object });
}

#[test]
fn regions_of_a_lost_federation_come_together_again() {
    let mut lost = elsewhere();
    let mut regions = [Cloud::new(1), Cloud::new(2)];
    for region in &mut regions {
        region.department("research");
        region.user("research", "ann");
        region.project("research", "web");
        region.assign("ann", "web", "member");
    }
    for _ in 0..2 {
        for region in &mut regions {
            join(&mut lost, region);
        }
    }
    let held = departments(&lost).len();
    assert_eq!(held, 2, "each one's research, one of them renamed");
    for is_turned in [false, true] {
        let (mut directory, mut regions) = (directory(), regions.clone());
        if is_turned {
            regions.reverse();
        }
        let plans = regroup(&mut directory, &mut regions);
        assert!(
            plans
                .iter()
                .all(|it| it.foreign == BTreeSet::from([lost.federation()]))
        );
        assert_eq!(plans[1].adopted().count(), 0);
        assert_eq!(plans[1].renames().count(), 0);
        assert_eq!(departments(&directory), departments(&lost));
        assert_eq!(directory.live().users.len(), 2);
        assert_eq!(directory.live().assignments.len(), 2);
        let known = plans[1].steps.iter().any(|step| {
            let by = Evidence::Earlier;
            matches!(step.action, Action::Recognize { by: it, .. } if it == by)
        });
        assert!(known);
    }
}

#[test]
fn what_was_deleted_since_stays_so_whatever_region_comes_later() {
    let mut lost = elsewhere();
    let mut regions = [Cloud::new(1), Cloud::new(2)];
    regions[0].department("research");
    regions[0].user("research", "ann");
    for region in &mut regions {
        join(&mut lost, region);
    }
    let mut directory = directory();
    let plans = regroup(&mut directory, &mut regions[..1]);
    let ann = *directory.live().users.keys().next().unwrap();
    directory.end(ObjectKind::User, ann, End::Deleted, &stamp());
    regions[1].forget();
    regions[1].earlier = plans[0].taken_over.iter().copied().collect();
    let plan = join(&mut directory, &mut regions[1]);
    let withheld = |it: &&Step| matches!(it.action, Action::Withhold { id, .. } if id == ann);
    assert_eq!(plan.steps.iter().filter(withheld).count(), 1);
    assert!(directory.live().users.is_empty());
}

#[test]
fn what_nobody_took_over_is_known_by_no_other_federations_marker() {
    let (mut directory, home) = with_a_home();
    let ann = *directory.live().users.keys().next().unwrap();
    let mut north = Cloud::new(2);
    north.department("ops");
    let eve = north.user("ops", "eve");
    mark(&mut north, (ObjectKind::User, eve.clone()), ann);
    let plan = join(&mut directory, &mut north);
    assert_eq!(plan.foreign, BTreeSet::from([elsewhere().federation()]));
    assert!(north.named_user("eve") == eve && home.has_user("ops", "ann"));
    assert_eq!(directory.live().users.len(), 2);
}

#[test]
fn a_marker_that_was_copied_says_nothing_and_a_name_does() {
    let mut lost = elsewhere();
    let mut regions = [Cloud::new(1), Cloud::new(2)];
    regions[0].department("research");
    regions[0].project("research", "web");
    for region in &mut regions {
        join(&mut lost, region);
    }
    // By its id before the one that it was copied from.
    let web = lost.live().projects.keys().next().copied().unwrap();
    let copy = regions[0].project("research", "copy");
    mark(&mut regions[0], (ObjectKind::Project, copy), web);
    let mut directory = directory();
    let plans = regroup(&mut directory, &mut regions);
    assert!(plans.iter().all(|it| it.renames().count() == 0));
    let department = plans[0].taken_over.iter();
    assert_eq!(department.filter(|(it, _)| it.object == web).count(), 0);
    assert_eq!(
        directory.live().projects.len(),
        2,
        "web is known by its name"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_lost_federation_comes_together_as_it_was_in_any_order(
        things in clouds(), is_turned: bool,
    ) {
        let mut lost = elsewhere();
        let mut regions = made(&things);
        for _ in 0..3 {
            for region in &mut regions {
                join(&mut lost, region);
            }
        }
        if is_turned {
            regions.reverse();
        }
        let before: Vec<_> = regions.iter().map(|it| it.organization.clone()).collect();
        let mut directory = directory();
        let plans = regroup(&mut directory, &mut regions);
        no_two_are_the_same(&directory);
        for (number, plan) in plans.iter().enumerate() {
            prop_assert_eq!(plan.renames().count(), 0, "{}", number);
        }
        let (now, was) = (directory.live(), lost.live());
        prop_assert_eq!(now.departments.len(), was.departments.len());
        prop_assert_eq!(now.projects.len(), was.projects.len());
        prop_assert_eq!(now.users.len(), was.users.len());
        prop_assert_eq!(now.groups.len(), was.groups.len());
        prop_assert_eq!(now.roles.len(), was.roles.len());
        for (region, before) in regions.iter().zip(before) {
            prop_assert_eq!(&region.organization.users, &before.users, "nothing is written");
            prop_assert_eq!(&region.organization.projects, &before.projects);
            prop_assert_eq!(&region.organization.departments, &before.departments);
        }
    }
}
