//! Records between the model and the wire.
//!
//! On the wire and in the stores a record is a kind number, the bytes of its id, and the bytes of
//! its value, of which the first names the value's version. A kind or version that only a later
//! release knows is kept as it came, counted in the digest, and understood after the upgrade.

mod codes;
mod health;
mod inventory;
mod organization;
mod quota;
mod remark;
mod weigh;

pub use weigh::weigh;

use super::codec::{self, DecodeError, EncodeError};
use super::digest::Digest;
use super::v1::{self, CloudIdV1};
use crate::model::{CloudId, Feed, HostSample, Key, Record, RecordKind, UnixMillis};

/// The most bytes of an encoded id: a text of 512 bytes, its length and its tag.
pub const ID_BYTES_MAX: usize = 516;

/// The most bytes of an encoded value. The largest that the model can hold is a quota of 256
/// resources with names of 300 bytes each, 85 KiB.
pub const VALUE_BYTES_MAX: usize = 128 << 10;

/// The largest figure that is taken over: 2⁴⁸ MiB are 256 EiB. A sum over 65,000 such records
/// still fits its 64 bits.
pub const FIGURE_MAX: u64 = 1 << 48;

/// The version byte before a value of [`v1`].
const V1: u8 = 1;

/// A record as it is sent and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedRecord {
    /// [`kind_code`] of the record's kind.
    pub kind: u16,
    /// The encoded id.
    pub id: Vec<u8>,
    /// The version byte and the encoded value.
    pub value: Vec<u8>,
}

/// What became of a record's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// It is understood.
    Known(Box<Record>),
    /// Its kind or version is of a later release.
    Unknown,
}

/// The number by which a kind goes onto the wire. Never reused, never changed.
pub const fn kind_code(kind: RecordKind) -> u16 {
    match kind {
        RecordKind::Server => 1,
        RecordKind::Volume => 2,
        RecordKind::Network => 3,
        RecordKind::FloatingIp => 4,
        RecordKind::Node => 5,
        RecordKind::StoragePool => 6,
        RecordKind::Quota => 16,
        RecordKind::Service => 32,
        RecordKind::HostSample => 48,
        RecordKind::Department => 64,
        RecordKind::Project => 65,
        RecordKind::User => 66,
        RecordKind::Group => 67,
        RecordKind::Role => 68,
        RecordKind::Membership => 69,
        RecordKind::Implication => 70,
        RecordKind::Assignment => 71,
        RecordKind::Binding => 72,
        RecordKind::Lapse => 73,
        RecordKind::Remark => 74,
        RecordKind::Applying => 75,
        RecordKind::PutBack => 76,
        RecordKind::Secret => 77,
        RecordKind::Limits => 78,
        RecordKind::Recall => 79,
        RecordKind::Purge => 80,
    }
}

/// The feed that carries a kind's number, of a later release too: sixteen numbers belong to each,
/// and thirty-two to the organization.
pub const fn feed_of_kind(code: u16) -> Option<Feed> {
    match code >> 4 {
        0 => Some(Feed::Inventory),
        1 => Some(Feed::Quota),
        2 => Some(Feed::Health),
        3 => Some(Feed::Samples),
        4 | 5 => Some(Feed::Organization),
        _ => None,
    }
}

/// The numbers of kinds that a feed may carry, lowest and highest.
pub const fn kinds_of_feed(feed: Feed) -> (u16, u16) {
    match feed {
        Feed::Inventory => (0, 15),
        Feed::Quota => (16, 31),
        Feed::Health => (32, 47),
        Feed::Samples => (48, 63),
        Feed::Organization => (64, 95),
    }
}

/// The kind of a number, if this release knows it.
pub fn kind_of(code: u16) -> Option<RecordKind> {
    RecordKind::ALL
        .into_iter()
        .find(|kind| kind_code(*kind) == code)
}

/// Encodes an id, as it stands in keys.
///
/// # Errors
/// None that a [`CloudId`] can cause: it is capped where it is made.
pub fn encode_id(id: &CloudId) -> Result<Vec<u8>, EncodeError> {
    codec::encode(&CloudIdV1::from(id))
}

/// Reads an id.
///
/// # Errors
/// If the bytes are no id.
pub fn decode_id(bytes: &[u8]) -> Result<CloudId, DecodeError> {
    codec::decode::<CloudIdV1<'_>>(bytes).map(CloudId::from)
}

/// Encodes a key: kind number and id.
///
/// # Errors
/// As [`encode_id`].
pub fn encode_key(key: &Key) -> Result<(u16, Vec<u8>), EncodeError> {
    Ok((kind_code(key.kind), encode_id(&key.id)?))
}

