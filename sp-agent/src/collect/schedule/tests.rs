//! The schedule under virtual time, from a seed.

use std::collections::BTreeMap;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::turn::PATIENCE_MAX;
use super::*;

const DONE: Outcome = Outcome::Read;
const FAILED: Outcome = Outcome::Failed {
    patience: Duration::ZERO,
};

#[allow(
    clippy::disallowed_methods,
    reason = "any instant will do as the beginning of virtual time"
)]
fn beginning() -> Instant {
    Instant::now()
}

/// Plays a schedule: each work takes a while and ends as it is told.
struct Play {
    rng: ChaCha8Rng,
    schedule: Schedule,
    begin: Instant,
    now: Instant,
    under_way: Vec<(Instant, Work)>,
    started: BTreeMap<Work, Vec<Duration>>,
}

impl Play {
    fn new(seed: u64, options: Options) -> Self {
        let now = beginning();
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            schedule: Schedule::new(now, options),
            begin: now,
            now,
            under_way: Vec::new(),
            started: BTreeMap::new(),
        }
    }

    /// Until `end` has passed; every work takes up to `work_max`.
    fn run(
        &mut self,
        end: Duration,
        work_max: Duration,
        mut outcome: impl FnMut(Work, &mut ChaCha8Rng) -> Outcome,
    ) {
        while self.now - self.begin < end {
            for work in self.schedule.start(self.now) {
                let already = self
                    .under_way
                    .iter()
                    .any(|(_, other)| *other == work && part(work).is_some());
                assert!(!already, "{work:?} is under way already");
                let takes =
                    Duration::from_millis(self.rng.random_range(0..=work_max.as_millis() as u64));
                self.under_way.push((self.now + takes, work));
                self.started
                    .entry(work)
                    .or_default()
                    .push(self.now - self.begin);
            }
            self.check();
            let wake_at = self.schedule.wake_at();
            assert!(wake_at.is_none_or(|at| at > self.now), "it would spin");
            self.under_way.sort();
            let ends_at = self.under_way.first().map(|(at, _)| *at);
            let next = wake_at
                .into_iter()
                .chain(ends_at)
                .min()
                .expect("it would sleep for ever");
            self.now = next;
            if ends_at == Some(next) {
                let (_, work) = self.under_way.remove(0);
                let outcome = outcome(work, &mut self.rng);
                self.end(work, outcome);
            }
        }
    }

    fn end(&mut self, work: Work, outcome: Outcome) {
        let chance = self.rng.next_u64();
        match work {
            Work::Probe => self.schedule.probed(),
            Work::Sample => self.schedule.sampled(),
            Work::Audit(part) => self.schedule.audited(self.now, part, outcome, chance),
            Work::Changes(part) => self.schedule.changed(self.now, part, outcome, chance),
        }
    }

    fn check(&self) {
        for service in ServiceKind::ALL {
            let works = self.under_way.iter().map(|(_, work)| *work);
            let works = works.filter(|work| part(*work).is_some_and(|it| it.service() == service));
            let (audits, changes): (Vec<Work>, Vec<Work>) =
                works.partition(|work| matches!(work, Work::Audit(_)));
            assert!(audits.len() <= AUDITS_OF_SERVICE_MAX && changes.len() <= 1);
        }
        for work in [Work::Probe, Work::Sample] {
            assert!(
                self.under_way
                    .iter()
                    .filter(|(_, other)| *other == work)
                    .count()
                    <= 1
            );
        }
    }

    fn gaps(&self, work: Work) -> Vec<Duration> {
        let started = &self.started[&work];
        started.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

const fn part(work: Work) -> Option<Part> {
    match work {
        Work::Audit(part) | Work::Changes(part) => Some(part),
        Work::Probe | Work::Sample => None,
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn at_start_everything_is_due_in_order_but_no_service_gets_all_at_once() {
    let now = beginning();
    let mut schedule = Schedule::new(now, Options::default());
    let first = [
        Part::Nodes,
        Part::Servers,
        Part::StoragePools,
        Part::Volumes,
        Part::Networks,
        Part::FloatingIps,
        Part::Departments,
        Part::Projects,
    ];
    let mut expected = vec![Work::Probe, Work::Sample];
    expected.extend(first.map(Work::Audit));
    assert_eq!(schedule.start(now), expected);
    assert_eq!(schedule.start(now), []);
    schedule.audited(now, Part::Servers, DONE, 0);
    assert_eq!(schedule.start(now), [Work::Audit(Part::ComputeQuota)]);
    assert_eq!(
        schedule.start(now + secs(5)),
        [Work::Changes(Part::Servers)],
        "changes do not wait for audits"
    );
    schedule.audited(now + secs(5), Part::Nodes, DONE, 0);
    assert_eq!(schedule.start(now + secs(5)), []);
}

#[test]
fn when_all_is_well_every_interval_holds() {
    let mut play = Play::new(1, Options::default());
    play.run(secs(3600), secs(1), |work, _| match work {
        // As in Keystone.
        Work::Changes(part) if part.is_organization() => Outcome::CannotTell,
        _ => DONE,
    });
    let (organization, others): (Vec<Part>, Vec<Part>) =
        Part::ALL.into_iter().partition(|it| it.is_organization());
    for part in organization {
        let audits = play.gaps(Work::Audit(part));
        assert!(audits.len() > 50, "{part:?}: {}", audits.len());
        assert!(audits.iter().all(|gap| *gap < secs(70)));
    }
    for part in others {
        let changes = play.gaps(Work::Changes(part));
        assert!(
            changes.len() > 400 && changes.iter().all(|gap| *gap < secs(12)),
            "{part:?}"
        );
        let audits = play.gaps(Work::Audit(part));
        assert!(
            (11..=12).contains(&audits.len()),
            "{part:?}: {}",
            audits.len()
        );
        assert!(audits.iter().all(|gap| *gap < secs(310)));
    }
    for beat in [Work::Probe, Work::Sample] {
        assert!(
            play.gaps(beat).iter().all(|gap| *gap == secs(10)),
            "{beat:?}"
        );
    }
}

#[test]
fn where_the_cloud_cannot_tell_what_changed_only_audits_ask() {
    let mut play = Play::new(2, Options::default());
    play.run(secs(3600), secs(1), |work, _| match work {
        Work::Changes(_) => Outcome::CannotTell,
        _ => DONE,
    });
    for part in Part::ALL {
        let audits = play.started[&Work::Audit(part)].len();
        let changes = play.started[&Work::Changes(part)].len();
        // The end may come between the last audit and the question after it.
        assert!(
            (audits - 1..=audits).contains(&changes),
            "asked once after each: {changes} of {audits}"
        );
    }
}

#[test]
fn a_part_that_was_never_read_is_tried_again_and_again_and_delays_no_other() {
    let mut play = Play::new(3, Options::default());
    play.run(secs(7200), secs(1), |work, _| match work {
        Work::Audit(Part::Servers) => FAILED,
        _ => DONE,
    });
    assert!(
        !play.started.contains_key(&Work::Changes(Part::Servers)),
        "nothing to go on from"
    );
    let gaps = play.gaps(Work::Audit(Part::Servers));
    assert!(gaps.iter().all(|gap| *gap < secs(300 + 3)));
    let mean = gaps.iter().sum::<Duration>() / gaps.len() as u32;
    assert!(mean > secs(60), "backs off to its interval: {mean:?}");
    assert!(
        play.gaps(Work::Changes(Part::Nodes))
            .iter()
            .all(|gap| *gap < secs(12))
    );
}

#[test]
fn after_an_audit_that_fails_changes_are_asked_for_where_one_ended_well_before() {
    let mut play = Play::new(6, Options::default());
    let mut is_first = true;
    play.run(secs(7200), secs(1), |work, _| match work {
        Work::Audit(Part::Servers) if !std::mem::take(&mut is_first) => FAILED,
        _ => DONE,
    });
    let changes = play.gaps(Work::Changes(Part::Servers));
    assert!(changes.len() > 1000 && changes.iter().all(|gap| *gap < secs(12)));

    let mut play = Play::new(7, Options::default());
    play.schedule.resume(play.now, Part::Servers);
    play.run(secs(600), secs(1), |work, _| match work {
        Work::Audit(Part::Servers) => FAILED,
        _ => DONE,
    });
    assert!(
        play.gaps(Work::Changes(Part::Servers)).len() > 50,
        "by the mark that was kept"
    );
}

/// A schedule whose servers are being read, and nothing else of their service for long.
fn servers_alone(now: Instant) -> Schedule {
    let options = Options {
        missing: secs(1_000_000),
        ..Options::default()
    };
    let mut schedule = Schedule::new(now, options);
    schedule.resume(now, Part::Servers);
    schedule.start(now);
    for part in [Part::Nodes, Part::ComputeQuota] {
        schedule.audited(now, part, Outcome::Missing, 0);
        schedule.start(now);
    }
    schedule
}

#[test]
fn changes_go_on_while_an_audit_takes_its_time_and_audits_take_a_tenth_of_it() {
    let now = beginning();
    let mut schedule = servers_alone(now);
    assert!(
        schedule
            .start(now + secs(5))
            .contains(&Work::Changes(Part::Servers))
    );
    schedule.changed(now + secs(6), Part::Servers, DONE, 0);
    assert!(
        schedule
            .start(now + secs(11))
            .contains(&Work::Changes(Part::Servers))
    );
    schedule.changed(now + secs(12), Part::Servers, DONE, 0);
    schedule.audited(now + secs(600), Part::Servers, DONE, 0);
    let audit = Work::Audit(Part::Servers);
    // One alone may have met with a hang.
    assert!(!schedule.start(now + secs(899)).contains(&audit));
    assert!(schedule.start(now + secs(900)).contains(&audit));
    let now = now + secs(900);
    schedule.audited(now + secs(600), Part::Servers, DONE, 0);
    assert!(!schedule.start(now + secs(5_999)).contains(&audit));
    assert!(schedule.start(now + secs(6_000)).contains(&audit));
}

#[test]
fn a_service_that_is_back_is_read_soon_but_rests_for_what_was_spent_on_it() {
    let now = beginning();
    let audit = Work::Audit(Part::Servers);
    for (took, rests) in [(0, 5), (20, 180)] {
        let mut schedule = servers_alone(now);
        let mut at = now;
        for round in 0..8 {
            assert!(round == 0 || schedule.start(at).contains(&audit));
            schedule.audited(at + secs(took), Part::Servers, FAILED, u64::MAX);
            at += secs(1_000);
        }
        let failed_at = at - secs(1_000) + secs(took);
        schedule.returned(failed_at, ServiceKind::Compute, u64::MAX);
        let early = schedule.start(failed_at + secs(rests - 1));
        assert!(!early.contains(&audit), "after {took} s");
        assert!(
            schedule.start(failed_at + secs(rests)).contains(&audit),
            "after {took} s"
        );
    }
}

#[test]
fn when_nothing_is_held_any_more_everything_is_read_again() {
    let mut play = Play::new(8, Options::default());
    play.run(secs(100), secs(1), |_, _| DONE);
    play.schedule.begin_anew(play.now);
    play.run(secs(120), secs(1), |_, _| DONE);
    for part in Part::ALL {
        let expected = if part.is_organization() { 3 } else { 2 };
        let audits = play.started[&Work::Audit(part)].len();
        assert_eq!(audits, expected, "{part:?}");
    }
}

#[test]
fn a_service_that_is_missing_is_asked_slowly() {
    let mut play = Play::new(4, Options::default());
    play.run(secs(3600), secs(1), |work, _| match part(work) {
        Some(part) if part.service() == ServiceKind::Volume => Outcome::Missing,
        _ => DONE,
    });
    assert_eq!(play.started[&Work::Audit(Part::Volumes)].len(), 12);
    assert!(!play.started.contains_key(&Work::Changes(Part::Volumes)));
}

#[test]
fn a_cloud_that_asks_for_patience_gets_it_within_reason() {
    let now = beginning();
    for (asked, waits) in [(secs(120), secs(120)), (secs(86_400), PATIENCE_MAX)] {
        let mut schedule = Schedule::new(now, Options::default());
        schedule.start(now);
        schedule.audited(
            now,
            Part::Servers,
            Outcome::Failed { patience: asked },
            u64::MAX,
        );
        let mut starts = schedule.start(now + waits - secs(1));
        assert!(!starts.contains(&Work::Audit(Part::Servers)));
        starts = schedule.start(now + waits);
        schedule.audited(now + waits, Part::Nodes, DONE, 0);
        starts.extend(schedule.start(now + waits));
        assert!(starts.contains(&Work::Audit(Part::Servers)), "{starts:?}");
    }
}

#[test]
fn absurd_intervals_neither_spin_nor_overflow() {
    for every in [Duration::ZERO, Duration::MAX] {
        let options = Options {
            changes: every,
            audit: every,
            quota: every,
            organization: every,
            probe: every,
            sample: every,
            missing: every,
            retry: every,
            retry_max: every,
        };
        let mut play = Play::new(5, options);
        play.run(
            secs(60),
            secs(1),
            |_, rng| if rng.random() { DONE } else { FAILED },
        );
        assert!(play.started.values().all(|starts| starts.len() < 200));
    }
}

#[test]
fn whatever_happens_nothing_runs_twice_spins_or_is_forgotten() {
    for seed in 0..200 {
        let mut play = Play::new(seed, Options::default());
        let work_max = secs([0, 1, 30, 400][seed as usize % 4]);
        play.run(secs(7200), work_max, |_, rng| {
            match rng.random_range(0..10) {
                0..5 => DONE,
                5 => Outcome::CannotTell,
                6 => Outcome::Missing,
                _ => FAILED,
            }
        });
        for part in Part::ALL {
            let mut starts = play.started[&Work::Audit(part)].clone();
            starts.extend(play.started.get(&Work::Changes(part)).into_iter().flatten());
            starts.sort();
            starts.push(secs(7200));
            let longest = starts.windows(2).map(|pair| pair[1] - pair[0]).max();
            // An interval, what ran before it in its service, its own time, and the rest after it.
            assert!(
                longest < Some(secs(300 + 60) + work_max * (5 + 9)),
                "{part:?}, seed {seed}"
            );
        }
    }
}
