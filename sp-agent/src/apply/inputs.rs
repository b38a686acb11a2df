//! What the reconciler is told, and what is looked at again because of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use shared::ids::ObjectId;
use shared::model::{
    Becomes, CloudId, Custody, End, Key, Link, Object, ObjectKind, Record, RecordKind,
};

use super::actual::Touched;
use super::compare::note_id;
use super::link_ends::ends;
use super::objects::{default_project, needs};
use super::places::{Here, Moved};
use super::subject::Subject;
use super::{Policy, Reconciler};
use crate::replica::{Note, Replica};

impl Reconciler {
    /// Takes what the hub told last. Only what it told anew is looked at.
    pub fn follow(&mut self, replica: &Replica) {
        for (kind, id, object) in changed_objects(&self.replica, replica) {
            self.tell(kind, id, object);
        }
        for (link, is_there) in changed_links(&self.replica, replica) {
            self.tell_link(link, is_there);
        }
        for id in changed(&self.replica.ended, &replica.ended) {
            self.tell_end(id, replica.ended.get(&id).copied());
        }
        for here in changed(&self.replica.bindings, &replica.bindings) {
            let becomes = replica.bindings.get(&here).cloned();
            self.tell_binding(here, becomes);
        }
        for user in changed(&self.replica.secrets, &replica.secrets) {
            self.tell_secret(user, replica.secrets.get(&user).cloned());
        }
    }

    /// A thing of the directory is so; `None`: the directory says nothing of it any more.
    pub fn tell(&mut self, kind: ObjectKind, id: ObjectId, object: Option<Object<ObjectId>>) {
        let subject = Subject::Object(kind, id);
        let before = self.replica.directory.take(kind, &id);
        if before == object {
            if let Some(object) = object {
                self.replica.directory.insert(id, object);
            }
            return;
        }
        for needed in before.iter().flat_map(references) {
            self.refers_no_more(needed, &subject);
        }
        if let Some(object) = object {
            for needed in references(&object) {
                self.referrers
                    .entry(needed)
                    .or_default()
                    .insert(subject.clone());
            }
            self.replica.directory.insert(id, object);
        }
        // What failed was another wish.
        self.failures.forget(&subject);
        self.look_at_outer(kind, id);
        // A link is wanted while its ends are in the directory, a region's own thing is withheld
        // while they are not.
        self.look_at_referrers(kind, id);
        if let Some(here) = self.places.here(kind, &id) {
            self.dirty.insert(Subject::Own(kind, here));
        }
        self.dirty.insert(subject);
    }

    /// A link is in the directory, or not any more.
    pub fn tell_link(&mut self, link: Link<ObjectId>, is_there: bool) {
        match is_there {
            true => self.replica.directory.link(link.clone()),
            false => self.replica.directory.unlink(&link),
        }
        self.failures.forget(&Subject::Link(link.clone()));
        self.look_at_link(link);
    }

    /// A thing ended; `None` takes that back.
    pub fn tell_end(&mut self, id: ObjectId, end: Option<(ObjectKind, End)>) {
        let before = match end {
            Some(end) => self.replica.ended.insert(id, end),
            None => self.replica.ended.remove(&id),
        };
        for (kind, _) in before.into_iter().chain(end) {
            self.dirty.insert(Subject::Object(kind, id));
        }
    }

    /// The hub decided about one of the region's things; `None` takes that back.
    pub fn tell_binding(&mut self, here: Here, becomes: Option<Becomes>) {
        match &becomes {
            Some(it) => drop(self.replica.bindings.insert(here.clone(), it.clone())),
            None => drop(self.replica.bindings.remove(&here)),
        }
        let (kind, id) = here.clone();
        if let Some(there) = self.places.there(kind, &id) {
            self.dirty.insert(Subject::Object(kind, there));
        }
        self.dirty.insert(Subject::Own(kind, id));
        let moved = self.places.bind(&here, becomes, &self.base, &self.actual);
        self.move_all(moved);
    }

