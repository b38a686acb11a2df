//! How often the cloud is read for what fails each time it is tried.

use shared::model::{Object, ObjectKind, RecordKind};

use super::rules::{DEPARTMENT, applied};
use super::world::*;
use super::*;
use crate::collect::Options;
use crate::collect::schedule::{Outcome, Schedule, Work};

/// What a reading of users takes.
const TAKES: Duration = Duration::from_secs(60);

/// Readings of what the organization is made of, by their schedule; and what else is read, at once.
struct Reader {
    schedule: Schedule,
    running: Vec<(Instant, Instant, Work)>,
    /// How long users were read.
    read: Duration,
}

impl Reader {
    fn new(now: Instant) -> Self {
        Self {
            schedule: Schedule::new(now, Options::default()),
            running: Vec::new(),
            read: Duration::ZERO,
        }
    }

    fn start(&mut self, now: Instant) {
        for work in self.schedule.start(now) {
            let takes = match work {
                Work::Audit(part) if part.kind() == RecordKind::User => TAKES,
                _ => Duration::from_millis(100),
            };
            self.running.push((now + takes, now, work));
        }
    }

    /// Ends what is at its end, and tells what was read.
    fn end(&mut self, bench: &mut Bench) {
        let now = bench.now;
        while let Some(at) = self.running.iter().position(|it| it.0 <= now) {
            let (_, began, work) = self.running.remove(at);
            match work {
                Work::Audit(part) => {
                    if part.kind() == RecordKind::User {
                        self.read += now - began;
                    }
                    let kinds = [part.kind()];
                    bench.cloud.tell_kinds(&mut bench.core, began, &kinds);
                    self.schedule.audited(now, part, Outcome::Read, 0);
                }
                Work::Changes(part) => self.schedule.changed(now, part, Outcome::CannotTell, 0),
                Work::Probe => self.schedule.probed(),
                Work::Sample => self.schedule.sampled(),
            }
        }
    }
}

/// Goes on for so long. What is ordered takes no time, and comes to this.
fn go_on(
    (bench, reader): (&mut Bench, &mut Reader),
    until: Instant,
    comes: impl Fn(&mut Fake, &Task) -> Result<Option<CloudId>, CloudError>,
) {
    let mut luck = 7_u64;
    while bench.now < until {
        let batch = bench.core.next(bench.now, 8);
        reader.schedule.wanted(bench.now, &batch.readings);
        bench.keep(batch.notes);
        for task in &batch.tasks {
            luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let result = comes(&mut bench.cloud, task);
            bench.finish(task, result, luck);
        }
        reader.start(bench.now);
        if batch.tasks.is_empty() {
            let ends = reader.running.iter().map(|it| it.0);
            let wakes = batch.wake_at.into_iter().chain(reader.schedule.wake_at());
            let next = ends.chain(wakes).chain([until]).min().unwrap();
            bench.now = next.max(bench.now + Duration::from_millis(1));
        }
        reader.end(bench);
    }
}

/// How much of an hour is spent reading users, some minutes after so many new ones were told.
fn read_in_an_hour(
    taken: bool,
    comes: impl Fn(&mut Fake, &Task) -> Result<Option<CloudId>, CloudError>,
) -> Duration {
    let (mut bench, mut replica) = applied();
    let home = bench.cloud.named(ObjectKind::Department, "ops").remove(0);
    for it in 0..10 {
        let name = format!("u{it}");
        if taken {
            let theirs: Object<CloudId> = user(home.clone(), &name);
            bench.cloud.add(theirs);
        }
        let ours = user(oid(DEPARTMENT), &name);
        replica.directory.insert(oid(1000 + it), ours);
    }
    let mut reader = Reader::new(bench.now);
    bench.core.follow(&replica);
    let (hour, settled) = (Duration::from_secs(3600), Duration::from_secs(900));
    let begins = bench.now + settled;
    go_on((&mut bench, &mut reader), begins, &comes);
    assert_eq!(bench.progress().failed_count, 10);
    reader.read = Duration::ZERO;
    go_on((&mut bench, &mut reader), begins + hour, &comes);
    assert_eq!(bench.progress().failed_count, 10);
    reader.read
}

#[test]
fn names_that_are_taken_for_good_are_no_reason_to_read_all_the_time() {
    let read = read_in_an_hour(true, |cloud, task| cloud.perform(&task.order));
    // A tenth, and what of one reading is in the hour.
    assert!(read <= TAKES * 7, "{read:?}");
}

#[test]
fn what_fails_whenever_it_is_written_is_no_reason_to_read_all_the_time() {
    let read = read_in_an_hour(false, |cloud, task| match &task.order {
        Order::Create { .. } => Err(CloudError::Status {
            endpoint: "keystone".to_owned(),
            what: "an order".to_owned(),
            status: 500,
            reason: "the database is read-only".to_owned(),
        }),
        order => cloud.perform(order),
    });
    assert!(read <= TAKES * 7, "{read:?}");
}
