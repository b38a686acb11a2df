//! Of several things of a region that say they are the same one of the directory's, one is or none.

use super::*;

fn project(here: &str, department: &str, name: &str) -> Entry<Project<CloudId>> {
    Entry {
        id: CloudId::new(here),
        custody: Custody::Common,
        marker: Some(Marker {
            federation: OURS,
            object: id(1),
        }),
        what: Project {
            department: CloudId::new(department),
            parent: None,
            name: name.to_owned(),
            description: None,
            enabled: true,
        },
    }
}

/// Where `web` of the department that is `home` there is, by what the region has.
fn found(home: Option<&str>, all: &[Entry<Project<CloudId>>]) -> Option<String> {
    let mut whereabouts = Whereabouts::new(OURS);
    for it in all {
        whereabouts.see(it);
    }
    whereabouts.belongs(id(1), home.map(CloudId::new));
    whereabouts.named(id(1), "web");
    whereabouts.of(id(1)).map(ToString::to_string)
}

#[test]
fn a_marker_counts_in_its_own_department_and_of_several_the_one_that_has_the_name() {
    let web = project("w", "ops", "web");
    let far = project("a", "lab", "web");
    let is = |it: &str| Some(it.to_owned());
    assert_eq!(found(Some("ops"), &[far.clone(), web.clone()]), is("w"));
    assert_eq!(found(Some("ops"), &[web.clone(), far.clone()]), is("w"));
    assert_eq!(found(Some("ops"), std::slice::from_ref(&far)), None);
    let gone = [far.clone(), web.clone()];
    assert_eq!(found(None, &gone), None, "who knows");
    let renamed = project("r", "ops", "web2");
    assert_eq!(found(Some("ops"), std::slice::from_ref(&renamed)), is("r"));
    let copy = project("c", "ops", "copy");
    let both = [copy.clone(), web.clone(), far];
    assert_eq!(found(Some("ops"), &both), is("w"));
    assert_eq!(found(Some("ops"), &[copy, renamed]), None, "who knows");
}

#[test]
fn what_is_the_regions_own_by_now_counts_after_what_is_not() {
    let mut own = project("o", "ops", "web");
    own.custody = Custody::Reserved;
    let is = |it: &str| Some(it.to_owned());
    assert_eq!(found(Some("ops"), &[own.clone()]), is("o"));
    let both = [own.clone(), project("c", "ops", "copy")];
    assert_eq!(found(Some("ops"), &both), is("c"));
    // As the project of the cloud administrators is, where the region's agent signs in by it.
    own.custody = Custody::Administrator;
    assert_eq!(found(Some("ops"), &[own.clone()]), is("o"));
    let both = [own, project("c", "ops", "copy")];
    assert_eq!(found(Some("ops"), &both), is("c"));
}

#[test]
fn where_nobody_knows_its_department_a_marker_counts_but_in_another_of_the_directorys() {
    let department = |here: &str, object| Entry {
        id: CloudId::new(here),
        custody: Custody::Common,
        marker: Some(Marker {
            federation: OURS,
            object: id(object),
        }),
        what: Department {
            name: here.to_owned(),
            description: None,
            enabled: true,
        },
    };
    // `ops` is not marked any more.
    let mut departments = Whereabouts::new(OURS);
    departments.see(&department("lab", 8));
    let (web, far) = (project("w", "ops", "web"), project("a", "lab", "web"));
    let of = |all: &[&Entry<Project<CloudId>>]| {
        let mut whereabouts = Whereabouts::new(OURS);
        for it in all {
            whereabouts.see(it);
        }
        whereabouts.departments(&departments);
        whereabouts.belongs(id(1), None);
        whereabouts.named(id(1), "web");
        whereabouts.of(id(1)).cloned()
    };
    assert_eq!(of(&[&web]), Some(web.id.clone()));
    assert_eq!(of(&[&far, &web]), Some(web.id.clone()));
    assert_eq!(of(&[&far]), None);
}

#[test]
fn what_was_decided_counts_first_wherever_it_is_as_long_as_it_is_there() {
    let decided = project("z", "lab", "old");
    let web = project("w", "ops", "web");
    for all in [[&decided, &web], [&web, &decided]] {
        let mut whereabouts = Whereabouts::new(OURS);
        whereabouts.decide(decided.id.clone(), Becomes::Object(id(1)));
        whereabouts.decide(CloudId::new("gone"), Becomes::Object(id(2)));
        for it in all {
            whereabouts.see(it);
        }
        whereabouts.belongs(id(1), Some(CloudId::new("ops")));
        whereabouts.named(id(1), "web");
        assert_eq!(whereabouts.of(id(1)), Some(&decided.id));
        assert_eq!(whereabouts.of(id(2)), None);
    }
    // And is no other one, whatever its marker says.
    let mut whereabouts = Whereabouts::new(OURS);
    whereabouts.decide(web.id.clone(), Becomes::Object(id(3)));
    whereabouts.see(&web);
    assert_eq!(
        (whereabouts.of(id(1)), whereabouts.of(id(3))),
        (None, Some(&web.id))
    );
}

#[test]
fn what_is_surely_not_it_is_overlooked_and_nothing_else() {
    let web = project("w", "ops", "web");
    let far = project("a", "lab", "web");
    let [copy, another] = ["c", "d"].map(|it| project(it, "ops", it));
    let likely = |home: Option<&str>, all: &[&Entry<Project<CloudId>>]| {
        let mut whereabouts = Whereabouts::new(OURS);
        for it in all {
            whereabouts.see(it);
        }
        whereabouts.belongs(id(1), home.map(CloudId::new));
        whereabouts.named(id(1), "web");
        let likely = whereabouts.likely(id(1)).into_iter();
        likely.map(ToString::to_string).collect::<Vec<_>>()
    };
    let ops = Some("ops");
    assert_eq!(likely(ops, &[&far, &copy, &web]), ["w"]);
    assert_eq!(likely(ops, &[&far, &copy, &another]), ["c", "d"]);
    assert_eq!(likely(ops, &[&far]), Vec::<String>::new());
    assert_eq!(likely(None, &[&far, &web, &copy]), ["a", "w", "c"]);
}
