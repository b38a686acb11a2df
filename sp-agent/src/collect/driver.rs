//! The collector: starts what the schedule says is due, and tells schedule and services how it
//! went.
//!
//! All readings run in the collector's own task; what blocks is elsewhere (the spool's thread, the
//! sampler). Stopping drops the readings where they are: an audit that did not come to its end
//! removes nothing.

mod judge;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use shared::ids::FeedId;
use shared::model::{Feed, HostSample, RecordKind, ServiceKind, UnixMillis};
use shared::runtime::clock::Clock;
use shared::runtime::shutdown::Shutdown;
use tokio::sync::watch;
use tracing::warn;

use super::reading::{self, Audited, Broken};
use super::sampler::Sampler;
use super::schedule::{Options, Outcome, Schedule, Work};
use super::services::Services;
use crate::cloud::{Cloud, Hindrance, Mark, Part, Probe, ProbeOutcome, Reading, Trouble, Wanted};
use crate::spool::{Held, Spool, SpoolError, Written};

/// A cloud bounds each of its probes by less. This ends a round that it lost.
const PROBE_MAX: Duration = Duration::from_secs(60);

/// Reads one cloud into one spool.
pub struct Collector {
    /// What is read.
    pub cloud: Arc<dyn Cloud>,
    /// Where it goes.
    pub spool: Spool,
    /// What tells the time.
    pub clock: Clock,
    /// How often what is read.
    pub options: Options,
    /// Samples this machine.
    pub sampler: Sampler,
    /// Uniform over all of `u64`, for the jitter of retries.
    pub chance: Box<dyn FnMut() -> u64 + Send>,
    /// Where the last whole reading of each part is told that came to its end.
    pub read: watch::Sender<BTreeMap<Part, Reading>>,
    /// Where it is told which kinds could not be read last time.
    pub hindered: watch::Sender<BTreeMap<RecordKind, Hindrance>>,
    /// What is to be read before its time.
    pub wanted: watch::Receiver<Wanted>,
    /// Whether much of the organization is being written.
    pub writing: watch::Receiver<bool>,
}

/// What ended.
enum Done {
    Audit {
        part: Part,
        /// The spool's life when it began.
        life: FeedId,
        began: Instant,
        read: Box<Result<Audited, Broken>>,
    },
    Changes {
        part: Part,
        since: Option<Mark>,
        read: Result<Option<Mark>, Broken>,
    },
    Probe(Option<Vec<Probe>>),
    Sample(Option<HostSample>),
    Services(Result<Written, SpoolError>),
    SampleKept,
}

/// A collector at work.
struct Run {
    cloud: Arc<dyn Cloud>,
    spool: Spool,
    clock: Clock,
    sampler: Arc<Mutex<Sampler>>,
    chance: Box<dyn FnMut() -> u64 + Send>,
    schedule: Schedule,
    services: Services,
    /// From when on each part's changes are asked for.
    marks: BTreeMap<Part, Mark>,
    /// What the last reading of each kind failed by.
    failing: BTreeMap<Work, String>,
    /// Services whose last probe failed.
    down: BTreeSet<ServiceKind>,
    /// The spool's life. In another one nothing of this is held.
    life: FeedId,
    under_way: FuturesUnordered<BoxFuture<'static, Done>>,
    services_put: Put,
    read: watch::Sender<BTreeMap<Part, Reading>>,
    hindered: watch::Sender<BTreeMap<RecordKind, Hindrance>>,
    wanted: watch::Receiver<Wanted>,
    writing: watch::Receiver<bool>,
}

/// Where the services' way into the spool is: one at a time, so that none overtakes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    Idle,
    Going,
    /// Going, and what it puts is outdated.
    Outdated,
}

impl Collector {
    /// Reads until the daemon stops.
    pub async fn run(self, shutdown: Shutdown) {
        let Self {
            cloud,
            spool,
            clock,
            options,
            sampler,
            chance,
            read,
            hindered,
            wanted,
            writing,
        } = self;
        // Without them only the times since when are lost.
        let held = spool.services().await.unwrap_or_default();
        let mut run = Run {
            schedule: Schedule::new(clock.now(), options),
            services: Services::new(held),
            marks: BTreeMap::new(),
            failing: BTreeMap::new(),
            down: BTreeSet::new(),
            life: spool.extent(Feed::Inventory).id,
            under_way: FuturesUnordered::new(),
            services_put: Put::Idle,
            sampler: Arc::new(Mutex::new(sampler)),
            chance,
            cloud,
            spool,
            clock,
            read,
            hindered,
            wanted,
            writing,
        };
        run.go_on().await;
        shutdown.until_draining(run.collect()).await;
    }
}

