//! The directory's objects and links as records: as they are stored, and told to the regions.

use super::{CloudId, Custody, Entry, Link, Object, ObjectKind, Record, RecordKind};
use crate::ids::ObjectId;

/// An object as a record, whose ids are [`CloudId::Hyphenated`].
pub fn object_record(id: ObjectId, object: &Object<ObjectId>) -> Option<Record> {
    // Each id has its other form, so that there always is one.
    let object = object.translated(|_, id| Some(outward(*id)))?;
    let id = outward(id);
    Some(match object {
        Object::Department(it) => Record::Department(entry(id, it)),
        Object::Project(it) => Record::Project(entry(id, it)),
        Object::User(it) => Record::User(entry(id, it)),
        Object::Group(it) => Record::Group(entry(id, it)),
        Object::Role(it) => Record::Role(entry(id, it)),
    })
}

/// The reverse; `None` for a record that is no object's, or has ids that are not the directory's.
pub fn object_of(record: Record) -> Option<(ObjectId, Object<ObjectId>)> {
    let (id, object) = match record {
        Record::Department(it) => (it.id, Object::Department(it.what)),
        Record::Project(it) => (it.id, Object::Project(it.what)),
        Record::User(it) => (it.id, Object::User(it.what)),
        Record::Group(it) => (it.id, Object::Group(it.what)),
        Record::Role(it) => (it.id, Object::Role(it.what)),
        _ => return None,
    };
    let object = object.translated(|_, id| inward(id))?;
    Some((inward(&id)?, object))
}

/// A link as a record.
pub fn link_record(link: &Link<ObjectId>) -> Option<Record> {
    Some(match link.translated(|_, id| Some(outward(*id)))? {
        Link::Membership(it) => Record::Membership(it),
        Link::Implication(it) => Record::Implication(it),
        Link::Assignment(it) => Record::Assignment(it),
    })
}

/// The reverse; `None` for a record that is no link, or has ids that are not the directory's.
pub fn link_of(record: Record) -> Option<Link<ObjectId>> {
    let link = match record {
        Record::Membership(it) => Link::Membership(it),
        Record::Implication(it) => Link::Implication(it),
        Record::Assignment(it) => Link::Assignment(it),
        _ => return None,
    };
    link.translated(|_, id| inward(id))
}

/// The kind of an object's record.
pub const fn record_kind(kind: ObjectKind) -> RecordKind {
    match kind {
        ObjectKind::Department => RecordKind::Department,
        ObjectKind::Project => RecordKind::Project,
        ObjectKind::User => RecordKind::User,
        ObjectKind::Group => RecordKind::Group,
        ObjectKind::Role => RecordKind::Role,
    }
}

/// A directory's id as it stands in records.
pub const fn outward(id: ObjectId) -> CloudId {
    CloudId::Hyphenated(id.to_bytes())
}

/// A directory's id as it stood in a record.
pub const fn inward(id: &CloudId) -> Option<ObjectId> {
    match id {
        CloudId::Hyphenated(bytes) => Some(ObjectId::from_bytes(*bytes)),
        CloudId::Simple(_) | CloudId::Text(_) => None,
    }
}

const fn entry<T>(id: CloudId, what: T) -> Entry<T> {
    Entry {
        id,
        custody: Custody::Common,
        marker: None,
        what,
    }
}
