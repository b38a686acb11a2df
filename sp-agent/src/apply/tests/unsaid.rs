//! Links of which a restored hub says nothing: whoever sees one may say that it goes, or stays.

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