/// Encodes a record. Texts beyond their cap are cut, figures beyond [`FIGURE_MAX`] are lowered to
/// it and times to [`UnixMillis::LATEST`], list elements beyond the cap are left out: what a cloud
/// tells must not stop its feed.
///
/// # Errors
/// None that a record can cause, as everything is capped.
pub fn encode(record: &Record) -> Result<EncodedRecord, EncodeError> {
    let (kind, id) = encode_key(&record.key())?;
    let mut value = vec![V1];
    match record {
        Record::Department(it) => codec::encode_into(&v1::DepartmentV1::from(it), &mut value)?,
        Record::Project(it) => codec::encode_into(&v1::ProjectV1::from(it), &mut value)?,
        Record::User(it) => codec::encode_into(&v1::UserV1::from(it), &mut value)?,
        Record::Group(it) => codec::encode_into(&v1::GroupV1::from(it), &mut value)?,
        Record::Role(it) => codec::encode_into(&v1::RoleV1::from(it), &mut value)?,
        Record::Membership(it) => codec::encode_into(&v1::PairV1::from(it), &mut value)?,
        Record::Implication(it) => codec::encode_into(&v1::PairV1::from(it), &mut value)?,
        Record::Assignment(it) => codec::encode_into(&v1::AssignmentV1::from(it), &mut value)?,
        Record::Binding(it) => codec::encode_into(&v1::BindingV1::from(it), &mut value)?,
        Record::Lapse(it) => codec::encode_into(&v1::LapseV1::from(it), &mut value)?,
        Record::Remark(it) => codec::encode_into(&v1::RemarkV1::from(it), &mut value)?,
        Record::Applying(it) => codec::encode_into(&v1::ApplyingV1::from(it), &mut value)?,
        Record::Recall(it) => codec::encode_into(&v1::RecallV1::from(it), &mut value)?,
        Record::PutBack(it) => codec::encode_into(&v1::PutBackV1::from(it), &mut value)?,
        Record::Secret(it) => codec::encode_into(&v1::SecretV1::from(it), &mut value)?,
        Record::Limits(it) => codec::encode_into(&v1::LimitsV1::from(it), &mut value)?,
        Record::Purge(it) => codec::encode_into(&v1::PurgeV1::from(it), &mut value)?,
        Record::Server(it) => codec::encode_into(&v1::ServerV1::from(it), &mut value)?,
        Record::Volume(it) => codec::encode_into(&v1::VolumeV1::from(it), &mut value)?,
        Record::Network(it) => codec::encode_into(&v1::NetworkV1::from(it), &mut value)?,
        Record::FloatingIp(it) => codec::encode_into(&v1::FloatingIpV1::from(it), &mut value)?,
        Record::Node(it) => codec::encode_into(&v1::NodeV1::from(it), &mut value)?,
        Record::StoragePool(it) => codec::encode_into(&v1::StoragePoolV1::from(it), &mut value)?,
        Record::Quota(it) => codec::encode_into(&v1::QuotaV1::from(it), &mut value)?,
        Record::Service(it) => codec::encode_into(&v1::ServiceV1::from(it), &mut value)?,
        Record::HostSample(it) => codec::encode_into(&v1::HostSampleV1::from(it), &mut value)?,
    }
    Ok(EncodedRecord { kind, id, value })
}

/// Reads a record.
///
/// An id that follows from its value ([`has_derived_id`]) must be that one, so that no two records
/// tell about one thing.
///
/// # Errors
/// If a kind and version that this release knows do not decode, or say what cannot be.
pub fn decode(kind: u16, id: &[u8], value: &[u8]) -> Result<Decoded, DecodeError> {
    let (Some(kind), Some((&V1, value))) = (kind_of(kind), value.split_first()) else {
        return Ok(Decoded::Unknown);
    };
    let (encoded_id, id) = (id, decode_id(id)?);
    let record = match kind {
        RecordKind::Department => {
            Record::Department(organization::department(id, codec::decode(value)?))
        }
        RecordKind::Project => Record::Project(organization::project(id, codec::decode(value)?)),
        RecordKind::User => Record::User(organization::user(id, codec::decode(value)?)),
        RecordKind::Group => Record::Group(organization::group(id, codec::decode(value)?)),
        RecordKind::Role => Record::Role(organization::role(id, codec::decode(value)?)),
        RecordKind::Membership => {
            Record::Membership(organization::membership(codec::decode(value)?))
        }
        RecordKind::Implication => {
            Record::Implication(organization::implication(codec::decode(value)?))
        }
        RecordKind::Assignment => {
            Record::Assignment(organization::assignment(codec::decode(value)?))
        }
        RecordKind::Binding => Record::Binding(organization::binding(codec::decode(value)?)?),
        RecordKind::Lapse => Record::Lapse(organization::lapse(codec::decode(value)?)?),
        RecordKind::Remark => Record::Remark(remark::remark(codec::decode(value)?)?),
        RecordKind::Applying => Record::Applying(remark::applying(codec::decode(value)?)?),
        RecordKind::Recall => Record::Recall(remark::recall(&codec::decode(value)?)),
        RecordKind::PutBack => Record::PutBack(remark::put_back(codec::decode(value)?)?),
        RecordKind::Secret => Record::Secret(organization::secret(&codec::decode(value)?)),
        RecordKind::Limits => Record::Limits(quota::limits(codec::decode(value)?)?),
        RecordKind::Purge => Record::Purge(organization::purge(codec::decode(value)?)?),
        RecordKind::Server => Record::Server(inventory::server(id, codec::decode(value)?)?),
        RecordKind::Volume => Record::Volume(inventory::volume(id, codec::decode(value)?)?),
        RecordKind::Network => Record::Network(inventory::network(id, codec::decode(value)?)?),
        RecordKind::FloatingIp => {
            Record::FloatingIp(inventory::floating_ip(id, codec::decode(value)?))
        }
        RecordKind::Node => Record::Node(inventory::node(id, codec::decode(value)?)?),
        RecordKind::StoragePool => {
            Record::StoragePool(inventory::storage_pool(id, codec::decode(value)?)?)
        }
        RecordKind::Quota => Record::Quota(quota::quota(codec::decode(value)?)?),
        RecordKind::Service => Record::Service(health::service(codec::decode(value)?)?),
        RecordKind::HostSample => Record::HostSample(health::host_sample(codec::decode(value)?)?),
    };
    if has_derived_id(kind) {
        check_id(encoded_id, &record.key().id)?;
    }
    Ok(Decoded::Known(Box::new(record)))
}

