//! What holds for any organizations, in any order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use shared::model::Folded;

use super::names::no_two_are_the_same;
use super::*;

/// Names that meet each other, to one database or the other.
const NAMES: [&str; 6] = [
    "ops",
    "Ops",
    "caf\u{e9}",
    "cafe",
    "\u{7814}\u{53d1}",
    "research",
];

/// One thing of a cloud, by small numbers that are taken modulo what there is.
#[derive(Debug, Clone)]
pub(super) enum Thing {
    Department(usize),
    Project {
        of: usize,
        name: usize,
        nested: bool,
    },
    User {
        of: usize,
        name: usize,
    },
    Group {
        of: usize,
        name: usize,
    },
    Role(usize),
    Member {
        group: usize,
        user: usize,
    },
    Assigned {
        user: usize,
        project: usize,
        role: usize,
        inherited: bool,
    },
    Given {
        group: usize,
        project: usize,
        role: usize,
    },
    Implied {
        prior: usize,
        implied: usize,
    },
}

fn thing() -> impl Strategy<Value = Thing> {
    let small = 0..6_usize;
    prop_oneof![
        3 => small.clone().prop_map(Thing::Department),
        4 => (small.clone(), small.clone(), any::<bool>())
            .prop_map(|(of, name, nested)| Thing::Project { of, name, nested }),
        4 => (small.clone(), small.clone()).prop_map(|(of, name)| Thing::User { of, name }),
        2 => (small.clone(), small.clone()).prop_map(|(of, name)| Thing::Group { of, name }),
        2 => small.clone().prop_map(Thing::Role),
        2 => (small.clone(), small.clone()).prop_map(|(group, user)| Thing::Member { group, user }),
        4 => (small.clone(), small.clone(), small.clone(), any::<bool>()).prop_map(
            |(user, project, role, inherited)| Thing::Assigned { user, project, role, inherited }
        ),
        1 => (small.clone(), small.clone(), small.clone())
            .prop_map(|(group, project, role)| Thing::Given { group, project, role }),
        1 => (small.clone(), small).prop_map(|(prior, implied)| Thing::Implied { prior, implied }),
    ]
}

fn nth<K: Clone, V>(of: &BTreeMap<K, V>, number: usize) -> Option<K> {
    of.keys().nth(number.checked_rem(of.len())?).cloned()
}

fn cloud(number: u64, things: &[Thing]) -> Cloud {
    let mut cloud = Cloud::new(number);
    cloud.administrator();
    add_all(&mut cloud, things);
    cloud
}

pub(super) fn add_all(cloud: &mut Cloud, things: &[Thing]) {
    for thing in things {
        add(cloud, thing);
    }
}

fn add(cloud: &mut Cloud, thing: &Thing) -> Option<()> {
    let name = |number: usize| NAMES[number % NAMES.len()];
    let organization = cloud.organization.clone();
    match *thing {
        Thing::Department(number) => {
            let is_new = !cloud.departments().contains(&name(number));
            is_new.then(|| cloud.department(name(number)))?;
        }
        Thing::Project {
            of,
            name: number,
            nested,
        } => {
            let department = nth(&organization.departments, of)?;
            let mut same = organization.projects.values();
            let is_taken = same.any(|it| it.department == department && it.name == name(number));
            let mut others = organization.projects.iter();
            let outer = others.find(|(_, it)| nested && it.department == department);
            let outer = outer.map(|(id, _)| id.clone());
            (!is_taken).then(|| cloud.add_project(department, name(number), outer))?;
        }
        Thing::User { of, name: number } => {
            let department = nth(&organization.departments, of)?;
            let mut same = organization.users.values();
            let is_taken = same.any(|it| it.department == department && it.name == name(number));
            (!is_taken).then(|| cloud.add_user(department, name(number)))?;
        }
        Thing::Group { of, name: number } => {
            let department = nth(&organization.departments, of)?;
            let mut same = organization.groups.values();
            let is_taken = same.any(|it| it.department == department && it.name == name(number));
            (!is_taken).then(|| cloud.add_group(department, name(number)))?;
        }
        Thing::Role(number) => drop(cloud.role(name(number))),
        Thing::Member { group, user } => {
            cloud.organization.memberships.insert(Membership {
                group: nth(&organization.groups, group)?,
                user: nth(&organization.users, user)?,
            });
        }
        Thing::Assigned {
            user,
            project,
            role,
            inherited,
        } => {
            let actor = Actor::User(nth(&organization.users, user)?);
            assign(cloud, actor, (project, role), inherited)?;
        }
        Thing::Given {
            group,
            project,
            role,
        } => {
            let actor = Actor::Group(nth(&organization.groups, group)?);
            assign(cloud, actor, (project, role), false)?;
        }
        Thing::Implied { prior, implied } => {
            let (prior, implied) = (
                nth(&organization.roles, prior)?,
                nth(&organization.roles, implied)?,
            );
            (prior != implied).then(|| cloud.implies(&prior, &implied))?;
        }
    }
    Some(())
}

