//! The cloud's organization as it was read last.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::FederationId;
use shared::model::{
    CloudId, Custody, Entry, Key, Link, Marker, Object, ObjectKind, Organization, Record,
    RecordKind,
};

use super::coverage::Coverage;
use super::subject::record_kind;
use crate::cloud::{Reading, is_same_name};

/// What is known of a thing beside what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traits {
    /// Who decides over it.
    pub custody: Custody,
    /// What a federation left on it.
    pub marker: Option<Marker>,
}

/// A cloud's organization, put and removed record by record.
#[derive(Debug, Clone, Default)]
pub struct Actual {
    organization: Organization<CloudId>,
    traits: BTreeMap<(ObjectKind, CloudId), Traits>,
    /// Links by the id of their record.
    links: BTreeMap<Key, Link<CloudId>>,
    /// The links of each thing.
    links_of: BTreeMap<(ObjectKind, CloudId), BTreeSet<Link<CloudId>>>,
    /// The projects that are nested in each.
    inner: BTreeMap<CloudId, BTreeSet<CloudId>>,
    /// How far it was read.
    coverage: Coverage,
}

/// What a record told of that changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// This thing.
    Thing(ObjectKind, CloudId),
    /// This link.
    Link(Link<CloudId>),
}

impl Actual {
    /// What it holds.
    pub const fn organization(&self) -> &Organization<CloudId> {
        &self.organization
    }

    /// Puts a record, in place of what has its id. `None` where nothing changed, or the record is
    /// none of an organization.
    pub fn put(&mut self, record: Record) -> Option<Touched> {
        let key = record.key();
        let link = match record {
            Record::Department(it) => return self.put_thing(it, Object::Department),
            Record::Project(it) => return self.put_thing(it, Object::Project),
            Record::User(it) => return self.put_thing(it, Object::User),
            Record::Group(it) => return self.put_thing(it, Object::Group),
            Record::Role(it) => return self.put_thing(it, Object::Role),
            Record::Membership(it) => Link::Membership(it),
            Record::Implication(it) => Link::Implication(it),
            Record::Assignment(it) => Link::Assignment(it),
            _ => return None,
        };
        if self.links.insert(key, link.clone()).is_some() {
            return None;
        }
        for (kind, id) in link.ends() {
            let links = self.links_of.entry((kind, id.clone())).or_default();
            links.insert(link.clone());
        }
        self.organization.link(link.clone());
        Some(Touched::Link(link))
    }

    fn put_thing<T>(
        &mut self,
        entry: Entry<T>,
        object: impl Fn(T) -> Object<CloudId>,
    ) -> Option<Touched> {
        let (id, object) = (entry.id, object(entry.what));
        let kind = object.kind();
        let traits = Traits {
            custody: entry.custody,
            marker: entry.marker,
        };
        let known = self.traits.insert((kind, id.clone()), traits);
        let before = self.organization.object(kind, &id);
        if known == Some(traits) && before.as_ref() == Some(&object) {
            return None;
        }
        self.nest(&id, before.as_ref(), Some(&object));
        self.organization.insert(id.clone(), object);
        Some(Touched::Thing(kind, id))
    }

    fn nest(
        &mut self,
        id: &CloudId,
        before: Option<&Object<CloudId>>,
        after: Option<&Object<CloudId>>,
    ) {
        let (before, after) = (before.and_then(outer), after.and_then(outer));
        if before == after {
            return;
        }
        if let Some(outer) = before
            && let Some(inner) = self.inner.get_mut(outer)
        {
            inner.remove(id);
            if inner.is_empty() {
                self.inner.remove(outer);
            }
        }
        if let Some(outer) = after {
            let inner = self.inner.entry(outer.clone()).or_default();
            inner.insert(id.clone());
        }
    }

    /// Removes a record. `None` where nothing has this key.
    pub fn remove(&mut self, key: &Key) -> Option<Touched> {
        let kind = match key.kind {
            RecordKind::Department => ObjectKind::Department,
            RecordKind::Project => ObjectKind::Project,
            RecordKind::User => ObjectKind::User,
            RecordKind::Group => ObjectKind::Group,
            RecordKind::Role => ObjectKind::Role,
            _ => return self.remove_link(key),
        };
        let before = self.organization.take(kind, &key.id)?;
        self.nest(&key.id, Some(&before), None);
        self.traits.remove(&(kind, key.id.clone()));
        Some(Touched::Thing(kind, key.id.clone()))
    }

    fn remove_link(&mut self, key: &Key) -> Option<Touched> {
        let link = self.links.remove(key)?;
        for (kind, id) in link.ends() {
            let end = (kind, id.clone());
            if let Some(links) = self.links_of.get_mut(&end) {
                links.remove(&link);
                if links.is_empty() {
                    self.links_of.remove(&end);
                }
            }
        }
        self.organization.unlink(&link);
        Some(Touched::Link(link))
    }

    /// Notes that the records of a kind were read to their end, so that what is not here is not in
    /// the cloud, but for what is in what the reading lacks. What one reading told and the next one
    /// does not is known all the same. Returns whether more is known than before, or less.
    pub fn is_read(&mut self, kind: RecordKind, reading: &Reading) -> bool {
        let groups = &self.organization.groups;
        let department = |it: &CloudId| groups.get(it).map(|it| &it.department);
        self.coverage.read(kind, reading, &department)
    }

