//! Decides about one project's limits in one service.
//!
//! What the hub set is given to the cloud once, for each version of each resource and each project
//! that stands for the hub's. What somebody changes in the cloud afterwards stays: the hub shows
//! that it differs, and whoever sets it again there gives it a new version.

use std::time::Instant;

use shared::ids::ObjectId;
use shared::model::{CloudId, Holder, Limit, Limits, ObjectKind, ServiceKind, UnixMillis};

use super::Reconciler;
use super::batch::{Outcome, Task};
use super::objects::drift;
use super::subject::{Difference, Level, Subject, Wait, Why};
use super::verdict::{Done, Due, Verdict};
use crate::cloud::{Order, QuotaOrder, RefusedLimits, told_limits};
use crate::replica::{Note, SetLimits};

const PROJECT: ObjectKind = ObjectKind::Project;

impl Reconciler {
    /// The hub told limits; `None`: it tells none any more, and what was set stays.
    pub fn tell_limits(&mut self, holder: Holder, service: ServiceKind, limits: Option<Limits>) {
        let subject = Subject::Quota(holder.clone(), service);
        let project = holder.project().map(|it| (PROJECT, it));
        match limits {
            Some(limits) => {
                self.replica.limits.insert((holder, service), limits);
                if let Some(project) = project {
                    let referrers = self.referrers.entry(project).or_default();
                    referrers.insert(subject.clone());
                }
            }
            None => {
                self.replica.limits.remove(&(holder, service));
                if let Some(project) = project {
                    self.refers_no_more(project, &subject);
                }
            }
        }
        // What failed was another wish.
        self.failures.forget(&subject);
        self.dirty.insert(subject);
    }

    pub(super) fn judge_quota(&self, holder: &Holder, service: ServiceKind) -> Verdict {
        let Some(limits) = self.replica.limits.get(&(holder.clone(), service)) else {
            return Verdict::Nothing(None);
        };
        if let Some(unread) = self.unread(PROJECT) {
            return Verdict::Waiting(Wait::Reading(unread));
        }
        let here = match holder {
            Holder::Project(id) if !self.replica.directory.has(PROJECT, id) => None,
            Holder::Project(id) => match self.places.here(PROJECT, id) {
                Some(here) => Some(here),
                None => return Verdict::Waiting(Wait::Needs(PROJECT, *id)),
            },
            // What a leftover was left is nothing that a project of the directory goes by.
            Holder::Own(here) if self.is_the_directorys(here) => None,
            Holder::Own(here) => Some(here.clone()),
        };
        let found = here.and_then(|it| {
            let project = self.actual.organization().projects.get(&it)?;
            Some((it, project.name.clone()))
        });
        let Some((here, name)) = found else {
            return Verdict::Nothing(None);
        };
        let due = self.due_limits(limits, &here);
        if due.is_empty() {
            return Verdict::InPlace(None);
        }
        let what = vec![Difference::Quota];
        if let Some(why) = self.guard_quota(holder, &here) {
            return drift(&name, what, why);
        }
        let versions = due.iter().map(|it| (it.name.clone(), it.version));
        let set = SetLimits {
            here: here.clone(),
            versions: versions.collect(),
        };
        let order = QuotaOrder {
            project: here,
            name: name.clone(),
            service,
            limits: due,
        };
        let due = Due {
            level: Level::Quota,
            order: Order::Quota(order),
            done: Done::Limits(limits.id(), set),
        };
        self.due(due, &name, what)
    }

    /// The limits that were not set yet: only these are sent, so that what somebody changed in the
    /// cloud is not written over because the hub changed something else.
    fn due_limits(&self, limits: &Limits, here: &CloudId) -> Vec<Limit> {
        let before = self.base.limits.get(&limits.id());
        let before = before.filter(|it| it.here == *here);
        let is_due = |it: &&Limit| {
            let before = before.and_then(|all| all.versions.get(&it.name));
            before.is_none_or(|before| it.version > *before)
        };
        limits.resources.iter().filter(is_due).cloned().collect()
    }

    /// Some limits of an order were set, and these were not: they are tried again, alone.
    pub fn partly(
        &mut self,
        at: (Instant, UnixMillis),
        task: &Task,
        refused: &RefusedLimits,
        chance: u64,
    ) -> Outcome {
        if let Done::Limits(id, set) = &task.done {
            let mut set = set.clone();
            set.versions.retain(|it, _| !refused.names.contains(it));
            self.note(Note::Limits(id.clone(), set));
        }
        self.done(at, task, Err(refused.error.clone()), chance)
    }

    fn is_the_directorys(&self, here: &CloudId) -> bool {
        let there = self.places.there(PROJECT, here);
        there.is_some_and(|id| self.replica.directory.has(PROJECT, &id))
    }

    /// Why limits may not be set. What is the region's own has them set by its own id, which the
    /// hub's administrator named: a leftover. Only what the operator protects is nobody's to set.
    fn guard_quota(&self, holder: &Holder, here: &CloudId) -> Option<Why> {
        match holder {
            Holder::Project(_) => self.guard(PROJECT, here),
            Holder::Own(_) => self.protects(PROJECT, here).then_some(Why::Protected),
        }
    }

    /// What a project is called.
    pub(super) fn holder_name(&self, holder: &Holder) -> String {
        let there = |it: &ObjectId| {
            let project = self.replica.directory.projects.get(it);
            project.map(|it| it.name.clone())
        };
        let here = |it: &CloudId| {
            let project = self.actual.organization().projects.get(it);
            project.map(|it| it.name.clone())
        };
        let name = match holder {
            Holder::Project(id) => there(id),
            Holder::Own(id) => here(id),
        };
        name.unwrap_or_default()
    }

    /// What a subject's limits are to be, in words.
    pub(super) fn wanted_limits(&self, subject: &Subject) -> Option<String> {
        let Subject::Quota(holder, service) = subject else {
            return None;
        };
        let limits = self.replica.limits.get(&(holder.clone(), *service))?;
        Some(told_limits(&limits.resources))
    }

    /// A project came or went that may have limits by its own id.
    pub(super) fn look_at_own_limits(&mut self, kind: ObjectKind, here: &CloudId) {
        if kind != PROJECT {
            return;
        }
        let holder = Holder::Own(here.clone());
        for service in ServiceKind::ALL {
            let key = (holder.clone(), service);
            if self.replica.limits.contains_key(&key) {
                self.dirty.insert(Subject::Quota(key.0, key.1));
            }
        }
    }

    pub(super) fn look_at_all_limits(&mut self) {
        let all = self.replica.limits.keys();
        let all = all.map(|(holder, service)| Subject::Quota(holder.clone(), *service));
        self.dirty.extend(all);
    }
}