fn assign(
    cloud: &mut Cloud,
    actor: Actor<CloudId>,
    (project, role): (usize, usize),
    inherited: bool,
) -> Option<()> {
    let organization = &mut cloud.organization;
    let (scope, role) = (
        Scope::Project(nth(&organization.projects, project)?),
        nth(&organization.roles, role)?,
    );
    organization.assignments.insert(Assignment {
        actor,
        scope,
        role,
        inherited,
    });
    Some(())
}

/// Of two global roles that some database takes for the same, the one that is written as the
/// directory's is that: and how it is written there, the first region says.
fn without_twin_roles(mut things: Vec<Thing>) -> Vec<Thing> {
    let mut seen = BTreeSet::new();
    things.retain(|it| match it {
        Thing::Role(number) => seen.insert(Folded::new(NAMES[number % NAMES.len()])),
        _ => true,
    });
    things
}

pub(super) fn clouds() -> impl Strategy<Value = Vec<Vec<Thing>>> {
    proptest::collection::vec(proptest::collection::vec(thing(), 0..24), 1..4)
}

pub(super) fn made(things: &[Vec<Thing>]) -> Vec<Cloud> {
    let numbered = (1..).zip(things);
    numbered
        .map(|(number, things)| cloud(number, things))
        .collect()
}

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

/// Everything but the names of departments, which the order of joins may change.
fn but_for_names(directory: &Directory) -> Organization<ObjectId> {
    let mut live = directory.live().clone();
    live.departments.values_mut().for_each(|it| it.name.clear());
    live
}

/// Roles by their names: a global one of several regions has the id of whichever came first, and
/// what it implies is what that one said.
fn by_role_names(organization: &mut Organization<ObjectId>) {
    let id = |role: &shared::model::Role<ObjectId>| {
        let name = format!("{:?} {:?}", role.department, Folded::new(&role.name));
        ObjectId::of_region(RegionId::from_random(0), "role", &name)
    };
    let roles = std::mem::take(&mut organization.roles);
    let ids: BTreeMap<_, _> = roles.iter().map(|(old, role)| (*old, id(role))).collect();
    for (old, mut role) in roles {
        role.name.clear();
        organization.roles.insert(ids[&old], role);
    }
    let assignments = std::mem::take(&mut organization.assignments).into_iter();
    organization.assignments = assignments
        .map(|it| Assignment {
            role: ids[&it.role],
            ..it
        })
        .collect();
    organization.implications.clear();
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
            prop_assert!(before.assignments.is_subset(&after.assignments));
            prop_assert!(before.memberships.is_subset(&after.memberships));
            prop_assert!(before.implications.is_subset(&after.implications));
            // In the region too: nothing is gone, and nobody is switched off.
            let now = &cloud.organization;
            prop_assert!(cloud_before.assignments.is_subset(&now.assignments));
            for (id, it) in &cloud_before.users {
                prop_assert!(now.users.get(id).is_some_and(|now| now.enabled == it.enabled));
            }
            for id in cloud_before.projects.keys() {
                prop_assert!(now.projects.contains_key(id));
            }
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
    fn the_order_of_joins_changes_names_of_departments_in_conflict_alone(things in clouds()) {
        let things: Vec<_> = things.into_iter().map(without_twin_roles).collect();
        let clouds = made(&things);
        let (mut forth, mut back) = (directory(), directory());
        for mut cloud in clouds.clone() {
            join(&mut forth, &mut cloud);
        }
        for mut cloud in clouds.clone().into_iter().rev() {
            join(&mut back, &mut cloud);
        }
        let (mut one, mut other) = (but_for_names(&forth), but_for_names(&back));
        // Global roles of one name are whose region came first: compared by their names.
        by_role_names(&mut one);
        by_role_names(&mut other);
        prop_assert_eq!(one, other);
        let mut folded: BTreeMap<Folded, usize> = BTreeMap::new();
        for cloud in &clouds {
            for name in cloud.departments() {
                *folded.entry(Folded::new(name)).or_default() += 1;
            }
        }
        for (id, department) in &forth.live().departments {
            if back.live().departments[id].name != department.name {
                let original = department.name.split('_').next().unwrap();
                prop_assert!(folded[&Folded::new(original)] > 1, "{}", department.name);
            }
        }
    }
}