impl Run {
    /// Goes on from the marks that the spool kept. Without them changes wait for an audit.
    async fn go_on(&mut self) {
        for part in Part::ALL {
            if let Ok(Some(mark)) = self.spool.mark(part).await {
                self.marks.insert(part, mark);
                self.schedule.resume(self.clock.now(), part);
            }
        }
    }

    async fn collect(&mut self) {
        loop {
            self.begin_anew_with_the_spool();
            for work in self.schedule.start(self.clock.now()) {
                self.start(work);
            }
            let wake_at = self.schedule.wake_at();
            let clock = self.clock.clone();
            let wake = async {
                match wake_at {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(done) = self.under_way.next() => self.take(done),
                Ok(()) = self.wanted.changed() => {
                    let now = self.clock.now();
                    self.schedule.wanted(now, &self.wanted.borrow_and_update());
                }
                Ok(()) = self.writing.changed() => {
                    let is_spared = *self.writing.borrow_and_update();
                    self.schedule.spare_organization(is_spared);
                }
                () = wake => {}
            }
        }
    }

    /// A spool that was damaged begins empty, and must not stay so until the next audit is due.
    fn begin_anew_with_the_spool(&mut self) {
        let life = self.spool.extent(Feed::Inventory).id;
        if life != self.life {
            self.life = life;
            self.marks.clear();
            self.read.send_modify(BTreeMap::clear);
            self.schedule.begin_anew(self.clock.now());
        }
    }

    fn start(&mut self, work: Work) {
        let (cloud, spool) = (Arc::clone(&self.cloud), self.spool.clone());
        let clock = self.clock.clone();
        self.under_way.push(match work {
            Work::Audit(part) => {
                let (life, began) = (self.life, self.clock.now());
                Box::pin(async move {
                    let read = reading::audit(&*cloud, &spool, &clock, part).await;
                    Done::Audit {
                        part,
                        life,
                        began,
                        read: Box::new(read),
                    }
                })
            }
            Work::Changes(part) => {
                let since = self.marks.get(&part).copied();
                Box::pin(async move {
                    let read = match since {
                        Some(since) => reading::changes(&*cloud, &spool, &clock, part, since).await,
                        None => Ok(None),
                    };
                    Done::Changes { part, since, read }
                })
            }
            Work::Probe => Box::pin(async move {
                let probes = tokio::select! {
                    probes = cloud.probe() => Some(probes),
                    () = clock.sleep(PROBE_MAX) => None,
                };
                Done::Probe(probes)
            }),
            Work::Sample => {
                let sampler = Arc::clone(&self.sampler);
                Box::pin(async move {
                    let (wall, now) = (clock.unix_millis(), clock.now());
                    let sample = tokio::task::spawn_blocking(move || {
                        let mut sampler = sampler.lock().unwrap_or_else(PoisonError::into_inner);
                        sampler(wall, now)
                    });
                    Done::Sample(sample.await.ok().flatten())
                })
            }
        });
    }

    fn take(&mut self, done: Done) {
        self.begin_anew_with_the_spool();
        let (now, wall) = (self.clock.now(), self.clock.unix_millis());
        match done {
            Done::Audit {
                part,
                life,
                began,
                read,
            } => match life == self.life {
                true => {
                    self.take_audit(now, wall, part, &read);
                    self.tell_read(part, began, &read);
                    self.tell_hindered(wall, part, &read);
                }
                // What it put is not in this spool.
                false => self.schedule.outdated(now, part),
            },
            Done::Changes { part, since, read } => {
                self.take_changes(now, wall, part, since, &read);
            }
            Done::Probe(probes) => {
                match probes {
                    Some(probes) => {
                        self.see_who_returned(now, &probes);
                        self.services.probed(wall, probes);
                    }
                    None => {
                        let reason = "no answer to the health question; see this service's log";
                        self.services.probe_lost(wall, reason);
                    }
                }
                self.schedule.probed();
                self.put_services();
            }
            Done::Sample(sample) => self.keep(sample),
            Done::SampleKept => self.schedule.sampled(),
            Done::Services(put) => {
                let is_outdated = self.services_put == Put::Outdated;
                self.services_put = Put::Idle;
                // What failed is tried again after the next probe; the spool tells of it itself.
                if is_outdated && put.is_ok() {
                    self.put_services();
                }
            }
        }
    }

    fn take_audit(
        &mut self,
        now: Instant,
        wall: UnixMillis,
        part: Part,
        read: &Result<Audited, Broken>,
    ) {
        if let Ok(audited) = read {
            self.marks.insert(part, audited.whole.mark);
            if let Some(held) = audited.written.held {
                tell_held(part, held);
            }
        }
        let outcome = if let Ok(audited) = read
            && let Some(reason) = audited.incomplete()
        {
            self.services
                .part_failed(wall, part, &reason, Trouble::Service);
            self.is_broken(Work::Audit(part), part, reason);
            let in_vain = audited.whole.in_vain;
            // To read all again at once would not help what could not be read.
            match audited.written.lacks.is_empty() {
                true => Outcome::Read,
                false => Outcome::ReadInPart { in_vain },
            }
        } else {
            let told = read.as_ref().map(|_| Outcome::Read);
            self.judge(wall, Work::Audit(part), part, told)
        };
        let chance = (self.chance)();
        self.schedule.audited(now, part, outcome, chance);
        self.put_services();
    }

    /// What was missing and is held all the same was not read: nothing is known of it. Nor is it of
    /// what a list lacks that was never read: taken for gone, it would be told as drift. Of which
    /// departments and groups nothing was read is told with it.
    fn tell_read(&self, part: Part, began: Instant, read: &Result<Audited, Broken>) {
        let Ok(Audited { whole, written }) = read else {
            return;
        };
        if written.held.is_none() && !written.lacks_some {
            let reading = Reading {
                began,
                lacks: written.lacks.clone(),
                tells: Arc::new(whole.tells.clone()),
                cut: Arc::new(whole.cut.clone()),
            };
            self.read.send_modify(|it| drop(it.insert(part, reading)));
        }
    }

    fn take_changes(
        &mut self,
        now: Instant,
        wall: UnixMillis,
        part: Part,
        since: Option<Mark>,
        read: &Result<Option<Mark>, Broken>,
    ) {
        let told = read.as_ref().map(|mark| match mark {
            Some(_) => Outcome::Read,
            None => Outcome::CannotTell,
        });
        let outcome = self.judge(wall, Work::Changes(part), part, told);
        // An audit that ended meanwhile may have put what is older than these changes, so the next
        // ones are asked for from its beginning on.
        if let Ok(Some(mark)) = read
            && self.marks.get(&part).copied() == since
        {
            self.marks.insert(part, *mark);
        }
        let chance = (self.chance)();
        self.schedule.changed(now, part, outcome, chance);
        self.put_services();
    }

    fn see_who_returned(&mut self, now: Instant, probes: &[Probe]) {
        for probe in probes {
            match probe.outcome {
                ProbeOutcome::Failing { .. } => {
                    self.down.insert(probe.service);
                }
                ProbeOutcome::Available { .. } if self.down.remove(&probe.service) => {
                    let chance = (self.chance)();
                    self.schedule.returned(now, probe.service, chance);
                }
                ProbeOutcome::Available { .. } | ProbeOutcome::Missing => {}
            }
        }
    }

    fn put_services(&mut self) {
        if self.services_put != Put::Idle {
            self.services_put = Put::Outdated;
            return;
        }
        let (spool, services) = (self.spool.clone(), self.services.list());
        if services.is_empty() {
            return;
        }
        self.services_put = Put::Going;
        self.under_way.push(Box::pin(async move {
            Done::Services(spool.put_services(services).await)
        }));
    }

    fn keep(&mut self, sample: Option<HostSample>) {
        let Some(mut sample) = sample else {
            self.schedule.sampled();
            return;
        };
        sample.latencies = self.services.latencies();
        let spool = self.spool.clone();
        self.under_way.push(Box::pin(async move {
            // If it can't be kept it is lost, and the spool tells why.
            let _ = spool.put_sample(sample).await;
            Done::SampleKept
        }));
    }
}

/// A cloud where much comes and goes between two audits is well, so this is no failure.
fn tell_held(part: Part, held: Held) {
    let (Held { missing, of }, part) = (held, part.name());
    warn!(
        part,
        missing,
        of,
        "{missing} of {of} {part} are missing, which is too much to believe at once; they stay \
         until the next reading misses them too"
    );
}
