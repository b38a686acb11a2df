//! Health: each API of a cloud, and the machine that the agent runs on.

use super::{CloudId, UnixMillis};

/// Which kind of cloud a region is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloudKind {
    /// OpenStack, reached through Keystone's catalog.
    OpenStack,
    /// Kubernetes.
    Kubernetes,
    /// The built-in one, for demonstrations, scale and faults.
    Simulated,
    /// One that only a later release knows.
    Other,
}

impl CloudKind {
    /// The name in configuration, REST and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenStack => "openstack",
            Self::Kubernetes => "kubernetes",
            Self::Simulated => "simulated",
            Self::Other => "other",
        }
    }
}

/// What a cloud is, told at the beginning of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudDescription {
    /// OpenStack, Kubernetes or simulated.
    pub kind: CloudKind,
    /// A line for people, such as "Keystone v3.14, Nova 2.1–2.100".
    pub version: String,
    /// Where its API is reached from the agent; no credential in it.
    pub endpoint: String,
}

/// Which service of a cloud, by OpenStack's service types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    /// Keystone.
    Identity,
    /// Nova.
    Compute,
    /// Placement.
    Placement,
    /// Cinder.
    Volume,
    /// Neutron.
    Network,
    /// Glance.
    Image,
    /// A Kubernetes API server.
    Kubernetes,
}

impl ServiceKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Identity,
        Self::Compute,
        Self::Placement,
        Self::Volume,
        Self::Network,
        Self::Image,
        Self::Kubernetes,
    ];

    /// The name in REST, in ids and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Compute => "compute",
            Self::Placement => "placement",
            Self::Volume => "volume",
            Self::Network => "network",
            Self::Image => "image",
            Self::Kubernetes => "kubernetes",
        }
    }
}

/// One API of a cloud as its agent finds it. Changes seldom: latencies go into [`HostSample`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Which.
    pub kind: ServiceKind,
    /// Whether it answers.
    pub state: ServiceState,
    /// Its address in the catalog; empty where there is none.
    pub endpoint: String,
    /// Lowest and highest version that it offers (microversions), as it writes them; empty where
    /// it does not tell.
    pub versions: (String, String),
    /// Since when it is in this state.
    pub since: UnixMillis,
}

impl Service {
    /// The identity of this record within its region.
    pub fn id(&self) -> CloudId {
        CloudId::Text(self.kind.name().to_owned())
    }
}

/// Whether an API answers, and if it does not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceState {
    /// It answers, and all that was asked of it is known.
    Available,
    /// It does not answer, or not rightly; what it last said is kept and is getting old.
    Failing {
        /// What was asked, what came, and what to do.
        reason: String,
    },
    /// The cloud's catalog has no such service: its part is unknown, not empty.
    Missing,
    /// Keystone refuses the credential that the agent signs in with, so that nothing can be asked
    /// of any service.
    CredentialRefused {
        /// What Keystone says, and what that may mean.
        reason: String,
    },
    /// It answers, and forbids what the agent has to ask: the agent's account lacks a right.
    RightsMissing {
        /// What was asked, and what came.
        reason: String,
    },
}

impl ServiceState {
    /// The word in REST and on screen. Never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Failing { .. } => "failing",
            Self::Missing => "missing",
            Self::CredentialRefused { .. } => "credential-refused",
            Self::RightsMissing { .. } => "rights-missing",
        }
    }

    /// Why it is so, where its agent says why.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Available | Self::Missing => None,
            Self::Failing { reason }
            | Self::CredentialRefused { reason }
            | Self::RightsMissing { reason } => Some(reason),
        }
    }

    /// The same, to be changed.
    pub const fn reason_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Available | Self::Missing => None,
            Self::Failing { reason }
            | Self::CredentialRefused { reason }
            | Self::RightsMissing { reason } => Some(reason),
        }
    }
}

/// The agent's machine, and the latency of its cloud's APIs, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostSample {
    /// When it was taken.
    pub at: UnixMillis,
    /// Busy share of each core since the last sample, per mille.
    pub cpu_permille: Vec<u16>,
    /// Load averages of 1, 5 and 15 minutes, in hundredths.
    pub load_centi: [u32; 3],
    /// Memory in use, MiB (total less available).
    pub memory_used_mib: u64,
    /// Memory in all, MiB.
    pub memory_total_mib: u64,
    /// Mounted file systems on block devices.
    pub disks: Vec<Disk>,
    /// Network interfaces other than loopback.
    pub nics: Vec<Nic>,
    /// How long each API took to answer its health question.
    pub latencies: Vec<ServiceLatency>,
}

/// One file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// In use, MiB.
    pub used_mib: u64,
    /// Size, MiB.
    pub total_mib: u64,
}

/// One network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// Its name, such as `eth0`.
    pub name: String,
    /// Received since the last sample, bytes a second.
    pub received_bytes_per_s: u64,
    /// Sent since the last sample, bytes a second.
    pub sent_bytes_per_s: u64,
}

/// How long one API took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceLatency {
    /// Which API.
    pub service: ServiceKind,
    /// From the request's first byte to the answer's last; `None` if there was none.
    pub millis: Option<u32>,
}
