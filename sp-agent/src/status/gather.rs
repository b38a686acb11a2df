//! Where the report comes from: the running daemon's parts, or, where it doesn't run, its files.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use shared::link::agent::Phase;
use shared::model::{CloudDescription, CloudId, Feed, Service, UnixMillis};
use shared::pki::Fingerprint;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::wire::frame::{FEED_BYTES_MAX, FeedFrame, HEADER_BYTES, Header, Refusal};
use shared::wire::record::decode_id;
use tokio::sync::watch;

use super::advice::{adopted_at, next_step, writable_again};
use super::allegiance::{Allegiance, Standing};
use super::credential::credential;
use super::report::{
    AdoptionReport, AllegianceReport, BehindReport, CloudReport, FailureReport, LinkReport,
    OrganizationReport, PartReport, RegionReport, Report, ServiceReport, SpoolReport,
};
use crate::apply::Progress;
use crate::cloud::Part;
use crate::config::Config;
use crate::join::SOFTWARE;
use crate::membership::{Credentials, Membership, MembershipError};
use crate::spool::Spool;
use crate::uplink;

/// Failures that are told: what is wrong with the first ones is wrong with most.
const FAILURES_MAX: usize = 20;

/// What the daemon knows of its membership and link.
#[derive(Debug, Clone)]
pub struct Member {
    /// Whom it follows, since when.
    pub standing: Standing,
    /// As what, if it has joined.
    pub identity: Option<Identity>,
    /// The link, while there is one.
    pub link: Option<uplink::Status>,
}

/// As what an agent has joined.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The membership.
    pub membership: Membership,
    /// The bound key's fingerprint, if the key can be read.
    pub key: Option<Fingerprint>,
    /// The last moment in which the certificate counts, if it can be read.
    pub certificate_until: Option<UnixMillis>,
}

/// The cloud as it last described itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudView {
    /// What it is; only kind and endpoint until it could be read.
    pub description: CloudDescription,
    /// Why it could not be read the last time.
    pub reason: Option<String>,
}

/// The door at which an unjoined agent waits to be adopted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorView {
    /// Where it is.
    pub address: SocketAddr,
    /// The key that it shows, while it is open.
    pub key: Option<Fingerprint>,
    /// Why it can't be opened, if it can't.
    pub reason: Option<String>,
}

/// The running daemon's parts, as far as they have something to tell.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The time.
    pub clock: Clock,
    /// Since when the daemon runs.
    pub started: UnixMillis,
    /// What is kept.
    pub spool: Spool,
    /// Membership and link.
    pub member: watch::Receiver<Member>,
    /// The cloud.
    pub cloud: watch::Receiver<CloudView>,
    /// The door, while there is one.
    pub door: watch::Receiver<Option<DoorView>>,
    /// How far the directory is applied.
    pub progress: watch::Receiver<Progress>,
    /// The configuration.
    pub config: watch::Receiver<Arc<Config>>,
}

impl Sources {
    /// Tells how the daemon is. A part that can't be told is left out.
    pub async fn report(&self) -> Report {
        let member = self.member.borrow().clone();
        let view = self.cloud.borrow().clone();
        let door = self.door.borrow().clone();
        let mut allegiance = allegiance(&member);
        if let Some(open) = door.as_ref().filter(|door| door.key.is_some()) {
            allegiance.next_step = Some(adopted_at(open.address.port()));
        }
        Report {
            software: SOFTWARE.to_owned(),
            at: self.clock.unix_millis().into(),
            running_since: Some(self.started.into()),
            allegiance,
            adoption: door.map(adoption),
            region: member.identity.as_ref().map(region),
            link: member.link.as_ref().map(link),
            cloud: Some(self.cloud(view).await),
            spool: Some(self.spool().await),
            organization: organization(&self.progress.borrow()),
        }
    }

