//! Limits that the hub set, given to the cloud.

use shared::model::{Custody, Holder, Limit, Limits, Object, ObjectKind, Project, ServiceKind};

use super::rules::{DEPARTMENT, PROJECT, applied};
use super::world::*;
use super::*;
use crate::cloud::QuotaOrder;

pub(super) fn limit(name: &str, limit: Option<u64>, version: u64) -> Limit {
    Limit {
        name: name.to_owned(),
        limit,
        version,
        force: false,
    }
}

pub(super) fn limits(holder: &Holder, resources: &[Limit]) -> Limits {
    Limits {
        holder: holder.clone(),
        service: ServiceKind::Compute,
        resources: resources.to_vec(),
    }
}

fn tell(bench: &mut Bench, replica: &mut Replica, holder: &Holder, resources: &[Limit]) {
    let told = limits(holder, resources);
    let key = (holder.clone(), ServiceKind::Compute);
    replica.limits.insert(key, told);
    bench.core.follow(replica);
}

/// What was asked of the cloud last.
fn last(bench: &Bench) -> (CloudId, Vec<(String, Option<u64>)>) {
    let QuotaOrder {
        project, limits, ..
    } = bench.cloud.quotas.last().unwrap().clone();
    let limits = limits.into_iter().map(|it| (it.name, it.limit));
    (project, limits.collect())
}

fn of_web(bench: &Bench) -> (Holder, CloudId) {
    let here = bench.cloud.named(ObjectKind::Project, "web").remove(0);
    (Holder::Project(oid(PROJECT)), here)
}

#[test]
fn what_was_set_is_given_once_for_each_version_and_only_what_is_new() {
    let (mut bench, mut replica) = applied();
    let (holder, here) = of_web(&bench);
    let cores = limit("cores", Some(20), 5);
    tell(
        &mut bench,
        &mut replica,
        &holder,
        std::slice::from_ref(&cores),
    );
    assert_eq!(bench.run(), 1);
    assert_eq!(
        last(&bench),
        (here.clone(), vec![("cores".to_owned(), Some(20))])
    );
    let ram = limit("ram", None, 9);
    tell(&mut bench, &mut replica, &holder, &[cores.clone(), ram]);
    assert_eq!(bench.run(), 1);
    assert_eq!(last(&bench).1, [("ram".to_owned(), None)], "and no cores");
    let base = bench.kept.clone();
    bench.restart(base, &replica, Policy::default());
    assert_eq!(bench.run(), 0, "a restart sets none again");
    // A hub of an older backup.
    tell(&mut bench, &mut replica, &holder, &[cores]);
    assert_eq!(bench.run(), 0, "an older one is none");
    replica.limits.clear();
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 0, "what is told no more stays as it is");
    let subject = Subject::Quota(holder, ServiceKind::Compute);
    assert_eq!(bench.core.standing(&subject), None);
}

#[test]
fn limits_wait_for_their_project_and_are_given_to_what_stands_for_it_later() {
    let (mut bench, mut replica) = applied();
    let late = oid(77);
    let holder = Holder::Project(late);
    tell(
        &mut bench,
        &mut replica,
        &holder,
        &[limit("cores", Some(1), 5)],
    );
    assert_eq!(bench.run(), 0, "the directory has no such project");
    replica
        .directory
        .insert(late, project(oid(DEPARTMENT), None, "late"));
    bench.core.follow(&replica);
    assert_eq!(bench.run(), 2, "the project and its limits");
    let first = bench.cloud.named(ObjectKind::Project, "late").remove(0);
    assert_eq!(last(&bench).0, first);
    bench.cloud.lose(ObjectKind::Project, &first);
    bench.read();
    assert_eq!(bench.run(), 0);
    bench
        .core
        .put_back(Subject::Object(ObjectKind::Project, late));
    assert_eq!(bench.run(), 2, "made again, it has its limits again");
    assert_ne!(last(&bench).0, first);
}

#[test]
fn what_the_policy_protects_gets_no_limits_and_says_so() {
    let (mut bench, mut replica) = applied();
    let (holder, _) = of_web(&bench);
    bench.core.allow(Policy {
        read_only: true,
        ..Policy::default()
    });
    tell(
        &mut bench,
        &mut replica,
        &holder,
        &[limit("cores", Some(1), 5)],
    );
    assert_eq!(bench.run(), 0);
    let subject = Subject::Quota(holder, ServiceKind::Compute);
    let held = (subject, vec![Difference::Quota], Why::ReadOnly);
    assert!(bench.drift().contains(&held), "{:?}", bench.drift());
    bench.core.allow(Policy::default());
    assert_eq!(bench.run(), 1);
}

