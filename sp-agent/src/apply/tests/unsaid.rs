//! Links of which a restored hub says nothing: whoever sees one may say that it goes, or stays.

use shared::model::ObjectKind;

use super::remarks::{say, seen, told};
use super::rules::*;
use super::world::*;
use super::*;

#[test]
fn what_a_restored_hub_does_not_speak_of_is_taken_away_once_somebody_says_so() {
    let (mut bench, mut replica) = applied();
    let link = assigned(oid(USER), oid(PROJECT), oid(ROLE));
    replica.directory.unlink(&link);
    replica.unsaid.insert(link);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "{:?}", bench.given);
    let [remark] = &told(&bench).remarks[..] else {
        panic!("{:?}", bench.drift());
    };
    say(&mut replica, remark.subject.clone(), [1; 16], 1);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "another one was seen");

    let given = bench.cloud.all.assignments.clone();
    say(&mut replica, remark.subject.clone(), seen(remark), 2);
    bench.core.follow(&replica);
    assert!(matches!(bench.step().as_slice(), [Order::Unlink(_)]));
    assert!(bench.cloud.all.assignments.is_empty());
    bench.read();
    assert_eq!(bench.run(), 0);
    assert_eq!(told(&bench).remarks, []);

    // Given there once more, it was not seen by anybody; nor is it after a restart.
    bench.cloud.all.assignments = given;
    bench.read();
    assert_eq!(bench.run(), 0, "{:?}", bench.given);
    assert_eq!(bench.drift().len(), 1);
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    assert_eq!(bench.run(), 0);
    assert_eq!(bench.drift().len(), 1);
}

/// As of a hub that was set back and merged the region again. Nothing moves by that: the agent
/// knew all the time what the role is here.
#[test]
fn what_the_region_gave_of_a_role_that_the_directory_lacked_is_told_once_it_has_it_again() {
    let (mut bench, mut replica) = applied();
    let (auditor, kind) = (oid(70), ObjectKind::Role);
    replica.directory.insert(auditor, role("auditor"));
    bench.core.follow(&replica);
    bench.run();
    let lost = replica.directory.take(kind, &auditor).unwrap();
    bench.core.follow(&replica);
    bench.run();
    let here = |kind, name| bench.cloud.named(kind, name).remove(0);
    let given = assigned(
        here(ObjectKind::User, "ann"),
        here(ObjectKind::Project, "web-test"),
        here(kind, "auditor"),
    );
    bench.cloud.all.link(given);
    bench.read();
    assert_eq!(bench.run(), 0);
    replica.directory.insert(auditor, lost);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0);
    let given = Subject::Link(assigned(oid(USER), oid(INNER), auditor));
    let expected = [(given, vec![Difference::LinkGiven], Why::Region)];
    assert_eq!(bench.drift(), expected);
}
