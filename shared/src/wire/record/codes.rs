//! Numbers for states and kinds. A number that this release doesn't know reads as unknown.

use crate::model::{
    Custody, DriftKind, DriftWhy, NodeState, ObjectKind, ServerState, ServiceKind, VolumeState,
};

macro_rules! codes {
    ($(#[$doc:meta])* $to:ident, $from:ident, $state:ident, $unknown:ident,
     $($code:literal => $variant:ident),* $(,)?) => {
        $(#[$doc])*
        pub(super) const fn $to(state: $state) -> u8 {
            match state {
                $($state::$variant => $code,)*
                $state::$unknown => 0,
            }
        }

        pub(super) const fn $from(code: u8) -> $state {
            match code {
                $($code => $state::$variant,)*
                _ => $state::$unknown,
            }
        }
    };
}

codes!(server_code, server_state, ServerState, Unknown,
    1 => Running, 2 => Stopped, 3 => Building, 4 => Paused, 5 => Moving, 6 => Rescued,
    7 => Failed, 8 => Deleting);

codes!(volume_code, volume_state, VolumeState, Unknown,
    1 => Available, 2 => InUse, 3 => Changing, 4 => Failed, 5 => Deleting);

codes!(node_code, node_state, NodeState, Unknown, 1 => Up, 2 => Disabled, 3 => Down);

codes!(drift_code, drift_kind, DriftKind, Unknown,
    1 => Name, 2 => Description, 3 => Enabled, 4 => Email, 5 => DefaultProject, 6 => Moved,
    7 => Deleted, 8 => CreatedHere, 9 => LinkGiven, 10 => LinkTaken, 11 => Missing,
    12 => Surplus, 13 => NotInDirectory, 14 => Password, 15 => Quota);

/// Why a difference stays. A word of a later release reads as one that nobody may cure.
pub(super) const fn why_code(why: DriftWhy) -> u8 {
    match why {
        DriftWhy::Region => 1,
        DriftWhy::Custody => 2,
        DriftWhy::Protected => 3,
        DriftWhy::ReadOnly => 4,
    }
}

pub(super) const fn why(code: u8) -> DriftWhy {
    match code {
        1 => DriftWhy::Region,
        3 => DriftWhy::Protected,
        4 => DriftWhy::ReadOnly,
        _ => DriftWhy::Custody,
    }
}

/// A service's number, which no default may hide: another service is another record.
pub(super) const fn service_code(kind: ServiceKind) -> u8 {
    match kind {
        ServiceKind::Identity => 1,
        ServiceKind::Compute => 2,
        ServiceKind::Placement => 3,
        ServiceKind::Volume => 4,
        ServiceKind::Network => 5,
        ServiceKind::Image => 6,
        ServiceKind::Kubernetes => 7,
    }
}

pub(super) fn service_kind(code: u8) -> Option<ServiceKind> {
    ServiceKind::ALL
        .into_iter()
        .find(|kind| service_code(*kind) == code)
}

/// Who decides over a thing. A word of a later release reads as the region's own: that is left
/// alone.
pub(super) const fn custody_code(custody: Custody) -> u8 {
    match custody {
        Custody::Common => 0,
        Custody::Reserved => 1,
        Custody::Administrator => 2,
    }
}

pub(super) const fn custody(code: u8) -> Custody {
    match code {
        0 => Custody::Common,
        2 => Custody::Administrator,
        _ => Custody::Reserved,
    }
}

pub(super) const fn object_kind_code(kind: ObjectKind) -> u8 {
    match kind {
        ObjectKind::Department => 1,
        ObjectKind::Project => 2,
        ObjectKind::User => 3,
        ObjectKind::Group => 4,
        ObjectKind::Role => 5,
    }
}

pub(super) fn object_kind(code: u8) -> Option<ObjectKind> {
    ObjectKind::ALL
        .into_iter()
        .find(|kind| object_kind_code(*kind) == code)
}
