//! Records as JSON. Words and units are those of the clouds' own APIs.

use serde::{Deserialize, Serialize};
use shared::model::{
    Capacity, FloatingIp, Network, Node, NodeState, Quota, QuotaResource, Server, ServerState,
    Service, StoragePool, UnixMillis, Volume, VolumeState,
};
use utoipa::ToSchema;

use crate::api::documents::{Time, state_of};

/// How much of something is in use, of how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CapacityDocument {
    /// In use.
    pub used: u64,
    /// Usable in all.
    pub total: u64,
}

impl From<Capacity> for CapacityDocument {
    fn from(Capacity { used, total }: Capacity) -> Self {
        Self { used, total }
    }
}

/// A virtual machine or pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerDocument {
    /// The cloud's id.
    pub id: String,
    /// The name that its owner gave.
    pub name: String,
    /// The id of the project that owns it.
    pub project: String,
    /// `running`, `stopped`, `building`, `paused`, `moving`, `rescued`, `failed`, `deleting` or
    /// `unknown`.
    pub state: String,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory, MiB.
    pub memory_mib: u64,
    /// Root and ephemeral disk, GiB.
    pub disk_gib: u64,
    /// The node that it runs on, if the cloud tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Fixed and floating addresses.
    pub addresses: Vec<String>,
    /// When it was created.
    pub created: Time,
    /// The cloud's message, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// When the hub last stored another value of it.
    pub changed: Time,
}

impl ServerDocument {
    pub(super) fn new(it: &Server, changed: UnixMillis) -> Self {
        let state = match it.state {
            ServerState::Running => "running",
            ServerState::Stopped => "stopped",
            ServerState::Building => "building",
            ServerState::Paused => "paused",
            ServerState::Moving => "moving",
            ServerState::Rescued => "rescued",
            ServerState::Failed => "failed",
            ServerState::Deleting => "deleting",
            ServerState::Unknown => "unknown",
        };
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            project: it.project.to_string(),
            state: state.to_owned(),
            vcpus: it.vcpus,
            memory_mib: it.memory_mib,
            disk_gib: it.disk_gib,
            node: it.node.clone(),
            addresses: it.addresses.iter().map(ToString::to_string).collect(),
            created: it.created.into(),
            fault: it.fault.clone(),
            changed: changed.into(),
        }
    }
}

/// A block device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VolumeDocument {
    /// The cloud's id.
    pub id: String,
    /// The name that its owner gave; may be empty.
    pub name: String,
    /// The id of the project that owns it.
    pub project: String,
    /// `available`, `in-use`, `changing`, `failed`, `deleting` or `unknown`.
    pub state: String,
    /// Size, GiB.
    pub size_gib: u64,
    /// The ids of the servers that it is attached to.
    pub attached_to: Vec<String>,
    /// When it was created.
    pub created: Time,
    /// When the hub last stored another value of it.
    pub changed: Time,
}

impl VolumeDocument {
    pub(super) fn new(it: &Volume, changed: UnixMillis) -> Self {
        let state = match it.state {
            VolumeState::Available => "available",
            VolumeState::InUse => "in-use",
            VolumeState::Changing => "changing",
            VolumeState::Failed => "failed",
            VolumeState::Deleting => "deleting",
            VolumeState::Unknown => "unknown",
        };
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            project: it.project.to_string(),
            state: state.to_owned(),
            size_gib: it.size_gib,
            attached_to: it.attached_to.iter().map(ToString::to_string).collect(),
            created: it.created.into(),
            changed: changed.into(),
        }
    }
}

/// A virtual network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NetworkDocument {
    /// The cloud's id.
    pub id: String,
    /// Its name; may be empty.
    pub name: String,
    /// The id of the project that owns it.
    pub project: String,
    /// Whether it works.
    pub active: bool,
    /// Whether every project may use it.
    pub shared: bool,
    /// Whether floating IPs are taken from it.
    pub external: bool,
    /// Its addresses, of an external network whose cloud tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<CapacityDocument>,
    /// When the hub last stored another value of it.
    pub changed: Time,
}

impl NetworkDocument {
    pub(super) fn new(it: &Network, changed: UnixMillis) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            project: it.project.to_string(),
            active: it.active,
            shared: it.shared,
            external: it.external,
            addresses: it.addresses.map(Into::into),
            changed: changed.into(),
        }
    }
}

