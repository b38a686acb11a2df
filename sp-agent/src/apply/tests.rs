//! The reconciler against a cloud as a plain value.

mod administrators;
mod asked;
mod bounds;
mod cloud;
mod decided;
mod ended;
mod faults;
mod fields;
mod found;
mod guards;
mod hindered;
mod killed;
mod late;
mod left;
mod measured;
mod missed;
mod passwords;
mod poisoned;
mod properties;
mod purge;
mod quotas;
mod remarks;
mod rules;
mod switches;
mod unlisted;
mod unsaid;
mod world;

use std::time::{Duration, Instant};

use shared::model::UnixMillis;

use super::*;
use crate::cloud::{CloudError, Order};
use crate::replica::Note;
use cloud::Fake;

#[allow(clippy::disallowed_methods, reason = "a beginning to count from")]
fn start() -> Instant {
    Instant::now()
}

fn federation() -> FederationId {
    FederationId::from_random(7)
}

/// A reconciler and the cloud that it is for.
struct Bench {
    core: Reconciler,
    cloud: Fake,
    now: Instant,
    kept: Base,
    given: Vec<Order>,
}

impl Bench {
    fn new(cloud: Fake, policy: Policy) -> Self {
        let now = start();
        let core = Reconciler::new(federation(), policy, Base::default(), now);
        let (kept, given) = (Base::default(), Vec::new());
        let mut bench = Self {
            core,
            cloud,
            now,
            kept,
            given,
        };
        bench.read();
        bench
    }

    /// Reads the whole cloud.
    fn read(&mut self) {
        self.cloud.tell(&mut self.core, self.now);
    }

    fn restart(&mut self, base: Base, replica: &Replica, policy: Policy) {
        self.kept = base.clone();
        self.core = Reconciler::new(federation(), policy, base, self.now);
        self.read();
        self.core.follow(replica);
    }

    fn keep(&mut self, notes: Vec<Note>) {
        notes.into_iter().for_each(|it| self.kept.note(it));
    }

    fn wall(&self) -> UnixMillis {
        UnixMillis(1_000_000)
    }

    fn finish(&mut self, task: &Task, result: Result<Option<CloudId>, CloudError>, chance: u64) {
        let at = (self.now, self.wall());
        let outcome = self.core.done(at, task, result, chance);
        self.keep(outcome.notes);
    }

    /// One batch, which goes well as far as the cloud allows it. Returns its orders.
    fn step(&mut self) -> Vec<Order> {
        let batch = self.core.next(self.now, 1000);
        self.keep(batch.notes);
        let orders: Vec<Order> = batch.tasks.iter().map(|it| it.order.clone()).collect();
        for task in batch.tasks {
            let result = self.cloud.perform(&task.order);
            self.finish(&task, result, 0);
        }
        self.given.extend(orders.iter().cloned());
        orders
    }

    /// Batches until there is nothing to do, also after readings and pauses.
    fn run(&mut self) -> usize {
        let before = self.given.len();
        let mut idle = 0;
        for _ in 0..400 {
            idle = if self.step().is_empty() { idle + 1 } else { 0 };
            if idle == 4 {
                return self.given.len() - before;
            }
            self.now += Duration::from_secs(301);
            self.read();
        }
        panic!("no end: {:?}", self.core.progress(self.now));
    }

    fn progress(&self) -> Progress {
        self.core.progress(self.now)
    }

    fn drift(&self) -> Vec<(Subject, Vec<Difference>, Why)> {
        let all = self.progress().drift.into_iter();
        all.map(|(subject, it)| (subject, it.what, it.why))
            .collect()
    }
}
