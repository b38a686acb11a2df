//! What holds for any organizations, in any order.

mod order;
mod things;

use std::collections::BTreeSet;

use proptest::prelude::*;
use shared::model::Folded;

use self::order::{Brought, is_as_expected, orders};
use self::things::without_twin_roles;
pub(super) use self::things::{add_all, clouds, made};
use super::names::no_two_are_the_same;
use super::*;

/// Who has, himself or by a group, a role that leads to `admin`, and where.
fn administrators(directory: &Directory) -> BTreeSet<(ObjectId, Scope<ObjectId>)> {
    let live = directory.live();
    let admins = live.roles.iter().filter(|(_, it)| it.name == "admin");
    let mut roles: BTreeSet<ObjectId> = admins.map(|(id, _)| *id).collect();
    for _ in 0..live.implications.len() {
        let more = live.implications.iter();
        let more: Vec<_> = more.filter(|it| roles.contains(&it.implied)).collect();
        roles.extend(more.iter().map(|it| it.prior));
    }
    let mut all = BTreeSet::new();
    for it in live
        .assignments
        .iter()
        .filter(|it| roles.contains(&it.role))
    {
        match it.actor {
            Actor::User(user) => drop(all.insert((user, it.scope.clone()))),
            Actor::Group(group) => {
                let members = live.memberships.iter().filter(|it| it.group == group);
                all.extend(members.map(|member| (member.user, it.scope.clone())));
            }
        }
    }
    all
}

