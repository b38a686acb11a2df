//! The state of each service, from its probes and from how its parts are read.
//!
//! A service is failing when its probe fails or one of its parts can't be read, whatever the other
//! says. One failure alone is no news: the second in a row is, so that a single lost packet does
//! not turn a region yellow; a refused credential or a lost right is at once, as trying again can't
//! cure it, and a refused credential comes before all else. A success is news at once. Pure.

use std::collections::{BTreeMap, BTreeSet};

use shared::model::{Feed, Service, ServiceKind, ServiceLatency, ServiceState, UnixMillis};

use crate::cloud::{Part, Probe, ProbeOutcome, Trouble};

/// Failures in a row that make a service failing.
const FAILURES_MIN: u32 = 2;

/// Bytes of a reason: what the wire carries.
const REASON_BYTES_MAX: usize = 512;

/// Every service that is known of.
#[derive(Debug)]
pub struct Services {
    known: BTreeMap<ServiceKind, Known>,
    /// Parts that were read to their end in this life, or that the cloud has not.
    read: BTreeSet<Part>,
    /// All were asked once, now or in an earlier life: before that, those known of are only some.
    is_whole: bool,
}

#[derive(Debug)]
struct Known {
    service: Service,
    /// Not yet of a service that was never told of: its first state needs no second opinion.
    is_settled: bool,
    probe: Probed,
    failing_parts: BTreeMap<Part, Failing>,
    /// It was told of as available in an earlier life.
    was_available: bool,
    latency: Option<ServiceLatency>,
}

#[derive(Debug)]
enum Probed {
    NotYet,
    Available,
    Missing,
    Failing(Failing),
}

#[derive(Debug)]
struct Failing {
    times: u32,
    trouble: Trouble,
    reason: String,
}

impl Failing {
    fn is_certain(&self) -> bool {
        self.trouble != Trouble::Service || self.times >= FAILURES_MIN
    }

    fn state(&self) -> ServiceState {
        let reason = self.reason.clone();
        match self.trouble {
            Trouble::Service | Trouble::Token => ServiceState::Failing { reason },
            Trouble::Credential => ServiceState::CredentialRefused { reason },
            Trouble::Rights => ServiceState::RightsMissing { reason },
        }
    }
}

impl Services {
    /// Goes on from what the spool holds.
    pub fn new(held: Vec<Service>) -> Self {
        let is_whole = !held.is_empty();
        let known = held.into_iter().map(|service| {
            let is_settled = true;
            (service.kind, Known::new(service, is_settled))
        });
        Self {
            known: known.collect(),
            read: BTreeSet::new(),
            is_whole,
        }
    }

    /// Every service, as it is to be reported; none until all were asked once, and none as
    /// available until all of the inventory that it has was read once, in this life or an earlier
    /// one: nothing read yet would look like nothing there.
    pub fn list(&self) -> Vec<Service> {
        let all = self.known.values().filter(|_| self.is_whole);
        let all = all.filter(|it| {
            let is_available = it.service.state == ServiceState::Available;
            !is_available || it.was_available || self.is_read(it.service.kind)
        });
        all.map(|known| known.service.clone()).collect()
    }

    /// Whether all of the inventory that a service has was read.
    fn is_read(&self, service: ServiceKind) -> bool {
        let inventory = |it: &Part| it.kind().feed() == Feed::Inventory && it.service() == service;
        let mut parts = Part::ALL.into_iter().filter(inventory);
        parts.all(|it| self.read.contains(&it))
    }

    /// How long each service took to answer last, for the next sample.
    pub fn latencies(&self) -> Vec<ServiceLatency> {
        let all = self.known.values();
        all.filter_map(|known| known.latency).collect()
    }

    /// All services were asked. One that the cloud no longer speaks of is forgotten.
    pub fn probed(&mut self, now: UnixMillis, probes: Vec<Probe>) {
        self.is_whole = true;
        let is_named = |kind: &ServiceKind| probes.iter().any(|probe| probe.service == *kind);
        self.known
            .retain(|kind, known| is_named(kind) || !known.failing_parts.is_empty());
        for probe in probes {
            let known = self.known(now, probe.service);
            known.take(probe);
            known.settle(now);
        }
    }

    /// The services were asked and nothing came back.
    pub fn probe_lost(&mut self, now: UnixMillis, reason: &str) {
        for (kind, known) in &mut self.known {
            if !matches!(known.probe, Probed::Missing) {
                known.probe_failed(*kind, Trouble::Service, reason);
                known.settle(now);
            }
        }
    }