    /// Whether the records of a kind were read to their end, of whichever departments.
    pub fn is_told(&self, kind: RecordKind) -> bool {
        self.coverage.is_told(kind)
    }

    /// Whether the records of a kind were read to their end, of all departments and groups.
    pub fn is_whole(&self, kind: RecordKind) -> bool {
        self.coverage.is_whole(kind)
    }

    /// How far it was read otherwise.
    pub(super) const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Whether this group has, or may have, members of whom no reading told.
    pub(super) fn hides_members(&self, group: &CloudId) -> bool {
        let department = self.department(ObjectKind::Group, group);
        self.coverage.hides_members(group, department)
    }

    /// Whether a thing of the cloud, whether or not it is known here, may be in a department of
    /// which no reading told things of its kind, or, where it is not, be beyond what one told.
    pub(super) fn may_be_unlisted(&self, kind: ObjectKind, here: &CloudId) -> bool {
        let (of, department) = (record_kind(kind), self.department(kind, here));
        let is_beyond = || !self.organization.has(kind, here) && self.coverage.is_cut(of, None);
        self.coverage.lacks(of, department) || is_beyond()
    }

    /// A thing.
    pub fn object(&self, kind: ObjectKind, id: &CloudId) -> Option<Object<CloudId>> {
        self.organization.object(kind, id)
    }

    /// What is known of a thing beside what it is; the default where it is not here.
    pub fn traits(&self, kind: ObjectKind, id: &CloudId) -> Traits {
        let traits = self.traits.get(&(kind, id.clone()));
        traits.copied().unwrap_or_default()
    }

    /// Which of a federation's directory its marker says a thing is.
    pub(super) fn marked(
        &self,
        kind: ObjectKind,
        id: &CloudId,
        federation: FederationId,
    ) -> Option<shared::ids::ObjectId> {
        let marker = self.traits(kind, id).marker?;
        (marker.federation == federation).then_some(marker.object)
    }

    /// Whether a link is there.
    pub fn has_link(&self, link: &Link<CloudId>) -> bool {
        self.organization.has_link(link)
    }

    /// The links of a thing.
    pub fn links_of(&self, kind: ObjectKind, id: &CloudId) -> impl Iterator<Item = &Link<CloudId>> {
        let links = self.links_of.get(&(kind, id.clone()));
        links.into_iter().flatten()
    }

    /// Another thing of the same kind and department that has a thing's name, as most databases
    /// under Keystone compare names. Looks at all of the kind.
    pub(super) fn named(&self, like: &Object<CloudId>, but: Option<&CloudId>) -> Option<&CloudId> {
        fn find<T>(
            all: &BTreeMap<CloudId, T>,
            is_it: impl Fn(&CloudId, &T) -> bool,
        ) -> Option<&CloudId> {
            let mut all = all.iter();
            all.find(|(id, it)| is_it(id, it)).map(|(id, _)| id)
        }
        let all = &self.organization;
        let (home, name) = (like.department(), like.name());
        let is_it = |id: &CloudId, department: Option<&CloudId>, its: &str| {
            department == home && Some(id) != but && is_same_name(its, name)
        };
        match like.kind() {
            ObjectKind::Department => find(&all.departments, |id, it| is_it(id, None, &it.name)),
            ObjectKind::Project => find(&all.projects, |id, it| {
                is_it(id, Some(&it.department), &it.name)
            }),
            ObjectKind::User => find(&all.users, |id, it| {
                is_it(id, Some(&it.department), &it.name)
            }),
            ObjectKind::Group => find(&all.groups, |id, it| {
                is_it(id, Some(&it.department), &it.name)
            }),
            ObjectKind::Role => find(&all.roles, |id, it| {
                is_it(id, it.department.as_ref(), &it.name)
            }),
        }
    }

    /// The projects that are nested directly in one.
    pub(super) fn inner(&self, id: &CloudId) -> impl Iterator<Item = &CloudId> {
        self.inner.get(id).into_iter().flatten()
    }

    /// The projects that one is nested in, from the inside out.
    pub(super) fn outer(&self, inner: &CloudId) -> Vec<CloudId> {
        let projects = &self.organization.projects;
        let mut all: Vec<CloudId> = Vec::new();
        let mut at = inner;
        // A cloud that tells of a circle must not keep us here.
        while let Some(parent) = projects.get(at).and_then(|it| it.parent.as_ref())
            && !all.contains(parent)
        {
            all.push(parent.clone());
            at = parent;
        }
        all
    }

    /// The department that a thing is in; a department is in itself.
    pub(super) fn department<'a>(
        &'a self,
        kind: ObjectKind,
        here: &'a CloudId,
    ) -> Option<&'a CloudId> {
        let all = &self.organization;
        match kind {
            ObjectKind::Department => Some(here),
            ObjectKind::Project => all.projects.get(here).map(|it| &it.department),
            ObjectKind::User => all.users.get(here).map(|it| &it.department),
            ObjectKind::Group => all.groups.get(here).map(|it| &it.department),
            ObjectKind::Role => all.roles.get(here)?.department.as_ref(),
        }
    }

    /// Every thing that has a name.
    pub(super) fn things(&self) -> impl Iterator<Item = &(ObjectKind, CloudId)> {
        self.traits.keys()
    }
}

const fn outer(object: &Object<CloudId>) -> Option<&CloudId> {
    match object {
        Object::Project(it) => it.parent.as_ref(),
        _ => None,
    }
}
