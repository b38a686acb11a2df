//! Things of the directory as the cloud is to have them, and in what they differ from those.

use shared::ids::ObjectId;
use shared::model::{
    Binding, CloudId, Custody, Department, Entry, Group, Lapse, Link, Marker, Object, ObjectKind,
    Project, Record, Role, User,
};
use shared::wire::Digest;
use shared::wire::record::encode;
use xxhash_rust::xxh3::xxh3_64;

use super::subject::Difference;
use crate::replica::{FIELDS, Was};

/// An object by other ids; `None` where its department or outer project has none. A default project
/// that has none is left out, as nothing depends on it.
pub(super) fn translated<I, J>(
    object: &Object<I>,
    id: impl Fn(ObjectKind, &I) -> Option<J>,
) -> Option<Object<J>> {
    let department = |it: &I| id(ObjectKind::Department, it);
    Some(match object {
        Object::Department(it) => Object::Department(it.clone()),
        Object::Project(it) => Object::Project(Project {
            department: department(&it.department)?,
            parent: match &it.parent {
                Some(outer) => Some(id(ObjectKind::Project, outer)?),
                None => None,
            },
            name: it.name.clone(),
            description: it.description.clone(),
            enabled: it.enabled,
        }),
        Object::User(it) => Object::User(User {
            department: department(&it.department)?,
            name: it.name.clone(),
            description: it.description.clone(),
            email: it.email.clone(),
            enabled: it.enabled,
            default_project: match &it.default_project {
                Some(project) => id(ObjectKind::Project, project),
                None => None,
            },
        }),
        Object::Group(it) => Object::Group(Group {
            department: department(&it.department)?,
            name: it.name.clone(),
            description: it.description.clone(),
        }),
        Object::Role(it) => Object::Role(Role {
            department: match &it.department {
                Some(it) => Some(department(it)?),
                None => None,
            },
            name: it.name.clone(),
            description: it.description.clone(),
        }),
    })
}

/// A thing as a record of the cloud's organization.
pub(super) fn record(
    id: CloudId,
    custody: Custody,
    marker: Option<Marker>,
    object: Object<CloudId>,
) -> Record {
    fn entry<T>(id: CloudId, custody: Custody, marker: Option<Marker>, what: T) -> Entry<T> {
        Entry {
            id,
            custody,
            marker,
            what,
        }
    }
    match object {
        Object::Department(it) => Record::Department(entry(id, custody, marker, it)),
        Object::Project(it) => Record::Project(entry(id, custody, marker, it)),
        Object::User(it) => Record::User(entry(id, custody, marker, it)),
        Object::Group(it) => Record::Group(entry(id, custody, marker, it)),
        Object::Role(it) => Record::Role(entry(id, custody, marker, it)),
    }
}

/// How an object is in the directory.
pub(super) fn digest(id: ObjectId, object: &Object<ObjectId>) -> Was {
    let fields = fields(object);
    let outward = |_: ObjectKind, id: &ObjectId| Some(CloudId::Hyphenated(id.to_bytes()));
    let object = translated(object, outward);
    let here = CloudId::Hyphenated(id.to_bytes());
    let record = object.map(|it| record(here, Custody::default(), None, it));
    let record = record.map(|it| of_record(&it)).unwrap_or_default();
    Was { record, fields }
}

/// What is absent differs from what is empty, which is told as no text can be: 0xFF is in none.
fn text(it: Option<&str>) -> u64 {
    match it {
        None => xxh3_64(b""),
        Some("") => xxh3_64(b"\xFF"),
        Some(text) => xxh3_64(text.as_bytes()),
    }
}

/// Whether a name was applied.
pub(super) fn was_named(was: &Was, name: &str) -> bool {
    was.fields.first() == Some(&text(Some(name)))
}

/// Notes that a name was applied.
pub(super) fn note_name(was: &mut Was, name: &str) {
    if let Some(field) = was.fields.first_mut() {
        *field = text(Some(name));
    }
}

fn fields(object: &Object<ObjectId>) -> [u64; FIELDS] {
    let email = match object {
        Object::User(it) => it.email.as_deref(),
        _ => None,
    };
    let home = default_project(object).map(|it| it.to_bytes());
    [
        text(Some(object.name())),
        text(description(object)),
        xxh3_64(&[enabled(object).map_or(2, u8::from)]),
        text(email),
        xxh3_64(home.as_ref().map_or(&[][..], |it| &it[..])),
    ]
}

/// Whether the directory says of what differs the same as before, so that it was the region that
/// changed it. What no cloud can change is nothing that can be written.
pub(super) fn is_as_before(of: &Difference, before: &Was, now: &Was) -> bool {
    let field = match of {
        Difference::Renamed { .. } => 0,
        Difference::Description => 1,
        Difference::Enabled | Difference::Disabled => 2,
        Difference::Email => 3,
        Difference::DefaultProject => 4,
        _ => return true,
    };
    before.fields.get(field) == now.fields.get(field)
}

/// How something ended.
pub(super) fn lapse_digest(lapse: Lapse) -> Was {
    whole(&Record::Lapse(lapse))
}

/// What was decided about one of the region's things.
pub(super) fn binding_digest(binding: &Binding) -> Was {
    whole(&Record::Binding(binding.clone()))
}