    /// The region's operator allows something else.
    pub fn allow(&mut self, policy: Policy) {
        if self.policy != policy {
            self.policy = policy;
            self.look_at_everything();
        }
    }

    /// Writes the directory's word over drift, once: makes again what was deleted, and takes away a
    /// link that was made in the region. What is no drift is not changed by this.
    pub fn put_back(&mut self, subject: Subject) {
        // What does not exist would be remembered for ever.
        if self.standings.contains_key(&subject) {
            self.put_back.insert(subject.clone());
            self.dirty.insert(subject);
        }
    }

    /// The cloud has this, as it was read or written.
    pub fn put(&mut self, record: Record) {
        if let Some(touched) = self.actual.put(record) {
            self.touched(touched);
        }
    }

    /// The cloud has this no more.
    pub fn remove(&mut self, key: &Key) {
        if let Some(touched) = self.actual.remove(key) {
            self.touched(touched);
        }
    }

    /// The records of a kind were read to their end, by a reading that began then, since this
    /// reconciler was made: an older one does not show what was made just before. All of its
    /// records must have been put before.
    pub fn is_read(&mut self, kind: RecordKind, began: Instant) {
        if self.actual.is_read(kind) {
            self.look_at_everything();
        }
        self.resolve_doubts(kind, began);
        let waiting = self.failures.is_read(kind, began);
        self.dirty.extend(waiting);
    }

    fn touched(&mut self, touched: Touched) {
        let (kind, here) = match touched {
            Touched::Link(link) => {
                if let Some(link) = self.known_link(&link) {
                    self.look_at_link(link);
                }
                return;
            }
            Touched::Thing(kind, here) => (kind, here),
        };
        if let Some(there) = self.places.there(kind, &here) {
            self.dirty.insert(Subject::Object(kind, there));
        }
        self.dirty.insert(Subject::Own(kind, here.clone()));
        let place = (kind, here.clone());
        let moved = self.places.see(&place, &self.base, &self.actual);
        self.move_all(moved);
        self.look_around(kind, &here);
    }

    /// What depends on how a thing is, beside on whether it is there.
    fn look_around(&mut self, kind: ObjectKind, here: &CloudId) {
        let is_common = self.actual.traits(kind, here).custody == Custody::Common;
        match kind {
            ObjectKind::Department => {
                let was_common = match is_common {
                    true => !self.reserved.remove(here),
                    false => !self.reserved.insert(here.clone()),
                };
                // Few ever are, and all that is in them is then the region's own.
                if !is_common || !was_common {
                    self.look_at_everything();
                }
            }
            ObjectKind::Project => {
                let found = self.actual.organization().projects.get(here);
                let outer = found.and_then(|it| it.parent.clone());
                let inner = self.actual.inner(here).cloned();
                let near: Vec<CloudId> = inner.chain(outer).collect();
                for it in near {
                    if let Some(there) = self.places.there(kind, &it) {
                        self.dirty.insert(Subject::Object(kind, there));
                    }
                    self.dirty.insert(Subject::Own(kind, it));
                }
            }
            ObjectKind::User | ObjectKind::Group | ObjectKind::Role => {}
        }
        if !is_common && let Some(there) = self.places.there(kind, here) {
            self.look_at_referrers(kind, there);
        }
    }

    /// Takes over what was noted.
    pub(super) fn note(&mut self, note: Note) {
        let before = match &note {
            Note::Object(kind, id, _) => self.base.objects.get(&(*kind, *id)).cloned(),
            Note::Link(..) | Note::Password(..) => None,
        };
        self.notes.push(note.clone());
        self.base.note(note.clone());
        let Note::Object(kind, id, now) = note else {
            return;
        };
        let is_another = match (&before, &now) {
            (Some(before), Some(now)) => before.here != now.here,
            _ => now.is_none(),
        };
        // What stays the region's own is noted too, and is no thing of the directory.
        let its = now.as_ref().or(before.as_ref());
        if its.is_some_and(|it| note_id(kind, &it.here) != id) {
            let what = (kind, id);
            let moved = self
                .places
                .noted(what, before.as_ref(), &self.base, &self.actual);
            self.move_all(moved);
        }
        if is_another {
            self.forget_links(kind, id);
        }
    }

