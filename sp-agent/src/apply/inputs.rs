//! What the reconciler is told, and what is looked at again because of it.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::{
    Becomes, CloudId, Custody, End, Key, Link, Object, ObjectKind, Purge, Record, RecordKind,
};

use super::actual::Touched;
use super::changes::{changed, changed_links, changed_objects};
use super::compare::default_project;
use super::looks::known;
use super::objects::needs;
use super::places::{Here, There};
use super::subject::Subject;
use super::{Policy, Reconciler};
use crate::cloud::Reading;
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
        self.tell_unsaid(&replica.unsaid);
        let ended = changed(&self.replica.ended, &replica.ended);
        let is_any_ended = !ended.is_empty();
        for id in ended {
            self.tell_end(id, replica.ended.get(&id).copied());
        }
        for here in changed(&self.replica.bindings, &replica.bindings) {
            let becomes = replica.bindings.get(&here).cloned();
            self.tell_binding(here, becomes);
        }
        for user in changed(&self.replica.secrets, &replica.secrets) {
            self.tell_secret(user, replica.secrets.get(&user).cloned());
        }
        for (holder, service) in changed(&self.replica.limits, &replica.limits) {
            let limits = replica.limits.get(&(holder.clone(), service)).cloned();
            self.tell_limits(holder, service, limits);
        }
        for id in changed(&self.replica.purges, &replica.purges) {
            self.tell_purge(id, replica.purges.get(&id).cloned());
        }
        if is_any_ended {
            // What is deleted is in no purge's way any more.
            self.look_at_purges();
        }
        for id in changed(&self.replica.last_names, &replica.last_names) {
            self.tell_last_name(id, replica.last_names.get(&id).cloned());
        }
        if self.replica.proofs != replica.proofs {
            self.replica.proofs.clone_from(&replica.proofs);
        }
        self.told_to_put_back(replica);
        // After what it says of ends was looked at.
        self.replica.feed = replica.feed;
    }

    /// Something that was retired is to be purged; `None` takes that back.
    fn tell_purge(&mut self, id: ObjectId, purge: Option<Purge>) {
        self.look_at_purges();
        match purge {
            Some(it) => drop(self.replica.purges.insert(id, it)),
            None => drop(self.replica.purges.remove(&id)),
        }
        self.look_at_purges();
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
        if let Some(before) = &before {
            for needed in references(before) {
                self.refers_no_more(needed, &subject);
            }
            // What it was in may have waited for it.
            self.look_around_it(before);
        }
        self.look_at_rights_by_name(before.as_ref(), object.as_ref());
        if let Some(object) = object {
            for needed in references(&object) {
                self.referrers
                    .entry(needed)
                    .or_default()
                    .insert(subject.clone());
            }
            self.replica.directory.insert(id, object);
        }
        self.note_revived((kind, id));
        self.look_at_markers((kind, id));
        // What failed was another wish.
        self.failures.forget(&subject);
        self.look_at_outer(kind, id);
        // A link is wanted while its ends are in the directory, a region's own thing is withheld
        // while they are not.
        self.look_at_referrers(kind, id);
        // And one that the region made is told while they are. Nothing else looks at those where it
        // was known all the time what this is here.
        if before.is_none() {
            self.look_at_links_of(kind, &id);
        }
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
        self.look_at_empowered(&link);
        self.look_at_link(link);
    }

    /// Of these links the directory says nothing any more.
    fn tell_unsaid(&mut self, unsaid: &BTreeSet<Link<ObjectId>>) {
        let differing = self.replica.unsaid.symmetric_difference(unsaid);
        let differing: Vec<Link<ObjectId>> = differing.cloned().collect();
        self.replica.unsaid.clone_from(unsaid);
        for link in differing {
            self.look_at_link(link);
        }
    }

    /// A thing ended; `None` takes that back.
    pub fn tell_end(&mut self, id: ObjectId, end: Option<(ObjectKind, End)>) {
        let before = match end {
            Some(end) => self.replica.ended.insert(id, end),
            None => self.replica.ended.remove(&id),
        };
        for (kind, _) in before.into_iter().chain(end) {
            self.note_revived((kind, id));
            self.dirty.insert(Subject::Object(kind, id));
            self.look_at_links_of(kind, &id);
        }
    }

    /// Whether a thing ended and is told of again, which the hub hears of at once.
    fn note_revived(&mut self, (kind, id): There) {
        let ended = self.replica.ended.get(&id);
        let has_ended = ended.is_some_and(|(of, _)| *of == kind);
        match has_ended && self.replica.directory.has(kind, &id) {
            true => self.revived.insert((kind, id)),
            false => self.revived.remove(&(kind, id)),
        };
    }

    /// What was retired was called so last; `None` takes that back.
    fn tell_last_name(&mut self, id: ObjectId, name: Option<String>) {
        match name {
            Some(name) => drop(self.replica.last_names.insert(id, name)),
            None => drop(self.replica.last_names.remove(&id)),
        }
        if let Some((kind, _)) = self.replica.ended.get(&id).copied() {
            self.dirty.insert(Subject::Object(kind, id));
            let withheld = self.places.withheld((kind, id)).cloned();
            self.dirty
                .extend(withheld.map(|here| Subject::Own(kind, here)));
        }
    }

    /// The hub decided about one of the region's things; `None` takes that back.
    pub fn tell_binding(&mut self, here: Here, becomes: Option<Becomes>) {
        // Who came with the region has a password, which need not be waited for.
        self.look_at_rights_at(&here);
        match &becomes {
            Some(it) => drop(self.replica.bindings.insert(here.clone(), *it)),
            None => drop(self.replica.bindings.remove(&here)),
        }
        let (kind, id) = here.clone();
        if let Some(there) = self.places.there(kind, &id) {
            self.dirty.insert(Subject::Object(kind, there));
        }
        // What goes along with a department hangs on it.
        let around = self.around(kind, &id);
        self.dirty.insert(Subject::Own(kind, id));
        let known = known(&self.base, &self.actual, &self.replica);
        let moved = self.places.bind(&here, becomes, known);
        self.move_all(moved);
        self.look_at_rights_at(&here);
        self.look_at_purges_of(&around);
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
            self.put_back.insert(subject.clone(), None);
            self.dirty.insert(subject);
        }
    }

    /// The cloud has this, as it was read or written.
    pub fn put(&mut self, record: Record) {
        let key = record.key();
        if let Some(touched) = self.actual.put(record) {
            self.hidden.take();
            self.touched(touched);
            let around = self.around_record(&key);
            self.look_at_purges_of(&around);
        }
    }

    /// The cloud has this no more.
    pub fn remove(&mut self, key: &Key) {
        let around = self.around_record(key);
        let outer = match key.kind {
            RecordKind::Project => self.actual.outer(&key.id).into_iter().next(),
            _ => None,
        };
        if let Some(touched) = self.actual.remove(key) {
            self.hidden.take();
            self.touched(touched);
            outer.into_iter().for_each(|it| self.look_at_project(it));
            self.look_at_purges_of(&around);
        }
    }

    /// The records of a kind were read to their end, by a reading that began then, since this
    /// reconciler was made: an older one does not show what was made just before. All of its
    /// records must have been put before.
    pub fn is_read(&mut self, kind: RecordKind, reading: impl Into<Reading>) {
        let reading = reading.into();
        let Reading {
            began, lacks, cut, ..
        } = &reading;
        let began = *began;
        self.hidden.take();
        if self.actual.is_read(kind, &reading) {
            self.look_at_everything();
        }
        if !lacks.is_empty() {
            self.look_at_what_is_unread();
        }
        // An order that a cut list does not show may be given again, as twice is once: to wait for
        // a whole one would be to wait for ever.
        self.resolve_doubts(kind, began, (lacks, cut));
        self.look_at_missed(kind, began, (lacks, cut));
        let waiting = self.failures.awaiting(kind, began);
        let told = waiting.filter(|it| !self.is_passed_by(it, lacks));
        let told: BTreeSet<Subject> = told.cloned().collect();
        self.failures.is_read(&told);
        self.dirty.extend(told);
    }

    fn touched(&mut self, touched: Touched) {
        let (kind, here) = match touched {
            Touched::Link(link) => {
                self.look_at_rights_by(&link);
                let mut its = link.ends();
                if its.any(|(kind, id)| self.guard(kind, id).is_some()) {
                    self.look_at_linked(&link);
                }
                if let Some(link) = self.known_link(&link) {
                    // Whatever is missed from here on is missed for the first time.
                    self.missed.forget(&Subject::Link(link.clone()));
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
        self.look_at_own_limits(kind, &here);
        let place = (kind, here.clone());
        let known = known(&self.base, &self.actual, &self.replica);
        let moved = self.places.see(&place, known);
        self.move_all(moved);
        self.look_around(kind, &here);
        self.look_at_rights_with(kind, &here);
    }

    /// What depends on how a thing is, beside on whether it is there.
    fn look_around(&mut self, kind: ObjectKind, here: &CloudId) {
        let custody = self.actual.traits(kind, here).custody;
        let is_common = custody == Custody::Common;
        let place = (kind, here.clone());
        let was_administrators = match custody == Custody::Administrator {
            true => !self.administrators.insert(place),
            false => self.administrators.remove(&place),
        };
        // It and what holds it hang on that, and there are two such things at most.
        if was_administrators || custody == Custody::Administrator {
            self.look_at_everything();
        }
        // In what is switched off no project is made or switched on.
        if matches!(kind, ObjectKind::Department | ObjectKind::Project)
            && let Some(there) = self.places.there(kind, here)
        {
            self.look_at_referrers(kind, there);
        }
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
                near.into_iter().for_each(|it| self.look_at_project(it));
            }
            ObjectKind::User | ObjectKind::Group | ObjectKind::Role => {}
        }
        self.look_at_its_roles_and_groups(kind, here);
        if !is_common && let Some(there) = self.places.there(kind, here) {
            self.look_at_referrers(kind, there);
        }
    }

    /// Whether one is switched off hangs on those in it.
    fn look_at_project(&mut self, here: CloudId) {
        let kind = ObjectKind::Project;
        if let Some(there) = self.places.there(kind, &here) {
            self.dirty.insert(Subject::Object(kind, there));
        }
        self.dirty.insert(Subject::Own(kind, here));
    }

    /// Takes over what was noted.
    pub(super) fn note(&mut self, note: Note) {
        let before = match &note {
            Note::Object(kind, id, _) => self.base.objects.get(&(*kind, *id)).cloned(),
            Note::Link(..)
            | Note::PutBack(..)
            | Note::Password(..)
            | Note::Unanswered(..)
            | Note::Limits(..)
            | Note::Spent(..) => None,
        };
        self.notes.push(note.clone());
        self.base.note(note.clone());
        if let Note::Password(user, _) = &note {
            self.look_at_rights_of(*user);
        }
        let Note::Object(kind, id, now) = note else {
            return;
        };
        let is_another = match (&before, &now) {
            (Some(before), Some(now)) => before.here != now.here,
            _ => now.is_none(),
        };
        let known = known(&self.base, &self.actual, &self.replica);
        let moved = self.places.noted((kind, id), before.as_ref(), known);
        self.move_all(moved);
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
            if !is_there && self.base.links.contains_key(&link.id()) {
                self.note(Note::Link(link.id(), None));
                self.dirty.insert(Subject::Link(link));
            }
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
