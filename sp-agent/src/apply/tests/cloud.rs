//! A Keystone as a plain value, with those of its rules that matter here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use shared::model::{
    Custody, Key, Link, Marker, Object, ObjectKind, Organization, Record, RecordKind,
};

use super::super::compare::record;
use super::super::subject::record_kind;
use super::*;
use crate::cloud::{Cut, QuotaOrder, Reach, Reading};

#[derive(Debug, Clone, Default)]
pub(super) struct Fake {
    pub(super) all: Organization<CloudId>,
    pub(super) markers: BTreeMap<(ObjectKind, CloudId), Marker>,
    pub(super) custody: BTreeMap<(ObjectKind, CloudId), Custody>,
    /// The versions of passwords that were set.
    pub(super) passwords: BTreeMap<CloudId, u64>,
    /// The limits that were set, in their order.
    pub(super) quotas: Vec<QuotaOrder>,
    /// What tenants have in a project.
    pub(super) contents: BTreeMap<CloudId, String>,
    /// What it does not let be removed, nor changed, as things of a read-only LDAP.
    pub(super) fixed: BTreeSet<CloudId>,
    /// Departments whose directory server is away: of whose users, groups and memberships nothing
    /// is told.
    pub(super) away: BTreeSet<CloudId>,
    /// Kinds that are told of those all the same.
    pub(super) told_all_the_same: BTreeSet<RecordKind>,
    /// Groups that are listed, and of whose members nothing is told.
    pub(super) closed: BTreeSet<CloudId>,
    /// Departments whose lists of users are cut, with the names of those that come.
    pub(super) cut: BTreeMap<CloudId, BTreeSet<&'static str>>,
    made: u128,
}

pub(super) const KINDS: [RecordKind; 8] = [
    RecordKind::Department,
    RecordKind::Role,
    RecordKind::Project,
    RecordKind::Group,
    RecordKind::User,
    RecordKind::Membership,
    RecordKind::Implication,
    RecordKind::Assignment,
];

fn refused(status: u16) -> CloudError {
    if status == 409 {
        return CloudError::Conflict {
            endpoint: "keystone".to_owned(),
            what: "an order".to_owned(),
            reason: "a name that is taken".to_owned(),
        };
    }
    CloudError::Status {
        endpoint: "keystone".to_owned(),
        what: "an order".to_owned(),
        status,
        reason: "a rule".to_owned(),
    }
}

pub(super) fn objects<I: Ord + Clone>(all: &Organization<I>) -> Vec<(ObjectKind, I, Object<I>)> {
    let mut found = Vec::new();
    let departments = all.departments.iter();
    found.extend(departments.map(|(id, it)| (id.clone(), Object::Department(it.clone()))));
    found.extend(
        all.roles
            .iter()
            .map(|(id, it)| (id.clone(), Object::Role(it.clone()))),
    );
    found.extend(
        all.projects
            .iter()
            .map(|(id, it)| (id.clone(), Object::Project(it.clone()))),
    );
    found.extend(
        all.groups
            .iter()
            .map(|(id, it)| (id.clone(), Object::Group(it.clone()))),
    );
    found.extend(
        all.users
            .iter()
            .map(|(id, it)| (id.clone(), Object::User(it.clone()))),
    );
    found
        .into_iter()
        .map(|(id, it)| (it.kind(), id, it))
        .collect()
}

pub(super) fn links<I: Ord + Clone>(all: &Organization<I>) -> Vec<Link<I>> {
    let memberships = all.memberships.iter().cloned().map(Link::Membership);
    let implications = all.implications.iter().cloned().map(Link::Implication);
    let assignments = all.assignments.iter().cloned().map(Link::Assignment);
    memberships.chain(implications).chain(assignments).collect()
}

fn link_record(link: Link<CloudId>) -> Record {
    match link {
        Link::Membership(it) => Record::Membership(it),
        Link::Implication(it) => Record::Implication(it),
        Link::Assignment(it) => Record::Assignment(it),
    }
}

impl Fake {
    pub(super) fn add(&mut self, object: Object<CloudId>) -> CloudId {
        self.made += 1;
        let id = CloudId::new(&format!("{:032x}", self.made));
        self.all.insert(id.clone(), object);
        id
    }

