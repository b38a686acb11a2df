//! Limits that are set no more.

use super::*;

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn a_limit_that_was_set_is_set_no_more_and_the_others_stay() {
    let mut region = region();
    region.set(edit(1, &[("cores", 25), ("instances", 12)]));
    let web = Holder::Project(id(1));
    let unset = region
        .census
        .unset(&web, &words(&["compute:cores"]))
        .unwrap();
    let [change] = unset.changes.as_slice() else {
        panic!("{unset:?}");
    };
    let (before, after) = (change.before.as_str(), change.after.as_str());
    assert_eq!((before, after), ("cores=25", "cores=not set"));
    let left: Vec<_> = change
        .limits
        .resources
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(left, ["instances"]);
    for wrong in [&["ram"][..], &["cores", "network:cores"], &[]] {
        assert!(
            region.census.unset(&web, &words(wrong)).is_err(),
            "{wrong:?}"
        );
    }
    let refused = region
        .census
        .unset(&web, &words(&["ram"]))
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("; name one that is: compute:cores, compute:instances"),
        "{refused}"
    );
    // Also what no cloud knows, as long as it is set.
    let all = region
        .census
        .unset(&web, &words(&["cores", "instances"]))
        .unwrap();
    assert_eq!(all.changes[0].limits.resources, []);
}

#[test]
fn what_waits_is_forgotten_likewise() {
    let mut region = region();
    let key = RaiseKey {
        project: id(1),
        service: ServiceKind::Compute,
        resource: "cores".to_owned(),
    };
    region.census.wait(Raise {
        key: key.clone(),
        limit: 30,
        givers: [].into(),
    });
    let web = Holder::Project(id(1));
    let unset = region.census.unset(&web, &words(&["cores"])).unwrap();
    assert_eq!(
        (unset.changes, unset.settled),
        (vec![], [(key, id(1))].into())
    );
}