/// Whether a record's id follows from its value.
pub const fn has_derived_id(kind: RecordKind) -> bool {
    matches!(
        kind,
        RecordKind::Quota
            | RecordKind::Membership
            | RecordKind::Implication
            | RecordKind::Assignment
            | RecordKind::Binding
            | RecordKind::Lapse
            | RecordKind::Remark
            | RecordKind::Applying
            | RecordKind::Recall
            | RecordKind::PutBack
            | RecordKind::Secret
            | RecordKind::Limits
            | RecordKind::Purge
            | RecordKind::Service
            | RecordKind::HostSample
    )
}

/// The digest of one record as it is sent, by which a reader of it says which one he saw.
///
/// # Errors
/// As [`encode`].
pub fn digest(record: &Record) -> Result<Digest, EncodeError> {
    let EncodedRecord { kind, id, value } = encode(record)?;
    Ok(Digest::of(kind, &id, &value))
}

/// Reads a sample by its value alone, from which its id follows; `None` if its version is of a
/// later release. For stores that keep samples by their time.
///
/// # Errors
/// As [`decode`].
pub fn decode_sample(value: &[u8]) -> Result<Option<HostSample>, DecodeError> {
    match value.split_first() {
        Some((&V1, value)) => health::host_sample(codec::decode(value)?).map(Some),
        _ => Ok(None),
    }
}

/// Compared as they are encoded: a long id is cut only there.
fn check_id(given: &[u8], own: &CloudId) -> Result<(), DecodeError> {
    match encode_id(own) {
        Ok(encoded) if encoded == given => Ok(()),
        _ => Err(DecodeError::OutOfRange {
            what: "a record's id",
        }),
    }
}

impl<'a> From<&'a CloudId> for CloudIdV1<'a> {
    fn from(id: &'a CloudId) -> Self {
        match id {
            CloudId::Hyphenated(bytes) => Self::Hyphenated(*bytes),
            CloudId::Simple(bytes) => Self::Simple(*bytes),
            CloudId::Text(text) => Self::Text(super::Text::cut(text)),
        }
    }
}

impl From<CloudIdV1<'_>> for CloudId {
    fn from(id: CloudIdV1<'_>) -> Self {
        match id {
            CloudIdV1::Hyphenated(bytes) => Self::Hyphenated(bytes),
            CloudIdV1::Simple(bytes) => Self::Simple(bytes),
            CloudIdV1::Text(text) => Self::Text(text.into_string()),
        }
    }
}

/// A figure within its bound, or an error that names it.
fn figure(what: &'static str, value: u64) -> Result<u64, DecodeError> {
    if value <= FIGURE_MAX {
        Ok(value)
    } else {
        Err(DecodeError::OutOfRange { what })
    }
}

/// A time within its bound, or an error that names it: one that had to be lowered here would be
/// sent on as another record than came.
fn moment(what: &'static str, time: UnixMillis) -> Result<UnixMillis, DecodeError> {
    if time <= UnixMillis::LATEST {
        Ok(time)
    } else {
        Err(DecodeError::OutOfRange { what })
    }
}

/// A time lowered to its bound.
fn timely(time: UnixMillis) -> UnixMillis {
    time.min(UnixMillis::LATEST)
}

/// A figure lowered to its bound.
const fn capped(value: u64) -> u64 {
    if value <= FIGURE_MAX {
        value
    } else {
        FIGURE_MAX
    }
}
