//! Inventory: one record for each server, volume, network, floating IP, node and storage pool.

use std::net::IpAddr;

use super::{CloudId, UnixMillis};

/// A virtual machine (Nova: server) or a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The cloud's id.
    pub id: CloudId,
    /// The name that its owner gave; need not be unique.
    pub name: String,
    /// The project that owns it.
    pub project: CloudId,
    /// What it does now.
    pub state: ServerState,
    /// Virtual CPUs of its flavor.
    pub vcpus: u32,
    /// Memory of its flavor, MiB.
    pub memory_mib: u64,
    /// Root and ephemeral disk of its flavor, GiB.
    pub disk_gib: u64,
    /// The name of the node that it runs on, if the cloud tells.
    pub node: Option<String>,
    /// Fixed and floating addresses.
    pub addresses: Vec<IpAddr>,
    /// When it was created.
    pub created: UnixMillis,
    /// The cloud's message, if it failed.
    pub fault: Option<String>,
}

/// What a server does, from Nova's `status` (API reference, "Server statuses").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerState {
    /// ACTIVE, PASSWORD, HARD_REBOOT and REBOOT: its guest runs.
    Running,
    /// SHUTOFF, SHELVED and SHELVED_OFFLOADED.
    Stopped,
    /// BUILD and REBUILD.
    Building,
    /// PAUSED and SUSPENDED.
    Paused,
    /// RESIZE, VERIFY_RESIZE, REVERT_RESIZE and MIGRATING.
    Moving,
    /// RESCUE.
    Rescued,
    /// ERROR.
    Failed,
    /// DELETED and SOFT_DELETED: on its way out.
    Deleting,
    /// UNKNOWN, and any word that a later Nova may say.
    Unknown,
}

/// A block device (Cinder: volume).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The cloud's id.
    pub id: CloudId,
    /// The name that its owner gave; may be empty.
    pub name: String,
    /// The project that owns it.
    pub project: CloudId,
    /// What it does now.
    pub state: VolumeState,
    /// Size, GiB.
    pub size_gib: u64,
    /// The servers that it is attached to.
    pub attached_to: Vec<CloudId>,
    /// When it was created.
    pub created: UnixMillis,
}

/// What a volume does, from Cinder's `status` (API reference, "Volumes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeState {
    /// available, reserved.
    Available,
    /// in-use.
    InUse,
    /// creating, downloading, attaching, detaching, extending and other passing states.
    Changing,
    /// error and error_* states.
    Failed,
    /// deleting.
    Deleting,
    /// Any other word.
    Unknown,
}

/// A virtual network (Neutron: network).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The cloud's id.
    pub id: CloudId,
    /// Its name; may be empty.
    pub name: String,
    /// The project that owns it.
    pub project: CloudId,
    /// Neutron's ACTIVE.
    pub active: bool,
    /// Usable by every project.
    pub shared: bool,
    /// Floating IPs are taken from it (`router:external`).
    pub external: bool,
    /// Addresses in use and in all, of an external network whose cloud tells (Neutron:
    /// `network-ip-availabilities`). A total beyond 2⁶³ − 1 (IPv6) is given as that.
    pub addresses: Option<Capacity>,
}

/// A public address that can move between servers (Neutron: floating IP).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloatingIp {
    /// The cloud's id.
    pub id: CloudId,
    /// The public address.
    pub address: IpAddr,
    /// The project that holds it.
    pub project: CloudId,
    /// The port that it leads to, if any.
    pub port: Option<CloudId>,
}

/// A machine that runs servers (Nova: hypervisor; Placement: resource provider).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The cloud's id.
    pub id: CloudId,
    /// Its host name.
    pub name: String,
    /// Whether it runs servers now.
    pub state: NodeState,
    /// Virtual CPUs, with the allocation ratio in `total` and what is reserved taken off.
    pub vcpus: Capacity,
    /// Memory, MiB, likewise.
    pub memory_mib: Capacity,
    /// Local disk, GiB, likewise.
    pub disk_gib: Capacity,
}

/// Whether a node runs servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeState {
    /// Up and enabled.
    Up,
    /// Up, but an administrator disabled it for new servers.
    Disabled,
    /// Its service is not heard.
    Down,
    /// The cloud does not tell.
    Unknown,
}

/// A back end that holds volumes (Cinder: pool).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoragePool {
    /// Cinder's `host@backend#pool`.
    pub id: CloudId,
    /// GiB; `None` where the back end says "infinite" or "unknown".
    pub space_gib: Option<Capacity>,
}

/// How much of something is in use, of how much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capacity {
    /// In use. May exceed `total` (oversubscription by hand, a node that shrank).
    pub used: u64,
    /// Usable in all.
    pub total: u64,
}
