//! What the agent tells of itself, as JSON. Names and values only grow, so that programs can rely
//! on them.

use serde::{Deserialize, Serialize};
use shared::model::UnixMillis;

/// A moment, by RFC 3339 in UTC, with milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time(pub String);

impl From<UnixMillis> for Time {
    /// A time that no calendar has, which no clock gives, is the last one that it has.
    fn from(time: UnixMillis) -> Self {
        let millis = i64::try_from(time.0).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        Self(format!("{time:.3}"))
    }
}

impl Time {
    /// The moment; the beginning of 1970 for what is no time.
    pub fn unix_millis(&self) -> UnixMillis {
        let millis = self
            .0
            .parse::<jiff::Timestamp>()
            .map(|it| it.as_millisecond());
        UnixMillis(millis.ok().and_then(|it| it.try_into().ok()).unwrap_or(0))
    }
}

/// The whole agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The agent's release.
    pub software: String,
    /// When this was told.
    pub at: Time,
    /// Since when the daemon runs; `None` where it doesn't, and only its files were asked.
    pub running_since: Option<Time>,
    /// Whom it follows.
    pub allegiance: AllegianceReport,
    /// Where it waits to be adopted; `None` where it doesn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<AdoptionReport>,
    /// Which region it is; `None` where it has not joined.
    pub region: Option<RegionReport>,
    /// The link to the hub; `None` where there is none.
    pub link: Option<LinkReport>,
    /// The cloud; `None` where the daemon doesn't run.
    pub cloud: Option<CloudReport>,
    /// What is kept; `None` where the daemon doesn't run.
    pub spool: Option<SpoolReport>,
    /// How far the directory is applied; `None` where there is nothing to apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationReport>,
}

impl Report {
    /// Whether nothing is wrong, for whoever only asks that. Waiting for an administrator, or for a
    /// hub that was not dialed yet or has no room, is no fault.
    pub fn is_well(&self) -> bool {
        self.running_since.is_some()
            && self.allegiance.is_well()
            && self.adoption.as_ref().is_none_or(|it| it.reason.is_none())
            && self.region.as_ref().is_none_or(|it| it.is_valid(&self.at))
            && self.cloud.as_ref().is_none_or(CloudReport::is_well)
            && self.spool.as_ref().is_none_or(|it| it.reason.is_none())
            && self
                .organization
                .as_ref()
                .is_none_or(OrganizationReport::is_well)
    }
}

impl AllegianceReport {
    fn is_well(&self) -> bool {
        match self.state.as_str() {
            "damaged" => false,
            "autonomous" => self.reason.is_none() || self.is_refused("busy"),
            _ => true,
        }
    }

    /// Whether the hub refuses with this word.
    pub fn is_refused(&self, word: &str) -> bool {
        self.refusal.as_deref() == Some(word)
    }
}

impl OrganizationReport {
    /// What differs in the cloud, or takes its time, is no fault.
    const fn is_well(&self) -> bool {
        self.failed == 0 && self.paused.is_none()
    }
}

impl RegionReport {
    fn is_valid(&self, now: &Time) -> bool {
        let until = self.certificate_until.as_ref();
        until.is_none_or(|until| until.unix_millis() > now.unix_millis())
    }
}

impl CredentialReport {
    /// Whether Keystone gives no token for it.
    pub fn is_refused(&self) -> bool {
        self.state == "credential-refused"
    }
}

impl CloudReport {
    fn is_well(&self) -> bool {
        self.reason.is_none() && self.services.iter().all(|it| it.reason.is_none())
    }
}

/// Whom the agent follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllegianceReport {
    /// `unjoined`, `damaged`, `pending`, `following` or `autonomous`.
    pub state: String,
    /// Since when, as far as this run of the daemon knows.
    pub since: Option<Time>,
    /// The highest epoch followed.
    pub epoch: Option<u64>,
    /// The hub's id, while it is heard.
    pub hub: Option<String>,
    /// Why it is so, where that is not plain.
    pub reason: Option<String>,
    /// The hub's own word for it, where it refuses: `version`, `removed`, `unknown`,
    /// `federation`, `stale-epoch`, `busy`, `protocol` or `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// What the operator should do.
    pub next_step: Option<String>,
}

/// Where an unjoined agent waits to be adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptionReport {
    /// The address, as configured and bound (UDP).
    pub address: String,
    /// The fingerprint of the key that it shows there, which the hub's administrator compares.
    pub key: Option<String>,
    /// Why it does not wait there yet, if it doesn't.
    pub reason: Option<String>,
}

