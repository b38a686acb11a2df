//! Where an agent's session is.

use crate::ids::HubId;
use crate::wire::frame::Refusal;

/// Where the session is, for status and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Not connected; the last attempt's failure, if there was one.
    Waiting {
        /// Why.
        reason: Option<String>,
        /// The hub's word, if it refused.
        refusal: Option<Refusal>,
    },
    /// A connection is being made.
    Dialing,
    /// The hub has been greeted.
    Greeting,
    /// The hub waits for its administrator.
    Pending,
    /// Feeds flow.
    Following {
        /// The hub.
        hub: Option<HubId>,
        /// Its epoch.
        epoch: u64,
    },
    /// Over.
    Stopped,
}

impl Phase {
    /// Its name in metrics, status and documents.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Dialing => "dialing",
            Self::Greeting => "greeting",
            Self::Pending => "pending",
            Self::Following { .. } => "following",
            Self::Stopped => "stopped",
        }
    }
}
