//! Whether a region is there, and how it went.

use std::time::{Duration, Instant};

use shared::foreign;
use shared::link::hub::Closed;
use shared::wire::frame::{Goodbye, Refusal};

use super::{Ended, Reason};

/// The time for a region to come back after the hub's start, and to come at all after its join:
/// 10,000 agents that lose their hub at once are back within a minute.
pub(super) const RETURN_MAX: Duration = Duration::from_secs(60);

/// The time for an agent to come back whose session ended before our eyes: a restart takes a few
/// seconds, and a loss must be seen in less than fifteen.
pub(super) const RECONNECT_MAX: Duration = Duration::from_secs(10);

/// The most bytes kept of what a peer says, or a transport, which may quote its peer.
const TEXT_BYTES_MAX: usize = 512;

/// Whether a region is there.
#[derive(Debug)]
pub(super) enum Presence {
    /// It was not heard since the hub started, or since it joined.
    Awaited { reason: Reason, until: Instant },
    /// A session is open.
    Online { session: u64 },
    /// It was there, or knocked, and `gone` says why it is not now. Until `until` it may come back
    /// without a bell.
    Away { gone: Gone, until: Instant },
    /// It was removed.
    Removed { until: Instant },
}

/// How a region went.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) reason: Reason,
    pub(super) detail: String,
    /// It is likely to be back within [`RECONNECT_MAX`].
    pub(super) passing: bool,
}

impl From<Ended> for Gone {
    fn from(why: Ended) -> Self {
        let (reason, detail, passing) = match why {
            Ended::Lost(text) => (Reason::ConnectionLost, bounded(&text), true),
            // The hub waits for three heartbeats before it says so; there is no more to wait for.
            Ended::Closed(Closed::Silent) => (Reason::Silent, String::new(), false),
            Ended::Closed(Closed::NoGreeting) => (
                Reason::ProtocolError,
                "it connected, and did not greet".to_owned(),
                true,
            ),
            Ended::Closed(Closed::AgentStopping) => (Reason::AgentStopped, String::new(), true),
            Ended::Closed(Closed::AgentLeaving) => (Reason::AgentLeft, String::new(), false),
            Ended::Closed(Closed::Refused(refusal)) => return refusal.into(),
        };
        Self {
            reason,
            detail,
            passing,
        }
    }
}

impl From<Goodbye> for Gone {
    fn from(goodbye: Goodbye) -> Self {
        let why = match goodbye {
            Goodbye::Stopping => Closed::AgentStopping,
            Goodbye::Leaving => Closed::AgentLeaving,
        };
        Ended::Closed(why).into()
    }
}

impl From<Refusal> for Gone {
    fn from(refusal: Refusal) -> Self {
        let (reason, passing) = match refusal {
            Refusal::Version => (Reason::RefusedVersion, false),
            // Of a region that is not known nothing is shown.
            Refusal::Removed | Refusal::Unknown => (Reason::Removed, false),
            Refusal::Federation => (Reason::RefusedFederation, false),
            Refusal::StaleEpoch => (Reason::RefusedEpoch, false),
            Refusal::Busy => (Reason::HubBusy, true),
            Refusal::Protocol | Refusal::Other(_) => (Reason::ProtocolError, true),
        };
        Self {
            reason,
            detail: String::new(),
            passing,
        }
    }
}

/// What somebody else says, fit for one line on a screen.
pub(super) fn bounded(text: &str) -> String {
    let mut line = foreign::line(text);
    line.truncate(line.floor_char_boundary(TEXT_BYTES_MAX));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_made_the_transport_say_is_one_bounded_line() {
        let gone = Gone::from(Ended::Lost(format!("closed by peer:\n{}", "é".repeat(500))));
        assert!(
            gone.detail.starts_with("closed by peer: é"),
            "{}",
            gone.detail
        );
        assert!(gone.detail.len() <= TEXT_BYTES_MAX);
    }
}
