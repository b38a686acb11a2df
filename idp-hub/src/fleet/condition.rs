//! A region's state at one moment.

use shared::model::UnixMillis;

use super::Reason;

/// A region's state, as its light in the console shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It is on its way, and nobody need do anything but where the reason says so.
    Connecting,
    /// It is heard, and everything that it should tell is known.
    Healthy,
    /// It is heard, but something of it is failing, missing or getting old.
    Degraded,
    /// It is not heard. What is shown of it is what it last told.
    Unreachable,
    /// It was removed a moment ago.
    Removed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Connecting,
        Self::Healthy,
        Self::Degraded,
        Self::Unreachable,
        Self::Removed,
    ];

    /// The word in REST, metrics and logs. Never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unreachable => "unreachable",
            Self::Removed => "removed",
        }
    }
}

/// A state with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The state.
    pub state: State,
    /// Why it is in it.
    pub reason: Reason,
    /// Names and figures that belong to the reason, in English; may be empty.
    pub detail: String,
    /// Since when state and reason are these.
    pub since: UnixMillis,
}
