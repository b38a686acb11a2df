//! What is noted before an order is given, and kept before it is.
//!
//! An agent that is killed hears no more of what it ordered. Were it noted afterwards only, and the
//! hub took its word back meanwhile, what was done would look like somebody's doing in the region,
//! and stay: a role that was given by mistake, or a user who is on.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::{CloudId, ObjectKind};

use super::Reconciler;
use super::batch::Task;
use super::compare::enabled;
use super::subject::Subject;
use super::verdict::{Done, Due};
use crate::cloud::Order;
use crate::replica::{Base, Note, Tied};

impl Reconciler {
    /// Notes what is not known any more once an order is given.
    pub(super) fn note_beforehand(&mut self, subject: &Subject, due: &Due) {
        match (&due.done, &due.order) {
            (Done::Step(kind, id) | Done::Applied(kind, id, _), Order::Update { from, to, .. }) => {
                // A drift that is put back was seen once, and the next one was not.
                let is_switched = enabled(from) != enabled(to) && !self.is_put_back(subject);
                let is_renamed = from.name() != to.name();
                self.forget_fields((*kind, *id), is_renamed, is_switched);
            }
            (Done::Link(id, true), _) => {
                let empowers = match subject {
                    Subject::Link(link) => {
                        self.empowered(link).is_some() || self.empowered_group(link).is_some()
                    }
                    _ => false,
                };
                // What is noted already is put back.
                if empowers || !self.base.links.contains_key(id) {
                    self.note(Note::Link(id.clone(), Some(Tied::Making)));
                }
            }
            (Done::Password(user, _), _) => self.note_sent(*user),
            _ => {}
        }
    }

    /// Notes that the name of a thing is not the one that was applied any more, also where it is
    /// one for the meantime, or that it is not on or off as it was.
    fn forget_fields(&mut self, what: (ObjectKind, ObjectId), is_renamed: bool, is_switched: bool) {
        let Some(mut applied) = self.base.objects.get(&what).cloned() else {
            return;
        };
        if is_renamed {
            applied.was.forget_name();
        }
        if is_switched {
            applied.was.forget_switch();
        }
        if is_renamed || is_switched {
            self.note(Note::Object(what.0, what.1, Some(applied)));
        }
    }

    /// A link that was refused was not made: one like it is the region's from then on.
    pub(super) fn forget_what_was_not_made(&mut self, task: &Task) {
        if let Done::Link(id, true) = &task.done
            && self.base.tied(id) == Some(Tied::Making)
            && !self.doubts.contains_key(&task.subject)
        {
            self.note(Note::Link(id.clone(), None));
        }
    }

    /// Links that were being made when the agent stopped, and that are neither here nor wanted any
    /// more, were not made. Nothing else would look at them.
    pub(super) fn forget_what_was_begun(&mut self) {
        let is_told = !self.replica.directory.departments.is_empty();
        if self.begun.is_empty() || !is_told || !self.is_whole() {
            return;
        }
        let wanted = self.replica.directory.links();
        let unsaid = self.replica.unsaid.iter().cloned();
        let found = self.actual.organization().links();
        let found = found.filter_map(|it| self.known_link(&it));
        let known = wanted.chain(unsaid).chain(found).map(|it| it.id());
        let known: BTreeSet<CloudId> = known.collect();
        for id in std::mem::take(&mut self.begun) {
            if !known.contains(&id) && self.base.tied(&id) == Some(Tied::Making) {
                self.note(Note::Link(id, None));
            }
        }
    }
}

/// The links that were being made when the agent stopped.
pub(super) fn begun(base: &Base) -> BTreeSet<CloudId> {
    let begun = base.links.iter().filter(|(_, it)| it.tied == Tied::Making);
    begun.map(|(id, _)| id.clone()).collect()
}