/// A public address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FloatingIpDocument {
    /// The cloud's id.
    pub id: String,
    /// The public address.
    pub address: String,
    /// The id of the project that holds it.
    pub project: String,
    /// The port that it leads to, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// When the hub last stored another value of it.
    pub changed: Time,
}

impl FloatingIpDocument {
    pub(super) fn new(it: &FloatingIp, changed: UnixMillis) -> Self {
        Self {
            id: it.id.to_string(),
            address: it.address.to_string(),
            project: it.project.to_string(),
            port: it.port.as_ref().map(ToString::to_string),
            changed: changed.into(),
        }
    }
}

/// A machine that runs servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeDocument {
    /// The cloud's id.
    pub id: String,
    /// Its host name.
    pub name: String,
    /// `up`, `disabled`, `down` or `unknown`.
    pub state: String,
    /// Virtual CPUs, the allocation ratio counted in.
    pub vcpus: CapacityDocument,
    /// Memory, MiB, likewise.
    pub memory_mib: CapacityDocument,
    /// Local disk, GiB, likewise.
    pub disk_gib: CapacityDocument,
    /// When the hub last stored another value of it.
    pub changed: Time,
}

impl NodeDocument {
    pub(super) fn new(it: &Node, changed: UnixMillis) -> Self {
        let state = match it.state {
            NodeState::Up => "up",
            NodeState::Disabled => "disabled",
            NodeState::Down => "down",
            NodeState::Unknown => "unknown",
        };
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            state: state.to_owned(),
            vcpus: it.vcpus.into(),
            memory_mib: it.memory_mib.into(),
            disk_gib: it.disk_gib.into(),
            changed: changed.into(),
        }
    }
}

/// A back end that holds volumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoragePoolDocument {
    /// The cloud's id.
    pub id: String,
    /// Its space, GiB; absent where the back end does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space_gib: Option<CapacityDocument>,
    /// When the hub last stored another value of it.
    pub changed: Time,
}

impl StoragePoolDocument {
    pub(super) fn new(it: &StoragePool, changed: UnixMillis) -> Self {
        Self {
            id: it.id.to_string(),
            space_gib: it.space_gib.map(Into::into),
            changed: changed.into(),
        }
    }
}

/// One project's quota in one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotaDocument {
    /// The project's id in its cloud.
    pub project: String,
    /// The project's name.
    pub project_name: String,
    /// `compute`, `volume` or `network`.
    pub service: String,
    /// Each resource, by name.
    pub resources: Vec<QuotaResourceDocument>,
    /// When the hub last stored another value of it.
    pub changed: Time,
}

/// Limit and use of one resource, in the cloud's own name and unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotaResourceDocument {
    /// The cloud's name of it: `cores`, `ram` (MiB), `gigabytes`, `floatingip` and others.
    pub name: String,
    /// The most that may be used; absent for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// In use.
    pub used: u64,
    /// Held for work in progress.
    pub reserved: u64,
}

impl QuotaDocument {
    pub(super) fn new(it: &Quota, changed: UnixMillis) -> Self {
        let resource = |it: &QuotaResource| QuotaResourceDocument {
            name: it.name.clone(),
            limit: it.limit,
            used: it.used,
            reserved: it.reserved,
        };
        Self {
            project: it.project.to_string(),
            project_name: it.project_name.clone(),
            service: it.service.name().to_owned(),
            resources: it.resources.iter().map(resource).collect(),
            changed: changed.into(),
        }
    }
}

/// One API of a region's cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceDocument {
    /// `identity`, `compute`, `placement`, `volume`, `network`, `image` or `kubernetes`.
    pub kind: String,
    /// `available`, `failing`, `missing`, `credential-refused` or `rights-missing`.
    pub state: String,
    /// What was asked and what came; empty of one that is available or missing.
    pub reason: String,
    /// Its address in the catalog; may be empty.
    pub endpoint: String,
    /// The lowest version that it offers; may be empty.
    pub version_min: String,
    /// The highest version that it offers; may be empty.
    pub version_max: String,
    /// Since when it is in this state.
    pub since: Time,
    /// When the hub last stored another value of it.
    pub changed: Time,
}

impl ServiceDocument {
    pub(super) fn new(it: &Service, changed: UnixMillis) -> Self {
        let (state, reason) = state_of(&it.state);
        Self {
            kind: it.kind.name().to_owned(),
            state: state.to_owned(),
            reason,
            endpoint: it.endpoint.clone(),
            version_min: it.versions.0.clone(),
            version_max: it.versions.1.clone(),
            since: it.since.into(),
            changed: changed.into(),
        }
    }
}
