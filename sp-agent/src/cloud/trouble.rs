//! Whose trouble it is that something of a cloud fails. Pure.

use super::CloudError;

/// Whose trouble it is that something of a cloud can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The service's, or the way's there: it may pass.
    Service,
    /// The service's, which takes no token, not even a new one.
    Token,
    /// The credential's: Keystone gives no token for it.
    Credential,
    /// The account's: it lacks a right.
    Rights,
}

impl From<&CloudError> for Trouble {
    fn from(error: &CloudError) -> Self {
        match error {
            CloudError::CredentialRefused { .. } => Self::Credential,
            CloudError::Unauthorized { .. } => Self::Token,
            CloudError::Forbidden { .. } => Self::Rights,
            _ => Self::Service,
        }
    }
}
