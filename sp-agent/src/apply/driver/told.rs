//! What the audit trail is told of the orders that were given. Pure.

use std::collections::HashMap;

use shared::audit::{Act, By, changed, described, link_named};
use shared::model::{CloudId, Link};

use crate::apply::batch::Task;
use crate::apply::subject::Subject;
use crate::cloud::Order;

/// Things whose last failure is remembered. Where more fail, each failure may be told again.
const FAILING_MAX: usize = 1024;

/// Failures that the trail has heard of: an order that fails is given again and again.
#[derive(Debug, Default)]
pub(super) struct Failing(HashMap<Subject, String>);

impl Failing {
    /// Whether the trail is to hear of this outcome: of every success, and of a failure that is
    /// another one than the last of the same thing.
    pub(super) fn admits(&mut self, subject: &Subject, failure: Option<&str>) -> bool {
        let Some(failure) = failure else {
            self.0.remove(subject);
            return true;
        };
        if self.0.get(subject).is_some_and(|last| last == failure) {
            return false;
        }
        if self.0.len() >= FAILING_MAX {
            self.0.clear();
        }
        self.0.insert(subject.clone(), failure.to_owned());
        true
    }
}

/// An order that was given. `made` is what the cloud calls what was made by it.
pub(super) fn act(by: By, task: &Task, made: Option<&CloudId>, failure: Option<&str>) -> Act {
    let act = match &task.order {
        Order::Create { object, .. } => {
            let id = made.map_or_else(String::new, CloudId::to_string);
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
            let act = Act::new(by, "remove").on(kind.name(), id, "");
            act.changing("there", "not there")
        }
        Order::Look { kind, id, name, .. } => {
            let act = Act::new(by, "look").on(kind.name(), id, name.as_str());
            act.changing("to be purged", "empty")
        }
        Order::Purge { kind, id, name, .. } => {
            let act = Act::new(by, "purge").on(kind.name(), id, name.as_str());
            act.changing("retired", "not there")
        }
        Order::Link(link) => linked(Act::new(by, "link"), link).changing("not there", "there"),
        Order::Unlink(link) => linked(Act::new(by, "unlink"), link).changing("there", "not there"),
        Order::Password(user, secret) => {
            let act = Act::new(by, "set-password").on("user", user, "");
            act.changing("", format!("version={}", secret.version))
        }
        Order::Quota(it) => {
            let act = Act::new(by, "set-quota").on("project", &it.project, it.name.as_str());
            act.changing("", format!("{}: {}", it.service.name(), it.told()))
        }
    };
    match failure {
        Some(failure) => act.with_outcome(format!("failed: {failure}")),
        None => act,
    }
}

fn linked(act: Act, link: &Link<CloudId>) -> Act {
    let kind = match link {
        Link::Membership(_) => "membership",
        Link::Implication(_) => "implication",
        Link::Assignment(_) => "assignment",
    };
    act.on(kind, link.id(), link_named(link))
}
