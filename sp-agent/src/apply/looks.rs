//! What is looked at again, because it hangs on what changed.

use shared::ids::ObjectId;
use shared::model::{CloudId, Link, Object, ObjectKind, Organization};

use super::Reconciler;
use super::actual::Actual;
use super::places::{Known, Moved};
use super::subject::Subject;
use crate::replica::{Base, Replica};

impl Reconciler {
    pub(super) fn move_all(&mut self, moved: Vec<Moved>) {
        for Moved { what, from, to } in moved {
            let (kind, id) = what;
            let subject = Subject::Object(kind, id);
            if to.is_some() {
                self.failures.forget(&subject);
            }
            self.dirty.insert(subject);
            self.look_at_referrers(kind, id);
            self.look_at_outer(kind, id);
            if kind == ObjectKind::Department {
                self.look_at_markers_in(id);
            }
            let bound = self.places.bound(what).cloned();
            self.dirty.extend(bound.map(|it| Subject::Own(kind, it)));
            for here in from.into_iter().chain(to) {
                let links = self.actual.links_of(kind, &here);
                let links: Vec<_> = links.filter_map(|it| self.known_link(it)).collect();
                for link in links {
                    self.look_at_link(link);
                }
                self.look_at_own_limits(kind, &here);
                self.dirty.insert(Subject::Own(kind, here));
            }
        }
    }

    /// Whether a marker is believed hangs on what the directory says of the thing.
    pub(super) fn look_at_markers(&mut self, what: (ObjectKind, ObjectId)) {
        let known = known(&self.base, &self.actual, &self.replica);
        let moved = self.places.look(what, known);
        self.move_all(moved);
    }

    /// The same of all that is in a department, which is another one now.
    pub(super) fn look_at_markers_in(&mut self, department: ObjectId) {
        let place = (ObjectKind::Department, department);
        let inside = self.referrers.get(&place).into_iter().flatten();
        let inside = inside.filter_map(|it| match it {
            Subject::Object(kind, id) => Some((*kind, *id)),
            _ => None,
        });
        let inside: Vec<_> = inside.collect();
        inside.into_iter().for_each(|it| self.look_at_markers(it));
    }

    /// Whether a role or a group may be renamed or removed hangs on what it is linked to.
    pub(super) fn look_at_linked(&mut self, link: &Link<CloudId>) {
        for (kind, here) in link.ends() {
            if matches!(kind, ObjectKind::Role | ObjectKind::Group)
                && let Some(there) = self.places.there(kind, here)
            {
                self.dirty.insert(Subject::Object(kind, there));
            }
        }
    }

    /// What a thing is linked to, where its custody may be another one now. A role is linked to
    /// more than can be looked at each time, and is not what others are kept for.
    pub(super) fn look_at_its_roles_and_groups(&mut self, kind: ObjectKind, here: &CloudId) {
        if kind == ObjectKind::Role {
            return;
        }
        let links: Vec<Link<CloudId>> = self.actual.links_of(kind, here).cloned().collect();
        links.iter().for_each(|it| self.look_at_linked(it));
    }

    pub(super) fn look_at_referrers(&mut self, kind: ObjectKind, id: ObjectId) {
        let referrers = self.referrers.get(&(kind, id)).into_iter().flatten();
        self.dirty.extend(referrers.cloned());
    }

    /// Whether a project or department is switched off hangs on the projects in it.
    pub(super) fn look_at_outer(&mut self, kind: ObjectKind, id: ObjectId) {
        if let Some(object) = self.replica.directory.object(kind, &id) {
            self.look_around_it(&object);
        }
    }

    /// The same of what a project is in, or was.
    pub(super) fn look_around_it(&mut self, object: &Object<ObjectId>) {
        if let Object::Project(it) = object {
            let department = Subject::Object(ObjectKind::Department, it.department);
            let outer = it.parent.map(|it| Subject::Object(ObjectKind::Project, it));
            self.dirty.extend(outer.into_iter().chain([department]));
        }
    }

    pub(super) fn look_at_link(&mut self, link: Link<ObjectId>) {
        let subject = Subject::Link(link.clone());
        for (kind, id) in link.ends() {
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
    pub(super) fn look_at_everything(&mut self) {
        self.look_at_all_limits();
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
        let links: Vec<_> = directory.links().collect();
        let found = self.actual.organization().links();
        let found: Vec<_> = found.filter_map(|it| self.known_link(&it)).collect();
        for link in links.into_iter().chain(found) {
            self.look_at_link(link);
        }
    }
}

pub(super) const fn known<'a>(
    base: &'a Base,
    actual: &'a Actual,
    replica: &'a Replica,
) -> Known<'a> {
    let Replica {
        directory, ended, ..
    } = replica;
    Known {
        base,
        actual,
        directory,
        ended,
    }
}

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
