//! What is refused for ever, as in a directory that takes no changes, holds up nothing that is not.

use shared::model::End;

use super::super::rules::end;
use super::*;
use crate::apply::compare::switched;

const FIRST: u128 = 100;

/// Whoever has these numbers is in a directory that takes no changes.
fn is_read_only(sim: &mut Sim, users: std::ops::Range<u128>) {
    let here = |it| sim.bench.cloud.named(ObjectKind::User, &format!("u{it}"));
    let fixed: Vec<CloudId> = users.flat_map(|it| here(it - FIRST)).collect();
    sim.bench.cloud.fixed.extend(fixed);
}

fn is_off(sim: &Sim, number: u128) -> bool {
    let name = format!("u{}", number - FIRST);
    let mut users = sim.bench.cloud.all.users.values();
    users.any(|it| it.name == name && !it.enabled)
}

fn switch_off(sim: &mut Sim, users: std::ops::Range<u128>) {
    for it in users {
        let found = sim.replica.directory.object(ObjectKind::User, &oid(it));
        sim.replica
            .directory
            .insert(oid(it), switched(found.unwrap(), false));
    }
    sim.bench.core.follow(&sim.replica);
}

#[test]
fn what_can_be_removed_is_beside_users_who_never_can_be() {
    const GROUP: u128 = 5000;
    let mut sim = Sim::new(100);
    let staff = group(oid(ELSEWHERE), "staff");
    sim.replica.directory.insert(oid(GROUP), staff);
    sim.bench.core.follow(&sim.replica);
    sim.go_on(10);
    let here = |sim: &Sim| sim.bench.cloud.named(ObjectKind::Group, "staff").len();
    assert_eq!(here(&sim), 1);
    is_read_only(&mut sim, FIRST..FIRST + 100);
    (FIRST..FIRST + 100).for_each(|it| end(&mut sim.replica, ObjectKind::User, it, End::Deleted));
    sim.bench.core.follow(&sim.replica);
    sim.go_on(1800);
    assert_eq!(sim.bench.progress().failed_count, 100);
    end(&mut sim.replica, ObjectKind::Group, GROUP, End::Deleted);
    sim.bench.core.follow(&sim.replica);
    assert!(sim.until(120, |it| here(it) == 0).is_some());
    // Each of them is tried all the same.
    sim.sent.clear();
    sim.go_on(1800);
    let tried: std::collections::BTreeSet<_> = sim.sent.iter().map(|(_, it)| it).collect();
    assert_eq!(tried.len(), 100);
    sim.bench.cloud.fixed.clear();
    let all = sim.until(3600, |it| it.bench.cloud.all.users.is_empty());
    assert!(all.is_some(), "{:?}", sim.bench.progress());
}

#[test]
fn whoever_can_be_switched_off_is_beside_users_who_never_can_be() {
    let mut sim = Sim::new(151);
    sim.bench.core.allow(Policy {
        withdrawals_max: 50,
        ..Policy::default()
    });
    let last = FIRST + 150;
    is_read_only(&mut sim, FIRST..last);
    switch_off(&mut sim, FIRST..last);
    sim.go_on(900);
    switch_off(&mut sim, last..last + 1);
    let took = sim.until(300, |it| is_off(it, last));
    assert!(
        took.is_some_and(|it| it < Duration::from_secs(5)),
        "{took:?}"
    );
    // Also whoever has a high number is tried, and so is mended once he can be.
    let one = last - 1;
    let name = format!("u{}", one - FIRST);
    let found = sim.bench.cloud.named(ObjectKind::User, &name);
    sim.bench.cloud.fixed.retain(|it| !found.contains(it));
    assert!(sim.until(1200, |it| is_off(it, one)).is_some());
}

/// Where refusals take a while, those that are tried again would take all places.
#[test]
fn what_is_refused_keeps_no_places_from_what_comes_after_it() {
    const GROUP: u128 = 5000;
    const MANY: u128 = 600;
    let mut sim = Sim::new(MANY);
    let staff = group(oid(ELSEWHERE), "staff");
    sim.replica.directory.insert(oid(GROUP), staff);
    sim.bench.core.follow(&sim.replica);
    sim.go_on(10);
    // Nothing of this waits for a reading.
    sim.read_at = sim.bench.now + Duration::from_secs(86_400);
    is_read_only(&mut sim, FIRST..FIRST + MANY);
    sim.comes = |_, task| match task.subject {
        Subject::Object(ObjectKind::User, _) => Comes::Busy,
        _ => Comes::Done,
    };
    sim.change(FIRST..FIRST + MANY);
    sim.go_on(300);
    sim.replica
        .directory
        .link(member(oid(GROUP), oid(FIRST + 7)));
    sim.bench.core.follow(&sim.replica);
    let took = sim.until(120, |it| !it.bench.cloud.all.memberships.is_empty());
    assert!(
        took.is_some_and(|it| it < Duration::from_secs(10)),
        "{took:?}"
    );
}

#[test]
fn where_a_batch_is_too_small_to_be_shared_what_was_not_refused_goes_first() {
    let mut sim = Sim::new(5);
    let policy = Policy {
        removals_max: 1,
        ..Policy::default()
    };
    sim.bench.core.allow(policy);
    is_read_only(&mut sim, FIRST..FIRST + 4);
    (FIRST..FIRST + 4).for_each(|it| end(&mut sim.replica, ObjectKind::User, it, End::Deleted));
    sim.bench.core.follow(&sim.replica);
    sim.go_on(900);
    end(&mut sim.replica, ObjectKind::User, FIRST + 4, End::Deleted);
    sim.bench.core.follow(&sim.replica);
    let is_gone = |it: &Sim| it.bench.cloud.named(ObjectKind::User, "u4").is_empty();
    assert!(sim.until(61, is_gone).is_some());
    sim.bench.cloud.fixed.clear();
    let all = sim.until(1200, |it| it.bench.cloud.all.users.is_empty());
    assert!(all.is_some(), "the others have their turn then");
}
