//! What is looked at one by one, and how it stands.

use shared::ids::ObjectId;
pub(super) use shared::model::directory::record_kind;
use shared::model::{CloudId, Link, ObjectKind, RecordKind};
pub use shared::model::{DriftWhy as Why, Subject};

/// How the cloud differs from the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Another name.
    Renamed {
        /// The directory's.
        from: String,
        /// The cloud's.
        to: String,
    },
    /// Switched off in the cloud alone.
    Disabled,
    /// Switched on in the cloud alone.
    Enabled,
    /// Another description.
    Description,
    /// Another address.
    Email,
    /// Another default project.
    DefaultProject,
    /// Not the password that the hub set.
    Password,
    /// Not the limits that the hub set.
    Quota,
    /// In another department, or nested in another project. No cloud can put that right.
    Moved,
    /// It was here, and was deleted in the region.
    Deleted,
    /// It was made in the region, and the directory has no such thing.
    CreatedHere,
    /// The link was made in the region.
    LinkGiven,
    /// The link was here, and was taken away in the region.
    LinkTaken,
    /// The directory has it, and it may not be made here.
    Missing,
    /// The directory has it no more, and it may not be removed here.
    Surplus,
    /// It was applied, or bears the federation's marker, and the directory says nothing of it.
    NotInDirectory,
}

/// A difference that is reported, and not written over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// What it is called; empty for a link.
    pub name: String,
    /// In what it differs.
    pub what: Vec<Difference>,
    /// Why it stays.
    pub why: Why,
}

/// What something waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// That the cloud's records of this kind were read to their end once.
    Reading(RecordKind),
    /// That what it hangs on is read again: it may have gone with that.
    Again,
    /// That this thing of the directory is in the cloud.
    Needs(ObjectKind, ObjectId),
    /// That this inner project is switched off, as Keystone asks for.
    Inner(CloudId),
    /// That the outer project or the department is switched on, as Keystone asks for.
    Outer(CloudId),
    /// That this user, who is to be made a cloud administrator, has the password that the hub set
    /// last.
    Password(ObjectId),
    /// That no earlier password of this user can arrive any more, of which no answer came.
    Arrived,
    /// That all in this thing, which is to be purged, is removed.
    Emptied(ObjectKind, ObjectId),
    /// That this, which is to be purged, was seen switched off for a quarter of an hour.
    Rested,
    /// That every other region finds what is to be purged empty too.
    Agreed,
}

/// How a subject stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// As it should be.
    InPlace,
    /// To be done, and nothing is in its way but its turn.
    Due(Level),
    /// Being done.
    Running,
    /// It was tried, and is tried again later.
    Failed,
    /// Something else comes first.
    Waiting(Wait),
    /// It differs, and stays so.
    Drift(Drift),
    /// It can't be done until somebody does something else.
    Blocked(String),
}

impl Standing {
    /// Whether it waits for a reading.
    pub(super) const fn is_unread(&self) -> bool {
        matches!(self, Self::Waiting(Wait::Reading(_)))
    }
}

/// In which order things are done that could all be done at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Somebody's role as one of the federation's administrators of this cloud is taken away. There
    /// are few, and it can't wait.
    Dismiss,
    /// What makes somebody a cloud administrator otherwise is taken away: first of what is taken
    /// away in a batch, and no more than that, as these may be many.
    Demote,
    /// Switched off, whatever else is changed about it.
    SwitchOff,
    /// Made or changed.
    Department,
    /// Made or changed.
    Role,
    /// Made or changed.
    Project,
    /// Made or changed.
    Group,
    /// Made or changed.
    User,
    /// Given.
    Password,
    /// Limits are set.
    Quota,
    /// Links are made.
    Link,
    /// Links are taken away.
    Unlink,
    /// It is asked whether something can be purged.
    Look,
    /// Removed.
    RemoveUser,
    /// Removed.
    RemoveGroup,
    /// Removed.
    RemoveRole,
    /// Purged.
    PurgeProject,
    /// Purged.
    PurgeDepartment,
}

impl Level {
    /// Where things of a kind are made and changed.
    pub(super) const fn write(kind: ObjectKind) -> Self {
        match kind {
            ObjectKind::Department => Self::Department,
            ObjectKind::Role => Self::Role,
            ObjectKind::Project => Self::Project,
            ObjectKind::Group => Self::Group,
            ObjectKind::User => Self::User,
        }
    }

    /// Where things of a kind are removed; `None` where they never are.
    pub(super) const fn remove(kind: ObjectKind) -> Option<Self> {
        match kind {
            ObjectKind::Department | ObjectKind::Project => None,
            ObjectKind::Role => Some(Self::RemoveRole),
            ObjectKind::Group => Some(Self::RemoveGroup),
            ObjectKind::User => Some(Self::RemoveUser),
        }
    }

    /// Where things of a kind are purged; `None` where they are removed.
    pub(super) const fn purge(kind: ObjectKind) -> Option<Self> {
        match kind {
            ObjectKind::Department => Some(Self::PurgeDepartment),
            ObjectKind::Project => Some(Self::PurgeProject),
            ObjectKind::Role | ObjectKind::Group | ObjectKind::User => None,
        }
    }

    /// Whether it can't wait behind what fails.
    pub(super) const fn is_urgent(self) -> bool {
        matches!(self, Self::Dismiss | Self::Demote)
    }

    /// Whether another service than Keystone carries it out, or is asked first.
    pub(super) const fn is_elsewhere(self) -> bool {
        matches!(
            self,
            Self::Quota | Self::Look | Self::PurgeProject | Self::PurgeDepartment
        )
    }

    /// Whether something is taken away that can be given again.
    pub(super) const fn is_withdrawal(self) -> bool {
        self.is_unlink() || matches!(self, Self::SwitchOff)
    }

    /// Whether a link is taken away that counts as withdrawn.
    pub(super) const fn is_unlink(self) -> bool {
        matches!(self, Self::Demote | Self::Unlink)
    }

    /// Whether there is less afterwards, or somebody may do less.
    pub(super) const fn takes_away(self) -> bool {
        self.is_removal() || self.is_withdrawal() || matches!(self, Self::Dismiss)
    }

    /// Whether something is removed that can't be made again as it was.
    pub(super) const fn is_removal(self) -> bool {
        matches!(
            self,
            Self::RemoveUser
                | Self::RemoveGroup
                | Self::RemoveRole
                | Self::PurgeProject
                | Self::PurgeDepartment
        )
    }
}

/// The kind of a link's record.
pub(super) const fn link_kind<I>(link: &Link<I>) -> RecordKind {
    link.kind()
}
