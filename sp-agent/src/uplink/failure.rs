//! Why there is no connection, or no longer one.

use std::time::Duration;

use shared::link::agent::Input;
use shared::runtime::errors::chain;
use shared::transport::{CloseCode, Loss, TransportError};
use shared::wire::Text;
use shared::wire::frame::{Control, Refusal, Refuse};

use crate::join::JoinError;

/// Why there is no connection, or no longer one; each but a refusal in words for the operator.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody answered, or the connection is gone.
    Lost(String),
    /// One side broke the protocol in the other's eyes.
    Faulted(String),
    /// The hub takes this agent's certificate for one that has expired or does not count yet.
    OutOfDate(String),
    /// The hub gives the bound key no other certificate.
    Refused {
        /// In a word.
        refusal: Refusal,
        /// What is wrong and what to do.
        reason: String,
        /// Not before this again.
        wait: Duration,
    },
}

impl Failure {
    /// Of a connection that was one.
    pub(super) fn ended(loss: &Loss) -> Self {
        match loss {
            Loss::ByPeer { code, .. } | Loss::Here { code, .. } if *code == CloseCode::Protocol => {
                Self::Faulted(loss.to_string())
            }
            loss if loss.is_out_of_date() => Self::OutOfDate(loss.to_string()),
            loss => Self::Lost(loss.to_string()),
        }
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        let reason = chain(&error).to_string();
        match error {
            TransportError::Handshake { source: loss, .. } | TransportError::Lost(loss)
                if loss.is_out_of_date() =>
            {
                Self::OutOfDate(reason)
            }
            _ => Self::Lost(reason),
        }
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        let reason = chain(&error).to_string();
        match error {
            JoinError::Refused { refusal, wait, .. } => Self::Refused {
                refusal,
                reason,
                wait,
            },
            _ => Self::Lost(reason),
        }
    }
}

impl From<Failure> for Input<'static> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Lost(reason) | Failure::OutOfDate(reason) => Self::Disconnected(reason),
            Failure::Faulted(reason) => Self::Faulted(reason),
            Failure::Refused {
                refusal,
                reason,
                wait,
            } => Self::Frame(Control::Refuse(Refuse {
                code: refusal.code(),
                reason: Text::cut_owned(reason),
                retry_after_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX),
            })),
        }
    }
}
