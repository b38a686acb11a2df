//! What a region's agent remarks about what it applies of the directory, and the hub's answer.

use std::fmt;
use std::time::Duration;

use super::{CloudId, End, Holder, Limits, Link, ObjectKind, RecordKind, ServiceKind, UnixMillis};
use crate::ids::{FeedId, ObjectId};

/// The longest error or reason taken over, in characters.
pub const REMARK_CHARS_MAX: usize = 400;

/// One thing that an agent decides about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A thing of the directory, or one that was.
    Object(ObjectKind, ObjectId),
    /// A link between things of the directory.
    Link(Link<ObjectId>),
    /// The password of a user of the directory.
    Password(ObjectId),
    /// A thing of the region that is no thing of the directory.
    Own(ObjectKind, CloudId),
    /// The limits of a project in one service.
    Quota(Holder, ServiceKind),
    /// The reading of all that the region's cloud has of a kind.
    Reading(RecordKind),
}

/// A thing that is not as the directory says. It goes from a region to the hub, and is gone once
/// the thing is as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Which thing.
    pub subject: Subject,
    /// What it is called in the region; empty for a link.
    pub name: String,
    /// How it stands.
    pub state: RemarkState,
}

/// How a thing stands that is not as the directory says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemarkState {
    /// It was tried, and is tried again.
    Failed {
        /// What was wrong, and what to do: [`REMARK_CHARS_MAX`] at most.
        error: String,
        /// Since when, by the region's clock.
        since: UnixMillis,
        /// How often it was tried.
        tries: u32,
    },
    /// It can't be done until somebody does something else.
    Blocked {
        /// What stands in the way, and what to do: [`REMARK_CHARS_MAX`] at most.
        reason: String,
    },
    /// It differs, and stays so.
    Drift {
        /// Why it stays.
        why: DriftWhy,
        /// In what it differs.
        what: Vec<Drifted>,
    },
    /// It is to be purged, is switched off, and nothing is in it but what the federation deletes
    /// with it, as the cloud said when it was asked for that. It waits for the other regions.
    Purgeable {
        /// The hub's word that this answers: [`Purge::at`](super::Purge::at).
        told: UnixMillis,
    },
    /// It was to be purged, and is not there (any more). It stays until the hub takes that back.
    Purged {
        /// The hub's word that is done: [`Purge::at`](super::Purge::at).
        told: UnixMillis,
    },
    /// The hub tells of it as if it were there, and told before that it ended: a hub that was
    /// restored from an older backup. Here it does not come back.
    Ended {
        /// How it ended.
        how: End,
        /// The hub's own proof of that: [`Lapse::proof`](super::Lapse::proof).
        proof: [u8; 32],
    },
}

impl RemarkState {
    /// Whether something failed, or can't be done.
    pub const fn is_failure(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::Blocked { .. } | Self::Ended { .. } => true,
            Self::Drift { .. } | Self::Purgeable { .. } | Self::Purged { .. } => false,
        }
    }
}

/// One difference between the directory and a region's cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drifted {
    /// In what.
    pub what: DriftKind,
    /// The directory's value; `None` where it has none, or there is nothing to compare.
    pub directory: Option<String>,
    /// The cloud's value, likewise. Of a default project that is the directory's it is the
    /// directory's id, and of what is switched on or off `true` or `false`.
    pub cloud: Option<String>,
}

/// In what a thing differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DriftKind {
    /// Its name.
    Name,
    /// Its description.
    Description,
    /// Whether it is switched on.
    Enabled,
    /// A user's address.
    Email,
    /// A user's default project.
    DefaultProject,
    /// Not the password that the hub set.
    Password,
    /// Not the limits that the hub set.
    Quota,
    /// It is in another department, or nested in another project.
    Moved,
    /// It was deleted in the region.
    Deleted,
    /// It was made in the region.
    CreatedHere,
    /// The link was made in the region.
    LinkGiven,
    /// The link was taken away in the region.
    LinkTaken,
    /// It may not be made here.
    Missing,
    /// The directory has it no more, and it may not be removed here.
    Surplus,
    /// The directory says nothing of it, and it bears the federation's marker.
    NotInDirectory,
    /// A word of a later release.
    Unknown,
}

impl DriftKind {
    /// Every kind that this release knows.
    pub const ALL: [Self; 15] = [
        Self::Name,
        Self::Description,
        Self::Enabled,
        Self::Email,
        Self::DefaultProject,
        Self::Moved,
        Self::Deleted,
        Self::CreatedHere,
        Self::LinkGiven,
        Self::LinkTaken,
        Self::Missing,
        Self::Surplus,
        Self::NotInDirectory,
        Self::Password,
        Self::Quota,
    ];

