//! The collector: starts what the schedule says is due, and tells schedule and services how it
//! went.
//!
//! All readings run in the collector's own task; what blocks is elsewhere (the spool's thread, the
//! sampler). Stopping drops the readings where they are: an audit that did not come to its end
//! removes nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use shared::model::{HostSample, UnixMillis};
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;
use tracing::{info, warn};

use super::reading::{self, Broken};
use super::sampler::Sampler;
use super::schedule::{Options, Outcome, Schedule, Work};
use super::services::Services;
use crate::cloud::{Cloud, CloudError, Mark, Part, Probe};
use crate::spool::{Spool, SpoolError, Written};

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
}

/// What ended.
enum Done {
    Audit(Part, Result<Mark, Broken>),
    Changes(Part, Result<Option<Mark>, Broken>),
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
    failing: BTreeMap<Part, String>,
    under_way: FuturesUnordered<BoxFuture<'static, Done>>,
    services_put: Put,
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
        } = self;
        // Without them only the times since when are lost.
        let held = spool.services().await.unwrap_or_default();
        let mut run = Run {
            schedule: Schedule::new(clock.now(), options),
            services: Services::new(held),
            marks: BTreeMap::new(),
            failing: BTreeMap::new(),
            under_way: FuturesUnordered::new(),
            services_put: Put::Idle,
            sampler: Arc::new(Mutex::new(sampler)),
            chance,
            cloud,
            spool,
            clock,
        };
        shutdown.until_draining(run.collect()).await;
    }
}

impl Run {
    async fn collect(&mut self) {
        loop {
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
                () = wake => {}
            }
        }
    }

    fn start(&mut self, work: Work) {
        let (cloud, spool) = (Arc::clone(&self.cloud), self.spool.clone());
        let clock = self.clock.clone();
        self.under_way.push(match work {
            Work::Audit(part) => Box::pin(async move {
                let read = reading::audit(&*cloud, &spool, &clock, part).await;
                Done::Audit(part, read)
            }),
            Work::Changes(part) => {
                let since = self.marks.get(&part).copied();
                Box::pin(async move {
                    let read = match since {
                        Some(since) => reading::changes(&*cloud, &spool, &clock, part, since).await,
                        None => Ok(None),
                    };
                    Done::Changes(part, read)
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
        let (now, wall) = (self.clock.now(), self.clock.unix_millis());
        match done {
            Done::Audit(part, read) => {
                let outcome = self.judge(wall, part, read.as_ref().map(|_| Outcome::Read));
                if let Ok(mark) = read {
                    self.marks.insert(part, mark);
                }
                let chance = (self.chance)();
                self.schedule.audited(now, part, outcome, chance);
                self.put_services();
            }
            Done::Changes(part, read) => {
                let told = read.as_ref().map(|mark| match mark {
                    Some(_) => Outcome::Read,
                    None => Outcome::CannotTell,
                });
                let outcome = self.judge(wall, part, told);
                if let Ok(Some(mark)) = read {
                    self.marks.insert(part, mark);
                }
                let chance = (self.chance)();
                self.schedule.changed(now, part, outcome, chance);
                self.put_services();
            }
            Done::Probe(probes) => {
                match probes {
                    Some(probes) => self.services.probed(wall, probes),
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

    /// What a part's end means for its service and its next turn.
    fn judge(&mut self, wall: UnixMillis, part: Part, read: Result<Outcome, &Broken>) -> Outcome {
        let broken = match read {
            Ok(outcome) => {
                self.services.part_is_read(wall, part);
                self.is_well(part);
                return outcome;
            }
            Err(broken) => broken,
        };
        self.is_broken(part, broken);
        let mut patience = Duration::ZERO;
        match broken {
            // This will not pass by itself, so whoever looks at the service must see it.
            Broken::Spool {
                source:
                    source @ (SpoolError::TooMany { .. }
                    | SpoolError::Misplaced { .. }
                    | SpoolError::Encode { .. }),
                ..
            } => {
                let reason = chain(source).to_string();
                self.services.part_failed(wall, part, &reason, false);
            }
            // The spool's condition tells of it. The cloud sees no more than that its pages are
            // not taken.
            Broken::Spool { .. }
            | Broken::Cloud {
                source: CloudError::Stopped,
                ..
            } => {}
            Broken::Cloud {
                source: CloudError::Missing { .. },
                ..
            } => {
                self.services.part_is_read(wall, part);
                return Outcome::Missing;
            }
            Broken::Cloud { source, .. } => {
                if let CloudError::Throttled { retry_after, .. } = source {
                    patience = *retry_after;
                }
                let is_refusal = matches!(
                    source,
                    CloudError::Unauthorized { .. } | CloudError::Forbidden { .. }
                );
                let reason = chain(source).to_string();
                self.services.part_failed(wall, part, &reason, is_refusal);
            }
            Broken::Silent { .. } => {
                let reason = broken.to_string();
                self.services.part_failed(wall, part, &reason, false);
            }
        }
        Outcome::Failed { patience }
    }

    /// Logs a failure when it begins and when it becomes another, not at each try.
    fn is_broken(&mut self, part: Part, broken: &Broken) {
        let text = chain(broken).to_string();
        if self.failing.get(&part) != Some(&text) {
            warn!(part = part.name(), "{text}");
            self.failing.insert(part, text);
        }
    }

    fn is_well(&mut self, part: Part) {
        if self.failing.remove(&part).is_some() {
            info!(part = part.name(), "{} can be read again", part.name());
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
