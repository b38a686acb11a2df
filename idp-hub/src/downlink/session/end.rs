//! How a session ends, and who is told what of it.

use shared::link::hub::Closed;
use shared::pki::PeerIdentity;
use shared::runtime::errors::chain;
use shared::transport::{CloseCode, Loss, ReadError};
use shared::wire::frame::{Goodbye, Refusal};

use super::{Driver, tell_fleet};
use crate::authority::NotAdmitted;
use crate::downlink::{Downlink, Offence};
use crate::fleet;

/// Why a session is over.
pub(super) enum End {
    /// Decided.
    Closed(Closed),
    /// The connection went, with what the transport knows of it.
    Lost(Loss),
    /// The agent ended the control stream, or takes nothing any more.
    Mute(&'static str),
    /// The peer did what no agent does.
    Fault(CloseCode, String),
    /// The certificate ran out, and no new one was asked for.
    Expired,
    /// The hub stops.
    Stopping,
}

impl End {
    pub(super) fn told(&self) -> (CloseCode, String) {
        let (code, reason) = match self {
            Self::Closed(Closed::Silent) => (CloseCode::Silent, ""),
            Self::Closed(Closed::Refused(_)) => (CloseCode::Refused, ""),
            Self::Closed(_) | Self::Lost(_) => (CloseCode::Done, ""),
            Self::Mute(reason) => (CloseCode::Slow, *reason),
            Self::Fault(code, reason) => (*code, reason.as_str()),
            Self::Expired => (CloseCode::Expired, ""),
            Self::Stopping => (CloseCode::Stopping, ""),
        };
        (code, reason.to_owned())
    }

    /// Which rule the agent broke, and how, where that is why the session ends.
    pub(super) fn offence(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Fault(_, reason) => Some(("faults", reason)),
            Self::Mute(reason) => Some(("silence", *reason)),
            Self::Closed(Closed::NoGreeting) => Some(("silence", "it never said Hello")),
            Self::Closed(Closed::Refused(refusal)) => Some(match refusal {
                Refusal::Protocol => ("faults", "it breaks the protocol, or its feeds can't agree"),
                Refusal::Version => ("version", "no protocol version in common"),
                Refusal::Federation => ("allegiance", "it follows another federation"),
                Refusal::StaleEpoch => ("epoch", "it follows a hub that came after this one"),
                // Told by whoever decided so.
                Refusal::Removed | Refusal::Unknown | Refusal::Busy | Refusal::Other(_) => {
                    return None;
                }
            }),
            Self::Expired => Some(("certificate", "it has run out and was not renewed")),
            Self::Closed(_) | Self::Lost(_) | Self::Stopping => None,
        }
    }

    /// How the agent took its leave, if it did.
    pub(super) const fn goodbye(&self) -> Option<Goodbye> {
        match self {
            Self::Closed(Closed::AgentStopping) => Some(Goodbye::Stopping),
            Self::Closed(Closed::AgentLeaving) => Some(Goodbye::Leaving),
            _ => None,
        }
    }

    /// Nothing of a hub that stops: its regions are as they were.
    pub(super) fn for_fleet(self) -> Option<fleet::Ended> {
        Some(match self {
            Self::Closed(why) => fleet::Ended::Closed(why),
            Self::Lost(loss) => fleet::Ended::Lost(loss.to_string()),
            Self::Mute(reason) => fleet::Ended::Lost(reason.to_owned()),
            Self::Fault(_, reason) => fleet::Ended::Lost(reason),
            Self::Expired => fleet::Ended::Lost("its certificate has run out".to_owned()),
            Self::Stopping => return None,
        })
    }
}

/// Tells the fleet of a connection that was no session yet: why its region is not there. Only who
/// holds the region's registered key speaks for it; another key of it is noted, and no more.
pub(super) async fn before_it_began(downlink: &Downlink, peer: &PeerIdentity, end: End) {
    let Some(why @ fleet::Ended::Closed(_)) = end.for_fleet() else {
        return tracing::debug!("a connection never became a session");
    };
    let told = match downlink.authority.admit(peer).await {
        Ok(region) => fleet::Input::Refused { no: region.no, why },
        Err(NotAdmitted::OtherKey { no }) => {
            let key = peer.fingerprint();
            fleet::Input::OtherKey { no, key }
        }
        // Nobody's region, or none that can be told apart now; the log and the metrics have it.
        Err(_) => return,
    };
    tell_fleet(downlink, told).await;
}

impl From<ReadError> for End {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Lost(loss) => Self::Lost(loss),
            fault => {
                let code = fault.close_code().unwrap_or(CloseCode::Protocol);
                Self::Fault(code, chain(&fault).to_string())
            }
        }
    }
}

impl Driver<'_> {
    /// Tells the log, once for each offender in a while.
    pub(super) fn note(&self, end: &End) {
        let Some((rule, error)) = end.offence().filter(|_| !self.noted) else {
            return;
        };
        let (remote, peer) = (self.connection.remote(), self.connection.identity().peer());
        let offence = Offence::Session(peer, rule);
        if let Some(silenced) = self
            .downlink
            .offences
            .admit(self.downlink.clock.now(), offence)
        {
            tracing::warn!(%remote, %peer, error, silenced, "a session was ended for its {rule}");
        }
    }
}
