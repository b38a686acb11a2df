//! Whether somebody is an administrator of a cloud: asked of the cloud itself, once.

use std::fmt;

use zeroize::Zeroizing;

/// An account of somebody who says that he administers the cloud. It is an authorization: nothing
/// of it is kept, and it is wiped when it is dropped.
#[derive(Clone)]
pub struct Account {
    /// The account's name.
    pub user: Zeroizing<String>,
    /// Its password.
    pub password: Zeroizing<String>,
    /// The account's domain, by name; the cloud's default one if not given.
    pub user_domain: Option<String>,
    /// The project in which it is an administrator; the agent's own if not given.
    pub project: Option<String>,
    /// The project's domain, by name.
    pub project_domain: Option<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(…)")
    }
}

/// Why an account is not taken for an administrator's. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The cloud does not know it with this password.
    #[error("{0}")]
    Refused(String),
    /// It is somebody, but no administrator.
    #[error("{0}")]
    NotAdministrator(String),
    /// The cloud gives no answer by which it could be told.
    #[error("{0}")]
    Unanswered(String),
}
