//! What the agent needs of a cloud, whichever kind it is.
//!
//! A cloud is read in [`Part`]s, each by its own schedule. A part is read whole ([`Cloud::audit`]),
//! page by page, or, where the cloud's API can tell, only what changed since the last time
//! ([`Cloud::changes`]). A part that can't be read is unknown: its last known records stay, and the
//! service's [`Probe`] says why. Nothing here decides what is gone: only a whole audit that came to
//! its end does, in `collect`, and it spares what the cloud calls [`Unread`].

mod account;
mod error;
mod hindrance;
mod measure;
pub mod openstack;
mod order;
mod policy;
mod reading;
pub mod simulated;
mod trouble;

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use shared::model::{
    CloudDescription, CloudId, Feed, Key, Record, RecordKind, ServiceKind, UnixMillis,
};
use shared::wire::frame::Checked;
use tokio::sync::mpsc;

pub use account::{Account, AccountError};
pub use error::CloudError;
pub use hindrance::Hindrance;
pub(crate) use order::told_limits;
pub use order::{Order, QuotaOrder, QuotaSet, RefusedLimits};
pub use policy::Policy;
pub(crate) use policy::is_same_name;
pub use reading::{Cut, Reach, Reading, Wanted};
pub use trouble::Trouble;

/// A part of a cloud that is read in one go, from one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Servers.
    Servers,
    /// Nodes with their capacity.
    Nodes,
    /// Volumes.
    Volumes,
    /// Storage pools with their capacity.
    StoragePools,
    /// Networks, with address capacity of external ones.
    Networks,
    /// Floating IPs.
    FloatingIps,
    /// Each project's quota in compute.
    ComputeQuota,
    /// Each project's quota in volumes.
    VolumeQuota,
    /// Each project's quota in networks.
    NetworkQuota,
    /// Departments.
    Departments,
    /// Projects.
    Projects,
    /// Users.
    Users,
    /// Groups.
    Groups,
    /// Roles, global ones and those of departments.
    Roles,
    /// Who is in which group.
    Memberships,
    /// Which roles come with which.
    Implications,
    /// Who has which role where.
    Assignments,
}

impl Part {
    /// Every part, in the order in which a fresh agent reads them: what operators look at first,
    /// and what others refer to before those.
    pub const ALL: [Self; 17] = [
        Self::Nodes,
        Self::Servers,
        Self::StoragePools,
        Self::Volumes,
        Self::Networks,
        Self::FloatingIps,
        Self::ComputeQuota,
        Self::VolumeQuota,
        Self::NetworkQuota,
        Self::Departments,
        Self::Projects,
        Self::Users,
        Self::Groups,
        Self::Roles,
        Self::Memberships,
        Self::Implications,
        Self::Assignments,
    ];

    /// Whether it is a part of the cloud's organization.
    pub const fn is_organization(self) -> bool {
        matches!(self.kind().feed(), Feed::Organization)
    }

    /// The service that tells it.
    pub const fn service(self) -> ServiceKind {
        match self {
            Self::Servers | Self::Nodes | Self::ComputeQuota => ServiceKind::Compute,
            Self::Volumes | Self::StoragePools | Self::VolumeQuota => ServiceKind::Volume,
            Self::Networks | Self::FloatingIps | Self::NetworkQuota => ServiceKind::Network,
            Self::Departments
            | Self::Projects
            | Self::Users
            | Self::Groups
            | Self::Roles
            | Self::Memberships
            | Self::Implications
            | Self::Assignments => ServiceKind::Identity,
        }
    }

    /// The kind of its records.
    pub const fn kind(self) -> RecordKind {
        match self {
            Self::Servers => RecordKind::Server,
            Self::Nodes => RecordKind::Node,
            Self::Volumes => RecordKind::Volume,
            Self::StoragePools => RecordKind::StoragePool,
            Self::Networks => RecordKind::Network,
            Self::FloatingIps => RecordKind::FloatingIp,
            Self::ComputeQuota | Self::VolumeQuota | Self::NetworkQuota => RecordKind::Quota,
            Self::Departments => RecordKind::Department,
            Self::Projects => RecordKind::Project,
            Self::Users => RecordKind::User,
            Self::Groups => RecordKind::Group,
            Self::Roles => RecordKind::Role,
            Self::Memberships => RecordKind::Membership,
            Self::Implications => RecordKind::Implication,
            Self::Assignments => RecordKind::Assignment,
        }
    }

    /// The name in logs, metrics and the spool.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Nodes => "nodes",
            Self::Volumes => "volumes",
            Self::StoragePools => "storage-pools",
            Self::Networks => "networks",
            Self::FloatingIps => "floating-ips",
            Self::ComputeQuota => "compute-quota",
            Self::VolumeQuota => "volume-quota",
            Self::NetworkQuota => "network-quota",
            Self::Departments => "departments",
            Self::Projects => "projects",
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Roles => "roles",
            Self::Memberships => "memberships",
            Self::Implications => "implications",
            Self::Assignments => "assignments",
        }
    }
}

/// Some of a part's records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// What exists, as it is now.
    pub records: Vec<Record>,
    /// What the cloud says is deleted; only in answers of [`Cloud::changes`].
    pub deleted: Vec<Key>,
    /// What exists and could not be read, so that what is held of it stays as it is; only in
    /// answers of [`Cloud::audit`].
    pub unread: Vec<Unread>,
}

