//! How a session ends, and who is told what of it.

use shared::link::hub::Closed;
use shared::runtime::errors::chain;
use shared::transport::{CloseCode, Loss, ReadError};

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