    pub(super) fn mark(&mut self, kind: ObjectKind, id: &CloudId, object: shared::ids::ObjectId) {
        let federation = federation();
        self.markers
            .insert((kind, id.clone()), Marker { federation, object });
    }

    pub(super) fn reserve(&mut self, kind: ObjectKind, id: &CloudId) {
        self.custody.insert((kind, id.clone()), Custody::Reserved);
    }

    pub(super) fn named(&self, kind: ObjectKind, name: &str) -> Vec<CloudId> {
        let all = objects(&self.all).into_iter();
        let all = all.filter(|(of, _, it)| *of == kind && it.name() == name);
        all.map(|(_, id, _)| id).collect()
    }

    /// Tells all that there is, and what is not there any more.
    pub(super) fn tell(&self, core: &mut Reconciler, now: Instant) {
        self.tell_kinds(core, now, &KINDS);
    }

    /// The same of some kinds alone.
    pub(super) fn tell_kinds(&self, core: &mut Reconciler, now: Instant, kinds: &[RecordKind]) {
        let is_thing = |it: &Object<CloudId>| kinds.contains(&record_kind(it.kind()));
        let is_link = |it: &Link<CloudId>| kinds.contains(&it.kind());
        let known = core.actual().organization().clone();
        for (kind, id, object) in objects(&known) {
            let is_held = self.hides(&object) || self.cut_of(&object).is_some();
            if is_thing(&object) && !self.all.has(kind, &id) && !is_held {
                let kind = record_kind(kind);
                core.remove(&Key { kind, id });
            }
        }
        let here = links(&self.all);
        for link in links(&known) {
            if is_link(&link) && !here.contains(&link) && !self.hides_link(&known, &link) {
                core.remove(&link_record(link).key());
            }
        }
        self.tell_held(
            core,
            |of, it| is_thing(it) && !of.hides(it),
            |of, it| is_link(it) && !of.hides_link(&of.all, it),
        );
        for kind in kinds.iter().copied() {
            let (lacks, tells) = self.reach(kind);
            let reading = Reading {
                began: now,
                lacks,
                tells: Arc::new(tells),
                cut: Arc::new(self.came(kind)),
            };
            core.is_read(kind, reading);
        }
    }

    /// Of what a reading tells nothing, and of what it tells.
    fn reach(&self, kind: RecordKind) -> (Reach, Reach) {
        use RecordKind::{Group, Membership, User};
        let (mut lacks, mut tells) = (Reach::default(), Reach::default());
        if !matches!(kind, User | Group | Membership) {
            return (lacks, tells);
        }
        if !self.told_all_the_same.contains(&kind) {
            lacks.departments.clone_from(&self.away);
        }
        let is_cut = |it: &CloudId| kind == User && self.cut.contains_key(it);
        let is_told = |it: &&CloudId| !lacks.departments.contains(*it) && !is_cut(it);
        let told = self.all.departments.keys().filter(is_told);
        tells.departments = told.cloned().collect();
        if kind == Membership {
            let groups = self.all.groups.iter();
            let listed = groups.filter(|(_, it)| is_told(&&it.department));
            for (id, group) in listed {
                match self.closed.contains(id) {
                    true => {
                        tells.departments.remove(&group.department);
                        lacks.groups.insert(id.clone());
                    }
                    false => drop(tells.groups.insert(id.clone())),
                }
            }
        }
        (lacks, tells)
    }

    /// What comes of lists that are cut.
    fn came(&self, kind: RecordKind) -> Cut {
        let users = objects(&self.all).into_iter();
        let users = users.filter(|(of, ..)| kind == RecordKind::User && *of == ObjectKind::User);
        let users: Vec<_> = users.filter(|(.., it)| !self.hides(it)).collect();
        let of = |id: &CloudId| {
            let its = users.iter().filter(|(.., it)| it.department() == Some(id));
            its.map(|(_, id, _)| id.clone()).collect()
        };
        let all = self.cut.keys().filter(|_| kind == RecordKind::User);
        all.map(|id| (id.clone(), of(id))).collect()
    }

