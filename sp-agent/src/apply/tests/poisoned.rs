//! What fails, or hangs, by itself, and holds up nothing else; and a cloud that fails at all.

mod refused;
mod services;
mod urgent;

use shared::ids::ObjectId;
use shared::model::{Holder, ObjectKind, ServiceKind};

use super::quotas::{limit, limits};
use super::world::*;
use super::*;

/// Orders at once, as the driver has them.
const PLACES: usize = 8;

/// What a Keystone takes for a change, and how long one that hangs is waited for.
const ANSWERS: Duration = Duration::from_millis(100);
const BUSY: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_secs(3);
const HANGS: Duration = Duration::from_secs(30);

const HOME: u128 = 1;
const ELSEWHERE: u128 = 2;

/// What comes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    Done,
    /// Done, by a Keystone that has much to do.
    Busy,
    /// Done, by a Keystone that is slow.
    Late,
    Fails,
    Hangs,
}

/// A driver with time of its own.
struct Sim {
    bench: Bench,
    replica: Replica,
    running: Vec<(Instant, Task, Comes)>,
    /// When which order was given.
    sent: Vec<(Instant, Subject)>,
    most: usize,
    comes: fn(&Sim, &Task) -> Comes,
    poisoned: Vec<Subject>,
    hanging: Vec<Subject>,
    unlucky: Vec<Subject>,
    read_at: Instant,
    luck: u64,
}

impl Sim {
    /// A department and so many users in it, all in place.
    fn new(users: u128) -> Self {
        let bench = Bench::new(Fake::default(), Policy::default());
        let mut replica = Replica::default();
        replica.directory.insert(oid(HOME), department("research"));
        let elsewhere = department("elsewhere");
        replica.directory.insert(oid(ELSEWHERE), elsewhere);
        let read_at = bench.now;
        let mut sim = Self {
            bench,
            replica,
            running: Vec::new(),
            sent: Vec::new(),
            most: 0,
            comes: |_, _| Comes::Done,
            poisoned: Vec::new(),
            hanging: Vec::new(),
            unlucky: Vec::new(),
            read_at,
            luck: 7,
        };
        (0..users).for_each(|it| sim.is_to_be(HOME, 100 + it, &format!("u{it}")));
        sim.bench.core.follow(&sim.replica);
        let all = 2 + users as u64;
        let begun = sim.until(300, |sim| sim.bench.progress().in_place == all);
        assert!(begun.is_some());
        sim.sent.clear();
        // As it would be if they had come of by themselves.
        sim.comes = |sim, task| match &task.subject {
            it if sim.poisoned.contains(it) => Comes::Fails,
            it if sim.hanging.contains(it) => Comes::Hangs,
            it if sim.unlucky.contains(it) && sim.is_new(it) => Comes::Fails,
            _ => Comes::Done,
        };
        sim
    }

    fn is_to_be(&mut self, department: u128, id: u128, name: &str) {
        let user = user(oid(department), name);
        self.replica.directory.insert(oid(id), user);
    }

    /// Something else is said of each of these.
    fn change(&mut self, users: impl Iterator<Item = u128>) -> Vec<Subject> {
        let mut changed = Vec::new();
        for id in users {
            let mut it = self.replica.directory.users[&oid(id)].clone();
            it.description = Some("another".to_owned());
            self.replica
                .directory
                .insert(oid(id), shared::model::Object::User(it));
            changed.push(subject(oid(id)));
        }
        self.bench.core.follow(&self.replica);
        changed
    }

    /// Whether it was never tried.
    fn is_new(&self, subject: &Subject) -> bool {
        !self.sent.iter().any(|(_, it)| it == subject)
    }

    fn chance(&mut self) -> u64 {
        self.luck = self
            .luck
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.luck
    }

    /// Gives what may be given, and goes on to what happens next.
    fn tick(&mut self, until: Instant) {
        let now = self.bench.now;
        let held = self.running.len() - self.bench.core.slow(now);
        let batch = self.bench.core.next(now, PLACES.saturating_sub(held));
        self.bench.keep(batch.notes);
        for task in batch.tasks {
            let comes = (self.comes)(self, &task);
            let takes = match comes {
                Comes::Done | Comes::Fails => ANSWERS,
                Comes::Busy => BUSY,
                Comes::Late => LATE,
                Comes::Hangs => HANGS,
            };
            self.sent.push((now, task.subject.clone()));
            self.running.push((now + takes, task, comes));
        }
        self.most = self.most.max(self.running.len());
        let ends = self.running.iter().map(|(at, ..)| *at);
        let next = ends.chain(batch.wake_at).chain([until, self.read_at]).min();
        self.bench.now = next.unwrap().max(now);
        if self.read_at <= self.bench.now {
            self.bench.read();
            self.read_at = self.bench.now + Duration::from_secs(10);
        }
        while let Some(at) = self.running.iter().position(|it| it.0 <= self.bench.now) {
            let (_, task, comes) = self.running.remove(at);
            self.end(&task, comes);
        }
    }