/// Which region the agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionReport {
    /// Its name at the hub.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The federation's id.
    pub federation: String,
    /// Where the hub is dialed.
    pub addresses: Vec<String>,
    /// The bound key's fingerprint: what the hub's administrator compares.
    pub key: Option<String>,
    /// The last moment in which the certificate counts.
    pub certificate_until: Option<Time>,
}

/// The link to the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReport {
    /// `waiting`, `dialing`, `greeting`, `pending`, `following` or `stopped`.
    pub phase: String,
    /// Since when.
    pub since: Time,
    /// The address that is used or was tried last.
    pub address: Option<String>,
    /// Why the last attempt failed.
    pub reason: Option<String>,
    /// When the hub last made something durable.
    pub last_acknowledged: Option<Time>,
    /// The feeds of which the hub does not hold everything.
    pub behind: Vec<BehindReport>,
}

/// A feed of which the hub does not hold everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BehindReport {
    /// Which.
    pub feed: String,
    /// How many changes it lacks.
    pub changes: u64,
}

/// The cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudReport {
    /// `openstack` or `simulated`.
    pub kind: String,
    /// A line for people; empty until the cloud could be read.
    pub version: String,
    /// Where its API is.
    pub endpoint: String,
    /// Why it can't be described, if it can't.
    pub reason: Option<String>,
    /// As whom the agent signs in; `None` where it need not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialReport>,
    /// Its services.
    pub services: Vec<ServiceReport>,
    /// Its parts.
    pub parts: Vec<PartReport>,
}

/// As whom the agent signs in at its cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialReport {
    /// The account, or the application credential.
    pub account: String,
    /// `password` or `application-credential`.
    pub kind: String,
    /// Which counts: `configuration`; `given`, by `sp-agent credential set` or from the hub; or
    /// `former`, as the configuration's new one is not taken.
    pub source: String,
    /// When it was given.
    pub given: Option<Time>,
    /// By whom.
    pub by: Option<String>,
    /// `works`, `credential-refused`, `rights-missing`, or `unknown` while Keystone is away.
    pub state: String,
    /// Since when it is refused, or lacks a right.
    pub since: Option<Time>,
    /// What Keystone, or another service, says.
    pub reason: Option<String>,
    /// What else there is to know of it.
    pub note: Option<String>,
    /// What the operator should do.
    pub next_step: Option<String>,
}

/// One service of the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceReport {
    /// Such as `compute`.
    pub service: String,
    /// `available`, `failing`, `missing`, `credential-refused` or `rights-missing`.
    pub state: String,
    /// Since when.
    pub since: Time,
    /// Why it is neither available nor missing.
    pub reason: Option<String>,
    /// Its address in the catalog.
    pub endpoint: String,
    /// Its lowest and highest version, as it writes them.
    pub versions: Option<(String, String)>,
}

/// One part of the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartReport {
    /// Such as `servers`.
    pub part: String,
    /// Up to when it was read whole, by the cloud's own clock; `None` for never.
    pub read: Option<Time>,
}

/// What is kept for the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolReport {
    /// Its file.
    pub path: String,
    /// Bytes on the disk, with what is not yet moved into the file.
    pub bytes: u64,
    /// Why it can't be written, if it can't.
    pub reason: Option<String>,
    /// What the operator should do about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// How many health samples it holds.
    pub samples: u64,
    /// The oldest of them.
    pub samples_since: Option<Time>,
}

/// How far the cloud is what the directory says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationReport {
    /// Things and links that the federation wants in this cloud.
    pub desired: u64,
    /// Of these, as they should be.
    pub in_place: u64,
    /// Of these, failed or not possible.
    pub failed: u64,
    /// Of these, to be removed in a later batch, as the policy allows so many at once.
    pub removals_held: u64,
    /// Of these, links to be taken away and things to be switched off in a later batch.
    #[serde(default)]
    pub withdrawals_held: u64,
    /// Changed in the cloud alone, and left so.
    pub drift: u64,
    /// How long the rest takes, seconds, as far as can be told.
    pub left_s: Option<u64>,
    /// Why nothing is given to the cloud just now.
    pub paused: Option<String>,
    /// Whether the agent's policy takes no changes.
    pub read_only: bool,
    /// The first things that failed.
    pub failures: Vec<FailureReport>,
}

/// Something of the directory that the cloud does not have as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureReport {
    /// Its kind and its id in the directory.
    pub what: String,
    /// What it is called.
    pub name: String,
    /// What was wrong, and what to do.
    pub error: String,
    /// How often it was tried.
    pub tries: u32,
}
