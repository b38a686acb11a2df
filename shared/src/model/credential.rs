//! A credential for one cloud, on its way to the agent that is to sign in with it.

use std::fmt;

use zeroize::Zeroizing;

/// As whom an agent is to sign in at its cloud. Lives as shortly as may be: its secrets are wiped
/// when it is dropped, and it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub enum CloudCredential {
    /// An application credential (Identity API v3.10): it brings its project along.
    Application {
        /// Its id.
        id: String,
        /// Its secret.
        secret: Zeroizing<String>,
    },
    /// An account and its password, in a project. What is not given is as until now where the
    /// agent signs in by an account, and else as `keystone-manage bootstrap` calls it.
    Password {
        /// The account's name.
        user: String,
        /// Its password.
        password: Zeroizing<String>,
        /// The account's domain.
        user_domain: Option<NamedDomain>,
        /// The project in which it is an administrator, by name.
        project: Option<String>,
        /// The project's domain.
        project_domain: Option<NamedDomain>,
    },
}

/// A domain of Keystone as somebody names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedDomain {
    /// By its id, such as `default`.
    Id(String),
    /// By its name, such as `Default`.
    Name(String),
}

/// Why a text is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialFault {
    /// A part is missing.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A part is longer than Keystone keeps it.
    #[error("{what} has more than {bytes_max} bytes")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// The most bytes that it may have.
        bytes_max: usize,
    },
}

impl CloudCredential {
    /// The longest name or id, in bytes: Keystone's columns hold 255 characters.
    pub const NAME_BYTES_MAX: usize = 1020;

    /// The longest secret, in bytes: Keystone's own limit for passwords is 4,096 at most
    /// (`[identity] max_password_length`).
    pub const SECRET_BYTES_MAX: usize = 4096;

    /// The word for its kind, for an audit trail.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Application { .. } => "application-credential",
            Self::Password { .. } => "password",
        }
    }

    /// Whether all of it is there, and no longer than it may be.
    ///
    /// # Errors
    /// The first part that is not.
    pub fn check(&self) -> Result<(), CredentialFault> {
        match self {
            Self::Application { id, secret } => {
                part("the application credential's id", id, Self::NAME_BYTES_MAX)?;
                part("the secret", secret, Self::SECRET_BYTES_MAX)
            }
            Self::Password {
                user,
                password,
                user_domain,
                project,
                project_domain,
            } => {
                part("the account's name", user, Self::NAME_BYTES_MAX)?;
                part("the password", password, Self::SECRET_BYTES_MAX)?;
                let optional = [
                    (
                        "the account's domain",
                        user_domain.as_ref().map(NamedDomain::text),
                    ),
                    ("the project", project.as_deref()),
                    (
                        "the project's domain",
                        project_domain.as_ref().map(NamedDomain::text),
                    ),
                ];
                for (what, text) in optional {
                    if let Some(text) = text {
                        part(what, text, Self::NAME_BYTES_MAX)?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl NamedDomain {
    /// The id or the name.
    pub fn text(&self) -> &str {
        match self {
            Self::Id(text) | Self::Name(text) => text,
        }
    }
}

fn part(what: &'static str, text: &str, bytes_max: usize) -> Result<(), CredentialFault> {
    match text.len() {
        0 => Err(CredentialFault::Empty(what)),
        bytes if bytes > bytes_max => Err(CredentialFault::TooLong { what, bytes_max }),
        _ => Ok(()),
    }
}

impl fmt::Debug for CloudCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloudCredential({}, not shown)", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(user: &str, password: &str) -> CloudCredential {
        CloudCredential::Password {
            user: user.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            user_domain: Some(NamedDomain::Id("default".to_owned())),
            project: None,
            project_domain: None,
        }
    }

    #[test]
    fn what_is_missing_or_too_long_is_named_and_no_secret_is_shown() {
        assert_eq!(password("admin", "hush").check(), Ok(()));
        let told = |it: CloudCredential| it.check().unwrap_err().to_string();
        assert_eq!(told(password("", "hush")), "the account's name is empty");
        assert_eq!(told(password("admin", "")), "the password is empty");
        let long = "x".repeat(CloudCredential::SECRET_BYTES_MAX + 1);
        assert_eq!(
            told(password("admin", &long)),
            "the password has more than 4096 bytes"
        );
        let shown = format!("{:?}", password("admin", "hush"));
        assert!(!shown.contains("hush"), "{shown}");
    }
}
