//! What the agent changes in its cloud's organization, and of its quotas.

use std::collections::BTreeSet;

use shared::model::{
    CloudId, Limit, Link, Marker, Object, ObjectKind, Quota, Secret, ServiceKind, UnixMillis,
};

use super::CloudError;

/// One change. Each is one call, as far as the cloud's API can do that, and doing it twice is
/// doing it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Make this, which is not there, and leave the marker on it.
    Create {
        /// What it is to be.
        object: Object<CloudId>,
        /// What it is known by later.
        marker: Marker,
    },
    /// Make this be so. Only what differs from `from` is sent, so that what the federation knows
    /// nothing of stays.
    Update {
        /// Which.
        id: CloudId,
        /// As it was read last.
        from: Object<CloudId>,
        /// What it is to be.
        to: Object<CloudId>,
        /// The marker to leave on it, where it has none or another one.
        marker: Option<Marker>,
    },
    /// Remove a user, group or role. A department or project is never removed by this: it is
    /// switched off by an update, and deleted by [`Order::Purge`] alone.
    Remove {
        /// What kind of thing.
        kind: ObjectKind,
        /// Which.
        id: CloudId,
    },
    /// Ask whether [`Order::Purge`] would delete it but for what goes along with it. Changes
    /// nothing.
    Look {
        /// What kind of thing: a project or a department.
        kind: ObjectKind,
        /// Which.
        id: CloudId,
        /// What it is called.
        name: String,
        /// When the administrator said so, by the hub's clock.
        told: UnixMillis,
        /// Users, groups and roles that are removed before a department is deleted.
        along: BTreeSet<CloudId>,
    },
    /// Delete a project or department that was retired, if it is empty: the cloud is asked first,
    /// and anything that is found in it is [`CloudError::Occupied`](super::CloudError::Occupied).
    Purge {
        /// What kind of thing.
        kind: ObjectKind,
        /// Which.
        id: CloudId,
        /// What it is called.
        name: String,
        /// When the administrator said so, by the hub's clock.
        told: UnixMillis,
    },
    /// Make this link.
    Link(Link<CloudId>),
    /// Take this link away.
    Unlink(Link<CloudId>),
    /// Give this user the password that is sealed here. Whoever carries orders opens it, and asks
    /// [`Cloud::set_password`](super::Cloud::set_password).
    Password(CloudId, Secret),
    /// Give this project these limits. Whoever carries orders asks
    /// [`Cloud::set_quota`](super::Cloud::set_quota).
    Quota(QuotaOrder),
}

/// Limits to be set in one service. What is not named stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaOrder {
    /// The project's id.
    pub project: CloudId,
    /// Its name, for reading.
    pub name: String,
    /// Compute, volume or network.
    pub service: ServiceKind,
    /// Each resource once.
    pub limits: Vec<Limit>,
}

impl QuotaOrder {
    /// The limits in words: `cores=20 ram=unlimited`.
    pub fn told(&self) -> String {
        told_limits(&self.limits)
    }

    /// What a quota had of these limits, in words; a resource without one is left out.
    pub fn told_before(&self, quota: &Quota) -> String {
        let named = self.limits.iter().filter_map(|limit| {
            let mut all = quota.resources.iter();
            let resource = all.find(|it| it.name == limit.name)?;
            Some(told(&resource.name, resource.limit))
        });
        named.collect::<Vec<_>>().join(" ")
    }
}

/// What came of limits that were to be set, where any was.
#[derive(Debug, Clone, Default)]
pub struct QuotaSet {
    /// The quota as it was before, where that could be read.
    pub before: Option<Quota>,
    /// The quota as it is then, where that could be read: otherwise the next audit tells it.
    pub quota: Option<Quota>,
    /// Those that were not set; `None`: all were.
    pub refused: Option<RefusedLimits>,
}

/// Limits that were not set.
#[derive(Debug, Clone)]
pub struct RefusedLimits {
    /// The cloud's names of the resources.
    pub names: BTreeSet<String>,
    /// Why.
    pub error: CloudError,
}

/// Limits in words: `cores=20 (forced) ram=unlimited`.
pub(crate) fn told_limits<'a>(limits: impl IntoIterator<Item = &'a Limit>) -> String {
    let words = limits.into_iter().map(|it| {
        let forced = if it.force { " (forced)" } else { "" };
        told(&it.name, it.limit) + forced
    });
    words.collect::<Vec<_>>().join(" ")
}

fn told(name: &str, limit: Option<u64>) -> String {
    match limit {
        Some(limit) => format!("{name}={limit}"),
        None => format!("{name}=unlimited"),
    }
}
