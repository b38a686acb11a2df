//! Why a cloud could not be read, or not be changed.

use std::time::Duration;

use shared::model::ServiceKind;

/// Why a cloud could not be read. Each says what to do next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CloudError {
    /// No answer: refused, no route, time-out, TLS.
    #[error("{endpoint} does not answer ({reason}); check that the service runs and is reachable")]
    Unreachable {
        /// Which address.
        endpoint: String,
        /// What the network says.
        reason: String,
    },
    /// Keystone gives no token for the agent's credential.
    #[error(
        "{endpoint} refuses {account} ({reason}): {means}; give the agent another credential with \
         `sp-agent credential set`"
    )]
    CredentialRefused {
        /// Which Keystone.
        endpoint: String,
        /// As whom the agent signs in.
        account: String,
        /// What Keystone says.
        reason: String,
        /// What that may mean.
        means: &'static str,
    },
    /// A service takes no token, also not a new one.
    #[error(
        "{endpoint} refuses the token that Keystone gave ({reason}); check how that service \
         validates tokens ([keystone_authtoken]), and prove it with `sp-agent check`"
    )]
    Unauthorized {
        /// Which address.
        endpoint: String,
        /// What the service says.
        reason: String,
    },
    /// The credential lacks a right.
    #[error(
        "{endpoint} forbids {what} ({reason}); the agent's account needs an administrator role"
    )]
    Forbidden {
        /// Which address.
        endpoint: String,
        /// What was asked.
        what: String,
        /// What the service says.
        reason: String,
    },
    /// The service asks for patience, beyond what was waited already.
    #[error("{endpoint} is overloaded; asked to wait {} s", retry_after.as_secs())]
    Throttled {
        /// Which address.
        endpoint: String,
        /// How long it asked to wait.
        retry_after: Duration,
    },
    /// What was to be made or renamed takes the place of something that is there.
    #[error(
        "{endpoint} refuses {what}, which conflicts with what is there ({reason}); rename one of \
         the two, or remove it"
    )]
    Conflict {
        /// Which address.
        endpoint: String,
        /// What was asked.
        what: String,
        /// What the service says.
        reason: String,
    },
    /// No call can do this, or none that the agent makes. Nobody was asked.
    #[error("the agent does not {what}: {reason}")]
    Refused {
        /// What was ordered.
        what: String,
        /// Why it is not done, and what to do instead.
        reason: String,
    },
    /// What was to be purged is not empty, or not switched off. Nothing was deleted.
    #[error(
        "{what} is not deleted: it has {found}; delete or move that in the cloud, and it is tried \
         again by itself"
    )]
    Occupied {
        /// What was to be purged.
        what: String,
        /// What is in it, and how many of each.
        found: String,
    },
    /// An answer that is an error.
    #[error("{endpoint} answers {what} with HTTP {status} ({reason}); see that service's log")]
    Status {
        /// Which address.
        endpoint: String,
        /// What was asked.
        what: String,
        /// HTTP status code.
        status: u16,
        /// What the service says, cut short.
        reason: String,
    },
    /// An answer that does not say what it should.
    #[error("{endpoint} answers {what} with what can't be read: {reason}")]
    Malformed {
        /// Which address.
        endpoint: String,
        /// What was asked.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The catalog has no such service.
    #[error("this cloud's catalog has no {} service", service.name())]
    Missing {
        /// Which service.
        service: ServiceKind,
    },
    /// Its organization is not this agent's to change.
    #[error("this kind of cloud has no organization that can be changed")]
    Unmanaged,
    /// Nobody takes the pages any more: the agent stops.
    #[error("reading was broken off because the agent stops")]
    Stopped,
}

impl CloudError {
    /// As it is, but for a "not found" that is not about the thing itself: what was asked for may
    /// be there. `why` goes on behind what was answered.
    pub(in crate::cloud) fn not_mistaken(self, why: &str) -> Self {
        match self {
            Self::Status {
                endpoint,
                what,
                status: 404,
                reason,
            } => Self::Malformed {
                endpoint,
                what,
                reason: format!("HTTP 404 ({reason}){why}"),
            },
            error => error,
        }
    }
}
