//! What is told about a cloud: plain values, without a wire or a store.
//!
//! Keystone's, Nova's, Cinder's, Neutron's and Placement's words are used for what is theirs.
//! Serialization is [`wire`](crate::wire)'s business.

mod administration;
mod cloud_id;
mod credential;
pub mod directory;
mod entry;
mod folded;
mod health;
mod inventory;
mod object;
mod organization;
mod quota;
mod record;
mod remark;
mod time;
mod totals;
mod weight;

pub use administration::{
    ADMIN, Administration, SERVICE, SERVICE_PROJECTS, is_admin_name, is_service_project,
};
pub use cloud_id::CloudId;
pub use credential::{CloudCredential, CredentialFault, NamedDomain};
pub use entry::{
    Becomes, Binding, Custody, DESCRIPTION_BYTES_MAX, Entry, Lapse, Marker, Purge, PurgeStep,
    SEALED_BYTES_MAX, SEALED_CREDENTIAL_BYTES_MAX, Secret,
};
pub use folded::Folded;
pub use health::{
    CloudDescription, CloudKind, Disk, HostSample, Nic, Service, ServiceKind, ServiceLatency,
    ServiceState,
};
pub use inventory::{
    Capacity, FloatingIp, Network, Node, NodeState, Server, ServerState, StoragePool, Volume,
    VolumeState,
};
pub use object::{End, Link, Object};
pub use organization::{
    Actor, Assignment, Department, Group, Implication, Membership, ObjectKind, Organization,
    Project, Role, Scope, User,
};
pub use quota::{Holder, LIMIT_MAX, Limit, Limits, Quota, QuotaResource};
pub use record::{Feed, Key, Record, RecordKind};
pub use remark::{
    Applying, DriftKind, DriftWhy, Drifted, PutBack, REMARK_CHARS_MAX, Recall, Remark, RemarkState,
    Subject,
};
pub use time::UnixMillis;
pub use totals::Totals;
pub use weight::Weight;