    /// A part was read to its end, or the cloud says that it has none: its service may be told of.
    pub fn part_is_whole(&mut self, part: Part) {
        self.read.insert(part);
    }

    /// A part was read, or the cloud says that it has none.
    pub fn part_is_read(&mut self, now: UnixMillis, part: Part) {
        if let Some(known) = self.known.get_mut(&part.service())
            && known.failing_parts.remove(&part).is_some()
        {
            known.settle(now);
        }
    }

    /// A part could not be read.
    pub fn part_failed(&mut self, now: UnixMillis, part: Part, reason: &str, trouble: Trouble) {
        let known = self.known(now, part.service());
        let times = known.failing_parts.get(&part).map_or(0, |it| it.times);
        let failing = Failing {
            times: times.saturating_add(1),
            trouble,
            reason: match trouble {
                // It is not about the part, and all services say it in the same words.
                Trouble::Credential => cut(reason),
                _ => cut(&format!("{}: {reason}", part.name())),
            },
        };
        known.failing_parts.insert(part, failing);
        known.settle(now);
    }

    fn known(&mut self, now: UnixMillis, kind: ServiceKind) -> &mut Known {
        self.known.entry(kind).or_insert_with(|| {
            let service = Service {
                kind,
                state: ServiceState::Available,
                endpoint: String::new(),
                versions: (String::new(), String::new()),
                since: now,
            };
            let is_settled = false;
            Known::new(service, is_settled)
        })
    }
}

impl Known {
    fn new(service: Service, is_settled: bool) -> Self {
        let was_available = is_settled && service.state == ServiceState::Available;
        Self {
            service,
            is_settled,
            probe: Probed::NotYet,
            failing_parts: BTreeMap::new(),
            was_available,
            latency: None,
        }
    }

    /// An address or version that is not told now is still the last one that was.
    fn take(&mut self, probe: Probe) {
        let Probe {
            service: kind,
            endpoint,
            outcome,
        } = probe;
        if !endpoint.is_empty() {
            self.service.endpoint = endpoint;
        }
        match outcome {
            ProbeOutcome::Available { latency, versions } => {
                self.probe = Probed::Available;
                self.service.versions = versions;
                let millis = u32::try_from(latency.as_millis()).unwrap_or(u32::MAX);
                self.latency = Some(ServiceLatency {
                    service: kind,
                    millis: Some(millis),
                });
            }
            ProbeOutcome::Missing => {
                self.probe = Probed::Missing;
                self.latency = None;
            }
            ProbeOutcome::Failing { trouble, reason } => {
                self.probe_failed(kind, trouble, &reason);
            }
        }
    }

    fn probe_failed(&mut self, kind: ServiceKind, trouble: Trouble, reason: &str) {
        let times = match &self.probe {
            Probed::Failing(failing) => failing.times,
            _ => 0,
        };
        self.probe = Probed::Failing(Failing {
            times: times.saturating_add(1),
            trouble,
            reason: cut(reason),
        });
        self.latency = Some(ServiceLatency {
            service: kind,
            millis: None,
        });
    }

    fn settle(&mut self, now: UnixMillis) {
        let Some(state) = self.state() else { return };
        let is_other =
            std::mem::discriminant(&state) != std::mem::discriminant(&self.service.state);
        if is_other || !self.is_settled {
            self.service.since = now;
        }
        self.service.state = state;
        self.is_settled = true;
    }

    /// The state that follows from what is known; `None` leaves it as it is.
    fn state(&self) -> Option<ServiceState> {
        let was_failing = self.service.state.reason().is_some();
        let probe = match &self.probe {
            Probed::Failing(failing) => Some(failing),
            _ => None,
        };
        let failures = || probe.into_iter().chain(self.failing_parts.values());
        let of_credential = |it: &&Failing| it.trouble == Trouble::Credential;
        let told = match failures().find(of_credential) {
            Some(refused) => Some(refused),
            None => failures().find(|failing| failing.is_certain()),
        };
        let told = match told {
            Some(certain) => Some(certain),
            // Nothing better is known, or it was failing already: a first failure is told.
            None if was_failing || !self.is_settled => failures().next(),
            None => None,
        };
        match (told, &self.probe) {
            (Some(failing), _) => Some(failing.state()),
            (None, Probed::Available) => Some(ServiceState::Available),
            (None, Probed::Missing) => Some(ServiceState::Missing),
            (None, Probed::NotYet | Probed::Failing(_)) => None,
        }
    }
}

fn cut(reason: &str) -> String {
    let end = reason.floor_char_boundary(REASON_BYTES_MAX);
    reason.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
