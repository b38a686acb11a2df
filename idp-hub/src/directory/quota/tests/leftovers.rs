//! Projects of a region that are not the directory's: why, what they may use, and the cure.

use shared::model::{CloudId, Custody, Holder};

use super::{Region, id, own, region};
use crate::directory::quota::{Allowed, Check, Holdings, InDirectory, Sum};

/// Beside the directory's: the administrator's, the services', a retired, a new and a doubled one.
fn with_leftovers() -> Region {
    let mut region = region();
    region.project("admin", None, Custody::Administrator);
    region.project("service", None, Custody::Reserved);
    region.project("old", Some(6), Custody::Common);
    let name = "old".to_owned();
    region.census.know(id(6), InDirectory::Retired { name });
    region.project("new", None, Custody::Common);
    region.project("web-again", Some(1), Custody::Common);
    region.quota("admin", &[("cores", None, 4)]);
    region.quota("service", &[("cores", Some(20), 1)]);
    region.quota("old", &[("cores", Some(15), 5)]);
    region.quota("lost", &[("cores", Some(5), 0)]);
    region
}

#[test]
fn allocation_is_the_directorys_and_the_leftovers_with_their_cures() {
    let holds = Holdings {
        servers: 1,
        ..Holdings::default()
    };
    let holdings = [(CloudId::new("old"), holds)].into();
    let allocation = with_leftovers().census.allocation(&holdings);
    let cores = allocation
        .resources
        .iter()
        .find(|it| it.name == "cores")
        .unwrap();
    assert_eq!(cores.capacity, Some(100));
    let sum = |limited, projects, unlimited, unknown, used| Sum {
        limited,
        projects,
        unlimited,
        unknown,
        used,
    };
    assert_eq!(cores.allocated, sum(100, 6, 1, 2, 48));
    assert_eq!(cores.directory, sum(60, 3, 0, 0, 38));
    assert_eq!(cores.leftovers, sum(40, 3, 1, 2, 10));
    let whys = allocation.leftovers.iter();
    let whys: Vec<_> = whys.map(|it| (it.name.as_str(), it.why.name())).collect();
    let expected = [
        ("admin", "administrator"),
        ("lost", "unknown"),
        ("new", "made-there"),
        ("old", "retired"),
        ("service", "services"),
        ("web-again", "doubled"),
    ];
    assert_eq!(whys, expected);
    let old = &allocation.leftovers[3];
    let share = old.shares.iter().find(|it| it.name == "cores").unwrap();
    assert_eq!(
        (share.allowed, share.permille),
        (Allowed::Limited(15), Some(150))
    );
    assert_eq!(old.cure[0], "idp-hub org quota zero north old");
    assert!(old.cure[1].starts_with("empty it"), "{:?}", old.cure);
    assert_eq!(old.holds.servers, 1);
}

#[test]
fn a_retired_project_that_is_zero_and_empty_is_to_be_purged() {
    let mut region = with_leftovers();
    region.quota("old", &[("cores", Some(0), 0)]);
    let allocation = region.census.allocation(&Default::default());
    let old = allocation
        .leftovers
        .iter()
        .find(|it| it.name == "old")
        .unwrap();
    assert_eq!(old.cure, [format!("idp-hub org purge project {}", id(6))]);
}

#[test]
fn what_no_hub_deletes_is_said_to_stay_and_why() {
    let mut region = with_leftovers();
    region.project("own", None, Custody::Reserved);
    let cure = |region: &Region, name: &str| {
        let all = region.census.allocation(&Default::default()).leftovers;
        let found = all.into_iter().find(|it| it.name == name);
        found.unwrap().cure
    };
    for (name, zero, why) in [
        ("admin", true, "the region's agent signs in by it"),
        ("service", true, "services of the cloud"),
        ("own", false, "the region's own"),
    ] {
        let cure = cure(&region, name);
        let is_zeroed = cure[0].starts_with(&format!("idp-hub org quota zero north {name}"));
        assert_eq!(is_zeroed, zero, "{cure:?}");
        let last = cure.last().unwrap();
        assert!(
            last.starts_with("leave it there: ") && last.contains(why),
            "{cure:?}"
        );
        assert_eq!(cure.len(), 1 + usize::from(zero), "{cure:?}");
    }
    region.quota("admin", &[("cores", Some(4), 4)]);
    let cure = cure(&region, "admin");
    assert_eq!(cure.len(), 1, "{cure:?}");
    assert!(cure[0].ends_with("and it is never purged"), "{cure:?}");
}

#[test]
fn zero_leaves_a_leftover_what_it_uses() {
    let region = with_leftovers();
    for holder in [own("old"), Holder::Project(id(6))] {
        let edits = region.census.zero(&holder, false).unwrap();
        let told = region.check(Check::Whole, &edits).unwrap();
        assert_eq!(told[0].limits.holder, own("old"));
        assert_eq!(told[0].after, "cores=5");
    }
    let edits = region.census.zero(&own("admin"), false).unwrap();
    assert_eq!(
        region.check(Check::Whole, &edits).unwrap()[0].before,
        "cores=unlimited"
    );
    for (holder, force, is_right) in [
        (Holder::Project(id(1)), true, false),
        (own("web"), true, false),
        (own("service"), false, false),
        (own("service"), true, true),
        (own("new"), true, false),
        (own("none"), true, false),
    ] {
        let zero = region.census.zero(&holder, force);
        assert_eq!(zero.is_ok(), is_right, "{holder}: {zero:?}");
    }
}

/// Whoever makes projects can write the marker of a retired one on his own.
#[test]
fn a_copy_of_a_retired_projects_marker_is_not_it() {
    let mut region = with_leftovers();
    region.project("copy", Some(6), Custody::Common);
    region.census.know(
        id(6),
        InDirectory::Retired {
            name: "old".to_owned(),
        },
    );
    let whys = |region: &Region| {
        let allocation = region.census.allocation(&Default::default());
        let two = allocation.leftovers.into_iter();
        let two = two.filter(|it| ["copy", "old"].contains(&it.name.as_str()));
        two.map(|it| it.why.name()).collect::<Vec<_>>()
    };
    assert_eq!(whys(&region), ["doubled", "retired"]);
    // Neither does it where that is not there any more, and its department is another one.
    region
        .census
        .belongs(id(6), Some(CloudId::new("elsewhere")));
    assert_eq!(whys(&region), ["doubled", "doubled"]);
}
