//! Why a visitor does not get what it asked for, from whatever went wrong.

use std::time::Duration;

use shared::runtime::errors::chain;
use shared::wire::Text;
use shared::wire::frame::{Denial, Denied};

use crate::cloud::AccountError;
use crate::join::JoinError;

/// An adoption takes some seconds; one that goes on is over then.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// Why not, in a word and for an administrator.
#[derive(Debug)]
pub(super) struct No {
    pub(super) denial: Denial,
    pub(super) reason: String,
    pub(super) wait: Duration,
}

impl No {
    pub(super) fn new(denial: Denial, reason: impl ToString) -> Self {
        Self {
            denial,
            reason: reason.to_string(),
            wait: Duration::ZERO,
        }
    }

    pub(super) fn unreadable(reason: impl ToString) -> Self {
        Self::new(Denial::Unreadable, reason)
    }

    pub(super) fn busy() -> Self {
        Self {
            wait: BUSY_WAIT,
            ..Self::new(
                Denial::Busy,
                "another adoption of this agent is going on; try again in some seconds",
            )
        }
    }

    pub(super) fn too_many(wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000);
        let reason = format!(
            "too many accounts were refused here lately, so that this one was not even looked at; \
             try again in {seconds} s"
        );
        Self {
            wait,
            ..Self::new(Denial::TooMany, reason)
        }
    }

    /// What is said of it.
    pub(super) fn frame(&self) -> Denied<'_> {
        let millis = self.wait.as_millis();
        Denied {
            code: self.denial.code(),
            reason: Text::cut(&self.reason),
            retry_after_ms: u32::try_from(millis).unwrap_or(u32::MAX),
        }
    }
}

impl From<AccountError> for No {
    fn from(error: AccountError) -> Self {
        let denial = match &error {
            AccountError::Refused(_) => Denial::Account,
            AccountError::NotAdministrator(_) => Denial::NotAdministrator,
            AccountError::Unanswered(_) => Denial::Cloud,
        };
        Self::new(denial, error)
    }
}

impl From<JoinError> for No {
    fn from(error: JoinError) -> Self {
        let denial = match &error {
            JoinError::NoAddress
            | JoinError::Unreachable(_)
            | JoinError::Unanswered { .. }
            | JoinError::Pin(_) => Denial::Hub,
            JoinError::Refused { .. }
            | JoinError::OtherFederation { .. }
            | JoinError::Unreadable { .. }
            | JoinError::OutOfTurn { .. } => Denial::Join,
            _ => Denial::Agent,
        };
        Self::new(denial, chain(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_denial_says_what_it_is_and_when_to_come_again() {
        let no = No::too_many(Duration::from_millis(41_200));
        let frame = no.frame();
        assert_eq!(Denial::from_code(frame.code), Denial::TooMany);
        assert!(frame.reason.as_str().contains("in 42 s"), "{frame:?}");
        assert_eq!(frame.retry_after_ms, 41_200);
        let long = No::unreadable("é".repeat(4000));
        assert!(long.frame().reason.as_str().len() <= 512);
        assert_eq!(No::from(JoinError::NoAddress).denial, Denial::Hub);
    }
}
