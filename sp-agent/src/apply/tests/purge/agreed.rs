//! Nothing is deleted before every region said that nothing is in it.

use super::*;

#[test]
fn it_is_found_empty_first_and_deleted_when_every_region_said_so() {
    let (mut bench, mut replica) = retired();
    let inner = bench.cloud.named(ObjectKind::Project, "web-test").remove(0);
    let web = (ObjectKind::Project, INNER, "web-test");
    let contents = "1 image".to_owned();
    bench.cloud.contents.insert(inner.clone(), contents);
    step(&mut replica, web, PurgeStep::Ask);
    bench.core.follow(&replica);
    let task = bench.core.next(bench.now, 10).tasks.remove(0);
    let result = bench.cloud.perform(&task.order);
    bench.finish(&task, result, u64::MAX);
    let is_full = |it: &Remark| match &it.state {
        RemarkState::Failed { error, .. } => error.contains("1 image"),
        _ => false,
    };
    assert!(remarks(&bench).iter().any(is_full), "{:?}", remarks(&bench));
    bench.cloud.contents.clear();
    bench.run();
    assert_eq!((purgeable(&bench).len(), projects(&bench)), (1, 2));
    // Whoever switches it on takes that back, and after a week it is no word any more.
    let outer = bench.cloud.named(ObjectKind::Project, "web").remove(0);
    for on in [true, false] {
        for it in [&outer, &inner] {
            bench.cloud.all.projects.get_mut(it).unwrap().enabled = on;
        }
        bench.read();
        bench.step();
        assert_eq!(purgeable(&bench), Vec::<String>::new(), "{on}");
    }
    bench.run();
    assert_eq!(purgeable(&bench), ["web-test"]);
    step(&mut replica, web, PurgeStep::Lapsed);
    bench.core.follow(&replica);
    assert_eq!((bench.run(), remarks(&bench)), (0, vec![]));
    step(&mut replica, web, PurgeStep::Delete);
    bench.core.follow(&replica);
    assert_eq!((bench.run(), projects(&bench)), (1, 1));
    assert_eq!(purged(&bench), ["web-test"]);
}

#[test]
fn a_department_is_agreed_on_while_all_in_it_is_the_federations_and_may_go() {
    let (mut bench, mut replica) = retired();
    for id in [INNER, PROJECT] {
        let name = if id == INNER { "web-test" } else { "web" };
        purge(&mut replica, ObjectKind::Project, id, name);
    }
    for (kind, id) in [
        (ObjectKind::User, USER),
        (ObjectKind::Group, GROUP),
        (ObjectKind::Department, DEPARTMENT),
    ] {
        end(&mut replica, kind, id, End::Retired);
    }
    let ops = (ObjectKind::Department, DEPARTMENT, "ops");
    step(&mut replica, ops, PurgeStep::Ask);
    bench.core.follow(&replica);
    bench.run();
    assert_eq!(purgeable(&bench), ["ops"], "{:?}", remarks(&bench));
    assert_eq!(bench.cloud.named(ObjectKind::User, "ann").len(), 1);
    // Somebody of the region's own takes that back, and so does what may not be removed.
    let here = bench.cloud.named(ObjectKind::Department, "ops").remove(0);
    let lucy = bench.cloud.add(user(here, "lucy"));
    bench.read();
    bench.run();
    let says = |bench: &Bench, word: &str| {
        let is_it = |it: &Remark| match &it.state {
            RemarkState::Blocked { reason } => reason.contains(word),
            _ => false,
        };
        assert_eq!(purgeable(bench), Vec::<String>::new(), "{word}");
        let told = remarks(bench);
        assert!(told.iter().any(is_it), "{word}: {told:?}");
    };
    says(&bench, "1 user");
    bench.cloud.all.users.remove(&lucy);
    let ann = bench.cloud.named(ObjectKind::User, "ann").remove(0);
    bench.cloud.reserve(ObjectKind::User, &ann);
    bench.read();
    bench.run();
    says(&bench, "\"ann\" in it may not be removed");
    let policy = Policy {
        removals_max: 0,
        ..Policy::default()
    };
    bench.core.allow(policy);
    bench.run();
    says(&bench, "removals_max");
}
