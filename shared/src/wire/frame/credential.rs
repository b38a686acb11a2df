//! Frames of a call that gives an agent another credential for its cloud, and the credential as it
//! is before it is sealed.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::model::{CloudCredential, NamedDomain, SEALED_CREDENTIAL_BYTES_MAX, UnixMillis};
use crate::wire::codec::{self, DecodeError, EncodeError};
use crate::wire::v1::{Message, Name};
use crate::wire::{Bytes, Text};

/// Gives an agent a credential.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Give<'a> {
    #[serde(borrow)]
    sealed: Bytes<'a, SEALED_CREDENTIAL_BYTES_MAX>,
    by: Name<'a>,
}

impl<'a> Give<'a> {
    /// A sealed credential, and who gives it; `None` if it is longer than anything that can be.
    pub fn new(sealed: &'a [u8], by: &'a str) -> Option<Self> {
        let sealed = Bytes::new(sealed)?;
        let by = Text::cut(by);
        Some(Self { sealed, by })
    }

    /// The credential, sealed.
    pub const fn sealed(&self) -> &'a [u8] {
        self.sealed.as_slice()
    }

    /// Who gives it, by the hub's word.
    pub fn by(&self) -> &str {
        self.by.as_str()
    }
}

/// What came of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// It works and is kept: the agent signs in with it from now on.
    Kept,
    /// Keystone refuses it.
    Refused,
    /// Keystone takes it, and it lacks a right that the agent needs.
    Lacking,
    /// The cloud gives no answer by which it could be told.
    Unanswered,
    /// The agent takes none from a hub, or not now.
    NotTaken,
}

/// What an agent says of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given<'a> {
    /// What came of it.
    pub fate: Fate,
    /// As whom it signs in, or why it is not kept.
    #[serde(borrow)]
    pub text: Message<'a>,
}

impl<'a> Given<'a> {
    /// What came of it, in words.
    pub fn new(fate: Fate, text: &'a str) -> Self {
        let text = Text::cut(text);
        Self { fate, text }
    }
}

type Secret<'a> = Text<'a, { CloudCredential::SECRET_BYTES_MAX }>;

/// A credential with the time at which it was sealed, so that it can't be given once more later.
#[derive(Serialize, Deserialize)]
struct SealedV1<'a> {
    at_ms: u64,
    #[serde(borrow)]
    credential: CredentialV1<'a>,
}

#[derive(Serialize, Deserialize)]
enum CredentialV1<'a> {
    Application(#[serde(borrow)] Name<'a>, Secret<'a>),
    Password(PasswordV1<'a>),
}

#[derive(Serialize, Deserialize)]
struct PasswordV1<'a> {
    #[serde(borrow)]
    user: Name<'a>,
    password: Secret<'a>,
    user_domain: Option<DomainV1<'a>>,
    project: Option<Name<'a>>,
    project_domain: Option<DomainV1<'a>>,
}

#[derive(Serialize, Deserialize)]
enum DomainV1<'a> {
    Id(#[serde(borrow)] Name<'a>),
    Name(Name<'a>),
}

impl fmt::Debug for CredentialV1<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialV1(…)")
    }
}

fn domain(it: &NamedDomain) -> DomainV1<'_> {
    match it {
        NamedDomain::Id(id) => DomainV1::Id(Text::cut(id)),
        NamedDomain::Name(name) => DomainV1::Name(Text::cut(name)),
    }
}

fn named(it: DomainV1<'_>) -> NamedDomain {
    match it {
        DomainV1::Id(id) => NamedDomain::Id(id.into_string()),
        DomainV1::Name(name) => NamedDomain::Name(name.into_string()),
    }
}

/// A credential's bytes, to be sealed `at` that time. They are wiped when dropped. It must have
/// been checked ([`CloudCredential::check`]): what is too long is cut.
///
/// # Errors
/// None that the types allow.
pub fn encode_credential(
    it: &CloudCredential,
    at: UnixMillis,
) -> Result<Zeroizing<Vec<u8>>, EncodeError> {
    let credential = match it {
        CloudCredential::Application { id, secret } => {
            CredentialV1::Application(Text::cut(id), Text::cut(secret))
        }
        CloudCredential::Password {
            user,
            password,
            user_domain,
            project,
            project_domain,
        } => CredentialV1::Password(PasswordV1 {
            user: Text::cut(user),
            password: Text::cut(password),
            user_domain: user_domain.as_ref().map(domain),
            project: project.as_deref().map(Text::cut),
            project_domain: project_domain.as_ref().map(domain),
        }),
    };
    let value = SealedV1 {
        at_ms: at.0,
        credential,
    };
    // With all its room from the beginning it leaves no smaller copy behind when it grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(SEALED_CREDENTIAL_BYTES_MAX));
    codec::encode_into(&value, &mut bytes)?;
    Ok(bytes)
}

/// Reads what was sealed, and when by the hub's clock.
///
/// # Errors
/// If it is no credential that this release knows.
pub fn decode_credential(bytes: &[u8]) -> Result<(CloudCredential, UnixMillis), DecodeError> {
    let SealedV1 { at_ms, credential } = codec::decode(bytes)?;
    let credential = match credential {
        CredentialV1::Application(id, secret) => CloudCredential::Application {
            id: id.into_string(),
            secret: Zeroizing::new(secret.into_string()),
        },
        CredentialV1::Password(it) => CloudCredential::Password {
            user: it.user.into_string(),
            password: Zeroizing::new(it.password.into_string()),
            user_domain: it.user_domain.map(named),
            project: it.project.map(Text::into_string),
            project_domain: it.project_domain.map(named),
        },
    };
    Ok((credential, UnixMillis(at_ms)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_credential_reads_what_it_writes_and_the_longest_can_be_sealed() {
        let name = "n".repeat(CloudCredential::NAME_BYTES_MAX);
        let secret = Zeroizing::new("s".repeat(CloudCredential::SECRET_BYTES_MAX));
        let longest = CloudCredential::Password {
            user: name.clone(),
            password: secret.clone(),
            user_domain: Some(NamedDomain::Id(name.clone())),
            project: Some(name.clone()),
            project_domain: Some(NamedDomain::Name(name.clone())),
        };
        let application = CloudCredential::Application { id: name, secret };
        for it in [longest, application] {
            it.check().unwrap();
            let at = UnixMillis(u64::MAX);
            let bytes = encode_credential(&it, at).unwrap();
            assert_eq!(decode_credential(&bytes).unwrap(), (it, at));
            assert!(
                bytes.len() < SEALED_CREDENTIAL_BYTES_MAX - 49,
                "{}",
                bytes.len()
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_credential_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = decode_credential(&bytes);
        }
    }
}
