//! What a hub decided about a thing of the region that is another one here.

use shared::model::{Becomes, End, ObjectKind};

use super::rules::*;
use super::world::*;
use super::*;

const OTHER: u128 = 20;

/// The hub was restored: of the role it says nothing, and the region's is another one by its word.
fn restored(bench: &mut Bench, replica: &mut Replica) -> CloudId {
    let kind = ObjectKind::Role;
    let here = bench.cloud.named(kind, "member").remove(0);
    // As of one that no Keystone lets be marked.
    bench.cloud.markers.remove(&(kind, here.clone()));
    bench.read();
    let lost = assigned(oid(USER), oid(PROJECT), oid(ROLE));
    replica.directory.unlink(&lost);
    replica.unsaid.insert(lost);
    replica.directory.take(kind, &oid(ROLE));
    replica.directory.insert(oid(OTHER), role("member"));
    let link = assigned(oid(USER), oid(PROJECT), oid(OTHER));
    replica.directory.link(link);
    let thing = (kind, here.clone());
    let becomes = Becomes::Object(oid(OTHER));
    replica.bindings.insert(thing, becomes);
    here
}

fn is_in_place(bench: &mut Bench, here: &CloudId) {
    bench.run();
    let made = bench
        .given
        .iter()
        .filter(|it| matches!(it, Order::Create { .. }));
    assert_eq!(made.count(), 6, "{:?}", bench.given);
    let progress = bench.progress();
    let left = (
        progress.failed_count,
        progress.waiting,
        progress.drift_count,
    );
    assert_eq!(left, (0, 0, 0), "{progress:?}");
    let known = bench.core.places.here(ObjectKind::Role, &oid(OTHER));
    assert_eq!(known.as_ref(), Some(here));
    assert!(
        !bench
            .core
            .base()
            .objects
            .contains_key(&(ObjectKind::Role, oid(ROLE)))
    );
    assert_eq!(bench.run(), 0, "{:?}", bench.given);
}

#[test]
fn what_was_applied_as_what_a_restored_hub_does_not_know_is_what_it_says_now() {
    let (mut bench, mut replica) = applied();
    let here = restored(&mut bench, &mut replica);
    bench.core.follow(&replica);
    is_in_place(&mut bench, &here);
    let kept = bench.kept.clone();
    bench.restart(kept, &replica, Policy::default());
    assert_eq!(bench.run(), 0);
    // What it was is made once somebody has it again, as what it is not any more.
    replica.directory.insert(oid(ROLE), role("reader"));
    bench.core.follow(&replica);
    assert!(matches!(bench.step().as_slice(), [Order::Create { .. }]));
    assert_eq!(bench.run(), 0);
}

#[test]
fn the_same_where_it_is_heard_last_that_the_hub_says_nothing_of_it() {
    let (mut bench, mut replica) = applied();
    let here = restored(&mut bench, &mut replica);
    let lost = replica.clone();
    replica.directory.insert(oid(ROLE), role("reader"));
    bench.core.follow(&replica);
    let known = |bench: &Bench, id| bench.core.places.here(ObjectKind::Role, &oid(id));
    assert_eq!(
        known(&bench, ROLE).as_ref(),
        Some(&here),
        "while it is known"
    );
    assert_eq!(known(&bench, OTHER), None);
    bench.core.follow(&lost);
    is_in_place(&mut bench, &here);
}

/// A role had another name when the hub was backed up, and this one has it now.
#[test]
fn what_is_elsewhere_already_is_not_what_a_restored_hub_takes_for_it() {
    let (mut bench, mut replica) = applied();
    let kind = ObjectKind::Role;
    replica.directory.insert(oid(OTHER), role("reader"));
    bench.core.follow(&replica);
    bench.run();
    let other = bench.cloud.named(kind, "reader").remove(0);
    bench.cloud.markers.remove(&(kind, other.clone()));
    let before = replica.clone();
    let here = restored(&mut bench, &mut replica);
    bench.core.follow(&replica);
    let goes_on = |bench: &mut Bench| {
        for _ in 0..3 {
            bench.step();
            bench.now += Duration::from_secs(301);
            bench.read();
        }
        let known = |id| bench.core.places.here(kind, &oid(id));
        assert_eq!(known(ROLE).as_ref(), Some(&here));
        assert_eq!(known(OTHER).as_ref(), Some(&other));
        assert!(bench.kept.objects.contains_key(&(kind, oid(ROLE))));
    };
    goes_on(&mut bench);
    let own = (
        Subject::Own(kind, here.clone()),
        vec![Difference::CreatedHere],
        Why::Region,
    );
    assert!(bench.drift().contains(&own), "{:?}", bench.drift());
    // The merge of another region tells of it again.
    let bindings = std::mem::take(&mut replica.bindings);
    replica = Replica { bindings, ..before };
    bench.core.follow(&replica);
    goes_on(&mut bench);
    let made = |it: &&Order| matches!(it, Order::Create { .. });
    assert_eq!(bench.given.iter().filter(made).count(), 7);
}

#[test]
fn what_ended_is_no_other_thing_by_the_hubs_word() {
    let (mut bench, mut replica) = applied();
    let here = restored(&mut bench, &mut replica);
    let ended = (ObjectKind::Role, End::Deleted);
    replica.ended.insert(oid(ROLE), ended);
    bench.core.follow(&replica);
    let known = bench.core.places.here(ObjectKind::Role, &oid(ROLE));
    assert_eq!(known, Some(here));
}

#[test]
fn what_was_made_meanwhile_stays_what_the_directory_has_and_the_other_one_is_the_regions() {
    let (mut bench, mut replica) = applied();
    let kind = ObjectKind::Project;
    let ops = bench.cloud.named(ObjectKind::Department, "ops").remove(0);
    let there = bench.cloud.add(project(ops, None, "shop"));
    let shop = project(oid(DEPARTMENT), None, "shop");
    replica.directory.insert(oid(OTHER), shop);
    bench.read();
    bench.core.follow(&replica);
    assert_eq!(bench.progress().failed_count, 0);
    // The name is free, and then the hub's word is heard that it is that one.
    rename(&mut bench.cloud, kind, "shop", "store");
    bench.read();
    bench.run();
    let made = bench.cloud.named(kind, "shop").remove(0);
    let becomes = Becomes::Object(oid(OTHER));
    replica.bindings.insert((kind, there.clone()), becomes);
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "{:?}", bench.given);
    assert_eq!(bench.core.places.here(kind, &oid(OTHER)), Some(made));
    let own = Subject::Own(kind, there);
    let expected = [(own, vec![Difference::CreatedHere], Why::Region)];
    assert_eq!(bench.drift(), expected);
}