    /// What was linked to a thing that is another one now was linked to the old one.
    fn forget_links(&mut self, kind: ObjectKind, id: ObjectId) {
        let referrers = self.referrers.get(&(kind, id)).into_iter().flatten();
        let links = referrers.filter_map(|it| match it {
            Subject::Link(link) => Some(link.clone()),
            _ => None,
        });
        let links: Vec<Link<ObjectId>> = links.collect();
        for link in links {
            let here = link.translated(|kind, id| self.places.here(kind, id));
            let is_there = here.is_some_and(|it| self.actual.has_link(&it));
            if !is_there && self.base.links.contains(&link.id()) {
                self.note(Note::Link(link.id(), false));
                self.dirty.insert(Subject::Link(link));
            }
        }
    }

    fn move_all(&mut self, moved: Vec<Moved>) {
        for Moved { what, from, to } in moved {
            let (kind, id) = what;
            let subject = Subject::Object(kind, id);
            if to.is_some() {
                self.failures.forget(&subject);
            }
            self.dirty.insert(subject);
            self.look_at_referrers(kind, id);
            self.look_at_outer(kind, id);
            for here in from.into_iter().chain(to) {
                let links = self.actual.links_of(kind, &here);
                let links: Vec<_> = links.filter_map(|it| self.known_link(it)).collect();
                for link in links {
                    self.look_at_link(link);
                }
                self.dirty.insert(Subject::Own(kind, here));
            }
        }
    }

    fn look_at_referrers(&mut self, kind: ObjectKind, id: ObjectId) {
        let referrers = self.referrers.get(&(kind, id)).into_iter().flatten();
        self.dirty.extend(referrers.cloned());
    }

    /// Whether a project is switched off hangs on those in it.
    fn look_at_outer(&mut self, kind: ObjectKind, id: ObjectId) {
        if kind != ObjectKind::Project {
            return;
        }
        let project = self.replica.directory.projects.get(&id);
        if let Some(outer) = project.and_then(|it| it.parent) {
            self.dirty.insert(Subject::Object(kind, outer));
        }
    }

    fn look_at_link(&mut self, link: Link<ObjectId>) {
        let subject = Subject::Link(link.clone());
        for (kind, id) in ends(&link) {
            let referrers = self.referrers.entry((kind, *id)).or_default();
            referrers.insert(subject.clone());
        }
        self.dirty.insert(subject);
    }

    /// Nothing waits on what a subject refers to any more.
    pub(super) fn refers_no_more(&mut self, needed: (ObjectKind, ObjectId), subject: &Subject) {
        if let Some(all) = self.referrers.get_mut(&needed) {
            all.remove(subject);
            if all.is_empty() {
                self.referrers.remove(&needed);
            }
        }
    }

    /// Looks at all there is: at the beginning, and where what changed concerns much.
    fn look_at_everything(&mut self) {
        let directory = &self.replica.directory;
        for (kind, id) in keys(directory).chain(self.base.objects.keys().copied()) {
            self.dirty.insert(Subject::Object(kind, id));
        }
        for (id, (kind, _)) in &self.replica.ended {
            self.dirty.insert(Subject::Object(*kind, *id));
        }
        let secrets = self.replica.secrets.keys();
        self.dirty.extend(secrets.map(|it| Subject::Password(*it)));
        for (kind, here) in self.actual.things() {
            self.dirty.insert(Subject::Own(*kind, here.clone()));
        }
        self.dirty.extend(self.standings.keys().cloned());
        let links: Vec<_> = all_links(directory).collect();
        let found = all_links(self.actual.organization());
        let found: Vec<_> = found.filter_map(|it| self.known_link(&it)).collect();
        for link in links.into_iter().chain(found) {
            self.look_at_link(link);
        }
    }
}