    async fn cloud(&self, view: CloudView) -> CloudReport {
        let services = self.spool.services().await.unwrap_or_default();
        let credential = credential(&self.config.borrow(), &services);
        let mut parts = Vec::new();
        for part in Part::ALL {
            let mark = self.spool.mark(part).await.ok().flatten();
            parts.push(PartReport {
                part: part.name().to_owned(),
                read: mark.map(|mark| mark.0.into()),
            });
        }
        CloudReport {
            kind: view.description.kind.name().to_owned(),
            version: view.description.version,
            endpoint: view.description.endpoint,
            reason: view.reason,
            credential,
            services: services.into_iter().map(service).collect(),
            parts,
        }
    }

    async fn spool(&self) -> SpoolReport {
        let path = self.spool.path();
        let extent = self.spool.extent(Feed::Samples);
        let reason = self.spool.condition().borrow().fault().map(str::to_owned);
        let bytes = tokio::task::spawn_blocking({
            let path = path.clone();
            move || bytes_of(&path)
        });
        let next_step = reason.as_ref().map(|_| writable_again(&path));
        SpoolReport {
            next_step,
            bytes: bytes.await.unwrap_or(0),
            path: path.display().to_string(),
            reason,
            samples: extent.head.saturating_sub(extent.horizon),
            samples_since: self.oldest_sample().await.map(Into::into),
        }
    }

    async fn oldest_sample(&self) -> Option<UnixMillis> {
        let extent = self.spool.extent(Feed::Samples);
        let read = self
            .spool
            .read(Feed::Samples, extent.id, extent.horizon)
            .await;
        let batch = read.ok().flatten()?;
        let header = batch.frame.first_chunk::<HEADER_BYTES>()?;
        let header = Header::read(*header, FEED_BYTES_MAX).ok()?;
        let payload = batch.frame.get(HEADER_BYTES..)?;
        let Ok(Some(FeedFrame::Batch(batch))) = FeedFrame::decode(header.kind, payload) else {
            return None;
        };
        // A sample's id is its time.
        let first = batch.records.as_slice().first()?;
        match decode_id(first.id.as_slice()).ok()? {
            CloudId::Text(millis) => millis.parse().ok().map(UnixMillis),
            _ => None,
        }
    }
}

/// `None` where there is nothing to apply, and nothing was.
fn organization(it: &Progress) -> Option<OrganizationReport> {
    let failures = it.failed.iter().take(FAILURES_MAX);
    let report = OrganizationReport {
        desired: it.desired,
        in_place: it.in_place,
        failed: it.failed_count,
        removals_held: it.removals_held,
        withdrawals_held: it.withdrawals_held,
        drift: it.drift_count,
        left_s: it.left.map(|it| it.as_secs()),
        paused: it.paused.clone(),
        read_only: it.read_only,
        failures: failures
            .map(|it| FailureReport {
                what: it.subject.to_string(),
                name: it.name.clone(),
                error: it.error.clone(),
                tries: it.tries,
            })
            .collect(),
    };
    (it.desired > 0).then_some(report)
}

/// Tells what the files say of an agent that doesn't run. Blocks on the disk.
pub fn offline(data_dir: &Path, now: UnixMillis) -> Report {
    let member = match Membership::load(data_dir) {
        Ok(None) => unjoined(now),
        Ok(Some(membership)) => {
            let credentials = Credentials::load(data_dir);
            let epoch = membership.epoch;
            let allegiance = match &credentials {
                Ok(_) => Allegiance::silent(epoch),
                Err(error) => damaged(error),
            };
            Member {
                standing: Standing {
                    allegiance,
                    since: now,
                },
                identity: Some(Identity::new(membership, credentials.ok().as_ref())),
                link: None,
            }
        }
        Err(error) => Member {
            standing: Standing {
                allegiance: damaged(&error),
                since: now,
            },
            identity: None,
            link: None,
        },
    };
    let mut allegiance = allegiance(&member);
    // Since when is known to a running daemon only.
    allegiance.since = None;
    if matches!(member.standing.allegiance, Allegiance::Autonomous { .. }) {
        allegiance.reason = Some("the agent does not run".to_owned());
        allegiance.next_step = Some("Start it: systemctl start sp-agent".to_owned());
    }
    Report {
        software: SOFTWARE.to_owned(),
        at: now.into(),
        running_since: None,
        allegiance,
        adoption: None,
        region: member.identity.as_ref().map(region),
        link: None,
        cloud: None,
        spool: None,
        organization: None,
    }
}

