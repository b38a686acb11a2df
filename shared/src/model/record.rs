//! A record: one key of a feed, and what it holds.

use super::{
    Applying, Assignment, Binding, CloudId, Department, Entry, FloatingIp, Group, HostSample,
    Implication, Lapse, Limits, Membership, Network, Node, Project, Purge, PutBack, Quota, Recall,
    Remark, Role, Secret, Server, Service, StoragePool, UnixMillis, User, Volume,
};

/// The feeds that an agent sends. Each has its own stream, sequence and cursor, so that a large
/// one delays no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feed {
    /// Servers, volumes, networks, floating IPs, nodes, storage pools.
    Inventory,
    /// Quotas by project and service.
    Quota,
    /// Departments, projects, users, groups, roles, and what links them.
    Organization,
    /// The state of each API.
    Health,
    /// Health samples: a log, of which the oldest entries are dropped, never a state.
    Samples,
}

impl Feed {
    /// Every feed, in the order of their importance.
    pub const ALL: [Self; 5] = [
        Self::Health,
        Self::Inventory,
        Self::Quota,
        Self::Organization,
        Self::Samples,
    ];

    /// A log keeps each entry until it is taken or too old; any other feed is a keyed state.
    pub const fn is_log(self) -> bool {
        matches!(self, Self::Samples)
    }

    /// The name in logs, metrics and stores.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Quota => "quota",
            Self::Organization => "organization",
            Self::Health => "health",
            Self::Samples => "samples",
        }
    }
}

/// What kind of thing a record tells about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// [`Server`].
    Server,
    /// [`Volume`].
    Volume,
    /// [`Network`].
    Network,
    /// [`FloatingIp`].
    FloatingIp,
    /// [`Node`].
    Node,
    /// [`StoragePool`].
    StoragePool,
    /// [`Quota`].
    Quota,
    /// [`Department`].
    Department,
    /// [`Project`].
    Project,
    /// [`User`].
    User,
    /// [`Group`].
    Group,
    /// [`Role`].
    Role,
    /// [`Membership`].
    Membership,
    /// [`Implication`].
    Implication,
    /// [`Assignment`].
    Assignment,
    /// [`Binding`].
    Binding,
    /// [`Lapse`].
    Lapse,
    /// [`Remark`].
    Remark,
    /// [`Applying`].
    Applying,
    /// [`Recall`].
    Recall,
    /// [`PutBack`].
    PutBack,
    /// [`Secret`].
    Secret,
    /// [`Limits`].
    Limits,
    /// [`Purge`].
    Purge,
    /// [`Service`].
    Service,
    /// [`HostSample`].
    HostSample,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 26] = [
        Self::Server,
        Self::Volume,
        Self::Network,
        Self::FloatingIp,
        Self::Node,
        Self::StoragePool,
        Self::Quota,
        Self::Department,
        Self::Project,
        Self::User,
        Self::Group,
        Self::Role,
        Self::Membership,
        Self::Implication,
        Self::Assignment,
        Self::Binding,
        Self::Lapse,
        Self::Remark,
        Self::Applying,
        Self::Recall,
        Self::PutBack,
        Self::Secret,
        Self::Limits,
        Self::Purge,
        Self::Service,
        Self::HostSample,
    ];

    /// The feed that carries this kind.
    pub const fn feed(self) -> Feed {
        match self {
            Self::Quota => Feed::Quota,
            Self::Service => Feed::Health,
            Self::HostSample => Feed::Samples,
            Self::Department
            | Self::Project
            | Self::User
            | Self::Group
            | Self::Role
            | Self::Membership
            | Self::Implication
            | Self::Assignment
            | Self::Binding
            | Self::Lapse
            | Self::Remark
            | Self::Applying
            | Self::Recall
            | Self::PutBack
            | Self::Secret
            | Self::Limits
            | Self::Purge => Feed::Organization,
            Self::Server
            | Self::Volume
            | Self::Network
            | Self::FloatingIp
            | Self::Node
            | Self::StoragePool => Feed::Inventory,
        }
    }

    /// The name in REST, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Volume => "volume",
            Self::Network => "network",
            Self::FloatingIp => "floating-ip",
            Self::Node => "node",
            Self::StoragePool => "storage-pool",
            Self::Quota => "quota",
            Self::Department => "department",
            Self::Project => "project",
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Membership => "membership",
            Self::Implication => "implication",
            Self::Assignment => "assignment",
            Self::Binding => "binding",
            Self::Lapse => "lapse",
            Self::Remark => "remark",
            Self::Applying => "applying",
            Self::Recall => "recall",
            Self::PutBack => "put-back",
            Self::Secret => "secret",
            Self::Limits => "limits",
            Self::Purge => "purge",
            Self::Service => "service",
            Self::HostSample => "host-sample",
        }
    }
}