fn references(object: &Object<ObjectId>) -> Vec<(ObjectKind, ObjectId)> {
    let home = default_project(object).map(|it| (ObjectKind::Project, it));
    needs(object)
        .chain(home)
        .map(|(kind, id)| (kind, *id))
        .collect()
}

type Organization<I> = shared::model::Organization<I>;

fn keys(of: &Organization<ObjectId>) -> impl Iterator<Item = (ObjectKind, ObjectId)> {
    let departments = of
        .departments
        .keys()
        .map(|it| (ObjectKind::Department, *it));
    let roles = of.roles.keys().map(|it| (ObjectKind::Role, *it));
    let projects = of.projects.keys().map(|it| (ObjectKind::Project, *it));
    let groups = of.groups.keys().map(|it| (ObjectKind::Group, *it));
    let users = of.users.keys().map(|it| (ObjectKind::User, *it));
    departments
        .chain(roles)
        .chain(projects)
        .chain(groups)
        .chain(users)
}

fn all_links<I: Ord + Clone>(of: &Organization<I>) -> impl Iterator<Item = Link<I>> {
    let memberships = of.memberships.iter().cloned().map(Link::Membership);
    let implications = of.implications.iter().cloned().map(Link::Implication);
    let assignments = of.assignments.iter().cloned().map(Link::Assignment);
    memberships.chain(implications).chain(assignments)
}

fn changed<K: Ord + Clone, V: PartialEq>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> Vec<K> {
    let new = after
        .iter()
        .filter(|(key, it)| before.get(*key) != Some(*it));
    let old = before.keys().filter(|key| !after.contains_key(*key));
    new.map(|(key, _)| key).chain(old).cloned().collect()
}

type ChangedObject = (ObjectKind, ObjectId, Option<Object<ObjectId>>);

fn changed_objects(before: &Replica, after: &Replica) -> Vec<ChangedObject> {
    let (old, new) = (&before.directory, &after.directory);
    let ids = [
        (
            ObjectKind::Department,
            changed(&old.departments, &new.departments),
        ),
        (ObjectKind::Role, changed(&old.roles, &new.roles)),
        (ObjectKind::Project, changed(&old.projects, &new.projects)),
        (ObjectKind::Group, changed(&old.groups, &new.groups)),
        (ObjectKind::User, changed(&old.users, &new.users)),
    ];
    let ids = ids.into_iter();
    let ids = ids.flat_map(|(kind, ids)| ids.into_iter().map(move |id| (kind, id)));
    ids.map(|(kind, id)| (kind, id, new.object(kind, &id)))
        .collect()
}

fn changed_links(before: &Replica, after: &Replica) -> Vec<(Link<ObjectId>, bool)> {
    fn differing<'a, T: Ord + Clone>(
        old: &'a BTreeSet<T>,
        new: &'a BTreeSet<T>,
        link: impl Fn(T) -> Link<ObjectId> + Copy + 'a,
    ) -> impl Iterator<Item = (Link<ObjectId>, bool)> + 'a {
        let added = new.difference(old).cloned().map(move |it| (link(it), true));
        let taken = old
            .difference(new)
            .cloned()
            .map(move |it| (link(it), false));
        taken.chain(added)
    }
    let (old, new) = (&before.directory, &after.directory);
    let memberships = differing(&old.memberships, &new.memberships, Link::Membership);
    let implications = differing(&old.implications, &new.implications, Link::Implication);
    let assignments = differing(&old.assignments, &new.assignments, Link::Assignment);
    memberships.chain(implications).chain(assignments).collect()
}
