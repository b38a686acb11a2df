//! Whoever is dismissed as a cloud administrator waits for nothing that fails or hangs.

use super::super::passwords::{appoint, secret_of};
use super::*;

#[test]
fn a_dismissal_that_failed_once_waits_for_nothing_that_hangs() {
    const ANN: u128 = 100;
    let mut sim = Sim::new(41);
    let link = appoint(&mut sim.replica, oid(ANN));
    let secret = secret_of(oid(ANN), 5);
    sim.replica.secrets.insert(oid(ANN), secret);
    sim.bench.core.follow(&sim.replica);
    let has_it = |it: &Sim| !it.bench.cloud.all.assignments.is_empty();
    assert!(
        sim.until(60, has_it).is_some(),
        "{:?}",
        sim.bench.progress()
    );
    sim.sent.clear();
    sim.hanging = sim.change(101..141);
    sim.go_on(600);
    for _ in 0..5 {
        sim.unlucky = vec![Subject::Link(link.clone())];
        sim.sent.clear();
        sim.replica.directory.unlink(&link);
        sim.bench.core.follow(&sim.replica);
        let took = sim.until(120, |it| !has_it(it));
        assert!(
            took.is_some_and(|it| it < Duration::from_secs(2)),
            "{took:?}"
        );
        assert!(sim.sent.len() > 1, "it failed once");
        sim.unlucky.clear();
        sim.replica.directory.link(link.clone());
        sim.bench.core.follow(&sim.replica);
        assert!(
            sim.until(60, has_it).is_some(),
            "{:?}",
            sim.bench.progress()
        );
        sim.go_on(37);
    }
}

/// A department's administrators, of whom each one's dismissal hangs, hold up nobody.
#[test]
fn dismissals_that_hang_hold_up_nobody() {
    let mut sim = Sim::new(40);
    let mut links = Vec::new();
    for it in 100..140 {
        links.push(appoint(&mut sim.replica, oid(it)));
        sim.replica.secrets.insert(oid(it), secret_of(oid(it), 5));
    }
    sim.bench.core.follow(&sim.replica);
    let all = sim.until(120, |it| it.bench.cloud.all.assignments.len() == 40);
    assert!(all.is_some(), "{:?}", sim.bench.progress());
    sim.hanging = links.iter().cloned().map(Subject::Link).collect();
    links.iter().for_each(|it| sim.replica.directory.unlink(it));
    sim.bench.core.follow(&sim.replica);
    sim.go_on(120);
    let took = new_users(&mut sim, ELSEWHERE, 17);
    let longest = took.iter().max().unwrap();
    assert!(*longest < Duration::from_secs(5), "{:?}", ms(&took));
    assert!(sim.most <= 4 * PLACES, "{}", sim.most);
}