/// The directory has no link that a Keystone would not take.
fn roles_count_in_their_department(live: &Organization<ObjectId>) {
    for it in &live.assignments {
        let place = match it.scope {
            Scope::Department(id) => id,
            Scope::Project(id) => live.projects[&id].department,
        };
        let of = live.roles[&it.role].department;
        assert!(of.is_none_or(|of| of == place), "{it:?}");
    }
    for it in &live.implications {
        let (prior, implied) = (&live.roles[&it.prior], &live.roles[&it.implied]);
        let is_right = implied.department.is_none() || implied.department == prior.department;
        assert!(is_right, "{it:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn merging_only_adds(things in clouds()) {
        let mut directory = directory();
        for mut cloud in made(&things) {
            let before = directory.live().clone();
            let cloud_before = cloud.organization.clone();
            join(&mut directory, &mut cloud);
            let after = directory.live();
            for (id, it) in &before.departments {
                prop_assert_eq!(after.departments.get(id), Some(it));
            }
            for (id, it) in &before.users {
                prop_assert_eq!(after.users.get(id), Some(it));
            }
            for (id, it) in &before.projects {
                prop_assert_eq!(after.projects.get(id), Some(it));
            }
            for (id, it) in &before.groups {
                prop_assert_eq!(after.groups.get(id), Some(it));
            }
            for (id, it) in &before.roles {
                prop_assert_eq!(after.roles.get(id), Some(it));
            }
            prop_assert!(before.assignments.is_subset(&after.assignments));
            prop_assert!(before.memberships.is_subset(&after.memberships));
            prop_assert!(before.implications.is_subset(&after.implications));
            // In the region too: nothing is gone, and nobody is switched off.
            let now = &cloud.organization;
            prop_assert!(cloud_before.assignments.is_subset(&now.assignments));
            prop_assert!(cloud_before.memberships.is_subset(&now.memberships));
            prop_assert!(cloud_before.implications.is_subset(&now.implications));
            for (id, it) in &cloud_before.users {
                prop_assert!(now.users.get(id).is_some_and(|now| now.enabled == it.enabled));
            }
            for (id, it) in &cloud_before.projects {
                prop_assert!(now.projects.get(id).is_some_and(|now| now.enabled == it.enabled));
            }
            for (id, it) in &cloud_before.departments {
                prop_assert!(now.departments.get(id).is_some_and(|now| now.enabled == it.enabled));
            }
            for id in cloud_before.groups.keys() {
                prop_assert!(now.groups.contains_key(id));
            }
            for id in cloud_before.roles.keys() {
                prop_assert!(now.roles.contains_key(id));
            }
            roles_count_in_their_department(after);
            no_two_are_the_same(&directory);
        }
    }

    #[test]
    fn merging_twice_is_merging_once_also_when_the_map_is_lost(things in clouds(), lost: bool) {
        let mut directory = directory();
        let mut clouds = made(&things);
        for cloud in &mut clouds {
            join(&mut directory, cloud);
        }
        // The earlier ones get what the later ones brought.
        for cloud in &mut clouds {
            join(&mut directory, cloud);
        }
        let held = directory.live().clone();
        for cloud in &mut clouds {
            if lost {
                cloud.forget_the_map();
            }
            let before = cloud.organization.clone();
            let plan = join(&mut directory, cloud);
            prop_assert_eq!(plan.adopted().count(), 0);
            prop_assert_eq!(plan.renames().count(), 0);
            let created = plan.steps.iter().filter(|it| matches!(it.action, Action::Create { .. }));
            prop_assert_eq!(created.count(), 0);
            let changed = plan.steps.iter().filter(|it| {
                matches!(&it.action, Action::Recognize { changes, differs, .. }
                    if !changes.is_empty() || !differs.is_empty())
            });
            prop_assert_eq!(changed.collect::<Vec<_>>(), Vec::<&Step>::new());
            prop_assert_eq!(&cloud.organization, &before, "nothing is written");
        }
        prop_assert_eq!(directory.live(), &held);
    }

    #[test]
    fn a_plan_that_was_interrupted_is_made_again_to_the_same_end(things in clouds(), half: bool) {
        let (mut once, mut twice) = (directory(), directory());
        for cloud in made(&things) {
            let mut done = cloud.clone();
            join(&mut once, &mut done);
            // The hub has taken it in, or not; the region has done nothing yet.
            let first = plan(&twice, &cloud.arrival());
            if half {
                twice.merge(&first, &stamp());
                twice.merge(&first, &stamp());
            }
            let mut done = cloud;
            join(&mut twice, &mut done);
            prop_assert_eq!(once.live(), twice.live());
        }
    }

    #[test]
    fn no_region_but_the_home_region_makes_anybody_an_administrator(
        (at_home, things, later) in (clouds(), clouds(), clouds()),
    ) {
        let mut directory = directory();
        let mut home = Cloud::new(9);
        home.role("admin");
        at_home.iter().for_each(|it| add_all(&mut home, it));
        join(&mut directory, &mut home);
        let mut regions = Vec::new();
        for (number, things) in (1..).zip(&things) {
            let mut region = Cloud::new(number);
            region.administrator();
            region.role("admin");
            add_all(&mut region, things);
            regions.push(region);
        }
        let before = administrators(&directory);
        for region in &mut regions {
            join(&mut directory, region);
            prop_assert!(administrators(&directory).is_subset(&before));
        }
        // What is made there later is about things of the directory, too.
        for (region, things) in regions.iter_mut().zip(&later) {
            add_all(region, things);
            join(&mut directory, region);
            prop_assert!(administrators(&directory).is_subset(&before));
        }
    }

    #[test]
    fn nothing_gets_a_name_that_something_retired_holds(things in clouds(), later in clouds()) {
        let mut directory = directory();
        let mut regions = made(&things);
        regions.iter_mut().for_each(|it| drop(join(&mut directory, it)));
        let live = directory.live().clone();
        for id in live.projects.keys().step_by(2) {
            directory.end(ObjectKind::Project, *id, End::Retired, &stamp());
        }
        for id in live.departments.keys().step_by(3) {
            directory.end(ObjectKind::Department, *id, End::Retired, &stamp());
        }
        for (region, things) in regions.iter_mut().zip(&later) {
            add_all(region, things);
            join(&mut directory, region);
        }
        let live = directory.live();
        for (_, _, held) in directory.held(ObjectKind::Department) {
            let mut all = live.departments.values();
            prop_assert!(!all.any(|it| Folded::new(&it.name) == Folded::new(held)), "{held:?}");
        }
        for (_, within, held) in directory.held(ObjectKind::Project) {
            let mut all = live.projects.values().filter(|it| Some(it.department) == within);
            prop_assert!(!all.any(|it| Folded::new(&it.name) == Folded::new(held)), "{held:?}");
        }
    }

    #[test]
    fn the_order_of_joins_changes_just_what_is_said_of_it(things in clouds()) {
        let things: Vec<_> = things.into_iter().map(without_twin_roles).collect();
        let brought: Vec<_> = made(&things).into_iter().map(Brought::by).collect();
        for order in orders(brought.len()) {
            is_as_expected(&brought, &order);
        }
    }
}