/// Records of a part that exist, as far as is known, but could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The one of this id.
    Record(CloudId),
    /// The storage pools of a back end, if it has any: all whose ids are this, or begin with it and
    /// a `#`.
    BackEnd(String),
    /// The memberships of the group of this id, if it has any.
    Group(CloudId),
    /// More of the part in the department of this id, if there is more.
    Department(CloudId),
    /// All of the part in the department of this id, if there is any; of memberships, those of its
    /// groups.
    Unlisted(CloudId),
    /// The memberships of all groups in the department of this id but these, which are those that
    /// its list came to before it was cut.
    Beyond(CloudId, BTreeSet<CloudId>),
}

/// A part that was read to its end.
#[derive(Debug, Clone)]
pub struct Whole {
    /// From when on [`Cloud::changes`] may go on.
    pub mark: Mark,
    /// Whether some records could not be read; they were told as [`Unread`].
    pub incomplete: Option<Incomplete>,
    /// Of whose part all was sent, where it is read department by department, or group by group.
    pub tells: Reach,
    /// Of whose part some was sent, as its list was cut.
    pub cut: Cut,
    /// How much of the reading went by with nothing but questions that were not answered, or not
    /// well: that was no work for the cloud.
    pub in_vain: Duration,
}

impl Whole {
    /// One that is not read department by department.
    pub fn of(mark: Mark, incomplete: Option<Incomplete>) -> Self {
        let tells = Reach::default();
        Self {
            mark,
            incomplete,
            tells,
            cut: Cut::new(),
            in_vain: Duration::ZERO,
        }
    }
}

impl From<Mark> for Whole {
    fn from(mark: Mark) -> Self {
        Self::of(mark, None)
    }
}

/// Of a part that was read to its end, some records could not be read; the others were sent.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{failed} of {of} {what} cannot be read, among them that of {first}")]
pub struct Incomplete {
    /// Of what, in the plural.
    pub what: &'static str,
    /// How many.
    pub failed: u64,
    /// Of how many.
    pub of: u64,
    /// The first of them, as an operator knows it.
    pub first: String,
    /// Why that one could not be read.
    pub source: CloudError,
}

/// Where pages go. Bounded by whoever made the channel, so that a slow spool slows the reading.
pub type Pages = mpsc::Sender<Page>;

/// Up to when a part was read, by the cloud's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub UnixMillis);

/// How one API answered its health question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Which API.
    pub service: ServiceKind,
    /// Its address; empty where the catalog has none.
    pub endpoint: String,
    /// What came of it.
    pub outcome: ProbeOutcome,
}

/// What came of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// It answers.
    Available {
        /// From the request's first byte to the answer's last.
        latency: Duration,
        /// Lowest and highest version (microversions), as it writes them; empty if it doesn't.
        versions: (String, String),
    },
    /// It does not, or not rightly.
    Failing {
        /// Whose trouble it is.
        trouble: Trouble,
        /// What was asked, what came, and what to do.
        reason: String,
    },
    /// The catalog has no such service.
    Missing,
}

/// One cloud. All methods may be called at the same time; the implementation bounds how many
/// requests run at once, and each request's time.
#[async_trait]
pub trait Cloud: Send + Sync + 'static {
    /// A reading that sends no page for so long hangs: each of its questions takes less.
    fn silence_max(&self) -> Duration {
        Duration::from_secs(300)
    }

    /// What this cloud is.
    ///
    /// # Errors
    /// If it can't be reached, or the credential is refused.
    async fn describe(&self) -> Result<CloudDescription, CloudError>;

    /// Asks every API whether it answers. Never fails: a failure is an outcome.
    async fn probe(&self) -> Vec<Probe>;

    /// Reads a part whole.
    ///
    /// # Errors
    /// If any page failed: what was sent until then is true, but not all.
    async fn audit(&self, part: Part, pages: &Pages) -> Result<Whole, CloudError>;

    /// Reads what changed in a part since `mark`; records may come again that did not change.
    /// `None` where the cloud's API can't tell, so that only audits find changes.
    ///
    /// # Errors
    /// As [`Self::audit`].
    async fn changes(
        &self,
        part: Part,
        since: Mark,
        pages: &Pages,
    ) -> Result<Option<Mark>, CloudError>;

    /// Performs one change of the organization. Gives the id of what it made, for
    /// [`Order::Create`].
    ///
    /// # Errors
    /// If it was not performed, or nobody knows whether it was ([`CloudError::Unreachable`], and
    /// [`CloudError::Status`] from 500 on): then it may be given again, and a thing that was made
    /// already is met as [`CloudError::Conflict`]. What cannot be performed by any call is
    /// [`CloudError::Refused`]. A link that is there already, and the removal of what is gone, are
    /// performed.
    async fn perform(&self, order: &Order) -> Result<Option<CloudId>, CloudError> {
        let _ = order;
        Err(CloudError::Unmanaged)
    }

    /// Gives a user a password.
    ///
    /// # Errors
    /// As [`Self::perform`]. No error shows the password.
    async fn set_password(&self, user: &CloudId, password: &str) -> Result<(), CloudError> {
        let _ = (user, password);
        Err(CloudError::Unmanaged)
    }

    /// Sets limits of a project's quota: those that the service takes, whatever it says of others.
    ///
    /// # Errors
    /// As [`Self::perform`], if none was set. Setting what is so is setting it.
    async fn set_quota(&self, order: &QuotaOrder) -> Result<QuotaSet, CloudError> {
        let _ = order;
        Err(CloudError::Unmanaged)
    }

    /// Whether this is a user's password. Asked once: clouds count what is wrong.
    ///
    /// # Errors
    /// If the cloud can't tell.
    async fn check_password(&self, user: &CloudId, password: &str) -> Result<Checked, CloudError> {
        let _ = (user, password);
        Err(CloudError::Unmanaged)
    }
}
