//! In what a Keystone differs from the directory: exactly, and both ways. Pure.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::ObjectId;
use shared::model::{CloudId, Object, ObjectKind, Organization, Subject};

use super::site::objects;

/// Which of a Keystone's things are which of the directory's.
pub(super) type Known = BTreeMap<(ObjectKind, CloudId), ObjectId>;

/// Likewise, the other way round.
pub(super) type Here = BTreeMap<(ObjectKind, ObjectId), CloudId>;

/// Of each thing of the directory the one that it is in the Keystone, and what of that is another
/// one still: of which there is to be nothing.
pub(super) fn inverted(known: &Known) -> (Here, Vec<String>) {
    let (mut here, mut twice) = (Here::new(), Vec::new());
    for ((kind, it), id) in known {
        if let Some(before) = here.insert((*kind, *id), it.clone()) {
            twice.push(format!(
                "twice: {kind:?} {id} is {it}, and {before} as well"
            ));
        }
    }
    (here, twice)
}

pub(super) fn is_on<I>(object: &Object<I>) -> Option<bool> {
    match object {
        Object::Department(it) => Some(it.enabled),
        Object::Project(it) => Some(it.enabled),
        Object::User(it) => Some(it.enabled),
        Object::Group(_) | Object::Role(_) => None,
    }
}

/// No description is left of a role that is to have none, or an empty one: an older Keystone takes
/// none away.
fn plain(wanted: &Object<ObjectId>, there: &mut Object<ObjectId>) {
    if let (Object::Role(wanted), Object::Role(there)) = (wanted, there)
        && wanted.description.is_none()
        && there.description.as_deref() == Some("")
    {
        there.description = None;
    }
}

pub(super) struct Compare<'a> {
    pub(super) known: &'a Known,
    pub(super) here: &'a Here,
    pub(super) cloud: &'a Organization<CloudId>,
    pub(super) live: &'a Organization<ObjectId>,
}

impl Compare<'_> {
    /// What is not there, or is not as the directory says: its name, what it is in, and the rest.
    pub(super) fn things(&self) -> BTreeSet<Subject> {
        let mut found = BTreeSet::new();
        for (kind, id, mut wanted) in objects(self.live) {
            let Some(mut there) = self.there(kind, id) else {
                found.insert(Subject::Object(kind, id));
                continue;
            };
            if let (Object::User(wanted), Object::User(there)) = (&mut wanted, &mut there) {
                let project = wanted.default_project;
                // One that is not here follows once it is, and one that is none of the
                // federation's is the region's business.
                let is_here =
                    project.is_some_and(|it| self.here.contains_key(&(ObjectKind::Project, it)));
                if project.is_some() && !is_here {
                    wanted.default_project = None;
                    there.default_project = None;
                }
            }
            plain(&wanted, &mut there);
            if wanted != there {
                found.insert(Subject::Object(kind, id));
            }
        }
        found
    }

    /// What a thing of the directory is like there, in the directory's ids.
    pub(super) fn there(&self, kind: ObjectKind, id: ObjectId) -> Option<Object<ObjectId>> {
        let here = self.here.get(&(kind, id))?;
        let there = self.cloud.object(kind, here)?;
        there.translated(|kind, it: &CloudId| self.known.get(&(kind, it.clone())).copied())
    }

    /// Between things of the directory: those that are not there, and those that are and are not
    /// its.
    pub(super) fn links(&self) -> BTreeSet<Subject> {
        let known = |kind, it: &CloudId| {
            let id = self.known.get(&(kind, it.clone())).copied()?;
            self.live.has(kind, &id).then_some(id)
        };
        let there: BTreeSet<_> = self
            .cloud
            .links()
            .filter_map(|it| it.translated(known))
            .collect();
        let wanted: BTreeSet<_> = self.live.links().collect();
        let differing = there.symmetric_difference(&wanted).cloned();
        differing.map(Subject::Link).collect()
    }

    /// What the region alone has, of what is not reserved.
    pub(super) fn own(
        &self,
        is_reserved: impl Fn(ObjectKind, &CloudId, &CloudId) -> bool,
    ) -> BTreeSet<Subject> {
        let things = objects(self.cloud).into_iter();
        let own = things.filter(|(kind, id, object)| {
            let home = object.department().unwrap_or(id);
            let is_known = self.known.contains_key(&(*kind, id.clone()));
            !is_known && !is_reserved(*kind, id, home)
        });
        own.map(|(kind, id, _)| Subject::Own(kind, id)).collect()
    }
}