    /// Its word in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Description => "description",
            Self::Enabled => "enabled",
            Self::Email => "email",
            Self::DefaultProject => "default-project",
            Self::Password => "password",
            Self::Quota => "quota",
            Self::Moved => "moved",
            Self::Deleted => "deleted",
            Self::CreatedHere => "created-here",
            Self::LinkGiven => "link-given",
            Self::LinkTaken => "link-taken",
            Self::Missing => "missing",
            Self::Surplus => "surplus",
            Self::NotInDirectory => "not-in-directory",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a difference stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DriftWhy {
    /// It was made in the region, so that the administrator chooses: adopt it, or put it back.
    Region,
    /// It is in the region's custody, or in a department that is.
    Custody,
    /// The agent's policy protects it.
    Protected,
    /// The agent's policy takes no changes.
    ReadOnly,
}

impl DriftWhy {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Region, Self::Custody, Self::Protected, Self::ReadOnly];

    /// Its word in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Custody => "custody",
            Self::Protected => "protected",
            Self::ReadOnly => "read-only",
        }
    }

    /// What is to be done about it, for people.
    pub const fn next_step(self) -> &'static str {
        match self {
            Self::Region => "adopt it into the directory, or put it back",
            Self::Custody => "it stays the region's own; change it there",
            Self::Protected => "it is protected by the agent's policy; change that, or leave it",
            Self::ReadOnly => "the agent's policy takes no changes; change that, or leave it",
        }
    }
}

/// How far a region's cloud is what the directory says: one record a region, from it to the hub.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applying {
    /// Things and links that the federation wants in this cloud, or wants switched off or removed.
    pub desired: u64,
    /// Of these, as they should be.
    pub in_place: u64,
    /// Of these, to be done now, or being done.
    pub under_way: u64,
    /// Of these, waiting for something else.
    pub waiting: u64,
    /// Of these, to be removed, taken away or switched off in a later batch, because the policy
    /// allows so many at once.
    pub removals_held: u64,
    /// How many failed, or can't be done.
    pub failed: u64,
    /// How many differ from the directory, and stay so.
    pub drift: u64,
    /// How long the rest takes, in whole seconds; `None` where nobody can say.
    pub left: Option<Duration>,
    /// Why nothing is given to the cloud just now.
    pub paused: Option<String>,
    /// Whether the agent's policy takes no changes.
    pub read_only: bool,
}

/// An agent has looked whether the hub has forgotten anything that it knows, and told that before
/// this, in the same feed: one record a region, from it to the hub. A hub that was restored from a
/// backup tells its directory in a feed of a new life; whatever it tells there later it knows, so
/// that no number need stand beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recall {
    /// The life of the directory's feed of which it held all that there was when it looked.
    pub feed: FeedId,
}

/// A drift is to be written over, once. Goes from the hub to that region alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBack {
    /// Of which thing.
    pub subject: Subject,
    /// The digest of the remark that the administrator saw: another drift stays.
    pub seen: [u8; 16],
    /// When he said so, by the hub's clock. Tells it from an earlier one of the same thing.
    pub at: UnixMillis,
}

impl Subject {
    /// The id of what is said about it, which follows from what it is.
    pub fn id(&self) -> CloudId {
        match self {
            Self::Object(kind, id) => CloudId::derived(&format!("{}/{id}", kind.name())),
            Self::Link(link) => CloudId::derived(&format!("{}/{}", link.kind().name(), link.id())),
            Self::Password(user) => CloudId::derived(&format!("password/{user}")),
            Self::Own(kind, here) => CloudId::derived(&format!("own/{}/{here}", kind.name())),
            Self::Quota(holder, service) => Limits::id_of(holder, *service),
            Self::Reading(kind) => CloudId::derived(&format!("reading/{kind:?}")),
        }
    }
}

impl Applying {
    /// The id of its record: a region has one.
    pub fn id() -> CloudId {
        CloudId::Text("applying".to_owned())
    }
}

impl Recall {
    /// The id of its record: a region has one.
    pub fn id() -> CloudId {
        CloudId::Text("recall".to_owned())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(kind, id) => write!(f, "{} {id}", kind.name()),
            Self::Password(user) => write!(f, "the password of user {user}"),
            Self::Own(kind, here) => write!(f, "the region's {} {here}", kind.name()),
            Self::Quota(holder, service) => write!(f, "the {} quota of {holder}", service.name()),
            Self::Reading(kind) => write!(f, "the reading of every {kind:?}"),
            Self::Link(link) => write!(f, "{} {}", link.kind().name(), link.id()),
        }
    }
}
