//! No merge but the first makes anybody an administrator of every cloud, or of what others brought.

use shared::model::Link;

use super::*;
use crate::directory::plan::Links;

/// North, with `research`, and `eve` and the project `lab` in it.
fn north() -> (Cloud, CloudId, CloudId) {
    let mut north = Cloud::new(2);
    north.administrator();
    north.department("research");
    let (eve, lab) = (
        north.user("research", "eve"),
        north.project("research", "lab"),
    );
    (north, eve, lab)
}

/// A home region with a user of this name in `ops`, and the project `web`.
fn home_with(name: &str) -> Cloud {
    let mut home = Cloud::new(1);
    home.department("ops");
    home.project("ops", "web");
    home.user("ops", name);
    home
}

/// The directory of a home region that had this before it was merged.
fn with_a_home_of(prepare: impl FnOnce(&mut Cloud)) -> Directory {
    let (mut directory, mut home) = (directory(), home_with("ann"));
    prepare(&mut home);
    join(&mut directory, &mut home);
    directory
}

/// The roles that somebody of this name has in the directory.
fn roles_of<'d>(directory: &'d Directory, name: &str) -> Vec<&'d str> {
    let live = directory.live();
    let of = live.assignments.iter().filter(|it| match it.actor {
        Actor::User(id) => live.users[&id].name == name,
        Actor::Group(id) => live.groups[&id].name == name,
    });
    of.map(|it| live.roles[&it.role].name.as_str()).collect()
}

#[test]
fn the_home_regions_administrators_are_the_federations() {
    let (mut directory, mut home) = (directory(), home_with("bob"));
    home.assign("bob", "web", "admin");
    let plan = join(&mut directory, &mut home);
    assert_eq!(roles_of(&directory, "bob"), ["admin"]);
    assert!(plan.links.withheld.is_empty());
    let again = join(&mut directory, &mut home);
    assert_eq!(again.links, Links::default());
}

#[test]
fn who_becomes_an_administrator_of_the_home_region_later_is_none_of_every_cloud() {
    let (mut directory, mut home) = with_a_home();
    home.user("ops", "bob");
    for role in ["admin", "member"] {
        home.assign("bob", "web", role);
    }
    // Whose group is one of administrators, too.
    let (ops, bob) = (home.named_department("ops"), home.named_user("bob"));
    let admins = home.add_group(ops, "admins");
    home.join_group(&admins, &bob);
    let web = home.named_project("web");
    home.give(Actor::Group(admins), &web, "admin");
    let plan = join(&mut directory, &mut home);
    assert_eq!(roles_of(&directory, "bob"), ["member"]);
    assert!(roles_of(&directory, "admins").is_empty());
    assert_eq!(plan.links.withheld.len(), 2, "{:?}", plan.links);
}

#[test]
fn a_regions_administrator_does_not_become_one_of_every_cloud() {
    let directory = with_a_home_of(|home| drop(home.role("admin")));
    for name in ["admin", "Admin"] {
        let mut directory = directory.clone();
        let (mut north, ..) = north();
        north.assign("eve", "lab", name);
        north.assign("eve", "lab", "member");
        let bare = {
            let (mut north, ..) = self::north();
            north.role(name);
            north.assign("eve", "lab", "member");
            plan(&directory, &north.arrival()).digest()
        };
        let plan = join(&mut directory, &mut north);
        assert_eq!(roles_of(&directory, "eve"), ["member"], "{name}");
        let [Link::Assignment(withheld)] = &plan.links.withheld[..] else {
            panic!("{:?}", plan.links);
        };
        assert_eq!(directory.live().roles[&withheld.role].name, "admin");
        assert_ne!(plan.digest(), bare, "whoever says yes has seen it");
        let again = join(&mut directory, &mut north);
        assert_eq!(roles_of(&directory, "eve"), ["member"], "{name}");
        assert_eq!((again.links.withheld.len(), again.links.superseded), (0, 1));
    }
}

#[test]
fn an_admin_role_that_the_directory_has_not_yet_is_one_too() {
    let (mut directory, _home) = with_a_home();
    let (mut north, ..) = north();
    north.assign("eve", "lab", "admin");
    let plan = join(&mut directory, &mut north);
    assert!(directory.live().roles.values().any(|it| it.name == "admin"));
    assert!(roles_of(&directory, "eve").is_empty());
    assert_eq!(plan.links.withheld.len(), 1);
}

#[test]
fn a_role_that_leads_to_admin_is_as_good_as_admin() {
    let mut directory = with_a_home_of(|home| {
        let (boss, admin) = (home.role("boss"), home.role("admin"));
        home.implies(&boss, &admin);
    });
    let (mut north, ..) = north();
    // By the directory's word, by the region's, and by both together.
    let (chief, lead, helper) = (
        north.role("chief"),
        north.role("lead"),
        north.role("helper"),
    );
    let (boss, admin) = (north.role("boss"), north.role("admin"));
    let member = north.role("member");
    north.implies(&chief, &boss);
    north.implies(&lead, &admin);
    north.implies(&helper, &member);
    for role in ["boss", "chief", "lead", "helper"] {
        north.assign("eve", "lab", role);
    }
    let plan = join(&mut directory, &mut north);
    assert_eq!(roles_of(&directory, "eve"), ["helper"]);
    let links = plan.links.withheld.iter();
    let implications = links.filter(|it| matches!(it, Link::Implication(_)));
    assert_eq!((implications.count(), plan.links.withheld.len()), (2, 5));
    assert_eq!(plan.links.implications.len(), 1, "helper brings member");
}

