//! The directory as the hub last told it, as far as it concerns this region.
//!
//! What the hub tells comes as records of one feed; this is what they say together, and
//! [`store`] keeps them.

pub mod store;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared::ids::{FeedId, ObjectId};
use shared::model::directory::{inward, link_of, object_of};
use shared::model::{
    Becomes, CloudId, End, Holder, Key, Lapse, Limits, Link, ObjectKind, Organization, Purge,
    PutBack, Record, RecordKind, Secret, ServiceKind, Subject, UnixMillis,
};
use shared::wire::Digest;

/// What the hub told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replica {
    /// What the federation has.
    pub directory: Organization<ObjectId>,
    /// What it does not have any more.
    pub ended: BTreeMap<ObjectId, (ObjectKind, End)>,
    /// The hub's proof of each of these.
    pub proofs: BTreeMap<ObjectId, [u8; 32]>,
    /// What of this was called how last, where it was retired.
    pub last_names: BTreeMap<ObjectId, String>,
    /// What of it is to be purged here.
    pub purges: BTreeMap<ObjectId, Purge>,
    /// Links that it had, and of which a snapshot said nothing: neither wanted nor taken away.
    pub unsaid: BTreeSet<Link<ObjectId>>,
    /// What was decided about this region's things.
    pub bindings: BTreeMap<(ObjectKind, CloudId), Becomes>,
    /// The passwords of users, sealed to this agent.
    pub secrets: BTreeMap<ObjectId, Secret>,
    /// The limits that projects are to have here.
    pub limits: BTreeMap<(Holder, ServiceKind), Limits>,
    /// Drift of this region that is to be written over.
    pub put_backs: BTreeMap<Subject, ToldBack>,
    /// In which life of its feed all of this was told, or told again; `None` where nothing was.
    pub feed: Option<FeedId>,
}

/// A drift that is to be written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldBack {
    /// The digest of the remark that the administrator saw.
    pub seen: [u8; 16],
    /// When he said so, by the hub's clock.
    pub at: UnixMillis,
}

/// A change of what the hub tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This is so now.
    Put(Record),
    /// This is gone, or is no link and not told any more. As it was last, where it was understood.
    Gone(Key, Option<Record>),
    /// A snapshot said nothing of this link, which was so, or of this end of something: absence
    /// takes nothing away, and brings nothing back.
    Unsaid(Record),
}

impl Replica {
    /// Takes over a change. What is none of a directory changes nothing.
    pub fn take(&mut self, change: Change) {
        match change {
            Change::Put(Record::Binding(it)) => {
                self.bindings.insert((it.kind, it.here), it.becomes);
            }
            Change::Put(Record::Lapse(it)) | Change::Unsaid(Record::Lapse(it)) => self.end(it),
            Change::Put(Record::Purge(it)) => {
                self.purges.insert(it.object, it);
            }
            Change::Put(Record::PutBack(it)) => {
                let PutBack { subject, seen, at } = it;
                self.put_backs.insert(subject, ToldBack { seen, at });
            }
            Change::Put(Record::Secret(it)) => {
                self.secrets.insert(it.user, it);
            }
            Change::Put(Record::Limits(it)) => {
                self.limits.insert((it.holder.clone(), it.service), it);
            }
            Change::Put(
                record @ (Record::Membership(_) | Record::Implication(_) | Record::Assignment(_)),
            ) => {
                if let Some(link) = link_of(record) {
                    self.unsaid.remove(&link);
                    self.directory.link(link);
                }
            }
            Change::Put(record) => {
                if let Some((id, object)) = object_of(record) {
                    self.directory.insert(id, object);
                }
            }
            Change::Gone(key, record) => self.lose(&key, record),
            Change::Unsaid(record) => {
                if let Some(link) = link_of(record) {
                    self.directory.unlink(&link);
                    self.unsaid.insert(link);
                }
            }
        }
    }

