//! The values of records, version 1. Frozen: see the module above.
//!
//! States are numbers rather than enums, so that a word which only a later release knows reads as
//! unknown instead of failing its batch. Enums are append-only and only where nothing can be added.

use serde::{Deserialize, Serialize};

use super::{Bytes, List, Text};
use crate::ids::{FederationId, FeedId, ObjectId};
use crate::model::SEALED_BYTES_MAX;

/// 255 characters, the most that Keystone, Nova, Cinder and Neutron keep, of four bytes each.
pub(super) type Name<'a> = Text<'a, 1020>;
/// A reason or message: enough for what, where and the next step.
pub(super) type Message<'a> = Text<'a, 512>;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum CloudIdV1<'a> {
    Hyphenated([u8; 16]),
    Simple([u8; 16]),
    Text(#[serde(borrow)] Text<'a, 512>),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AddressV1 {
    V4([u8; 4]),
    V6([u8; 16]),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CapacityV1 {
    pub(super) used: u64,
    pub(super) total: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServerV1<'a> {
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    pub(super) project: CloudIdV1<'a>,
    pub(super) state: u8,
    pub(super) vcpus: u32,
    pub(super) memory_mib: u64,
    pub(super) disk_gib: u64,
    pub(super) node: Option<Name<'a>>,
    /// A server has a handful; Neutron's default quota allows 500 ports to a whole project.
    pub(super) addresses: List<AddressV1, 64>,
    pub(super) created_s: u64,
    pub(super) fault: Option<Message<'a>>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VolumeV1<'a> {
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    pub(super) project: CloudIdV1<'a>,
    pub(super) state: u8,
    pub(super) size_gib: u64,
    /// Multi-attach volumes are attached to a handful.
    pub(super) attached_to: List<CloudIdV1<'a>, 64>,
    pub(super) created_s: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NetworkV1<'a> {
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    pub(super) project: CloudIdV1<'a>,
    pub(super) active: bool,
    pub(super) shared: bool,
    pub(super) external: bool,
    pub(super) addresses: Option<CapacityV1>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FloatingIpV1<'a> {
    pub(super) address: AddressV1,
    #[serde(borrow)]
    pub(super) project: CloudIdV1<'a>,
    pub(super) port: Option<CloudIdV1<'a>>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NodeV1<'a> {
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    pub(super) state: u8,
    pub(super) vcpus: CapacityV1,
    pub(super) memory_mib: CapacityV1,
    pub(super) disk_gib: CapacityV1,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoragePoolV1 {
    pub(super) space_gib: Option<CapacityV1>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct QuotaV1<'a> {
    #[serde(borrow)]
    pub(super) project: CloudIdV1<'a>,
    pub(super) project_name: Name<'a>,
    pub(super) service: u8,
    /// Nova has 13 resources, Neutron about 20, Cinder 4 and 3 more for each volume type.
    pub(super) resources: List<QuotaResourceV1<'a>, 256>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct QuotaResourceV1<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a, 300>,
    pub(super) limit: Option<u64>,
    pub(super) used: u64,
    pub(super) reserved: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum HolderV1<'a> {
    Project(ObjectId),
    Own(#[serde(borrow)] CloudIdV1<'a>),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LimitsV1<'a> {
    #[serde(borrow)]
    pub(super) holder: HolderV1<'a>,
    pub(super) service: u8,
    /// As many as [`QuotaV1`] has.
    pub(super) resources: List<LimitV1<'a>, 256>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LimitV1<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a, 300>,
    pub(super) limit: Option<u64>,
    pub(super) version: u64,
    pub(super) force: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServiceV1<'a> {
    pub(super) kind: u8,
    pub(super) state: u8,
    #[serde(borrow)]
    pub(super) reason: Message<'a>,
    pub(super) endpoint: Message<'a>,
    pub(super) version_min: Text<'a, 32>,
    pub(super) version_max: Text<'a, 32>,
    pub(super) since_ms: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HostSampleV1<'a> {
    pub(super) at_ms: u64,
    /// Linux itself counts to 8192; a machine for agents has a few.
    pub(super) cpu_permille: List<u16, 1024>,
    pub(super) load_centi: [u32; 3],
    pub(super) memory_used_mib: u64,
    pub(super) memory_total_mib: u64,
    #[serde(borrow)]
    pub(super) disks: List<DiskV1<'a>, 64>,
    pub(super) nics: List<NicV1<'a>, 64>,
    pub(super) latencies: List<LatencyV1, 16>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DiskV1<'a> {
    #[serde(borrow)]
    pub(super) mount: Text<'a, 128>,
    pub(super) used_mib: u64,
    pub(super) total_mib: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NicV1<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a, 32>,
    pub(super) received_bytes_per_s: u64,
    pub(super) sent_bytes_per_s: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LatencyV1 {
    pub(super) service: u8,
    pub(super) millis: Option<u32>,
}

/// What a description may be: see `model::DESCRIPTION_BYTES_MAX`.
pub(super) type Description<'a> = Text<'a, { crate::model::DESCRIPTION_BYTES_MAX }>;

/// What stands before each thing of an organization that has a name.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EntryV1<'a> {
    pub(super) custody: u8,
    pub(super) marker: Option<MarkerV1>,
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    pub(super) description: Option<Description<'a>>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MarkerV1 {
    pub(super) federation: FederationId,
    pub(super) object: ObjectId,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DepartmentV1<'a> {
    #[serde(borrow)]
    pub(super) entry: EntryV1<'a>,
    pub(super) enabled: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProjectV1<'a> {
    #[serde(borrow)]
    pub(super) entry: EntryV1<'a>,
    pub(super) department: CloudIdV1<'a>,
    pub(super) parent: Option<CloudIdV1<'a>>,
    pub(super) enabled: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UserV1<'a> {
    #[serde(borrow)]
    pub(super) entry: EntryV1<'a>,
    pub(super) department: CloudIdV1<'a>,
    pub(super) email: Option<Name<'a>>,
    pub(super) enabled: bool,
    pub(super) default_project: Option<CloudIdV1<'a>>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GroupV1<'a> {
    #[serde(borrow)]
    pub(super) entry: EntryV1<'a>,
    pub(super) department: CloudIdV1<'a>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RoleV1<'a> {
    #[serde(borrow)]
    pub(super) entry: EntryV1<'a>,
    pub(super) department: Option<CloudIdV1<'a>>,
}

/// A membership (group, user), or an implication (prior, implied).
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PairV1<'a>(
    #[serde(borrow)] pub(super) CloudIdV1<'a>,
    pub(super) CloudIdV1<'a>,
);

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AssignmentV1<'a> {
    #[serde(borrow)]
    pub(super) actor: ActorV1<'a>,
    pub(super) scope: ScopeV1<'a>,
    pub(super) role: CloudIdV1<'a>,
    pub(super) inherited: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ActorV1<'a> {
    User(#[serde(borrow)] CloudIdV1<'a>),
    Group(CloudIdV1<'a>),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ScopeV1<'a> {
    Department(#[serde(borrow)] CloudIdV1<'a>),
    Project(CloudIdV1<'a>),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BindingV1<'a> {
    pub(super) kind: u8,
    #[serde(borrow)]
    pub(super) here: CloudIdV1<'a>,
    pub(super) becomes: BecomesV1,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum BecomesV1 {
    Object(ObjectId),
    Withheld(ObjectId),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LapseV1<'a> {
    pub(super) object: ObjectId,
    pub(super) kind: u8,
    pub(super) how: EndV1,
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    pub(super) proof: [u8; 32],
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PurgeV1<'a> {
    pub(super) object: ObjectId,
    pub(super) kind: u8,
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    pub(super) at_ms: u64,
    pub(super) step: PurgeStepV1,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PurgeStepV1 {
    Ask,
    Delete,
    Lapsed,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SecretV1<'a> {
    pub(super) user: ObjectId,
    pub(super) version: u64,
    #[serde(borrow)]
    pub(super) sealed: Bytes<'a, SEALED_BYTES_MAX>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum EndV1 {
    Deleted,
    Retired,
}

/// An error or reason: as many characters as `model::REMARK_CHARS_MAX`, of four bytes each.
pub(super) type Complaint<'a> = Text<'a, { 4 * crate::model::REMARK_CHARS_MAX }>;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SubjectV1<'a> {
    Object(u8, ObjectId),
    Membership(#[serde(borrow)] PairV1<'a>),
    Implication(PairV1<'a>),
    Assignment(AssignmentV1<'a>),
    Own(u8, CloudIdV1<'a>),
    Password(ObjectId),
    Quota(HolderV1<'a>, u8),
    Reading(u16),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RemarkV1<'a> {
    #[serde(borrow)]
    pub(super) subject: SubjectV1<'a>,
    pub(super) name: Name<'a>,
    pub(super) state: RemarkStateV1<'a>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RemarkStateV1<'a> {
    Failed {
        #[serde(borrow)]
        error: Complaint<'a>,
        since_ms: u64,
        tries: u32,
    },
    Blocked(Complaint<'a>),
    Drift {
        why: u8,
        /// A thing has a handful of fields.
        what: List<DriftedV1<'a>, 16>,
    },
    Purged {
        told_ms: u64,
    },
    Ended {
        how: EndV1,
        proof: [u8; 32],
    },
    Purgeable {
        told_ms: u64,
    },
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DriftedV1<'a> {
    pub(super) what: u8,
    /// The longest field is a description.
    #[serde(borrow)]
    pub(super) directory: Option<Description<'a>>,
    pub(super) cloud: Option<Description<'a>>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ApplyingV1<'a> {
    pub(super) desired: u64,
    pub(super) in_place: u64,
    pub(super) under_way: u64,
    pub(super) waiting: u64,
    pub(super) removals_held: u64,
    pub(super) failed: u64,
    pub(super) drift: u64,
    pub(super) left_s: Option<u64>,
    #[serde(borrow)]
    pub(super) paused: Option<Complaint<'a>>,
    pub(super) read_only: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecallV1 {
    pub(super) feed: FeedId,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PutBackV1<'a> {
    #[serde(borrow)]
    pub(super) subject: SubjectV1<'a>,
    pub(super) seen: [u8; 16],
    pub(super) at_ms: u64,
}
