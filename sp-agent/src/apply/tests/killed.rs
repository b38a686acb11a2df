//! An agent that is killed in the middle of an order knows what it did for the hub's doing, and not
//! for the region's.

use shared::ids::ObjectId;
use shared::model::{Link, ObjectKind};

use super::super::compare::switched;
use super::rules::{INNER, ROLE, USER, applied, change};
use super::world::*;
use super::*;
use crate::replica::Tied;

fn link() -> Link<ObjectId> {
    assigned(oid(USER), oid(INNER), oid(ROLE))
}

/// The next batch is noted, given, and carried out or not, and nobody hears of it.
fn is_killed(bench: &mut Bench, is_carried_out: bool) {
    let batch = bench.core.next(bench.now, 1000);
    bench.keep(batch.notes);
    assert_eq!(batch.tasks.len(), 1);
    for task in batch.tasks.iter().filter(|_| is_carried_out) {
        bench.cloud.perform(&task.order).unwrap();
    }
}

fn is_started_anew(bench: &mut Bench, replica: &Replica) {
    let base = bench.kept.clone();
    bench.restart(base, replica, Policy::default());
    bench.run();
}

#[test]
fn a_role_that_the_hub_gave_and_took_back_meanwhile_is_taken_away() {
    for is_carried_out in [true, false] {
        let (mut bench, mut replica) = applied();
        replica.directory.link(link());
        bench.core.follow(&replica);
        is_killed(&mut bench, is_carried_out);
        replica.directory.unlink(&link());
        is_started_anew(&mut bench, &replica);
        assert_eq!(bench.cloud.all.assignments.len(), 1);
        assert_eq!(bench.drift(), []);
        assert!(!bench.kept.links.contains_key(&link().id()));
    }
}

#[test]
fn a_role_that_the_hub_still_gives_is_in_place_as_ours() {
    for is_carried_out in [true, false] {
        let (mut bench, mut replica) = applied();
        replica.directory.link(link());
        bench.core.follow(&replica);
        is_killed(&mut bench, is_carried_out);
        is_started_anew(&mut bench, &replica);
        assert_eq!(bench.cloud.all.assignments.len(), 2);
        assert_eq!(bench.kept.tied(&link().id()), Some(Tied::Made));
    }
}

#[test]
fn a_role_that_the_cloud_refused_and_the_region_gave_afterwards_is_the_regions() {
    let (mut bench, mut replica) = applied();
    replica.directory.link(link());
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 1000);
    bench.keep(batch.notes);
    for task in batch.tasks {
        let refused = CloudError::Status {
            endpoint: "keystone".to_owned(),
            what: "a role".to_owned(),
            status: 400,
            reason: "none".to_owned(),
        };
        bench.finish(&task, Err(refused), 0);
    }
    replica.directory.unlink(&link());
    bench.core.follow(&replica);
    let given = link().translated(|kind, id| bench.core.places.here(kind, id));
    bench.cloud.all.link(given.unwrap());
    bench.read();
    assert_eq!(bench.run(), 0);
    let told = [(
        Subject::Link(link()),
        vec![Difference::LinkGiven],
        Why::Region,
    )];
    assert_eq!(bench.drift(), told);
}

#[test]
fn a_link_that_is_to_be_put_back_is_shown_again() {
    let (mut bench, replica) = applied();
    let ann = bench.cloud.named(ObjectKind::User, "ann").remove(0);
    let links = super::cloud::links(&bench.cloud.all);
    let its = links
        .into_iter()
        .filter(|it| matches!(it, Link::Assignment(_)));
    its.for_each(|it| bench.cloud.all.unlink(&it));
    assert!(bench.cloud.all.users.contains_key(&ann));
    bench.read();
    bench.run();
    let told = bench.drift();
    let [(subject, ..)] = told.as_slice() else {
        panic!("{told:?}");
    };
    bench.core.put_back(subject.clone());
    is_killed(&mut bench, false);
    is_started_anew(&mut bench, &replica);
    assert_eq!(bench.drift(), told, "the word is not taken twice");
}

#[test]
fn who_was_switched_on_and_off_again_meanwhile_is_off_and_the_other_way_round() {
    for is_on in [true, false] {
        for is_carried_out in [true, false] {
            let (mut bench, mut replica) = applied();
            for now in [is_on, !is_on] {
                change(&mut replica, ObjectKind::User, USER, |it| {
                    *it = switched(it.clone(), now);
                });
                bench.core.follow(&replica);
                if now == is_on {
                    bench.run();
                }
            }
            is_killed(&mut bench, is_carried_out);
            change(&mut replica, ObjectKind::User, USER, |it| {
                *it = switched(it.clone(), is_on);
            });
            is_started_anew(&mut bench, &replica);
            let ann = bench.cloud.all.users.values().find(|it| it.name == "ann");
            assert_eq!(ann.unwrap().enabled, is_on, "{:?}", bench.drift());
            assert_eq!(bench.drift(), []);
            // What somebody in the region does from now on is his.
            let users = bench.cloud.all.users.values_mut();
            users.for_each(|it| it.enabled = !is_on);
            bench.read();
            assert_eq!(bench.run(), 0);
            assert_eq!(bench.drift().len(), 1);
        }
    }
}

#[test]
fn a_switch_that_is_to_be_put_back_is_shown_again() {
    let (mut bench, replica) = applied();
    let users = bench.cloud.all.users.values_mut();
    users.for_each(|it| it.enabled = false);
    bench.read();
    bench.run();
    let told = bench.drift();
    bench
        .core
        .put_back(Subject::Object(ObjectKind::User, oid(USER)));
    is_killed(&mut bench, false);
    is_started_anew(&mut bench, &replica);
    assert_eq!((told.len(), bench.drift()), (1, told));
}