    /// What was deleted is no more just retired: a hub of an older backup says so, which retired it
    /// with what it was in.
    fn end(&mut self, it: Lapse) {
        let known = self.ended.get(&it.object);
        if it.how == End::Retired && known == Some(&(it.kind, End::Deleted)) {
            return;
        }
        self.ended.insert(it.object, (it.kind, it.how));
        self.proofs.insert(it.object, it.proof);
        match it.name.is_empty() {
            true => drop(self.last_names.remove(&it.object)),
            false => drop(self.last_names.insert(it.object, it.name)),
        }
    }

    fn lose(&mut self, key: &Key, record: Option<Record>) {
        match (key.kind, record) {
            (RecordKind::Binding, Some(Record::Binding(it))) => {
                self.bindings.remove(&(it.kind, it.here));
            }
            (RecordKind::Lapse, Some(Record::Lapse(it))) => {
                self.ended.remove(&it.object);
                self.proofs.remove(&it.object);
                self.last_names.remove(&it.object);
            }
            (RecordKind::Purge, _) => {
                if let Some(object) = inward(&key.id) {
                    self.purges.remove(&object);
                }
            }
            (RecordKind::PutBack, Some(Record::PutBack(it))) => {
                self.put_backs.remove(&it.subject);
            }
            (RecordKind::Limits, Some(Record::Limits(it))) => {
                self.limits.remove(&(it.holder, it.service));
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
                    self.unsaid.remove(&link);
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
    pub links: BTreeMap<CloudId, Noted>,
    /// The highest order among these until now.
    pub links_noted: u64,
    /// Which drift was written over because the hub said so, by the subject's id.
    pub put_backs: BTreeMap<CloudId, UnixMillis>,
    /// The password that was set last for each user.
    pub passwords: BTreeMap<ObjectId, SetPassword>,
    /// The users to whom a password was sent of which no answer came, or none yet.
    pub unanswered: BTreeSet<ObjectId>,
    /// The limits that were set last, by the id of their record.
    pub limits: BTreeMap<CloudId, SetLimits>,
    /// How much of the last batch of each bound was given, as of when this was noted or read.
    pub spent: BTreeMap<Bound, Spent>,
}

/// What the region's own operator bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// Things that are removed.
    Removals,
    /// Links that are taken away, and things that are switched off.
    Withdrawals,
}

/// How much of a batch was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// How long ago the batch began.
    pub age: Duration,
    /// How many were given in it.
    pub count: usize,
    /// Of these, links.
    pub links: usize,
}

/// How a link came to be as the directory has it, and when beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// How.
    pub tied: Tied,
    /// The later, the higher; 0 where it was noted by a release that did not tell.
    pub order: u64,
}

/// How a link came to be as the directory has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tied {
    /// It was there.
    Met,
    /// It was made, because the directory has it.
    Made,
    /// It is about to be made, or was without anybody hearing of it, because the directory has it,
    /// and was not there.
    Making,
}

/// A password that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPassword {
    /// What the cloud calls the user.
    pub here: CloudId,
    /// Its version, as [`Secret`] has it.
    pub version: u64,
}

/// Limits that were set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetLimits {
    /// What the cloud calls the project.
    pub here: CloudId,
    /// The version of each, as [`Limits`] has it, by the cloud's name of its resource.
    pub versions: BTreeMap<String, u64>,
}

impl SetLimits {
    /// Takes over what was set later. Of another project all is new.
    pub fn add(&mut self, later: Self) {
        if self.here != later.here {
            self.here = later.here;
            self.versions.clear();
        }
        self.versions.extend(later.versions);
    }
}

/// What was applied last of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What the cloud calls it.
    pub here: CloudId,
    /// How it then was in the directory.
    pub was: Was,
}

/// How many fields of a thing are compared one by one.
pub const FIELDS: usize = 5;

/// How something was in the directory, as far as it can be seen later what changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Was {
    /// The digest of its record.
    pub record: Digest,
    /// A hash of each field that can be written in a cloud, in an order of the reconciler's; zeros
    /// where nothing was written field by field.
    pub fields: [u64; FIELDS],
}

impl Was {
    /// How many bytes it takes.
    pub const BYTES: usize = 16 + 8 * FIELDS;