    fn end(&mut self, task: &Task, comes: Comes) {
        let endpoint = || "keystone".to_owned();
        let result = match comes {
            Comes::Done | Comes::Busy | Comes::Late => self.bench.cloud.perform(&task.order),
            Comes::Fails => Err(CloudError::Status {
                endpoint: endpoint(),
                what: "an order".to_owned(),
                status: 500,
                reason: "an unexpected error".to_owned(),
            }),
            Comes::Hangs => Err(CloudError::Unreachable {
                endpoint: endpoint(),
                reason: "time-out".to_owned(),
            }),
        };
        let chance = self.chance();
        self.bench.finish(task, result, chance);
    }

    /// Goes on for so many seconds, or until it is so; returns how long that took.
    fn until(&mut self, seconds: u64, is_so: impl Fn(&Self) -> bool) -> Option<Duration> {
        let began = self.bench.now;
        let end = began + Duration::from_secs(seconds);
        while self.bench.now < end {
            if is_so(self) {
                return Some(self.bench.now - began);
            }
            self.tick(end);
        }
        None
    }

    fn go_on(&mut self, seconds: u64) {
        self.until(seconds, |_| false);
    }

    /// Makes a user, and says how long it took.
    fn new_user(&mut self, department: u128, id: u128) -> Duration {
        let name = format!("new{id}");
        self.is_to_be(department, id, &name);
        self.bench.core.follow(&self.replica);
        let took = self.until(300, |it| {
            !it.bench.cloud.named(ObjectKind::User, &name).is_empty()
        });
        took.unwrap_or_else(|| panic!("{name} does not come: {:?}", self.bench.progress()))
    }

    /// The most orders of a time of so many seconds.
    fn most_sent_in(&self, seconds: u64) -> usize {
        let span = Duration::from_secs(seconds);
        let since = |(at, _): &(Instant, Subject)| {
            self.sent
                .iter()
                .filter(|it| it.0 >= *at && it.0 < *at + span)
                .count()
        };
        self.sent.iter().map(since).max().unwrap_or_default()
    }
}

fn subject(id: ObjectId) -> Subject {
    Subject::Object(ObjectKind::User, id)
}

fn ms(took: &[Duration]) -> Vec<u128> {
    took.iter().map(Duration::as_millis).collect()
}

/// New users, one every so many seconds; how long each took.
fn new_users(sim: &mut Sim, department: u128, every_s: u64) -> Vec<Duration> {
    let each = |it| {
        let took = sim.new_user(department, 2000 + 100 * department + it);
        sim.go_on(every_s);
        took
    };
    (0..20).map(each).collect()
}

#[test]
fn users_that_fail_whenever_they_are_touched_hold_up_nobody() {
    let mut sim = Sim::new(10);
    sim.poisoned = sim.change(100..110);
    // Each may cost about a second before it is known what they are.
    let took = sim.new_user(ELSEWHERE, 1000);
    assert!(took < Duration::from_secs(10), "{took:?}");
    sim.go_on(120);
    let took = new_users(&mut sim, ELSEWHERE, 17);
    let longest = took.iter().max().unwrap();
    assert!(*longest < Duration::from_secs(1), "{:?}", ms(&took));
    assert_eq!(sim.bench.progress().failed_count, 10, "they are told");
    // What never succeeds is asked ever less often.
    sim.sent.clear();
    sim.go_on(1200);
    assert!(sim.sent.len() <= 200, "{}", sim.sent.len());
    // And is mended once it can be.
    sim.poisoned.clear();
    assert!(
        sim.until(310, |it| it.bench.progress().failed_count == 0)
            .is_some()
    );
}

#[test]
fn users_whose_changes_hang_hold_up_nobody() {
    let mut sim = Sim::new(10);
    sim.hanging = sim.change(100..110);
    let took = sim.new_user(ELSEWHERE, 1000);
    assert!(took < Duration::from_secs(10), "{took:?}");
    let took = new_users(&mut sim, ELSEWHERE, 17);
    let longest = took.iter().max().unwrap();
    assert!(*longest < Duration::from_secs(1), "{:?}", ms(&took));
    assert!(sim.most <= 2 * PLACES, "{}", sim.most);
    sim.hanging.clear();
    assert!(
        sim.until(400, |it| it.bench.progress().failed_count == 0)
            .is_some()
    );
}

#[test]
fn both_together_hold_up_neither_others_nor_each_other() {
    let mut sim = Sim::new(21);
    sim.poisoned = sim.change(100..110);
    sim.hanging = sim.change(110..120);
    // One has bad luck, once.
    sim.unlucky = sim.change(120..121);
    let is_so = |sim: &Sim| {
        let standing = sim.bench.core.standing(&subject(oid(120)));
        standing == Some(&Standing::InPlace)
    };
    let took = sim.until(100, is_so);
    assert!(
        took.is_some_and(|it| it < Duration::from_secs(60)),
        "{took:?}"
    );
    // Those that hang are tried one at a time once four did.
    let all = sim.until(600, |it| it.bench.progress().failed_count == 20);
    assert!(all.is_some());
    let took = new_users(&mut sim, ELSEWHERE, 7);
    let longest = took.iter().max().unwrap();
    assert!(*longest < Duration::from_secs(1), "{:?}", ms(&took));
}

