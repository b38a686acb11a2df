//! Who comes to be in somebody's power in the regions' own Keystones by a merge, and is by now.

use super::powers::give_in;
use super::*;
use crate::directory::rights::Exposed;

/// A home region in whose `ops` ANN has the role `admin`, and others administer it as said.
fn home(managers: &[&str]) -> Cloud {
    let mut home = Cloud::new(1);
    home.department("ops");
    home.project("ops", "web");
    home.user("ops", "ann");
    home.assign("ann", "web", "admin");
    for name in managers {
        let it = home.user("ops", name);
        give_in(&mut home, Actor::User(it), "ops", "manager");
    }
    home
}

/// Of each how he is called, and those who administer his department.
fn shown(exposed: &Exposed) -> Vec<(String, Vec<String>, u64)> {
    let title = |it: &crate::directory::rights::Person| it.to_string();
    let some = exposed.some.iter();
    let some = some.map(|it| (title(&it.user), it.by.iter().map(title).collect(), it.more));
    some.collect()
}

#[test]
fn the_first_merge_says_whom_it_brings_into_whose_power_and_he_is_listed_from_then_on() {
    let (mut directory, mut home) = (directory(), home(&["bob"]));
    let staff = home.add_group(home.named_department("ops"), "staff");
    let cleo = home.user("ops", "cleo");
    home.join_group(&staff, &cleo);
    give_in(&mut home, Actor::Group(staff), "ops", "chief");
    let (chief, manager) = (home.role("chief"), home.role("manager"));
    home.implies(&chief, &manager);
    let plan = join(&mut directory, &mut home);
    let expected = [(
        "\"ops/ann\"".to_owned(),
        vec!["\"ops/bob\"".to_owned(), "\"ops/cleo\"".to_owned()],
        0,
    )];
    let sorted = |mut all: Vec<(String, Vec<String>, u64)>| {
        all.iter_mut().for_each(|(_, by, _)| by.sort_unstable());
        all
    };
    assert_eq!(plan.exposed.count, 1);
    assert_eq!(sorted(shown(&plan.exposed)), expected);
    assert_eq!(sorted(shown(&directory.exposed(None, 9))), expected);
    let again = join(&mut directory, &mut home);
    assert_eq!(again.exposed, Exposed::default(), "none that is new");
}

#[test]
fn whoever_confirms_a_plan_has_seen_who_is_in_whose_power_by_it() {
    let directory = directory();
    let digest = |it: &Cloud| plan(&directory, &it.arrival()).digest();
    let seen = home(&["bob"]);
    let mut without = plan(&directory, &seen.arrival());
    without.exposed = Exposed::default();
    assert_ne!(without.digest(), digest(&seen));
    let alone = plan(&directory, &home(&[]).arrival());
    assert_eq!(alone.exposed, Exposed::default());
}

#[test]
fn of_many_some_are_named_and_the_rest_counted() {
    let mut directory = directory();
    let mut home = home(&["m1", "m2", "m3", "m4", "m5", "m6", "m7"]);
    home.user("ops", "joe");
    home.assign("joe", "web", "admin");
    // He has both, and is in the power of the others alone.
    home.assign("m1", "web", "admin");
    let plan = join(&mut directory, &mut home);
    assert_eq!(plan.exposed.count, 3);
    let by = |it: &Exposed| -> Vec<(usize, u64)> {
        let some = it.some.iter();
        some.map(|it| (it.by.len(), it.more)).collect()
    };
    let mut all = by(&plan.exposed);
    all.sort_unstable();
    assert_eq!(all, [(5, 1), (5, 2), (5, 2)]);
    let first = directory.exposed(None, 2);
    assert_eq!((first.count, first.some.len()), (3, 2));
    let rest = directory.exposed(Some(first.some[1].user.id), 2);
    assert_eq!((rest.count, rest.some.len()), (3, 1));
    assert!(rest.some[0].user.id > first.some[1].user.id);
}

#[test]
fn a_later_region_s_managers_of_its_own_departments_have_nobody_in_their_power() {
    let (mut directory, mut first) = (directory(), home(&[]));
    join(&mut directory, &mut first);
    let mut north = Cloud::new(2);
    north.administrator();
    north.department("lab");
    let eve = north.user("lab", "eve");
    give_in(&mut north, Actor::User(eve), "lab", "manager");
    let plan = join(&mut directory, &mut north);
    assert_eq!(plan.links.assignments.len(), 1);
    assert_eq!(plan.exposed, Exposed::default());
    assert_eq!(directory.exposed(None, 9), Exposed::default());
}
