//! From an answer that is an error, or from none, to what an operator reads.

use std::time::Duration;

use super::fault;
use super::http::{Answer, NoAnswer};
use super::patience::Outcome;
use crate::cloud::CloudError;

/// What a service that is overloaded and does not say for how long is given.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(60);

/// What came instead of a good answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// An error.
    Answer(Box<Answer>),
    /// Nothing.
    NoAnswer(NoAnswer),
}

impl Refusal {
    /// Tells a good answer from any other.
    pub(super) fn unless(
        is_good: impl Fn(u16) -> bool,
        answer: Result<Answer, NoAnswer>,
    ) -> Result<Answer, Self> {
        match answer {
            Ok(answer) if is_good(answer.status) => Ok(answer),
            Ok(answer) => Err(Self::Answer(Box::new(answer))),
            Err(no_answer) => Err(Self::NoAnswer(no_answer)),
        }
    }

    /// The HTTP status code, if there was an answer.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Answer(answer) => Some(answer.status),
            Self::NoAnswer(_) => None,
        }
    }

    /// Whether it is an error that Keystone itself wrote.
    pub(super) fn is_of_keystone(&self) -> bool {
        let Self::Answer(answer) = self else {
            return false;
        };
        fault::is_of_keystone(answer.status, &answer.body)
    }

    /// What decides on another try.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            // A proxy waited for the service in vain.
            Self::Answer(answer) if answer.status == 504 => Outcome::Slow,
            Self::Answer(answer) => Outcome::Refusal {
                status: answer.status,
                retry_after: answer.retry_after,
            },
            // It would be as long again.
            Self::NoAnswer(NoAnswer::TooLong) => Outcome::Final,
            Self::NoAnswer(NoAnswer::Slow(_)) => Outcome::Slow,
            Self::NoAnswer(NoAnswer::Broken(_)) => Outcome::NoAnswer,
            Self::NoAnswer(NoAnswer::Unconnected(_)) => Outcome::Unsent,
        }
    }

    /// Whether a question for less may have an answer.
    pub(super) fn is_too_much(&self) -> bool {
        matches!(self, Self::NoAnswer(NoAnswer::TooLong)) || matches!(self.outcome(), Outcome::Slow)
    }

    /// The error, when there is no other try.
    pub(super) fn into_error(self, endpoint: &str, what: String) -> CloudError {
        let endpoint = endpoint.to_owned();
        match self {
            Self::Answer(answer) => error(endpoint, what, &answer),
            Self::NoAnswer(
                NoAnswer::Unconnected(reason) | NoAnswer::Broken(reason) | NoAnswer::Slow(reason),
            ) => CloudError::Unreachable {
                endpoint,
                reason: format!("{what}: {reason}"),
            },
            Self::NoAnswer(NoAnswer::TooLong) => CloudError::Malformed {
                endpoint,
                what,
                reason: NoAnswer::too_long(),
            },
        }
    }
}

fn error(endpoint: String, what: String, answer: &Answer) -> CloudError {
    let status = answer.status;
    let reason = match &answer.location {
        Some(to) if (300..400).contains(&status) => {
            format!("it points to {to}, and redirects are not followed")
        }
        _ => fault::message(&answer.body),
    };
    match (status, answer.retry_after) {
        (401, _) => CloudError::Unauthorized { endpoint, reason },
        (403, _) => CloudError::Forbidden {
            endpoint,
            what,
            reason,
        },
        (409, _) => CloudError::Conflict {
            endpoint,
            what,
            reason,
        },
        (413 | 503, Some(retry_after)) => CloudError::Throttled {
            endpoint,
            retry_after,
        },
        (429, retry_after) => CloudError::Throttled {
            endpoint,
            retry_after: retry_after.unwrap_or(RETRY_AFTER_DEFAULT),
        },
        _ => CloudError::Status {
            endpoint,
            what,
            status,
            reason,
        },
    }
}
