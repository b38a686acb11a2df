//! Decides about what the directory has no more: what was deleted is removed, what was retired is
//! switched off, stays, and is called as it was last.
//!
//! That name is kept free for it at the hub, in every region; another one may be somebody else's
//! there by now. So where something is retired in the middle of being renamed, here too, it is
//! renamed to the end.

use shared::ids::ObjectId;
use shared::model::{Becomes, CloudId, End, Lapse, Object, ObjectKind};

use super::Reconciler;
use super::circles::is_for_the_meantime;
use super::compare::{lapse_digest, note_name, renamed, was_named};
use super::objects::drift;
use super::places::{Place, There};
use super::subject::{Difference, Level};
use super::verdict::{Done, Due, Verdict};
use crate::cloud::Order;
use crate::replica::{Note, Was};

impl Reconciler {
    /// A thing that the directory has no more.
    pub(super) fn judge_ended(&self, kind: ObjectKind, id: ObjectId, how: End) -> Verdict {
        let Place::Here(here) = self.places.place((kind, id), &self.base) else {
            if let Some(reason) = self.unsure((kind, id)) {
                return Verdict::Blocked(reason);
            }
            let is_noted = self.base.objects.contains_key(&(kind, id));
            return Verdict::Nothing(is_noted.then_some(Note::Object(kind, id, None)));
        };
        // Switched off, which is decided with the region's own.
        if matches!(self.places.binding(kind, &here), Some(Becomes::Withheld(_))) {
            return Verdict::Nothing(None);
        }
        let Some(found) = self.actual.object(kind, &here) else {
            return Verdict::Nothing(None);
        };
        let (End::Deleted, Some(level)) = (how, Level::remove(kind)) else {
            return self.judge_retired((kind, id), how, here, found);
        };
        let what = vec![Difference::Surplus];
        if let Some(why) = self.guard(kind, &here) {
            return drift(found.name(), what, why);
        }
        if let Some(verdict) = self.reaches_into(kind, &here, found.name(), &what) {
            return verdict;
        }
        let order = Order::Remove { kind, id: here };
        let done = Done::Gone(kind, id);
        self.due(Due { level, order, done }, found.name(), what)
    }

    fn judge_retired(
        &self,
        (kind, id): There,
        how: End,
        here: CloudId,
        found: Object<CloudId>,
    ) -> Verdict {
        let mut was = lapse_digest(Lapse {
            object: id,
            kind,
            how,
            name: String::new(),
            proof: [0; 32],
        });
        let is_named = self.last_name_due((kind, id), &here).is_none();
        if let Some(name) = self.replica.last_names.get(&id).filter(|_| is_named) {
            note_name(&mut was, name);
        }
        let verdict = self.switch_off(kind, id, here.clone(), found, was);
        let verdict = self.or_called_as_last((kind, id), &here, was, verdict);
        self.or_purged((kind, id), &here, verdict)
    }

    /// What is over but for its name gets that. Not what goes anyway.
    pub(super) fn or_called_as_last(
        &self,
        (kind, id): There,
        here: &CloudId,
        mut was: Was,
        verdict: Verdict,
    ) -> Verdict {
        let is_over = match &verdict {
            Verdict::InPlace(_) => true,
            // A group or a role, which nobody can switch off.
            Verdict::Drift(drift) => drift.what == [Difference::Surplus],
            _ => false,
        };
        let is_kept = is_over && !self.is_to_purge(kind, &id) && !self.policy.read_only;
        let to = is_kept.then(|| self.as_called_last((kind, id), here));
        let (Some(to), Some(from)) = (to.flatten(), self.actual.object(kind, here)) else {
            return verdict;
        };
        note_name(&mut was, to.name());
        let name = from.name().to_owned();
        let mut due = Due {
            level: Level::write(kind),
            order: Order::Update {
                id: here.clone(),
                from,
                to,
                marker: None,
            },
            done: Done::Applied(kind, id, was),
        };
        if let Some(order) = self.way_out_of_a_circle((kind, id), &due.order) {
            (due.order, due.done) = (order, Done::Step(kind, id));
        }
        self.due(due, &name, Vec::new())
    }

    /// A retired thing as it is to be called, if it is not yet, and nothing is against it.
    pub(super) fn as_called_last(
        &self,
        (kind, id): There,
        here: &CloudId,
    ) -> Option<Object<CloudId>> {
        let name = self.last_name_due((kind, id), here)?;
        let found = self.actual.object(kind, here)?;
        let (from, to) = (name.to_owned(), found.name().to_owned());
        let what = [Difference::Renamed { from, to }];
        let is_against = self.guard(kind, here).is_some()
            || self.reaches_into(kind, here, found.name(), &what).is_some();
        (!is_against).then(|| renamed(found, name))
    }

    /// The name that a retired thing is yet to be given. One that the region gave it stays: only
    /// what the hub said and was not written here is due, and no name for the meantime is left
    /// behind.
    fn last_name_due(&self, (kind, id): There, here: &CloudId) -> Option<&str> {
        let name = self.replica.last_names.get(&id)?;
        let found = self.actual.object(kind, here)?;
        let is_withheld = matches!(self.places.binding(kind, here), Some(Becomes::Withheld(_)));
        let applied = self.base.objects.get(&(kind, id));
        let applied = applied.filter(|it| it.here == *here && !is_withheld);
        let is_new = applied.is_some_and(|it| !was_named(&it.was, name));
        // Also where it was given its own, in a cloud that was set back to a backup.
        let is_due = is_new || is_for_the_meantime(found.name(), id);
        (is_due && found.name() != name).then_some(name)
    }
}
