//! The directory as the hub last told it, as far as it concerns this region.
//!
//! What the hub tells comes as records of one feed; this is what they say together, and
//! [`store`] keeps them.

pub mod store;

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::ObjectId;
use shared::model::directory::{inward, link_of, object_of};
use shared::model::{
    Becomes, CloudId, End, Key, ObjectKind, Organization, Record, RecordKind, Secret,
};
use shared::wire::Digest;

/// What the hub told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replica {
    /// What the federation has.
    pub directory: Organization<ObjectId>,
    /// What it does not have any more.
    pub ended: BTreeMap<ObjectId, (ObjectKind, End)>,
    /// What was decided about this region's things.
    pub bindings: BTreeMap<(ObjectKind, CloudId), Becomes>,
    /// The passwords of users, sealed to this agent.
    pub secrets: BTreeMap<ObjectId, Secret>,
}

/// A change of what the hub tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This is so now.
    Put(Record),
    /// This is not told any more. As it was last, where it was understood.
    Gone(Key, Option<Record>),
}

impl Replica {
    /// Takes over a change. What is none of a directory changes nothing.
    pub fn take(&mut self, change: Change) {
        match change {
            Change::Put(Record::Binding(it)) => {
                self.bindings.insert((it.kind, it.here), it.becomes);
            }
            Change::Put(Record::Lapse(it)) => {
                self.ended.insert(it.object, (it.kind, it.how));
            }
            Change::Put(Record::Secret(it)) => {
                self.secrets.insert(it.user, it);
            }
            Change::Put(
                record @ (Record::Membership(_) | Record::Implication(_) | Record::Assignment(_)),
            ) => {
                if let Some(link) = link_of(record) {
                    self.directory.link(link);
                }
            }
            Change::Put(record) => {
                if let Some((id, object)) = object_of(record) {
                    self.directory.insert(id, object);
                }
            }
            Change::Gone(key, record) => self.lose(&key, record),
        }
    }

    fn lose(&mut self, key: &Key, record: Option<Record>) {
        match (key.kind, record) {
            (RecordKind::Binding, Some(Record::Binding(it))) => {
                self.bindings.remove(&(it.kind, it.here));
            }
            (RecordKind::Lapse, Some(Record::Lapse(it))) => {
                self.ended.remove(&it.object);
            }
            (RecordKind::Secret, _) => {
                if let Some(user) = inward(&key.id) {
                    self.secrets.remove(&user);
                }
            }
            (kind, record) => {
                if let (Some(kind), Some(id)) = (object_kind(kind), inward(&key.id)) {
                    self.directory.take(kind, &id);
                } else if let Some(link) = record.and_then(link_of) {
                    self.directory.unlink(&link);
                }
            }
        }
    }
}

const fn object_kind(kind: RecordKind) -> Option<ObjectKind> {
    match kind {
        RecordKind::Department => Some(ObjectKind::Department),
        RecordKind::Project => Some(ObjectKind::Project),
        RecordKind::User => Some(ObjectKind::User),
        RecordKind::Group => Some(ObjectKind::Group),
        RecordKind::Role => Some(ObjectKind::Role),
        _ => None,
    }
}

/// What was applied last, so that what changed at the hub is told from what changed in the cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base {
    /// Each thing of the directory that the cloud has.
    pub objects: BTreeMap<(ObjectKind, ObjectId), Applied>,
    /// Each link that was made, or met as it should be, by its record's id in the directory.
    pub links: BTreeSet<CloudId>,
    /// The password that was set last for each user.
    pub passwords: BTreeMap<ObjectId, SetPassword>,
}

/// A password that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPassword {
    /// What the cloud calls the user.
    pub here: CloudId,
    /// Its version, as [`Secret`] has it.
    pub version: u64,
}

/// What was applied last of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What the cloud calls it.
    pub here: CloudId,
    /// The digest of its record in the directory, as it then was.
    pub was: Digest,
}

/// Something to keep of what was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// This thing was applied so; `None` is gone from the cloud.
    Object(ObjectKind, ObjectId, Option<Applied>),
    /// This link is there, or is not there any more.
    Link(CloudId, bool),
    /// This user was given this password.
    Password(ObjectId, SetPassword),
}

impl Base {
    /// Takes over what was done.
    pub fn note(&mut self, note: Note) {
        match note {
            Note::Object(kind, id, Some(applied)) => {
                self.objects.insert((kind, id), applied);
            }
            Note::Object(kind, id, None) => {
                self.objects.remove(&(kind, id));
            }
            Note::Link(id, true) => {
                self.links.insert(id);
            }
            Note::Link(id, false) => {
                self.links.remove(&id);
            }
            Note::Password(user, set) => {
                self.passwords.insert(user, set);
            }
        }
    }
}