/// An agent that has not joined.
pub const fn unjoined(since: UnixMillis) -> Member {
    Member {
        standing: Standing {
            allegiance: Allegiance::Unjoined,
            since,
        },
        identity: None,
        link: None,
    }
}

/// A membership that can't be used.
pub fn damaged(error: &MembershipError) -> Allegiance {
    Allegiance::Damaged {
        reason: chain(error).to_string(),
    }
}

impl Identity {
    /// As what the agent has joined; without credentials, if they can't be read.
    pub fn new(membership: Membership, credentials: Option<&Credentials>) -> Self {
        Self {
            membership,
            key: credentials.map(|it| it.key.fingerprint()),
            certificate_until: credentials.map(Credentials::not_after),
        }
    }
}

fn allegiance(member: &Member) -> AllegianceReport {
    let allegiance = &member.standing.allegiance;
    let name = member
        .identity
        .as_ref()
        .map_or("", |it| it.membership.name.as_str());
    let reason = match allegiance {
        Allegiance::Damaged { reason } => Some(reason.clone()),
        Allegiance::Autonomous { reason, .. } => reason.clone(),
        _ => None,
    };
    AllegianceReport {
        state: allegiance.name().to_owned(),
        since: Some(member.standing.since.into()),
        epoch: allegiance.epoch(),
        hub: match allegiance {
            Allegiance::Following { hub, .. } => hub.map(|hub| hub.to_string()),
            _ => None,
        },
        reason,
        refusal: allegiance.refusal().map(|it| word(it).to_owned()),
        next_step: next_step(allegiance, name),
    }
}

/// A refusal in JSON.
const fn word(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Version => "version",
        Refusal::Removed => "removed",
        Refusal::Unknown => "unknown",
        Refusal::Federation => "federation",
        Refusal::StaleEpoch => "stale-epoch",
        Refusal::Busy => "busy",
        Refusal::Protocol => "protocol",
        Refusal::Other(_) => "other",
    }
}

fn adoption(door: DoorView) -> AdoptionReport {
    AdoptionReport {
        address: door.address.to_string(),
        key: door.key.map(|key| key.to_string()),
        reason: door.reason,
    }
}

fn reason_of(phase: &Phase) -> Option<String> {
    match phase {
        Phase::Waiting { reason, .. } => reason.clone(),
        _ => None,
    }
}

fn region(identity: &Identity) -> RegionReport {
    let membership = &identity.membership;
    RegionReport {
        name: membership.name.clone(),
        id: membership.region.to_string(),
        federation: membership.federation.to_string(),
        addresses: membership.addresses.clone(),
        key: identity.key.map(|key| key.to_string()),
        certificate_until: identity.certificate_until.map(Into::into),
    }
}

fn link(status: &uplink::Status) -> LinkReport {
    let behind = status.behind.iter().map(|(feed, changes)| BehindReport {
        feed: feed.name().to_owned(),
        changes: *changes,
    });
    LinkReport {
        phase: status.phase.name().to_owned(),
        since: status.since.into(),
        address: status.address.clone(),
        reason: reason_of(&status.phase),
        last_acknowledged: status.last_acked.map(Into::into),
        behind: behind.filter(|it| it.changes > 0).collect(),
    }
}

fn service(it: Service) -> ServiceReport {
    let (state, reason) = (it.state.code(), it.state.reason().map(str::to_owned));
    let told = !(it.versions.0.is_empty() && it.versions.1.is_empty());
    ServiceReport {
        service: it.kind.name().to_owned(),
        state: state.to_owned(),
        since: it.since.into(),
        reason,
        endpoint: it.endpoint,
        versions: told.then_some(it.versions),
    }
}

/// The file and what SQLite keeps beside it.
/// Bytes of a spool's files. Blocks on the disk.
pub(super) fn bytes_of(path: &Path) -> u64 {
    let with = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::fs::metadata(name).map_or(0, |found| found.len())
    };
    ["", "-wal", "-shm"].iter().map(|ending| with(ending)).sum()
}