/// Which record: its kind, and its id within its region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What kind of thing.
    pub kind: RecordKind,
    /// Which one.
    pub id: CloudId,
}

/// One thing as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A virtual machine.
    Server(Server),
    /// A block device.
    Volume(Volume),
    /// A virtual network.
    Network(Network),
    /// A public address.
    FloatingIp(FloatingIp),
    /// A machine that runs servers.
    Node(Node),
    /// A back end that holds volumes.
    StoragePool(StoragePool),
    /// A project's quota in one service.
    Quota(Quota),
    /// A department.
    Department(Entry<Department>),
    /// A project.
    Project(Entry<Project<CloudId>>),
    /// A user.
    User(Entry<User<CloudId>>),
    /// A group of users.
    Group(Entry<Group<CloudId>>),
    /// A role.
    Role(Entry<Role<CloudId>>),
    /// A user is in a group.
    Membership(Membership<CloudId>),
    /// A role comes with another one.
    Implication(Implication<CloudId>),
    /// Somebody has a role somewhere.
    Assignment(Assignment<CloudId>),
    /// What was decided about a thing of the region.
    Binding(Binding),
    /// Something ended.
    Lapse(Lapse),
    /// A thing is not as the directory says.
    Remark(Remark),
    /// How far the directory is applied.
    Applying(Applying),
    /// What the hub may have forgotten is told.
    Recall(Recall),
    /// A drift is to be written over.
    PutBack(PutBack),
    /// A user's password.
    Secret(Secret),
    /// What a project is to be allowed.
    Limits(Limits),
    /// A retired thing is to be deleted.
    Purge(Purge),
    /// The state of one API.
    Service(Service),
    /// Host health at one moment.
    HostSample(HostSample),
}

impl Record {
    /// Which record this is.
    pub fn key(&self) -> Key {
        let (kind, id) = match self {
            Self::Server(it) => (RecordKind::Server, it.id.clone()),
            Self::Volume(it) => (RecordKind::Volume, it.id.clone()),
            Self::Network(it) => (RecordKind::Network, it.id.clone()),
            Self::FloatingIp(it) => (RecordKind::FloatingIp, it.id.clone()),
            Self::Node(it) => (RecordKind::Node, it.id.clone()),
            Self::StoragePool(it) => (RecordKind::StoragePool, it.id.clone()),
            Self::Quota(it) => (RecordKind::Quota, it.id()),
            Self::Department(it) => (RecordKind::Department, it.id.clone()),
            Self::Project(it) => (RecordKind::Project, it.id.clone()),
            Self::User(it) => (RecordKind::User, it.id.clone()),
            Self::Group(it) => (RecordKind::Group, it.id.clone()),
            Self::Role(it) => (RecordKind::Role, it.id.clone()),
            Self::Membership(it) => (RecordKind::Membership, it.id()),
            Self::Implication(it) => (RecordKind::Implication, it.id()),
            Self::Assignment(it) => (RecordKind::Assignment, it.id()),
            Self::Binding(it) => (RecordKind::Binding, it.id()),
            Self::Lapse(it) => (RecordKind::Lapse, it.id()),
            Self::Remark(it) => (RecordKind::Remark, it.subject.id()),
            Self::Applying(_) => (RecordKind::Applying, Applying::id()),
            Self::Recall(_) => (RecordKind::Recall, Recall::id()),
            Self::PutBack(it) => (RecordKind::PutBack, it.subject.id()),
            Self::Secret(it) => (RecordKind::Secret, it.id()),
            Self::Limits(it) => (RecordKind::Limits, it.id()),
            Self::Purge(it) => (RecordKind::Purge, it.id()),
            Self::Service(it) => (RecordKind::Service, it.id()),
            Self::HostSample(it) => (RecordKind::HostSample, sample_id(it.at)),
        };
        Key { kind, id }
    }
}

/// A sample's id is its time as it is sent, so that a sample sent twice is held once.
fn sample_id(at: UnixMillis) -> CloudId {
    CloudId::Text(at.min(UnixMillis::LATEST).0.to_string())
}
