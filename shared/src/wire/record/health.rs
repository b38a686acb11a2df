//! Health between the model and the wire.

use super::codes::{service_code, service_kind};
use super::{capped, figure, moment, timely};
use crate::model::{Disk, HostSample, Nic, Service, ServiceLatency, ServiceState, UnixMillis};
use crate::wire::codec::DecodeError;
use crate::wire::v1::{DiskV1, HostSampleV1, LatencyV1, NicV1, ServiceV1};
use crate::wire::{List, Text};

const AVAILABLE: u8 = 1;
const MISSING: u8 = 2;
/// Any other number reads as failing too: a state that is not understood is not good news.
const FAILING: u8 = 3;
const CREDENTIAL_REFUSED: u8 = 4;
const RIGHTS_MISSING: u8 = 5;

impl<'a> From<&'a Service> for ServiceV1<'a> {
    fn from(it: &'a Service) -> Self {
        let state = match &it.state {
            ServiceState::Available => AVAILABLE,
            ServiceState::Missing => MISSING,
            ServiceState::Failing { .. } => FAILING,
            ServiceState::CredentialRefused { .. } => CREDENTIAL_REFUSED,
            ServiceState::RightsMissing { .. } => RIGHTS_MISSING,
        };
        Self {
            kind: service_code(it.kind),
            state,
            reason: Text::cut(it.state.reason().unwrap_or_default()),
            endpoint: Text::cut(&it.endpoint),
            version_min: Text::cut(&it.versions.0),
            version_max: Text::cut(&it.versions.1),
            since_ms: timely(it.since).0,
        }
    }
}

pub(super) fn service(it: ServiceV1<'_>) -> Result<Service, DecodeError> {
    let kind = service_kind(it.kind).ok_or(DecodeError::OutOfRange {
        what: "a service's kind",
    })?;
    let state = match it.state {
        AVAILABLE => ServiceState::Available,
        MISSING => ServiceState::Missing,
        CREDENTIAL_REFUSED => ServiceState::CredentialRefused {
            reason: it.reason.into_string(),
        },
        RIGHTS_MISSING => ServiceState::RightsMissing {
            reason: it.reason.into_string(),
        },
        _ => ServiceState::Failing {
            reason: it.reason.into_string(),
        },
    };
    Ok(Service {
        kind,
        state,
        endpoint: it.endpoint.into_string(),
        versions: (it.version_min.into_string(), it.version_max.into_string()),
        since: moment("a service's last change", UnixMillis(it.since_ms))?,
    })
}

impl<'a> From<&'a HostSample> for HostSampleV1<'a> {
    fn from(it: &'a HostSample) -> Self {
        Self {
            at_ms: timely(it.at).0,
            cpu_permille: List::cut(it.cpu_permille.iter().map(|share| (*share).min(1000))),
            load_centi: it.load_centi,
            memory_used_mib: capped(it.memory_used_mib),
            memory_total_mib: capped(it.memory_total_mib),
            disks: List::cut(it.disks.iter().map(DiskV1::from)),
            nics: List::cut(it.nics.iter().map(NicV1::from)),
            latencies: List::cut(it.latencies.iter().map(LatencyV1::from)),
        }
    }
}

pub(super) fn host_sample(it: HostSampleV1<'_>) -> Result<HostSample, DecodeError> {
    let cpu_permille = it.cpu_permille.into_vec();
    if cpu_permille.iter().any(|share| *share > 1000) {
        return Err(DecodeError::OutOfRange {
            what: "a core's busy share",
        });
    }
    Ok(HostSample {
        at: moment("a sample's time", UnixMillis(it.at_ms))?,
        cpu_permille,
        load_centi: it.load_centi,
        memory_used_mib: figure("memory in use", it.memory_used_mib)?,
        memory_total_mib: figure("memory in all", it.memory_total_mib)?,
        disks: it
            .disks
            .into_vec()
            .into_iter()
            .map(disk)
            .collect::<Result<_, _>>()?,
        nics: it
            .nics
            .into_vec()
            .into_iter()
            .map(nic)
            .collect::<Result<_, _>>()?,
        latencies: it.latencies.into_vec().iter().filter_map(latency).collect(),
    })
}

impl<'a> From<&'a Disk> for DiskV1<'a> {
    fn from(it: &'a Disk) -> Self {
        Self {
            mount: Text::cut(&it.mount),
            used_mib: capped(it.used_mib),
            total_mib: capped(it.total_mib),
        }
    }
}

fn disk(it: DiskV1<'_>) -> Result<Disk, DecodeError> {
    Ok(Disk {
        mount: it.mount.into_string(),
        used_mib: figure("a disk's use", it.used_mib)?,
        total_mib: figure("a disk's size", it.total_mib)?,
    })
}

impl<'a> From<&'a Nic> for NicV1<'a> {
    fn from(it: &'a Nic) -> Self {
        Self {
            name: Text::cut(&it.name),
            received_bytes_per_s: capped(it.received_bytes_per_s),
            sent_bytes_per_s: capped(it.sent_bytes_per_s),
        }
    }
}

fn nic(it: NicV1<'_>) -> Result<Nic, DecodeError> {
    Ok(Nic {
        name: it.name.into_string(),
        received_bytes_per_s: figure("a network rate", it.received_bytes_per_s)?,
        sent_bytes_per_s: figure("a network rate", it.sent_bytes_per_s)?,
    })
}

impl From<&ServiceLatency> for LatencyV1 {
    fn from(it: &ServiceLatency) -> Self {
        Self {
            service: service_code(it.service),
            millis: it.millis,
        }
    }
}

/// A later release's service is left out of the sample rather than failing it.
fn latency(it: &LatencyV1) -> Option<ServiceLatency> {
    Some(ServiceLatency {
        service: service_kind(it.service)?,
        millis: it.millis,
    })
}