/// As where a department's directory server is away, and Keystone looks there for whoever it is.
#[test]
fn a_department_where_all_fails_or_hangs_holds_up_no_other() {
    for how in [Comes::Fails, Comes::Hangs] {
        let mut sim = Sim::new(300);
        let all = sim.change(100..400);
        match how {
            Comes::Hangs => sim.hanging = all,
            _ => sim.poisoned = all,
        }
        let took = sim.new_user(ELSEWHERE, 1000);
        assert!(took < Duration::from_secs(5), "{how:?}: {took:?}");
        let took = new_users(&mut sim, ELSEWHERE, 17);
        let longest = took.iter().max().unwrap();
        assert!(
            *longest < Duration::from_secs(1),
            "{how:?}: {:?}",
            ms(&took)
        );
        assert!(sim.most <= 3 * PLACES, "{how:?}: {}", sim.most);
        // Also whoever is in it and does not fail, but where each one that is tried is waited for.
        if how == Comes::Fails {
            let took = new_users(&mut sim, HOME, 17);
            let longest = took.iter().max().unwrap();
            assert!(*longest < Duration::from_secs(35), "{:?}", ms(&took));
        }
    }
}

#[test]
fn a_cloud_that_fails_at_all_is_given_few_orders_and_all_once_it_is_well() {
    for how in [Comes::Fails, Comes::Hangs] {
        let mut sim = Sim::new(0);
        sim.comes = match how {
            Comes::Hangs => |_, _| Comes::Hangs,
            _ => |_, _| Comes::Fails,
        };
        (0..500).for_each(|it| sim.is_to_be(HOME, 1000 + it, &format!("u{it}")));
        sim.bench.core.follow(&sim.replica);
        sim.go_on(900);
        assert!(sim.sent.len() <= 220, "{how:?}: {}", sim.sent.len());
        assert!(sim.most <= 2 * PLACES, "{how:?}: {}", sim.most);
        assert!(sim.most_sent_in(1) <= 2 * PLACES, "{how:?}");
        sim.sent.clear();
        sim.go_on(600);
        assert!(sim.sent.len() <= 100, "{how:?}: {}", sim.sent.len());
        assert!(sim.most_sent_in(10) <= 12, "{how:?}");
        sim.comes = |_, _| Comes::Done;
        let well = sim.until(400, |it| it.bench.progress().in_place == 502);
        assert!(well.is_some(), "{how:?}: {:?}", sim.bench.progress());
    }
}

/// What fails again and again is asked no more often for being many.
#[test]
fn a_cloud_that_begins_to_fail_at_all_that_failed_before_is_given_few_orders() {
    let mut sim = Sim::new(200);
    // All fail once, with successes in between.
    sim.poisoned = sim.change(100..300);
    sim.bench.core.follow(&sim.replica);
    for it in 0..200 {
        sim.new_user(ELSEWHERE, 1000 + it);
    }
    sim.comes = |_, _| Comes::Fails;
    sim.sent.clear();
    sim.go_on(600);
    assert!(sim.sent.len() <= 150, "{}", sim.sent.len());
}

#[test]
fn a_keystone_that_is_slow_and_well_is_not_given_more_for_that() {
    let mut sim = Sim::new(0);
    sim.comes = |_, _| Comes::Late;
    (0..60).for_each(|it| sim.is_to_be(HOME, 1000 + it, &format!("u{it}")));
    sim.bench.core.follow(&sim.replica);
    let took = sim.until(60, |it| it.bench.progress().in_place == 62);
    // As many at once as there are places.
    assert!(
        took.is_some_and(|it| it < Duration::from_secs(30)),
        "{took:?}"
    );
    assert!(sim.most <= PLACES + 1, "{}", sim.most);
}

#[test]
fn another_service_that_hangs_holds_up_no_order_to_keystone() {
    let mut sim = Sim::new(0);
    let projects = 0..30;
    for it in projects.clone() {
        let it = 5000 + it;
        let name = format!("p{it}");
        sim.replica
            .directory
            .insert(oid(it), project(oid(HOME), None, &name));
    }
    sim.bench.core.follow(&sim.replica);
    sim.until(60, |it| it.bench.progress().in_place == 32);
    for it in projects {
        let holder = Holder::Project(oid(5000 + it));
        let cores = limits(&holder, &[limit("cores", Some(1), 5)]);
        sim.replica
            .limits
            .insert((holder, ServiceKind::Compute), cores);
    }
    sim.comes = |_, task| match task.order {
        Order::Quota(_) => Comes::Hangs,
        _ => Comes::Done,
    };
    sim.bench.core.follow(&sim.replica);
    sim.go_on(1);
    assert!(!sim.running.is_empty(), "limits are set");
    let took = new_users(&mut sim, ELSEWHERE, 7);
    let longest = took.iter().max().unwrap();
    assert!(*longest < Duration::from_secs(1), "{:?}", ms(&took));
}
