//! What the audit trail is told of an order beside the order itself: how that was found which it is
//! about. Once it is carried out, nobody can look any more.

use shared::audit::{described, link_told};
use shared::model::{CloudId, Link, ObjectKind};

use super::{Actual, Reconciler};
use crate::cloud::Order;

/// A thing or link as it was known when an order about it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// What it was called; of a link, what its ends are called. Empty where nobody knows.
    pub name: String,
    /// What it was, as far as the order does not say so itself.
    pub was: String,
}

impl Reconciler {
    /// What is known of what an order is about.
    pub(super) fn found(&self, order: &Order) -> Found {
        match order {
            Order::Remove { kind, id } | Order::Purge { kind, id, .. } => Found {
                name: name(&self.actual, *kind, id).unwrap_or_default(),
                was: whole(&self.actual, *kind, id).unwrap_or_default(),
            },
            Order::Password(user, secret) => {
                let set = self.base.passwords.get(&secret.user);
                let set = set.filter(|it| it.here == *user);
                Found {
                    name: name(&self.actual, ObjectKind::User, user).unwrap_or_default(),
                    was: set.map_or_else(String::new, |it| format!("version={}", it.version)),
                }
            }
            Order::Link(link) | Order::Unlink(link) => self.found_link(link),
            // These say all of it, or whoever carries them out does.
            Order::Create { .. } | Order::Update { .. } | Order::Look { .. } | Order::Quota(_) => {
                Found::default()
            }
        }
    }

    pub(super) fn found_link(&self, link: &Link<CloudId>) -> Found {
        Found {
            name: link_told(link, |kind, id| name(&self.actual, kind, id)),
            was: String::new(),
        }
    }
}

fn name(actual: &Actual, kind: ObjectKind, id: &CloudId) -> Option<String> {
    let object = actual.object(kind, id)?;
    Some(object.name().to_owned())
}

/// A thing with the name of its department.
fn whole(actual: &Actual, kind: ObjectKind, id: &CloudId) -> Option<String> {
    let object = actual.object(kind, id)?;
    let home = object.department();
    let home = home.and_then(|it| name(actual, ObjectKind::Department, it));
    let fields = described(&object);
    Some(match home {
        Some(home) => format!("in {home:?}: {fields}"),
        None => fields,
    })
}
