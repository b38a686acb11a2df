//! What callers do wrong, in the log: once for each of them and each kind of thing, however often
//! it happens.

use std::mem::Discriminant;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::pki::Peer;
use shared::runtime::logs::LogLimiter;
use shared::transport::{Loss, TransportError};

use crate::authority::{NotAdmitted, Refused};

/// A refused agent asks again for as long as it runs; the log hears of it once in this time.
const WINDOW: Duration = Duration::from_secs(600);

/// Offences that are told apart: more than a fleet commits.
const OFFENCES_MAX: usize = 16_384;

/// What was done, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Offence {
    /// A TLS handshake failed with this alert.
    Handshake(IpAddr, u8),
    /// A link without a certificate that names its holder.
    NoIdentity(IpAddr),
    /// A join or recovery was refused.
    Join(IpAddr, Discriminant<Refused>),
    /// A join's request can't be read.
    Unreadable(IpAddr),
    /// A member is not admitted.
    NotAdmitted(Peer, Discriminant<NotAdmitted>),
    /// A region asked for another certificate, and did not get it; its session goes on.
    Renewal(Peer, Discriminant<Refused>),
    /// A member's session broke a rule, which has this name.
    Session(Peer, &'static str),
    /// A region has more to report than it may have here.
    Full(Peer),
    /// A region sends more samples than any agent does.
    Thinned(Peer),
}

impl Offence {
    /// What a failed handshake is; nothing where nobody has shown that he is there. Strangers send
    /// first packets all day, and a lost line is no offence.
    pub(super) fn of_handshake(error: &TransportError) -> Option<Self> {
        match error {
            TransportError::Identity { remote, .. } => Some(Self::NoIdentity(remote.ip())),
            TransportError::Handshake {
                remote,
                source: Loss::Handshake { alert, .. },
            } => Some(Self::Handshake(remote.ip(), *alert)),
            _ => None,
        }
    }
}

/// Which offences the log has heard of. Cheap to clone.
#[derive(Clone)]
pub(super) struct Offences(Arc<Mutex<LogLimiter<Offence>>>);

impl Default for Offences {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LogLimiter::new(WINDOW, OFFENCES_MAX))))
    }
}

impl Offences {
    /// How many were left out since the last one, if this one may be logged.
    pub(super) fn admit(&self, now: Instant, offence: Offence) -> Option<u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .admit(now, offence)
    }
}