    /// Whatever it is called now, it was called otherwise.
    pub fn forget_name(&mut self) {
        self.record = Digest::default();
        if let Some(name) = self.fields.first_mut() {
            *name = 0;
        }
    }

    /// Whether it is on or off now, it was neither.
    pub fn forget_switch(&mut self) {
        self.record = Digest::default();
        if let Some(switch) = self.fields.get_mut(2) {
            *switch = 0;
        }
    }

    /// What the directory says of the default project was not written, so that it is what it was.
    pub fn keep_default_project(&mut self, before: Option<&Self>) {
        let before = before.and_then(|it| it.fields.last());
        if let Some(project) = self.fields.last_mut() {
            *project = before.copied().unwrap_or_default();
        }
    }

    /// As it is kept.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (record, fields) = bytes.split_at_mut(16);
        record.copy_from_slice(&self.record.to_bytes());
        for (bytes, field) in fields.chunks_exact_mut(8).zip(self.fields) {
            bytes.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// As it was kept.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let (record, rest) = bytes.split_at(16);
        let mut was = Self::default();
        if let Ok(record) = record.try_into() {
            was.record = Digest::from_bytes(record);
        }
        for (bytes, field) in rest.chunks_exact(8).zip(&mut was.fields) {
            *field = bytes.try_into().map_or(0, u64::from_le_bytes);
        }
        was
    }
}

/// Something to keep of what was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// This thing was applied so; `None` is gone from the cloud.
    Object(ObjectKind, ObjectId, Option<Applied>),
    /// This link is there; `None`: it is not there any more.
    Link(CloudId, Option<Tied>),
    /// The hub's word to write over a drift, given then, was taken; `None` is given no more.
    PutBack(CloudId, Option<UnixMillis>),
    /// This user was given this password.
    Password(ObjectId, SetPassword),
    /// A password is sent to this user, and may arrive at any time; or none is on its way any more.
    Unanswered(ObjectId, bool),
    /// Limits were set, by the id of their record. Others of it stay as they are.
    Limits(CloudId, SetLimits),
    /// So much of the present batch is given: kept before it is, so that a batch is not given twice
    /// by an agent that is started anew.
    Spent(Bound, Spent),
}

impl Base {
    /// Whether nothing was ever applied, or it is not known any more.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.links.is_empty() && self.put_backs.is_empty()
    }

    /// How a link came to be, if it is noted.
    pub fn tied(&self, id: &CloudId) -> Option<Tied> {
        self.links.get(id).map(|it| it.tied)
    }

    /// Takes over what was done.
    pub fn note(&mut self, note: Note) {
        match note {
            Note::Object(kind, id, Some(applied)) => {
                self.objects.insert((kind, id), applied);
            }
            Note::Object(kind, id, None) => {
                self.objects.remove(&(kind, id));
            }
            Note::Link(id, Some(tied)) => {
                let order = match self.links.get(&id) {
                    // It may have been made as soon as it was about to be.
                    Some(before) if before.tied == Tied::Making => before.order,
                    _ => self.links_noted.saturating_add(1),
                };
                self.links_noted = self.links_noted.max(order);
                self.links.insert(id, Noted { tied, order });
            }
            Note::Link(id, None) => {
                self.links.remove(&id);
            }
            Note::PutBack(id, Some(at)) => {
                self.put_backs.insert(id, at);
            }
            Note::PutBack(id, None) => {
                self.put_backs.remove(&id);
            }
            Note::Password(user, set) => {
                self.passwords.insert(user, set);
            }
            Note::Unanswered(user, true) => _ = self.unanswered.insert(user),
            Note::Unanswered(user, false) => _ = self.unanswered.remove(&user),
            Note::Limits(id, set) => match self.limits.entry(id) {
                Entry::Occupied(mut it) => it.get_mut().add(set),
                Entry::Vacant(it) => drop(it.insert(set)),
            },
            Note::Spent(bound, spent) => {
                self.spent.insert(bound, spent);
            }
        }
    }
}