fn whole(record: &Record) -> Was {
    Was {
        record: of_record(record),
        ..Was::default()
    }
}

fn of_record(record: &Record) -> Digest {
    // No record of an organization fails to encode; one that did would be written each time that
    // it differs.
    let encoded = encode(record).ok();
    encoded
        .map(|it| Digest::of(it.kind, &it.id, &it.value))
        .unwrap_or_default()
}

/// In what the cloud's thing differs from what it is to be. A default project that is none of the
/// federation's (`is_known`) is the region's own business where the directory has none.
pub(super) fn differences(
    wanted: &Object<CloudId>,
    found: &Object<CloudId>,
    is_known: impl Fn(&CloudId) -> bool,
) -> Vec<Difference> {
    let mut all = Vec::new();
    if wanted.name() != found.name() {
        let (from, to) = (wanted.name().to_owned(), found.name().to_owned());
        all.push(Difference::Renamed { from, to });
    }
    if !(wanted.kind()).is_description(description(wanted), description(found)) {
        all.push(Difference::Description);
    }
    match (enabled(wanted), enabled(found)) {
        (Some(true), Some(false)) => all.push(Difference::Disabled),
        (Some(false), Some(true)) => all.push(Difference::Enabled),
        _ => {}
    }
    match (wanted, found) {
        (Object::User(wanted), Object::User(found)) => {
            if wanted.email != found.email {
                all.push(Difference::Email);
            }
            let is_ours = found.default_project.as_ref().is_some_and(is_known);
            let is_other = wanted.default_project != found.default_project;
            if is_other && (wanted.default_project.is_some() || is_ours) {
                all.push(Difference::DefaultProject);
            }
        }
        (Object::Project(wanted), Object::Project(found)) if wanted.parent != found.parent => {
            all.push(Difference::Moved);
        }
        _ => {}
    }
    if wanted.department() != found.department() {
        all.push(Difference::Moved);
    }
    all.dedup();
    all
}

/// What is found, with what differs put right. Nothing moves: no cloud can do that.
pub(super) fn put_right(
    mut found: Object<CloudId>,
    wanted: &Object<CloudId>,
    differences: &[Difference],
) -> Object<CloudId> {
    for it in differences {
        match it {
            Difference::Renamed { .. } => found = renamed(found, wanted.name()),
            Difference::Description => found = described(found, description(wanted)),
            Difference::Enabled => found = switched(found, false),
            Difference::Disabled => found = switched(found, true),
            Difference::Email | Difference::DefaultProject => {
                if let (Object::User(found), Object::User(wanted)) = (&mut found, wanted) {
                    match it {
                        Difference::Email => found.email.clone_from(&wanted.email),
                        _ => found.default_project = wanted.default_project.clone(),
                    }
                }
            }
            _ => {}
        }
    }
    found
}

pub(super) fn description<I>(object: &Object<I>) -> Option<&str> {
    match object {
        Object::Department(it) => it.description.as_deref(),
        Object::Project(it) => it.description.as_deref(),
        Object::User(it) => it.description.as_deref(),
        Object::Group(it) => it.description.as_deref(),
        Object::Role(it) => it.description.as_deref(),
    }
}

/// The same with another description.
pub(super) fn described<I>(mut object: Object<I>, text: Option<&str>) -> Object<I> {
    *description_mut(&mut object) = text.map(str::to_owned);
    object
}

const fn description_mut<I>(object: &mut Object<I>) -> &mut Option<String> {
    match object {
        Object::Department(it) => &mut it.description,
        Object::Project(it) => &mut it.description,
        Object::User(it) => &mut it.description,
        Object::Group(it) => &mut it.description,
        Object::Role(it) => &mut it.description,
    }
}

/// Whether it is switched on; `None` where that can't be said of such a thing.
pub(super) const fn enabled<I>(object: &Object<I>) -> Option<bool> {
    match object {
        Object::Department(Department { enabled, .. }) => Some(*enabled),
        Object::Project(it) => Some(it.enabled),
        Object::User(it) => Some(it.enabled),
        Object::Group(_) | Object::Role(_) => None,
    }
}

/// The same, switched on or off where it can be.
pub(super) fn switched<I>(mut object: Object<I>, on: bool) -> Object<I> {
    match &mut object {
        Object::Department(it) => it.enabled = on,
        Object::Project(it) => it.enabled = on,
        Object::User(it) => it.enabled = on,
        Object::Group(_) | Object::Role(_) => {}
    }
    object
}

/// The same by another name.
pub(super) fn renamed<I>(mut object: Object<I>, name: &str) -> Object<I> {
    let its = match &mut object {
        Object::Department(it) => &mut it.name,
        Object::Project(it) => &mut it.name,
        Object::User(it) => &mut it.name,
        Object::Group(it) => &mut it.name,
        Object::Role(it) => &mut it.name,
    };
    name.clone_into(its);
    object
}

pub(super) const fn default_project<I>(object: &Object<I>) -> Option<&I> {
    match object {
        Object::User(it) => it.default_project.as_ref(),
        _ => None,
    }
}

/// A link as a record.
pub(super) fn link_record(link: Link<CloudId>) -> Record {
    match link {
        Link::Membership(it) => Record::Membership(it),
        Link::Implication(it) => Record::Implication(it),
        Link::Assignment(it) => Record::Assignment(it),
    }
}
