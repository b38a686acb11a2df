//! A region's organization as its agent tells of it, and what becomes of each thing there.

use std::time::Duration;

use super::{CloudId, End, ObjectKind, UnixMillis};
use crate::ids::{FederationId, ObjectId};

/// The longest description taken over, in bytes: 255 characters of four bytes each, the most that
/// older Keystones keep. A longer one is cut.
pub const DESCRIPTION_BYTES_MAX: usize = 1020;

/// A thing of a region's organization that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<T> {
    /// What the cloud calls it.
    pub id: CloudId,
    /// Who decides over it.
    pub custody: Custody,
    /// What a federation left on it, to know it again.
    pub marker: Option<Marker>,
    /// What it is.
    pub what: T,
}

/// Who decides over a thing of a region. The agent says so, by what its cloud needs and by its own
/// policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Custody {
    /// The federation, once it is merged.
    #[default]
    Common,
    /// The region alone: Keystone's Default domain, those of services, what its policy protects.
    Reserved,
    /// The region alone, and it is the account that its agent signs in by, or the project that this
    /// works in.
    Administrator,
}

/// What a federation leaves on a thing in a region's cloud, to know it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Marker {
    /// Which federation.
    pub federation: FederationId,
    /// Which thing of its directory.
    pub object: ObjectId,
}

/// What was decided about a thing of a region when its organization was merged. Goes from the hub
/// to that region alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// What kind of thing.
    pub kind: ObjectKind,
    /// What the cloud calls it.
    pub here: CloudId,
    /// What it is from now on.
    pub becomes: Becomes,
}

/// What a thing of a region is once its organization is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    /// This one of the directory.
    Object(ObjectId),
    /// It was deleted or retired in the federation, and is switched off.
    Withheld(ObjectId),
}

/// Something that the directory does not have any more. It stays in the feed: what is not told of
/// is only not told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lapse {
    /// Which it was.
    pub object: ObjectId,
    /// What kind of thing.
    pub kind: ObjectKind,
    /// How it ended.
    pub how: End,
    /// What it was called last, where it was retired: what stays has that name in every region, and
    /// none that somebody else is given. Empty for what was deleted.
    pub name: String,
    /// By what the hub knows its own word again: an HMAC-SHA256 of the rest with a key that it
    /// alone has, so that no region can make one. Zeros where nobody has said so.
    pub proof: [u8; 32],
}

/// How far the word to purge something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurgeStep {
    /// Each region asks its cloud whether anything is in it but what the federation deletes with
    /// it, and says so. Nothing is deleted yet.
    Ask,
    /// Every region said that nothing is: it is deleted, if that is so still.
    Delete,
    /// The word is older than [`Purge::GOOD_FOR`]: nothing is done until it is given anew.
    Lapsed,
}

/// A retired project or department is to be deleted, now that it is empty. Goes from the hub to one
/// region, and is taken back once every region has done it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// Which it was.
    pub object: ObjectId,
    /// What kind of thing: a project or a department.
    pub kind: ObjectKind,
    /// What it was called: who knows it by its marker alone looks at its name as well.
    pub name: String,
    /// When the administrator said so, by the hub's clock. Tells it from an earlier word.
    pub at: UnixMillis,
    /// How far it is.
    pub step: PurgeStep,
}

/// The longest that a sealed secret is, in bytes: 512 of it, and what sealing adds.
pub const SEALED_BYTES_MAX: usize = 561;

/// The longest that a sealed credential of a cloud is, in bytes: a secret of 4 KiB, four names of
/// 1,020 bytes, and what coding and sealing add.
pub const SEALED_CREDENTIAL_BYTES_MAX: usize = 9 << 10;

/// A password that a user of the directory is to have, sealed to the region's agent: only that can
/// open it, and only for this user and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Whose.
    pub user: ObjectId,
    /// When it was set, unix milliseconds; of two the later counts.
    pub version: u64,
    /// As [`pki::PublicSealingKey::seal`](crate::pki::PublicSealingKey::seal) made it.
    pub sealed: Vec<u8>,
}

impl Becomes {
    /// Which of the directory it is, or was.
    pub const fn object(&self) -> ObjectId {
        match self {
            Self::Object(id) | Self::Withheld(id) => *id,
        }
    }
}

impl Lapse {
    /// The id of its record.
    pub const fn id(&self) -> CloudId {
        CloudId::Hyphenated(self.object.to_bytes())
    }
}

impl Purge {
    /// So long a word is good: what an administrator confirmed weeks ago is no more what he would
    /// see now.
    pub const GOOD_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

    /// So long a region's agent must have seen it switched off before it looks into it, unless its
    /// policy says another time.
    pub const REST: Duration = Duration::from_secs(15 * 60);

    /// Whether a word of then is older at `now` than it is good for.
    pub const fn is_old(at: UnixMillis, now: UnixMillis) -> bool {
        now.0.saturating_sub(at.0) as u128 > Self::GOOD_FOR.as_millis()
    }

    /// The id of its record: a thing is purged once.
    pub const fn id(&self) -> CloudId {
        CloudId::Hyphenated(self.object.to_bytes())
    }
}

impl Secret {
    /// The id of its record: a user has one password.
    pub const fn id(&self) -> CloudId {
        CloudId::Hyphenated(self.user.to_bytes())
    }
}

impl Binding {
    /// The id of its record, which follows from what it is about.
    pub fn id(&self) -> CloudId {
        Self::id_of(self.kind, &self.here)
    }

    /// The id of the record about a region's thing.
    pub fn id_of(kind: ObjectKind, here: &CloudId) -> CloudId {
        CloudId::derived(&format!("{}/{here}", kind.name()))
    }
}