#[test]
fn a_leftover_has_its_limits_set_by_its_own_id_unless_the_operator_protects_it() {
    let (mut bench, mut replica) = applied();
    let department = bench.cloud.add(department("Default"));
    let own = Object::Project(Project {
        department: department.clone(),
        parent: None,
        name: "admin".to_owned(),
        description: None,
        enabled: true,
    });
    let own = bench.cloud.add(own);
    for (kind, id) in [
        (ObjectKind::Department, &department),
        (ObjectKind::Project, &own),
    ] {
        bench
            .cloud
            .custody
            .insert((kind, id.clone()), Custody::Reserved);
    }
    let holder = Holder::Own(own.clone());
    bench.core.allow(Policy {
        protected_departments: vec!["default".to_owned()],
        ..Policy::default()
    });
    tell(
        &mut bench,
        &mut replica,
        &holder,
        &[limit("cores", Some(0), 5)],
    );
    bench.read();
    assert_eq!(bench.run(), 0);
    let subject = Subject::Quota(holder.clone(), ServiceKind::Compute);
    let held = (subject, vec![Difference::Quota], Why::Protected);
    assert!(bench.drift().contains(&held), "{:?}", bench.drift());
    bench.core.allow(Policy::default());
    assert_eq!(bench.run(), 1);
    assert_eq!(
        last(&bench),
        (own.clone(), vec![("cores".to_owned(), Some(0))])
    );
    bench.cloud.lose(ObjectKind::Project, &own);
    bench.read();
    assert_eq!(bench.run(), 0);
    let subject = Subject::Quota(holder, ServiceKind::Compute);
    assert_eq!(bench.core.standing(&subject), None, "it is gone");
}

#[test]
fn a_service_that_is_away_holds_up_no_order_to_keystone() {
    let (mut bench, mut replica) = applied();
    let (holder, _) = of_web(&bench);
    tell(
        &mut bench,
        &mut replica,
        &holder,
        &[limit("cores", Some(1), 5)],
    );
    for _ in 0..20 {
        let batch = bench.core.next(bench.now, 100);
        for task in batch.tasks {
            let error = CloudError::Unreachable {
                endpoint: "nova".to_owned(),
                reason: "connection refused".to_owned(),
            };
            bench.finish(&task, Err(error), u64::MAX);
        }
        bench.now += Duration::from_secs(301);
    }
    assert_eq!(bench.progress().paused, None);
    assert_eq!(bench.progress().failed_count, 1);
    let name = &bench.progress().failed[0].name;
    assert_eq!(name, "web");
    assert_eq!(bench.run(), 1, "it comes back");
}

#[test]
fn a_limit_that_the_service_never_takes_holds_up_no_other() {
    let (mut bench, mut replica) = applied();
    let (holder, _) = of_web(&bench);
    let ssd = limit("gigabytes_ssd", Some(5), 5);
    let cores = limit("cores", Some(20), 5);
    tell(
        &mut bench,
        &mut replica,
        &holder,
        &[cores.clone(), ssd.clone()],
    );
    let refuse = |bench: &mut Bench| {
        let task = bench.core.next(bench.now, 100).tasks.remove(0);
        let refused = crate::cloud::RefusedLimits {
            names: ["gigabytes_ssd".to_owned()].into(),
            error: CloudError::Refused {
                what: "get gigabytes_ssd=5 set".to_owned(),
                reason: "there is no such type".to_owned(),
            },
        };
        let at = (bench.now, bench.wall());
        let outcome = bench.core.partly(at, &task, &refused, 0);
        assert!(outcome.failure.unwrap().contains("no such type"));
        bench.keep(outcome.notes);
        let Order::Quota(order) = task.order else {
            panic!("{:?}", task.order);
        };
        let names: Vec<_> = order.limits.into_iter().map(|it| it.name).collect();
        names
    };
    assert_eq!(refuse(&mut bench), ["cores", "gigabytes_ssd"]);
    // A later one is set, and what was set before not again.
    let ram = limit("ram", Some(9), 9);
    tell(
        &mut bench,
        &mut replica,
        &holder,
        &[cores.clone(), ssd, ram.clone()],
    );
    assert_eq!(refuse(&mut bench), ["gigabytes_ssd", "ram"]);
    let base = bench.kept.clone();
    bench.restart(base, &replica, Policy::default());
    assert_eq!(refuse(&mut bench), ["gigabytes_ssd"]);
    // Nobody wants it any more.
    tell(&mut bench, &mut replica, &holder, &[cores, ram]);
    assert_eq!(bench.run(), 0);
    let subject = Subject::Quota(holder, ServiceKind::Compute);
    assert_eq!(bench.core.standing(&subject), Some(&Standing::InPlace));
}

#[test]
fn what_a_leftover_was_left_ends_when_it_is_the_directorys() {
    let (mut bench, mut replica) = applied();
    let (holder, here) = of_web(&bench);
    tell(
        &mut bench,
        &mut replica,
        &holder,
        &[limit("cores", Some(40), 9)],
    );
    assert_eq!(bench.run(), 1);
    let own = Holder::Own(here);
    tell(
        &mut bench,
        &mut replica,
        &own,
        &[limit("cores", Some(4), 5)],
    );
    assert_eq!(bench.run(), 0);
    // Nor where nobody knows any more what was set.
    bench.restart(Base::default(), &replica, Policy::default());
    bench.run();
    assert_eq!(last(&bench).1, [("cores".to_owned(), Some(40))]);
}
