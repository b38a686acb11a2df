//! Other services than Keystone that hang, and hold up none of each other.

use super::*;

const SERVICES: [ServiceKind; 3] = [
    ServiceKind::Compute,
    ServiceKind::Volume,
    ServiceKind::Network,
];

fn limits_in_place(sim: &Sim, service: ServiceKind) -> usize {
    let is_set = |it: &u128| {
        let subject = Subject::Quota(Holder::Project(oid(*it)), service);
        sim.bench.core.standing(&subject) == Some(&Standing::InPlace)
    };
    PROJECTS.filter(is_set).count()
}

const PROJECTS: std::ops::Range<u128> = 5000..5030;

/// Projects that all get limits in three services, of which Nova hangs.
fn with_limits() -> Sim {
    let mut sim = Sim::new(0);
    for it in PROJECTS {
        let project = project(oid(HOME), None, &format!("p{it}"));
        sim.replica.directory.insert(oid(it), project);
    }
    sim.bench.core.follow(&sim.replica);
    let made = sim.until(60, |it| it.bench.progress().in_place == 32);
    assert!(made.is_some());
    for it in PROJECTS {
        let holder = Holder::Project(oid(it));
        for service in SERVICES {
            let mut told = limits(&holder, &[limit("any", Some(1), 5)]);
            told.service = service;
            sim.replica.limits.insert((holder.clone(), service), told);
        }
    }
    sim.comes = |_, task| match &task.order {
        Order::Quota(it) if it.service == ServiceKind::Compute => Comes::Hangs,
        _ => Comes::Done,
    };
    sim.bench.core.follow(&sim.replica);
    sim
}

#[test]
fn a_nova_that_hangs_holds_up_limits_in_no_other_service() {
    let mut sim = with_limits();
    let [_, volume, network] = SERVICES;
    let is_set = |sim: &Sim| [volume, network].map(|it| limits_in_place(sim, it)) == [30, 30];
    let took = sim.until(60, is_set);
    // What is not answered keeps its place for two seconds.
    assert!(
        took.is_some_and(|it| it < Duration::from_secs(10)),
        "{took:?}: {:?}",
        SERVICES.map(|it| limits_in_place(&sim, it))
    );
    assert!(sim.most <= 2 * PLACES, "{}", sim.most);
    // Also when all of Nova's failed before.
    sim.go_on(600);
    for it in PROJECTS {
        let key = (Holder::Project(oid(it)), volume);
        let told = sim.replica.limits.get_mut(&key).unwrap();
        told.resources = vec![limit("any", Some(2), 6)];
    }
    sim.bench.core.follow(&sim.replica);
    let took = sim.until(60, |sim| limits_in_place(sim, volume) == 30);
    assert!(
        took.is_some_and(|it| it < Duration::from_secs(10)),
        "{took:?}"
    );
}
