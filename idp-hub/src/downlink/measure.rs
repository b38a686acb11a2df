//! What the link tells whoever scrapes. Labels are words from here, never a peer's.

use metrics::{counter, gauge};
use shared::transport::{Listener, TransportError};

use crate::authority::NotAdmitted;

const HANDSHAKES_REFUSED: &str = "idp_hub_handshakes_refused_total";
const SESSIONS_REFUSED: &str = "idp_hub_sessions_refused_total";

/// Every reason counted here, so that those that never were are told as 0: a rate can only be
/// taken of what was there before.
const HANDSHAKE_REASONS: [&str; 6] = [
    "tls",
    "stalled",
    "no-identity",
    "joins-full",
    "protocol",
    "other",
];

/// The same of sessions.
const SESSION_REASONS: [&str; 7] = [
    "federation",
    "no-region",
    "removed",
    "unknown",
    "other-key",
    "certificate-time",
    "store",
];

/// Nothing has happened yet.
pub(super) fn begin() {
    for reason in HANDSHAKE_REASONS {
        counter!(HANDSHAKES_REFUSED, "reason" => reason).increment(0);
    }
    for reason in SESSION_REASONS {
        counter!(SESSIONS_REFUSED, "reason" => reason).increment(0);
    }
    sessions(0);
}

/// What goes on at the door.
pub(super) fn door(listener: &Listener) {
    let counts = listener.counts();
    gauge!("idp_hub_connections").set(listener.connections() as f64);
    gauge!("idp_hub_handshakes").set(counts.handshakes as f64);
    gauge!("idp_hub_handshakes_waiting").set(counts.waiting as f64);
    for (reason, count) in [
        ("connections-full", counts.ignored),
        ("too-many-wait", counts.displaced),
        ("waited-too-long", counts.late),
        ("join-gave-way", counts.joins_displaced),
    ] {
        counter!(HANDSHAKES_REFUSED, "reason" => reason).absolute(count);
    }
    counter!("idp_hub_handshakes_retried_total").absolute(counts.retried);
}

/// A handshake led to nothing.
pub(super) fn refused(error: &TransportError) {
    let [tls, stalled, identity, joins, protocol, other] = HANDSHAKE_REASONS;
    let reason = match error {
        TransportError::Handshake { .. } => tls,
        TransportError::Stalled { .. } => stalled,
        TransportError::Identity { .. } => identity,
        TransportError::JoinsFull { .. } => joins,
        TransportError::Protocol { .. } => protocol,
        _ => other,
    };
    counter!(HANDSHAKES_REFUSED, "reason" => reason).increment(1);
}

/// An agent got no session.
pub(super) fn not_admitted(error: &NotAdmitted) {
    let [
        federation,
        no_region,
        removed,
        unknown,
        other_key,
        time,
        store,
    ] = SESSION_REASONS;
    let reason = match error {
        NotAdmitted::Federation => federation,
        NotAdmitted::NotRegion => no_region,
        NotAdmitted::Removed => removed,
        NotAdmitted::Unknown => unknown,
        NotAdmitted::OtherKey { .. } => other_key,
        NotAdmitted::OutsideValidity => time,
        NotAdmitted::Store(_) => store,
    };
    counter!(SESSIONS_REFUSED, "reason" => reason).increment(1);
}

/// So many sessions live.
pub(super) fn sessions(count: usize) {
    gauge!("idp_hub_sessions").set(count as f64);
}