#[test]
fn nobody_new_comes_into_a_group_of_administrators() {
    let mut directory = with_a_home_of(|home| {
        let ops = home.named_department("ops");
        let (staff, admins) = (
            home.add_group(ops.clone(), "staff"),
            home.add_group(ops, "admins"),
        );
        let web = home.named_project("web");
        home.give(Actor::Group(staff), &web, "member");
        home.give(Actor::Group(admins), &web, "admin");
    });
    let (mut north, ..) = north();
    join(&mut directory, &mut north);
    let eve = north.user("research", "eva");
    let named = |north: &Cloud, name: &str| {
        let mut all = north.organization.groups.iter();
        all.find(|(_, it)| it.name == name).unwrap().0.clone()
    };
    for group in ["staff", "admins"] {
        let group = named(&north, group);
        north.join_group(&group, &eve);
    }
    let plan = join(&mut directory, &mut north);
    assert_eq!(plan.links.memberships.len(), 1, "staff");
    let [Link::Membership(withheld)] = &plan.links.withheld[..] else {
        panic!("{:?}", plan.links);
    };
    assert_eq!(directory.live().groups[&withheld.group].name, "admins");
}

/// The directory with north merged, before a user `eva` of its own comes into being there.
fn with_north(prepare: impl FnOnce(&mut Cloud)) -> (Directory, Cloud) {
    let mut directory = with_a_home_of(prepare);
    let (mut north, ..) = north();
    join(&mut directory, &mut north);
    north.user("research", "eva");
    (directory, north)
}

/// Who has a role of this name in a department.
pub(super) fn give_in(cloud: &mut Cloud, actor: Actor<CloudId>, department: &str, role: &str) {
    let (department, role) = (cloud.named_department(department), cloud.role(role));
    let scope = Scope::Department(department);
    let inherited = false;
    cloud.organization.assignments.insert(Assignment {
        actor,
        scope,
        role,
        inherited,
    });
}

#[test]
fn a_region_makes_managers_of_what_comes_with_it_and_of_nothing_else() {
    for role in ["manager", "Manager", "admin"] {
        let (mut directory, mut north) = with_north(|_| ());
        let eva = north.named_user("eva");
        give_in(&mut north, Actor::User(eva.clone()), "ops", role);
        north.assign("eva", "web", role);
        north.assign("eva", "web", "member");
        north.department("own");
        let mine = if role == "admin" { "manager" } else { role };
        give_in(&mut north, Actor::User(eva), "own", mine);
        let plan = join(&mut directory, &mut north);
        let mut found = roles_of(&directory, "eva");
        found.sort_unstable();
        assert_eq!(found.len(), 2, "{role}: {found:?}");
        assert!(found.contains(&"member"), "{role}: {found:?}");
        assert_eq!(plan.links.withheld.len(), 2, "{role}: {:?}", plan.links);
        let own = directory.live().assignments.iter().filter(|it| {
            let place = &it.scope;
            matches!(place, Scope::Department(id) if directory.live().departments[id].name == "own")
        });
        assert_eq!(own.count(), 1, "{role}");
    }
}

#[test]
fn the_first_merge_makes_managers_wherever_they_are_and_later_ones_of_what_comes_with_them() {
    let (mut directory, mut home) = (directory(), home_with("bob"));
    home.assign("bob", "web", "manager");
    join(&mut directory, &mut home);
    assert_eq!(roles_of(&directory, "bob"), ["manager"]);
    home.user("ops", "eva");
    home.project("ops", "shop");
    for project in ["web", "shop"] {
        home.assign("eva", project, "manager");
    }
    let plan = join(&mut directory, &mut home);
    assert_eq!(roles_of(&directory, "eva"), ["manager"], "of the shop");
    assert_eq!(plan.links.withheld.len(), 1, "{:?}", plan.links);
}

#[test]
fn a_new_role_that_leads_to_manager_is_as_good_as_manager() {
    let (mut directory, mut north) = with_north(|home| drop(home.role("manager")));
    let (lead, helper, manager) = (
        north.role("lead"),
        north.role("helper"),
        north.role("manager"),
    );
    north.implies(&lead, &manager);
    north.implies(&helper, &lead);
    let eva = north.named_user("eva");
    for role in ["lead", "helper"] {
        give_in(&mut north, Actor::User(eva.clone()), "ops", role);
        north.assign("eva", "web", role);
    }
    let plan = join(&mut directory, &mut north);
    assert!(roles_of(&directory, "eva").is_empty());
    assert_eq!(plan.links.withheld.len(), 4, "{:?}", plan.links);
    assert_eq!(plan.links.implications.len(), 2, "which alone give nothing");
}

#[test]
fn nobody_new_comes_into_a_group_of_managers() {
    let (mut directory, mut north) = with_north(|home| {
        let ops = home.named_department("ops");
        let (staff, heads) = (
            home.add_group(ops.clone(), "staff"),
            home.add_group(ops, "heads"),
        );
        let web = home.named_project("web");
        home.give(Actor::Group(staff), &web, "member");
        give_in(home, Actor::Group(heads), "ops", "manager");
    });
    let eva = north.named_user("eva");
    let research = north.named_department("research");
    let own = north.add_group(research, "own");
    let lab = north.project("research", "annex");
    north.give(Actor::Group(own), &lab, "manager");
    for name in ["staff", "heads", "own"] {
        let mut all = north.organization.groups.iter();
        let group = all.find(|(_, it)| it.name == name).unwrap().0.clone();
        north.join_group(&group, &eva);
    }
    let plan = join(&mut directory, &mut north);
    assert_eq!(plan.links.memberships.len(), 2, "staff and its own");
    let [Link::Membership(withheld)] = &plan.links.withheld[..] else {
        panic!("{:?}", plan.links);
    };
    assert_eq!(directory.live().groups[&withheld.group].name, "heads");
    assert_eq!(roles_of(&directory, "own"), ["manager"]);
}
