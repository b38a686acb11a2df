//! What the audit trail is told of the orders that were given. Pure.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::{Discriminant, discriminant};

use shared::audit::{Act, By, changed, described};
use shared::ids::FederationId;
use shared::model::{CloudId, Link, Quota};

use crate::apply::batch::{Batch, Task};
use crate::apply::found::Found;
use crate::apply::met::FoundDone;
use crate::apply::subject::Subject;
use crate::cloud::Order;

/// Of so many things the last failure is remembered, whether they fail still or not. Where more
/// fail, of all those and of as many others.
const FAILING_MIN: usize = 1024;

/// The outcome of what is about to be given: another entry tells what came of it.
const GIVEN: &str = "given";

/// The outcome of what a reading shows to be done.
const FOUND_DONE: &str = "found done: no answer came";

/// Failures that the trail has heard of: an order that fails is given again and again.
///
/// The reconciler's own memory of failures would not do: it forgets one as soon as the thing is
/// wanted otherwise, and the trail would hear of the same refusal each time that the hub says a
/// thing anew. Nor does it know which order failed. But what fails by its word is never forgotten
/// here, however much that is: else each try of it would be told.
#[derive(Debug, Default)]
pub(super) struct Failing {
    /// With a digest of what was said.
    all: HashMap<Subject, (Sort, u64)>,
    /// Where there are more, it is looked which of them fail still.
    most: usize,
}

/// Which order it is of all that a thing may be given; and whether it takes something away, as an
/// update does that switches off, and one that renames does not.
#[derive(Debug, PartialEq, Eq)]
struct Sort(Discriminant<Order>, bool);

impl Sort {
    fn of(task: &Task) -> Self {
        Self(discriminant(&task.order), task.takes_away)
    }
}

impl Failing {
    /// Whether the trail is to hear of this outcome: of every success, and of a failure that is
    /// another one than the last of the same thing, or of another order.
    pub(super) fn admits(&mut self, task: &Task, failure: Option<&str>) -> bool {
        let subject = &task.subject;
        let Some(failure) = failure else {
            self.all.remove(subject);
            return true;
        };
        let failed = (Sort::of(task), digest(failure));
        if self.all.get(subject) == Some(&failed) {
            return false;
        }
        self.all.insert(subject.clone(), failed);
        true
    }

    /// Forgets what does not fail any more, once that may be as much as what does.
    pub(super) fn forget_but(&mut self, fails: impl Fn(&Subject) -> bool) {
        if self.all.len() > self.most.max(FAILING_MIN) {
            self.all.retain(|subject, _| fails(subject));
            self.most = self.all.len().saturating_mul(2);
        }
    }

    /// Whether this order is what failed last of its thing: it is given again.
    fn has_failed(&self, task: &Task) -> bool {
        let last = self.all.get(&task.subject);
        last.is_some_and(|(sort, _)| *sort == Sort::of(task))
    }
}

/// So that no text is kept. Where two are taken for the same, the trail has one of them.
fn digest(failure: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    failure.hash(&mut hasher);
    hasher.finish()
}

/// On whose behalf orders are given.
pub(super) fn by(federation: FederationId) -> By {
    By::new(format!("hub of federation {federation}"), "link")
}

/// What the trail is told before a batch is given: what takes something away, lest an agent that is
/// killed leaves no word of it; and what was found done, of which no answer told.
pub(super) fn beforehand(by: &By, batch: &Batch, failing: &mut Failing) -> Vec<Act> {
    let mut acts = Vec::new();
    for FoundDone { task, made } in &batch.done {
        failing.admits(task, None);
        let came = Came {
            made: made.as_ref(),
            ..Came::default()
        };
        acts.push(act(by.clone(), task, came).with_outcome(FOUND_DONE));
    }
    let given = batch.tasks.iter().filter(|it| it.takes_away);
    // What failed is tried again and again, and was told before the first time.
    let given = given.filter(|it| !failing.has_failed(it));
    acts.extend(given.map(|it| act(by.clone(), it, Came::default()).with_outcome(GIVEN)));
    acts
}

/// What an order came to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Came<'a> {
    /// What the cloud calls what was made by it.
    pub(super) made: Option<&'a CloudId>,
    /// Of limits: the quota as it was before.
    pub(super) quota: Option<&'a Quota>,
    /// Why it failed.
    pub(super) failure: Option<&'a str>,
}

/// An order that was given.
pub(super) fn act(by: By, task: &Task, came: Came<'_>) -> Act {
    let found = &task.found;
    let act = match &task.order {
        Order::Create { object, .. } => {
            let id = came.made.map_or_else(String::new, CloudId::to_string);
            Act::new(by, "create")
                .on(object.kind().name(), id, object.name())
                .changing("", described(object))
        }
        Order::Update {
            id,
            from,
            to,
            marker,
        } => {
            let (before, mut after) = changed(Some(from), Some(to));
            if marker.is_some() {
                after.push_str(if after.is_empty() {
                    "marker"
                } else {
                    " marker"
                });
            }
            Act::new(by, "update")
                .on(from.kind().name(), id, from.name())
                .changing(before, after)
        }
        Order::Remove { kind, id } => {
            let act = Act::new(by, "remove").on(kind.name(), id, found.name.as_str());
            act.changing(was_or(found, "there"), "not there")
        }
        Order::Look { kind, id, name, .. } => {
            let act = Act::new(by, "look").on(kind.name(), id, name.as_str());
            act.changing("to be purged", "empty")
        }
        Order::Purge { kind, id, name, .. } => {
            let act = Act::new(by, "purge").on(kind.name(), id, name.as_str());
            act.changing(was_or(found, "retired"), "not there")
        }
        Order::Link(link) => {
            linked(Act::new(by, "link"), link, found).changing("not there", "there")
        }
        Order::Unlink(link) => {
            linked(Act::new(by, "unlink"), link, found).changing("there", "not there")
        }
        Order::Password(user, secret) => {
            let act = Act::new(by, "set-password").on("user", user, found.name.as_str());
            act.changing(found.was.as_str(), format!("version={}", secret.version))
        }
        Order::Quota(it) => {
            let act = Act::new(by, "set-quota").on("project", &it.project, it.name.as_str());
            let (before, after) = (came.quota.map(|quota| it.told_before(quota)), it.told());
            let of_service = |limits: String| format!("{}: {limits}", it.service.name());
            let before = before.filter(|it| !it.is_empty()).map(of_service);
            act.changing(before.unwrap_or_default(), of_service(after))
        }
    };
    match came.failure {
        Some(failure) => act.with_outcome(format!("failed: {failure}")),
        None => act,
    }
}

/// What a thing was; where nobody knows, how it stood.
fn was_or<'a>(found: &'a Found, stood: &'a str) -> &'a str {
    match found.was.as_str() {
        "" => stood,
        was => was,
    }
}

fn linked(act: Act, link: &Link<CloudId>, found: &Found) -> Act {
    let kind = match link {
        Link::Membership(_) => "membership",
        Link::Implication(_) => "implication",
        Link::Assignment(_) => "assignment",
    };
    act.on(kind, link.id(), found.name.as_str())
}

#[cfg(test)]
mod tests;
