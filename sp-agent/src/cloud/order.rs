//! What the agent changes in its cloud's organization.

use shared::model::{CloudId, Link, Marker, Object, ObjectKind, Secret, UnixMillis};

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
}
