//! How much looking there is: not more than what changed asks for.

use shared::model::{Object, ObjectKind};

use super::world::*;
use super::*;

const PROJECTS: u128 = 500;
const USERS: u128 = 2000;

/// 10 departments, 500 projects, 2,000 users, 4,000 assignments.
fn large() -> Replica {
    let mut replica = Replica::default();
    let all = &mut replica.directory;
    let (departments, projects, users, role_id) = (1_000, 10_000, 20_000, oid(1));
    all.insert(role_id, role("member"));
    (0..10).for_each(|it| all.insert(oid(departments + it), department(&format!("d{it}"))));
    for it in 0..PROJECTS {
        let of = oid(departments + it % 10);
        all.insert(oid(projects + it), project(of, None, &format!("p{it}")));
    }
    for it in 0..USERS {
        let of = oid(departments + it % 10);
        all.insert(oid(users + it), user(of, &format!("u{it}")));
        for nth in [it, it + 7] {
            let place = oid(projects + nth % PROJECTS);
            all.link(assigned(oid(users + it), place, role_id));
        }
    }
    replica
}

#[test]
fn a_large_directory_is_decided_in_a_moment_and_one_change_without_looking_at_the_rest() {
    let replica = large();
    let mut bench = Bench::new(Fake::default(), Policy::default());
    // The cloud has all of it, known by markers alone.
    let mut places = std::collections::BTreeMap::new();
    for (kind, id, object) in super::cloud::objects(&replica.directory) {
        let here = |kind, id: &shared::ids::ObjectId| places.get(&(kind, *id)).cloned();
        let object = super::super::compare::translated(&object, here).unwrap();
        let here = bench.cloud.add(object);
        bench.cloud.mark(kind, &here, id);
        places.insert((kind, id), here);
    }
    for link in super::cloud::links(&replica.directory) {
        let here = |kind, id: &shared::ids::ObjectId| places.get(&(kind, *id)).cloned();
        bench.cloud.all.link(link.translated(here).unwrap());
    }
    bench.read();
    let began = start();
    bench.core.follow(&replica);
    let batch = bench.core.next(bench.now, 100);
    let whole = began.elapsed();
    assert_eq!(
        (batch.tasks.len(), bench.core.progress(bench.now).in_place),
        (0, 6511)
    );
    let mut changed = replica.directory.users[&oid(20_000)].clone();
    changed.email = None;
    let began = start();
    let object = Some(Object::User(changed));
    bench.core.tell(ObjectKind::User, oid(20_000), object);
    let batch = bench.core.next(bench.now, 100);
    let one = began.elapsed();
    assert_eq!(batch.tasks.len(), 1);
    println!("all: {whole:?}, one: {one:?}");
    // Unoptimized, and beside other tests; a release build takes a tenth.
    assert!(whole < Duration::from_secs(3), "{whole:?}");
    assert!(one < Duration::from_millis(20), "{one:?}");
}