    /// Of whom something comes, where a thing's list is cut.
    fn cut_of(&self, object: &Object<CloudId>) -> Option<&BTreeSet<&'static str>> {
        match object {
            Object::User(it) => self.cut.get(&it.department),
            _ => None,
        }
    }

    /// Tells some of what there is, without having read it.
    pub(super) fn tell_held(
        &self,
        core: &mut Reconciler,
        is_it: impl Fn(&Self, &Object<CloudId>) -> bool,
        is_link: impl Fn(&Self, &Link<CloudId>) -> bool,
    ) {
        for (kind, id, object) in objects(&self.all) {
            if is_it(self, &object) {
                let marker = self.markers.get(&(kind, id.clone())).copied();
                let custody = self.custody.get(&(kind, id.clone())).copied();
                core.put(record(id, custody.unwrap_or_default(), marker, object));
            }
        }
        let told = links(&self.all).into_iter().filter(|it| is_link(self, it));
        told.for_each(|it| core.put(link_record(it)));
    }

    fn hides(&self, object: &Object<CloudId>) -> bool {
        let is_beyond = |it: &BTreeSet<&str>| !it.contains(object.name());
        self.is_in_one_away(object) || self.cut_of(object).is_some_and(is_beyond)
    }

    fn is_in_one_away(&self, object: &Object<CloudId>) -> bool {
        let is_listed = !matches!(object, Object::User(_) | Object::Group(_))
            || self.told_all_the_same.contains(&record_kind(object.kind()));
        !is_listed && object.department().is_some_and(|it| self.away.contains(it))
    }

    fn hides_link(&self, known: &Organization<CloudId>, link: &Link<CloudId>) -> bool {
        let Link::Membership(it) = link else {
            return false;
        };
        if self.closed.contains(&it.group) {
            return true;
        }
        let group = known.groups.get(&it.group);
        !self.away.is_empty() && group.is_none_or(|it| self.away.contains(&it.department))
    }

    /// Whether an order is about what is in a department that is away.
    pub(super) fn is_away(&self, order: &Order) -> bool {
        let is_away = |kind, id: &CloudId| {
            let found = self.all.object(kind, id);
            found.is_some_and(|it| self.is_in_one_away(&it))
        };
        match order {
            Order::Create { object, .. } => self.is_in_one_away(object),
            Order::Update { to, .. } => self.is_in_one_away(to),
            Order::Remove { kind, id } => is_away(*kind, id),
            Order::Link(link) | Order::Unlink(link) => {
                let is_hidden = self.hides_link(&self.all, link);
                is_hidden || link.ends().any(|(kind, id)| is_away(kind, id))
            }
            Order::Password(user, _) => is_away(ObjectKind::User, user),
            Order::Look { id, .. } | Order::Purge { id, .. } => self.away.contains(id),
            Order::Quota(_) => false,
        }
    }

    fn is_taken(&self, object: &Object<CloudId>, but: Option<&CloudId>) -> bool {
        objects(&self.all).iter().any(|(kind, id, it)| {
            let same = *kind == object.kind() && it.department() == object.department();
            same && it.name() == object.name() && Some(id) != but
        })
    }

    fn check(&self, object: &Object<CloudId>, but: Option<&CloudId>) -> Result<(), CloudError> {
        let department = object.department();
        if department.is_some_and(|it| !self.all.departments.contains_key(it)) {
            return Err(refused(404));
        }
        if let Object::Project(it) = object {
            let outer = it.parent.as_ref().map(|it| self.all.projects.get(it));
            let is_outer_on = outer.map(|it| it.ok_or(refused(404))).transpose()?;
            let home = self.all.departments.get(&it.department);
            let is_around_on =
                is_outer_on.is_none_or(|it| it.enabled) && home.is_some_and(|it| it.enabled);
            let found = but.and_then(|it| self.all.projects.get(it));
            let was_on = found.is_some_and(|it| it.enabled);
            if !is_around_on && (found.is_none() || it.enabled && !was_on) {
                return Err(refused(403));
            }
        }
        match self.is_taken(object, but) {
            true => Err(refused(409)),
            false => Ok(()),
        }
    }

    /// What the real ones find beside what goes along.
    fn look(
        &self,
        (kind, id): (ObjectKind, &CloudId),
        along: &BTreeSet<CloudId>,
    ) -> Result<(), CloudError> {
        let found = self.all.object(kind, id).ok_or(refused(404))?;
        assert_ne!(super::super::compare::enabled(&found), Some(true));
        let all = objects(&self.all);
        let mut others = all.iter().filter(|it| !along.contains(&it.1));
        assert!(!others.any(|it| it.2.department() == Some(id)));
        match self.contents.get(id) {
            Some(found) => {
                let (what, found) = (id.to_string(), found.clone());
                Err(CloudError::Occupied { what, found })
            }
            None => Ok(()),
        }
    }

    /// What the real ones find is found here, and what they would take along must not be there.
    fn purge(&mut self, kind: ObjectKind, id: &CloudId) -> Result<(), CloudError> {
        let found = self.all.object(kind, id).ok_or(refused(404))?;
        assert_ne!(super::super::compare::enabled(&found), Some(true));
        let is_inside = |it: &Object<CloudId>| match it {
            Object::Project(it) if kind == ObjectKind::Project => it.parent.as_ref() == Some(id),
            it => it.department() == Some(id),
        };
        assert!(!objects(&self.all).iter().any(|it| is_inside(&it.2)));
        if let Some(found) = self.contents.get(id) {
            let (what, found) = (id.to_string(), found.clone());
            return Err(CloudError::Occupied { what, found });
        }
        self.all.take(kind, id);
        self.markers.remove(&(kind, id.clone()));
        for link in links(&self.all) {
            if link.ends().any(|it| it == (kind, id)) {
                self.all.unlink(&link);
            }
        }
        Ok(())
    }

    /// What is gone already is removed.
    fn remove(&mut self, kind: ObjectKind, id: &CloudId) {
        assert!(!matches!(
            kind,
            ObjectKind::Department | ObjectKind::Project
        ));
        self.lose(kind, id);
    }

    pub(super) fn perform(&mut self, order: &Order) -> Result<Option<CloudId>, CloudError> {
        match order {
            order if self.is_away(order) => return Err(refused(500)),
            Order::Update { id, .. } | Order::Remove { id, .. } if self.fixed.contains(id) => {
                return Err(refused(403));
            }
            Order::Create { object, marker } => {
                self.check(object, None)?;
                let id = self.add(object.clone());
                self.markers.insert((object.kind(), id.clone()), *marker);
                return Ok(Some(id));
            }
            Order::Update { id, to, marker, .. } => {
                let kind = to.kind();
                let found = self.all.object(kind, id).ok_or(refused(404))?;
                assert_eq!(found.department(), to.department(), "nothing moves");
                self.check(to, Some(id))?;
                if let (Object::Project(found), Object::Project(to)) = (&found, to) {
                    let mut inner = self.all.projects.values();
                    let has_inner = inner.any(|it| it.parent.as_ref() == Some(id) && it.enabled);
                    if found.enabled && !to.enabled && has_inner {
                        return Err(refused(403));
                    }
                }
                self.all.insert(id.clone(), to.clone());
                if let Some(marker) = marker {
                    self.markers.insert((kind, id.clone()), *marker);
                }
            }
            Order::Remove { kind, id } => self.remove(*kind, id),
            Order::Look {
                kind, id, along, ..
            } => self.look((*kind, id), along)?,
            Order::Purge { kind, id, .. } => self.purge(*kind, id)?,
            Order::Link(link) => {
                if link.ends().any(|(kind, id)| !self.all.has(kind, id)) {
                    return Err(refused(404));
                }
                self.all.link(link.clone());
            }
            Order::Unlink(link) => self.all.unlink(link),
            Order::Password(user, secret) => {
                if !self.all.has(ObjectKind::User, user) {
                    return Err(refused(404));
                }
                self.passwords.insert(user.clone(), secret.version);
            }
            Order::Quota(order) => {
                if !self.all.has(ObjectKind::Project, &order.project) {
                    return Err(refused(404));
                }
                self.quotas.push(order.clone());
            }
        }
        Ok(None)
    }

    /// Removes a thing with its links, also as somebody in the region does.
    pub(super) fn lose(&mut self, kind: ObjectKind, id: &CloudId) {
        let id = id.clone();
        let _ = self.all.take(kind, &id);
        self.markers.remove(&(kind, id.clone()));
        for link in links(&self.all) {
            if link.ends().any(|it| it == (kind, &id)) {
                self.all.unlink(&link);
            }
        }
    }
}
